"""The sandbox dies before and after any checkpoint, and nothing of it shows in what a program does."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import count
from typing import Any

import pytest
from crash_laws import check
from crash_program import Program
from crash_programs import PROGRAMS
from crash_run import AS_THEY_COME, Crash, Run, run
from crash_world import Effect, Outcome, World, do
from plain_interpreter import interpret

from durable_core import DurableContext, Duration
from durable_testing.faults import Side
from durable_testing.service import DEFAULT

CASES = [
    pytest.param(each, flavour, id=f"{each.name}-{flavour}") for each in PROGRAMS.values() for flavour in each.flavours
]
PAIRS = 2
"""Runs in which two sandboxes die, for each case."""

every_case = pytest.mark.parametrize(("each", "flavour"), CASES)
any_batches = pytest.mark.parametrize(
    "batch_updates",
    [pytest.param(AS_THEY_COME, id="batches"), pytest.param(1, id="single", marks=pytest.mark.exhaustive)],
)


@cache
def plainly(name: str) -> tuple[Outcome, Sequence[Effect]]:
    """What the program does without a journal."""
    return interpret(PROGRAMS[name].run)


def checked(each: Program, flavour: str, crashes: Sequence[Crash], **options: Any) -> Run:
    """A run that is as lawful as the plain one; a breach names the crashes."""
    try:
        found = run(each, flavour, crashes, **options)
        check(each, found, plainly(each.name))
    except Exception as trouble:
        trouble.add_note(f"the sandbox died {', then '.join(map(str, crashes)) or 'nowhere'}")
        raise
    return found


@any_batches
@every_case
def test_a_crash_before_or_after_any_checkpoint_does_not_show(each: Program, flavour: str, batch_updates: int) -> None:
    checked(each, flavour, [], batch_updates=batch_updates)
    for side in Side:
        for at in count(1 if side is Side.BEFORE else each.stride, each.stride):
            if checked(each, flavour, [Crash(at, side)], batch_updates=batch_updates).calls < at:
                break


@pytest.mark.exhaustive
@any_batches
@every_case
def test_a_crash_while_it_recovers_from_another_does_not_show(each: Program, flavour: str, batch_updates: int) -> None:
    draw = random.Random(f"{each.name} {flavour} {batch_updates}")
    calls = run(each, flavour, batch_updates=batch_updates).calls
    for _ in range(PAIRS):
        first = draw.randint(1, calls)
        second = first + draw.choice([1, 1, 2, 3])
        crashes = [Crash(at, draw.choice(list(Side))) for at in (first, second)]
        checked(each, flavour, crashes, batch_updates=batch_updates)


@pytest.mark.exhaustive
@every_case
def test_sandboxes_that_live_for_few_checkpoints_get_there_too(each: Program, flavour: str) -> None:
    lives = 3 if each.at_most_once or each.name == "result_too_large_for_a_step" else 1
    assert checked(each, flavour, [Crash(at, Side.AFTER) for at in range(lives, 100, lives)]).deaths > 0


@pytest.mark.exhaustive
@every_case
def test_a_state_in_small_pages_does_not_show(each: Program, flavour: str) -> None:
    checked(each, flavour, [Crash(2, Side.AFTER)], service_limits=replace(DEFAULT, page_operations=2))


@pytest.mark.parametrize("flavour", ["async", "blocking"])
def test_a_step_that_kills_its_sandbox_each_time_uses_up_its_attempts(flavour: str) -> None:
    each = PROGRAMS["attempts_that_are_cut_off_count"]
    crashes = [Crash(2, Side.BEFORE), Crash(5, Side.BEFORE)]  # START, SUCCEED; RETRY; START, SUCCEED; FAIL
    found = checked(each, flavour, crashes, batch_updates=1)
    assert found.outcome.value == "gave up"
    assert [effect.attempt for effect in found.effects] == [1, 2]


@pytest.mark.parametrize("flavour", ["async", "blocking"])
def test_an_attempt_that_may_not_run_again_does_not_if_it_was_cut_off(flavour: str) -> None:
    each = PROGRAMS["at_most_once_and_never_again"]
    for crash, ran in ((Crash(1, Side.BEFORE), 1), (Crash(1, Side.AFTER), 0), (Crash(2, Side.BEFORE), 1)):
        found = checked(each, flavour, [crash])
        assert sum(effect.name == "charge" for effect in found.effects) == ran
        assert (found.outcome.value in each.or_else) is (crash.side is Side.AFTER or crash.at == 2)


@pytest.mark.parametrize("flavour", ["async", "blocking"])
def test_code_that_swallows_every_exception_recovers_too(flavour: str) -> None:
    """In real time: an async workflow that cannot be cancelled has a second of grace at each suspension."""

    async def swallow(ctx: DurableContext, world: World) -> Any:
        slept = 0
        while not slept:
            try:
                await ctx.wait(Duration.from_seconds(1))
                slept += 1
            except BaseException:
                pass
        return await do(ctx, world, "end", 1)

    each = PROGRAMS["order"]._replace(name="swallow", run=swallow)
    found = run(each, flavour, [Crash(1, Side.AFTER)])
    check(each, found, interpret(swallow))
