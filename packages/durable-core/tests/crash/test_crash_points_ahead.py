"""The sandbox dies while a workflow is ahead of its record, and nothing of it shows in what a program does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import count
from typing import Any

import pytest
from crash_laws import check
from crash_program import Program
from crash_programs import PROGRAMS
from crash_run import AS_THEY_COME, Crash, Run, run
from crash_world import Effect, Outcome
from plain_interpreter import interpret

from durable_core import Checkpointing
from durable_testing.faults import Side

pytestmark = pytest.mark.exhaustive


SEQUENTIAL = [
    pytest.param(each, flavour, id=f"{each.name}-{flavour}")
    for each in PROGRAMS.values()
    for flavour in each.flavours
    if each.sequential and each.name != "result_too_large_for_a_step"  # which the service refuses: too late
]
OTHERS = [pytest.param(each, id=each.name) for each in PROGRAMS.values() if not each.sequential]
BATCHES = {"batches": AS_THEY_COME, "single": 1}


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


def check_everywhere(each: Program, flavour: str, **options: Any) -> None:
    """``AssertionError`` if a crash beside any checkpoint shows."""
    checked(each, flavour, [], **options)
    for side in Side:
        for at in count(1 if side is Side.BEFORE else each.stride, each.stride):
            if checked(each, flavour, [Crash(at, side)], **options).calls < at:
                break


@pytest.mark.parametrize(
    ("mode", "batches"),
    [(Checkpointing.OPTIMISTIC, "batches"), (Checkpointing.OPTIMISTIC, "single"), (Checkpointing.BATCHED, "batches")],
    ids=lambda value: getattr(value, "value", value),
)
@pytest.mark.parametrize(("each", "flavour"), SEQUENTIAL)
def test_a_crash_beside_any_checkpoint_does_not_show_of_a_workflow_that_runs_ahead(
    each: Program, flavour: str, mode: Checkpointing, batches: str
) -> None:
    check_everywhere(each, flavour, checkpointing=mode, batch_updates=BATCHES[batches])


@pytest.mark.parametrize("each", OTHERS)
def test_nor_does_it_show_of_one_that_starts_tasks(each: Program) -> None:
    check_everywhere(each, "async", checkpointing=Checkpointing.OPTIMISTIC)


@pytest.mark.parametrize("mode", [Checkpointing.OPTIMISTIC], ids=lambda mode: mode.value)
@pytest.mark.parametrize(("each", "flavour"), SEQUENTIAL)
def test_a_workflow_that_runs_ahead_gets_there_in_sandboxes_that_live_for_few_checkpoints(
    each: Program, flavour: str, mode: Checkpointing
) -> None:
    crashes = [Crash(at, Side.AFTER) for at in range(3, 100, 3)]
    checked(each, flavour, crashes, checkpointing=mode, batch_updates=2)
