"""Every hook of one small program, in order; the flavours differ in nothing but threads."""

from __future__ import annotations

from typing import Any

from both_flavours import both_flavours
from plugin_runs import HOUR, SECOND, run

from durable_core import (
    DurableContext,
    FixedDelay,
    MapConfig,
    Nesting,
    StepConfig,
    WaitForConditionConfig,
    poll_every,
    step_context,
)

TWICE = StepConfig(retry_strategy=FixedDelay(2, SECOND))
ONE_BY_ONE: MapConfig[Any] = MapConfig(max_concurrency=1)
FLAT: MapConfig[Any] = MapConfig(max_concurrency=1, nesting=Nesting.FLAT)


def double(number: int) -> int:
    return 2 * number


async def flaky() -> str:
    if step_context().attempt == 1:
        raise LookupError("not yet")
    return "at last"


def ask(callback_id: str) -> None:
    """Somebody outside is asked."""


def one_more(state: int) -> int:
    return state + 1


def is_2(state: int) -> bool:
    return state == 2


UNTIL_2 = WaitForConditionConfig(wait_strategy=poll_every(SECOND, until=is_2))


async def branch(ctx: DurableContext, item: int, index: int) -> int:
    return await ctx.step(double, item, name=f"double-{index}")


async def child(ctx: DurableContext) -> Any:
    callback = await ctx.create_callback(name="yes")
    await ctx.wait_for_callback(ask, name="asked")
    return await callback.result()


async def orders(ctx: DurableContext) -> Any:
    await ctx.step(double, 1, name="charge")
    await ctx.wait(HOUR, name="pause")
    await ctx.step(flaky, config=TWICE)
    return await ctx.run_in_child_context(child)


ORDERS = """
invocation_start first
operation_start Step charge
attempt_start Step charge #1
attempt_end Step charge #1 SUCCEEDED
operation_change Step charge SUCCEEDED
operation_end Step charge SUCCEEDED
operation_start Wait pause
invocation_end PENDING

invocation_start again
operation_end Wait pause SUCCEEDED
operation_start Step flaky
attempt_start Step flaky #1
attempt_end Step flaky #1 FAILED LookupError
operation_change Step flaky PENDING
invocation_end PENDING

invocation_start again
operation_start Step flaky again READY
attempt_start Step flaky #2 again
attempt_end Step flaky #2 SUCCEEDED
operation_change Step flaky SUCCEEDED
operation_end Step flaky SUCCEEDED
operation_start RunInChildContext child
attempt_start RunInChildContext child
operation_start Callback yes
operation_start WaitForCallback asked
operation_start Callback asked
operation_start Step ask
attempt_start Step ask #1
attempt_end Step ask #1 SUCCEEDED
operation_change Step ask SUCCEEDED
operation_end Step ask SUCCEEDED
invocation_end PENDING

invocation_start again
operation_end Callback yes SUCCEEDED
operation_start RunInChildContext child again
attempt_start RunInChildContext child again
operation_start WaitForCallback asked again
operation_start Callback asked again
invocation_end PENDING

invocation_start again
operation_end Callback asked SUCCEEDED
operation_start RunInChildContext child again
attempt_start RunInChildContext child again
operation_start WaitForCallback asked again
operation_change WaitForCallback asked SUCCEEDED
operation_end WaitForCallback asked SUCCEEDED
attempt_end RunInChildContext child SUCCEEDED
operation_change RunInChildContext child SUCCEEDED
operation_end RunInChildContext child SUCCEEDED
invocation_end SUCCEEDED
"""


async def batches(ctx: DurableContext) -> Any:
    await ctx.map([1, 2], branch, name="numbers", config=ONE_BY_ONE)
    await ctx.map([1], branch, name="flat", config=FLAT)
    await ctx.invoke("double", 3, name="elsewhere")
    return await ctx.wait_for_condition(one_more, initial_state=0, name="enough", config=UNTIL_2)


BATCHES = """
invocation_start first
operation_start Map numbers
operation_start MapIteration map-item-0
attempt_start MapIteration map-item-0
operation_start Step double-0
attempt_start Step double-0 #1
attempt_end Step double-0 #1 SUCCEEDED
operation_change Step double-0 SUCCEEDED
operation_end Step double-0 SUCCEEDED
attempt_end MapIteration map-item-0 SUCCEEDED
operation_change MapIteration map-item-0 SUCCEEDED
operation_end MapIteration map-item-0 SUCCEEDED
operation_start MapIteration map-item-1
attempt_start MapIteration map-item-1
operation_start Step double-1
attempt_start Step double-1 #1
attempt_end Step double-1 #1 SUCCEEDED
operation_change Step double-1 SUCCEEDED
operation_end Step double-1 SUCCEEDED
attempt_end MapIteration map-item-1 SUCCEEDED
operation_change MapIteration map-item-1 SUCCEEDED
operation_end MapIteration map-item-1 SUCCEEDED
operation_change Map numbers SUCCEEDED
operation_end Map numbers SUCCEEDED
operation_start Map flat
attempt_start MapIteration map-item-0
operation_start Step double-0
attempt_start Step double-0 #1
attempt_end Step double-0 #1 SUCCEEDED
operation_change Step double-0 SUCCEEDED
operation_end Step double-0 SUCCEEDED
attempt_end MapIteration map-item-0 SUCCEEDED
operation_change Map flat SUCCEEDED
operation_end Map flat SUCCEEDED
operation_start ChainedInvoke elsewhere
invocation_end PENDING

invocation_start again
operation_end ChainedInvoke elsewhere SUCCEEDED
operation_start WaitForCondition enough
attempt_start WaitForCondition enough #1
attempt_end WaitForCondition enough #1 SUCCEEDED
operation_change WaitForCondition enough PENDING
invocation_end PENDING

invocation_start again
operation_start WaitForCondition enough again READY
attempt_start WaitForCondition enough #2 again
attempt_end WaitForCondition enough #2 SUCCEEDED
operation_change WaitForCondition enough SUCCEEDED
operation_end WaitForCondition enough SUCCEEDED
invocation_end SUCCEEDED
"""


@both_flavours
def test_the_hooks_of_a_sequence_of_operations_in_order(flavour: str) -> None:
    story, _ = run(flavour, orders, callbacks={"yes": True, "asked": 7})
    assert story.lines() == [line for line in ORDERS.splitlines() if line]


@both_flavours
def test_the_hooks_of_batches_an_invoke_and_a_condition_in_order(flavour: str) -> None:
    story, _ = run(flavour, batches, functions={"double": double})
    assert story.lines() == [line for line in BATCHES.splitlines() if line]
