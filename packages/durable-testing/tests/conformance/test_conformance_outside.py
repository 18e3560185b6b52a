"""Callbacks are answered from outside as a requirement lists it: when, by which name, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from conformance_outside import CallbackAction, Outsider

from durable_core.spi import OperationUpdate
from durable_testing import DurableService


def callback(id: str, **members: Any) -> dict[str, Any]:
    """The START of a callback."""
    return {"Id": id, "Type": "CALLBACK", "Action": "START", **members}


class Waiting:
    """An execution that has started these operations and waits, and somebody outside who does *actions*."""

    def __init__(self, actions: Sequence[CallbackAction], *starts: dict[str, Any]) -> None:
        self.service = service = DurableService()
        self.arn = arn = service.start("orders", "{}")
        self.outsider = Outsider(service, arn, actions)
        token = service.begin_invocation(arn)["CheckpointToken"]
        updates = cast("list[OperationUpdate]", starts)
        service.checkpoint_durable_execution(DurableExecutionArn=arn, CheckpointToken=token, Updates=updates)
        service.complete_invocation(arn, {"Status": "PENDING"})

    def pass_time(self) -> int:
        """Move on to whatever comes next; the seconds that it took."""
        before = self.service.clock.now()
        self.outsider.pass_time()
        return round((self.service.clock.now() - before) / 1000)

    def endings(self) -> dict[str, Any]:
        """What became of each callback: its result, its error, or its status."""
        callbacks = [each for each in self.service.operations(self.arn) if each["Type"] == "CALLBACK"]
        details = [each.get("CallbackDetails", {}) for each in callbacks]
        return {
            each["Id"]: found.get("Result", found.get("Error", each["Status"]))
            for each, found in zip(callbacks, details, strict=True)
        }


def test_a_callback_is_answered_when_its_delay_is_over() -> None:
    execution = Waiting([CallbackAction("approval", "success", {"by": "Ann"}, 3)], callback("a", Name="approval"))
    assert execution.pass_time() == 3
    assert execution.endings() == {"a": '{"by": "Ann"}'}


def test_a_success_may_have_no_payload_and_a_failure_keeps_its_error() -> None:
    refusal = {"ErrorType": "Refused", "ErrorMessage": "no"}
    actions = [CallbackAction("yes", "success", None, 1), CallbackAction("no", "failure", refusal, 1)]
    execution = Waiting(actions, callback("a", Name="yes"), callback("b", Name="no"))
    execution.pass_time()
    assert execution.endings() == {"a": "SUCCEEDED", "b": refusal}


def test_a_heartbeat_leaves_the_callback_to_the_next_action() -> None:
    """It moves the deadline of the heartbeats: without it, the callback would have timed out before its success."""
    actions = [CallbackAction("*", "heartbeat", None, 4), CallbackAction("*", "success", "done", 8)]
    execution = Waiting(actions, callback("a", CallbackOptions={"HeartbeatTimeoutSeconds": 5}))
    assert [execution.pass_time(), execution.pass_time()] == [4, 4]
    assert execution.endings() == {"a": '"done"'}


def test_each_action_is_done_once_and_in_order() -> None:
    actions = [CallbackAction("*", "success", n, 1) for n in (1, 2)]
    execution = Waiting(actions, callback("a"), callback("b"))
    execution.pass_time()
    assert execution.endings() == {"a": "1", "b": "2"}


def test_an_action_finds_its_callback_by_name() -> None:
    actions = [
        CallbackAction("second", "success", 2, 1),
        CallbackAction("${/^f/}", "success", 1, 1),
        CallbackAction("group", "success", 3, 1),
    ]
    context = {"Id": "c", "Type": "CONTEXT", "SubType": "WaitForCallback", "Action": "START", "Name": "group"}
    execution = Waiting(
        actions, callback("a", Name="first"), callback("b", Name="second"), context, callback("d", ParentId="c")
    )
    execution.pass_time()
    assert execution.endings() == {"a": "1", "b": "2", "d": "3"}


def test_a_callback_that_no_action_is_for_is_an_error_if_others_are_answered() -> None:
    execution = Waiting([CallbackAction("first", "success", 1, 1)], callback("a", Name="another"))
    with pytest.raises(AssertionError, match="another"):
        execution.pass_time()


def test_callbacks_that_nobody_answers_time_out() -> None:
    execution = Waiting([], callback("a", CallbackOptions={"TimeoutSeconds": 7}))
    assert execution.pass_time() == 7
    assert execution.endings()["a"]["ErrorType"] == "Callback.Timeout"


def test_an_execution_that_waits_for_what_never_comes_is_an_error() -> None:
    execution = Waiting([], callback("a"))
    with pytest.raises(AssertionError, match="nobody will bring"):
        execution.pass_time()
