"""How an invocation ends. The first ending stands, but a failure outweighs a suspension."""

from __future__ import annotations

from msgspec import Struct


class Suspension(Struct, frozen=True):
    """Nothing can go on without the outside world, or the service wants no more: the answer is PENDING."""

    why: str = "waiting"


class Breakdown(Struct, frozen=True):
    """Something failed that is not the workflow's business: the error is raised from the handler, or fails it."""

    error: BaseException


class Return(Struct, frozen=True):
    """The handler returned or raised; what its tasks still do is of no account."""


Ending = Suspension | Breakdown | Return
