"""What an invocation is shown: the state that a replay needs, what changed since, and in which pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from service_model import assert_fits
from service_play import Play, rejected, told, update

from durable_core.spi import OperationUpdate
from durable_testing.service import DEFAULT


def shown(event: Any) -> list[str]:
    """The ids of the operations in an invocation's event, without the execution's."""
    return [each["Id"] for each in event["InitialExecutionState"]["Operations"] if each["Type"] != "EXECUTION"]


def context(action: str, id_: str, parent: str | None = None, *, keep: bool | None = None) -> OperationUpdate:
    members: dict[str, Any] = {"ParentId": parent} if parent else {}
    if keep is not None:
        members["ContextOptions"] = {"ReplayChildren": keep}
    return update(action, "CONTEXT", id_, **members)


def leaf(id_: str, parent: str) -> OperationUpdate:
    return update("SUCCEED", "STEP", id_, ParentId=parent)


TREE = [
    context("START", "a"),
    leaf("a1", "a"),
    context("START", "b", "a"),
    leaf("b1", "b"),
    context("START", "c", "b"),
    leaf("c1", "c"),
]
EVERYTHING = ["a", "a1", "b", "b1", "c", "c1"]


@pytest.mark.parametrize(
    ("ends", "visible"),
    [
        ([], EVERYTHING),
        ([context("SUCCEED", "c", "b")], ["a", "a1", "b", "b1", "c"]),
        ([context("SUCCEED", "c", "b", keep=True)], EVERYTHING),
        ([context("FAIL", "c", "b")], ["a", "a1", "b", "b1", "c"]),
        ([context("SUCCEED", "c", "b"), context("SUCCEED", "b", "a")], ["a", "a1", "b"]),
        ([context("SUCCEED", "c", "b"), context("SUCCEED", "b", "a", keep=True)], ["a", "a1", "b", "b1", "c"]),
        ([context("SUCCEED", "c", "b", keep=True), context("SUCCEED", "b", "a")], ["a", "a1", "b"]),
        ([context("SUCCEED", "c", "b", keep=True), context("SUCCEED", "b", "a", keep=True)], EVERYTHING),
        ([context("SUCCEED", "b", "a", keep=True)], EVERYTHING),
        ([context("SUCCEED", "b", "a")], ["a", "a1", "b"]),
        ([context("SUCCEED", "a", keep=True)], EVERYTHING),
        ([context("SUCCEED", "b", "a", keep=True), context("SUCCEED", "a")], ["a"]),
        ([context("SUCCEED", "b", "a", keep=False)], ["a", "a1", "b"]),
    ],
)
def test_the_children_of_a_finished_context_are_left_out_unless_all_above_keep_them(
    ends: list[OperationUpdate], visible: list[str]
) -> None:
    """A replay needs no children of a finished context, unless it and every finished one above has ReplayChildren."""
    play = Play()
    play.record(*TREE)
    for end in ends:
        play.record(end)
    assert shown(play.begin()) == visible
    answer: Any = play.service.get_durable_execution_state(
        DurableExecutionArn=play.arn, CheckpointToken=str(play.token), MaxItems=1000
    )
    assert [each["Id"] for each in answer["Operations"][1:]] == visible


def test_three_thousand_nested_contexts_are_no_trouble() -> None:
    """The filter does not recurse, and looks at each context once."""
    play = Play(limits=replace(DEFAULT, page_operations=10_000))
    chain = [context("START", f"c{n}", f"c{n - 1}" if n else None) for n in range(3_000)]
    play.record(*chain)
    assert len(shown(play.begin())) == 3_000
    play.record(context("SUCCEED", "c1", "c0"))
    assert shown(play.begin()) == ["c0", "c1"]


def test_the_event_of_an_invocation_holds_the_execution_and_its_input() -> None:
    """Times are whole milliseconds; the last page has an empty marker."""
    play = Play(payload='{"n": 1}', begin=False)
    started = play.clock.now()
    event = play.begin()
    assert event["DurableExecutionArn"] == play.arn
    assert event.get("UpdatedOperationIds") == []
    assert event["InitialExecutionState"].get("NextMarker") == ""
    (execution,) = event["InitialExecutionState"].get("Operations", [])
    assert execution["Type"] == "EXECUTION"
    assert execution["Status"] == "STARTED"
    assert execution["StartTimestamp"] == started
    assert execution.get("ExecutionDetails") == {"InputPayload": '{"n": 1}'}


def test_the_event_has_no_object_of_the_services_own() -> None:
    """A handler may change what it is given."""
    play = Play()
    play.record(update("FAIL", "STEP", Error={"StackTrace": ["a"]}))
    event: Any = play.begin()
    event["InitialExecutionState"]["Operations"][1]["StepDetails"]["Error"]["StackTrace"].append("b")
    assert play.operation()["StepDetails"]["Error"]["StackTrace"] == ["a"]


def test_a_rehearsal_is_the_event_of_an_invocation_that_never_begins() -> None:
    """What a replay needs, in one page, with a token that opens nothing; what runs goes on."""
    play = Play(limits=replace(DEFAULT, page_operations=2))
    play.record(*TREE)
    play.record(context("SUCCEED", "b", "a"))
    event = play.service.rehearse_invocation(play.arn)
    assert shown(event) == ["a", "a1", "b"]
    assert event["InitialExecutionState"].get("NextMarker") == ""
    assert play.story[-1] == "ContextSucceeded"
    play.record(leaf("a2", "a"))
    play.token = event["CheckpointToken"]
    with rejected("Invalid checkpoint token"):
        play.record()


class TestDelta:
    """An answer tells what changed since the handler was last told, and nothing else."""

    def test_it_tells_what_its_own_batch_changed(self) -> None:
        """With its times, all alike."""
        play = Play()
        answer = play.record(update("START", "STEP", "s"), update("SUCCEED", "STEP", "s"), update("START", "WAIT", "w"))
        assert told(answer) == ["s", "w"]
        step, wait = answer["NewExecutionState"].get("Operations", [])
        assert step["StartTimestamp"] == step.get("EndTimestamp") == wait["StartTimestamp"]
        for operation in (step, wait):
            assert_fits("Operation", operation)

    def test_it_does_not_tell_twice(self) -> None:
        """Never the whole history."""
        play = Play()
        play.record(update("START", "STEP", "s"))
        assert told(play.record(update("START", "STEP", "t"))) == ["t"]
        assert told(play.record()) == []

    def test_it_tells_what_came_from_outside(self) -> None:
        """A callback that was completed while the handler ran comes with the next answer."""
        play = Play()
        play.record(update("START", "CALLBACK", "c"))
        play.service.send_durable_execution_callback_success(
            CallbackId=play.operation("c")["CallbackDetails"]["CallbackId"], Result=b"1"
        )
        answer = play.record(update("START", "STEP", "s"))
        assert told(answer) == ["c", "s"]

    def test_it_tells_of_timers_that_are_due(self) -> None:
        """They are completed before the answer is computed, at the moment when they were due."""
        play = Play()
        play.record(update("START", "WAIT", "w"))
        due = play.service.next_alarm() or 0
        play.clock.move_to(due + 10_000)
        (wait,) = play.record()["NewExecutionState"].get("Operations", [])
        assert (wait["Status"], play.operation("w")["EndTimestamp"]) == ("SUCCEEDED", due)

    def test_a_new_callback_has_its_id(self) -> None:
        """The CallbackId is in the answer to the START."""
        play = Play()
        (callback,) = play.record(update("START", "CALLBACK"))["NewExecutionState"].get("Operations", [])
        assert callback.get("CallbackDetails", {}).get("CallbackId")

    def test_it_does_not_tell_of_a_heartbeat(self) -> None:
        """A heartbeat changes no operation."""
        play = Play()
        play.record(update("START", "CALLBACK", CallbackOptions={"HeartbeatTimeoutSeconds": 60}))
        play.service.send_durable_execution_callback_heartbeat(
            CallbackId=play.operation()["CallbackDetails"]["CallbackId"]
        )
        assert told(play.record()) == []

    def test_a_new_invocation_has_been_told_everything(self) -> None:
        """Its event is the whole state; the next answer begins after it."""
        play = Play()
        play.record(update("START", "WAIT", "w"), update("START", "STEP", "s"))
        play.suspend()
        play.skip()
        event = play.begin()
        assert event.get("UpdatedOperationIds") == ["w"]
        assert told(play.record()) == []

    def test_what_an_answer_told_is_not_named_to_the_next_invocation(self) -> None:
        """UpdatedOperationIds are those that nobody has been told of."""
        play = Play()
        play.record(update("START", "WAIT", "w"), update("START", "WAIT", "v", WaitOptions={"WaitSeconds": 60}))
        play.skip()
        play.record()
        play.suspend()
        assert not play.is_due()
        play.skip()
        assert play.begin().get("UpdatedOperationIds") == ["v"]


class TestPages:
    """What does not fit an answer comes in pages."""

    limits = replace(DEFAULT, page_operations=10)

    def read(self, play: Play, marker: str | None, **more: Any) -> tuple[list[str], str | None]:
        """A page of the state, as ids, and the marker of the next."""
        answer: Any = play.service.get_durable_execution_state(
            DurableExecutionArn=play.arn, CheckpointToken=str(play.token), Marker=marker, **more
        )
        assert_fits("GetDurableExecutionStateResponse", {k: v for k, v in answer.items() if k != "ResponseMetadata"})
        return [each["Id"] for each in answer["Operations"]], answer.get("NextMarker")

    def rest(self, play: Play, marker: str | None, **more: Any) -> list[str]:
        """All that follows a marker."""
        ids: list[str] = []
        while marker:
            page, marker = self.read(play, marker, **more)
            ids += page
        return ids

    def steps(self, count: int) -> list[OperationUpdate]:
        return [update("SUCCEED", "STEP", f"s{n}") for n in range(count)]

    def test_the_state_goes_on_where_the_event_ends(self) -> None:
        """Page by page, in the order of the starts, each operation once."""
        play = Play(limits=self.limits)
        play.record(*self.steps(35))
        event = play.begin()
        first = shown(event)
        assert len(first) == 9  # and the execution
        rest = self.rest(play, event["InitialExecutionState"].get("NextMarker"), MaxItems=7)
        assert first + rest == [f"s{n}" for n in range(35)]

    def test_the_last_page_is_not_empty(self) -> None:
        """A marker is given only if something follows it."""
        play = Play(limits=self.limits)
        play.record(context("START", "c"), *(leaf(f"l{n}", "c") for n in range(20)))
        play.record(context("SUCCEED", "c"))
        assert play.begin()["InitialExecutionState"].get("NextMarker") == ""

    def test_a_large_delta_goes_on_in_pages(self) -> None:
        """The answer holds what fits; GetDurableExecutionState gives the rest of it, not of the state."""
        play = Play(limits=self.limits)
        play.record(*self.steps(3))
        answer = play.record(*(update("SUCCEED", "STEP", f"t{n}") for n in range(25)))
        first = told(answer)
        assert len(first) == 10
        rest = self.rest(play, answer["NewExecutionState"].get("NextMarker"))
        assert first + rest == [f"t{n}" for n in range(25)]

    def test_an_answer_of_everyday_size_has_no_marker(self) -> None:
        """The member is absent then."""
        assert "NextMarker" not in Play().record(*self.steps(250))["NewExecutionState"]

    def test_a_page_ends_where_its_bytes_do(self) -> None:
        """About as much as fits, and one at least."""
        play = Play(limits=replace(DEFAULT, page=5_000))
        play.record(*(update("SUCCEED", "STEP", f"s{n}", Payload="x" * 2_000) for n in range(5)))
        play.record(update("SUCCEED", "STEP", "s5", Payload="x" * 9_000))
        pages: list[list[str]] = []
        marker = None
        while True:
            ids, marker = self.read(play, marker)
            pages.append(ids[1:] if not pages else ids)
            if marker is None:
                break
        assert pages == [["s0", "s1"], ["s2", "s3"], ["s4"], ["s5"]]

    def test_the_first_page_is_empty_if_the_input_does_not_fit(self) -> None:
        """The execution's own operation comes with the second, then."""
        play = Play(payload="x" * 6_000_000, begin=False)
        event = play.begin()
        assert event["InitialExecutionState"].get("Operations") == []
        ids, marker = self.read(play, event["InitialExecutionState"].get("NextMarker"))
        assert ids == [play.history[0]["Id"]]
        assert marker is None

    @pytest.mark.parametrize("most", [None, 0])
    def test_a_page_of_the_state_has_a_hundred_unless_asked(self, most: int | None) -> None:
        """0 stands for the default."""
        play = Play()
        play.record(*self.steps(250))
        ids, marker = self.read(play, None, MaxItems=most)
        assert len(ids) == 100
        assert marker is not None

    def test_reading_spends_no_token(self) -> None:
        """The next record shows the same one."""
        play = Play()
        self.read(play, None)
        play.record(*self.steps(1))

    @pytest.mark.parametrize("marker", ["", "x", "MS4y", "LTE=", "MS4yLjMuNA==", "eC55"])
    def test_a_marker_that_was_not_given_is_refused(self, marker: str) -> None:
        """Whatever it is: no base64, no numbers, the wrong number of them, or negative ones."""
        play = Play()
        if marker:
            with rejected("Marker .* is not one that was given"):
                self.read(play, marker)
        else:
            self.read(play, marker)

    def test_more_than_a_thousand_at_once_is_refused(self) -> None:
        """MaxItems is 0 to 1000."""
        with rejected("MaxItems is 1001; it may be 0 to 1000"):
            self.read(Play(), None, MaxItems=1001)

    def test_reading_needs_the_token(self) -> None:
        """A page is given to the invocation under way only."""
        play = Play()
        play.token = "bm90IGl0"
        with rejected("Invalid checkpoint token"):
            self.read(play, None)
