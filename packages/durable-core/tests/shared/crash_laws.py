"""What must hold of every run, wherever its sandboxes died."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from crash_program import Program
from crash_run import Run
from crash_world import Effect, Outcome

from durable_core import Checkpointing
from durable_core.spi import TERMINAL, Operation, Seen

INTERRUPTED = "durable_core.StepInterruptedError"


def check(each: Program, run: Run, plain: tuple[Outcome, Sequence[Effect]]) -> None:
    """``AssertionError`` unless *run* did what *plain* says, and nothing twice that was recorded."""
    outcome, effects = plain
    check_outcome(each, run, outcome)
    check_effects(each, run, effects)
    check_nothing_is_redone(each, run)
    check_history(each, run)
    check_prefixes(run, by_lane=run.flavour == "blocking" and not each.sequential)


def check_outcome(each: Program, run: Run, outcome: Outcome) -> None:
    """The execution ended in this way, and no invocation failed but those whose sandbox died."""
    assert run.deaths >= sum(crash.at <= run.calls for crash in run.crashes), "a sandbox went on after its end"
    allowed = [outcome] + [Outcome(value) for value in each.or_else if run.deaths]
    assert run.outcome in allowed, (
        f"it ended {_short(run.outcome)}, where plainly {_short(outcome)}\n{run.result.to_table()}"
    )
    errors = [invocation.error for invocation in run.result.invocations if invocation.error is not None]
    assert all(error.get("ErrorType") == "Runtime.ExitError" for error in errors), f"invocations failed: {errors}"


def check_effects(each: Program, run: Run, plain: Sequence[Effect]) -> None:
    """Every attempt of the plain run was made, and no other, but for those that were cut off and count."""
    cut_off = interruptions(run)
    assert all(n <= run.deaths for n in cut_off.values()), f"more attempts are cut off than sandboxes died: {cut_off}"
    wanted, made = {(e.name, e.attempt) for e in plain}, {(e.name, e.attempt) for e in run.effects}
    extra, missing = made - wanted, wanted - made
    for name in {name for name, _ in extra | missing}:
        changed = [attempt for who, attempt in extra if who == name]
        lost = [attempt for who, attempt in missing if who == name]
        assert len(changed) <= cut_off[name], f"attempts {changed} of {name!r} are not in the plain run"
        assert len(lost) <= cut_off[name], f"attempts {lost} of {name!r} were never made"
    if each.sequential:
        order = list(dict.fromkeys(effect.name for effect in run.effects))
        wanted_order = list(dict.fromkeys(effect.name for effect in plain))
        assert order == [name for name in wanted_order if name in order]


def check_nothing_is_redone(each: Program, run: Run) -> None:
    """No body runs that is over, or in a context that is; none runs again unless the sandbox of its last run died."""
    parents = {operation.id: operation.parent_id for operation in run.result.operations}
    last: dict[tuple[str, int], int] = {}
    for effect in run.effects:
        beginning = run.beginnings[effect.invocation - 1]
        above: str | None = effect.operation_id
        while above is not None:
            status = beginning[above]["Status"] if above in beginning else "unknown"
            assert status not in TERMINAL, f"{effect} ran, although {above} was {status}"
            above = parents.get(above)
        if effect.operation_id in beginning:
            ended = beginning[effect.operation_id].get("StepDetails", {}).get("Attempt", 0)
            assert effect.attempt > ended, f"{effect} ran, although {ended} attempts were recorded"
        key = (effect.operation_id, effect.attempt)
        if key in last:
            assert effect.name not in each.at_most_once, f"{effect} ran twice"
            assert last[key] != effect.invocation, f"{effect} ran twice in one invocation"
            assert run.died[last[key] - 1], f"{effect} ran again, although no sandbox died"
        last[key] = effect.invocation


def check_history(each: Program, run: Run) -> None:
    """Every operation has one end, and nothing follows it."""
    ended: set[str] = set()
    names: dict[str, str] = {}
    for event in run.result.history:
        id, kind = event.get("Id"), event["EventType"]
        if id is None or kind.startswith("Execution"):
            continue
        names[id] = event.get("Name", kind)
        assert id not in ended, f"{kind} of {names[id]!r} follows its end"
        retry = event.get(f"{kind}Details", {}).get("RetryDetails", {})
        if not kind.endswith("Started") and "NextAttemptDelaySeconds" not in retry:
            ended.add(id)
    unended = {name for id, name in names.items() if id not in ended}
    assert unended <= each.left, f"these never ended: {unended}"


def check_prefixes(run: Run, *, by_lane: bool = False) -> None:
    """Each invocation sees what the ones before it saw, in that order, and then goes on.

    What was seen inside a context that is over since is not replayed, and left out. So is what was seen before it was
    durable and then lost, with all that came after it. Branches of a blocking workflow run on threads: *by_lane* is
    for them, of which each has an order of its own. One that nobody needs is replayed up to where that is known, or not
    at all.
    """
    if not by_lane:
        _check_prefixes(run, run.seen)
        return
    for lane in {outcome.lane for seen in run.seen for outcome in seen}:
        _check_prefixes(run, [[each for each in seen if each.lane == lane] for seen in run.seen], may_stop=lane != "")


def _check_prefixes(run: Run, seen_by_invocation: Sequence[Sequence[Seen]], *, may_stop: bool = False) -> None:
    longest: list[Seen] = []
    for number, (seen, beginning) in enumerate(zip(seen_by_invocation, run.beginnings, strict=True), start=1):
        shown = [outcome for outcome in longest if outcome.operation_id in beginning]
        longest = list(takewhile(lambda each: not _is_lost(each, beginning[each.operation_id]), shown))  # noqa: B023
        assert len(longest) == len(shown) or run.checkpointing is not Checkpointing.EAGER, (
            "an outcome was seen, and lost"
        )
        common = min(len(longest), len(seen))
        assert list(seen[:common]) == longest[:common], (
            f"invocation {number} saw {_named(seen[:common], run)}, an earlier one {_named(longest, run)}"
        )
        assert may_stop or run.died[number - 1] or len(seen) >= len(longest), (
            f"invocation {number} saw less than an earlier one"
        )
        longest = max(longest, list(seen), key=len)


def _is_lost(outcome: Seen, entry: Operation) -> bool:
    """Whether an end that was seen is not the one that *entry* records."""
    return outcome.status in TERMINAL and entry["Status"] != outcome.status


def interruptions(run: Run) -> Counter[str]:
    """How many attempts of each step were recorded as cut off."""
    found: Counter[str] = Counter()
    for event in run.result.history:
        error = event.get("StepFailedDetails", {}).get("Error", {}).get("Payload", {})
        if error.get("ErrorType") == INTERRUPTED:
            found[event["Name"]] += 1
    return found


def _named(seen: Iterable[Any], run: Run) -> list[str]:
    names = {each.id: each.name or each.id[:8] for each in run.result.operations}
    return [f"{names[outcome.operation_id]} {outcome.status}" for outcome in seen]


def _short(outcome: Outcome) -> str:
    text = repr(outcome)
    return text if len(text) < 400 else f"{text[:400]}…"
