"""States, answers and failures at, under and over the service's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from botocore.exceptions import ClientError
from operation_runs import SECOND, outcome_of

from durable_core import (
    CallbackError,
    ConditionNotMetError,
    DurableContext,
    ServiceLimits,
    SizeLimitError,
    WaitForConditionConfig,
    poll_every,
)
from durable_core.spi import ErrorObject
from durable_testing import DurableService, LocalRunner
from durable_testing.service import CURRENT, DEFAULT, Limits

SMALLEST, LARGEST = 262_144, 1_048_576
"""Bytes of a payload in the two profiles of the service."""
ERROR = 32_768
"""Bytes of an error in the smaller one."""

TEXTS: dict[str, Callable[[int], str]] = {
    "ascii": lambda size: "x" * (size - 2),
    "two bytes a letter": lambda size: "é" * ((size - 2) // 2) + "x" * (size % 2),
}
"""Texts that have so many bytes as JSON, quotes included."""


def runner_of(flavour: str, body: Any, service: Limits, sdk: ServiceLimits = ServiceLimits.CURRENT) -> LocalRunner:
    return LocalRunner(handler_of(flavour, body, limits=sdk), service=DurableService(limits=service))


def twice_then_done(make: Callable[[], str]) -> Callable[[DurableContext], Any]:
    """A workflow whose condition is met at the third look; its state is what *make* gives, with the look's number."""

    async def body(ctx: DurableContext) -> Any:
        looks: list[int] = []

        def check(state: str) -> str:
            looks.append(len(state))
            return make()

        def until(state: str) -> bool:
            return len(looks) > 2 or looks[-1:] == [len(state)]

        config: WaitForConditionConfig[str] = WaitForConditionConfig(wait_strategy=poll_every(SECOND, until=until))
        return await ctx.wait_for_condition(check, initial_state="", name="look", config=config)

    return body


async def sizes(ctx: DurableContext, body: Any) -> list[Any]:
    """How long the result of *body* is, on the first run and on a replay; or its error."""
    outcome = await outcome_of(body(ctx))
    await ctx.wait(SECOND)
    return [len(outcome["value"])] if "value" in outcome else [outcome["classes"][:2], outcome["text"]]


@both_flavours
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    ("service", "sdk", "most"),
    [
        (DEFAULT, ServiceLimits.DEFAULT, SMALLEST),
        (DEFAULT, ServiceLimits.CURRENT, SMALLEST),
        (CURRENT, ServiceLimits.CURRENT, LARGEST),
    ],
    ids=["both small", "small service", "both large"],
)
def test_a_state_may_have_as_many_bytes_as_the_service_takes(
    flavour: str, text: str, service: Limits, sdk: ServiceLimits, most: int
) -> None:
    """In every look, and as the result; one byte more fails that condition, catchably, by its name."""
    for size in (most - 1, most, most + 1):
        state = TEXTS[text](size)
        result = runner_of(flavour, lambda ctx: sizes(ctx, twice_then_done(lambda: state)), service, sdk).run()  # noqa: B023
        assert result.status == "SUCCEEDED", result.error
        if size <= most:
            assert result.value == [len(state)]
        else:
            assert result.value[0] == ["durable_core.SizeLimitError", "durable_core.ConditionNotMetError"]
            assert '"look"' in result.value[1]


def test_a_state_that_is_too_large_leaves_other_branches_alone() -> None:
    """Also where the service refuses it."""

    async def body(ctx: DurableContext) -> list[Any]:
        found = await asyncio.gather(
            twice_then_done(lambda: "x" * SMALLEST)(ctx),
            ctx.step(str, "beside", name="beside"),
            ctx.wait(SECOND),
            return_exceptions=True,
        )
        return [isinstance(found[0], SizeLimitError), isinstance(found[0], ConditionNotMetError), found[1]]

    assert runner_of("async", body, DEFAULT).run().value == [True, True, "beside"]


async def answered(ctx: DurableContext) -> Any:
    return await (await ctx.create_callback(name="approval")).result()


async def asked(ctx: DurableContext) -> Any:
    return await ctx.wait_for_callback(lambda callback_id: None, name="approval")


WAYS = [answered, asked]

either_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.__name__))


@both_flavours
@either_way
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("service", "size"), [(DEFAULT, SMALLEST), (CURRENT, SMALLEST + 1), (CURRENT, LARGEST)])
def test_an_answer_may_have_as_many_bytes_as_the_service_takes(
    flavour: str, way: Any, text: str, service: Limits, size: int
) -> None:
    """What is too large to be recorded once more is read from the callback's own record on each replay."""
    answer = TEXTS[text](size)
    result = runner_of(flavour, lambda ctx: sizes(ctx, way), service).run(callbacks={"approval": answer})
    assert result.value == [len(answer)]


def test_an_answer_over_the_limit_is_refused_to_who_sends_it() -> None:
    """The callback waits on, and a smaller one is taken."""
    started = runner_of("async", answered, DEFAULT).start()
    pending = started.wait_for_callback("approval")
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        pending.succeed_with_text("x" * (SMALLEST + 1))
    pending.succeed("smaller")
    assert started.result().value == "smaller"


@both_flavours
def test_an_answer_that_grows_when_it_is_written_again_comes_back_all_the_same(flavour: str) -> None:
    """A number may have been written more shortly than we would."""
    text = "[" + ",".join(["1e15"] * 50_000) + "]"
    assert len(text) < SMALLEST
    told: list[str] = []

    async def body(ctx: DurableContext) -> list[Any]:
        return await sizes(ctx, lambda ctx: ctx.wait_for_callback(told.append, name="approval"))

    answers = {"approval": lambda pending: pending.succeed_with_text(text)}
    assert runner_of(flavour, body, DEFAULT).run(callbacks=answers).value == [50_000]
    assert len(told) == 1


@both_flavours
@either_way
@pytest.mark.parametrize("data", [0, 10_000, 31_000])
def test_a_failure_may_have_as_many_bytes_as_the_service_takes(flavour: str, way: Any, data: int) -> None:
    """Recorded once more, it leaves out its data first, and then the end of its message."""
    error: ErrorObject = {"ErrorType": "NotOnDuty", "ErrorMessage": "", "ErrorData": "d" * data}
    room = ERROR - len('{"ErrorType":"NotOnDuty","ErrorMessage":"","ErrorData":""}') - data
    error["ErrorMessage"] = "m" * room

    async def body(ctx: DurableContext) -> list[Any]:
        try:
            return [await way(ctx)]
        except CallbackError as failure:
            await ctx.wait(SECOND)
            return [failure.error_type, str(failure)]

    result = runner_of(flavour, body, DEFAULT).run(callbacks={"approval": lambda pending: pending.fail(error)})
    assert result.status == "SUCCEEDED", result.error
    kind, message = result.value
    assert kind == "NotOnDuty"
    if way is asked and not data:
        assert message.startswith("m" * 30_000)
        assert message.endswith("… (cut to fit)")
    else:
        assert message == "m" * room


@both_flavours
@either_way
def test_a_failure_over_the_limit_is_refused_to_who_sends_it(flavour: str, way: Any) -> None:
    started = runner_of(flavour, way, DEFAULT).start()
    pending = started.wait_for_callback("approval")
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        pending.fail("m" * ERROR)
    pending.fail("shorter")
    assert started.result().error == {"ErrorType": "durable_core.CallbackError", "ErrorMessage": "shorter"}
