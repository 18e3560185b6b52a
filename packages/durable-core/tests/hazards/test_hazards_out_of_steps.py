"""The program is wrong: what is no ordinary exception comes out of a step, or a handler; and a signal is nobody's."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_runs import Stage, failure_of

from durable_core import (
    DurableContext,
    Duration,
    FixedDelay,
    NoRetry,
    StepConfig,
    StepError,
    Suspended,
    blocking,
    durable_execution,
    step_context,
)
from durable_testing import LocalRunner

ONCE = StepConfig(retry_strategy=NoRetry())
HOUR = Duration.from_hours(1)
ODD = [
    StopIteration,
    StopAsyncIteration,
    asyncio.CancelledError,
    GeneratorExit,
    SystemExit,
    KeyboardInterrupt,
    Suspended,
]


def raising(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


def raising_async(error: BaseException) -> Callable[[], Any]:
    async def body() -> None:
        await asyncio.sleep(0)
        raise error

    return body


def in_a_task(error: BaseException) -> Callable[[], Any]:
    async def inner() -> None:
        raise error

    async def body() -> None:
        await asyncio.create_task(inner())

    return body


@both_flavours
@pytest.mark.parametrize("make_body", [raising, raising_async])
@pytest.mark.parametrize("odd", ODD)
def test_whatever_comes_out_of_a_step_is_the_failure_of_an_attempt(
    flavour: str, make_body: Callable[[BaseException], Callable[[], Any]], odd: type[BaseException]
) -> None:
    attempts: list[int] = []

    async def body(ctx: DurableContext) -> str:
        def once_more() -> Any:
            attempts.append(step_context().attempt)
            return make_body(odd("odd"))()

        try:
            await ctx.step(once_more, name="odd", config=StepConfig(retry_strategy=FixedDelay(2)))
        except StepError as error:
            await ctx.wait(HOUR)
            return error.error_type
        return "no error"

    result = LocalRunner(handler_of(flavour, body)).run()
    made_by_python = odd is StopIteration and make_body is raising_async
    assert result.value.rpartition(".")[2] == ("RuntimeError" if made_by_python else odd.__name__)
    assert attempts == [1, 2]
    assert result.operation("odd").attempts == 2


@pytest.mark.parametrize("odd", [SystemExit, asyncio.CancelledError, GeneratorExit])
def test_whatever_comes_out_of_a_task_inside_a_step_is_that_steps_attempt(odd: type[BaseException]) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        found = [await ctx.step(str, "before", name="before")]
        try:
            await asyncio.gather(ctx.step(in_a_task(odd("odd")), name="odd", config=ONCE))
        except StepError as error:
            found.append(error.error_type.rpartition(".")[2])
        return [*found, await ctx.step(str, "after", name="after")]

    assert LocalRunner(handler).run().value == ["before", odd.__name__, "after"]


def test_a_system_exit_in_a_task_inside_a_step_that_nobody_awaits_hangs_nothing() -> None:
    async def inner() -> None:
        raise SystemExit(3)

    async def body() -> str:
        task = asyncio.create_task(inner())
        await asyncio.sleep(0.01)
        return repr(task.exception())

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        return await ctx.step(body)

    assert LocalRunner(handler).run().value == "SystemExit(3)"


def test_a_system_exit_in_an_async_step_of_a_blocking_workflow_is_an_attempt() -> None:
    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> str:
        try:
            ctx.step(in_a_task(SystemExit(3)), name="odd", config=ONCE)
        except StepError as error:
            return error.error_type
        return "no error"

    assert LocalRunner(handler).run().value == "SystemExit"


@both_flavours
@pytest.mark.parametrize("odd", ODD[2:])
def test_whatever_comes_out_of_a_handler_fails_the_execution_and_leaves_the_sandbox_alive(
    flavour: str, odd: type[BaseException]
) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.step(str, "before")
        raise odd("odd")

    answer = Stage(handler_of(flavour, body)).invoke()
    assert answer["Status"] == "FAILED"
    assert failure_of(answer).get("ErrorType", "").rpartition(".")[2] == odd.__name__


def test_a_system_exit_out_of_a_task_of_the_workflow_fails_the_execution_and_leaves_the_sandbox_alive() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        async def leave() -> None:
            await ctx.step(str, "before")
            sys.exit(3)

        await asyncio.create_task(leave())

    answer = Stage(handler).invoke()
    assert (answer["Status"], failure_of(answer).get("ErrorType")) == ("FAILED", "SystemExit")


COLOUR: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


def paint() -> str:
    seen = COLOUR.get()
    COLOUR.set("red")
    return seen


async def paint_async() -> str:
    return paint()


async def paint_later() -> str:
    await asyncio.sleep(0)
    return paint()


def colours(flavour: str, place: Callable[[DurableContext], Any]) -> list[str]:
    """What *place* sees, in which a variable is set, and what the workflow sees after it, on each of three runs."""
    seen: list[str] = []

    async def body(ctx: DurableContext) -> str:
        COLOUR.set("blue")
        first = await place(ctx)
        seen.append(COLOUR.get())
        await ctx.wait(HOUR)
        return str(first)

    result = contextvars.copy_context().run(LocalRunner(handler_of(flavour, body)).run)
    return [result.value, *seen]


@both_flavours
@pytest.mark.parametrize("step", [paint, paint_async, paint_later])
def test_a_context_variable_that_a_step_sets_does_not_come_back_but_one_that_is_set_reaches_it(
    flavour: str, step: Callable[[], Any]
) -> None:
    async def in_a_step(ctx: DurableContext) -> str:
        return str(await ctx.step(step))

    assert colours(flavour, in_a_step) == ["blue"] * 4


@both_flavours
def test_a_context_variable_that_a_child_context_sets_does_not_come_back(flavour: str) -> None:
    """A replay does not run the child again."""

    async def in_a_child(ctx: DurableContext) -> str:
        async def child(inner: DurableContext) -> str:
            return paint()

        return await ctx.run_in_child_context(child)

    assert colours(flavour, in_a_child) == ["blue"] * 4


PROGRAM = """
    import asyncio, signal, sys, threading, time
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
    sys.path.insert(0, {folder!r})
    from hazard_runs import Stage
    from durable_core import DurableContext, blocking, durable_execution

    def note(text):
        print(text, flush=True)

    async def slow():
        note("running")
        {pause}
        note("not interrupted")

    def slow_thread():
        note("running")
        time.sleep(5)
        note("not interrupted")

    @durable_execution
    async def handler(event, ctx: DurableContext):
        await ctx.step({body})

    @durable_execution
    def blocking_handler(event, ctx: blocking.DurableContext):
        ctx.step({body})

    stage = Stage({handler})
    try:
        stage.invoke()
        note("answered")
    except KeyboardInterrupt:
        note("interrupted")
    note([each["Status"] for each in stage.operations])
"""


@pytest.mark.parametrize(
    ("handler", "body", "pause"),
    [
        ("handler", "slow", "await asyncio.sleep(5)"),
        ("handler", "slow", "time.sleep(5)"),
        ("blocking_handler", "slow_thread", "pass"),
        ("blocking_handler", "slow", "await asyncio.sleep(5)"),
    ],
    ids=["async", "async that blocks the loop", "blocking", "async in blocking"],
)
def test_a_real_interrupt_is_no_attempt_but_ends_the_process(handler: str, body: str, pause: str) -> None:
    """In real time: two thirds of a second, in a process of its own."""
    program = textwrap.dedent(PROGRAM).format(
        folder=str(Path(__file__).parent), handler=handler, body=body, pause=pause
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert rest.splitlines() == ["interrupted", "['STARTED']"]
