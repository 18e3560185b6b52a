"""``ctx.invoke``: other functions, durable or not, their payloads and results, and how they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from operation_runs import MINUTE, SECOND, outcome_of, run, value_of

from durable_core import (
    TEXT,
    ContextMisuseError,
    DurableContext,
    InvokeConfig,
    SerDesContext,
    ServiceLimits,
    SizeLimitError,
    blocking,
    durable_execution,
)
from durable_core.spi import ErrorObject, OperationStatus
from durable_testing import LocalRunner, TestResult

MEBIBYTE = 1_048_576


class OutOfStock(Exception):
    """An error with a field of its own."""

    def __init__(self, article: str) -> None:
        super().__init__(f"no {article} left")
        self.article = article


def echo(event: Any) -> Any:
    return event


async def echo_later(event: Any) -> Any:
    await asyncio.sleep(0)
    return event


@durable_execution
async def ask_durably(event: Any, ctx: DurableContext) -> Any:
    return [event, await ctx.wait_for_callback(lambda callback_id: None, name="question")]


@durable_execution
def pause_durably(event: Any, ctx: blocking.DurableContext) -> Any:
    ctx.wait(MINUTE)
    return event


@durable_execution
async def fail_durably(event: str, ctx: DurableContext) -> Any:
    await ctx.wait(MINUTE)
    raise OutOfStock(event)


def calling(name: str, payload: Any = None, config: InvokeConfig[Any] | None = None) -> Callable[[Any], Any]:
    """A workflow that invokes a function."""

    async def body(ctx: Any) -> Any:
        return await ctx.invoke(name, payload, name="call", config=config)

    return body


def caught(runner_of: Callable[[Callable[[DurableContext], Any]], TestResult[Any]], call: Any) -> dict[str, Any]:
    """All that is known of the error of *call*, which is the same on a replay."""
    outcomes: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        outcomes.append(await outcome_of(call(ctx)))
        await ctx.wait(SECOND)

    result = runner_of(body)
    assert result.status == "SUCCEEDED", result.error
    assert len(outcomes) > 1
    assert all(each == outcomes[0] for each in outcomes)
    found: dict[str, Any] = outcomes[0]
    return found


def started_details(result: TestResult[Any]) -> dict[str, Any]:
    """What the history tells of the beginning of the invocation."""
    (event,) = (each for each in result.history if each["EventType"] == "ChainedInvokeStarted")
    details: dict[str, Any] = event["ChainedInvokeStartedDetails"]
    return details


@both_flavours
@pytest.mark.parametrize("payload", [None, 0, "", "text", [], {"a": [1, None]}, "ü🙂"], ids=repr)
@pytest.mark.parametrize("function", [echo, echo_later, pause_durably], ids=lambda f: getattr(f, "__name__", "durable"))
def test_a_function_is_given_the_payload_and_gives_its_result(flavour: str, payload: Any, function: Any) -> None:
    result = run(flavour, calling("other", payload), functions={"other": function})
    assert result.value == payload
    operation = result.operation("call")
    assert (operation.type, operation.subtype, operation.status) == ("CHAINED_INVOKE", "ChainedInvoke", "SUCCEEDED")


@both_flavours
def test_a_function_without_a_payload_is_given_null(flavour: str) -> None:
    given: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        await ctx.invoke("other")

    run(flavour, body, functions={"other": given.append})
    assert given == [None]


@both_flavours
def test_a_function_is_called_once_however_often_its_caller_is_replayed(flavour: str) -> None:
    calls: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        await ctx.invoke("other", 1)
        for _ in range(3):
            await ctx.wait(SECOND)

    result = run(flavour, body, functions={"other": calls.append})
    assert len(result.invocations) == 5
    assert calls == [1]


@both_flavours
def test_a_durable_function_runs_as_an_execution_of_its_own(flavour: str) -> None:
    """Its callbacks are answered by their names, and its time passes."""
    result = run(flavour, calling("other", "in"), functions={"other": ask_durably}, callbacks={"question": "out"})
    assert result.value == ["in", "out"]
    assert [each.type for each in result.operations] == ["CHAINED_INVOKE"]


@both_flavours
def test_a_durable_function_can_invoke_itself(flavour: str) -> None:
    if flavour == "async":

        @durable_execution
        async def factorial(event: int, ctx: DurableContext) -> int:
            return (
                1 if event < 2 else event * await ctx.invoke("factorial", event - 1, config=InvokeConfig(returns=int))
            )

        runner = LocalRunner(factorial)
    else:

        @durable_execution
        def factorial_(event: int, ctx: blocking.DurableContext) -> int:
            return 1 if event < 2 else event * ctx.invoke("factorial_", event - 1, config=InvokeConfig(returns=int))

        runner = LocalRunner(factorial_)
    assert runner.run(5).value == 120


def test_many_are_invoked_at_once_and_each_has_its_own_result() -> None:
    """In the order of the calls, whichever ends first."""

    async def body(ctx: DurableContext) -> list[Any]:
        slow, quick = "slow", "quick"
        return await asyncio.gather(*(ctx.invoke(quick if n % 2 else slow, n) for n in range(8)))

    assert value_of("async", body, functions={"slow": pause_durably, "quick": echo}) == list(range(8))


@both_flavours
def test_the_tenant_and_the_function_are_told_to_the_service(flavour: str) -> None:
    name = "arn:aws:lambda:us-east-1:123456789012:function:orders:7"
    config: InvokeConfig[Any] = InvokeConfig(tenant_id="tenant 7/a@b")
    details = started_details(run(flavour, calling(name, 1, config), functions={"orders": echo}))
    assert (details["FunctionName"], details["TenantId"], details["ExecutedVersion"]) == (name, "tenant 7/a@b", "7")


@both_flavours
def test_no_tenant_is_told_where_none_is_given(flavour: str) -> None:
    assert "TenantId" not in started_details(run(flavour, calling("other"), functions={"other": echo}))


class Wrapped:
    """Text in a JSON object."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        assert context.name == "call"
        return f'{{"wrapped": "{value}"}}'

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data.removeprefix('{"wrapped":').strip(' "}')


@both_flavours
def test_serializers_write_the_payload_and_read_the_result(flavour: str) -> None:
    given: list[Any] = []

    def other(event: Any) -> Any:
        given.append(event)
        return {"wrapped": "out"}

    config: InvokeConfig[Any] = InvokeConfig(payload_serdes=Wrapped(), result_serdes=Wrapped())
    assert value_of(flavour, calling("other", "in", config), functions={"other": other}) == "out"
    assert given == [{"wrapped": "in"}]


@both_flavours
def test_the_handlers_serializer_is_used_where_the_invocation_names_none(flavour: str) -> None:
    given: list[Any] = []

    def other(event: Any) -> Any:
        given.append(event)
        return event

    runner = LocalRunner(handler_of(flavour, calling("other", "in"), serdes=Wrapped()))
    runner.register("other", other)
    assert runner.run().value == "in"
    assert given == [{"wrapped": "in"}]


@both_flavours
def test_a_result_can_be_read_as_text(flavour: str) -> None:
    config: InvokeConfig[Any] = InvokeConfig(result_serdes=TEXT)
    assert value_of(flavour, calling("other", {"a": 1}, config), functions={"other": echo}) == '{"a":1}'


@both_flavours
@pytest.mark.parametrize("function", ["plain", "later"])
def test_a_function_that_fails_is_an_error_of_its_builtin_class_too(flavour: str, function: str) -> None:
    """Lambda tells the class's bare name, and the message."""

    def plain(event: Any) -> Any:
        raise LookupError(f"no {event}")

    async def later(event: Any) -> Any:
        raise LookupError(f"no {event}")

    functions = {"plain": plain, "later": later}
    found = caught(lambda body: run(flavour, body, functions=functions), calling(function, "tea"))
    assert found["classes"][:2] == ["builtins.LookupError", "durable_core.InvokeError"]
    assert (found["text"], found["args"]) == ("no tea", ["no tea"])
    assert (found["fields"]["error_type"], found["fields"]["name"]) == ("LookupError", "call")


@both_flavours
def test_a_durable_function_that_fails_is_an_error_of_a_class_that_the_caller_declared(flavour: str) -> None:
    """With the attributes that JSON holds; of one that it did not declare, it is a plain ``InvokeError``."""

    def invoked(body: Any, **settings: Any) -> TestResult[Any]:
        runner = LocalRunner(handler_of(flavour, body, **settings))
        runner.register("shop", fail_durably)
        return runner.run()

    found = caught(lambda body: invoked(body, errors=[OutOfStock]), calling("shop", "tea"))
    assert found["classes"][:2] == [f"{__name__}.OutOfStock", "durable_core.InvokeError"]
    assert (found["text"], found["fields"]["article"]) == ("no tea left", "tea")
    found = caught(invoked, calling("shop", "tea"))
    assert found["classes"][0] == "durable_core.InvokeError"
    assert found["fields"]["error_type"] == f"{__name__}.OutOfStock"


@both_flavours
def test_a_function_that_does_not_exist_fails_at_once(flavour: str) -> None:
    found = caught(lambda body: run(flavour, body), calling("unknown"))
    assert found["classes"][0] == "durable_core.InvokeError"
    assert found["fields"]["error_type"] == "ResourceNotFoundException"
    assert "unknown" in found["text"]


@both_flavours
def test_a_stopped_execution_is_an_error_of_its_own(flavour: str) -> None:
    def stopped(body: Any) -> TestResult[Any]:
        runner = LocalRunner(handler_of(flavour, body))
        runner.register("other", ask_durably)
        started = runner.start()
        started.settle()
        (waiting,) = runner.service.chained_invokes_waiting()
        runner.service.stop_durable_execution(
            DurableExecutionArn=str(waiting.durable_execution_arn),
            Error={"ErrorType": "Operator", "ErrorMessage": "enough", "ErrorData": "late"},
        )
        return started.result()

    found = caught(stopped, calling("other"))
    assert found["classes"][:2] == ["durable_core.InvokeStoppedError", "durable_core.InvokeError"]
    assert (found["text"], found["fields"]["error_type"]) == ("enough", "Operator")
    assert found["fields"]["error_data"] == "late"


ENDS: list[tuple[OperationStatus, ErrorObject | None, str]] = [
    ("TIMED_OUT", {"ErrorType": "Sandbox.Timedout", "ErrorMessage": "15 minutes"}, "InvokeTimeoutError"),
    ("TIMED_OUT", None, "InvokeTimeoutError"),
    ("STOPPED", None, "InvokeStoppedError"),
    ("FAILED", None, "InvokeError"),
    ("FAILED", {}, "InvokeError"),
]


@both_flavours
@pytest.mark.parametrize(("status", "error", "name"), ENDS)
def test_every_end_of_a_function_has_its_error(
    flavour: str, status: OperationStatus, error: ErrorObject | None, name: str
) -> None:
    def ended(body: Any) -> TestResult[Any]:
        runner = LocalRunner(handler_of(flavour, body))
        runner.register("other", ask_durably)
        started = runner.start()
        started.settle()
        (waiting,) = runner.service.chained_invokes_waiting()
        runner.service.finish_chained_invoke(waiting.arn, waiting.operation_id, status=status, error=error)
        return started.result()

    found = caught(ended, calling("other"))
    assert found["classes"][0] == f"durable_core.{name}"
    assert found["text"] == (error or {}).get("ErrorMessage", "")
    assert found["fields"]["error_type"] == (error or {}).get("ErrorType", f"durable_core.{name}")


@both_flavours
def test_a_payload_and_a_result_may_have_a_mebibyte(flavour: str) -> None:
    """Quotes included."""
    text = "x" * (MEBIBYTE - 2)
    assert value_of(flavour, calling("other", text), functions={"other": echo}) == text


@both_flavours
def test_a_result_over_a_mebibyte_is_a_failure_of_the_function(flavour: str) -> None:
    functions = {"other": lambda event: "x" * (MEBIBYTE - 1)}
    found = caught(lambda body: run(flavour, body, functions=functions), calling("other"))
    assert found["classes"][0] == "durable_core.InvokeError"
    assert "1,048,577 bytes" in found["text"]


@both_flavours
def test_a_payload_that_the_service_refuses_for_its_size_fails_that_invocation_alone(flavour: str) -> None:
    """Where the handler's limits are above the service's."""

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.invoke("other", "x" * MEBIBYTE, name="large")
        except SizeLimitError as error:
            return str(error)
        return "taken"

    limits = replace(ServiceLimits.CURRENT, invoke_bytes=2 * MEBIBYTE)
    runner = LocalRunner(handler_of(flavour, body, limits=limits), verify_replay=False)
    result = runner.run()
    assert result.status == "SUCCEEDED", result.error
    assert 'START of CHAINED_INVOKE "large" takes' in result.value


def test_an_invocation_that_nobody_awaits_is_an_error_that_names_it() -> None:
    """As for any operation; nothing was invoked."""
    calls: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        ctx.invoke("other", 1)

    result = run("async", body, functions={"other": calls.append})
    assert result.error is not None
    assert result.error.get("ErrorType") == f"durable_core.{ContextMisuseError.__name__}"
    assert "the invocation of other" in result.error.get("ErrorMessage", "")
    assert calls == []


def test_a_cancelled_invocation_is_waited_for_no_longer_and_runs_on() -> None:
    """Lambda has no way to take it back."""

    async def body(ctx: DurableContext) -> str:
        task = asyncio.create_task(ctx.invoke("other", 1))
        await ctx.wait(SECOND)
        task.cancel()
        await ctx.wait(MINUTE)
        return "cancelled" if task.cancelled() else "done"

    result = run("async", body, functions={"other": ask_durably})
    assert result.value == "cancelled"
    assert [each.status for each in result.operations if each.type == "CHAINED_INVOKE"] == ["STARTED"]
