"""Logging: which operation a line speaks of, from where, and whether it is said again on a replay."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from durable_core import (
    DurableContext,
    FixedDelay,
    MapConfig,
    ReplayFilter,
    ReplayLogging,
    StepConfig,
    blocking,
    durable_execution,
    step_context,
)
from durable_testing import LocalRunner

FIELDS = (
    "durable_execution_arn",
    "operation_id",
    "operation_name",
    "parent_id",
    "attempt",
    "request_id",
    "is_replay",
)
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
WRITTEN_ON_A_REPLAY = {
    ReplayLogging.SUPPRESS_ALL: [],
    ReplayLogging.ALLOW_ALL: ["debug", "info", "warning", "error", "critical"],
    ReplayLogging.ERRORS_ONLY: ["error", "critical"],
    ReplayLogging.WARNINGS_AND_ERRORS: ["warning", "error", "critical"],
}
other = logging.getLogger("another.library")


@pytest.fixture(autouse=True)
def _every_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def say_all(say: Any) -> None:
    for level in LEVELS:
        getattr(say, level)(level)


def lines(caplog: pytest.LogCaptureFixture, logger: str = "durable") -> list[logging.LogRecord]:
    """The records of *logger*."""
    return [record for record in caplog.records if record.name == logger]


def run(handler: Any) -> Any:
    """One execution, without the runner's own replay after it."""
    result = LocalRunner(handler, verify_replay=False).run()
    assert result.status == "SUCCEEDED", result.error
    return result


def here() -> int:
    """The line of the caller."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def in_step(marks: list[int]) -> None:
    step_context().logger.info("in step", amount=1)
    marks.append(here() - 1)
    if step_context().attempt == 1:
        raise ValueError("again")


@durable_execution
async def every_field(event: None, ctx: DurableContext) -> None:
    async def child(inner: DurableContext) -> None:
        inner.logger.info("in child")
        await inner.step(in_step, [], name="inner", config=StepConfig(retry_strategy=FixedDelay(2)))

    ctx.logger.info("at root")
    await ctx.run_in_child_context(child, name="child")


def test_every_record_says_which_operation_it_is_of(caplog: pytest.LogCaptureFixture) -> None:
    """Execution, invocation, operation, its parent and its attempt; the root has no operation."""
    result = run(every_field)
    said = {(record.getMessage(), vars(record)["attempt"]): vars(record) for record in reversed(lines(caplog))}
    child, step = result.operation("child").id, result.operation("inner").id
    first, second = (each.request_id for each in result.invocations)
    for key, operation_id, name, parent_id, request_id in (
        (("at root", None), None, None, None, first),
        (("in child", None), child, "child", None, first),
        (("in step", 1), step, "inner", child, first),
        (("in step", 2), step, "inner", child, second),
    ):
        expected = (result.execution_arn, operation_id, name, parent_id, key[1], request_id, False)
        assert tuple(said[key][field] for field in FIELDS) == expected


def test_fields_are_attributes_of_the_record_and_stand_together(caplog: pytest.LogCaptureFixture) -> None:
    """For formatters that print attributes, and for those that take a dict."""

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        ctx.logger.info("Processing order", order_id="ORD-12345", amount=99.99)

    run(workflow)
    [record] = lines(caplog)
    assert record.getMessage() == "Processing order"
    assert vars(record)["fields"] == {"order_id": "ORD-12345", "amount": 99.99}
    assert (vars(record)["order_id"], vars(record)["amount"]) == ("ORD-12345", 99.99)


@pytest.mark.parametrize(
    "name",
    [
        "name", "msg", "args", "levelname", "pathname", "lineno", "message", "asctime", "thread", "process", "module",
        "operation_id", "attempt", "is_replay", "request_id", "fields",
    ],
)  # fmt: skip
def test_a_field_that_the_record_has_already_gets_an_underscore(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The standard logger would refuse it, and the line would be lost."""

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        ctx.logger.info("text", **{name: "mine"})

    run(workflow)
    [record] = lines(caplog)
    assert record.getMessage() == "text"
    assert vars(record)[f"{name}_"] == "mine"
    assert vars(record)["fields"] == {name: "mine"}
    assert vars(record).get(name) != "mine"


def test_standard_options_keep_their_meaning(caplog: pytest.LogCaptureFixture) -> None:
    """``exc_info``, ``stack_info`` and ``extra``; arguments are formatted late."""

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        ctx.logger.info("%s of %d", "one", 2, extra={"own": 1}, stack_info=True, more=3)
        try:
            raise ValueError("x")
        except ValueError:
            ctx.logger.exception("failed", order_id=1)
            ctx.logger.warning("failed again", exc_info=True)

    run(workflow)
    first, second, third = lines(caplog)
    assert first.getMessage() == "one of 2"
    assert first.stack_info is not None
    assert (vars(first)["own"], vars(first)["fields"]) == (1, {"more": 3})
    assert (second.levelno, third.levelno) == (logging.ERROR, logging.WARNING)
    for record in (second, third):
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], ValueError)
    assert vars(second)["fields"] == {"order_id": 1}


def test_each_method_writes_at_its_level(caplog: pytest.LogCaptureFixture) -> None:
    """``log`` at any, and the short forms of the context at theirs."""

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        say_all(ctx.logger)
        ctx.logger.log(15, "between")
        ctx.log_debug("d", n=1)
        ctx.log_info("i", n=1)
        ctx.log_warning("w", n=1)
        ctx.log_error("e", n=1)

    run(workflow)
    assert [record.levelno for record in lines(caplog)] == [10, 20, 30, 40, 50, 15, 10, 20, 30, 40]
    assert [vars(record)["fields"] for record in lines(caplog)[-4:]] == [{"n": 1}] * 4


def test_what_the_logger_would_not_write_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Its level is asked first."""
    caplog.set_level(logging.ERROR, "durable")

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        say_all(ctx.logger)

    run(workflow)
    assert [record.getMessage() for record in lines(caplog)] == ["error", "critical"]


def test_a_record_points_at_the_line_that_wrote_it(caplog: pytest.LogCaptureFixture) -> None:
    """Through every short form; ``stacklevel`` points further up, as it does with ``logging``."""
    expected: list[tuple[int, str]] = []

    def through(say: Any) -> None:
        say.info("helper", stacklevel=2)

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        ctx.logger.info("1")
        ctx.logger.log(20, "2")
        ctx.log_info("3")
        ctx.log_error("4")
        through(ctx.logger)
        expected.extend((here() - n, "workflow") for n in (5, 4, 3, 2, 1))

    run(workflow)
    assert [(record.lineno, record.funcName) for record in lines(caplog)] == expected
    assert {record.filename for record in lines(caplog)} == {"test_leaf_logger.py"}


def test_the_short_forms_take_a_stacklevel_too(caplog: pytest.LogCaptureFixture) -> None:
    """As every other standard option."""
    expected: list[int] = []

    def through(ctx: DurableContext) -> None:
        ctx.log_warning("helper", stacklevel=2)

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        through(ctx)
        expected.append(here() - 1)

    run(workflow)
    assert [record.lineno for record in lines(caplog)] == expected


def test_a_record_of_a_step_points_into_the_step(caplog: pytest.LogCaptureFixture) -> None:
    """Wherever its body runs."""
    marks: list[int] = []

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        await ctx.step(in_step, marks, config=StepConfig(retry_strategy=FixedDelay(2)))

    run(workflow)
    assert [record.lineno for record in lines(caplog)] == marks
    assert {record.funcName for record in lines(caplog)} == {"in_step"}


def both_flavours(mode: ReplayLogging, say: Callable[[Any], None]) -> list[Any]:
    """A handler of each flavour that says everything before a wait, and once more after it."""

    @durable_execution(replay_logging=mode)
    async def later(event: None, ctx: DurableContext) -> None:
        say(ctx)
        await ctx.wait(timedelta(seconds=1))
        ctx.logger.info("after")

    @durable_execution(replay_logging=mode)
    def now(event: None, ctx: blocking.DurableContext) -> None:
        say(ctx)
        ctx.wait(timedelta(seconds=1))
        ctx.logger.info("after")

    return [later, now]


@pytest.mark.parametrize("flavour", [0, 1], ids=["async", "blocking"])
@pytest.mark.parametrize("mode", ReplayLogging)
def test_what_is_said_again_on_a_replay_is_what_the_mode_allows(
    mode: ReplayLogging, flavour: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything on the first run, and everything after the point that the replay reaches."""
    run(both_flavours(mode, lambda ctx: say_all(ctx.logger))[flavour])
    said = [(record.getMessage(), vars(record)["is_replay"]) for record in lines(caplog)]
    first = [(level, False) for level in LEVELS]
    again = [(level, True) for level in WRITTEN_ON_A_REPLAY[mode]]
    assert said == [*first, *again, ("after", False)]


@durable_execution
async def child_in_async(event: None, ctx: DurableContext) -> None:
    async def child(inner: DurableContext) -> None:
        for number in (1, 2, 3):
            inner.logger.info("%d, replaying: %s", number, inner.is_replaying)
            await inner.wait(timedelta(seconds=1))

    await ctx.run_in_child_context(child)
    ctx.logger.info("after")


@durable_execution
def child_in_blocking(event: None, ctx: blocking.DurableContext) -> None:
    def child(inner: blocking.DurableContext) -> None:
        for number in (1, 2, 3):
            inner.logger.info("%d, replaying: %s", number, inner.is_replaying)
            inner.wait(timedelta(seconds=1))

    ctx.run_in_child_context(child)
    ctx.logger.info("after")


@pytest.mark.parametrize("handler", [child_in_async, child_in_blocking], ids=["async", "blocking"])
def test_a_child_that_spans_invocations_says_each_line_once(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It replays up to its own first operation that was not over."""
    run(handler)
    expected = [f"{number}, replaying: False" for number in (1, 2, 3)]
    assert [record.getMessage() for record in lines(caplog)] == [*expected, "after"]


async def talks(ctx: DurableContext, number: int) -> None:
    ctx.logger.info("%d begins", number)
    await ctx.wait(timedelta(seconds=1 + number))
    ctx.logger.info("%d ends", number)


@durable_execution
async def children_side_by_side(event: None, ctx: DurableContext) -> None:
    await asyncio.gather(*[ctx.run_in_child_context(talks, number) for number in range(3)])


@durable_execution
async def items_side_by_side(event: None, ctx: DurableContext) -> None:
    await ctx.map(range(3), lambda inner, number, index: talks(inner, number))


@durable_execution
async def two_items_at_a_time(event: None, ctx: DurableContext) -> None:
    at_a_time: MapConfig[None] = MapConfig(max_concurrency=2)
    await ctx.map(range(3), lambda inner, number, index: talks(inner, number), config=at_a_time)


@durable_execution
async def operands_side_by_side(event: None, ctx: DurableContext) -> None:
    await ctx.all([partial(talks, number=number) for number in range(3)])


@pytest.mark.parametrize(
    "handler", [children_side_by_side, items_side_by_side, two_items_at_a_time, operands_side_by_side]
)
def test_each_of_many_says_each_line_once(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Each replays up to its own first news, whatever is news to the others."""
    run(handler)
    said = sorted(record.getMessage() for record in lines(caplog))
    assert said == [f"{number} {what}" for number in range(3) for what in ("begins", "ends")]


@pytest.mark.parametrize("flavour", [0, 1], ids=["async", "blocking"])
@pytest.mark.parametrize("mode", ReplayLogging)
def test_a_filter_gives_any_other_logger_the_same_silence(
    mode: ReplayLogging, flavour: int, caplog: pytest.LogCaptureFixture
) -> None:
    """On the logger itself, or on a handler."""
    replay_filter = ReplayFilter(mode)
    other.addFilter(replay_filter)
    try:
        other.info("before any workflow")
        run(both_flavours(ReplayLogging.SUPPRESS_ALL, lambda ctx: say_all(other))[flavour])
        other.info("after every workflow")
    finally:
        other.removeFilter(replay_filter)
    said = [record.getMessage() for record in lines(caplog, other.name)]
    assert said == ["before any workflow", *LEVELS, *WRITTEN_ON_A_REPLAY[mode], "after every workflow"]


def test_a_filter_is_silent_about_everything_unless_told_otherwise() -> None:
    """As the handler's own mode."""
    record = logging.makeLogRecord({"levelno": logging.DEBUG})
    assert ReplayFilter().filter(record)


def test_a_step_that_runs_is_no_replay(caplog: pytest.LogCaptureFixture) -> None:
    """Its body runs only when it is not recorded, even while its siblings replay."""

    def quiet() -> None:
        step_context().logger.info("recorded")

    def loud() -> None:
        step_context().logger.info("attempt")
        if step_context().attempt < 3:
            raise ValueError

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        async def branch() -> None:
            await ctx.step(quiet)
            await ctx.step(loud, config=StepConfig(retry_strategy=FixedDelay(3)))

        await asyncio.gather(branch(), branch())

    run(workflow)
    assert sorted(record.getMessage() for record in lines(caplog)) == ["attempt"] * 6 + ["recorded"] * 2
    assert not any(vars(record)["is_replay"] for record in lines(caplog))


def test_the_contexts_logger_speaks_on_other_threads_too(caplog: pytest.LogCaptureFixture) -> None:
    """In a step's body and in a thread of the program's, where nothing is known to replay."""

    @durable_execution
    async def workflow(event: None, ctx: DurableContext) -> None:
        await ctx.step(lambda: ctx.logger.info("in a step"))
        await asyncio.to_thread(ctx.logger.info, "in a thread")

    run(workflow)
    assert [(each.getMessage(), vars(each)["is_replay"]) for each in lines(caplog)] == [
        ("in a step", False),
        ("in a thread", False),
    ]
