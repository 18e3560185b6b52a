"""Laws over programs made out of every operation, in both flavours, with sandboxes that die."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from both_flavours import FLAVOURS
from crash_laws import check_effects, check_history, check_nothing_is_redone, check_outcome, check_prefixes
from crash_program import Program
from crash_run import AS_THEY_COME, Crash, Run, run
from crash_world import Effect, Outcome
from generated_plain import Meaning, UnclearError, meaning_of
from generated_programs import PAYLOAD, Batch, Body, Combined, Step, Wait, parts_of, programs
from generated_workflow import workflow_of
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from durable_core import ServiceLimits
from durable_testing.faults import Side
from durable_testing.service import DEFAULT

PROGRAMS: Final = int(os.environ.get("DURABLE_LAWS", "500")) // 10
"""For each law: they are larger than those of other laws, by about that factor."""
SHRINKING: Final = [Phase.shrink] if "DURABLE_SHRINK" in os.environ else []
"""Set it to see a smaller program that breaks the law, with ``-o faulthandler_timeout=0``: that takes minutes."""
SMALL: Final = replace(ServiceLimits.DEFAULT, payload_bytes=PAYLOAD)
SMALL_SERVICE: Final = replace(DEFAULT, operation_payload=PAYLOAD)


def is_clear(body: Body) -> bool:
    """Whether it is clear what the program means."""
    try:
        meaning_of(body)
    except UnclearError:
        return False
    return True


many_programs = settings(
    max_examples=PROGRAMS,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, *SHRINKING],
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)
SIDES: Final = st.sampled_from(Side)
clear_programs = programs(such_that=is_clear)
MOMENTS: Final = st.lists(st.integers(1, 25), min_size=1, max_size=3, unique=True).map(sorted)
crashes = MOMENTS.flatmap(lambda moments: st.tuples(*(st.builds(Crash, st.just(at), SIDES) for at in moments)))


def ran(body: Body, flavour: str, deaths: Sequence[Crash] = (), *, batch_updates: int = AS_THEY_COME) -> Run:
    """A run of the program that is as lawful as its meaning."""
    meaning = meaning_of(body)
    once = [path for path, part in parts_of(body) if isinstance(part, Step) and part.at_most_once]
    each = Program("generated", workflow_of(body), False, (), frozenset(once), frozenset(), 1)
    limits: dict[str, Any] = {"limits": SMALL, "service_limits": SMALL_SERVICE}
    found = run(each, flavour, deaths, batch_updates=batch_updates, **limits)
    names = {operation.name or "" for operation in found.result.operations}
    each = each._replace(left=frozenset(name for name in names if is_left(name, meaning)))
    check_outcome(each, found, outcome_of(meaning))
    check_effects(each, found, [Effect(deed.name, deed.attempt, "", 1) for deed in meaning.deeds])
    check_nothing_is_redone(each, found)
    check_history(each, found)
    check_prefixes(found, by_lane=flavour == "blocking")
    return found


def outcome_of(meaning: Meaning) -> Outcome:
    """How the program ends."""
    return Outcome(meaning.value if meaning.error is None else f"raised {meaning.error}")


def is_left(name: str, meaning: Meaning) -> bool:
    """Whether the operation of this *name* may stay without an end. (A callback's name begins with its answer.)"""
    path = f"{name.rsplit(maxsplit=1)[-1]}." if name else ""
    return any(path.startswith(f"{each}.") for each in meaning.left)


def history(found: Run) -> dict[str, list[tuple[Any, ...]]]:
    """What is recorded of each operation, in order, without times and what else differs from run to run."""
    told: dict[str, list[tuple[Any, ...]]] = {}
    for event in found.result.history:
        kind = event["EventType"]
        if "Id" in event and not kind.startswith("Execution"):
            details = {
                name: value
                for name, value in event.get(f"{kind}Details", {}).items()
                if name != "CallbackId" and "Timestamp" not in name
            }
            line = (kind, *(event.get(name) for name in ("Name", "SubType", "ParentId")), details)
            told.setdefault(event["Id"], []).append(line)
    return told


@pytest.mark.laws
@many_programs
@given(clear_programs)
def test_a_program_does_what_it_means_and_its_flavours_record_the_same(body: Body) -> None:
    moments = {(deed.name, deed.attempt): deed.at for deed in meaning_of(body).deeds}
    found = [ran(body, flavour) for flavour in FLAVOURS]
    for each in found:
        done = [(effect.name, effect.attempt) for effect in each.effects]
        assert sorted(done) == sorted(moments)
        assert done == sorted(done, key=moments.__getitem__), "something was done before its time"
    assert history(found[0]) == history(found[1])


@pytest.mark.laws
@pytest.mark.exhaustive
@pytest.mark.parametrize("batch_updates", [AS_THEY_COME, 1], ids=["batches", "single"])
@pytest.mark.parametrize("flavour", FLAVOURS)
@many_programs
@given(body=clear_programs, deaths=crashes)
def test_sandboxes_that_die_do_not_show_in_what_a_program_does(
    flavour: str, batch_updates: int, body: Body, deaths: tuple[Crash, ...]
) -> None:
    ran(body, flavour, deaths, batch_updates=batch_updates)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_combinator_in_a_branch_that_lost_is_replayed_up_to_where_it_came(flavour: str) -> None:
    lost, winner = (Combined("any", ((Step(), Wait(3)),)),), (Wait(1),)
    ran((Combined("any", (lost, winner)),), flavour)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_branches_that_are_too_large_are_seen_in_their_turn(flavour: str) -> None:
    """Whatever time it takes to run them again."""
    half = Step(length=2_500)
    large: Body = (half, half, Wait(3))
    larger: Body = (half, half, *[Step()] * 20, Wait(2))
    ran((Batch(False, (large, (Wait(1),), larger)),), flavour)
