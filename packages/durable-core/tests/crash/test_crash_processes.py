"""Programs whose sandboxes are processes, ended by ``kill -9`` at any checkpoint and in any step's body."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from crash_laws import check
from crash_processes import CrashInBody, Sandboxes, run_in_processes, sandboxes
from crash_programs import PROGRAMS
from crash_run import AS_THEY_COME, Crash, Run
from plain_interpreter import interpret

from durable_testing.faults import Side

CASES = [
    ("order", "async"),
    ("order", "blocking"),
    ("at_most_once_and_never_again", "blocking"),
    ("third_time_lucky", "async"),
    ("failed_child_and_recovery", "async"),
    ("workers_popping_one_list", "async"),
    ("plain_functions_on_threads", "async"),
    ("approval", "async"),
    ("question_that_is_told_at_the_third_attempt", "blocking"),
    ("condition_that_is_met_at_last", "async"),
]

every_case = pytest.mark.parametrize(("name", "flavour"), CASES)


@pytest.fixture(scope="module")
def forks() -> Iterator[Sandboxes]:
    with sandboxes() as started:
        yield started


def killed(name: str, flavour: str, crash: Crash | CrashInBody, forks: Sandboxes, folder: Path, batch: int) -> Run:
    """A run that is as lawful as the plain one; a breach names the crash."""
    each = PROGRAMS[name]
    own = folder / str(crash).replace(" ", "-")
    try:
        found = run_in_processes(each, flavour, crash, forks=forks, folder=own, batch_updates=batch)
        check(each, found, interpret(each.run))
    except Exception as trouble:
        trouble.add_note(f"the sandbox was killed {crash}")
        raise
    return found


@pytest.mark.parametrize(
    "batch_updates",
    [pytest.param(AS_THEY_COME, id="batches"), pytest.param(1, id="single", marks=pytest.mark.exhaustive)],
)
@every_case
def test_a_process_killed_before_or_after_any_checkpoint_does_not_show(
    name: str, flavour: str, batch_updates: int, forks: Sandboxes, tmp_path: Path
) -> None:
    for side in Side:
        for at in count(1):
            if killed(name, flavour, Crash(at, side), forks, tmp_path, batch_updates).calls < at:
                break


@every_case
def test_a_process_killed_in_the_body_of_any_step_does_not_show(
    name: str, flavour: str, forks: Sandboxes, tmp_path: Path
) -> None:
    steps = dict.fromkeys(effect.name for effect in interpret(PROGRAMS[name].run)[1])
    for step in steps:
        found = killed(name, flavour, CrashInBody(step), forks, tmp_path, AS_THEY_COME)
        assert found.deaths == 1
        if step in PROGRAMS[name].at_most_once:
            assert found.outcome.value in PROGRAMS[name].or_else
