"""A fan-out when the world fails: the service refuses, time runs out, somebody presses Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from fan_out_clients import Ledger, Refused
from fan_out_programs import HOUR, later, operand
from fan_out_runs import Body

from durable_core import (
    DurableContext,
    DurableFunction,
    InvocationError,
)
from durable_core._runtime.crew import Crew
from durable_core.spi import BotoClient, InvocationAnswer, Operation, encode_json
from durable_testing import DurableService, LocalRunner
from durable_testing.faults import SandboxDied

pytestmark = pytest.mark.usefixtures("unhelped")


class Deadline:
    """A Lambda context whose time is over in so many *seconds*."""

    aws_request_id = "11111111-2222-4333-8444-555555555555"

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.end - time.monotonic()) * 1000))


class Stage:
    """An execution of *handler* that is invoked once, with *left* seconds to live."""

    def __init__(self, handler: DurableFunction[Any], client: Ledger | None = None) -> None:
        self.handler = handler
        self.service = DurableService()
        self.client = (client or Ledger())(BotoClient(self.service))
        self.arn = self.service.start("fan-out", encode_json(None))

    def invoke(self, left: float | None = None) -> InvocationAnswer:
        context = None if left is None else Deadline(left)
        event = self.service.begin_invocation(self.arn)
        return self.handler.durable.invoke(event, context, client=self.client)

    @property
    def operations(self) -> list[Operation]:
        return [each for each in self.service.operations(self.arn) if each["Type"] != "EXECUTION"]

    @property
    def statuses(self) -> dict[str, str]:
        return {each.get("Name", each["Type"]): each["Status"] for each in self.operations}


# The service refuses


async def maps(ctx: DurableContext) -> Any:
    async def inner(ctx: DurableContext, item: int, index: int) -> int:
        await ctx.step(int, item)
        return await ctx.step(int, item)

    async def outer(ctx: DurableContext, item: int, index: int) -> int:
        return sum((await ctx.map(range(item), inner)).results)

    return (await ctx.map([1, 2, 3], outer)).results


async def combined(ctx: DurableContext) -> Any:
    return [
        await ctx.race([operand(later, 1, 1), operand(later, 2, 2)]),
        await ctx.all([maps, maps]),
        await ctx.any([operand(later, 2, 3), maps]),
    ]


async def swallowing(ctx: DurableContext) -> Any:
    """Swallows whatever it can, and reports success."""

    async def branch(ctx: DurableContext, item: int, index: int) -> int:
        try:
            return await ctx.step(int, item)
        except BaseException:
            return -1

    try:
        return (await ctx.map(range(40), branch)).results
    except BaseException:
        return "success"


@both_flavours
@pytest.mark.parametrize("body", [maps, combined, swallowing], ids=lambda body: body.__name__)
def test_after_a_failed_checkpoint_nothing_reports_success(flavour: str, body: Body) -> None:
    at = 1
    while True:
        client = Refused(at)
        with LocalRunner(handler_of(flavour, body), client=client, verify_replay=False) as runner:
            result = runner.run()
        if client.calls < at:
            break
        if result.status == "SUCCEEDED":  # all was recorded, but for a CANCEL: a later invocation answered
            assert any("not allowed" in str(each.error) for each in result.invocations[:-1])
        else:
            assert result.status == "FAILED"
            assert "not allowed" in str(result.error)
        at += 1
    assert at > 1
    assert result.status == "SUCCEEDED"


def test_a_checkpoint_that_fails_while_steps_run_is_answered_when_they_have_ended() -> None:
    begun, released, ended = threading.Barrier(5), threading.Event(), list[int]()

    def work(item: int) -> None:
        begun.wait(10)
        released.wait(10)
        ended.append(item)

    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        if item < 4:
            await ctx.step(work, item, name=f"work {item}")
            ended.append(99)
        else:
            begun.wait(10)
            await ctx.wait(HOUR)

    async def workflow(ctx: DurableContext) -> None:
        await ctx.map(range(5), branch)

    class Timed(Refused):
        def checkpoint(self, *args: Any, **options: Any) -> Any:
            if any(each["Type"] == "WAIT" for each in args[2]):
                threading.Timer(0.05, released.set).start()
                self._at = 0
            return super().checkpoint(*args, **options)

    stage = Stage(handler_of("blocking", workflow), Timed(at=1_000))
    answer = stage.invoke()
    assert answer["Status"] == "FAILED"
    assert sorted(ended) == [0, 1, 2, 3]


@pytest.mark.parametrize("at", range(1, 8))
def test_the_death_of_the_sandbox_ends_a_fan_out_whichever_thread_meets_it(at: int) -> None:
    class Dying(Ledger):
        def checkpoint(self, *args: Any, **options: Any) -> Any:
            if self.calls + 1 >= at:
                raise SandboxDied
            return super().checkpoint(*args, **options)

    async def wide(ctx: DurableContext) -> Any:
        async def branch(ctx: DurableContext, item: int, index: int) -> None:
            for number in range(8):
                await ctx.step(int, item + number)

        await ctx.map(range(3), branch)

    with pytest.raises(SandboxDied):
        Stage(handler_of("blocking", wide), Dying()).invoke()


# Time runs out


def elapsed(call: Callable[[], Any]) -> float:
    began = time.monotonic()
    with pytest.raises(InvocationError, match="deadline"):
        call()
    return time.monotonic() - began


def test_the_deadline_ends_a_fan_out_whose_steps_run_and_what_was_done_is_recorded() -> None:
    """In real time: a second or two."""
    released = threading.Event()

    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        await ctx.step(int, item, name=f"quick {item}")
        await ctx.step(released.wait, 4, name=f"stubborn {item}")

    async def workflow(ctx: DurableContext) -> None:
        await ctx.map(range(3), branch)

    stage = Stage(handler_of("blocking", workflow))
    took = elapsed(lambda: stage.invoke(left=1.8))
    released.set()
    assert took < 1.8
    assert {name: status for name, status in stage.statuses.items() if not name.startswith("map")} == {
        "CONTEXT": "STARTED",
        **{f"quick {item}": "SUCCEEDED" for item in range(3)},
        **{f"stubborn {item}": "STARTED" for item in range(3)},
    }


def test_no_step_of_a_branch_starts_in_the_last_second() -> None:
    """In real time: less than two seconds."""
    ran: list[str] = []

    def numbered(name: str) -> None:
        time.sleep(0.8)
        ran.append(name)

    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        await ctx.step(numbered, f"{item} in time")
        await ctx.step(numbered, f"{item} at the last moment")
        await ctx.step(numbered, f"{item} too late")

    async def workflow(ctx: DurableContext) -> None:
        await ctx.map(range(3), branch)

    stage = Stage(handler_of("blocking", workflow))
    assert elapsed(lambda: stage.invoke(left=2.5)) < 2.5
    assert {f"{item} in time" for item in range(3)} <= {*ran}
    assert not {f"{item} too late" for item in range(3)} & {*ran}
    assert sum(each["Status"] == "SUCCEEDED" for each in stage.operations if each["Type"] == "STEP") >= 3


def test_what_a_step_did_in_the_last_second_is_recorded_though_a_sibling_is_too_late_to_start_one() -> None:
    """In real time: a second."""

    async def late(ctx: DurableContext) -> None:
        await ctx.step(time.sleep, 0.6)
        await ctx.step(str, name="too late")

    async def works(ctx: DurableContext) -> None:
        await ctx.step(time.sleep, 0.8, name="works")

    async def workflow(ctx: DurableContext) -> None:
        await ctx.parallel([late, works])

    stage = Stage(handler_of("blocking", workflow))
    elapsed(lambda: stage.invoke(left=1.5))
    assert stage.statuses["works"] == "SUCCEEDED"


def test_a_loser_that_works_does_not_hold_the_answer_beyond_the_deadline() -> None:
    """In real time: a second or two."""
    released = threading.Event()
    ledger = Ledger()

    async def lose(ctx: DurableContext) -> None:
        await ctx.step(released.wait, 4, name="stubborn")

    async def win(ctx: DurableContext) -> None:
        await ctx.step(ledger.until, "START", "stubborn")

    async def workflow(ctx: DurableContext) -> None:
        await ctx.race([lose, win])

    stage = Stage(handler_of("blocking", workflow), ledger)
    took = elapsed(lambda: stage.invoke(left=1.8))
    released.set()
    assert took < 1.8


def test_a_parked_branch_beside_a_stubborn_step_is_left_parked_at_the_deadline() -> None:
    """In real time: a second or two."""
    released = threading.Event()

    async def stubborn(ctx: DurableContext) -> None:
        await ctx.step(released.wait, 4, name="stubborn")

    async def parked(ctx: DurableContext) -> None:
        await ctx.wait(HOUR, name="pause")

    async def workflow(ctx: DurableContext) -> None:
        await ctx.parallel([stubborn, parked])

    stage = Stage(handler_of("blocking", workflow))
    took = elapsed(lambda: stage.invoke(left=1.8))
    released.set()
    assert took < 1.8
    assert (stage.statuses["pause"], stage.statuses["stubborn"]) == ("STARTED", "STARTED")


def test_what_is_queued_at_the_deadline_is_recorded_however_late_the_sender_comes_to_its_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In real time: less than a second. Its thread is held up between a call and its answer, as on a busy machine."""
    answered = Crew.answered

    def late(self: Crew) -> None:
        if threading.current_thread().name == "durable-sender":
            time.sleep(0.05)
        answered(self)

    monkeypatch.setattr(Crew, "answered", late)

    class Slow(Ledger):
        def checkpoint(self, *args: Any, **options: Any) -> Any:
            if any(each.get("Name") == "quick" and each["Action"] == "SUCCEED" for each in args[2]):
                time.sleep(0.5)
            return super().checkpoint(*args, **options)

    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        if item == 0:
            await ctx.step(time.sleep, 0.05, name="quick")
        elif item < 6:
            await ctx.step(time.sleep, 0.2, name=f"queued {item}")
        else:
            time.sleep(0.4)
            await ctx.step(str, name="too late")

    async def workflow(ctx: DurableContext) -> None:
        await ctx.map(range(7), branch)

    stage = Stage(handler_of("blocking", workflow), Slow())
    elapsed(lambda: stage.invoke(left=1.35))
    assert [stage.statuses[f"queued {item}"] for item in range(1, 6)] == ["SUCCEEDED"] * 5


# Somebody presses Ctrl-C

INTERRUPTED = """
    import faulthandler; faulthandler.dump_traceback_later(20, exit=True)
    import os, signal, threading, time
    from durable_core import Duration, blocking, durable_execution
    from durable_testing import LocalRunner

    together = threading.Barrier(2)

    def press():
        together.wait(10)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)

    def branch(ctx, item, index):
        if item == 0:
            ctx.step(press)
        elif item == 1:
            ctx.step(together.wait, 10)
            ctx.wait(Duration.from_hours(1))
        else:
            ctx.wait(Duration.from_hours(1))

    @durable_execution
    def handler(event, ctx: blocking.DurableContext):
        {code}

    runner = LocalRunner(handler)
    running = runner.start()
    try:
        running.settle()
    except KeyboardInterrupt:
        print("interrupted", running.snapshot().status)
    else:
        print("went on", running.snapshot().status)
"""


MAPPED = "ctx.map(range(3), branch)"
COMBINED = "ctx.all([lambda inner, item=item: branch(inner, item, 0) for item in range(3)])"
SWALLOWED = """
    try:
        ctx.map(range(3), branch)
    except BaseException:
        return ctx.step(int)
"""


@pytest.mark.parametrize("code", [MAPPED, COMBINED, SWALLOWED], ids=["map", "all", "swallowed"])
def test_ctrl_c_ends_the_process_and_is_nobodys_outcome(code: str) -> None:
    script = textwrap.dedent(INTERRUPTED).replace("{code}", code)
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=25)
    assert (found.returncode, found.stdout.strip()) == (0, "interrupted RUNNING"), found.stderr
