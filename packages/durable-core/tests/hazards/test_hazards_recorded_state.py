"""The world fails: the recorded state comes in pages, in part, from elsewhere, or with words that nobody knows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

import pytest
from both_flavours import both_flavours, handler_of
from hazard_clients import Watched
from hazard_runs import Stage, failure_of, id_at_root, recorded_step

from durable_core import CheckpointError, DurableContext, DurableFunction, Duration, ServiceError
from durable_core.spi import ExecutionState, InvocationEvent, Operation
from durable_testing import DurableService
from durable_testing.service.limits import DEFAULT

BROKEN = ServiceError("ServiceException", "internal error", status=500)


def adding(flavour: str, ran: list[str]) -> DurableFunction[Any]:
    """Two steps that are recorded, and a third that is not."""

    async def body(ctx: DurableContext) -> int:
        ran.append("body")
        first = await ctx.step(forbidden, name="one")
        second = await ctx.step(forbidden, name="two")
        return await ctx.step(sum, [first, second], name="sum")

    return handler_of(flavour, body)


def forbidden() -> int:
    raise AssertionError("this step is recorded, and must not run")


def one_and_two() -> list[Operation]:
    return [
        recorded_step(1, "one", StepDetails={"Attempt": 1, "Result": "1"}),
        recorded_step(2, "two", StepDetails={"Attempt": 1, "Result": "2"}),
    ]


class Paged(Watched):
    """Gives the pages of state that a test has written down, each after as many failures."""

    pages: Mapping[str, tuple[list[Exception], ExecutionState]] = MappingProxyType({})

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        self.reads += 1
        troubles, page = self.pages[marker]
        if troubles:
            raise troubles.pop(0)
        return page


def paged(stage: Stage, first: list[Operation], **pages: tuple[list[Exception], ExecutionState]) -> InvocationEvent:
    """The event of an invocation whose state begins with *first* and goes on in *pages*."""
    event = stage.begin()
    markers = list(pages)
    event["InitialExecutionState"] = {"Operations": first, "NextMarker": markers[0]}
    assert isinstance(stage.client, Paged)
    stage.client.pages = pages
    for (_, page), following in zip(pages.values(), markers[1:], strict=False):
        page["NextMarker"] = following
    return event


def execution_of(stage: Stage) -> Operation:
    """The EXECUTION operation of the stage's execution."""
    operations = stage.begin()["InitialExecutionState"].get("Operations", [])
    return next(each for each in operations if each["Type"] == "EXECUTION")


@both_flavours
def test_the_first_page_may_be_empty_and_the_execution_stand_on_the_last(flavour: str) -> None:
    ran: list[str] = []
    stage = Stage(adding(flavour, ran), client=Paged)
    execution = execution_of(stage)
    one, two = one_and_two()
    event = paged(
        stage,
        [],
        second=([], {"Operations": [two]}),
        third=([], {}),
        fourth=([], {"Operations": [one, execution]}),
    )
    assert stage.invoke(event) == {"Status": "SUCCEEDED", "Result": "3"}


@both_flavours
def test_many_operations_in_small_pages_are_all_recalled(flavour: str) -> None:
    """The service itself cuts the state into pages of two."""
    service = DurableService(limits=replace(DEFAULT, page_operations=2))

    async def body(ctx: DurableContext) -> list[int]:
        found = [await ctx.step(abs, -number, name=f"n{number}") for number in range(9)]
        await ctx.wait(Duration.from_seconds(5))
        return found

    stage = Stage(handler_of(flavour, body), service=service)
    assert stage.invoke() == {"Status": "PENDING"}
    stage.pass_time(Duration.from_seconds(5))
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": "[0,1,2,3,4,5,6,7,8]"}


@both_flavours
def test_a_page_that_fails_and_passes_is_read_again(flavour: str) -> None:
    stage = Stage(adding(flavour, []), client=Paged)
    execution = execution_of(stage)
    event = paged(stage, [execution], rest=([BROKEN, BROKEN], {"Operations": one_and_two()}))
    assert stage.invoke(event)["Status"] == "SUCCEEDED"
    assert isinstance(stage.client, Paged)
    assert stage.client.reads == 3


@both_flavours
def test_no_code_of_the_workflow_runs_on_half_of_its_state(flavour: str) -> None:
    """A page that stays away; in real time: half a second."""
    ran: list[str] = []
    stage = Stage(adding(flavour, ran), client=Paged)
    execution = execution_of(stage)
    event = paged(stage, [execution], rest=([BROKEN] * 1_000, {}))
    began = time.monotonic()
    with pytest.raises(CheckpointError, match="internal error") as caught:
        stage.invoke(event, left=0.7)
    assert time.monotonic() - began < 0.7
    assert caught.value.__cause__ is BROKEN
    assert not ran


@both_flavours
def test_no_code_of_the_workflow_runs_where_its_state_is_refused(flavour: str) -> None:
    ran: list[str] = []
    stage = Stage(adding(flavour, ran), client=Paged)
    execution = execution_of(stage)
    denied = ServiceError("AccessDeniedException", "not allowed", status=403)
    event = paged(stage, [execution], rest=([denied], {}))
    answer = stage.invoke(event)
    assert answer["Status"] == "FAILED"
    assert "AccessDeniedException" in failure_of(answer).get("ErrorMessage", "")
    assert not ran


@both_flavours
def test_no_code_of_the_workflow_runs_without_an_execution_operation(flavour: str) -> None:
    ran: list[str] = []
    stage = Stage(adding(flavour, ran))
    event = stage.begin()
    event["InitialExecutionState"] = {"Operations": one_and_two()}
    with pytest.raises(CheckpointError, match="EXECUTION"):
        stage.invoke(event)
    assert not ran


@both_flavours
def test_no_code_of_the_workflow_runs_on_the_state_of_another_execution(flavour: str) -> None:
    ran: list[str] = []
    stage = Stage(adding(flavour, ran))
    other = Stage(adding(flavour, ran), "another", service=stage.service)
    event = stage.begin()
    event["InitialExecutionState"] = other.begin()["InitialExecutionState"]
    with pytest.raises(CheckpointError, match="EXECUTION"):
        stage.invoke(event)
    assert not ran


@both_flavours
def test_an_unknown_status_is_not_over(flavour: str) -> None:
    """A pause in a status of the future goes on being waited for."""

    async def body(ctx: DurableContext) -> str:
        await ctx.wait(Duration.from_seconds(5), name="pause")
        return "went on"

    stage = Stage(handler_of(flavour, body))
    event = stage.begin()
    hibernating: Any = {
        "Id": id_at_root("1"),
        "Type": "WAIT",
        "SubType": "Wait",
        "Name": "pause",
        "Status": "HIBERNATING",
        "StartTimestamp": 1,
    }
    event["InitialExecutionState"]["Operations"] = [
        *event["InitialExecutionState"].get("Operations", []),
        cast("Operation", hibernating),
    ]
    answer = stage.handler.durable.invoke(event, None, client=stage.client, impatient=True)
    assert answer == {"Status": "PENDING"}
    assert not stage.operations, "nothing is asked for: it is recorded"


@both_flavours
def test_an_unknown_type_is_nobodys(flavour: str) -> None:
    stage = Stage(adding(flavour, []))
    event = stage.begin()
    strange: Any = {"Id": "strange", "Type": "QUANTUM", "Status": "ENTANGLED", "StartTimestamp": 1}
    event["InitialExecutionState"]["Operations"] = [
        cast("Operation", strange),
        *event["InitialExecutionState"].get("Operations", []),
        *one_and_two(),
    ]
    answer = stage.handler.durable.invoke(event, None, client=stage.client, impatient=True)
    assert answer == {"Status": "SUCCEEDED", "Result": "3"}


@both_flavours
@pytest.mark.parametrize("timestamps", ["milliseconds", "seconds", "datetimes"])
def test_times_are_read_in_all_three_forms(flavour: str, timestamps: str) -> None:
    from datetime import UTC, datetime

    forms: dict[str, Any] = {
        "milliseconds": lambda ms: ms,
        "seconds": lambda ms: ms / 1000,
        "datetimes": lambda ms: datetime.fromtimestamp(ms / 1000, UTC),
    }
    form = forms[timestamps]
    stage = Stage(adding(flavour, []))
    event = stage.begin()
    operations = [*event["InitialExecutionState"].get("Operations", []), *one_and_two()]
    for each in operations:
        each["StartTimestamp"] = form(each["StartTimestamp"])
        if "EndTimestamp" in each:
            each["EndTimestamp"] = form(each["EndTimestamp"])
    event["InitialExecutionState"]["Operations"] = operations
    assert stage.handler.durable.invoke(event, None, client=stage.client, impatient=True)["Status"] == "SUCCEEDED"
