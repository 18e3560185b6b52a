"""What each example is there to show holds, in both flavours."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from functools import partial

import pytest
from example_modules import NAMES, example, in_both_flavours, rows

from durable_testing import LocalRunner
from durable_testing.faults import CrashingClient, Side

pytestmark = pytest.mark.skipif(not NAMES, reason="the examples are part of the repository only")

DAY = 86_400


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Generator[None]:
    """The programs set up logging."""
    loggers = [logging.getLogger(name) for name in (None, "durable", "shop", "timings")]
    before = [(each, each.level, list(each.handlers), list(each.filters)) for each in loggers]
    yield
    for logger, level, handlers, filters in before:
        logger.setLevel(level)
        logger.handlers, logger.filters = handlers, filters


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_as_a_program(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``python examples/name.py`` ends well, and shows a table."""
    with example(name) as module:
        module.main()
    shown = capsys.readouterr().out
    assert "operation" in shown
    assert "invocation" in shown


def test_a_step_is_tried_again_until_the_provider_answers() -> None:
    """The first attempt takes too long, the second fails, the third succeeds; a refused card is not tried again."""
    with example("step_retries") as module:
        result = in_both_flavours(module, "pay", {"order_id": "ORD-1", "amount": 42.5})
        refused = in_both_flavours(module, "pay", {"order_id": "ORD-1", "amount": 5000})
        assert result.value == module.Paid("pay-ORD-1", 42)
    assert refused.status == "FAILED"
    assert refused.operation("charge").attempts == 3
    assert [each.attempts for each in result.operations] == [3, 1]
    assert [event["EventType"] for event in result.history if event.get("Name") == "add_points"] == [
        "StepStarted",
        "StepSucceeded",
    ]


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("flavour", ["pay", "pay_blocking"])
def test_a_crash_costs_an_attempt_of_a_step_that_may_be_tried_again(flavour: str, side: Side) -> None:
    """Wherever in the charge it falls; points that may have been added stay as they are, and the execution fails."""
    with example("step_retries") as module:
        for at in range(1, 9):
            runner = LocalRunner(getattr(module, flavour), client=partial(CrashingClient, at=at, side=side))
            result = runner.run({"order_id": "ORD-1", "amount": 42.5})
            assert result.operation("charge").status == "SUCCEEDED"
            if result.status == "FAILED":
                error = result.operation("add_points").error
                assert error is not None
                assert error.get("ErrorType") == "durable_core.StepInterruptedError"


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
    assert result.error.get("ErrorType") == "durable_core.ExecutionError"
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


@pytest.mark.parametrize(
    ("function", "value"), [("credit", "reserved"), ("credit_out_of_order", "try later: the bureau does not answer")]
)
def test_other_functions_are_called(function: str, value: str) -> None:
    """A durable one that waits, a plain one, and one that fails."""
    with example("invoke_functions") as module:
        functions = {"credit": getattr(module, function), "warehouse": module.warehouse}
        cart = {"customer": "Ada", "total": 120.0}
        assert in_both_flavours(module, "check_out", cart, functions=functions).value == value
        if function == "credit":
            declined = in_both_flavours(module, "check_out", {"customer": "Ada", "total": 900.0}, functions=functions)
            assert declined.value == "over the limit of 500"


def test_a_catalog_is_imported_in_spite_of_a_bad_product() -> None:
    """A branch for each product, and one branch for the batch that is indexed."""
    with example("import_catalog") as module:
        products = [{"sku": f"sku-{number}", "price": number} for number in range(8)]
        result = in_both_flavours(module, "import_catalog", products)
        assert result.value == module.Summary(7, ["sku-0: sku-0 has no price"], module.CompletionReason.ALL_COMPLETED)
    assert [each.name for each in result.children(result.operation("index"))] == ["map-items-0-6"]
    assert len(result.children(result.operation("store"))) == 8


@pytest.mark.parametrize("flavour", ["import_catalog", "import_catalog_blocking"])
def test_an_import_stops_when_too_many_products_are_bad(flavour: str) -> None:
    """The eleventh of forty is more than a quarter; at most nine others were under way by then."""
    with example("import_catalog") as module:
        products = [{"sku": f"sku-{number}", "price": 0} for number in range(40)]
        result = LocalRunner(getattr(module, flavour)).run(products)
    assert result.value.reason == "FAILURE_TOLERANCE_EXCEEDED"
    assert result.value.stored == 0
    assert len(result.value.rejected) == 11
    assert len(result.children(result.operation("store"))) <= 20


def test_a_trip_is_booked_in_branches_that_have_names() -> None:
    """One that waits does not hold the other up."""
    with example("book_a_trip") as module:
        result = in_both_flavours(module, "book", {"city": "Lisbon", "traveller": "Ada"})
    assert result.value == {"flight": "flight in Lisbon", "hotel": "hotel in Lisbon"}
    assert [each.name for each in result.children(result.operation("bookings"))] == ["flight", "hotel"]
    hotel, wait = result.operation("hotel"), result.operation("airline-confirms")
    assert hotel.ended_at is not None
    assert wait.ended_at is not None
    assert hotel.ended_at < wait.ended_at


def test_quotes_that_come_in_time_count() -> None:
    """The cheapest of those that answered, and the first courier that can come."""
    carriers = ["dhl", "ups", "dpd"]
    with example("carrier_quotes") as module:
        answers = {
            "dhl": {"carrier": "dhl", "price": 9.5},
            "ups": {"carrier": "ups", "price": 8},
            "bike": ConnectionError("flat tyre"),
            "van": "at four",
        }
        some = in_both_flavours(module, "book_carrier", carriers, callbacks=answers, same_operations=False)
        none = in_both_flavours(module, "book_carrier", carriers, same_operations=False)
        assert some.value == module.Booking(module.Quote("ups", 8.0), 1, "at four")
        assert none.value == module.Booking(None, 3, "nobody comes")
    assert some.operation("dpd").status == "FAILED"
    assert rows(none)[-1] == ("courier", "Combinator", "SUCCEEDED")


def test_a_parcel_is_signed_for_or_lost() -> None:
    """The wait that is too late is cancelled; the signature that never comes is no longer waited for."""
    parcel = {"parcel_id": "P-1", "kilos": 2.3}
    with example("deliver_in_time") as module:
        signed = in_both_flavours(module, "deliver", parcel, callbacks={"signature": "Ada"}, same_operations=False)
        lost = LocalRunner(module.deliver).run(parcel)
        lost_blocking = LocalRunner(module.deliver_blocking).run(parcel)
    assert signed.value == "signed by Ada"
    assert signed.operation("three-days").status == "CANCELLED"
    assert lost.value == lost_blocking.value == "lost, 8 refunded"
    assert lost.operation("three-days").status == "SUCCEEDED"
    assert lost.operation("signature").status == "STARTED"


def test_a_declined_payment_is_what_it_was_on_every_replay() -> None:
    """The wait after it is over in another invocation, which takes the same ``except``; the charge runs once."""
    with example("payment_declined") as module:
        declined = in_both_flavours(module, "sell", {"order_id": "ORD-1", "amount": 5000})
        failed = in_both_flavours(module, "sell", {"order_id": "ORD-1", "amount": -1})
    assert declined.value == "declined: over the limit"
    assert declined.operation("charge").attempts == 1
    assert declined.operation("release").status == "SUCCEEDED"
    assert len(declined.invocations) == 2
    assert failed.error is not None
    assert failed.error.get("ErrorMessage") == "cannot charge ORD-1: ValueError"
    assert failed.operation("charge").attempts == 4


def test_a_group_has_a_result_or_an_error_of_its_own() -> None:
    """The virtual one has no record but its operations."""
    with example("onboard_customer") as module:
        result = in_both_flavours(module, "onboard", {"name": "Ada", "country": "Portugal"})
        nowhere = in_both_flavours(module, "onboard", {"name": "Ada", "country": "Atlantis"})
    assert result.value == "card-of-acc-ada"
    assert [each.name for each in result.operations if each.parent_id is None] == [
        "account",
        "send-welcome",
        "a-day",
        "send-first-steps",
    ]
    assert nowhere.value == "no account: no such country"
    error = nowhere.operation("account").error
    assert error is not None
    assert error.get("ErrorType", "").endswith("OnboardingFailed")


def test_nothing_is_logged_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """Two invocations and the look at a replay write each line once, with its facts."""
    with example("log_an_order") as module:
        module.configure()
        in_both_flavours(module, "deliver", "ORD-1")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    one = ["Order received", "Packing", "Many parcels", "from a logger of the program", "Order delivered"]
    assert [line["message"] for line in lines] == one * 2
    assert lines[1] == {
        "level": "INFO",
        "message": "Packing",
        "operation_name": "pack",
        "attempt": 1,
        "is_replay": False,
        "order_id": "ORD-1",
    }


def test_a_plugin_sees_each_operation_end_once(caplog: pytest.LogCaptureFixture) -> None:
    """And each attempt, and each invocation."""
    caplog.set_level(logging.INFO, "timings")
    with example("time_operations") as module:
        in_both_flavours(module, "monthly_report", "November")
    told = [record.getMessage().partition(",")[0] for record in caplog.records]
    assert told == 2 * [
        "attempt 1 of fetch_report: SUCCEEDED",
        "Step fetch_report: SUCCEEDED",
        "invocation: PENDING",
        "Wait until-morning: SUCCEEDED",
        "attempt 1 of mail_report: SUCCEEDED",
        "Step mail_report: SUCCEEDED",
        "invocation: SUCCEEDED",
    ]


def test_the_modes_of_checkpointing_differ_in_calls_alone() -> None:
    """A call for each step, for 50 updates, and for what has come together meanwhile; more on a slow machine."""
    with example("checkpointing_modes") as module:
        names = ("one_by_one", "fifty_at_a_time", "without_waiting", "fifty_at_a_time_blocking")
        runs = {name: module.counted(getattr(module, name), 200) for name in names}
    assert {result.value for result, _ in runs.values()} == {199_000}
    assert all(rows(result) == rows(runs["one_by_one"][0]) for result, _ in runs.values())
    assert 200 <= runs["one_by_one"][1] <= 400
    for name, least in (("fifty_at_a_time", 8), ("fifty_at_a_time_blocking", 8), ("without_waiting", 1)):
        assert least <= runs[name][1] < 200


def test_workers_share_a_queue_alike_on_every_replay() -> None:
    """The runner compares; every page is fetched once."""
    with example("crawl_pages") as module:
        crawled = LocalRunner(module.crawl).run("/")
        measured = LocalRunner(module.measure).run(["/", "/shop", "/about", "/shop/1"])
    assert crawled.value == ["/", "/shop", "/about", "/shop/1", "/shop/2"]
    assert sum(each.subtype == "Step" for each in crawled.operations) == 5
    assert len(crawled.invocations) > 2
    assert measured.value == {"/": 1, "/shop": 5, "/about": 6, "/shop/1": 7}
