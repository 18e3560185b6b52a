"""``start``: an execution that a test moves on, and acts upon meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from runner_workflows import HOUR, MINUTE, ask, ask_in_time, ask_later, call, pause

from durable_core import DurableContext, Duration, ValidationError, durable_execution
from durable_testing import LocalRunner, ReplayMismatchError, RunnerError


def test_nothing_runs_before_the_test_moves_it() -> None:
    """A start is a start."""
    started = LocalRunner(ask).start()
    snapshot = started.snapshot()
    assert (snapshot.status, list(snapshot.operations), list(snapshot.invocations)) == ("RUNNING", [], [])
    assert not started.is_over


def test_to_settle_is_to_go_on_until_it_waits_for_time_or_for_somebody() -> None:
    """No time passes."""
    runner = LocalRunner(pause)
    started = runner.start("event")
    began = runner.clock.now()
    started.settle()
    assert [each.status for each in started.snapshot().operations] == ["STARTED"]
    assert runner.clock.now() - began < 1_000
    runner.clock.advance(HOUR)
    started.settle()
    assert started.is_over
    assert started.snapshot().value == "event"


def test_a_callback_is_waited_for_through_time_as_well() -> None:
    """An hour passes before each; the second of a name is another one."""
    runner = LocalRunner(ask_later)
    started = runner.start()
    began = runner.clock.now()
    first = started.wait_for_callback("approval")
    assert started.wait_for_callback("approval").callback_id == first.callback_id
    assert runner.clock.now() - began >= HOUR.total_seconds() * 1000
    first.succeed(1)
    second = started.wait_for_callback("approval")
    assert second.callback_id != first.callback_id
    second.succeed(2)
    started.wait_for_callback().succeed(3)
    assert started.result().value == [1, 2, 3]


def test_callbacks_come_in_the_order_of_their_creation() -> None:
    """Where the test does not name one."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[Any]:
        callbacks = [await ctx.create_callback(name=name) for name in ("b", "a", "c")]
        return [await callback.result() for callback in callbacks]

    started = LocalRunner(handler).start()
    for number in range(3):
        started.wait_for_callback().succeed(number)
    assert started.result().value == [0, 1, 2]


def test_a_callback_of_an_invoked_function_is_found_too() -> None:
    """Also of one that an invoked function has invoked."""

    @durable_execution
    async def between(event: object, ctx: DurableContext) -> Any:
        return await ctx.invoke("last", event)

    runner = LocalRunner(call)
    runner.register("other", between)
    runner.register("last", ask)
    started = runner.start()
    started.wait_for_callback("approval").succeed("from afar")
    assert started.result().value == "from afar"


def test_a_callback_that_never_comes_is_an_error_of_the_test() -> None:
    """With a table of what there is."""
    with pytest.raises(RunnerError, match=r"nobody in this test will bring(?s:.*)approval +Callback +STARTED"):
        LocalRunner(ask).start().wait_for_callback("aproval")


def test_a_callback_that_has_not_come_by_the_end_is_an_error_of_the_test() -> None:
    """Which names it, and shows how the execution ended."""
    with pytest.raises(RunnerError, match="the execution ended before a callback 'approval' waited") as caught:
        LocalRunner(pause).start().wait_for_callback("approval")
    assert "SUCCEEDED after 2 invocations" in str(caught.value)


def test_a_callback_that_times_out_while_another_is_waited_for_is_an_error_of_the_test() -> None:
    """Time passes for all of them."""
    with pytest.raises(RunnerError, match=r"the execution ended before(?s:.*)approval +Callback +TIMED_OUT"):
        LocalRunner(ask_in_time).start().wait_for_callback("aproval")


def test_heartbeats_keep_a_callback_waiting() -> None:
    """While the test lets time pass."""
    runner = LocalRunner(ask_in_time)
    started = runner.start()
    pending = started.wait_for_callback("approval")
    for _ in range(3):
        runner.clock.advance(MINUTE - timedelta(seconds=1))
        pending.heartbeat()
    pending.succeed("still there")
    assert started.result().value == "still there"


def test_a_stopped_execution_is_over() -> None:
    """With the error that the test gave, and without a value."""
    started = LocalRunner(ask).start()
    pending = started.wait_for_callback("approval")
    started.stop({"ErrorType": "Operator", "ErrorMessage": "enough"})
    assert started.is_over
    assert not pending.is_waiting
    result = started.result()
    assert (result.status, result.value) == ("STOPPED", None)
    with pytest.raises(RunnerError, match="the execution ended before"):
        started.wait_for_callback("approval")
    assert result.error == {"ErrorType": "Operator", "ErrorMessage": "enough"}


def test_an_execution_can_be_stopped_before_anything_ran() -> None:
    """And again: that changes nothing."""
    started = LocalRunner(ask).start()
    started.stop()
    started.stop({"ErrorMessage": "again"})
    result = started.result()
    assert (result.status, result.error, list(result.invocations)) == ("STOPPED", {}, [])


def test_a_result_can_be_asked_for_again() -> None:
    """It is over, and stays so."""
    started = LocalRunner(pause).start("event")
    assert started.result().value == started.result().value == "event"
    started.settle()
    assert len(started.snapshot().invocations) == 2


def test_several_executions_run_side_by_side() -> None:
    """On one clock: what one waits for does not hold up the other."""
    runner = LocalRunner(ask)
    first, second = runner.start(name="first"), runner.start(name="second")
    one, other = first.wait_for_callback(), second.wait_for_callback()
    other.succeed("other")
    assert second.result().value == "other"
    assert not first.is_over
    one.succeed("one")
    assert first.result().value == "one"


def test_the_same_name_and_event_are_the_same_execution() -> None:
    """As in production."""
    runner = LocalRunner(ask)
    first, second = runner.start({"a": 1}, name="order-7"), runner.start({"a": 1}, name="order-7")
    assert first.execution_arn == second.execution_arn
    assert first.execution_arn.split("/")[-2] == "order-7"


@pytest.mark.parametrize("timeout", [Duration.from_minutes(5), timedelta(minutes=4, seconds=59.5)])
def test_an_execution_times_out_by_the_runners_clock(timeout: timedelta) -> None:
    """In whole seconds, rounded up."""
    runner = LocalRunner(ask)
    began = runner.clock.now()
    result = runner.run(timeout=timeout)
    assert result.status == "TIMED_OUT"
    assert (runner.clock.now() - began) // 1000 == 300


@pytest.mark.parametrize("timeout", [5, 5.0, "5 min", timedelta(0), timedelta(seconds=-1)])
def test_a_timeout_that_means_nothing_is_refused(timeout: Any) -> None:
    """Nothing is started."""
    with pytest.raises(ValidationError):
        LocalRunner(ask).start(timeout=timeout)


def test_a_run_on_the_systems_clock_waits_in_real_time() -> None:
    """For a second, here."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        callback = await ctx.create_callback(name="approval")
        await ctx.wait(Duration.from_seconds(1), name="pause")
        return str(await callback.result())

    result = LocalRunner(handler, skip_time=False).run(callbacks={"approval": "yes"})
    assert result.value == "yes"
    took = result.operation("pause").duration
    assert took is not None
    assert Duration.from_seconds(1) <= took < Duration.from_seconds(3)


def test_a_run_that_was_acted_upon_is_replayed_too() -> None:
    """A workflow that depends on more than its outcomes is found out."""
    turns: list[int] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> int:
        turns.append(1)
        await (await ctx.create_callback(name="approval")).result()
        return len(turns)

    started = LocalRunner(handler).start()
    started.wait_for_callback("approval").succeed()
    with pytest.raises(ReplayMismatchError, match="not deterministic"):
        started.result()
