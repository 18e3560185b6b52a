"""The program is wrong: names, durations, functions and strategies that no execution could accept."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_runs import id_at_root

from durable_core import (
    ChildConfig,
    DurableContext,
    DurableFunction,
    Duration,
    ExponentialBackoff,
    FixedDelay,
    LinearBackoff,
    RetryDecision,
    StepConfig,
    StepError,
    ValidationError,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner

HOUR = Duration.from_hours(1)
Call = Callable[[Any], Any]


async def child(inner: DurableContext) -> None:
    """A child context that does nothing."""


NAMES: list[Any] = ["", "x" * 257, "prüfen", "two\nlines", "tab\t", "\x1b[31mred", "\x7f", 5, b"bytes", ["list"]]
DURATIONS: list[Any] = [
    5.0, 5, "5", None, True, timedelta(0), timedelta(seconds=-1), Duration.from_years(2), timedelta(days=367),
    timedelta(days=366, microseconds=1),
]  # fmt: skip

BAD_CALLS: dict[str, Call] = {
    **{f"step named {name!r:.20}": partial(lambda ctx, name: ctx.step(str, name=name), name=name) for name in NAMES},
    **{f"wait named {name!r:.20}": partial(lambda ctx, name: ctx.wait(HOUR, name=name), name=name) for name in NAMES},
    **{
        f"child named {name!r:.20}": partial(lambda ctx, name: ctx.run_in_child_context(child, name=name), name=name)
        for name in NAMES
    },
    **{f"wait of {d!r}": partial(lambda ctx, duration: ctx.wait(duration), duration=d) for d in DURATIONS},
    "step of a result": lambda ctx: ctx.step("result"),
    "step of nothing": lambda ctx: ctx.step(None),
    "child of a result": lambda ctx: ctx.run_in_child_context(5),
    "step with a child's config": lambda ctx: ctx.step(str, config=ChildConfig()),
    "step with a dict": lambda ctx: ctx.step(str, config={"retry_strategy": None}),
    "child with a step's config": lambda ctx: ctx.run_in_child_context(child, config=StepConfig()),
}


def refusals(flavour: str) -> DurableFunction[Any]:
    """A workflow that makes every bad call, then a good one, and returns the messages."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> dict[str, str]:
        found = {}
        for what, call in BAD_CALLS.items():
            try:
                call(ctx)
            except ValidationError as error:
                found[what] = str(error)
        return {**found, "good": await ctx.step(str, "good", name="good")}

    @durable_execution
    def blocking_handler(event: object, ctx: blocking.DurableContext) -> dict[str, str]:
        found = {}
        for what, call in BAD_CALLS.items():
            try:
                call(ctx)
            except ValidationError as error:
                found[what] = str(error)
        return {**found, "good": ctx.step(str, "good", name="good")}

    return handler if flavour == "async" else blocking_handler


@both_flavours
def test_an_argument_that_no_execution_could_accept_is_refused_before_any_effect(flavour: str) -> None:
    result = LocalRunner(refusals(flavour)).run()
    assert [what for what in BAD_CALLS if what not in result.value] == []
    assert [(operation.name, operation.id) for operation in result.operations] == [("good", id_at_root("1"))]
    assert issubclass(ValidationError, ValueError)
    for message in result.value.values():
        assert len(message) < 400
        assert message.isprintable(), message


CONFIGURATIONS: dict[str, Callable[[], object]] = {
    "a timeout that is a number": lambda: StepConfig(timeout=5),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "a timeout of zero": lambda: StepConfig(timeout=timedelta(0)),
    "a timeout below zero": lambda: StepConfig(timeout=timedelta(seconds=-1)),
    "semantics that are text": lambda: StepConfig(step_semantics="at-most-once"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "a strategy that is a number": lambda: StepConfig(retry_strategy=3),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "no attempts": lambda: FixedDelay(0),
    "half an attempt": lambda: FixedDelay(1.5),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "a delay that is a number": lambda: FixedDelay(3, 5),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "a delay of zero": lambda: FixedDelay(3, timedelta(0)),
    "a base delay below zero": lambda: ExponentialBackoff(3, timedelta(seconds=-1)),
    "a largest delay that is text": lambda: LinearBackoff(3, HOUR, "1h"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "a multiplier below one": lambda: ExponentialBackoff(3, multiplier=0.5),
    "an endless multiplier": lambda: ExponentialBackoff(3, multiplier=float("inf")),
    "a retry that is a number": lambda: RetryDecision.retry_after(5),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "a handler's strategy that is a number": lambda: durable_execution(retry_strategy=3),  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType,reportCallIssue]
    "zero seconds": lambda: Duration.from_seconds(0),
    "negative minutes": lambda: Duration.from_minutes(-1),
    "endless hours": lambda: Duration.from_hours(float("inf")),
    "no number of days": lambda: Duration.from_days(float("nan")),
    "a truth of weeks": lambda: Duration.from_weeks(True),
    "text for months": lambda: Duration.from_months("3"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
}


@pytest.mark.parametrize("what", CONFIGURATIONS)
def test_a_configuration_that_no_execution_could_accept_is_refused_where_it_is_made(what: str) -> None:
    with pytest.raises(ValidationError):
        CONFIGURATIONS[what]()


def named(name: str) -> Callable[[], str]:
    def func() -> str:
        return "done"

    func.__name__ = name
    return func


@both_flavours
@pytest.mark.parametrize(
    ("name", "recorded"),
    [("prüfen", "pr_fen"), ("x" * 300, "x" * 256), ("two\nlines", "two_lines"), ("<lambda>", None), ("日本", "__")],
)
def test_an_automatic_name_is_made_legal(flavour: str, name: str, recorded: str | None) -> None:
    async def body(ctx: DurableContext) -> Any:
        return await ctx.step(named(name))

    result = LocalRunner(handler_of(flavour, body)).run()
    assert result.status == "SUCCEEDED"
    assert [each.name for each in result.operations] == [recorded]


@both_flavours
def test_fractions_of_seconds_are_rounded_up_and_the_longest_wait_is_taken(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.wait(timedelta(milliseconds=1), name="short")
        await ctx.wait(timedelta(seconds=1.5), name="longer")
        await ctx.wait(timedelta(days=366), name="longest")

    result = LocalRunner(handler_of(flavour, body)).run()
    durations = [result.operation(name).duration for name in ("short", "longer", "longest")]
    assert durations == [timedelta(seconds=1), timedelta(seconds=2), timedelta(days=366)]


def broken(error: BaseException, attempt: int) -> RetryDecision:
    raise ZeroDivisionError("in the strategy")


class Speechless(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


STRATEGIES: dict[str, Any] = {
    "raises": broken,
    "answers nothing": lambda error, attempt: None,
    "answers a number": lambda error, attempt: 5,
    "answers a bare duration": lambda error, attempt: HOUR,
    "answers a truth": lambda error, attempt: True,
    "answers a delay of zero": lambda error, attempt: RetryDecision(timedelta(0)),
    "answers a delay below zero": lambda error, attempt: RetryDecision(timedelta(seconds=-5)),
    "answers two years": lambda error, attempt: RetryDecision(Duration.from_years(2)),
    "answers a number as delay": lambda error, attempt: RetryDecision(5),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "takes one argument": lambda error: RetryDecision.stop(),
    "answers a class": lambda error, attempt: RetryDecision,
}


@both_flavours
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("error", [ConnectionError("the attempt"), Speechless()], ids=["ordinary", "speechless"])
def test_a_strategy_that_raises_or_answers_nonsense_fails_the_step_with_both_errors(
    flavour: str, strategy: str, error: Exception
) -> None:
    ran: list[int] = []

    def fail() -> None:
        ran.append(1)
        raise error

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(fail, config=StepConfig(retry_strategy=STRATEGIES[strategy]))
        except StepError as found:
            await ctx.wait(HOUR)
            return str(found)
        return "no error"

    result = LocalRunner(handler_of(flavour, body)).run()
    assert result.status == "SUCCEEDED"
    assert type(error).__name__ in result.value
    assert re.search("ZeroDivisionError: in the strategy|ValidationError|TypeError", result.value)
    assert result.operation("fail").status == "FAILED"
    assert len(ran) == 1, "it is not run again"


@both_flavours
def test_arguments_that_do_not_fit_the_function_are_not_retried(flavour: str) -> None:
    def takes_one(argument: str) -> str:
        return argument

    ill_fitting: Callable[..., str] = takes_one

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(ill_fitting, "one", "two")
        except TypeError as error:
            return str(error)
        return "no error"

    result = LocalRunner(handler_of(flavour, body)).run()
    assert "takes 1 positional argument but 2 were given" in result.value
    assert result.operation("takes_one").attempts == 1
