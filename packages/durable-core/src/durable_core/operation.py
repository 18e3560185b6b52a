"""``Operation``: what the methods of an async context return."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Never, TypeVar

from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import NOT_AT_HAND, perform, recall
from durable_core.errors import ContextMisuseError

T_co = TypeVar("T_co", covariant=True)


class Operation(Coroutine[object, Never, T_co]):
    """An operation that has taken its place and waits to be awaited, once.

    ``await`` it, or give it to ``asyncio.gather``, ``asyncio.create_task`` or ``TaskGroup.create_task``.
    """

    __slots__ = ("_awaited", "_kind", "_work")

    is_durable_operation = True

    def __init__(self, kind: Kind[T_co]) -> None:
        self._kind = kind
        self._awaited = False
        self._work: Generator[object, Never, T_co] | None = None
        kind.lane.scope.placed.add(kind)

    @property
    def name(self) -> str | None:
        """Its name, as it is recorded."""
        return self._kind.name

    @property
    def operation_id(self) -> str:
        """Its id, as it is recorded."""
        return self._kind.id

    def __await__(self) -> Generator[object, Never, T_co]:
        if self._awaited:
            raise ContextMisuseError(f"{self} is awaited a second time; keep its result, or await one task twice")
        self._awaited = True
        kind = self._kind
        kind.lane.scope.placed.discard(kind)
        result = recall(kind)
        if result is not NOT_AT_HAND:
            return result
        try:
            return (yield from perform(kind).__await__())
        finally:
            self._close_operands()

    def send(self, value: Never) -> object:
        """For the event loop, as a coroutine's."""
        return self._working().send(value)

    def throw(self, *error: Any) -> object:
        """For the event loop, as a coroutine's."""
        if self._work is None:
            self._close_operands()
        work = self._working()
        self._awaited = True  # what is thrown into a generator at first ends it before it runs
        return work.throw(*error)

    def close(self) -> None:
        """For the event loop, as a coroutine's."""
        self._kind.lane.scope.placed.discard(self._kind)
        if self._work is not None:
            self._work.close()
        else:
            self._close_operands()

    def _close_operands(self) -> None:
        """What was placed for its sake is never to run either."""
        for each in self._kind.operands():
            if isinstance(each, Operation) and not each._awaited and each._work is None:
                each.close()

    def _working(self) -> Generator[object, Never, T_co]:
        if self._work is None:
            self._kind.lane.scope.placed.discard(self._kind)  # a generator that is thrown into at first never runs
            self._work = self.__await__()
        return self._work

    def __str__(self) -> str:
        return f"{self._kind} ({self._kind.line})"

    def __repr__(self) -> str:
        return f"<Operation {self} {self.operation_id}>"
