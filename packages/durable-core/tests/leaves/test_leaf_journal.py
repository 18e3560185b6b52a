"""The journal: what the service has told, and what of it the code has asked for."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from durable_core._core.journal import Journal
from durable_core._wire.shapes import TERMINAL, Operation, OperationStatus, OperationType

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
