"""Somebody outside, who answers callbacks as a requirement lists it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, assert_never

from conformance_matching import REGEX, matched

from durable_core.spi import Operation, millis
from durable_testing import DurableService, PendingCallback, VirtualClock


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


class Intent(NamedTuple):
    """An action that is to come."""

    due: int
    """In milliseconds since the epoch."""
    number: int
    """The action's, from 0."""
    callback: PendingCallback


class Outsider:
    """Somebody outside an execution, who answers its callbacks: each by the first of *actions* that is for it, once."""

    def __init__(self, service: DurableService, arn: str, actions: Sequence[CallbackAction]) -> None:
        self._service = service
        self._arn = arn
        self._actions = actions
        self._done: set[int] = set()

    def pass_time(self) -> None:
        """Let time pass until something happens, by itself or from here; ``AssertionError`` if nothing ever will."""
        clock = self._service.clock
        assert isinstance(clock, VirtualClock)
        alarms = (self._service.next_alarm(), *(intent.due for intent in self._intents()))
        to_come = [alarm for alarm in alarms if alarm is not None]
        assert to_come, "the execution waits for what nobody will bring"
        clock.move_to(min(to_come))
        self._service.tick()
        for intent in list(self._intents()):
            if intent.due <= clock.now():
                self._done.add(intent.number)
                act(self._actions[intent.number], intent.callback)

    def _intents(self) -> Iterator[Intent]:
        """The next action for each callback that is open; ``AssertionError`` if only some callbacks have one."""
        if not self._actions:
            return
        operations: dict[str, Any] = {each["Id"]: each for each in self._service.operations(self._arn)}
        taken = set(self._done)
        for each in operations.values():
            if each["Type"] != "CALLBACK" or each["Status"] != "STARTED":
                continue
            name = name_of(each, operations.get(each.get("ParentId", "")))
            number = next((n for n, action in enumerate(self._actions) if n not in taken and action.is_for(name)), None)
            assert number is not None, f"no action is left for the callback {name!r}"
            taken.add(number)
            due = millis(each["StartTimestamp"]) + self._actions[number].delay * 1000
            id_ = each["CallbackDetails"]["CallbackId"]
            yield Intent(due, number, PendingCallback(self._service, self._arn, id_, name))


def act(action: CallbackAction, callback: PendingCallback) -> None:
    """Do to *callback* what *action* says."""
    match action.verb:
        case "success":
            callback.succeed_with_text(None if action.payload is None else json.dumps(action.payload))
        case "failure":
            callback.fail(action.payload)
        case "heartbeat":
            callback.heartbeat()
        case _:
            assert_never(action.verb)


def name_of(callback: Operation, parent: Operation | None) -> str | None:
    """The name by which actions know a callback: inside a wait for a callback, that of the wait if it has none."""
    name = callback.get("Name")
    if name is None and parent is not None and parent.get("SubType") == "WaitForCallback":
        return parent.get("Name")
    return name
