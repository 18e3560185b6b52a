"""How invocations end, as plugins are told; and when they are told nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from both_flavours import Body, both_flavours, handler_of
from plugin_runs import SECOND, Story, run, told_of

from durable_core import (
    DurableContext,
    DurableError,
    ExecutionError,
    InvocationError,
    SerDesError,
    ServiceError,
    durable_execution,
)
from durable_core._runtime.hooks import Hooks
from durable_core.spi import BotoClient, CheckpointAnswer, DurableServiceClient, ExecutionState, OperationUpdate
from durable_testing import DurableService, LocalRunner


class Refusing:
    """Checkpoints from the one with the number *at*, from 1, are refused with an *error*; those before it are made."""

    def __init__(self, inner: DurableServiceClient, at: int, error: Exception) -> None:
        self._inner = inner
        self._at = at
        self._error = error
        self._calls = 0

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        self._calls += 1
        if self._calls >= self._at:
            raise self._error
        return self._inner.checkpoint(arn, token, updates, client_token, timeout=timeout)

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        return self._inner.get_state(arn, token, marker, timeout=timeout)


class Deadline:
    """A Lambda context whose time is over in so many *seconds*."""

    aws_request_id = "11111111-2222-4333-8444-555555555555"

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._end - time.monotonic()) * 1000))


def invoked(handler: Any, *, context: Any = None, client: Any = None, event: str = "null") -> Any:
    """The answer of one invocation, or what it raised."""
    service = DurableService()
    arn = service.start("handler", event)
    plain: Any = BotoClient(service)
    try:
        return handler.durable.invoke(
            service.begin_invocation(arn), context, client=plain if client is None else client(plain), impatient=True
        )
    except BaseException as error:
        return error


@both_flavours
@pytest.mark.parametrize("error", [LookupError("mine"), ExecutionError("final")], ids=lambda each: type(each).__name__)
def test_an_execution_that_fails_is_told_with_its_error(flavour: str, error: Exception) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.wait(SECOND)
        raise error

    story = told_of(flavour, body, status="FAILED")
    ends = story.infos("invocation_end")
    assert [(each.status, each.error) for each in ends] == [("PENDING", None), ("FAILED", error)]
    assert story.told[-1].hook == "on_invocation_end"


@both_flavours
def test_an_invocation_that_is_to_be_called_again_is_told_so(flavour: str) -> None:
    tries: list[int] = []

    async def body(ctx: DurableContext) -> str:
        await ctx.step(str, name="once")
        tries.append(1)
        if len(tries) == 1:
            raise InvocationError("again")
        return "done"

    story = told_of(flavour, body)
    first, second = story.infos("invocation_end")
    assert (first.status, type(first.error), str(first.error)) == ("RETRY", InvocationError, "again")
    assert (second.status, second.error) == ("SUCCEEDED", None)
    assert len(story.of("once")) == 4
    assert [each.is_first_invocation for each in story.infos("invocation_start")] == [True, False]


@both_flavours
def test_a_checkpoint_that_is_refused_ends_the_execution_as_failed(flavour: str) -> None:
    story = Story()

    async def body(ctx: DurableContext) -> None:
        await ctx.step(str)

    refused = ServiceError("AccessDeniedException", "not allowed", status=403)
    answer = invoked(handler_of(flavour, body, plugins=[story]), client=lambda client: Refusing(client, 1, refused))
    assert answer["Status"] == "FAILED"
    (end,) = story.infos("invocation_end")
    assert (end.status, type(end.error)) == ("FAILED", ExecutionError)
    assert story.lines("attempt_end", "operation_end") == ["attempt_end Step str #1 SUCCEEDED"]


@both_flavours
def test_a_service_that_cannot_be_reached_ends_the_invocation_with_a_retry(flavour: str) -> None:
    """Takes a second of real time."""
    story = Story()

    async def body(ctx: DurableContext) -> None:
        await ctx.step(str)

    gone = ServiceError("ServiceException", "gone", status=500)
    raised = invoked(
        handler_of(flavour, body, plugins=[story]),
        client=lambda client: Refusing(client, 1, gone),
        context=Deadline(1.5),
    )
    assert isinstance(raised, InvocationError)
    (end,) = story.infos("invocation_end")
    assert (end.status, end.error) == ("RETRY", raised)
    assert not story.infos("operation_end")
    assert story.told[-1].hook == "on_invocation_end"


@both_flavours
def test_a_sandbox_that_is_interrupted_is_told_as_a_retry(flavour: str) -> None:
    story = Story()

    async def body(ctx: DurableContext) -> None:
        await ctx.step(str)

    class Gone(BaseException):
        pass

    handler = handler_of(flavour, body, plugins=[story])
    gone: Any = Gone()
    assert invoked(handler, client=lambda client: Refusing(client, 1, gone)) is gone
    (end,) = story.infos("invocation_end")
    assert (end.status, end.error) == ("RETRY", gone)


@both_flavours
def test_an_event_that_cannot_be_read_fails_between_start_and_end(flavour: str) -> None:
    story = Story()

    async def wrong(event: int, ctx: DurableContext) -> None:
        """Never called."""

    def wrong_blocking(event: int, ctx: Any) -> None:
        """Never called."""

    handler: Any = durable_execution(plugins=[story])(wrong if flavour == "async" else wrong_blocking)
    answer = invoked(handler, event='"seven"')
    assert answer["Status"] == "FAILED"
    assert story.lines() == ["invocation_start first", "invocation_end FAILED"]
    assert isinstance(story.infos("invocation_end")[0].error, SerDesError)


@both_flavours
def test_a_result_that_cannot_be_written_is_a_failure_when_the_end_is_told(flavour: str) -> None:
    async def body(ctx: DurableContext) -> Any:
        return object()

    story = told_of(flavour, body, status="FAILED")
    (end,) = story.infos("invocation_end")
    assert end.status == "FAILED"
    assert isinstance(end.error, DurableError)


@both_flavours
def test_an_invocation_that_swallows_its_end_is_told_as_suspended(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.wait(SECOND)
        except BaseException:
            return "swallowed"
        return "waited"

    story, result = run(flavour, body)
    assert result.value == "waited"
    assert story.lines("invocation_end") == ["invocation_end PENDING", "invocation_end SUCCEEDED"]


def busy() -> None:
    time.sleep(1.1)


@both_flavours
def test_nothing_is_told_after_the_end_of_the_invocation(flavour: str) -> None:
    """Takes a second of real time: a step's function outlives the deadline, in the async flavour on its thread."""
    story = Story()

    async def body(ctx: DurableContext) -> None:
        await ctx.step(busy)

    raised = invoked(handler_of(flavour, body, plugins=[story]), context=Deadline(1.2))
    assert isinstance(raised, InvocationError)
    time.sleep(0.6)
    assert story.told[-1].hook == "on_invocation_end"
    assert story.infos("invocation_end")[0].status == "RETRY"
    ended = ["attempt_end Step busy #1 SUCCEEDED"] if flavour == "blocking" else []
    assert story.lines("attempt_start", "attempt_end") == ["attempt_start Step busy #1", *ended]


@both_flavours
def test_an_invocation_whose_state_cannot_be_read_tells_nothing(flavour: str) -> None:
    story = Story()

    async def body(ctx: DurableContext) -> None:
        """Never called."""

    class Unreadable(Refusing):
        def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
            raise LookupError("no state")

    service = DurableService()
    arn = service.start("handler", "null")
    event = service.begin_invocation(arn)
    event["InitialExecutionState"]["NextMarker"] = "more"
    client = Unreadable(BotoClient(service), 0, LookupError())
    with pytest.raises(LookupError, match="no state"):
        handler_of(flavour, body, plugins=[story]).durable.invoke(event, None, client=client, impatient=True)
    assert not story.told


@both_flavours
def test_a_dry_replay_tells_nothing(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        return await ctx.step(str, "done")

    for verify in (True, False):
        story = told_of(flavour, body, verify=verify)
        assert story.lines("invocation_start") == ["invocation_start first"]
        assert story.told[-1].hook == "on_invocation_end"


PROGRAMS: dict[str, Body] = {
    "nothing": lambda ctx: ctx.step(str),
    "a suspension": lambda ctx: ctx.wait(SECOND),
}


@both_flavours
@pytest.mark.parametrize("program", PROGRAMS)
def test_without_plugins_nothing_is_made_for_them(flavour: str, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("there are no plugins")

    async def body(ctx: DurableContext) -> None:
        await PROGRAMS[program](ctx)

    monkeypatch.setattr(Hooks, "__init__", refuse)
    assert LocalRunner(handler_of(flavour, body)).run().status == "SUCCEEDED"


@both_flavours
def test_the_end_is_told_before_the_answer_is_given(flavour: str) -> None:
    order: list[str] = []

    class Told(Story):
        def __call__(self, start: Any) -> Any:
            plugin: Any = super().__call__(start)
            tell: Callable[..., None] = plugin.tell

            def told(hook: str, info: Any) -> None:
                tell(hook, info)
                order.append(hook)

            plugin.tell = told
            return plugin

    async def body(ctx: DurableContext) -> str:
        await ctx.step(str)
        order.append("returned")
        return "done"

    answer = invoked(handler_of(flavour, body, plugins=[Told()]))
    order.append(answer["Status"])
    assert order[0] == "on_invocation_start"
    assert order[-3:] == ["returned", "on_invocation_end", "SUCCEEDED"]
