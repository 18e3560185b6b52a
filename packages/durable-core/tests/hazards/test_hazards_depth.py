"""The program is wrong, or somebody hostile: contexts and values nested deeper than Python's stack."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_runs import Stage, failure_of, recorded_step

from durable_core import (
    ChildContextError,
    DurableContext,
    Duration,
    NoRetry,
    SerDesError,
    StepConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner

ONCE = StepConfig(retry_strategy=NoRetry())
HOUR = Duration.from_hours(1)
DEEP = 100_000


async def nested(ctx: DurableContext, levels: int, innermost: str) -> int:
    """So many child contexts, one in the other."""
    if levels:
        return 1 + await ctx.run_in_child_context(nested, levels - 1, innermost, name="level")
    if innermost == "waits":
        await ctx.wait(HOUR)
    if innermost == "fails":
        raise LookupError("at the bottom")
    return 0


@pytest.mark.parametrize("innermost", ["returns", "waits", "fails"])
def test_a_thousand_nested_child_contexts_work(innermost: str) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> Any:
        try:
            return await nested(ctx, 1_000, innermost)
        except ChildContextError as error:
            return error.error_type

    result = LocalRunner(handler).run()
    assert result.value == ("LookupError" if innermost == "fails" else 1_000)
    assert sum(each.type == "CONTEXT" for each in result.operations) == 1_000


@pytest.mark.parametrize("innermost", ["returns", "waits"])
def test_three_thousand_nested_async_child_contexts_work(innermost: str) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> int:
        return await nested(ctx, 3_000, innermost)

    assert LocalRunner(handler, verify_replay=False).run().value == 3_000


def test_a_thousand_nested_blocking_child_contexts_work() -> None:
    async def body(ctx: DurableContext) -> int:
        return await nested(ctx, 1_000, "returns")

    assert LocalRunner(handler_of("blocking", body)).run().value == 1_000


def test_a_blocking_execution_that_ends_takes_no_room_from_one_that_is_deep() -> None:
    begun, deep, ended = threading.Event(), threading.Event(), threading.Event()

    @durable_execution
    def diver(event: object, ctx: blocking.DurableContext) -> int:
        def child(inner: blocking.DurableContext, levels: int) -> int:
            if levels:
                return 1 + inner.run_in_child_context(child, levels - 1)
            deep.set()
            assert ended.wait(10)
            return inner.step(sink, 200)

        return ctx.run_in_child_context(child, 150)

    def sink(levels: int) -> int:
        return sink(levels - 1) if levels else 0

    @durable_execution
    def swimmer(event: object, ctx: blocking.DurableContext) -> bool:
        begun.set()
        return ctx.step(deep.wait, 10)

    with ThreadPoolExecutor(2) as threads:
        shallow = threads.submit(Stage(swimmer).invoke)
        assert begun.wait(10)
        answer = threads.submit(Stage(diver).invoke)
        assert shallow.result() == {"Status": "SUCCEEDED", "Result": "true"}
        ended.set()
        assert answer.result() == {"Status": "SUCCEEDED", "Result": "150"}


RUNAWAY = """
import sys
sys.path[:0] = {path!r}
from durable_core import blocking, durable_execution
from hazard_runs import Stage

@durable_execution
def handler(event, ctx: blocking.DurableContext):
    def child(inner):
        return inner.run_in_child_context(child)

    return ctx.run_in_child_context(child)

print(Stage(handler).invoke()["Status"])
"""


def test_blocking_child_contexts_nested_without_end_fail_the_execution_and_leave_the_sandbox_alive() -> None:
    """In a process of its own: what happens otherwise is no exception."""
    path = [str(Path(__file__).parent), *filter(None, sys.path)]
    command = [sys.executable, "-c", RUNAWAY.format(path=path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "FAILED\n"), done.stderr[-500:]


def brackets(depth: int) -> str:
    return "[" * depth + "]" * depth


def within(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@both_flavours
def test_an_event_nested_without_end_fails_the_execution_before_any_code_runs(flavour: str) -> None:
    ran: list[int] = []

    async def body(ctx: DurableContext) -> None:
        ran.append(1)

    stage = Stage(handler_of(flavour, body))
    event = stage.begin()
    execution = event["InitialExecutionState"].get("Operations", [])[0]
    execution["ExecutionDetails"] = {"InputPayload": brackets(DEEP)}
    answer = stage.invoke(event)
    assert answer["Status"] == "FAILED"
    assert "SerDesError" in failure_of(answer).get("ErrorType", "")
    assert not ran


@both_flavours
def test_a_recorded_result_nested_without_end_is_an_error_of_its_step(flavour: str) -> None:
    def deep() -> Any:
        raise AssertionError("it is recorded")

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(deep)
        except SerDesError:
            return "refused"
        return "read"

    stage = Stage(handler_of(flavour, body))
    event = stage.begin()
    event["InitialExecutionState"]["Operations"] = [
        *event["InitialExecutionState"].get("Operations", []),
        recorded_step(1, "deep", StepDetails={"Attempt": 1, "Result": brackets(DEEP)}),
    ]
    assert stage.handler.durable.invoke(event, None, client=stage.client) == {
        "Status": "SUCCEEDED",
        "Result": '"refused"',
    }


@both_flavours
def test_recorded_error_data_nested_without_end_is_left_out(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(str, name="failed")
        except ValueError as error:
            return str(error)
        return "no error"

    stage = Stage(handler_of(flavour, body))
    event = stage.begin()
    error = {"ErrorType": "ValueError", "ErrorMessage": "declined", "ErrorData": f'{{"attributes": {brackets(DEEP)}}}'}
    event["InitialExecutionState"]["Operations"] = [
        *event["InitialExecutionState"].get("Operations", []),
        recorded_step(1, "failed", Status="FAILED", StepDetails={"Attempt": 1, "Error": error}),
    ]
    assert stage.handler.durable.invoke(event, None, client=stage.client).get("Result") == '"declined"'


@both_flavours
@pytest.mark.parametrize("depth", [100, 1_500, DEEP])
def test_a_result_is_read_back_at_the_depth_at_which_it_was_taken_or_refused_the_first_time(
    flavour: str, depth: int
) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            value = await ctx.step(within, depth, config=ONCE)
        except SerDesError:
            value = None
        await ctx.wait(HOUR)
        return "refused" if value is None else "taken"

    result = LocalRunner(handler_of(flavour, body)).run()
    assert result.value in {100: ["taken"], 1_500: ["taken", "refused"], DEEP: ["refused"]}[depth]


class Unequal(dict[str, int]):
    """A value that can not be compared."""

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")


@both_flavours
def test_an_error_that_holds_a_value_which_can_not_be_compared_is_recorded_without_it(flavour: str) -> None:
    def decline() -> None:
        error = ValueError("declined")
        error.value = Unequal(a=1)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        raise error

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(decline, config=ONCE)
        except ValueError as error:
            return str(error)
        return "no error"

    assert LocalRunner(handler_of(flavour, body)).run().value == "declined"


@both_flavours
def test_an_error_that_holds_a_value_nested_without_end_is_recorded_without_it(flavour: str) -> None:
    def decline() -> None:
        error = ValueError("declined")
        error.value = within(5_000)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        raise error

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(decline, config=ONCE)
        except ValueError as error:
            return str(error)
        return "no error"

    assert LocalRunner(handler_of(flavour, body)).run().value == "declined"


def test_a_result_that_was_taken_is_read_back_however_deep_the_stack_is_by_then() -> None:
    """The service keeps it, and code that has changed in between may ask for it from further down."""
    depth = 300

    def read_from(levels: int, ctx_read: Any) -> Any:
        return read_from(levels - 1, ctx_read) if levels else ctx_read()

    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> int:
        found = read_from(0 if not stage.operations else 400, lambda: ctx.step(within, depth, name="deep", config=ONCE))
        ctx.wait(HOUR)
        return len(json.dumps(found))

    stage = Stage(handler)
    assert stage.invoke() == {"Status": "PENDING"}
    stage.pass_time(HOUR)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": str(2 * depth + 2)}
