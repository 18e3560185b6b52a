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
"""The details that are not in the API's events."""

EMPTY: Final[Mapping[str, bool]] = {"Truncated": False}
"""A payload or an error that was not given: nothing was cut off."""

ALWAYS: Final[Mapping[EventType, Mapping[str, object]]] = {
    "ExecutionStarted": {"ExecutionTimeout": LONGEST // 1000},
    "ExecutionSucceeded": {"Result": EMPTY},
    "ExecutionFailed": {"Error": EMPTY},
    "ExecutionStopped": {"Error": EMPTY},
    "ContextSucceeded": {"Result": EMPTY},
    "ContextFailed": {"Error": EMPTY},
    "StepSucceeded": {"Result": EMPTY},
    "StepFailed": {"Error": EMPTY},
    "CallbackSucceeded": {"Result": EMPTY},
    "CallbackFailed": {"Error": EMPTY},
    "ChainedInvokeSucceeded": {"Result": EMPTY},
    "ChainedInvokeFailed": {"Error": EMPTY},
    "ChainedInvokeTimedOut": {"Error": EMPTY},
    "ChainedInvokeStopped": {"Error": EMPTY},
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
    shown: dict[str, object] = dict(ALWAYS.get(kind, {}))
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
