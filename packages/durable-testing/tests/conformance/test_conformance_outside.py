"""Callbacks are answered from outside as a requirement lists it: when, by which name, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from conformance_outside import AttendedService, CallbackAction

from durable_core.spi import OperationUpdate
from durable_testing import VirtualClock


def callback(id: str, **members: Any) -> dict[str, Any]:
    """The START of a callback."""
    return {"Id": id, "Type": "CALLBACK", "Action": "START", **members}


def waiting(actions: Sequence[CallbackAction], *starts: dict[str, Any]) -> AttendedService:
    """A service with an execution that has started these operations, and waits."""
    service = AttendedService(actions)
    arn = service.start("orders", "{}")
    token = service.begin_invocation(arn)["CheckpointToken"]
    updates = cast("list[OperationUpdate]", starts)
    service.checkpoint_durable_execution(DurableExecutionArn=arn, CheckpointToken=token, Updates=updates)
    service.complete_invocation(arn, {"Status": "PENDING"})
    return service


def pass_time(service: AttendedService) -> int:
    """Move on to whatever comes next; the seconds that it took."""
    clock, alarm = service.clock, service.next_alarm()
    assert isinstance(clock, VirtualClock)
    assert alarm is not None
    before = clock.now()
    clock.move_to(alarm)
    service.tick()
    return round((clock.now() - before) / 1000)


def endings(service: AttendedService) -> dict[str, Any]:
    """What became of each callback: its result, its error, or its status."""
    callbacks = [each for each in service.operations(service.arn) if each["Type"] == "CALLBACK"]
    details = [each.get("CallbackDetails", {}) for each in callbacks]
    return {
        each["Id"]: found.get("Result", found.get("Error", each["Status"]))
        for each, found in zip(callbacks, details, strict=True)
    }


def test_a_callback_is_answered_when_its_delay_is_over() -> None:
    service = waiting([CallbackAction("approval", "success", {"by": "Ann"}, 3)], callback("a", Name="approval"))
    assert pass_time(service) == 3
    assert endings(service) == {"a": '{"by": "Ann"}'}


def test_a_success_may_have_no_payload_and_a_failure_keeps_its_error() -> None:
    refusal = {"ErrorType": "Refused", "ErrorMessage": "no"}
    actions = [CallbackAction("yes", "success", None, 1), CallbackAction("no", "failure", refusal, 1)]
    service = waiting(actions, callback("a", Name="yes"), callback("b", Name="no"))
    pass_time(service)
    assert endings(service) == {"a": "SUCCEEDED", "b": refusal}


def test_a_heartbeat_leaves_the_callback_to_the_next_action() -> None:
    """It moves the deadline of the heartbeats: without it, the callback would have timed out before its success."""
    actions = [CallbackAction("*", "heartbeat", None, 4), CallbackAction("*", "success", "done", 8)]
    service = waiting(actions, callback("a", CallbackOptions={"HeartbeatTimeoutSeconds": 5}))
    assert [pass_time(service), pass_time(service)] == [4, 4]
    assert endings(service) == {"a": '"done"'}


def test_each_action_is_done_once_and_in_order() -> None:
    actions = [CallbackAction("*", "success", n, 1) for n in (1, 2)]
    service = waiting(actions, callback("a"), callback("b"))
    pass_time(service)
    assert endings(service) == {"a": "1", "b": "2"}


def test_an_action_finds_its_callback_by_name() -> None:
    actions = [
        CallbackAction("second", "success", 2, 1),
        CallbackAction("${/^f/}", "success", 1, 1),
        CallbackAction("group", "success", 3, 1),
    ]
    context = {"Id": "c", "Type": "CONTEXT", "SubType": "WaitForCallback", "Action": "START", "Name": "group"}
    service = waiting(
        actions, callback("a", Name="first"), callback("b", Name="second"), context, callback("d", ParentId="c")
    )
    pass_time(service)
    assert endings(service) == {"a": "1", "b": "2", "d": "3"}


def test_a_callback_that_no_action_is_for_is_an_error_if_others_are_answered() -> None:
    service = waiting([CallbackAction("first", "success", 1, 1)], callback("a", Name="another"))
    with pytest.raises(AssertionError, match="another"):
        service.next_alarm()


def test_callbacks_that_nobody_answers_time_out() -> None:
    service = waiting([], callback("a", CallbackOptions={"TimeoutSeconds": 7}))
    assert pass_time(service) == 7
    assert endings(service)["a"]["ErrorType"] == "Callback.Timeout"
