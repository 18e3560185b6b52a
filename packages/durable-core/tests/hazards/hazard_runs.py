"""Handlers in both flavours from one body, and executions whose invocations a test makes by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import blake2b
from typing import Any, cast

from durable_core import DurableFunction
from durable_core.spi import (
    BotoClient,
    DurableServiceClient,
    ErrorObject,
    InvocationAnswer,
    InvocationEvent,
    Operation,
    encode_json,
)
from durable_testing import DurableService, VirtualClock

Wrapper = Callable[[DurableServiceClient], DurableServiceClient]


class Deadline:
    """A Lambda context whose time is over in so many *seconds*."""

    aws_request_id = "11111111-2222-4333-8444-555555555555"

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.end - time.monotonic()) * 1000))


class Stage:
    """An execution of *handler*, invoked only when the test says so."""

    def __init__(
        self,
        handler: DurableFunction[Any],
        event: object = None,
        *,
        service: DurableService | None = None,
        client: Wrapper | None = None,
    ) -> None:
        self.handler = handler
        self.service = service or DurableService()
        plain: DurableServiceClient = BotoClient(self.service)
        self.client = plain if client is None else client(plain)
        self.arn = self.service.start("hazard", encode_json(event))

    def begin(self) -> InvocationEvent:
        """Begin an invocation, and give its event."""
        return self.service.begin_invocation(self.arn)

    def invoke(
        self, event: InvocationEvent | None = None, *, left: float | None = None, impatient: bool = True
    ) -> InvocationAnswer:
        """Call the handler, with *left* seconds to live, and tell the service what it answered or that it raised."""
        event = self.begin() if event is None else event
        context = None if left is None else Deadline(left)
        try:
            answer = self.handler.durable.invoke(event, context, client=self.client, impatient=impatient)
        except BaseException as error:
            self.service.fail_invocation(self.arn, {"ErrorType": type(error).__name__, "ErrorMessage": str(error)})
            raise
        self.service.complete_invocation(self.arn, answer)
        return answer

    def pass_time(self, duration: timedelta) -> None:
        """Let *duration* pass at the service."""
        assert isinstance(self.service.clock, VirtualClock)
        self.service.clock.advance(duration)
        self.service.tick()

    @property
    def operations(self) -> list[Operation]:
        """What is recorded, the EXECUTION left out."""
        return [each for each in self.service.operations(self.arn) if each["Type"] != "EXECUTION"]

    @property
    def statuses(self) -> dict[str, str]:
        """What is recorded, by name."""
        return {each.get("Name", each["Type"]): each["Status"] for each in self.operations}


def failure_of(answer: InvocationAnswer) -> ErrorObject:
    """The error of an *answer* that fails the execution."""
    assert answer["Status"] == "FAILED", answer
    return answer.get("Error", {})


def id_at_root(key: str) -> str:
    """The id of the operation with this place at the root: "1" is the first, "t2.1" the first of the second task."""
    return blake2b(key.encode()).hexdigest()[:64]


def recorded_step(number: int, name: str, **members: Any) -> Operation:
    """A STEP of the root as the service would show it."""
    return cast(
        "Operation",
        {
            "Id": id_at_root(str(number)),
            "Type": "STEP",
            "SubType": "Step",
            "Name": name,
            "Status": "SUCCEEDED",
            "StartTimestamp": 1_000 * number,
            "EndTimestamp": 1_000 * number + 500,
            **members,
        },
    )
