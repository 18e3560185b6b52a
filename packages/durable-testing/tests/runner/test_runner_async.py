"""The twins for tests that are ``async``: what moves the execution runs in a thread."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Coroutine
from typing import Any

import pytest
from runner_workflows import HOUR, MINUTE, ask, ask_blocking, ask_in_time, call, pause

from durable_core import DurableContext, durable_execution
from durable_testing import AsyncLocalRunner, AsyncRun, LocalRunner, Run, RunnerError


def run(test: Coroutine[Any, Any, Any]) -> Any:
    """Run an async test."""
    return asyncio.run(test)


@pytest.mark.parametrize("handler", [ask, ask_blocking], ids=["async", "blocking"])
def test_a_run_is_awaited(handler: Any) -> None:
    """Of either flavour; answers by name as for the other runner."""

    async def test() -> None:
        async with AsyncLocalRunner(handler) as runner:
            result = await runner.run({"a": 1}, callbacks={"approval": "yes"})
        assert (result.status, result.value) == ("SUCCEEDED", "yes")

    run(test())


def test_the_tests_own_loop_goes_on_meanwhile() -> None:
    """Invocations are on another thread."""
    threads: list[str] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        threads.append(threading.current_thread().name)
        await ctx.step(asyncio.sleep, 0.05)

    async def test() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        await AsyncLocalRunner(handler).run()
        ticking.cancel()
        assert ticks > 2
        assert threading.current_thread().name not in threads

    run(test())


def test_an_execution_in_progress_is_acted_upon() -> None:
    """Every verb of the other runner's is there."""

    async def test() -> None:
        async with AsyncLocalRunner(ask_in_time) as runner:
            started = runner.start(name="order-7")
            pending = await started.wait_for_callback("approval")
            runner.clock.advance(MINUTE / 2)
            pending.heartbeat()
            await started.settle()
            assert [each.status for each in started.snapshot().operations] == ["STARTED"]
            pending.succeed("yes")
            result = await started.result()
        assert result.value == "yes"
        assert started.is_over
        assert started.execution_arn == result.execution_arn

    run(test())


def test_an_execution_in_progress_is_stopped() -> None:
    """At once."""

    async def test() -> None:
        started = AsyncLocalRunner(pause).start()
        await started.settle()
        started.stop({"ErrorMessage": "enough"})
        result = await started.result()
        assert (result.status, result.error) == ("STOPPED", {"ErrorMessage": "enough"})

    run(test())


def test_functions_are_registered() -> None:
    """Durable, plain, and async ones, which run on a loop of their own."""
    loops: list[Any] = []

    async def later(event: Any) -> Any:
        loops.append(asyncio.get_running_loop())
        return event

    async def test() -> None:
        async with AsyncLocalRunner(call) as runner:
            for target in (pause, later, lambda event: event):
                runner.register("other", target)
                assert (await runner.run("event")).value == "event"
        assert loops[0] is not asyncio.get_running_loop()

    run(test())


def test_several_runners_run_at_the_same_time() -> None:
    """They share nothing."""

    async def test() -> None:
        runners = [AsyncLocalRunner(pause) for _ in range(5)]
        results = await asyncio.gather(*(runner.run(number) for number, runner in enumerate(runners)))
        assert [result.value for result in results] == list(range(5))

    run(test())


def test_a_callback_that_never_comes_is_an_error_of_the_test() -> None:
    """Raised where it is awaited."""

    async def test() -> None:
        with pytest.raises(RunnerError, match="nobody in this test will bring"):
            await AsyncLocalRunner(ask).start().wait_for_callback("aproval")
        with pytest.raises(RunnerError, match="nobody in this test will bring"):
            await AsyncLocalRunner(ask).run()

    run(test())


def test_the_clock_is_that_of_the_service() -> None:
    """Virtual, unless the runner is told otherwise."""

    async def test() -> None:
        runner = AsyncLocalRunner(pause)
        began = runner.clock.now()
        await runner.run()
        assert runner.clock.now() - began >= HOUR.total_seconds() * 1000

    run(test())


@pytest.mark.parametrize(("twin", "original"), [(AsyncRun, Run), (AsyncLocalRunner, LocalRunner)])
def test_a_twin_takes_the_same_arguments(twin: Any, original: Any) -> None:
    """For every method that both have, so that a test can change sides."""
    methods = [name for name, each in vars(twin).items() if inspect.isfunction(each) and not name.startswith("_")]
    assert methods
    for name in methods:
        assert (
            inspect.signature(getattr(twin, name)).parameters == inspect.signature(getattr(original, name)).parameters
        )


def test_a_run_in_progress_has_a_twin_for_everything() -> None:
    """Nothing that a test can do is for tests of the other kind alone."""
    public = {name for name in vars(Run) if not name.startswith("_")}
    assert public <= {name for name in vars(AsyncRun) if not name.startswith("_")}
