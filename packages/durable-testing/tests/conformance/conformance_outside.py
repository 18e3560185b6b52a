"""The service as a requirement has it: with somebody outside, who answers callbacks and may look no further."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, assert_never

from conformance_matching import REGEX, matched

from durable_core.spi import Operation, millis
from durable_testing import DurableService


class CallbackAction(NamedTuple):
    """What is done to a callback from outside, once."""

    callback: str
    """Its name; ``*``: any; ``${/…/}``: one in which this is found."""
    verb: Literal["success", "failure", "heartbeat"]
    payload: Any
    """Of a success, any JSON; of a failure, the error; ``None``: there is none."""
    delay: int
    """In seconds, from the callback's start."""

    def is_for(self, name: str | None) -> bool:
        """Whether it may be done to a callback of this *name*."""
        regex = matched(REGEX, self.callback)
        if regex is not None:
            return name is not None and re.search(regex, name) is not None
        return self.callback in ("*", name)


class LeftRunning(Exception):
    """The requirement asks no more of the execution, which is left as it stands."""


class Intent(NamedTuple):
    """An action that is to come."""

    due: int
    """In milliseconds since the epoch."""
    number: int
    """The action's, from 0."""
    callback_id: str


class AttendedService(DurableService):
    """A service whose callbacks are answered from outside, each by the first of *actions* that is for it and not done.

    A runner that asks for the time to skip to gets ``LeftRunning`` instead, once the execution has *enough* events.
    *by_event*: executions are started asynchronously.
    """

    def __init__(
        self, actions: Sequence[CallbackAction] = (), *, enough: int | None = None, by_event: bool = False
    ) -> None:
        super().__init__()
        self._actions = actions
        self._enough = enough
        self._by_event = by_event
        self._used: set[int] = set()
        self.arn = ""
        """The execution that was started last."""

    def start(self, function_name: str, payload: str, **options: Any) -> str:
        """Start an execution, as the requirement has it invoked."""
        self.arn = super().start(function_name, payload, **{**options, "synchronous": not self._by_event})
        return self.arn

    def history(self) -> list[dict[str, Any]]:
        """The events of the execution so far."""
        page: Any = self.get_durable_execution_history(DurableExecutionArn=self.arn, MaxItems=1000)
        assert "NextMarker" not in page
        return list(page["Events"])

    def next_alarm(self) -> int | None:
        """When time, or somebody outside, next changes an execution."""
        if self._enough is not None and len(self.history()) >= self._enough:
            raise LeftRunning
        alarms = (super().next_alarm(), *(intent.due for intent in self._intents()))
        return min((alarm for alarm in alarms if alarm is not None), default=None)

    def tick(self) -> None:
        """Record all that time has led to by now, then do what is due from outside."""
        super().tick()
        for intent in list(self._intents()):
            if intent.due <= self.clock.now():
                self._used.add(intent.number)
                self._act(self._actions[intent.number], intent.callback_id)

    def _intents(self) -> Iterator[Intent]:
        """The next action for each callback that is open; ``AssertionError`` if only some callbacks have one."""
        if not self._actions:
            return
        operations: dict[str, Any] = {each["Id"]: each for each in self.operations(self.arn)}
        taken = set(self._used)
        for each in operations.values():
            if each["Type"] != "CALLBACK" or each["Status"] != "STARTED":
                continue
            name = name_of(each, operations.get(each.get("ParentId", "")))
            number = next((n for n, action in enumerate(self._actions) if n not in taken and action.is_for(name)), None)
            assert number is not None, f"no action is left for the callback {name!r}"
            taken.add(number)
            due = millis(each["StartTimestamp"]) + self._actions[number].delay * 1000
            yield Intent(due, number, each["CallbackDetails"]["CallbackId"])

    def _act(self, action: CallbackAction, callback_id: str) -> None:
        match action.verb:
            case "success":
                result = None if action.payload is None else json.dumps(action.payload).encode()
                self.send_durable_execution_callback_success(CallbackId=callback_id, Result=result)
            case "failure":
                self.send_durable_execution_callback_failure(CallbackId=callback_id, Error=action.payload)
            case "heartbeat":
                self.send_durable_execution_callback_heartbeat(CallbackId=callback_id)
            case _:
                assert_never(action.verb)


def name_of(callback: Operation, parent: Operation | None) -> str | None:
    """The name by which actions know a callback: inside a wait for a callback, that of the wait if it has none."""
    name = callback.get("Name")
    if name is None and parent is not None and parent.get("SubType") == "WaitForCallback":
        return parent.get("Name")
    return name
