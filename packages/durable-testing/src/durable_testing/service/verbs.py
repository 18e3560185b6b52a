"""The API's operations, under the names and in the shapes of a boto3 Lambda client."""

# ruff: noqa: N803  # the parameters are named as boto3 names them

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar, cast

from durable_core.spi import CheckpointAnswer, ErrorObject, OperationUpdate
from durable_testing.service import callbacks
from durable_testing.service.answers import (
    DeleteAnswer,
    Description,
    HistoryAnswer,
    ListAnswer,
    Response,
    ResponseMetadata,
    StateAnswer,
    StopAnswer,
)
from durable_testing.service.arns import function_of
from durable_testing.service.checkpoints import checkpoint, read
from durable_testing.service.checks import check, check_error
from durable_testing.service.errors import EXCEPTIONS, Rejection, client_error
from durable_testing.service.facts import Details, Fact
from durable_testing.service.history import history_page
from durable_testing.service.lambda_side import LambdaSide
from durable_testing.service.lifecycle import pause, resume
from durable_testing.service.listing import Wanted, described, listed
from durable_testing.service.members import REQUESTS
from durable_testing.service.state import ExecutionStatus, State
from durable_testing.service.times import dated, detached, moment, since_epoch

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="DurableService")

Change = Callable[[State, Details, int], Fact]

ACCEPTED: Final = frozenset({"PauseDurableExecution", "ResumeDurableExecution", "DeleteDurableExecution"})
"""The operations that answer 202."""

PAGE: Final = 100
"""What a page holds if the request does not say, or says 0."""


def verb(operation: str) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Make a method an operation of the API: one at a time, its parameters checked, its errors and answers boto3's."""

    def made(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        request = REQUESTS[operation]
        status = 202 if operation in ACCEPTED else 200

        @wraps(method)
        def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if args:
                raise TypeError(f"{method.__name__}() only accepts keyword arguments.")
            with self.lock:
                try:
                    check(request, {name: value for name, value in kwargs.items() if value is not None})
                    answer = method(self, *args, **kwargs)
                except Rejection as rejection:
                    raise client_error(rejection, operation) from None
                cast(Response, answer)["ResponseMetadata"] = metadata(next(self.requests), status)
                return answer

        return call

    return made


def metadata(request: int, status: int) -> ResponseMetadata:
    """Give what boto3 adds to the answer of a request."""
    id_ = f"{request:08x}-0000-4000-8000-000000000000"
    return {"RequestId": id_, "HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}


class DurableService(LambdaSide):
    """The durable execution service of Lambda, in memory.

    It stands where a boto3 Lambda client is expected: the methods that begin with a verb of the API take and give what
    the client's do, and raise ``botocore.exceptions.ClientError``. The others are for the runner that calls functions.
    """

    exceptions: Final = EXCEPTIONS
    """The classes of the errors, as on a boto3 client."""

    @verb("CheckpointDurableExecution")
    def checkpoint_durable_execution(
        self,
        *,
        DurableExecutionArn: str,
        CheckpointToken: str,
        Updates: Sequence[OperationUpdate] | None = None,
        ClientToken: str | None = None,
    ) -> CheckpointAnswer:
        """Record a batch of updates, all or none, and tell what changed since the handler was last told.

        The token is spent and the next one given, unless the execution ended or is paused. The same call again, by its
        *ClientToken*, has the same answer again.
        """
        answer = checkpoint(self._executions, DurableExecutionArn, CheckpointToken, ClientToken, Updates or ())
        shown: CheckpointAnswer = {"NewExecutionState": {"Operations": [dated(each) for each in answer.operations]}}
        if answer.marker is not None:
            shown["NewExecutionState"]["NextMarker"] = answer.marker
        if answer.token is not None:
            shown["CheckpointToken"] = answer.token
        return shown

    @verb("GetDurableExecutionState")
    def get_durable_execution_state(
        self, *, DurableExecutionArn: str, CheckpointToken: str, Marker: str | None = None, MaxItems: int | None = None
    ) -> StateAnswer:
        """Give a page of the operations that a replay needs, or of those that an answer did not have room for."""
        page, following = read(self._executions, DurableExecutionArn, CheckpointToken, Marker, MaxItems or PAGE)
        answer: StateAnswer = {"Operations": [dated(each) for each in page.operations]}
        return answer if following is None else {**answer, "NextMarker": following}

    @verb("GetDurableExecution")
    def get_durable_execution(
        self, *, DurableExecutionArn: str, IncludeExecutionData: bool | None = None
    ) -> Description:
        """Describe an execution as it is now."""
        return described(self._executions.find(DurableExecutionArn), data=IncludeExecutionData is not False)

    @verb("GetDurableExecutionHistory")
    def get_durable_execution_history(
        self,
        *,
        DurableExecutionArn: str,
        IncludeExecutionData: bool | None = None,
        MaxItems: int | None = None,
        Marker: str | None = None,
        ReverseOrder: bool | None = None,
    ) -> HistoryAnswer:
        """Give a page of what happened, oldest first unless asked otherwise."""
        events, following = history_page(
            self._executions.find(DurableExecutionArn).state,
            Marker,
            MaxItems or PAGE,
            backwards=ReverseOrder is True,
            data=IncludeExecutionData is not False,
        )
        answer: HistoryAnswer = {"Events": events}
        return answer if following is None else {**answer, "NextMarker": following}

    @verb("ListDurableExecutionsByFunction")
    def list_durable_executions_by_function(
        self,
        *,
        FunctionName: str,
        Qualifier: str | None = None,
        DurableExecutionName: str | None = None,
        Statuses: Sequence[ExecutionStatus] | None = None,
        StartedAfter: datetime | float | None = None,
        StartedBefore: datetime | float | None = None,
        ReverseOrder: bool | None = None,
        Marker: str | None = None,
        MaxItems: int | None = None,
    ) -> ListAnswer:
        """Give a page of a function's executions, the youngest first unless asked otherwise."""
        self.tick()
        function = function_of(FunctionName)
        wanted = Wanted(
            function.name,
            Qualifier or function.qualifier,
            DurableExecutionName,
            frozenset(Statuses) if Statuses else None,
            since_epoch(StartedAfter) if StartedAfter is not None else None,
            since_epoch(StartedBefore) if StartedBefore is not None else None,
        )
        found = [execution for execution in self._executions.all if wanted.covers(execution)]
        page, following = listed(found, Marker, MaxItems or PAGE, youngest_first=ReverseOrder is not True)
        answer: ListAnswer = {"DurableExecutions": page}
        return answer if following is None else {**answer, "NextMarker": following}

    @verb("StopDurableExecution")
    def stop_durable_execution(self, *, DurableExecutionArn: str, Error: ErrorObject | None = None) -> StopAnswer:
        """End an execution as STOPPED; one that is over stays as it is."""
        execution = self._executions.find(DurableExecutionArn)
        if execution.state.ending is None:
            check_error(Error or {}, execution.state.origin.limits)
            self._executions.stop(execution, detached(Error or {}))
        return {"StopTimestamp": moment(execution.state.ended_at)}

    @verb("PauseDurableExecution")
    def pause_durable_execution(
        self,
        *,
        DurableExecutionArn: str,
        ClientToken: str | None = None,
        Reason: str | None = None,
        ExecutionTimeoutPaused: bool | None = None,
    ) -> Response:
        """Pause an execution: at once, or at the next checkpoint of the invocation that is running."""
        request: Details = {"ExecutionTimeoutPaused": ExecutionTimeoutPaused is not False}
        if Reason is not None:
            request["Reason"] = Reason
        return self._turn(DurableExecutionArn, ClientToken, pause, request)

    @verb("ResumeDurableExecution")
    def resume_durable_execution(
        self, *, DurableExecutionArn: str, ClientToken: str | None = None, Reason: str | None = None
    ) -> Response:
        """Let a paused execution go on; a pause that has not begun is taken back."""
        request: Details = {} if Reason is None else {"Reason": Reason}
        return self._turn(DurableExecutionArn, ClientToken, resume, request)

    @verb("DeleteDurableExecution")
    def delete_durable_execution(self, *, DurableExecutionArn: str) -> DeleteAnswer:
        """Forget an execution that is over, at once."""
        execution = self._executions.find(DurableExecutionArn)
        if execution.state.ending is None:
            raise Rejection(f"the execution is {execution.state.status}, not over", "ResourceConflictException")
        self._executions.forget(execution)
        return {"DeletionRequestTimestamp": moment(self.clock.now())}

    @verb("SendDurableExecutionCallbackSuccess")
    def send_durable_execution_callback_success(
        self, *, CallbackId: str, Result: bytes | bytearray | str | None = None
    ) -> Response:
        """Complete a callback with a payload, which is kept as it is."""
        callbacks.succeed(self._executions, CallbackId, Result)
        return {}

    @verb("SendDurableExecutionCallbackFailure")
    def send_durable_execution_callback_failure(self, *, CallbackId: str, Error: ErrorObject | None = None) -> Response:
        """Complete a callback with an error, which is kept as it is."""
        callbacks.fail(self._executions, CallbackId, Error or {})
        return {}

    @verb("SendDurableExecutionCallbackHeartbeat")
    def send_durable_execution_callback_heartbeat(self, *, CallbackId: str) -> Response:
        """Begin a callback's heartbeat timeout anew; without one, nothing changes."""
        callbacks.beat(self._executions, CallbackId)
        return {}

    def _turn(self, arn: str, client_token: str | None, change: Change, request: Details) -> Response:
        """Pause or resume, unless this very request was taken before."""
        execution = self._executions.find(arn)
        now = self._executions.advance(execution)
        asked = (change.__name__, request)
        if not execution.was_asked(client_token, asked, now):
            self._executions.record(execution, [change(execution.state, request, now)])
            execution.note(client_token, asked, now)
        return {}
