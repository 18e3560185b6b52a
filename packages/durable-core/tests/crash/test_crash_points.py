"""The sandbox dies before and after any checkpoint, and nothing of it shows in what a program does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import crash_programs_concurrent
import crash_programs_sequential
import pytest
from crash_laws import check
from crash_program import PROGRAMS
from crash_run import AS_THEY_COME, Crash, Run, run
from plain_interpreter import interpret

from durable_testing.faults import Side

assert crash_programs_concurrent and crash_programs_sequential
CASES = [pytest.param(name, flavour, id=f"{name}-{flavour}") for name, each in PROGRAMS.items() for flavour in each.flavours]


@pytest.mark.parametrize("batch_updates", [AS_THEY_COME, 1], ids=["batches", "single updates"])
@pytest.mark.parametrize(("name", "flavour"), CASES)
def test_no_crash_point_shows(name: str, flavour: str, batch_updates: int) -> None:
    each = PROGRAMS[name]
    plain = interpret(each.run)
    check(each, run(each, flavour, batch_updates=batch_updates), plain)
    for side in Side:
        for at in count(1, each.stride):
            crash = Crash(at, side)
            try:
                found = run(each, flavour, [crash], batch_updates)
                check(each, found, plain)
            except Exception as trouble:
                trouble.add_note(f"the sandbox died {crash}")
                raise
            if not found.deaths:
                break
