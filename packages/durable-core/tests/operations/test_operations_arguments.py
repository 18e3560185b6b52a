"""Names, configurations and functions that no execution could accept are refused at the call, before any effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from both_flavours import both_flavours

from durable_core import (
    CallbackConfig,
    ChildConfig,
    DurableContext,
    DurableFunction,
    Duration,
    InvokeConfig,
    StepConfig,
    ValidationError,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    blocking,
    durable_execution,
    poll_every,
)
from durable_testing import LocalRunner, TestResult

Call = Callable[[Any], Any]

FIRST_AT_ROOT = "1ced8f5be2db23a6513eba4d819c73806424748a7bc6fa0d792cc1c7d1775a97"
"""The id of the first operation of an execution."""
POLLING = WaitForConditionConfig(wait_strategy=poll_every(Duration.from_seconds(5), until=bool))


def send(callback_id: str) -> None:
    """A submitter."""


def check(state: int) -> int:
    return state + 1


async def child(ctx: DurableContext) -> None:
    """A child context that does nothing."""


def named(name: Any) -> dict[str, Call]:
    """Every operation, called *name*."""
    shown = f"{name!r:.20}"
    return {
        f"condition {shown}": lambda ctx: ctx.wait_for_condition(check, initial_state=0, name=name, config=POLLING),
        f"callback {shown}": lambda ctx: ctx.create_callback(name=name),
        f"question {shown}": lambda ctx: ctx.wait_for_callback(send, name=name),
        f"invoke {shown}": lambda ctx: ctx.invoke("orders", name=name),
    }


def configured(config: Any) -> dict[str, Call]:
    """Every operation that can do without a configuration, with *config*."""
    shown = f"{config!r:.30}"
    return {
        f"step with {shown}": lambda ctx: ctx.step(str, config=config),
        f"child with {shown}": lambda ctx: ctx.run_in_child_context(child, config=config),
        f"callback with {shown}": lambda ctx: ctx.create_callback(config=config),
        f"question with {shown}": lambda ctx: ctx.wait_for_callback(send, config=config),
        f"invoke with {shown}": lambda ctx: ctx.invoke("orders", config=config),
    }


def polled(config: Any) -> Call:
    return lambda ctx: ctx.wait_for_condition(check, initial_state=0, config=config)


def invoked(function_name: Any) -> Call:
    return lambda ctx: ctx.invoke(function_name)


NAMES: list[Any] = ["", "x" * 257, "prüfen", "two\nlines", "\x7f", 5, b"bytes", ["list"]]
FUNCTIONS: list[Any] = [
    "", "x" * 257, "two words", "prüfen", "orders\n", "orders:", "orders:a:b", "::", ":live", "orders:$OLD",
    "orders/live", "arn:aws:lambda:us-east-1:123456789012:function:", "arn:aws:s3:::orders",
    "arn:aws:lambda:us-east-1:12345:function:orders", 5, b"orders", send,
]  # fmt: skip
CONFIGS: list[Any] = [{}, [], 0, "", False]
BAD_CALLS: dict[str, Call] = {
    **{what: call for name in NAMES for what, call in named(name).items()},
    **{what: call for config in CONFIGS for what, call in configured(config).items()},
    **{f"function {number}": invoked(name) for number, name in enumerate(FUNCTIONS)},
    "callback with a step's config": lambda ctx: ctx.create_callback(config=StepConfig()),
    "callback with an invoke's config": lambda ctx: ctx.create_callback(config=InvokeConfig()),
    "question with a callback's config": lambda ctx: ctx.wait_for_callback(send, config=CallbackConfig()),
    "question with a step's config": lambda ctx: ctx.wait_for_callback(send, config=StepConfig()),
    "invoke with a child's config": lambda ctx: ctx.invoke("orders", config=ChildConfig()),
    "condition without a config": polled(None),
    "condition with a dict": polled({"wait_strategy": None}),
    "condition with a strategy for a config": polled(poll_every(Duration.from_seconds(5), until=bool)),
    "condition with a question's config": polled(WaitForCallbackConfig()),
    "condition on a result": lambda ctx: ctx.wait_for_condition(5, initial_state=0, config=POLLING),
    "condition on nothing": lambda ctx: ctx.wait_for_condition(None, initial_state=0, config=POLLING),
    "question by a result": lambda ctx: ctx.wait_for_callback("told"),
    "question by nobody": lambda ctx: ctx.wait_for_callback(None),
}


def ran(flavour: str, call: Call) -> TestResult[Any]:
    """A workflow that makes *call*, which is refused, and then goes on with a step."""

    async def handler(event: object, ctx: DurableContext) -> str:
        with pytest.raises(ValidationError):
            call(ctx)
        return await ctx.step(str, "fine", name="after")

    def blocking_handler(event: object, ctx: blocking.DurableContext) -> str:
        with pytest.raises(ValidationError):
            call(ctx)
        return ctx.step(str, "fine", name="after")

    chosen: DurableFunction[Any] = durable_execution(handler if flavour == "async" else blocking_handler)
    return LocalRunner(chosen).run()


@both_flavours
@pytest.mark.parametrize("what", BAD_CALLS)
def test_a_bad_argument_is_refused_at_the_call_and_takes_no_place(flavour: str, what: str) -> None:
    result = ran(flavour, BAD_CALLS[what])
    assert result.value == "fine"
    assert [(each.id, each.name) for each in result.operations] == [(FIRST_AT_ROOT, "after")]


@both_flavours
@pytest.mark.parametrize("missing", ["initial_state", "config"])
def test_a_condition_needs_a_state_to_begin_with_and_a_strategy(flavour: str, missing: str) -> None:
    """By keyword, so that the two cannot be mistaken for one another."""
    given: dict[str, Any] = {"initial_state": 0, "config": POLLING}
    del given[missing]
    context: Any = DurableContext if flavour == "async" else blocking.DurableContext
    with pytest.raises(TypeError, match=missing):
        context.wait_for_condition(None, check, **given)


@pytest.mark.parametrize(
    "name",
    [
        "orders",
        "orders:live",
        "orders:$LATEST",
        "orders:$LATEST.PUBLISHED",
        "orders.v2",
        "function:orders",
        "123456789012:function:orders",
        "us-east-1:123456789012:orders",
        "arn:aws:lambda:us-east-1:123456789012:function:orders",
        "arn:aws:lambda:us-east-1:123456789012:function:orders:7",
    ],
)
def test_a_function_can_be_named_in_every_way_that_lambda_knows(name: str) -> None:
    """With a qualifier or without, as a part of an ARN or a whole one."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> object:
        return await ctx.invoke(name)

    runner = LocalRunner(handler)
    runner.register("orders", lambda event: "taken")
    runner.register("orders.v2", lambda event: "taken")
    assert runner.run().value == "taken"


def test_the_longest_name_is_taken_too() -> None:
    """256 characters, of a function that nobody has."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> object:
        return await ctx.invoke("x" * 256)

    error = LocalRunner(handler).run().error
    assert error is not None
    assert error.get("ErrorType") == "ResourceNotFoundException"
