"""What the tests of the service share: a player of the handler's part, and updates in few words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from durable_core.spi import CheckpointAnswer, ErrorObject, InvocationEvent, OperationUpdate
from durable_testing.service import DEFAULT, DurableService, Limits, VirtualClock

OOPS: ErrorObject = {"ErrorType": "Oops", "ErrorMessage": "it broke"}


def update(action: str, type_: str, id_: str = "a", **members: Any) -> OperationUpdate:
    """One update, with what its type and action need filled in."""
    needed: dict[tuple[str, str], dict[str, Any]] = {
        ("RETRY", "STEP"): {"StepOptions": {"NextAttemptDelaySeconds": 5}},
        ("START", "WAIT"): {"WaitOptions": {"WaitSeconds": 5}},
        ("START", "CHAINED_INVOKE"): {"ChainedInvokeOptions": {"FunctionName": "other"}},
    }
    if (action, type_) == ("RETRY", "STEP") and not members.keys() & {"Payload", "Error"}:
        members["Error"] = OOPS
    given = {"Id": id_, "Type": type_, "Action": action, **needed.get((action, type_), {}), **members}
    return cast(OperationUpdate, given)


@contextmanager
def rejected(match: str | None = None, code: str = "InvalidParameterValueException") -> Iterator[None]:
    """The call in this block is refused with this code and a message that matches."""
    with pytest.raises(ClientError, match=match) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code


class Play:
    """One execution, and the part of its handler."""

    def __init__(self, *, limits: Limits = DEFAULT, payload: str = "{}", begin: bool = True, **start: Any) -> None:
        self.clock = VirtualClock()
        self.service = DurableService(clock=self.clock, limits=limits)
        self.arn = self.service.start("orders", payload, **start)
        self.token: str | None = None
        if begin:
            self.begin()

    def begin(self) -> InvocationEvent:
        """Begin an invocation."""
        event = self.service.begin_invocation(self.arn)
        self.token = event["CheckpointToken"]
        return event

    def record(self, *updates: OperationUpdate, client_token: str | None = None) -> CheckpointAnswer:
        """Record a batch, and hold the token that the answer gives."""
        assert self.token is not None
        answer = self.service.checkpoint_durable_execution(
            DurableExecutionArn=self.arn, CheckpointToken=self.token, Updates=updates, ClientToken=client_token
        )
        self.token = answer.get("CheckpointToken")
        return answer

    def suspend(self) -> None:
        """Answer PENDING."""
        self.service.complete_invocation(self.arn, {"Status": "PENDING"})

    def succeed(self, result: str = "null") -> None:
        """Answer SUCCEEDED."""
        self.service.complete_invocation(self.arn, {"Status": "SUCCEEDED", "Result": result})

    def crash(self) -> None:
        """End without an answer."""
        self.service.fail_invocation(self.arn, {"ErrorType": "Runtime.ExitError", "ErrorMessage": "exit 1"})

    def skip(self) -> None:
        """Let time pass to the next moment that matters."""
        alarm = self.service.next_alarm()
        assert alarm is not None
        self.clock.move_to(alarm)
        self.service.tick()

    def operation(self, id_: str = "a") -> dict[str, Any]:
        """An operation as it is now."""
        (found,) = (each for each in self.service.operations(self.arn) if each["Id"] == id_)
        return cast(dict[str, Any], found)

    def status(self, id_: str = "a") -> str:
        """Its status."""
        return str(self.operation(id_)["Status"])

    def is_due(self) -> bool:
        """Whether the execution is to be invoked."""
        return self.service.due(self.arn)

    @property
    def outcome(self) -> str:
        """The status of the execution."""
        return str(self.described["Status"])

    @property
    def described(self) -> dict[str, Any]:
        """What the API tells of the execution."""
        return cast(dict[str, Any], self.service.get_durable_execution(DurableExecutionArn=self.arn))

    @property
    def history(self) -> list[dict[str, Any]]:
        """All events."""
        answer = self.service.get_durable_execution_history(DurableExecutionArn=self.arn, MaxItems=1000)
        return cast(list[dict[str, Any]], answer["Events"])

    @property
    def story(self) -> list[str]:
        """The kinds of all events but the first."""
        return [event["EventType"] for event in self.history[1:]]


def told(answer: CheckpointAnswer) -> list[str]:
    """The ids of the operations that an answer tells of."""
    return [operation["Id"] for operation in answer["NewExecutionState"].get("Operations", [])]
