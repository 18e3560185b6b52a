"""``register``: the functions that a workflow under test can invoke."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from runner_workflows import HOUR, ask, call, pause

from durable_core import (
    DurableContext,
    InvocationError,
    InvokeConfig,
    SerDesContext,
    ValidationError,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner


def with_other(target: Any, handler: Any = call) -> LocalRunner:
    """A runner whose workflow invokes *target*."""
    runner = LocalRunner(handler)
    runner.register("other", target)
    return runner


class Shop:
    """Functions of other kinds."""

    def sell(self, event: Any) -> Any:
        return [event, "sold"]

    def __call__(self, event: Any) -> Any:
        return [event, "called"]


def of_event(event: Any) -> Any:
    return [event]


def of_both(event: Any, context: Any) -> Any:
    return [event, context.function_name, len(context.aws_request_id) > 0]


def perhaps_of_both(event: Any, context: Any = None) -> Any:
    return [event, context is not None]


async def later(event: Any) -> Any:
    await asyncio.sleep(0)
    return [event, "later"]


def promise(event: Any) -> Any:
    return later(event)


PLAIN: list[tuple[Callable[..., Any], Any]] = [
    (of_event, [1]),
    (of_both, [1, "call", True]),
    (perhaps_of_both, [1, True]),
    (later, [1, "later"]),
    (promise, [1, "later"]),
    (lambda event: event + 1, 2),
    (partial(max, 3), 3),
    (Shop().sell, [1, "sold"]),
    (Shop(), [1, "called"]),
]


@pytest.mark.parametrize(("target", "value"), PLAIN)
def test_a_plain_function_takes_an_event_or_an_event_and_a_lambda_context(target: Any, value: Any) -> None:
    """Awaited, if it gives something to be awaited."""
    assert with_other(target).run(1).value == value


def test_a_plain_function_is_given_json() -> None:
    """As Lambda would give it: it shares no object with its caller."""
    given: list[Any] = []
    event = {"a": [1]}
    with_other(given.append).run(event)
    assert given == [event]
    assert given[0] is not event


def test_a_plain_function_runs_while_its_caller_is_suspended() -> None:
    """So it may ask the runner about it."""
    snapshots: list[str] = []

    def look(event: Any) -> None:
        (waiting,) = runner.service.chained_invokes_waiting()
        snapshots.extend(each["Status"] for each in runner.service.operations(waiting.arn)[1:])
        assert not runner.service.due(waiting.arn)

    runner = with_other(look)
    runner.run()
    assert snapshots == ["STARTED"]


@pytest.mark.parametrize("error", [LookupError("none left"), SystemExit(3), InvocationError("not now")], ids=repr)
def test_a_plain_function_that_raises_fails_the_invocation(error: BaseException) -> None:
    """With the bare name of its class, as Lambda tells it."""

    def fail(event: Any) -> None:
        raise error

    result = with_other(fail).run()
    assert result.operation("call").error == {"ErrorType": type(error).__name__, "ErrorMessage": str(error)}


def test_ctrl_c_in_a_plain_function_ends_the_test() -> None:
    """It is nobody's failure."""

    def interrupt(event: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with_other(interrupt).run()


def test_a_result_without_a_json_form_fails_the_invocation() -> None:
    """It cannot leave Lambda."""
    error = with_other(lambda event: object()).run().operation("call").error
    assert error is not None
    assert error.get("ErrorType") == "SerDesError"


def test_a_payload_that_is_no_json_fails_the_invocation() -> None:
    """Lambda takes nothing else."""

    class Plain:
        def serialize(self, value: str, context: SerDesContext) -> str:
            return value

        def deserialize(self, data: str, context: SerDesContext) -> str:
            return data

    @durable_execution
    async def handler(event: str, ctx: DurableContext) -> Any:
        return await ctx.invoke("other", event, name="call", config=InvokeConfig(payload_serdes=Plain()))

    error = with_other(of_event, handler).run("no JSON").operation("call").error
    assert error is not None
    assert error.get("ErrorType") == "InvalidRequestContentException"


def test_a_durable_function_is_an_execution_of_its_own() -> None:
    """Its time passes, and its caller waits."""
    result = with_other(pause).run("event")
    assert result.value == "event"
    took = result.operation("call").duration
    assert took is not None
    assert took >= HOUR


def test_a_durable_function_of_the_other_flavour_can_be_invoked() -> None:
    """Nobody can tell."""

    @durable_execution
    def double(event: int, ctx: blocking.DurableContext) -> int:
        return ctx.step(lambda: 2 * event, name="double")

    assert with_other(double).run(4).value == 8


def test_a_durable_function_that_fails_an_invocation_is_invoked_again() -> None:
    """As in production, with its back-off."""
    invocations: list[int] = []

    @durable_execution
    async def flaky(event: Any, ctx: DurableContext) -> int:
        invocations.append(1)
        if len(invocations) < 3:
            raise InvocationError("not now")
        return len(invocations)

    assert with_other(flaky).run().value == 3


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("other", "other:live"),
        ("other", "other:7"),
        ("other", "arn:aws:lambda:us-east-1:123456789012:function:other:$LATEST"),
        ("other:live", "other"),
        ("arn:aws:lambda:us-east-1:123456789012:function:other", "other"),
    ],
)
def test_a_function_is_found_by_its_name_whatever_the_qualifier(registered: str, asked: str) -> None:
    """A test has one version of each."""

    @durable_execution
    async def handler(event: str, ctx: DurableContext) -> Any:
        return await ctx.invoke(event, name="call")

    runner = LocalRunner(handler)
    runner.register(registered, lambda event: "found")
    assert runner.run(asked).value == "found"


def test_a_function_that_is_registered_again_is_replaced() -> None:
    """A plain one by a durable one too, and the other way round."""
    runner = with_other(of_event)
    runner.register("other", pause)
    assert runner.run(1).value == 1
    runner.register("other", lambda event: "plain again")
    assert runner.run(2).value == "plain again"


def test_a_function_that_is_not_registered_is_not_found() -> None:
    """A test says which functions there are."""
    error = LocalRunner(call).run().error
    assert error is not None
    assert error.get("ErrorType") == "ResourceNotFoundException"


def test_the_handler_can_invoke_itself_by_its_own_name() -> None:
    """It is registered under that, and may be once more."""

    @durable_execution
    async def countdown(event: int, ctx: DurableContext) -> list[int]:
        if not event:
            return [0]
        return [event, *await ctx.invoke("countdown", event - 1)]

    runner = LocalRunner(countdown)
    runner.register("countdown", countdown)
    assert runner.run(3).value == [3, 2, 1, 0]


def test_the_name_of_the_handler_is_not_given_to_another() -> None:
    """The runner would run that one in its place."""
    with pytest.raises(ValidationError, match="'call' is the name of the handler under test"):
        LocalRunner(call).register("call", ask)


@pytest.mark.parametrize("target", [None, "other", 5, [of_event]])
def test_what_cannot_be_called_is_refused(target: Any) -> None:
    """Before anything runs."""
    with pytest.raises(ValidationError, match="register takes a durable function or one that takes an event"):
        LocalRunner(call).register("other", target)


@pytest.mark.parametrize(
    "name", ["", "two words", "other:a:b", 5, None, "arn:aws:lambda:eu-west-1:123456789012:function:f"]
)
def test_what_names_no_function_here_is_refused(name: Any) -> None:
    """Of this account and region."""
    with pytest.raises(ValidationError):
        LocalRunner(call).register(name, of_event)


def test_a_durable_function_has_the_name_of_a_function() -> None:
    """A dot is for plain ones: no execution's ARN has one."""
    with pytest.raises(ValidationError, match="the name of a durable function"):
        LocalRunner(call).register("other.v2", pause)


def test_an_async_function_can_be_invoked_by_a_runner_in_an_async_test() -> None:
    """It runs on a loop of its own."""

    async def test() -> Any:
        return with_other(later).run(1).value

    assert asyncio.run(test()) == [1, "later"]
