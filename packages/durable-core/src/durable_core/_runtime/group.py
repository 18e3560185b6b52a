"""Operations that run beside each other for one that waits for them: a fan-out or a combinator."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar


class Outcome(Protocol):
    """What became of one of them, once it is over: as much of ``asyncio.Future`` as is asked for here."""

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        ...

    def exception(self) -> BaseException | None:
        """What it raised, if it did."""
        ...

    def result(self) -> Any:
        """What it returned; what it raised is raised."""
        ...


class Plan(Protocol):
    """Which operations are to run, and when enough of them are over. It is asked by one thread at a time."""

    def is_done(self) -> bool:
        """Whether no outcome is wanted any more."""
        ...

    def begin(self) -> Any:
        """The next that is to run beside the others; ``None``: no further one for now."""
        ...

    def is_lost(self, operand: Any) -> bool:
        """Whether it is recorded that the plan was done without *operand*."""
        ...

    def end(self, operand: Any, outcome: Outcome) -> None:
        """Take note of what became of *operand*."""
        ...


P = TypeVar("P", bound=Plan)


class Group(Protocol):
    """Carries out a plan; one implementation has the operations in tasks, the other on threads."""

    async def run(self, plan: P) -> P:
        """Return when *plan* is done: that, or the one that was begun in its place before the thread was given back."""
        ...

    def cancel(self) -> None:
        """Give up all that are not over."""
        ...

    async def close(self) -> None:
        """Return when those that were given up have ended, as far as they can be waited for."""
        ...
