"""``ctx.all``, ``ctx.any``, ``ctx.race`` and ``ctx.all_settled``: many outcomes taken as one, and recorded as such.

One STEP operation, whose payload says which operands decided; their values are read from their own records. Its
operands have their places before it. It is recorded before what it does not need is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from durable_core._core.clock import ended
from durable_core._core.identity import hashed
from durable_core._core.rebuilding import Family, rebuild
from durable_core._runtime.group import Outcome
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import unexpected
from durable_core._wire.shapes import Operation, OperationType
from durable_core.errors import (
    AllFailedError,
    ChildContextError,
    NonDeterministicExecutionError,
    OperationError,
    ValidationError,
)
from durable_core.operations.functions import checked_name
from durable_core.results import BatchItem, BatchResult, CompletionReason, ItemStatus

Outcomes = Sequence[Outcome | None]
"""The operands that are over, each at its index; ``None`` for the others."""


class Decision(Struct, frozen=True):
    """What a combinator came to."""

    statuses: str
    """A letter for each operand: ``S``, ``F``, or ``.`` for one that was not over."""
    winner: int | None = None
    """The operand whose outcome is that of the combinator, if it is one."""

    @property
    def needed(self) -> set[int]:
        """The operands that have to be over before it can be given again."""
        if self.winner is not None:
            return {self.winner}
        return {index for index, letter in enumerate(self.statuses) if letter != "."}


class _Ballot:
    """The plan of a combinator: all operands run, until one *settles* it, or those that are *recorded* are over."""

    def __init__(self, operands: Sequence[Any], settles: Callable[[Outcome], bool], recorded: Decision | None) -> None:
        self._settles = settles
        self._recorded = recorded
        self.decision: Decision | None = None
        self.outcomes: list[Outcome | None] = [None] * len(operands)
        self._places: dict[Any, list[int]] = {}
        for index, operand in enumerate(operands):  # a task may be given twice
            self._places.setdefault(operand, []).append(index)
        self._left = iter(self._places)
        self._missing = set(range(len(operands))) if recorded is None else recorded.needed

    def is_done(self) -> bool:
        if self.decision is None and not self._missing:
            self.decision = self._recorded or Decision(self._statuses())
        return self.decision is not None

    def begin(self) -> Any:
        return next(self._left, None)

    def is_lost(self, operand: Any) -> bool:
        return self._recorded is not None and self._recorded.statuses[self._places[operand][0]] == "."

    def end(self, operand: Any, outcome: Outcome) -> None:
        for index in self._places[operand]:
            self.outcomes[index] = outcome
            self._missing.discard(index)
        if self._recorded is None and self._settles(outcome):
            self.decision = Decision(self._statuses(), self._places[operand][0])

    def _statuses(self) -> str:
        return "".join("." if each is None else "F" if _error(each) else "S" for each in self.outcomes)


class Combinator(Kind[Any]):
    """A STEP operation of this subtype; its kinds differ in when they are decided, and in what they give."""

    __slots__ = ("_ballot", "_operands", "shape")

    type: OperationType = "STEP"
    subtype = "Combinator"
    recorded = True
    called: str
    least = 0
    """How many operands it needs."""

    def __init__(self, operands: Sequence[Any], name: str | None) -> None:
        if len(operands) < self.least:
            raise ValidationError(f"{self.called} takes at least {self.least} operation, got none")
        self.name: str | None = checked_name(name)
        self._operands = operands
        self._ballot: _Ballot | None = None
        self.shape: Callable[[list[Any]], Sequence[Any]] = list
        """What many results come in."""

    def __str__(self) -> str:
        return f'{self.called} "{self.name}"' if self.name else self.called

    def is_over(self, entry: Operation) -> bool:
        return False  # its operands give the values, and have to be run or recalled for that

    def operands(self) -> Sequence[Any]:
        return self._operands

    def was_met(self, recorded: Container[str]) -> bool:
        """It has no record before it is decided; its operands have."""
        first = [id for each in self._operands if (id := _first_id(each)) is not None]
        return self.id in recorded or any(id in recorded for id in first)

    def recall(self, entry: Operation) -> Any:
        ballot = self._ballot
        assert ballot is not None, "it was run"
        assert ballot.decision is not None, "its plan is done"
        return self.value(ballot.decision, ballot.outcomes)

    async def run(self, entry: Operation | None) -> Operation:
        recorded = None if entry is None else self._recorded(entry)
        group = self.driver.group(self, self.lane.scope)
        try:
            self._ballot = await group.run(_Ballot(self._operands, self.settles, recorded))
        except asyncio.CancelledError:
            group.cancel()
            raise
        if entry is not None:
            group.cancel()
            await self.driver.turn(self.id, ended(entry))
            return entry
        if self.lane.scope.over:  # where it lost to another, it is not decided here either
            await unexpected(self)
        payload = msgspec.json.encode(self._ballot.decision).decode()
        return await self.driver.conclude(self.update("SUCCEED", Payload=payload), group.cancel)

    def _recorded(self, entry: Operation) -> Decision:
        decision = msgspec.json.decode(entry.get("StepDetails", {}).get("Result", ""), type=Decision)
        if len(decision.statuses) != len(self._operands):
            raise NonDeterministicExecutionError(
                f"{self.place} was recorded with {len(decision.statuses)} operations; the code now gives it "
                f"{len(self._operands)} ({self.line})"
            )
        return decision

    def settles(self, outcome: Outcome) -> bool:
        """Whether *outcome* decides, though others are not over."""
        raise NotImplementedError

    def value(self, decision: Decision, outcomes: Outcomes) -> Any:
        """Its result, or its error, raised; by default that of who won."""
        assert decision.winner is not None
        return _result(outcomes[decision.winner])


class All(Combinator):
    """The results of all operands; the first error ends it."""

    called = "all"

    def settles(self, outcome: Outcome) -> bool:
        return _error(outcome) is not None

    def value(self, decision: Decision, outcomes: Outcomes) -> Any:
        if decision.winner is not None:
            return super().value(decision, outcomes)
        return self.shape([_result(each) for each in outcomes])


class Any_(Combinator):  # noqa: N801 (``Any`` is taken)
    """The first result of an operand; only if all fail, an error."""

    called = "any"
    least = 1

    def settles(self, outcome: Outcome) -> bool:
        return _error(outcome) is None

    def value(self, decision: Decision, outcomes: Outcomes) -> Any:
        if decision.winner is not None:
            return super().value(decision, outcomes)
        errors = [error for each in outcomes if each is not None and (error := _error(each)) is not None]
        shown = "; ".join(f"{type(error).__name__}: {error}" for error in errors[:3])
        text = f"none of {len(errors)} operations succeeded: {shown}" + ("; …" if len(errors) > 3 else "")
        raise AllFailedError(text, operation_id=self.id, name=self.name) from errors[0]


class Race(Combinator):
    """The first outcome of an operand, whatever it is."""

    called = "race"
    least = 1

    def settles(self, outcome: Outcome) -> bool:
        return True


class AllSettled(Combinator):
    """What became of every operand."""

    called = "all_settled"

    def settles(self, outcome: Outcome) -> bool:
        return False

    def value(self, decision: Decision, outcomes: Outcomes) -> BatchResult[Any]:
        items = [self._item(index, each) for index, each in enumerate(outcomes)]
        return BatchResult(items, CompletionReason.ALL_COMPLETED)

    def _item(self, index: int, outcome: Outcome | None) -> BatchItem[Any]:
        error = None if outcome is None else _error(outcome)
        if error is None:
            return BatchItem(index, None, ItemStatus.SUCCEEDED, _result(outcome))
        if not isinstance(error, OperationError):
            entry: Operation = {"Id": self.id, "Type": "STEP", "Status": "FAILED", "StartTimestamp": 0}
            error = rebuild(ChildContextError, self.describe(error), entry, Family((type(error),)))
        return BatchItem(index, error.name, ItemStatus.FAILED, None, error)


def _first_id(operand: Any) -> str | None:
    """The id of an operand, or of the first operation in the lane of a task."""
    lane = getattr(operand, "lane", None)
    if isinstance(operand, asyncio.Future):
        return None if lane is None else hashed(f"{lane.prefix}1")
    found: str | None = getattr(operand, "operation_id", None) or getattr(operand, "id", None)
    return found


def _error(outcome: Outcome) -> BaseException | None:
    return asyncio.CancelledError("it was cancelled") if outcome.cancelled() else outcome.exception()


def _result(outcome: Outcome | None) -> Any:
    assert outcome is not None, "what decided is over"
    return outcome.result()
