"""The journal: what the service has told, and what of it the code has asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from durable_core._core.journal import Journal
from durable_core._wire.shapes import TERMINAL, Operation, OperationStatus, OperationType, OperationUpdate

EXECUTION: Operation = {"Id": "x", "Type": "EXECUTION", "Status": "STARTED", "StartTimestamp": 1}
STATUSES: list[OperationStatus] = [
    "STARTED",
    "PENDING",
    "READY",
    "SUCCEEDED",
    "FAILED",
    "CANCELLED",
    "TIMED_OUT",
    "STOPPED",
]


def entry(
    id: str, status: OperationStatus = "SUCCEEDED", start: int = 2, end: int | None = None, type: OperationType = "STEP"
) -> Operation:
    made: Operation = {"Id": id, "Type": type, "Status": status, "StartTimestamp": start}
    if end is not None:
        made["EndTimestamp"] = end
    return made


@pytest.mark.parametrize("status", STATUSES)
def test_an_operation_was_over_if_its_status_never_changes_again(status: OperationStatus) -> None:
    """Handled for every status, so that an unknown one counts as not over."""
    journal = Journal([EXECUTION, entry("a", status)])
    assert journal.was_over("a") is (status in TERMINAL)
    assert journal.find("a") == entry("a", status)


def test_an_operation_that_ended_since_the_last_invocation_was_not_over() -> None:
    """The service names it in ``UpdatedOperationIds``: logs and hooks speak of it now."""
    journal = Journal([EXECUTION, entry("a"), entry("b")], updated=["b", "unknown"])
    assert (journal.was_over("a"), journal.was_over("b"), journal.was_over("unknown")) == (True, False, False)


def test_what_ends_during_this_invocation_was_not_over() -> None:
    """A replay ends where the last invocation did."""
    journal = Journal([EXECUTION, entry("a", "STARTED")])
    journal.merge([entry("a"), entry("b")])
    assert (journal.was_over("a"), journal.was_over("b")) == (False, False)


def test_nothing_is_known_of_an_id_that_was_not_told() -> None:
    """It never predicts."""
    journal = Journal([EXECUTION])
    assert (journal.find("a"), journal.was_over("a"), journal.unread("a")) == (None, False, None)


def test_the_executions_own_record_is_not_something_to_read() -> None:
    """A first invocation has nothing to replay."""
    journal = Journal([EXECUTION])
    assert (journal.has_unread, journal.replays) == (False, False)


@pytest.mark.parametrize(("asked", "left"), [([], ["a", "b"]), (["a"], ["b"]), (["a", "b", "b", "never recorded"], [])])
def test_what_was_recorded_is_unread_until_the_code_asks(asked: list[str], left: list[str]) -> None:
    """Operations left unread are those that the code no longer has."""
    journal = Journal([EXECUTION, entry("a"), entry("b", "STARTED")])
    for id in asked:
        journal.read(id)
    assert [id for id in ("a", "b") if journal.unread(id) is not None] == left
    assert journal.has_unread is bool(left)
    assert journal.replays


def test_what_an_answer_tells_is_never_unread() -> None:
    """The code asked for it in this very invocation."""
    journal = Journal([EXECUTION])
    assert journal.merge([entry("a")]) == [entry("a")]
    assert journal.unread("a") is None
    assert not journal.has_unread


@pytest.mark.parametrize("late", [status for status in STATUSES if status not in TERMINAL])
@pytest.mark.parametrize("over", sorted(TERMINAL))
def test_an_answer_that_was_overtaken_takes_nothing_back(over: OperationStatus, late: OperationStatus) -> None:
    """An operation that is over stays over, and nobody is woken again."""
    journal = Journal([EXECUTION, entry("a", over)])
    assert journal.merge([entry("a", late)]) == []
    assert journal.find("a") == entry("a", over)


def test_merging_gives_what_is_new_or_changed_in_its_order() -> None:
    """Waiters are woken by it."""
    journal = Journal([EXECUTION, entry("a", "STARTED"), entry("b")])
    told = [entry("c"), entry("b", "STARTED"), entry("a")]
    assert journal.merge(told) == [entry("c"), entry("a")]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(STATUSES)), max_size=30))
def test_the_journal_holds_the_last_word_on_each_operation(told: list[tuple[str, OperationStatus]]) -> None:
    """But for what was said of it after its end by an older answer."""
    journal, expected = Journal([EXECUTION]), dict[str, OperationStatus]()
    for id, status in told:
        if expected.get(id) not in TERMINAL or status in TERMINAL:
            expected[id] = status
        journal.merge([entry(id, status)])
    assert {id: journal.operations[id]["Status"] for id in expected} == expected


@given(st.lists(st.tuples(st.integers(0, 1_000), st.none() | st.integers(0, 1_000)), max_size=20))
def test_service_time_is_the_latest_moment_that_was_shown(times: list[tuple[int, int | None]]) -> None:
    """It never goes back, whatever order the answers come in; the local clock is never asked."""
    operations = [entry(str(n), start=start, end=end) for n, (start, end) in enumerate(times)]
    journal = Journal([EXECUTION, *operations[:10]])
    before = journal.service_time
    journal.merge(operations[10:])
    assert (
        before <= journal.service_time == max([1, *(moment for each in times for moment in each if moment is not None)])
    )


def test_an_empty_state_shows_no_time() -> None:
    """Zero, which is before everything."""
    assert Journal([]).service_time == 0


UPDATES: list[tuple[OperationUpdate, dict[str, Any]]] = [
    (
        {"Id": "a", "Type": "STEP", "SubType": "Step", "Name": "n", "ParentId": "p", "Action": "START"},
        {"Status": "STARTED", "SubType": "Step", "Name": "n", "ParentId": "p", "StepDetails": {"Attempt": 0}},
    ),
    (
        {"Id": "a", "Type": "STEP", "Action": "SUCCEED", "Payload": "1"},
        {"Status": "SUCCEEDED", "EndTimestamp": 9, "StepDetails": {"Attempt": 1, "Result": "1"}},
    ),
    (
        {"Id": "a", "Type": "STEP", "Action": "FAIL", "Error": {"ErrorType": "T"}},
        {"Status": "FAILED", "EndTimestamp": 9, "StepDetails": {"Attempt": 1, "Error": {"ErrorType": "T"}}},
    ),
    (
        {"Id": "a", "Type": "STEP", "Action": "RETRY", "Error": {"ErrorType": "T"}},
        {"Status": "PENDING", "StepDetails": {"Attempt": 1, "Error": {"ErrorType": "T"}}},
    ),
    ({"Id": "a", "Type": "WAIT", "Action": "START", "WaitOptions": {"WaitSeconds": 5}}, {"Status": "STARTED"}),
    ({"Id": "a", "Type": "WAIT", "Action": "CANCEL"}, {"Status": "CANCELLED", "EndTimestamp": 9}),
    (
        {"Id": "a", "Type": "CONTEXT", "Action": "SUCCEED", "Payload": "s", "ContextOptions": {"ReplayChildren": True}},
        {"Status": "SUCCEEDED", "EndTimestamp": 9, "ContextDetails": {"Result": "s", "ReplayChildren": True}},
    ),
    (
        {"Id": "a", "Type": "CONTEXT", "Action": "FAIL", "Error": {"ErrorType": "T"}},
        {"Status": "FAILED", "EndTimestamp": 9, "ContextDetails": {"Error": {"ErrorType": "T"}}},
    ),
]


@pytest.mark.parametrize(("update", "expected"), UPDATES)
def test_an_accepted_update_that_no_answer_shows_leaves_what_the_service_must_have(
    update: OperationUpdate, expected: dict[str, Any]
) -> None:
    """It ended when the service was last heard of: the batch's time of acceptance, in order."""
    journal = Journal([EXECUTION, entry("b", start=9)])
    journal.assume(update)
    assert journal.find("a") == {"Id": "a", "Type": update["Type"], "StartTimestamp": 0, **expected}


def test_an_assumed_update_keeps_what_was_told_before() -> None:
    """Its start, its name, and the attempts so far."""
    known: Operation = {**entry("a", "READY", start=5), "Name": "n", "StepDetails": {"Attempt": 2, "Result": "state"}}
    journal = Journal([EXECUTION, known])
    journal.assume({"Id": "a", "Type": "STEP", "Action": "START"})
    journal.assume({"Id": "a", "Type": "STEP", "Action": "SUCCEED", "Payload": "1"})
    assert journal.find("a") == {
        **known,
        "Status": "SUCCEEDED",
        "EndTimestamp": 5,
        "StepDetails": {"Attempt": 3, "Result": "1"},
    }


def test_an_earlier_ending_that_the_code_has_not_asked_for_is_known() -> None:
    """Of those that were over when the invocation began; the earliest that is unread decides."""
    over = [entry("late", end=30), entry("early", end=10), entry("middle", end=20)]
    journal = Journal([EXECUTION, *over, entry("running", "STARTED"), entry("updated", end=1)], updated=["updated"])
    for asked, earliest in (("early", 10), ("middle", 20), ("late", 30)):
        assert not journal.ended_before(earliest)
        assert journal.ended_before(earliest + 1)
        journal.read(asked)
    assert not journal.ended_before(1_000)


def test_an_operation_without_an_end_counts_as_the_earliest() -> None:
    """The service did not say when."""
    journal = Journal([EXECUTION, entry("a")])
    assert (journal.ended_before(0), journal.ended_before(1)) == (False, True)


def attempts(id: str, attempt: int | None, type: OperationType = "STEP") -> Operation:
    made = entry(id, "PENDING", type=type)
    if attempt is not None:
        made["StepDetails"] = {"Attempt": attempt}
    return made


def test_retries_and_polls_count_as_operations() -> None:
    """The execution is one itself; a step that has not ended an attempt is one."""
    journal = Journal([EXECUTION, attempts("a", None), attempts("b", 0), attempts("c", 1), attempts("d", 4)])
    assert journal.metered() == 1 + 1 + 1 + 1 + 4


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 5)), max_size=20))
def test_what_an_invocation_adds_is_the_growth_of_the_count(told: list[tuple[str, int | None]]) -> None:
    """Kept as the answers come, so that nobody counts 25,000 operations again."""
    journal = Journal([EXECUTION, attempts("a", 2)])
    before = journal.metered()
    for id, attempt in told:
        journal.merge([attempts(id, attempt)])
    assert journal.added == journal.metered() - before
