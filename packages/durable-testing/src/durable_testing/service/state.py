"""What an execution is after its facts: its operations in the API's shape, its alarms, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, cast

from durable_core.spi import Operation
from durable_testing.service.alarms import Alarms
from durable_testing.service.facts import VISIBLE, Details, EventType, Fact, FactKind, Subject
from durable_testing.service.limits import Limits
from durable_testing.service.operations import folded
from durable_testing.service.rules import ALARMS, ENDINGS, OUTCOMES, PARKED, PROGRESS
from durable_testing.service.sizes import fact_size

ExecutionStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED", "DELETING", "PAUSING", "PAUSED"]

LONGEST: Final = 31_622_400_000
"""366 days: after so long an execution times out even while its timeout is paused."""


class Origin(NamedTuple):
    """What was fixed when the execution was started."""

    arn: str
    subject: Subject
    limits: Limits
    secret: bytes
    """The key from which the execution's callback ids are made."""


class Running(NamedTuple):
    """The invocation under way."""

    request_id: str
    since: int


@dataclass(slots=True)
class State:
    """The fold of an execution's facts; `add` is the only thing that changes it."""

    origin: Origin
    facts: list[Fact] = field(default_factory=list)
    events: list[Fact] = field(default_factory=list)
    """The facts that the history shows: EventId 1 is the first."""

    operations: dict[str, Operation] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    """Of the operations, in the order in which they were started."""
    subjects: dict[str, Subject] = field(default_factory=dict)
    """The operations as they were started."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Of the operations: the bytes of their payloads and errors."""
    heartbeats: dict[str, int] = field(default_factory=dict)
    """The heartbeat timeouts of callbacks, in seconds."""
    invokes: dict[str, Fact] = field(default_factory=dict)
    """The starts of the CHAINED_INVOKEs that are not over."""
    alarms: Alarms = field(default_factory=Alarms, compare=False)
    parked: int = 0
    """Operations that an invocation may be waiting for."""
    repeats: int = 0
    """Attempts and invocations after the first, which a metered quota counts."""
    persisted: int = 0
    """Bytes of input, results and errors."""

    status: ExecutionStatus = "RUNNING"
    running: Running | None = None
    called_for: bool = False
    """Whether an invocation is wanted for a reason other than a change of an operation."""
    failures: int = 0
    """Invocations that failed in a row, with nothing recorded in between."""
    idle: int = 0
    """Answers in a row that said PENDING with nothing pending."""

    pause: Details = field(default_factory=Details)
    """The pause that is asked for, or was the last."""
    paused_at: int = 0
    held: int | None = None
    """When the execution would have timed out, had the pause not held its timeout."""
    interrupted: bool = False
    """Whether the pause cut an invocation short, or let it end with nothing pending."""

    ending: Details | None = None
    """How the execution ended: a closed one has this."""
    ended_at: int = 0
    announcement: EventType | None = None
    """The event that tells the end, while it waits for the running invocation."""

    @classmethod
    def of(cls, origin: Origin, facts: Iterable[Fact]) -> State:
        """Give the state that these facts make."""
        state = cls(origin)
        for fact in facts:
            state.add(fact)
        return state

    @property
    def started_at(self) -> int:
        """When the execution was started."""
        return self.facts[0].at

    @property
    def limit(self) -> int | None:
        """When the execution times out."""
        return self.alarms.find(self.origin.subject.id, "limit")

    @property
    def usage(self) -> int:
        """The operations that count towards the quota."""
        return len(self.ids) + (self.repeats if self.origin.limits.metered else 0)

    def add(self, fact: Fact) -> None:
        """Append a fact, and be what follows from it."""
        self.facts.append(fact)
        if fact.kind in VISIBLE:
            self.events.append(fact)
        size = fact_size(fact.details) if fact.details else 0
        self.persisted += size
        if fact.kind in OUTCOMES:
            self._fold(fact, size)
        if fact.kind in PROGRESS:
            self.failures = self.idle = 0
        if fact.kind in CHANGES:
            CHANGES[fact.kind](self, fact)

    def _fold(self, fact: Fact, size: int) -> None:
        assert fact.subject is not None
        id_, type_ = fact.subject.id, fact.subject.type
        self.sizes[id_] = size or self.sizes.get(id_, 0)
        before = self.operations.get(id_)
        after = folded(before, fact)
        self.operations[id_] = after
        if before is None:
            self.ids.append(id_)
            self.subjects[id_] = fact.subject
        else:
            self.parked -= (type_, before["Status"]) in PARKED
            self.alarms.drop(id_)
        self.parked += (type_, after["Status"]) in PARKED
        self.repeats += after["Status"] == "PENDING"
        self.set_alarms(fact, fact.subject)

    def set_alarms(self, fact: Fact, subject: Subject) -> None:
        """Set the alarms for which the fact gives a time."""
        status = self.operations[subject.id]["Status"]
        for cause, member in ALARMS.get((subject.type, status), {}).items():
            seconds = fact.details.get(member)
            if seconds:
                self.alarms.put(subject.id, cause, fact.at + seconds * 1000)


def _started(state: State, fact: Fact) -> None:
    state.called_for = True


def _callback_started(state: State, fact: Fact) -> None:
    assert fact.subject is not None
    if "HeartbeatTimeout" in fact.details:
        state.heartbeats[fact.subject.id] = fact.details["HeartbeatTimeout"]


def _heartbeat(state: State, fact: Fact) -> None:
    assert fact.subject is not None
    state.set_alarms(fact, fact.subject)


def _invoke_started(state: State, fact: Fact) -> None:
    assert fact.subject is not None
    state.invokes[fact.subject.id] = fact


def _invoke_ended(state: State, fact: Fact) -> None:
    assert fact.subject is not None
    state.invokes.pop(fact.subject.id, None)


def _invocation_started(state: State, fact: Fact) -> None:
    state.running = Running(fact.details.get("RequestId", ""), fact.at)
    state.repeats += state.failures > 0
    state.called_for = state.interrupted = False
    state.alarms.drop(state.origin.subject.id, "backoff")


def _invocation_completed(state: State, fact: Fact) -> None:
    idle = "Idle" in fact.details
    failed = "Error" in fact.details and not idle
    state.running = None
    state.failures = state.failures + 1 if failed else 0
    state.idle = state.idle + 1 if idle else 0
    if "RetryDelay" in fact.details:
        state.alarms.put(state.origin.subject.id, "backoff", fact.at + fact.details["RetryDelay"])


def _invocation_due(state: State, fact: Fact) -> None:
    state.called_for = True
    state.alarms.drop(state.origin.subject.id, "backoff")


def _pausing(state: State, fact: Fact) -> None:
    state.status = "PAUSING"
    state.pause = fact.details


def _paused(state: State, fact: Fact) -> None:
    state.status = "PAUSED"
    state.pause = fact.details
    state.paused_at = fact.at
    state.interrupted = state.running is not None or state.parked == 0
    if fact.details.get("ExecutionTimeoutPaused"):
        state.held = state.limit
        _put_limit(state, LONGEST)


def _unpaused(state: State, fact: Fact) -> None:
    state.status = "RUNNING"


def _resumed(state: State, fact: Fact) -> None:
    state.status = "RUNNING"
    state.called_for = state.called_for or state.interrupted
    if state.held is not None:
        _put_limit(state, state.held - state.started_at + fact.at - state.paused_at)
        state.held = None


def _put_limit(state: State, after: int) -> None:
    if state.limit is not None:
        state.alarms.put(state.origin.subject.id, "limit", state.started_at + min(after, LONGEST))


def _ended(state: State, fact: Fact) -> None:
    status = OUTCOMES[fact.kind][1]
    state.status = cast(ExecutionStatus, status)
    state.announcement = ENDINGS[status] if fact.kind not in VISIBLE else None
    state.ended_at = state.ended_at if state.ending is not None else fact.at
    state.ending = fact.details
    state.alarms.clear()


CHANGES: Final[Mapping[FactKind, Callable[[State, Fact], None]]] = {
    "ExecutionStarted": _started,
    "CallbackStarted": _callback_started,
    "CallbackHeartbeat": _heartbeat,
    "ChainedInvokeStarted": _invoke_started,
    "ChainedInvokeSucceeded": _invoke_ended,
    "ChainedInvokeFailed": _invoke_ended,
    "ChainedInvokeTimedOut": _invoke_ended,
    "ChainedInvokeStopped": _invoke_ended,
    "InvocationStarted": _invocation_started,
    "InvocationCompleted": _invocation_completed,
    "InvocationDue": _invocation_due,
    "ExecutionPausing": _pausing,
    "ExecutionPaused": _paused,
    "ExecutionUnpausing": _unpaused,
    "ExecutionResumed": _resumed,
    "ExecutionSucceeding": _ended,
    "ExecutionFailing": _ended,
    "ExecutionSucceeded": _ended,
    "ExecutionFailed": _ended,
    "ExecutionTimedOut": _ended,
    "ExecutionStopped": _ended,
}
"""What the facts do besides changing an operation."""
