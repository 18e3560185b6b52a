"""A batch of updates is taken whole or not at all."""

from __future__ import annotations

import pytest
from service_play import OOPS, Play, rejected, told, update

from durable_core.spi import OperationUpdate

CONTEXT = update("START", "CONTEXT", "ctx")


@pytest.mark.parametrize(
    ("second", "match"),
    [
        (update("START", "STEP"), "the batch has a START of the same operation already"),
        (update("CANCEL", "WAIT"), "started with type 'STEP', and is now given 'WAIT'"),
    ],
)
def test_an_id_is_once_in_a_batch(second: OperationUpdate, match: str) -> None:
    """A second update of one operation is refused unless it completes what the first started."""
    play = Play()
    with rejected(match):
        play.record(update("START", "STEP"), second)


@pytest.mark.parametrize("action", ["SUCCEED", "FAIL", "RETRY"])
def test_a_step_may_start_and_end_in_one_batch(action: str) -> None:
    """START and one completion share a batch, and both are events."""
    play = Play()
    play.record(update("START", "STEP"), update(action, "STEP"))
    assert play.story == ["StepStarted", "StepSucceeded" if action == "SUCCEED" else "StepFailed"]


def test_a_context_may_start_and_end_in_one_batch_around_its_children() -> None:
    """A whole child context fits in a batch, in its order."""
    play = Play()
    play.record(
        CONTEXT,
        update("START", "STEP", "s", ParentId="ctx"),
        update("SUCCEED", "STEP", "s", ParentId="ctx"),
        update("SUCCEED", "CONTEXT", "ctx"),
    )
    assert play.story == ["ContextStarted", "StepStarted", "StepSucceeded", "ContextSucceeded"]


@pytest.mark.parametrize(
    "updates",
    [
        [update("START", "STEP"), update("SUCCEED", "STEP"), update("SUCCEED", "STEP")],
        [update("START", "STEP"), update("RETRY", "STEP"), update("START", "STEP")],
        [update("SUCCEED", "STEP"), update("START", "STEP")],
        [update("START", "WAIT"), update("CANCEL", "WAIT")],
        [update("START", "CONTEXT"), update("FAIL", "CONTEXT"), update("SUCCEED", "CONTEXT")],
    ],
    ids=lambda updates: "-".join(each["Action"] for each in updates),
)
def test_nothing_else_of_one_operation_shares_a_batch(updates: list[OperationUpdate]) -> None:
    """Three updates of one id, or a START that is not the first, or a START with a CANCEL: refused."""
    play = Play()
    with rejected("of the same operation already"):
        play.record(*updates)
    assert play.story == []


def test_an_execution_is_the_last_update_of_its_batch() -> None:
    """Anything after an EXECUTION is refused, another EXECUTION too."""
    play = Play()
    for after in (update("START", "STEP"), update("FAIL", "EXECUTION", "y")):
        with rejected("last update of its batch"):
            play.record(update("SUCCEED", "EXECUTION", "x"), after)
    play.record(update("START", "STEP"), update("SUCCEED", "EXECUTION", "x"))
    assert play.outcome == "SUCCEEDED"


def test_an_execution_may_not_borrow_the_id_of_an_operation() -> None:
    """An EXECUTION has an id that is free, or its own."""
    play = Play()
    with rejected("started with type 'STEP', and is now given 'EXECUTION'"):
        play.record(update("START", "STEP"), update("SUCCEED", "EXECUTION", "a"))
    own = play.history[0]["Id"]
    with rejected("started with type 'EXECUTION', and is now given 'STEP'"):
        play.record(update("START", "STEP", own))
    play.record(update("SUCCEED", "EXECUTION", own))
    assert play.outcome == "SUCCEEDED"


def test_a_bad_update_anywhere_leaves_nothing_of_its_batch() -> None:
    """The good ones before it are not recorded, and the token is not spent."""
    play = Play()
    token = play.token
    with rejected(r"Updates\[2\], CANCEL of WAIT 'c': the operation does not exist"):
        play.record(update("START", "STEP"), update("START", "WAIT", "b"), update("CANCEL", "WAIT", "c"))
    assert play.story == []
    assert play.service.next_alarm() is None
    assert play.token == token
    assert told(play.record(update("START", "STEP"))) == ["a"]


class TestParents:
    """A parent is a CONTEXT that is there."""

    def test_one_that_exists_will_do(self) -> None:
        """A child is recorded under it."""
        play = Play()
        play.record(CONTEXT)
        play.record(update("START", "STEP", ParentId="ctx"))
        assert play.operation()["ParentId"] == "ctx"

    def test_one_that_was_started_earlier_in_the_batch_will_do(self) -> None:
        """Order within the batch counts."""
        play = Play()
        play.record(CONTEXT, update("START", "STEP", ParentId="ctx"))
        assert play.operation()["ParentId"] == "ctx"

    def test_one_that_is_started_later_in_the_batch_is_not_there(self) -> None:
        """The child came too early."""
        play = Play()
        with rejected("the parent 'ctx' does not exist"):
            play.record(update("START", "STEP", ParentId="ctx"), CONTEXT)

    def test_a_step_is_no_parent(self) -> None:
        """Only a CONTEXT is."""
        play = Play()
        play.record(update("START", "STEP", "ctx"))
        with rejected("the parent 'ctx' is of type STEP, not CONTEXT"):
            play.record(update("START", "STEP", ParentId="ctx"))

    def test_the_execution_is_no_parent(self) -> None:
        """An operation at the top has no ParentId."""
        play = Play()
        with rejected("is of type EXECUTION, not CONTEXT"):
            play.record(update("START", "STEP", ParentId=play.history[0]["Id"]))

    @pytest.mark.parametrize("end", ["SUCCEED", "FAIL"])
    def test_nothing_follows_under_one_that_is_over(self, end: str) -> None:
        """No operation begins or ends under a finished parent."""
        play = Play()
        play.record(CONTEXT, update("START", "STEP", "s", ParentId="ctx"))
        play.record(update(end, "CONTEXT", "ctx"))
        for late in (update("START", "WAIT", "w", ParentId="ctx"), update("SUCCEED", "STEP", "s", ParentId="ctx")):
            with rejected("the parent 'ctx' is over"):
                play.record(late)

    def test_a_wait_can_be_cancelled_under_one_that_is_over(self) -> None:
        """The losers of a race are cancelled after its end is recorded."""
        play = Play()
        play.record(CONTEXT, update("START", "WAIT", ParentId="ctx"))
        play.record(update("SUCCEED", "CONTEXT", "ctx"), update("CANCEL", "WAIT", ParentId="ctx"))
        assert play.status() == "CANCELLED"


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"Type": "CONTEXT"}, "started with type 'STEP', and is now given 'CONTEXT'"),
        ({"Name": "other"}, "started with name 'charge', and is now given 'other'"),
        ({"SubType": "Other"}, "started with sub_type 'Step', and is now given 'Other'"),
        ({"ParentId": "ctx2"}, "started with parent_id 'ctx', and is now given 'ctx2'"),
        ({"Name": None}, "started with name 'charge', and is now given None"),
        ({"SubType": None}, "started with sub_type 'Step', and is now given None"),
        ({"ParentId": None}, "started with parent_id 'ctx', and is now given None"),
    ],
    ids=str,
)
def test_an_operation_stays_what_it_was_started_as(changed: dict[str, str | None], match: str) -> None:
    """Type, name, subtype and parent are the same in every update, in one batch and in two."""
    same = {"Name": "charge", "SubType": "Step", "ParentId": "ctx"}
    begin = update("START", "STEP", **same)
    other = {name: value for name, value in {**same, **changed}.items() if value is not None}
    end = update("SUCCEED", other.pop("Type", "STEP"), **other)
    play = Play()
    play.record(CONTEXT, update("START", "CONTEXT", "ctx2"))
    with rejected(match):
        play.record(begin, end)
    play.record(begin)
    with rejected(match):
        play.record(end)
    assert play.status() == "STARTED"


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (update("SUCCEED", "STEP", Error=OOPS), "Error not allowed"),
        (update("FAIL", "STEP", Payload="1"), "Payload not allowed"),
        (update("START", "STEP", Payload="1"), "Payload not allowed"),
        (update("START", "STEP", StepOptions={"NextAttemptDelaySeconds": 1}), "StepOptions not allowed"),
        (update("RETRY", "STEP", Payload="1", Error=OOPS), "takes exactly one of Error and Payload, not 2 of them"),
        (update("RETRY", "STEP", Error=OOPS, StepOptions={}), "StepOptions.NextAttemptDelaySeconds missing"),
        ({"Id": "a", "Type": "STEP", "Action": "RETRY", "Payload": "1"}, "StepOptions missing"),
        (
            {"Id": "a", "Type": "STEP", "Action": "RETRY", "StepOptions": {"NextAttemptDelaySeconds": 1}},
            "takes exactly one of Error and Payload, not 0 of them",
        ),
        ({"Id": "a", "Type": "WAIT", "Action": "START"}, "WaitOptions missing"),
        (update("START", "WAIT", WaitOptions={}), "WaitOptions.WaitSeconds missing"),
        (update("START", "WAIT", Payload="1"), "Payload not allowed"),
        (update("START", "CONTEXT", ContextOptions={"ReplayChildren": True}), "ContextOptions not allowed"),
        (update("START", "CALLBACK", WaitOptions={"WaitSeconds": 1}), "WaitOptions not allowed"),
        ({"Id": "a", "Type": "CHAINED_INVOKE", "Action": "START"}, "ChainedInvokeOptions missing"),
        (update("START", "CHAINED_INVOKE", Error=OOPS), "Error not allowed"),
        (update("SUCCEED", "EXECUTION", Error=OOPS), "Error not allowed"),
        (update("FAIL", "EXECUTION", Payload="1"), "Payload not allowed"),
    ],
    ids=lambda given: given if isinstance(given, str) else f"{given['Type']} {given['Action']}",
)
def test_an_update_carries_what_it_needs_and_nothing_else(given: OperationUpdate, match: str) -> None:
    """A member that is missing, or has no place there, is named."""
    play = Play()
    with rejected(match):
        play.record(given)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (update("SUCCEED", "CONTEXT", Error=OOPS), "Error not allowed"),
        (update("FAIL", "CONTEXT", Payload="1"), "Payload not allowed"),
        (update("FAIL", "CONTEXT", ContextOptions={"ReplayChildren": True}), "ContextOptions not allowed"),
    ],
)
def test_a_context_ends_with_a_payload_or_with_an_error(given: OperationUpdate, match: str) -> None:
    """SUCCEED takes a payload and options, FAIL an error."""
    play = Play()
    play.record(update("START", "CONTEXT"))
    with rejected(match):
        play.record(given)


@pytest.mark.parametrize(
    ("function", "fits"),
    [
        ("other", True),
        ("other:3", True),
        ("function:other", True),
        ("123456789012:function:other", True),
        ("arn:aws:lambda:us-east-1:123456789012:function:other:$LATEST", True),
        ("arn:aws:lambda:eu-west-1:123456789012:function:other", False),
        ("arn:aws:lambda:us-east-1:999999999999:function:other", False),
        ("999999999999:function:other", False),
    ],
)
def test_a_function_of_another_account_or_region_is_not_invoked(function: str, *, fits: bool) -> None:
    """A CHAINED_INVOKE stays in the account and the region."""
    play = Play()
    invoke = update("START", "CHAINED_INVOKE", ChainedInvokeOptions={"FunctionName": function})
    if fits:
        play.record(invoke)
        assert play.status() == "STARTED"
    else:
        with rejected("is not of account 123456789012 in us-east-1"):
            play.record(invoke)
