"""Who may record: the invocation under way, once with each token."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from service_play import Play, rejected, told, update

from durable_testing.service import DurableService

START = update("START", "STEP")
INVALID = "^An error occurred .* operation: Invalid checkpoint token"


def send(play: Play, token: str | None, *updates: Any, client_token: str | None = None) -> dict[str, Any]:
    """Record with a token of one's choice; the answer without what the transport adds."""
    answer: Any = play.service.checkpoint_durable_execution(
        DurableExecutionArn=play.arn, CheckpointToken=str(token), Updates=updates, ClientToken=client_token
    )
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_each_call_spends_its_token_and_gives_the_next() -> None:
    """A token is good for one call."""
    play = Play()
    first = play.token
    play.record(START)
    assert play.token != first
    with rejected(INVALID):
        send(play, first, update("SUCCEED", "STEP"))
    assert play.status() == "STARTED"


def test_an_empty_batch_spends_its_token_too() -> None:
    """A poll is a call."""
    play = Play()
    first = play.token
    assert told(play.record()) == []
    with rejected(INVALID):
        send(play, first)


def test_a_token_is_base64_and_unlike_any_other() -> None:
    """Nobody guesses one."""
    tokens = set()
    play = Play()
    for _ in range(50):
        play.record()
        tokens.add(play.token)
    assert len(tokens) == 50
    assert all(len(base64.b64decode(token or "", validate=True)) >= 16 for token in tokens)


def test_a_token_of_another_execution_is_refused() -> None:
    """A token opens its own execution only."""
    play, other = Play(), Play()
    with rejected(INVALID):
        send(play, other.token, START)
    with rejected(f"{INVALID}: there is no execution"):
        play.service.checkpoint_durable_execution(
            DurableExecutionArn=other.arn, CheckpointToken=str(play.token), Updates=[]
        )


def test_a_new_invocation_supersedes_the_one_before() -> None:
    """The older token is worth nothing, whatever it is used for."""
    play = Play()
    old = play.token
    play.begin()
    with rejected(INVALID):
        send(play, old, START)
    with rejected(INVALID):
        play.service.get_durable_execution_state(DurableExecutionArn=play.arn, CheckpointToken=str(old))
    play.record(START)


@pytest.mark.parametrize("end", ["suspend", "succeed", "crash"])
def test_an_invocation_that_has_ended_records_nothing_more(end: str) -> None:
    """Its token ends with it."""
    play = Play()
    play.record(update("START", "WAIT"))
    getattr(play, end)()
    with rejected(f"{INVALID}: no invocation of the execution is running"):
        send(play, play.token, START)


def test_an_execution_that_is_stopped_takes_no_more() -> None:
    """The code runs on until its next checkpoint."""
    play = Play()
    play.service.stop_durable_execution(DurableExecutionArn=play.arn)
    with rejected(f"{INVALID}: the execution is STOPPED"):
        send(play, play.token, START)


def test_an_execution_that_has_timed_out_takes_no_more() -> None:
    """Its time ran out while the handler ran."""
    play = Play(execution_timeout=timedelta(seconds=10))
    play.clock.advance(timedelta(seconds=10))
    with rejected(f"{INVALID}: the execution is TIMED_OUT"):
        send(play, play.token, START)


def test_an_execution_that_its_handler_ended_takes_no_more() -> None:
    """After EXECUTION SUCCEED there is no token, and none will do."""
    play = Play()
    token = play.token
    play.record(update("SUCCEED", "EXECUTION", "x"))
    with rejected(f"{INVALID}: the execution is SUCCEEDED"):
        send(play, token, START)


def test_an_execution_that_was_paused_at_a_checkpoint_takes_no_more() -> None:
    """No token was given, and none will do."""
    play = Play()
    token = play.token
    play.service.pause_durable_execution(DurableExecutionArn=play.arn)
    play.record()
    with rejected(f"{INVALID}: the last answer gave none"):
        send(play, token, START)


def test_a_refused_batch_spends_nothing() -> None:
    """The same token serves for a better batch."""
    play = Play()
    with rejected("does not exist"):
        play.record(update("CANCEL", "WAIT"))
    play.record(START)


class TestRepeats:
    """A lost answer is asked for again with the same client token."""

    def test_the_same_call_has_the_same_answer_and_is_applied_once(self) -> None:
        """Token, operations and times are those of the first answer."""
        play = Play()
        first = send(play, play.token, START, client_token="c1")
        again = send(play, play.token, START, client_token="c1")
        assert again == first
        assert play.story == ["StepStarted"]

    def test_the_answer_is_as_it_was_even_if_things_have_changed(self) -> None:
        """What happened since is told in the next answer."""
        play = Play()
        first = send(play, play.token, update("START", "WAIT"), client_token="c1")
        play.skip()
        assert send(play, play.token, update("START", "WAIT"), client_token="c1") == first
        following = send(play, first["CheckpointToken"])
        assert following["NewExecutionState"]["Operations"][0]["Status"] == "SUCCEEDED"

    def test_changing_an_answer_does_not_change_its_repetition(self) -> None:
        """Each answer is a copy of its own."""
        play = Play()
        first = send(play, play.token, START, client_token="c1")
        first["NewExecutionState"]["Operations"].clear()
        assert len(send(play, play.token, START, client_token="c1")["NewExecutionState"]["Operations"]) == 1

    def test_without_a_client_token_it_is_a_second_call(self) -> None:
        """And its token is spent."""
        play = Play()
        send(play, play.token, START)
        with rejected(INVALID):
            send(play, play.token, START)

    def test_another_client_token_is_another_call(self) -> None:
        """The token is spent, whoever asks."""
        play = Play()
        send(play, play.token, START, client_token="c1")
        with rejected(INVALID):
            send(play, play.token, START, client_token="c2")

    def test_a_client_token_is_no_checkpoint_token(self) -> None:
        """The same client token with the next token is a new call."""
        play = Play()
        answer = send(play, play.token, START, client_token="c1")
        send(play, answer["CheckpointToken"], update("SUCCEED", "STEP"), client_token="c1")
        assert play.status() == "SUCCEEDED"

    def test_only_the_last_call_is_remembered(self) -> None:
        """One before it cannot be asked for."""
        play = Play()
        first = play.token
        answer = send(play, first, START, client_token="c1")
        send(play, answer["CheckpointToken"], client_token="c2")
        with rejected(INVALID):
            send(play, first, START, client_token="c1")

    def test_a_call_is_remembered_for_a_quarter_of_an_hour(self) -> None:
        """At 15 minutes it still is; a millisecond later it is not."""
        play = Play()
        send(play, play.token, START, client_token="c1")
        play.clock.advance(timedelta(minutes=15))
        send(play, play.token, START, client_token="c1")
        play.clock.tick()
        with rejected(INVALID):
            send(play, play.token, START, client_token="c1")

    def test_the_call_that_ended_the_execution_can_be_repeated(self) -> None:
        """A lost answer to the last batch is no loss."""
        play = Play()
        end = update("SUCCEED", "EXECUTION", "x")
        first = send(play, play.token, end, client_token="c1")
        assert send(play, play.token, end, client_token="c1") == first
        assert "CheckpointToken" not in first

    def test_a_refused_call_is_not_remembered(self) -> None:
        """Its client token may serve for a better batch."""
        play = Play()
        with rejected("does not exist"):
            send(play, play.token, update("CANCEL", "WAIT"), client_token="c1")
        send(play, play.token, START, client_token="c1")
        assert play.status() == "STARTED"

    def test_an_invocation_does_not_remember_another_ones_calls(self) -> None:
        """The repetition of a superseded call is refused."""
        play = Play()
        old = play.token
        send(play, old, START, client_token="c1")
        play.begin()
        with rejected(INVALID):
            send(play, old, START, client_token="c1")


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"DurableExecutionArn": "arn:aws:lambda"}, "DurableExecutionArn does not match"),
        ({"CheckpointToken": ""}, "CheckpointToken has 0 characters"),
        ({"CheckpointToken": "not base64!"}, "CheckpointToken does not match"),
        ({"CheckpointToken": "x" * 2049}, "CheckpointToken has 2,049 characters; it may have 2,048"),
        ({"ClientToken": "with space"}, "ClientToken does not match"),
        ({"ClientToken": "x" * 65}, "ClientToken has 65 characters"),
        ({"Updates": {}}, "Updates is a dict, not a list"),
    ],
    ids=str,
)
def test_a_call_that_the_model_does_not_allow_is_refused(parameters: dict[str, Any], match: str) -> None:
    """The parameters themselves are checked before the token."""
    play = Play()
    call = {"DurableExecutionArn": play.arn, "CheckpointToken": play.token, "Updates": [], **parameters}
    with rejected(re.escape(match)):
        play.service.checkpoint_durable_execution(**call)


def test_parameters_are_given_by_name_as_to_boto3() -> None:
    """A positional argument is a ``TypeError``; one that is unknown or missing is refused by name."""
    service: Any = DurableService()
    with pytest.raises(TypeError, match=r"get_durable_execution\(\) only accepts keyword arguments"):
        service.get_durable_execution("arn")
    with rejected("Arn is unknown; there are DurableExecutionArn, IncludeExecutionData"):
        service.get_durable_execution(Arn="arn")
    with rejected("DurableExecutionArn is missing"):
        service.get_durable_execution()
