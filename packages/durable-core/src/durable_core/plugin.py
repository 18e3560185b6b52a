"""``DurablePlugin``: hooks that see what an invocation does, without changing it. Tracing is written on these alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from durable_core._wire.shapes import ErrorObject, OperationStatus, OperationType


class OperationInfo(Struct, frozen=True, kw_only=True):
    """An operation, as it is recorded."""

    operation_id: str
    operation_type: OperationType
    sub_type: str | None
    """``Step``, ``Wait``, ``Map``, ``MapIteration`` and so on."""
    name: str | None
    parent_id: str | None
    """The recorded context that it stands under; ``None`` at the root."""
    status: OperationStatus
    start_time: datetime | None = None
    """In UTC, by the service's clock; ``None`` where the service has not told yet."""
    end_time: datetime | None = None
    """Likewise; ``None`` unless it is over."""
    attempt: int | None = None
    """How many attempts of a STEP are recorded."""
    result: str | None = None
    """The recorded result, as text."""
    error: ErrorObject | None = None
    """The recorded error."""
    is_replayed: bool = False
    """Whether an earlier invocation began it."""


class InvocationStart(Struct, frozen=True, kw_only=True):
    """An invocation that begins."""

    execution_arn: str
    execution_name: str
    execution_start_time: datetime
    request_id: str | None
    """Lambda's id of the invocation."""
    is_first_invocation: bool
    """Whether nothing was recorded before."""
    operations: Mapping[str, OperationInfo]
    """What is recorded, by id: a view, to be read during the hook."""
    updated_operations: Mapping[str, OperationInfo]
    """What the service says has changed since the last invocation."""


class InvocationEnd(InvocationStart, frozen=True, kw_only=True):
    """An invocation whose answer is final."""

    status: Literal["SUCCEEDED", "FAILED", "PENDING", "RETRY"]
    """``PENDING``: it is suspended. ``RETRY``: it raised, so that Lambda calls again."""
    error: BaseException | None = None
    """Why it is ``FAILED`` or ``RETRY``."""


class OperationChange(Struct, frozen=True, kw_only=True):
    """What an answer of the service has told."""

    execution_arn: str
    updated_operations: Mapping[str, OperationInfo]
    """What is new, or has another status or attempt than before."""
    operations: Mapping[str, OperationInfo]
    """What is recorded, by id: a view, to be read during the hook."""


class AttemptStart(OperationInfo, frozen=True, kw_only=True):
    """A function of the user's that is about to run: a step's, a check's, or the body of a context.

    ``attempt`` is its number from 1, ``None`` for a context; ``start_time`` is when it begins, by this machine's clock.
    """

    is_replaying_children: bool = False
    """Whether its outcome is recorded, and it runs only to give a large result again."""
    is_recorded: bool = True
    """Whether the history has an operation for it: virtual contexts and flat branches have none."""


class AttemptEnd(AttemptStart, frozen=True, kw_only=True):
    """A function of the user's that has returned or raised."""

    outcome: Literal["SUCCEEDED", "FAILED"]
    exception: BaseException | None = None
    """What it raised, if it did."""


class DurablePlugin:
    """A base class of hooks that do nothing; override those that you need.

    ``@durable_execution(plugins=[Tracing])`` calls each factory with the ``InvocationStart``: there is one object for
    each invocation. Hooks are plain functions; what one raises is logged and ignored. Those of the invocation and of
    attempts run on the thread, and in the ``contextvars.Context``, of the user's code; those of operations run one at
    a time, in the order in which things happen. Keep them short: the workflow waits for them. An invocation that dies
    ends nothing: starts and attempts are told at least once, ends once unless a crash swallows one.
    """

    def __init__(self, start: InvocationStart) -> None:
        """Called as the factory, by default."""

    def on_invocation_start(self, info: InvocationStart) -> None:
        """An invocation begins; no code of the user's has run."""

    def on_invocation_end(self, info: InvocationEnd) -> None:
        """An invocation has ended, and its answer is final."""

    def on_operation_start(self, info: OperationInfo) -> None:
        """An operation is begun, or (``is_replayed``) met again before it is over; once in an invocation."""

    def on_operation_change(self, info: OperationChange) -> None:
        """The service has told of changes; its answer is known, and nobody has gone on with it yet."""

    def on_operation_end(self, info: OperationInfo) -> None:
        """An operation is known to be over, whoever ended it; once in an execution."""

    def on_attempt_start(self, info: AttemptStart) -> None:
        """A function of the user's is about to run."""

    def on_attempt_end(self, info: AttemptEnd) -> None:
        """A function of the user's has returned or raised; not called for one that was suspended or cancelled."""


PluginFactory = Callable[[InvocationStart], DurablePlugin]
"""Makes a plugin for one invocation; a class of ``DurablePlugin`` is one."""
