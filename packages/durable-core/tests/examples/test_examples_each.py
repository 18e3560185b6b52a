"""What each example is there to show holds, in both flavours."""

from __future__ import annotations

import pytest
from example_modules import NAMES, example, in_both_flavours, rows

pytestmark = pytest.mark.skipif(not NAMES, reason="the examples are part of the repository only")

DAY = 86_400


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_as_a_program(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``python examples/name.py`` ends well, and shows a table."""
    with example(name) as module:
        module.main()
    shown = capsys.readouterr().out
    assert "operation" in shown
    assert "invocation" in shown


def test_a_step_is_tried_again_until_the_provider_answers() -> None:
    """The first attempt takes too long, the second fails, the third succeeds; the points are added once."""
    with example("step_retries") as module:
        result = in_both_flavours(module, "pay", {"order_id": "ORD-1", "amount": 42.5})
        assert result.value == module.Paid("pay-ORD-1", 42)
    assert [each.attempts for each in result.operations] == [3, 1]
    assert [event["EventType"] for event in result.history if event.get("Name") == "add_points"] == [
        "StepStarted",
        "StepSucceeded",
    ]


@pytest.mark.parametrize(("email", "steps"), [("ada@example.com", 4), ("paying@example.com", 2)])
def test_a_trial_waits_without_running(email: str, steps: int) -> None:
    """Eleven days pass before the reminder, three more before the end, each between two invocations."""
    with example("trial_reminders") as module:
        result = in_both_flavours(module, "trial", {"email": email})
    waits = [each.duration for each in result.operations if each.subtype == "Wait"]
    assert result.value == ("ended" if steps == 4 else "subscribed")
    assert sum(each.subtype == "Step" for each in result.operations) == steps
    assert [each.total_seconds() for each in waits if each is not None] == [11 * DAY, 3 * DAY][: len(waits)]
    assert len(result.invocations) == len(waits) + 1


def test_a_job_is_looked_after_until_it_is_done() -> None:
    """One look for each part, 30 seconds apart."""
    with example("poll_a_job") as module:
        result = in_both_flavours(module, "export_table", {"table": "orders", "parts": 4})
        assert result.value == module.Job("export-orders", 4, 4)
    assert result.operation("job-done").attempts == 4
    duration = result.operation("job-done").duration
    assert duration is not None
    assert 90 <= duration.total_seconds() < 91


def test_a_job_that_takes_too_long_fails_the_execution() -> None:
    """After an hour, although looks are left."""
    with example("poll_a_job") as module:
        result = in_both_flavours(module, "export_table", {"table": "orders", "parts": 300})
    assert result.status == "FAILED"
    assert result.error is not None
    assert result.error["ErrorType"] == "durable_core.ExecutionError"
    assert rows(result)[1] == ("job-done", "WaitForCondition", "FAILED")
    assert result.operation("job-done").attempts < 200


def test_an_expense_waits_for_a_person() -> None:
    """The answers come by name; nobody runs meanwhile."""
    with example("expense_approval") as module:
        answers = {"approval": {"approved": True, "by": "Grace"}, "receipt": "17.pdf"}
        approved = in_both_flavours(module, "approve_expense", {"employee": "Ada", "amount": 1}, callbacks=answers)
        declined = in_both_flavours(
            module,
            "approve_expense",
            {"employee": "Ada", "amount": 1},
            callbacks={"approval": {"approved": False, "by": "Grace"}},
        )
        forgotten = in_both_flavours(module, "approve_expense", {"employee": "Ada", "amount": 1})
    assert approved.value == "approved by Grace, receipt 17.pdf"
    assert len(approved.invocations) == 3
    assert declined.value == "declined by Grace"
    assert forgotten.value == "nobody decided in two days"
    assert forgotten.operation("approval", 1).status == "TIMED_OUT"
