"""What may follow what, as tables. A key that is absent is a rejection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from durable_core.spi import InvocationStatus, OperationAction, OperationStatus, OperationType
from durable_testing.service.facts import EventType, FactKind

NEW: Final = "NEW"
"""Where an operation is before anything was recorded of it."""

From = OperationStatus | Literal["NEW"]

MOVES: Final[Mapping[OperationType, Mapping[OperationAction, Mapping[From, OperationStatus]]]] = {
    "EXECUTION": {
        "SUCCEED": {"STARTED": "SUCCEEDED"},
        "FAIL": {"STARTED": "FAILED"},
    },
    "CONTEXT": {
        "START": {NEW: "STARTED"},
        "SUCCEED": {"STARTED": "SUCCEEDED"},
        "FAIL": {"STARTED": "FAILED"},
    },
    "STEP": {
        "START": {NEW: "STARTED", "READY": "STARTED"},
        "SUCCEED": {NEW: "SUCCEEDED", "STARTED": "SUCCEEDED", "READY": "SUCCEEDED"},
        "FAIL": {NEW: "FAILED", "STARTED": "FAILED", "READY": "FAILED"},
        "RETRY": {NEW: "PENDING", "STARTED": "PENDING", "READY": "PENDING"},
    },
    "WAIT": {
        "START": {NEW: "STARTED"},
        "CANCEL": {"STARTED": "CANCELLED"},
    },
    "CALLBACK": {
        "START": {NEW: "STARTED"},
    },
    "CHAINED_INVOKE": {
        "START": {NEW: "STARTED"},
    },
}
"""Where the handler's updates take an operation."""

OUTSIDE: Final[Mapping[OperationType, Mapping[From, frozenset[OperationStatus]]]] = {
    "EXECUTION": {"STARTED": frozenset({"TIMED_OUT", "STOPPED"})},
    "STEP": {"PENDING": frozenset({"READY"})},
    "WAIT": {"STARTED": frozenset({"SUCCEEDED"})},
    "CALLBACK": {"STARTED": frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT"})},
    "CHAINED_INVOKE": {"STARTED": frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"})},
}
"""Where time, callers of the API and invoked functions take one."""

OUTCOMES: Final[Mapping[FactKind, tuple[OperationType, OperationStatus]]] = {
    "ExecutionStarted": ("EXECUTION", "STARTED"),
    "ExecutionSucceeded": ("EXECUTION", "SUCCEEDED"),
    "ExecutionFailed": ("EXECUTION", "FAILED"),
    "ExecutionTimedOut": ("EXECUTION", "TIMED_OUT"),
    "ExecutionStopped": ("EXECUTION", "STOPPED"),
    "ExecutionSucceeding": ("EXECUTION", "SUCCEEDED"),
    "ExecutionFailing": ("EXECUTION", "FAILED"),
    "ContextStarted": ("CONTEXT", "STARTED"),
    "ContextSucceeded": ("CONTEXT", "SUCCEEDED"),
    "ContextFailed": ("CONTEXT", "FAILED"),
    "StepStarted": ("STEP", "STARTED"),
    "StepReady": ("STEP", "READY"),
    "StepSucceeded": ("STEP", "SUCCEEDED"),
    "StepFailed": ("STEP", "FAILED"),
    "WaitStarted": ("WAIT", "STARTED"),
    "WaitSucceeded": ("WAIT", "SUCCEEDED"),
    "WaitCancelled": ("WAIT", "CANCELLED"),
    "CallbackStarted": ("CALLBACK", "STARTED"),
    "CallbackSucceeded": ("CALLBACK", "SUCCEEDED"),
    "CallbackFailed": ("CALLBACK", "FAILED"),
    "CallbackTimedOut": ("CALLBACK", "TIMED_OUT"),
    "ChainedInvokeStarted": ("CHAINED_INVOKE", "STARTED"),
    "ChainedInvokeSucceeded": ("CHAINED_INVOKE", "SUCCEEDED"),
    "ChainedInvokeFailed": ("CHAINED_INVOKE", "FAILED"),
    "ChainedInvokeTimedOut": ("CHAINED_INVOKE", "TIMED_OUT"),
    "ChainedInvokeStopped": ("CHAINED_INVOKE", "STOPPED"),
}
"""What a fact makes of its operation. (A StepSucceeded or StepFailed that names a delay makes it PENDING.)"""

ENDINGS: Final[Mapping[OperationStatus, EventType]] = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "STOPPED": "ExecutionStopped",
}
"""The event that closes an execution."""

OVER: Final[frozenset[OperationStatus]] = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT", "STOPPED"})
"""Where an operation stays for ever."""

PARKED: Final[frozenset[tuple[OperationType, OperationStatus]]] = frozenset(
    {("STEP", "PENDING"), ("WAIT", "STARTED"), ("CALLBACK", "STARTED"), ("CHAINED_INVOKE", "STARTED")}
)
"""What an invocation that answers PENDING may be waiting for."""

KINDS: Final[Mapping[tuple[OperationType, OperationStatus], FactKind]] = {
    outcome: kind for kind, outcome in OUTCOMES.items()
}
"""The fact that takes an operation somewhere. (For EXECUTION, the last of the two that do: its event follows later.)"""

PROGRESS: Final[frozenset[FactKind]] = frozenset(
    KINDS[type_, to]
    for type_, moves in MOVES.items()
    for ends in moves.values()
    for to in ends.values()
    if to != "PENDING"
)
"""What a handler records, as against what happens to it: an invocation that recorded something was not in vain."""

# "backoff" is no operation's: it is the pause between a failed invocation and the next.
Cause = Literal["backoff", "deadline", "heartbeat", "limit", "retry", "wait"]

Seconds = Literal["ExecutionTimeout", "NextAttemptDelaySeconds", "Duration", "Timeout", "HeartbeatTimeout"]

ALARMS: Final[Mapping[tuple[OperationType, OperationStatus], Mapping[Cause, Seconds]]] = {
    ("EXECUTION", "STARTED"): {"limit": "ExecutionTimeout"},
    ("STEP", "PENDING"): {"retry": "NextAttemptDelaySeconds"},
    ("WAIT", "STARTED"): {"wait": "Duration"},
    ("CALLBACK", "STARTED"): {"deadline": "Timeout", "heartbeat": "HeartbeatTimeout"},
}
"""What time will do to an operation, and the detail of the fact before it that says after how many seconds."""

TIME: Final[Mapping[Cause, OperationStatus]] = {
    "deadline": "TIMED_OUT",
    "heartbeat": "TIMED_OUT",
    "limit": "TIMED_OUT",
    "retry": "READY",
    "wait": "SUCCEEDED",
}
"""Where it takes the operation then."""


COMMON: Final = frozenset({"Id", "Type", "Action", "ParentId", "Name", "SubType"})
"""The members that every update may carry."""


class Fields(NamedTuple):
    """Which other members an update carries: some must be there, some may, and exactly one of some."""

    must: frozenset[str]
    one_of: frozenset[str]
    all: frozenset[str]


def _fields(*, must: Iterable[str] = (), may: Iterable[str] = (), one_of: Iterable[str] = ()) -> Fields:
    return Fields(frozenset(must), frozenset(one_of), COMMON.union(must, may, one_of))


CARRIES: Final[Mapping[tuple[OperationType, OperationAction], Fields]] = {
    ("EXECUTION", "SUCCEED"): _fields(may=["Payload"]),
    ("EXECUTION", "FAIL"): _fields(may=["Error"]),
    ("CONTEXT", "START"): _fields(),
    ("CONTEXT", "SUCCEED"): _fields(may=["Payload", "ContextOptions"]),
    ("CONTEXT", "FAIL"): _fields(may=["Error"]),
    ("STEP", "START"): _fields(),
    ("STEP", "SUCCEED"): _fields(may=["Payload"]),
    ("STEP", "FAIL"): _fields(may=["Error"]),
    ("STEP", "RETRY"): _fields(must=["StepOptions"], one_of=["Payload", "Error"]),
    ("WAIT", "START"): _fields(must=["WaitOptions"]),
    ("WAIT", "CANCEL"): _fields(),
    ("CALLBACK", "START"): _fields(may=["CallbackOptions"]),
    ("CHAINED_INVOKE", "START"): _fields(must=["ChainedInvokeOptions"], may=["Payload"]),
}
"""The members that an update carries besides those common to all."""

REPEATS: Final[frozenset[tuple[OperationType, OperationAction]]] = frozenset(
    {("STEP", "SUCCEED"), ("STEP", "FAIL"), ("STEP", "RETRY"), ("CONTEXT", "SUCCEED"), ("CONTEXT", "FAIL")}
)
"""What may follow a START of the same operation within one batch."""

ANSWERS: Final[Mapping[InvocationStatus, frozenset[str]]] = {
    "SUCCEEDED": frozenset({"Result"}),
    "FAILED": frozenset({"Error"}),
    "PENDING": frozenset(),
}
"""The member that an invocation's answer may carry besides its status."""
