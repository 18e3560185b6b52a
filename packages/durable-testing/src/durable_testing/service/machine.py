"""What updates, time and the outside make of an execution. Pure: from a state to the facts to be added to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from durable_core.spi import ErrorObject, Operation, OperationAction, OperationStatus, OperationUpdate
from durable_testing.service.alarms import Alarm
from durable_testing.service.checks import check_fields, check_parent, check_same, check_sizes, next_kind
from durable_testing.service.errors import Rejection
from durable_testing.service.facts import Details, Fact, Subject
from durable_testing.service.operations import folded
from durable_testing.service.records import Setting, details_of
from durable_testing.service.rules import KINDS, OUTCOMES, OUTSIDE, REPEATS, TIME, Cause
from durable_testing.service.sizes import fact_size
from durable_testing.service.state import State
from durable_testing.service.times import milliseconds
from durable_testing.service.unverified import EXECUTION_TIMEOUT, QUOTA_EXCEEDED


def apply(state: State, updates: Sequence[OperationUpdate], now: int) -> list[Fact]:
    """Give the facts that a batch leads to, in its order; ``Rejection`` if any of it may not be, with nothing applied.

    A batch that takes the execution over a quota is recorded, and closes it.
    """
    draft = Draft(state, now)
    for place, update in enumerate(updates):
        try:
            draft.add(update)
        except Rejection as flaw:
            where = f"Updates[{place}], {update['Action']} of {update['Type']} {update['Id']!r}"
            raise Rejection(f"{where}: {flaw}") from None
    return draft.facts + over_quota(draft)


def tick(state: State, now: int) -> list[Fact]:
    """Give the facts that time has led to by *now*, each at the moment when it was due."""
    facts: list[Fact] = []
    ended: set[str] = set()
    for alarm in state.alarms.due(now):
        if alarm.id in ended:  # a callback that reached both of its deadlines
            continue
        fact = _fired(state, alarm)
        facts.append(fact)
        if fact.kind == "ExecutionTimedOut":
            break
        if fact.kind in OUTCOMES:
            ended.add(alarm.id)
    return facts


def next_alarm(state: State) -> int | None:
    """Give the moment at which time will next change the execution, if it ever will."""
    return state.alarms.next()


def outside(state: State, id_: str, to: OperationStatus, details: Details, now: int) -> Fact:
    """Give the fact that someone outside the function completes an operation; ``Rejection`` if it cannot be."""
    operation = state.operations.get(id_)
    if operation is None:
        raise Rejection(f"the operation {id_!r} does not exist")
    type_, status = operation["Type"], operation["Status"]
    if to not in OUTSIDE[type_].get(status, ()):
        raise Rejection(f"the {type_} {id_!r} is {status}; it cannot become {to}")
    return Fact(KINDS[type_, to], now, details, state.subjects[id_])


class Draft:
    """A state as a batch would leave it, so far."""

    def __init__(self, state: State, now: int) -> None:
        self.state = state
        self.now = now
        self.facts: list[Fact] = []
        self.started = 0
        self._operations: dict[str, Operation] = {}
        self._subjects: dict[str, Subject] = {}
        self._actions: dict[str, OperationAction] = {}

    @property
    def closing(self) -> bool:
        """Whether the batch has ended the execution."""
        return self.state.origin.subject.id in self._actions

    def add(self, update: OperationUpdate) -> None:
        """Take in one update more, or raise ``Rejection`` and stay as before."""
        subject = self._subject(update)
        known = self._find(subject.id)
        self._check_turn(subject.id, update)
        kind = next_kind(update, known)
        check_fields(update)
        check_parent(update, self._find(update["ParentId"]) if "ParentId" in update else None)
        check_sizes(update, self.state.origin.limits)
        details = details_of(update, Setting(self.state.origin, self.now, known))
        fact = Fact(kind, self.now, details, subject)
        self._operations[subject.id] = folded(known, fact)
        self._subjects[subject.id] = subject
        self._actions[subject.id] = update["Action"]
        self.facts.append(fact)
        self.started += known is None

    def _find(self, id_: str) -> Operation | None:
        return self._operations.get(id_) or self.state.operations.get(id_)

    def _subject(self, update: OperationUpdate) -> Subject:
        """Give what an update is about. (An EXECUTION may have any id that is free: the official SDK makes one up.)"""
        id_ = update["Id"]
        known = self._subjects.get(id_) or self.state.subjects.get(id_)
        if known is None and update["Type"] == "EXECUTION":
            known = self.state.origin.subject
        if known is not None and known.type == "EXECUTION" == update["Type"]:
            return known
        asked = Subject(id_, update["Type"], update.get("Name"), update.get("SubType"), update.get("ParentId"))
        if known is None:
            return asked
        check_same(asked, known)
        return known

    def _check_turn(self, id_: str, update: OperationUpdate) -> None:
        if self.closing:
            raise Rejection("an EXECUTION is the last update of its batch, and the only one of its type")
        before = self._actions.get(id_)
        if before is not None and (before != "START" or (update["Type"], update["Action"]) not in REPEATS):
            raise Rejection(f"the batch has a {before} of the same operation already")


def over_quota(draft: Draft) -> list[Fact]:
    """Give the fact that closes an execution which has more now than it may."""
    state, limits = draft.state, draft.state.origin.limits
    if draft.closing or not draft.facts:
        return []
    retries = sum("NextAttemptDelaySeconds" in fact.details for fact in draft.facts) if limits.metered else 0
    usage = state.usage + draft.started + retries
    if usage > limits.operations:
        return [_quota_fact(draft, f"{usage:,} operations; an execution takes at most {limits.operations:,}")]
    if limits.persisted is None:
        return []
    persisted = state.persisted + sum(fact_size(fact.details) for fact in draft.facts)
    if persisted > limits.persisted:
        return [_quota_fact(draft, f"{persisted:,} bytes persisted; an execution takes at most {limits.persisted:,}")]
    return []


def _quota_fact(draft: Draft, found: str) -> Fact:
    error: ErrorObject = {"ErrorType": QUOTA_EXCEEDED, "ErrorMessage": found}
    return Fact("ExecutionFailing", draft.now, {"Error": error}, draft.state.origin.subject)


def _fired(state: State, alarm: Alarm) -> Fact:
    if alarm.cause == "backoff":
        return Fact("InvocationDue", alarm.due, {})
    details: Details = {}
    if alarm.cause == "wait":
        details["Duration"] = (alarm.due - milliseconds(state.operations[alarm.id]["StartTimestamp"])) // 1000
    if alarm.cause in TIMEOUTS:
        details["Error"] = TIMEOUTS[alarm.cause]
    return outside(state, alarm.id, TIME[alarm.cause], details, alarm.due)


TIMEOUTS: Final[Mapping[Cause, ErrorObject]] = {
    "deadline": {"ErrorType": "Callback.Timeout", "ErrorMessage": "the callback's timeout has passed"},
    "heartbeat": {"ErrorType": "Callback.Heartbeat", "ErrorMessage": "no heartbeat came in time"},
    "limit": {"ErrorType": EXECUTION_TIMEOUT, "ErrorMessage": "the execution's timeout has passed"},
}
"""The errors that time leads to."""
