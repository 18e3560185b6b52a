"""What no record can hold is refused before anything of the operation is recorded, and alike on every replay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from both_flavours import Body, both_flavours
from operation_runs import SECOND, everywhere, run, standing_at, value_of

from durable_core import (
    CallbackConfig,
    ChildConfig,
    DurableContext,
    InvokeConfig,
    SerDesError,
    SizeLimitError,
    WaitForCallbackConfig,
)

MEBIBYTE = 1_048_576


@dataclass
class Amount:
    euros: float


async def nothing(ctx: DurableContext) -> None:
    """A child context that does nothing."""


def send(callback_id: str) -> None:
    """A submitter that tells nobody."""


async def too_large(ctx: DurableContext) -> None:
    await ctx.invoke("orders", "x" * MEBIBYTE)


async def no_json(ctx: DurableContext) -> None:
    await ctx.invoke("orders", {"at": object()})


async def no_number(ctx: DurableContext) -> None:
    await ctx.invoke("orders", [{"amount": Amount(math.nan)}, None])


async def no_result_of_an_invoke(ctx: DurableContext) -> None:
    await ctx.invoke("orders", config=InvokeConfig(returns=complex))


async def no_result_of_a_callback(ctx: DurableContext) -> None:
    await ctx.create_callback(config=CallbackConfig(returns=complex))


async def no_result_of_a_question(ctx: DurableContext) -> None:
    await ctx.wait_for_callback(send, config=WaitForCallbackConfig(returns=complex))


async def no_result_of_a_child(ctx: DurableContext) -> None:
    await ctx.run_in_child_context(nothing, config=ChildConfig(returns=complex))


REFUSED: list[Body] = [
    too_large,
    no_json,
    no_number,
    no_result_of_an_invoke,
    no_result_of_a_callback,
    no_result_of_a_question,
    no_result_of_a_child,
]

each_refused = pytest.mark.parametrize("call", REFUSED, ids=lambda call: str(call.__name__))


@everywhere
@each_refused
def test_it_is_refused_alike_each_time_and_the_workflow_goes_on(call: Body, flavour: str, place: str) -> None:
    refusals: list[str] = []

    async def body(ctx: DurableContext) -> Any:
        try:
            await call(ctx)
        except (SerDesError, SizeLimitError) as error:
            refusals.append(f"{type(error).__name__}: {error}")
        await ctx.wait(SECOND)
        return await ctx.step(str, "done", name="after")

    result = run(flavour, standing_at(place, body))
    assert result.value == "done"
    assert len(refusals) > 1
    assert len(set(refusals)) == 1
    assert {each.name for each in result.operations if each.type == "STEP"} <= {"after", "beside"}
    assert {each.type for each in result.operations} <= {"STEP", "WAIT", "CONTEXT"}


@both_flavours
@each_refused
def test_it_is_refused_again_where_a_child_that_is_over_gives_its_result_again(call: Body, flavour: str) -> None:
    """Its result was too large to record, so that its body runs once more on each replay."""

    async def child(ctx: DurableContext) -> str:
        try:
            await call(ctx)
        except (SerDesError, SizeLimitError):
            await ctx.step(str, "caught", name="caught")
        return "x" * MEBIBYTE

    async def body(ctx: DurableContext) -> int:
        text = await ctx.run_in_child_context(child)
        await ctx.wait(SECOND)
        return len(text)

    assert value_of(flavour, body) == MEBIBYTE


@both_flavours
def test_a_payload_that_is_too_large_is_named_with_its_size_and_the_limit(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.invoke("orders", "x" * MEBIBYTE, name="order")

    error = run(flavour, body).error
    assert error == {
        "ErrorType": "durable_core.SizeLimitError",
        "ErrorMessage": 'the payload of invoke "order" has 1048578 bytes; the service takes at most 1048576',
    }
