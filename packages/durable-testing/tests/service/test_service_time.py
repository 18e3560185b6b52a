"""What time does, and when; and the clocks that tell it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from service_play import Play, rejected, told, update

from durable_testing.service import DurableService, SystemClock, VirtualClock
from durable_testing.service.alarms import Alarm, Alarms


def wait(id_: str, seconds: int) -> Any:
    return update("START", "WAIT", id_, WaitOptions={"WaitSeconds": seconds})


def callback(**options: int) -> Any:
    return update("START", "CALLBACK", CallbackOptions=options)


def beat(play: Play) -> None:
    play.service.send_durable_execution_callback_heartbeat(CallbackId=play.operation()["CallbackDetails"]["CallbackId"])


class TestTimers:
    """A timer fires when it is due, as soon as anyone looks."""

    def test_a_wait_is_over_when_its_seconds_have_passed(self) -> None:
        """Not a millisecond before; its end is the moment when it was due."""
        play = Play()
        play.record(wait("w", 5))
        due = play.clock.now() + 5_000
        assert play.service.next_alarm() == due
        play.clock.move_to(due - 1)
        play.service.tick()
        assert play.status("w") == "STARTED"
        play.clock.move_to(due)
        play.service.tick()
        assert (play.status("w"), play.operation("w")["EndTimestamp"]) == ("SUCCEEDED", due)

    def test_a_timer_that_is_looked_at_late_ended_when_it_was_due(self) -> None:
        """Lateness changes nothing that is recorded, and the order is that of the due times."""
        play = Play()
        play.record(wait("late", 9), wait("early", 5))
        began = play.clock.now()
        play.clock.advance(timedelta(hours=1))
        assert [event["Id"] for event in play.history if event["EventType"] == "WaitSucceeded"] == ["early", "late"]
        assert play.operation("early")["EndTimestamp"] == began + 5_000
        assert play.operation("late")["EndTimestamp"] == began + 9_000

    def test_timers_that_are_due_together_fire_in_the_order_of_their_ids(self) -> None:
        """As a replay delivers them."""
        play = Play()
        play.record(wait("b", 5), wait("c", 5), wait("a", 5))
        play.skip()
        assert [event["Id"] for event in play.history[-3:]] == ["a", "b", "c"]

    def test_nothing_is_recorded_before_a_timer_that_was_due_before_it(self) -> None:
        """What comes from outside first completes what was due, so that the times of the facts never go back."""
        play = Play()
        play.record(wait("w", 5), callback())
        play.clock.move_to((play.service.next_alarm() or 0) - 1)
        callback_id = play.operation()["CallbackDetails"]["CallbackId"]
        play.service.send_durable_execution_callback_success(CallbackId=callback_id)
        assert play.story[-2:] == ["WaitSucceeded", "CallbackSucceeded"]
        assert play.history[-2]["EventTimestamp"] <= play.history[-1]["EventTimestamp"]

    def test_without_alarms_there_is_no_next_one(self) -> None:
        """Then only others can change anything."""
        play = Play()
        play.record(callback())
        assert play.service.next_alarm() is None

    def test_the_next_alarm_is_the_first_of_all_executions(self) -> None:
        """One moment for the whole service."""
        play = Play()
        play.record(wait("w", 50))
        other = play.service.start("other", "{}")
        token = play.service.begin_invocation(other)["CheckpointToken"]
        play.service.checkpoint_durable_execution(
            DurableExecutionArn=other, CheckpointToken=token, Updates=[wait("v", 5)]
        )
        first = play.service.next_alarm() or 0
        assert first < play.clock.now() + 50_000
        play.skip()
        assert play.service.due(other) is False  # its invocation is running
        assert (play.service.next_alarm() or 0) > first

    def test_an_execution_that_is_over_has_no_alarms(self) -> None:
        """Its waits never end."""
        play = Play()
        play.record(wait("w", 5))
        play.succeed()
        assert play.service.next_alarm() is None
        play.clock.advance(timedelta(minutes=1))
        assert play.status("w") == "STARTED"


class TestCallbacks:
    """A callback has a deadline, and a heartbeat that moves."""

    @pytest.mark.parametrize(
        ("options", "seconds", "error"),
        [
            ({"TimeoutSeconds": 9}, 9, "Callback.Timeout"),
            ({"HeartbeatTimeoutSeconds": 4}, 4, "Callback.Heartbeat"),
            ({"TimeoutSeconds": 9, "HeartbeatTimeoutSeconds": 4}, 4, "Callback.Heartbeat"),
            ({"TimeoutSeconds": 4, "HeartbeatTimeoutSeconds": 9}, 4, "Callback.Timeout"),
            ({"TimeoutSeconds": 4, "HeartbeatTimeoutSeconds": 4}, 4, "Callback.Timeout"),
        ],
        ids=str,
    )
    def test_the_first_deadline_ends_it(self, options: dict[str, int], seconds: int, error: str) -> None:
        """The error says which; it ends once, however many have passed."""
        play = Play()
        play.record(callback(**options))
        due = play.clock.now() + seconds * 1000
        play.clock.advance(timedelta(minutes=1))
        assert told(play.record()) == ["a"]
        operation = play.operation()
        assert (operation["Status"], operation["EndTimestamp"]) == ("TIMED_OUT", due)
        assert operation["CallbackDetails"]["Error"]["ErrorType"] == error
        assert play.story == ["CallbackStarted", "CallbackTimedOut"]
        assert play.service.next_alarm() is None

    @pytest.mark.parametrize("options", [{}, {"TimeoutSeconds": 0, "HeartbeatTimeoutSeconds": 0}], ids=str)
    def test_zero_and_nothing_are_no_deadline(self, options: dict[str, int]) -> None:
        """Such a callback waits for ever."""
        play = Play()
        play.record(callback(**options))
        assert play.service.next_alarm() is None

    def test_a_heartbeat_moves_the_heartbeats_deadline(self) -> None:
        """From the moment when it came."""
        play = Play()
        play.record(callback(HeartbeatTimeoutSeconds=10))
        play.clock.advance(timedelta(seconds=9))
        beat(play)
        assert play.service.next_alarm() == play.clock.now() + 10_000
        play.skip()
        assert play.status() == "TIMED_OUT"

    def test_a_heartbeat_does_not_move_the_deadline(self) -> None:
        """The whole timeout stays."""
        play = Play()
        play.record(callback(TimeoutSeconds=15, HeartbeatTimeoutSeconds=10))
        began = play.clock.now()
        play.clock.advance(timedelta(seconds=9))
        beat(play)
        assert play.service.next_alarm() == began + 15_000
        play.skip()
        assert play.operation()["CallbackDetails"]["Error"]["ErrorType"] == "Callback.Timeout"

    def test_a_heartbeat_without_a_heartbeat_timeout_does_nothing(self) -> None:
        """It is taken, and starts none."""
        play = Play()
        play.record(callback(TimeoutSeconds=15))
        alarm = play.service.next_alarm()
        beat(play)
        assert play.service.next_alarm() == alarm

    def test_a_heartbeat_shows_nowhere(self) -> None:
        """No event, no change, no invocation."""
        play = Play()
        play.record(callback(HeartbeatTimeoutSeconds=10))
        play.suspend()
        beat(play)
        assert play.story == ["CallbackStarted", "InvocationCompleted"]
        assert not play.is_due()

    def test_a_heartbeat_at_the_deadline_is_too_late(self) -> None:
        """The deadline comes first."""
        play = Play()
        play.record(callback(HeartbeatTimeoutSeconds=10))
        play.clock.move_to(play.service.next_alarm() or 0)
        with rejected(code="CallbackTimeoutException"):
            beat(play)
        assert play.status() == "TIMED_OUT"


class TestTheExecutionsTimeout:
    """An execution has so much time, pauses aside."""

    def test_it_ends_the_execution(self) -> None:
        """At the moment when it was due, after all that was due before."""
        play = Play(execution_timeout=timedelta(seconds=10))
        play.record(wait("w", 5), wait("v", 20))
        play.suspend()
        play.clock.advance(timedelta(seconds=30))
        assert play.outcome == "TIMED_OUT"
        assert play.story[-2:] == ["WaitSucceeded", "ExecutionTimedOut"]
        assert play.described["EndTimestamp"] - play.described["StartTimestamp"] == timedelta(seconds=10)
        assert play.described["Error"]["ErrorType"] == "Execution.Timeout"
        assert play.status("v") == "STARTED"
        assert not play.is_due()

    def test_it_is_told_beforehand(self) -> None:
        """GetDurableExecution says when, while the execution is running."""
        play = Play(execution_timeout=timedelta(seconds=10))
        described = play.described
        expected = described["ExpectedExecutionTimeoutTimestamp"]
        assert expected - described["StartTimestamp"] == timedelta(seconds=10)
        play.succeed()
        assert "ExpectedExecutionTimeoutTimestamp" not in play.described

    @pytest.mark.parametrize("seconds", [0, 31_622_401])
    def test_it_is_a_second_to_366_days(self, seconds: int) -> None:
        """Anything else is refused."""
        with rejected("execution_timeout is"):
            Play(execution_timeout=timedelta(seconds=seconds))


class TestClocks:
    """Time never goes back."""

    def test_a_virtual_clock_stands_still(self) -> None:
        """Until it is moved."""
        clock = VirtualClock(1_000)
        assert (clock.now(), clock.now()) == (1_000, 1_000)
        clock.advance(timedelta(seconds=1, microseconds=1_500))
        assert clock.now() == 2_001
        clock.move_to(5_000)
        clock.move_to(4_000)
        assert clock.now() == 5_000
        assert clock.tick() == 5_001

    def test_a_virtual_clock_does_not_advance_backwards(self) -> None:
        """A negative duration is an error."""
        with pytest.raises(ValueError, match="does not go back"):
            VirtualClock().advance(timedelta(seconds=-1))

    def test_the_systems_clock_ticks_by_a_millisecond_at_least(self) -> None:
        """However fast it is asked, and ``now`` is never behind what it ticked."""
        clock = SystemClock()
        began = time.time_ns() // 1_000_000
        ticks = [clock.tick() for _ in range(1_000)]
        assert ticks == sorted(set(ticks))
        assert began <= ticks[0] < began + 1_000
        assert clock.now() >= ticks[-1]

    def test_the_systems_clock_advances_by_waiting(self) -> None:
        """As a test that does not skip time would have it; a negative duration is an error."""
        clock = SystemClock()
        began = clock.now()
        clock.advance(timedelta(milliseconds=20))
        assert clock.now() - began >= 20
        with pytest.raises(ValueError, match="non-negative"):
            clock.advance(timedelta(seconds=-1))

    def test_the_service_runs_on_the_systems_clock(self) -> None:
        """A timer fires by itself; this test takes a second of real time."""
        service = DurableService(clock=SystemClock())
        arn = service.start("orders", "{}")
        token = service.begin_invocation(arn)["CheckpointToken"]
        service.checkpoint_durable_execution(DurableExecutionArn=arn, CheckpointToken=token, Updates=[wait("w", 1)])
        service.complete_invocation(arn, {"Status": "PENDING"})
        assert not service.due(arn)
        time.sleep(1.01)
        assert service.due(arn)

    def test_each_accepted_call_has_a_time_of_its_own(self) -> None:
        """The clock moves by a millisecond; within a batch all times are alike."""
        play = Play()
        times = []
        for n in range(3):
            play.record(update("START", "STEP", f"a{n}"), update("START", "STEP", f"b{n}"))
            assert play.operation(f"a{n}")["StartTimestamp"] == play.operation(f"b{n}")["StartTimestamp"]
            times.append(play.operation(f"a{n}")["StartTimestamp"])
        assert times == sorted(set(times))


class TestAlarms:
    """The alarms of an execution, by themselves."""

    def test_the_last_one_put_counts(self) -> None:
        """An alarm replaces the one of the same cause."""
        alarms = Alarms()
        alarms.put("a", "heartbeat", 10)
        alarms.put("a", "heartbeat", 30)
        alarms.put("a", "deadline", 20)
        assert alarms.next() == 20
        assert alarms.due(100) == [Alarm(20, "a", "deadline"), Alarm(30, "a", "heartbeat")]

    def test_what_is_due_stays_until_it_is_dropped(self) -> None:
        """Looking changes nothing."""
        alarms = Alarms()
        alarms.put("a", "wait", 10)
        assert alarms.due(9) == []
        assert alarms.due(10) == alarms.due(10) == [Alarm(10, "a", "wait")]
        alarms.drop("a")
        assert alarms.due(10) == []
        assert alarms.next() is None

    def test_one_cause_can_be_dropped(self) -> None:
        """The others stay; dropping what is not there does nothing."""
        alarms = Alarms()
        alarms.put("a", "wait", 10)
        alarms.put("a", "retry", 20)
        alarms.drop("a", "wait")
        alarms.drop("b", "wait")
        assert alarms.next() == 20
        assert alarms.find("a", "wait") is None

    def test_many_come_in_order(self) -> None:
        """By time, then by id."""
        alarms = Alarms()
        for n in range(200):
            alarms.put(f"{n * 37 % 100:03}", "wait" if n < 100 else "retry", n * 53 % 50)
        found = alarms.due(25)
        assert found == sorted(found)
        assert len(found) == sum(n * 53 % 50 <= 25 for n in range(200))
