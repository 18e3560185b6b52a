"""The facts as the API's history shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from durable_testing.service.answers import Event, EventDetails
from durable_testing.service.facts import Details, EventType, Fact
from durable_testing.service.pages import marker, numbers_of
from durable_testing.service.state import LONGEST, State
from durable_testing.service.times import dated, moment

CONTENT: Final = frozenset({"Input", "Result", "Error", "Reason"})
"""The details that are somebody's data: wrapped, and left out if the reader asks for none."""

RETRY: Final = frozenset({"CurrentAttempt", "NextAttemptDelaySeconds"})
"""The details that stand in ``RetryDetails``."""

UNSHOWN: Final = frozenset({"ReplayChildren", "RetryDelay", "Idle"})

ALWAYS: Final[Mapping[EventType, Mapping[str, object]]] = {
    "ExecutionStarted": {"ExecutionTimeout": LONGEST // 1000},
    "ExecutionSucceeded": {"Result": {"Truncated": False}},
    "ExecutionFailed": {"Error": {"Truncated": False}},
    "ExecutionStopped": {"Error": {"Truncated": False}},
    "ContextSucceeded": {"Result": {"Truncated": False}},
    "ContextFailed": {"Error": {"Truncated": False}},
    "StepSucceeded": {"Result": {"Truncated": False}},
    "StepFailed": {"Error": {"Truncated": False}},
    "CallbackSucceeded": {"Result": {"Truncated": False}},
    "CallbackFailed": {"Error": {"Truncated": False}},
    "ChainedInvokeSucceeded": {"Result": {"Truncated": False}},
    "ChainedInvokeFailed": {"Error": {"Truncated": False}},
    "ChainedInvokeTimedOut": {"Error": {"Truncated": False}},
    "ChainedInvokeStopped": {"Error": {"Truncated": False}},
}
"""The details that the API's model requires, as they are when the fact has none."""


def history_page(
    state: State, text: str | None, most: int, *, backwards: bool, data: bool
) -> tuple[list[Event], str | None]:
    """Give the events from a marker on, and the marker of those that follow."""
    last = len(state.events)
    first = min(numbers_of(text, 1)[0], last) if text else last if backwards else 1
    step = -1 if backwards else 1
    beyond = max(first - most, 0) if backwards else min(first + most, last + 1)
    events = [rendered(state.events[id_ - 1], id_, data=data) for id_ in range(first, beyond, step)]
    return events, marker(beyond) if 1 <= beyond <= last else None


def rendered(fact: Fact, event_id: int, *, data: bool) -> Event:
    """Give a fact as an event of the history, with somebody's data or without."""
    kind = cast(EventType, fact.kind)
    event: Event = {"EventType": kind, "EventId": event_id, "EventTimestamp": moment(fact.at)}
    if fact.subject is not None:
        subject = fact.subject
        event["Id"] = subject.id
        if subject.name is not None:
            event["Name"] = subject.name
        if subject.sub_type is not None:
            event["SubType"] = subject.sub_type
        if subject.parent_id is not None:
            event["ParentId"] = subject.parent_id
    return cast(Event, event | {f"{kind}Details": details_of(kind, fact.details, data=data)})


def details_of(kind: EventType, details: Details, *, data: bool) -> EventDetails:
    """Give the details of an event as the API's model has them."""
    shown: dict[str, object] = {**ALWAYS.get(kind, {})}
    retry: dict[str, object] = {}
    for name, value in details.items():
        if name in CONTENT:
            shown[name] = {"Payload": value, "Truncated": False} if data else {"Truncated": True}
        elif name in RETRY:
            retry[name] = value
        elif name not in UNSHOWN:
            shown[name] = value
    if retry:
        shown["RetryDetails"] = retry
    return cast(EventDetails, dated(shown))
