"""The program is wrong: what it records is larger than the service takes. The sizes are those of ``service.md``."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_clients import Watched
from hazard_runs import Stage, failure_of

from durable_core import (
    ChildConfig,
    DurableContext,
    Duration,
    FixedDelay,
    NoRetry,
    ServiceLimits,
    SizeLimitError,
    StepConfig,
    durable_execution,
)
from durable_testing import DurableService, LocalRunner
from durable_testing.service.limits import CURRENT, DEFAULT

HOUR = Duration.from_hours(1)
ONCE = StepConfig(retry_strategy=NoRetry())
SMALLEST_PAYLOAD = 262_144
SMALLEST_ERROR = 32_768


def text(size: int) -> str:
    return "x" * size


@both_flavours
@pytest.mark.parametrize("size", [SMALLEST_PAYLOAD + 1, 1_048_577])
def test_a_result_over_the_limit_fails_its_step_and_nothing_else(flavour: str, size: int) -> None:
    """Over the service's own limit the service refuses it; over the SDK's profile it is refused before it is sent."""

    async def body(ctx: DurableContext) -> list[str]:
        found = "no error"
        try:
            await ctx.step(text, size, name="large")
        except SizeLimitError as error:
            found = str(error)
        await ctx.wait(HOUR)
        return [found, await ctx.step(str, "after", name="after")]

    result = LocalRunner(handler_of(flavour, body)).run()
    assert '"large"' in result.value[0]
    assert "bytes" in result.value[0]
    assert (result.operation("large").error or {}).get("ErrorType") == "durable_core.SizeLimitError"
    assert result.value[1] == "after"
    assert result.operation("large").status == "FAILED"
    assert result.operation("large").attempts == 1, "it is not retried"


def test_an_update_that_the_service_finds_too_large_is_refused_alone_while_its_sibling_goes_on() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        steps = [ctx.step(text, size, name=f"size {size}") for size in (10, SMALLEST_PAYLOAD + 1, 20)]
        found = await asyncio.gather(*steps, return_exceptions=True)
        return [each if isinstance(each, str) else type(each).__name__ for each in found]

    stage = Stage(handler, client=Watched)
    answer = stage.invoke()
    assert json.loads(answer.get("Result", "")) == [text(10), "SizeLimitError", text(20)]
    assert stage.statuses == {"size 10": "SUCCEEDED", f"size {SMALLEST_PAYLOAD + 1}": "FAILED", "size 20": "SUCCEEDED"}
    assert isinstance(stage.client, Watched)
    large = [
        call for call in stage.client.calls if any("Payload" in u and len(u["Payload"]) > 99 for u in call.updates)
    ]
    assert [len(call.updates) for call in large] == [1]


@both_flavours
@pytest.mark.parametrize("size", [SMALLEST_PAYLOAD - 2, 800_000, 1_048_574])
def test_a_result_that_the_service_takes_is_recorded_however_large_its_batch_would_be(flavour: str, size: int) -> None:
    """800,000 bytes are more than a batch may hold: it goes alone, and waits for no room."""

    async def body(ctx: DurableContext) -> list[int]:
        found = [len(await ctx.step(text, size, name="large"))]
        return [*found, len(await ctx.step(text, size, name="large"))]

    service = DurableService(limits=CURRENT)
    assert LocalRunner(handler_of(flavour, body), service=service).run().value == [size, size]


def test_a_profile_may_be_smaller_than_the_service() -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(text, 1_000)
        except SizeLimitError as error:
            return str(error)
        return "accepted"

    limits = replace(ServiceLimits.DEFAULT, payload_bytes=500)
    stage = Stage(handler_of("async", body, limits=limits), client=Watched)
    assert "1002 bytes" in stage.invoke().get("Result", "")
    assert isinstance(stage.client, Watched)
    assert not [call for call in stage.client.calls if "STEP SUCCEED" in call.kinds]


def fail_at_length(size: int) -> None:
    raise LookupError("lost: " + text(size))


async def failing_child(inner: DurableContext, size: int) -> None:
    fail_at_length(size)


@both_flavours
@pytest.mark.parametrize("size", [SMALLEST_ERROR, 100_000, 300_000, 2_000_000])
@pytest.mark.parametrize("of", ["a step", "a retried step", "a child"])
def test_an_error_over_the_limit_is_cut_to_fit_and_marked(flavour: str, size: int, of: str) -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        found = "no error"
        try:
            if of == "a child":
                await ctx.run_in_child_context(failing_child, size, name="named")
            else:
                config = StepConfig(retry_strategy=FixedDelay(2)) if of == "a retried step" else ONCE
                await ctx.step(fail_at_length, size, name="named", config=config)
        except LookupError as error:
            found = str(error)
        await ctx.wait(HOUR)
        return [found[:10], found[-20:], len(found) <= SMALLEST_ERROR, await ctx.step(str, "after", name="after")]

    result = LocalRunner(handler_of(flavour, body)).run()
    assert result.status == "SUCCEEDED", result.error
    assert result.value == ["lost: xxxx", text(20 - len("… (cut to fit)")) + "… (cut to fit)", True, "after"]
    assert result.operation("named").status == "FAILED"


@both_flavours
@pytest.mark.parametrize("size", [SMALLEST_ERROR, 2_000_000])
def test_an_error_over_the_limit_fails_the_execution_cut_to_fit_and_marked(flavour: str, size: int) -> None:
    async def body(ctx: DurableContext) -> None:
        fail_at_length(size)

    result = LocalRunner(handler_of(flavour, body)).run()
    assert len(result.invocations) == 1
    assert result.error is not None
    assert result.error.get("ErrorType") == "LookupError"
    assert result.error.get("ErrorMessage", "").endswith("… (cut to fit)")


@both_flavours
def test_an_error_whose_stack_is_over_the_limit_is_cut_to_fit(flavour: str) -> None:
    def ping(depth: int) -> None:  # lines that repeat are left out by Python
        if depth == 0:
            raise LookupError("deep")
        pong(depth - 1)

    def pong(depth: int) -> None:
        ping(depth)

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(ping, 250, config=ONCE)
        except LookupError as error:
            return str(error)
        return "no error"

    assert LocalRunner(handler_of(flavour, body, stack_traces=True)).run().value == "deep"


@both_flavours
def test_a_childs_result_over_the_limit_is_given_again_by_its_operations(flavour: str) -> None:
    ran: list[str] = []

    async def body(ctx: DurableContext) -> int:
        async def child(inner: DurableContext) -> str:
            part = await inner.step(text, SMALLEST_PAYLOAD // 2, name="part")
            ran.append("child")
            return part * 3

        found = await ctx.run_in_child_context(child, config=ChildConfig(summary_generator=lambda value: "a summary"))
        await ctx.wait(HOUR)
        return len(found)

    result = LocalRunner(handler_of(flavour, body)).run()
    assert result.value == SMALLEST_PAYLOAD // 2 * 3
    assert result.operation("child").payload == "a summary"
    assert len(ran) == 3, "once for each invocation, and once for the verifying replay"


def raises(value: object) -> str:
    raise ZeroDivisionError("in the generator")


SUMMARIES: dict[str, Any] = {"raises": raises, "gives a number": lambda value: 5, "is too large": lambda value: value}


@both_flavours
@pytest.mark.parametrize("summary", SUMMARIES)
def test_a_summary_generator_that_goes_wrong_fails_its_child_and_hangs_nothing(flavour: str, summary: str) -> None:
    async def body(ctx: DurableContext) -> str:
        async def child(inner: DurableContext) -> str:
            return text(SMALLEST_PAYLOAD + 1)

        try:
            await ctx.run_in_child_context(child, config=ChildConfig(summary_generator=SUMMARIES[summary]))
        except Exception as error:
            await ctx.wait(HOUR)
            return type(error).__name__
        return "accepted"

    result = LocalRunner(handler_of(flavour, body)).run()
    assert result.value != "accepted"
    assert result.operation("child").status == "FAILED"


@both_flavours
def test_a_result_over_the_response_limit_is_recorded_on_the_execution(flavour: str) -> None:
    """Escaped, as Lambda's runtime writes it, 1.1 million of these take 6.6 MB; as UTF-8 they take 2.2."""

    async def body(ctx: DurableContext) -> str:
        return "é" * 1_100_000

    stage = Stage(handler_of(flavour, body), client=Watched)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": ""}
    assert isinstance(stage.client, Watched)
    assert stage.client.calls[-1].kinds == ["EXECUTION SUCCEED"]
    recorded = stage.service.get_durable_execution(DurableExecutionArn=stage.arn)
    assert recorded["Status"] == "SUCCEEDED"
    assert json.loads(recorded.get("Result", "")) == "é" * 1_100_000


@both_flavours
def test_a_result_over_the_executions_limit_fails_the_execution(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        return text(6_291_457)

    answer = Stage(handler_of(flavour, body)).invoke()
    assert answer["Status"] == "FAILED"
    assert "SizeLimitError" in failure_of(answer).get("ErrorType", "")
    assert "6291459 bytes" in failure_of(answer).get("ErrorMessage", "")


@both_flavours
def test_a_result_that_the_service_refuses_for_its_size_is_not_lost_in_silence(flavour: str) -> None:
    """An execution that nobody waits for may give a smaller one: then it fails, and says why."""

    async def body(ctx: DurableContext) -> str:
        return "é" * 1_100_000

    service = DurableService(limits=replace(DEFAULT, execution_payload=1_000_000))
    answer = Stage(handler_of(flavour, body), service=service).invoke()
    assert answer["Status"] == "FAILED"
    assert "bytes" in failure_of(answer).get("ErrorMessage", "")


@both_flavours
def test_a_start_that_shares_its_batch_with_many_never_holds_more_than_the_service_takes(flavour: str) -> None:
    """A hundred results of 20,000 bytes: calls of at most 750,000 bytes and 250 updates."""

    async def body(ctx: DurableContext) -> int:
        total = 0
        for _ in range(100):
            total += len(await ctx.step(text, 20_000))
        return total

    @durable_execution
    async def together(event: object, ctx: DurableContext) -> int:
        return sum(map(len, await asyncio.gather(*(ctx.step(text, 20_000) for _ in range(300)))))

    for handler, total in ((handler_of(flavour, body), 2_000_000), (together, 6_000_000)):
        stage = Stage(handler, client=Watched)
        assert stage.invoke() == {"Status": "SUCCEEDED", "Result": str(total)}
        assert isinstance(stage.client, Watched)
        assert max(len(call.updates) for call in stage.client.calls) <= 250
        assert max(len(json.dumps(list(call.updates))) for call in stage.client.calls) <= 800_000
