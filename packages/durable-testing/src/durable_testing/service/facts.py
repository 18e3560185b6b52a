"""What happened in an execution, one fact after the other: the only thing that is kept; all else is derived from it.

Most facts are events of the API. The rest (`HiddenKind`) change something that the history does not show.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypedDict, get_args

from durable_core.spi import ErrorObject, OperationType

EventType = Literal[
    "ExecutionStarted",
    "ExecutionSucceeded",
    "ExecutionFailed",
    "ExecutionTimedOut",
    "ExecutionStopped",
    "ContextStarted",
    "ContextSucceeded",
    "ContextFailed",
    "WaitStarted",
    "WaitSucceeded",
    "WaitCancelled",
    "StepStarted",
    "StepSucceeded",
    "StepFailed",
    "ChainedInvokeStarted",
    "ChainedInvokeSucceeded",
    "ChainedInvokeFailed",
    "ChainedInvokeTimedOut",
    "ChainedInvokeStopped",
    "CallbackStarted",
    "CallbackSucceeded",
    "CallbackFailed",
    "CallbackTimedOut",
    "InvocationCompleted",
    "ExecutionPaused",
    "ExecutionResumed",
]

HiddenKind = Literal[
    "StepReady",  # a retry's delay is over
    "CallbackHeartbeat",
    "InvocationStarted",
    "InvocationDue",  # the pause after a failed invocation is over
    "ExecutionPausing",  # asked for; the running invocation has not reached its next checkpoint
    "ExecutionUnpausing",  # and taken back before it did
    "ExecutionSucceeding",  # recorded by the handler; the event follows when its invocation has ended
    "ExecutionFailing",
]

FactKind = EventType | HiddenKind

VISIBLE: Final[frozenset[str]] = frozenset(get_args(EventType))
"""The kinds that the history shows."""


class Subject(NamedTuple):
    """The operation that a fact is about, as it was started. All its facts share one."""

    id: str
    type: OperationType
    name: str | None = None
    sub_type: str | None = None
    parent_id: str | None = None


class Details(TypedDict, total=False):
    """The members of the API's ``…Details`` objects, payloads unwrapped and times in milliseconds."""

    Input: str
    Result: str
    Error: ErrorObject
    Duration: int
    ScheduledEndTimestamp: int
    CurrentAttempt: int
    NextAttemptDelaySeconds: int
    CallbackId: str
    Timeout: int
    HeartbeatTimeout: int
    FunctionName: str
    TenantId: str
    ExecutedVersion: str
    DurableExecutionArn: str
    ExecutionTimeout: int
    StartTimestamp: int
    EndTimestamp: int
    RequestId: str
    Reason: str
    PauseRequestTimestamp: int
    ResumeRequestTimestamp: int
    ExecutionTimeoutPaused: bool
    ReplayChildren: bool  # from here on: not in the API's events
    RetryDelay: int
    Idle: bool


class Fact(NamedTuple):
    """One thing that happened, at a millisecond since the epoch."""

    kind: FactKind
    at: int
    details: Details
    subject: Subject | None = None
