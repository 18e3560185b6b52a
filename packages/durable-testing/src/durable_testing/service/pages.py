"""Which operations an invocation is shown, and in which pages: the state for a replay, and what changed since."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from durable_core.spi import Operation
from durable_testing.service.errors import Rejection
from durable_testing.service.rules import OUTCOMES, OVER
from durable_testing.service.state import State

FRAME: Final = 256
"""What an operation takes of a page besides its payloads, roughly."""


class Page(NamedTuple):
    """Some operations, and where the next page begins."""

    operations: list[Operation]
    next: int | None


def state_page(state: State, first: int, most: int, *, may_be_empty: bool = False) -> Page:
    """Give the operations that a replay needs, in the order of their starts, from the *first*-th of all.

    A page holds one operation at least, however large; one that *may_be_empty* keeps to its size.
    """
    return _filled(state, needed(state, first), most, may_be_empty=may_be_empty)


def needed(state: State, first: int = 0) -> Iterator[tuple[int, str]]:
    """Give the places and ids of the operations that a replay needs.

    The children of a finished CONTEXT are left out, unless it and every finished one above it has ReplayChildren.
    """
    shown = Shown(state)
    for place in range(first, len(state.ids)):
        id_ = state.ids[place]
        if shown.covers(state.operations[id_]):
            yield place, id_


def changed_page(state: State, since: int, until: int, first: int, most: int) -> Page:
    """Give the operations that the facts from *since* up to *until* changed, as they are now, from the *first* on."""
    ids = changed(state, since, until)
    return _filled(state, islice(enumerate(ids), first, None), most)


def changed(state: State, since: int, until: int | None = None) -> list[str]:
    """Give the ids of the operations that the facts from *since* up to *until* changed, in the order of the changes."""
    ids = dict.fromkeys(
        fact.subject.id for fact in state.facts[since:until] if fact.subject is not None and fact.kind in OUTCOMES
    )
    ids.pop(state.origin.subject.id, None)
    return list(ids)


class Shown:
    """Which operations a replay needs; contexts are looked at once."""

    def __init__(self, state: State) -> None:
        self._operations = state.operations
        self._inside: dict[str | None, bool] = {None: True}

    def covers(self, operation: Operation) -> bool:
        """Whether a replay needs this operation."""
        above: list[str] = []
        parent = operation.get("ParentId")
        while parent not in self._inside:
            assert parent is not None
            above.append(parent)
            parent = self._operations[parent].get("ParentId")
        shown = self._inside[parent]
        for context in reversed(above):
            shown = shown and _keeps_children(self._operations[context])
            self._inside[context] = shown
        return shown


def _keeps_children(context: Operation) -> bool:
    return context["Status"] not in OVER or context.get("ContextDetails", {}).get("ReplayChildren", False)


def _filled(state: State, candidates: Iterable[tuple[int, str]], most: int, *, may_be_empty: bool = False) -> Page:
    taken: list[Operation] = []
    room = state.origin.limits.page
    for place, id_ in candidates:
        room -= state.sizes[id_] + FRAME
        if len(taken) == most or (room < 0 and (taken or may_be_empty)):
            return Page(taken, place)
        taken.append(state.operations[id_])
    return Page(taken, None)


def marker(*numbers: int) -> str:
    """Give an opaque text that stands for a place in a listing."""
    return base64.b64encode(".".join(map(str, numbers)).encode()).decode()


def numbers_of(text: str, *counts: int) -> tuple[int, ...]:
    """Give the numbers of which a marker was made; ``Rejection`` if it is none that this listing gives."""
    try:
        numbers = tuple(map(int, base64.b64decode(text, validate=True).decode("ascii").split(".")))
    except (binascii.Error, ValueError):
        numbers = ()
    if len(numbers) not in counts or min(numbers) < 0:
        raise Rejection(f"Marker {text!r} is not one that was given")
    return numbers
