"""What is cancelled or given up, and a service that tells strange things."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from plugin_runs import HOUR, SECOND, Story

from durable_core import DurableContext, DurablePlugin, OperationInfo, durable_execution
from durable_core.spi import (
    BotoClient,
    CheckpointAnswer,
    DurableServiceClient,
    ExecutionState,
    Operation,
    OperationUpdate,
)
from durable_testing import DurableService, LocalRunner


def finish(handler: Any) -> None:
    assert LocalRunner(handler).run().status == "SUCCEEDED"


def test_a_wait_whose_task_is_cancelled_ends_once_as_cancelled() -> None:
    story = Story()

    @durable_execution(plugins=[story])
    async def handler(event: object, ctx: DurableContext) -> None:
        task = asyncio.create_task(ctx.wait(HOUR, name="long"))
        await ctx.wait(SECOND)
        task.cancel()
        await ctx.wait(SECOND)
        await ctx.wait(SECOND)

    finish(handler)
    assert story.of("long")[0] == "operation_start Wait long"
    assert story.of("long")[-1] == "operation_end Wait long CANCELLED"
    assert len(story.infos("operation_end", "long")) == 1
    assert [each.is_replayed for each in story.infos("operation_start", "long")] == [False, True]


def test_a_step_that_is_cancelled_has_no_end_of_its_attempt() -> None:
    story = Story()
    reached: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            reached.append("cancelled")
            raise

    async def quick() -> None:
        await asyncio.sleep(0.01)

    @durable_execution(plugins=[story])
    async def handler(event: object, ctx: DurableContext) -> None:
        await ctx.race([ctx.step(endless), ctx.step(quick)])

    finish(handler)
    assert reached == ["cancelled"]
    assert story.of("endless") == ["operation_start Step endless", "attempt_start Step endless #1"]
    assert story.lines("attempt_end") == ["attempt_end Step quick #1 SUCCEEDED"]


def test_a_child_that_is_cancelled_has_no_end_of_its_body() -> None:
    story = Story()

    async def child(ctx: DurableContext) -> None:
        await ctx.wait(HOUR)

    @durable_execution(plugins=[story])
    async def handler(event: object, ctx: DurableContext) -> None:
        task = asyncio.create_task(ctx.run_in_child_context(child))
        await ctx.wait(SECOND)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    finish(handler)
    assert not story.infos("attempt_end", "child")
    assert not story.infos("operation_end", "child")


@both_flavours
def test_a_branch_that_nobody_waits_for_any_more_has_no_end_of_its_body(flavour: str) -> None:
    decided = threading.Event()

    class Deciding(DurablePlugin):
        def on_operation_end(self, info: OperationInfo) -> None:
            if info.name == "race":
                decided.set()

    def slow() -> bool:
        return decided.wait(10)

    async def losing(ctx: DurableContext) -> None:
        await ctx.step(slow)
        await ctx.step(str, name="never")

    async def winning(ctx: DurableContext) -> str:
        return await ctx.step(str, "won", name="won")

    async def body(ctx: DurableContext) -> Any:
        return await ctx.race([losing, winning], name="race")

    story = Story()
    result = LocalRunner(handler_of(flavour, body, plugins=[story, Deciding]), verify_replay=False).run()
    assert result.value == "won"
    assert len(story.infos("attempt_start", "losing")) == 1
    assert not story.infos("attempt_end", "losing")
    assert not story.of("never")
    assert story.told[-1].hook == "on_invocation_end"


class Terse:
    """Its answers show nothing of what has changed; with *closing* the first one gives no further token."""

    def __init__(self, inner: DurableServiceClient, *, closing: bool = False) -> None:
        self._inner = inner
        self._closing = closing

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        answer = self._inner.checkpoint(arn, token, updates, client_token, timeout=timeout)
        if self._closing:
            answer.pop("CheckpointToken", None)
        else:
            answer["NewExecutionState"] = {"Operations": []}
        return answer

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        return self._inner.get_state(arn, token, marker, timeout=timeout)


def invoked(handler: Any, *, updated: Sequence[str] = (), closing: bool = False) -> Any:
    service = DurableService()
    arn = service.start("handler", "null")
    event = service.begin_invocation(arn)
    records = event["InitialExecutionState"].get("Operations", [])
    event["UpdatedOperationIds"] = [*updated, *(each["Id"] for each in records)]
    client: Any = BotoClient(service)
    return handler.durable.invoke(
        event, None, client=Terse(client, closing=True) if closing else client, impatient=True
    )


@both_flavours
def test_an_invocation_that_gets_no_further_token_is_told_as_suspended(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        await ctx.step(str, name="first")
        return await ctx.step(str, name="second")

    story = Story()
    answer = invoked(handler_of(flavour, body, plugins=[story]), closing=True)
    assert answer == {"Status": "PENDING"}
    assert story.lines("invocation_end") == ["invocation_end PENDING"]
    assert story.told[-1].hook == "on_invocation_end"


@both_flavours
def test_neither_the_execution_nor_what_is_unknown_is_an_updated_operation(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        return await ctx.step(str, "done")

    story = Story()
    assert invoked(handler_of(flavour, body, plugins=[story]), updated=["unknown"])["Status"] == "SUCCEEDED"
    (start,) = story.infos("invocation_start")
    assert not start.updated_operations
    assert start.is_first_invocation
    assert story.lines("operation_end") == ["operation_end Step str SUCCEEDED"]


@both_flavours
@pytest.mark.parametrize("times", [1, 3])
def test_an_operation_that_is_named_twice_as_updated_ends_once(flavour: str, times: int) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.wait(SECOND, name="pause")

    story = Story()
    handler = handler_of(flavour, body, plugins=[story])
    service = DurableService()
    arn = service.start("handler", "null")
    client: Any = BotoClient(service)
    answer = handler.durable.invoke(service.begin_invocation(arn), None, client=client, impatient=True)
    service.complete_invocation(arn, answer)
    clock: Any = service.clock
    clock.advance(SECOND)
    service.tick()
    event = service.begin_invocation(arn)
    event["UpdatedOperationIds"] = [*(event.get("UpdatedOperationIds") or ())] * times
    assert handler.durable.invoke(event, None, client=client, impatient=True)["Status"] == "SUCCEEDED"
    assert story.of("pause") == ["operation_start Wait pause", "operation_end Wait pause SUCCEEDED"]


@both_flavours
def test_what_an_answer_does_not_show_is_told_without_what_is_not_known(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        return await ctx.step(str, "done", name="step")

    story = Story()
    result = LocalRunner(handler_of(flavour, body, plugins=[story]), client=Terse).run()
    assert result.value == "done"
    (info,) = story.infos("operation_end", "step")
    assert (info.status, info.result, info.start_time) == ("SUCCEEDED", '"done"', None)
    changes = [each for change in story.infos("operation_change") for each in change.updated_operations.values()]
    assert [each.status for each in changes][-1] == "SUCCEEDED"
    assert {each.start_time for each in changes} == {None}


class Repeating(Terse):
    """Each answer shows everything that was shown before."""

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        answer = self._inner.checkpoint(arn, token, updates, client_token, timeout=timeout)
        for each in answer["NewExecutionState"].get("Operations", ()):
            self._shown[each["Id"]] = each
        answer["NewExecutionState"] = {"Operations": [*self._shown.values()]}
        return answer

    def __init__(self, inner: DurableServiceClient) -> None:
        super().__init__(inner)
        self._shown: dict[str, Operation] = {}


@both_flavours
def test_what_an_answer_shows_again_is_no_change_and_no_end(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        for name in "abc":
            await ctx.step(str, name=name)

    story = Story()
    assert LocalRunner(handler_of(flavour, body, plugins=[story]), client=Repeating).run().status == "SUCCEEDED"
    told = [(f"operation_change Step {name} SUCCEEDED", f"operation_end Step {name} SUCCEEDED") for name in "abc"]
    assert story.lines("operation_change", "operation_end") == [line for pair in told for line in pair]


@both_flavours
@pytest.mark.parametrize("backwards", [False, True])
def test_what_ended_meanwhile_is_told_by_its_time_whatever_the_order_of_the_ids(flavour: str, backwards: bool) -> None:
    async def body(ctx: DurableContext) -> Any:
        callbacks = [await ctx.create_callback(name=name) for name in "abc"]
        return [await callback.result() for callback in callbacks]

    story = Story()
    handler = handler_of(flavour, body, plugins=[story])
    service = DurableService()
    client: Any = BotoClient(service)
    clock: Any = service.clock
    arn = service.start("handler", "null")
    answer = handler.durable.invoke(service.begin_invocation(arn), None, client=client, impatient=True)
    service.complete_invocation(arn, answer)
    ids = {each.get("Name"): each.get("CallbackDetails", {}).get("CallbackId", "") for each in service.operations(arn)}
    for name in "cab":
        clock.advance(SECOND)
        service.send_durable_execution_callback_success(CallbackId=ids[name], Result=b"1")
    event = service.begin_invocation(arn)
    event["UpdatedOperationIds"] = sorted(event.get("UpdatedOperationIds") or (), reverse=backwards)
    assert handler.durable.invoke(event, None, client=client, impatient=True)["Status"] == "SUCCEEDED"
    assert [each.name for each in story.infos("operation_end")] == [*"cab"]
