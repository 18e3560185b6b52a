"""``ctx.all``, ``ctx.any``, ``ctx.race`` and ``ctx.all_settled``: many outcomes taken as one, and recorded as such.

One STEP operation, whose payload says which operands decided; their values are read from their own records. Its
operands have their places before it. It is recorded before what it does not need is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Never

import msgspec
from msgspec import Struct

from durable_core._core.clock import ended
from durable_core._core.rebuilding import Family, rebuild
from durable_core._runtime.ended import Ended
from durable_core._runtime.kind import Kind
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

Outcomes = Sequence["asyncio.Future[Any] | None"]
"""The operands that are over, each at its index; ``None`` for the others."""
Start = Callable[[], "list[asyncio.Future[Any]]"]
"""Lets the operands run."""


class Decision(Struct, frozen=True):
    """What a combinator came to."""

    statuses: str
    """A letter for each operand: ``S``, ``F``, or ``.`` for one that was not over."""
    winner: int | None = None
    """The operand whose outcome is that of the combinator, if it is one."""

    @property
    def needed(self) -> list[int]:
        """The operands that have to be over before it can be given again."""
        if self.winner is not None:
            return [self.winner]
        return [index for index, letter in enumerate(self.statuses) if letter != "."]


class Combinator(Kind[Any]):
    """A STEP operation of this subtype; its kinds differ in when they are decided, and in what they give."""

    __slots__ = ("_outcome", "_start", "_total", "shape")

    type: OperationType = "STEP"
    subtype = "Combinator"
    recorded = True
    least = 0
    """How many operands it needs."""

    def __init__(self, total: int, start: Start, name: str | None) -> None:
        if total < self.least:
            raise ValidationError(f"{self._called} takes at least {self.least} operation, got none")
        self.name: str | None = checked_name(name)
        self._total = total
        self._start = start
        self._outcome: Callable[[], Any] = _nothing
        self.shape: Callable[[list[Any]], Sequence[Any]] = list
        """What many results come in."""

    def __str__(self) -> str:
        return f'{self._called} "{self.name}"' if self.name else self._called

    @property
    def _called(self) -> str:
        return type(self).__name__.lower()

    def is_over(self, entry: Operation) -> bool:
        return False  # its operands give the values, and have to be run or recalled for that

    async def run_unrecorded(self) -> Never:
        raise AssertionError("it is always recorded")

    def recall(self, entry: Operation) -> Any:
        return self._outcome()

    async def run(self, entry: Operation | None) -> Operation:
        tasks = self._start()
        over = Ended()
        for task in tasks:
            task.add_done_callback(over.add)
        recorded = None if entry is None else _read(entry)
        outcomes: list[asyncio.Future[Any] | None] = [None] * len(tasks)
        try:
            while (decision := self._decided(outcomes, recorded)) is None:
                task = await over.next()
                outcomes[tasks.index(task)] = task
        except asyncio.CancelledError:
            _cancel(tasks)
            raise
        self._outcome = lambda: self.value(outcomes, decision)
        if entry is None:
            payload = msgspec.json.encode(decision).decode()
            await self.driver.conclude(self.update("SUCCEED", Payload=payload), lambda: _cancel(tasks))
            return self.entry()
        _cancel(tasks)
        await self.driver.turn(self.id, ended(entry))
        return entry

    def decide(self, outcomes: Outcomes) -> Decision | None:
        """What it comes to, once that is known."""
        raise NotImplementedError

    def value(self, outcomes: Outcomes, decision: Decision) -> Any:
        """Its result, or its error, raised."""
        raise NotImplementedError

    def _decided(self, outcomes: Outcomes, recorded: Decision | None) -> Decision | None:
        if recorded is None:
            return self.decide(outcomes)
        if len(recorded.statuses) != len(outcomes):
            raise NonDeterministicExecutionError(
                f"{self.place} was recorded with {len(recorded.statuses)} operations; the code now gives it "
                f"{len(outcomes)} ({self.line})"
            )
        return recorded if all(outcomes[index] is not None for index in recorded.needed) else None


class All(Combinator):
    """The results of all operands; the first error ends it."""

    def decide(self, outcomes: Outcomes) -> Decision | None:
        failed = next((index for index, each in enumerate(outcomes) if each is not None and _error(each)), None)
        if failed is not None:
            return Decision(_statuses(outcomes), failed)
        return Decision(_statuses(outcomes)) if all(each is not None for each in outcomes) else None

    def value(self, outcomes: Outcomes, decision: Decision) -> Any:
        if decision.winner is not None:
            return _result(outcomes[decision.winner])
        return self.shape([_result(each) for each in outcomes])


class Any_(Combinator):  # noqa: N801 (``Any`` is taken)
    """The first result of an operand; only if all fail, an error."""

    least = 1

    @property
    def _called(self) -> str:
        return "any"

    def decide(self, outcomes: Outcomes) -> Decision | None:
        won = next((index for index, each in enumerate(outcomes) if each is not None and not _error(each)), None)
        if won is not None:
            return Decision(_statuses(outcomes), won)
        return Decision(_statuses(outcomes)) if all(each is not None for each in outcomes) else None

    def value(self, outcomes: Outcomes, decision: Decision) -> Any:
        if decision.winner is not None:
            return _result(outcomes[decision.winner])
        errors = [error for each in outcomes if each is not None and (error := _error(each)) is not None]
        shown = "; ".join(f"{type(error).__name__}: {error}" for error in errors[:3])
        text = f"none of {len(errors)} operations succeeded: {shown}" + ("; …" if len(errors) > 3 else "")
        raise AllFailedError(text, operation_id=self.id, name=self.name) from errors[0]


class Race(Combinator):
    """The first outcome of an operand, whatever it is."""

    least = 1

    def decide(self, outcomes: Outcomes) -> Decision | None:
        first = next((index for index, each in enumerate(outcomes) if each is not None), None)
        return None if first is None else Decision(_statuses(outcomes), first)

    def value(self, outcomes: Outcomes, decision: Decision) -> Any:
        assert decision.winner is not None
        return _result(outcomes[decision.winner])


class AllSettled(Combinator):
    """What became of every operand."""

    @property
    def _called(self) -> str:
        return "all_settled"

    def decide(self, outcomes: Outcomes) -> Decision | None:
        return Decision(_statuses(outcomes)) if all(each is not None for each in outcomes) else None

    def value(self, outcomes: Outcomes, decision: Decision) -> BatchResult[Any]:
        items = [self._item(index, each) for index, each in enumerate(outcomes)]
        return BatchResult(items, CompletionReason.ALL_COMPLETED)

    def _item(self, index: int, outcome: asyncio.Future[Any] | None) -> BatchItem[Any]:
        error = None if outcome is None else _error(outcome)
        if error is None:
            return BatchItem(index, None, ItemStatus.SUCCEEDED, _result(outcome))
        if not isinstance(error, OperationError):
            entry: Operation = {"Id": self.id, "Type": "STEP", "Status": "FAILED", "StartTimestamp": 0}
            error = rebuild(ChildContextError, self.describe(error), entry, Family((type(error),)))
        return BatchItem(index, error.name, ItemStatus.FAILED, None, error)


def _statuses(outcomes: Outcomes) -> str:
    return "".join("." if each is None else "F" if _error(each) else "S" for each in outcomes)


def _error(outcome: asyncio.Future[Any]) -> BaseException | None:
    return asyncio.CancelledError("it was cancelled") if outcome.cancelled() else outcome.exception()


def _result(outcome: asyncio.Future[Any] | None) -> Any:
    assert outcome is not None, "what decided is over"
    return outcome.result()


def _cancel(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        if not task.done():
            task.cancel()


def _read(entry: Operation) -> Decision:
    return msgspec.json.decode(entry.get("StepDetails", {}).get("Result", ""), type=Decision)


def _nothing() -> Never:
    raise AssertionError("it is not decided")
