"""What the API's operations answer, in boto3's shapes. (Checkpoints and invocations: ``durable_core.spi``.)"""

from __future__ import annotations

from datetime import datetime
from typing import NotRequired, TypedDict

from durable_core.spi import ErrorObject, Operation
from durable_testing.service.facts import EventType
from durable_testing.service.state import ExecutionStatus


class Content(TypedDict, total=False):
    """A payload of an event; *Truncated* without one says that it was left out."""

    Payload: str
    Truncated: bool


class ErrorContent(TypedDict, total=False):
    """An error of an event."""

    Payload: ErrorObject
    Truncated: bool


class RetryDetails(TypedDict, total=False):
    """The attempt that ended, from 1, and the seconds to the next, if there is one."""

    CurrentAttempt: int
    NextAttemptDelaySeconds: int


class EventDetails(TypedDict, total=False):
    """The members of all the details of events; each kind of event has its own few."""

    Input: Content
    Result: Content
    Error: ErrorContent
    Reason: Content
    RetryDetails: RetryDetails
    Duration: int
    ScheduledEndTimestamp: datetime
    CallbackId: str
    Timeout: int
    HeartbeatTimeout: int
    FunctionName: str
    TenantId: str
    ExecutedVersion: str
    DurableExecutionArn: str
    ExecutionTimeout: int
    StartTimestamp: datetime
    EndTimestamp: datetime
    RequestId: str
    PauseRequestTimestamp: datetime
    ResumeRequestTimestamp: datetime
    ExecutionTimeoutPaused: bool


class Event(TypedDict):
    """One line of the history."""

    EventType: EventType
    EventId: int
    EventTimestamp: datetime
    Id: NotRequired[str]
    Name: NotRequired[str]
    SubType: NotRequired[str]
    ParentId: NotRequired[str]
    ExecutionStartedDetails: NotRequired[EventDetails]
    ExecutionSucceededDetails: NotRequired[EventDetails]
    ExecutionFailedDetails: NotRequired[EventDetails]
    ExecutionTimedOutDetails: NotRequired[EventDetails]
    ExecutionStoppedDetails: NotRequired[EventDetails]
    ContextStartedDetails: NotRequired[EventDetails]
    ContextSucceededDetails: NotRequired[EventDetails]
    ContextFailedDetails: NotRequired[EventDetails]
    WaitStartedDetails: NotRequired[EventDetails]
    WaitSucceededDetails: NotRequired[EventDetails]
    WaitCancelledDetails: NotRequired[EventDetails]
    StepStartedDetails: NotRequired[EventDetails]
    StepSucceededDetails: NotRequired[EventDetails]
    StepFailedDetails: NotRequired[EventDetails]
    ChainedInvokeStartedDetails: NotRequired[EventDetails]
    ChainedInvokeSucceededDetails: NotRequired[EventDetails]
    ChainedInvokeFailedDetails: NotRequired[EventDetails]
    ChainedInvokeTimedOutDetails: NotRequired[EventDetails]
    ChainedInvokeStoppedDetails: NotRequired[EventDetails]
    CallbackStartedDetails: NotRequired[EventDetails]
    CallbackSucceededDetails: NotRequired[EventDetails]
    CallbackFailedDetails: NotRequired[EventDetails]
    CallbackTimedOutDetails: NotRequired[EventDetails]
    InvocationCompletedDetails: NotRequired[EventDetails]
    ExecutionPausedDetails: NotRequired[EventDetails]
    ExecutionResumedDetails: NotRequired[EventDetails]


class ResponseMetadata(TypedDict):
    """What boto3 adds to every answer."""

    RequestId: str
    HTTPStatusCode: int
    HTTPHeaders: dict[str, str]
    RetryAttempts: int


class Response(TypedDict, total=False):
    """An answer that says nothing but that the request was taken."""

    ResponseMetadata: ResponseMetadata


class StateAnswer(Response):
    """A page of the operations that a replay needs."""

    Operations: list[Operation]
    NextMarker: NotRequired[str]


class HistoryAnswer(Response):
    """A page of the history."""

    Events: list[Event]
    NextMarker: NotRequired[str]


class Summary(TypedDict):
    """An execution, in a listing."""

    DurableExecutionArn: str
    DurableExecutionName: str
    FunctionArn: str
    Status: ExecutionStatus
    StartTimestamp: datetime
    EndTimestamp: NotRequired[datetime]


class ListAnswer(Response):
    """A page of executions."""

    DurableExecutions: list[Summary]
    NextMarker: NotRequired[str]


class DurableConfig(TypedDict, total=False):
    """The settings of the function that an execution runs under."""

    RetentionPeriodInDays: int
    ExecutionTimeout: int


class PauseDetails(TypedDict):
    """A pause that is asked for, or has begun."""

    PauseRequestTimestamp: datetime
    ExecutionTimeoutPaused: bool
    Reason: NotRequired[str]


class Description(Response, Summary):
    """An execution."""

    Version: str
    ExecutionDataIncluded: bool
    DurableConfig: DurableConfig
    InputPayload: NotRequired[str]
    Result: NotRequired[str]
    Error: NotRequired[ErrorObject]
    PauseDetails: NotRequired[PauseDetails]
    ExpectedExecutionTimeoutTimestamp: NotRequired[datetime]


class StopAnswer(Response):
    """When the execution was stopped, or had ended."""

    StopTimestamp: datetime


class DeleteAnswer(Response):
    """When the deletion was asked for."""

    DeletionRequestTimestamp: datetime
