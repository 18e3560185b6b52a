"""What the bodies of operations may await. One implementation suspends a task, the other blocks a thread."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from durable_core._runtime.attempt import Attempt, Call
from durable_core._runtime.endings import Ending
from durable_core._runtime.group import Group
from durable_core._runtime.scope import Lane, Scope
from durable_core._wire.shapes import Operation, OperationUpdate

if TYPE_CHECKING:
    from durable_core._runtime.hooks import Around
    from durable_core._runtime.kind import Kind


class Seen(NamedTuple):
    """An outcome that the workflow saw."""

    operation_id: str
    status: str
    lane: str
    """The order that the operation has its place in: outcomes of one lane are always seen in the same order."""


class Driver(Protocol):
    """Carries operations through one invocation."""

    @property
    def ending(self) -> Ending | None:
        """How the invocation ended, once it has."""
        ...

    @property
    def see(self) -> Callable[[Seen], None] | None:
        """Told of every outcome, in the order in which the workflow sees them."""
        ...

    @property
    def alive(self) -> int:
        """How many tasks could run the workflow's code, or wake it; if one, it is always an outcome's turn."""
        ...

    def lane_here(self) -> Lane | None:
        """The lane whose own code calls this; ``None`` in a step, and on threads that are not the workflow's."""
        ...

    def begin(self, operation: Kind[Any]) -> Any:
        """Mark the caller as being in the middle of *operation*; ``ContextMisuseError`` where it cannot be."""
        ...

    def finish(self, begun: Any) -> None:
        """The operation that ``begin`` marked is over."""
        ...

    async def refuse(self) -> None:
        """Never return: the invocation has ended."""
        ...

    def post(self, update: OperationUpdate) -> None:
        """Have *update* recorded; nobody waits for it."""
        ...

    async def put(self, update: OperationUpdate) -> None:
        """Return when *update* is recorded; ``SizeLimitError`` if the service finds it too large."""
        ...

    async def conclude(self, update: OperationUpdate, then: Callable[[], None] | None = None) -> Operation:
        """Have an outcome recorded, and return it when it is its turn to be seen; *then* is called once it is queued.

        Where the workflow may run ahead of its record, that is at once. ``SizeLimitError`` as ``put``.
        """
        ...

    async def park(self, operation: Kind[Any]) -> Operation:
        """Wait for the outside world.

        Return the record when it is over and it is its turn to be seen, or when it is ready for its next attempt.
        """
        ...

    async def caught_up(self) -> None:
        """Return when no recorded outcome can be delivered any more: what is done from then on is new."""
        ...

    async def forever(self) -> None:
        """Wait until cancelled, without counting as parked."""
        ...

    async def turn(self, id: str, moment: int) -> None:
        """Return when it is the turn of an outcome to be seen, which the service dates *moment* (0: it did not say)."""
        ...

    async def abort(self, error: BaseException) -> None:
        """Never return: *error* is to leave the handler, and no code of the workflow runs any more."""
        ...

    def may_start(self) -> bool:
        """Whether there is time for a step before the deadline."""
        ...

    async def give_back(self) -> None:
        """Never return: end the invocation, so that Lambda calls again."""
        ...

    def group(self, operation: Kind[Any], scope: Scope) -> Group:
        """For operations of *scope* that are to run beside each other, while *operation* waits for them."""
        ...

    def call(self, call: Call) -> Coroutine[Any, Any, Attempt]:
        """Run the body of a step once."""
        ...

    async def enter(
        self, scope: Scope, func: Callable[..., Any], args: tuple[Any, ...], around: Around | None
    ) -> Attempt:
        """Run the body of a context to its end, and end with it what it left behind."""
        ...
