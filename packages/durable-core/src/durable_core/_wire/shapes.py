"""The shapes of the Lambda durable execution API, as they stand on the wire.

Names and members are those of the API model (botocore 1.44, service ``lambda``, 2015-03-31). The SDK, the fake
service and the tests all read and write these dicts; nothing translates them into classes of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NotRequired, TypedDict

OperationType = Literal["EXECUTION", "CONTEXT", "STEP", "WAIT", "CALLBACK", "CHAINED_INVOKE"]
OperationAction = Literal["START", "SUCCEED", "FAIL", "RETRY", "CANCEL"]
OperationStatus = Literal["STARTED", "PENDING", "READY", "SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT", "STOPPED"]
InvocationStatus = Literal["SUCCEEDED", "FAILED", "PENDING"]

Timestamp = int | float | datetime
"""Milliseconds (``int``) in an invocation's event, seconds (``float``) in the API's JSON, ``datetime`` from boto3."""

TERMINAL: frozenset[str] = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT", "STOPPED"})
"""The statuses after which an operation never changes again."""


class ErrorObject(TypedDict, total=False):
    ErrorMessage: str
    ErrorType: str
    ErrorData: str
    StackTrace: list[str]


class ContextOptions(TypedDict, total=False):
    ReplayChildren: bool


class StepOptions(TypedDict, total=False):
    NextAttemptDelaySeconds: int


class WaitOptions(TypedDict, total=False):
    WaitSeconds: int


class CallbackOptions(TypedDict, total=False):
    TimeoutSeconds: int
    HeartbeatTimeoutSeconds: int


class ChainedInvokeOptions(TypedDict):
    FunctionName: str
    TenantId: NotRequired[str]
    XAmznTraceId: NotRequired[str]


class OperationUpdate(TypedDict):
    """One entry of ``CheckpointDurableExecution.Updates``: what the function asks the service to record."""

    Id: str
    Type: OperationType
    Action: OperationAction
    ParentId: NotRequired[str]
    Name: NotRequired[str]
    SubType: NotRequired[str]
    Payload: NotRequired[str]
    Error: NotRequired[ErrorObject]
    ContextOptions: NotRequired[ContextOptions]
    StepOptions: NotRequired[StepOptions]
    WaitOptions: NotRequired[WaitOptions]
    CallbackOptions: NotRequired[CallbackOptions]
    ChainedInvokeOptions: NotRequired[ChainedInvokeOptions]


class ExecutionDetails(TypedDict, total=False):
    InputPayload: str


class ContextDetails(TypedDict, total=False):
    ReplayChildren: bool
    Result: str
    Error: ErrorObject


class StepDetails(TypedDict, total=False):
    Attempt: int
    NextAttemptTimestamp: Timestamp
    Result: str
    Error: ErrorObject


class WaitDetails(TypedDict, total=False):
    ScheduledEndTimestamp: Timestamp


class CallbackDetails(TypedDict, total=False):
    CallbackId: str
    Result: str
    Error: ErrorObject


class ChainedInvokeDetails(TypedDict, total=False):
    Result: str
    Error: ErrorObject


class Operation(TypedDict):
    """What the service has recorded of one operation."""

    Id: str
    Type: OperationType
    Status: OperationStatus
    StartTimestamp: Timestamp
    EndTimestamp: NotRequired[Timestamp]
    ParentId: NotRequired[str]
    Name: NotRequired[str]
    SubType: NotRequired[str]
    ExecutionDetails: NotRequired[ExecutionDetails]
    ContextDetails: NotRequired[ContextDetails]
    StepDetails: NotRequired[StepDetails]
    WaitDetails: NotRequired[WaitDetails]
    CallbackDetails: NotRequired[CallbackDetails]
    ChainedInvokeDetails: NotRequired[ChainedInvokeDetails]


class ExecutionState(TypedDict):
    """A page of the operations of an execution; an absent or empty ``NextMarker`` is the last page."""

    Operations: NotRequired[list[Operation]]
    NextMarker: NotRequired[str | None]


class CheckpointAnswer(TypedDict):
    """The answer to a checkpoint. Without a token the function may record nothing more."""

    NewExecutionState: ExecutionState
    CheckpointToken: NotRequired[str]


class InvocationEvent(TypedDict):
    """The event with which Lambda calls a durable function."""

    DurableExecutionArn: str
    CheckpointToken: str
    InitialExecutionState: ExecutionState
    UpdatedOperationIds: NotRequired[list[str]]


class InvocationAnswer(TypedDict):
    """What a durable function answers to one invocation."""

    Status: InvocationStatus
    Result: NotRequired[str]
    Error: NotRequired[ErrorObject]
