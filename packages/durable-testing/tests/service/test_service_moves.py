"""Which update may follow what: the table of the design, written once more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from service_play import OOPS, Play, rejected, update

from durable_core.spi import OperationUpdate

MOVES = {
    ("CONTEXT", "START"): {"-": "STARTED"},
    ("CONTEXT", "SUCCEED"): {"STARTED": "SUCCEEDED"},
    ("CONTEXT", "FAIL"): {"STARTED": "FAILED"},
    ("STEP", "START"): {"-": "STARTED", "READY": "STARTED"},
    ("STEP", "SUCCEED"): {"-": "SUCCEEDED", "STARTED": "SUCCEEDED", "READY": "SUCCEEDED"},
    ("STEP", "FAIL"): {"-": "FAILED", "STARTED": "FAILED", "READY": "FAILED"},
    ("STEP", "RETRY"): {"-": "PENDING", "STARTED": "PENDING", "READY": "PENDING"},
    ("WAIT", "START"): {"-": "STARTED"},
    ("WAIT", "CANCEL"): {"STARTED": "CANCELLED"},
    ("CALLBACK", "START"): {"-": "STARTED"},
    ("CHAINED_INVOKE", "START"): {"-": "STARTED"},
}
ACTIONS = ("START", "SUCCEED", "FAIL", "RETRY", "CANCEL")


def started(play: Play, type_: str) -> None:
    play.record(update("START", type_))


def ended(play: Play, type_: str, action: str) -> None:
    if type_ == "CONTEXT":
        started(play, type_)
    play.record(update(action, type_))


def nothing(play: Play) -> None:
    pass


def retried(play: Play) -> None:
    play.record(update("RETRY", "STEP"))


def ready(play: Play) -> None:
    retried(play)
    play.skip()


def cancelled(play: Play) -> None:
    started(play, "WAIT")
    play.record(update("CANCEL", "WAIT"))


def passed(play: Play) -> None:
    started(play, "WAIT")
    play.skip()


def callback_id(play: Play) -> str:
    return str(play.operation()["CallbackDetails"]["CallbackId"])


def called_back(play: Play) -> None:
    started(play, "CALLBACK")
    play.service.send_durable_execution_callback_success(CallbackId=callback_id(play))


def refused(play: Play) -> None:
    started(play, "CALLBACK")
    play.service.send_durable_execution_callback_failure(CallbackId=callback_id(play), Error=OOPS)


def late(play: Play) -> None:
    play.record(update("START", "CALLBACK", CallbackOptions={"TimeoutSeconds": 1}))
    play.skip()


def finished(play: Play, status: str) -> None:
    started(play, "CHAINED_INVOKE")
    play.service.finish_chained_invoke(play.arn, "a", status=status)  # type: ignore[arg-type]


STATES: dict[tuple[str, str], Callable[[Play], None]] = {
    ("CONTEXT", "STARTED"): lambda play: started(play, "CONTEXT"),
    ("CONTEXT", "SUCCEEDED"): lambda play: ended(play, "CONTEXT", "SUCCEED"),
    ("CONTEXT", "FAILED"): lambda play: ended(play, "CONTEXT", "FAIL"),
    ("STEP", "STARTED"): lambda play: started(play, "STEP"),
    ("STEP", "PENDING"): retried,
    ("STEP", "READY"): ready,
    ("STEP", "SUCCEEDED"): lambda play: ended(play, "STEP", "SUCCEED"),
    ("STEP", "FAILED"): lambda play: ended(play, "STEP", "FAIL"),
    ("WAIT", "STARTED"): lambda play: started(play, "WAIT"),
    ("WAIT", "SUCCEEDED"): passed,
    ("WAIT", "CANCELLED"): cancelled,
    ("CALLBACK", "STARTED"): lambda play: started(play, "CALLBACK"),
    ("CALLBACK", "SUCCEEDED"): called_back,
    ("CALLBACK", "FAILED"): refused,
    ("CALLBACK", "TIMED_OUT"): late,
    ("CHAINED_INVOKE", "STARTED"): lambda play: started(play, "CHAINED_INVOKE"),
    ("CHAINED_INVOKE", "SUCCEEDED"): lambda play: finished(play, "SUCCEEDED"),
    ("CHAINED_INVOKE", "FAILED"): lambda play: finished(play, "FAILED"),
    ("CHAINED_INVOKE", "TIMED_OUT"): lambda play: finished(play, "TIMED_OUT"),
    ("CHAINED_INVOKE", "STOPPED"): lambda play: finished(play, "STOPPED"),
    **dict.fromkeys([(type_, "-") for type_ in ("CONTEXT", "STEP", "WAIT", "CALLBACK", "CHAINED_INVOKE")], nothing),
}


def asked(type_: str, action: str) -> OperationUpdate:
    return update(action, type_)


@pytest.mark.parametrize(("state", "action"), list(product(STATES, ACTIONS)), ids=str)
def test_an_update_moves_an_operation_as_the_table_says_and_is_refused_where_it_says_nothing(
    state: tuple[str, str], action: str
) -> None:
    """Every type, in every status that it can have, is given every action."""
    type_, status = state
    play = Play()
    STATES[state](play)
    to = MOVES.get((type_, action), {}).get(status)
    if to is None:
        with rejected(f"Updates\\[0\\], {action} of {type_} 'a'"):
            play.record(asked(type_, action))
        if status != "-":
            assert play.status() == status
    else:
        play.record(asked(type_, action))
        assert play.status() == to


def test_the_states_of_this_test_are_what_they_say() -> None:
    """Each way into a status leads to that status."""
    for (_, status), enter in STATES.items():
        if status != "-":
            play = Play()
            enter(play)
            assert play.status() == status


def test_an_execution_succeeds_by_an_update_and_gives_no_token_back() -> None:
    """EXECUTION SUCCEED closes the execution."""
    play = Play()
    answer = play.record(update("SUCCEED", "EXECUTION", "result", Payload='"big"'))
    assert "CheckpointToken" not in answer
    assert play.outcome == "SUCCEEDED"
    assert play.described["Result"] == '"big"'


def test_an_execution_fails_by_an_update() -> None:
    """EXECUTION FAIL closes the execution with its error."""
    play = Play()
    play.record(update("FAIL", "EXECUTION", "result", Error=OOPS))
    assert play.outcome == "FAILED"
    assert play.described["Error"] == OOPS


@pytest.mark.parametrize("action", ["START", "RETRY", "CANCEL"])
def test_an_execution_can_only_succeed_or_fail(action: str) -> None:
    """An EXECUTION has no other action."""
    play = Play()
    with rejected(f"EXECUTION has no {action}"):
        play.record(update(action, "EXECUTION", "x"))
    assert play.outcome == "RUNNING"


def test_an_attempt_is_counted_when_it_ends() -> None:
    """START does not count; RETRY, SUCCEED and FAIL do."""
    play = Play()
    play.record(update("START", "STEP"))
    assert play.operation()["StepDetails"] == {"Attempt": 0}
    play.record(update("RETRY", "STEP"))
    assert play.operation()["StepDetails"]["Attempt"] == 1
    play.skip()
    play.record(update("START", "STEP"))
    assert play.operation()["StepDetails"]["Attempt"] == 1
    play.record(update("SUCCEED", "STEP", Payload="1"))
    assert play.operation()["StepDetails"] == {"Attempt": 2, "Result": "1"}


def test_a_retry_says_when_its_next_attempt_is_due_until_it_is() -> None:
    """NextAttemptTimestamp is there while the step is PENDING, and only then."""
    play = Play()
    play.record(update("RETRY", "STEP", StepOptions={"NextAttemptDelaySeconds": 7}))
    due = play.clock.now() + 7_000
    assert play.operation()["StepDetails"]["NextAttemptTimestamp"] == due
    play.skip()
    assert play.clock.now() == due
    assert play.status() == "READY"
    assert "NextAttemptTimestamp" not in play.operation()["StepDetails"]


def test_the_state_of_a_poll_is_kept_until_its_next_attempt_has_ended() -> None:
    """A RETRY's payload stays through READY and STARTED."""
    play = Play()
    play.record(update("RETRY", "STEP", Payload='{"n":1}'))
    play.skip()
    assert play.operation()["StepDetails"]["Result"] == '{"n":1}'
    play.record(update("START", "STEP"))
    assert play.operation()["StepDetails"]["Result"] == '{"n":1}'
    play.record(update("RETRY", "STEP", Payload='{"n":2}'))
    assert play.operation()["StepDetails"]["Result"] == '{"n":2}'


def test_a_step_may_end_without_having_been_started() -> None:
    """SUCCEED on nothing makes an operation that began and ended at once."""
    play = Play()
    play.record(update("SUCCEED", "STEP", Payload="1"))
    operation = play.operation()
    assert operation["StartTimestamp"] == operation["EndTimestamp"]
    assert play.story == ["StepSucceeded"]


def test_a_cancel_is_refused_when_the_time_of_its_wait_has_come() -> None:
    """The timer wins: the wait is SUCCEEDED, and the batch is refused."""
    play = Play()
    play.record(update("START", "WAIT"))
    play.clock.move_to(play.service.next_alarm() or 0)
    with rejected("the operation is SUCCEEDED; CANCEL is for STARTED"):
        play.record(update("CANCEL", "WAIT"))
    assert play.status() == "SUCCEEDED"


def test_a_cancelled_wait_never_fires() -> None:
    """A CANCEL takes the alarm away."""
    play = Play()
    play.record(update("START", "WAIT"))
    play.record(update("CANCEL", "WAIT"))
    assert play.service.next_alarm() is None
