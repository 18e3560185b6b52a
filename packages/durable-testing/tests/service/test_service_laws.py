"""What holds whatever happens: a handler that does anything, and a world that interferes."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from service_model import MODEL, misfits
from service_play import OOPS, Play, update

from durable_core.spi import OperationUpdate
from durable_testing.service.rules import OVER
from durable_testing.service.state import State

IDS = st.sampled_from(["a", "b", "c", "d", "e"])
TYPES = st.sampled_from(["STEP", "STEP", "CONTEXT", "WAIT", "CALLBACK", "CHAINED_INVOKE"])
ACTIONS = st.sampled_from(["START", "START", "SUCCEED", "FAIL", "RETRY", "CANCEL"])
SECONDS = st.integers(1, 4)


@st.composite
def updates(draw: Any) -> OperationUpdate:
    """An update that may or may not be allowed, on one of a few operations."""
    type_, action = draw(TYPES), draw(ACTIONS)
    members: dict[str, Any] = {}
    if draw(st.booleans()):
        members["ParentId"] = draw(st.sampled_from(["c", "d"]))
    if (type_, action) == ("STEP", "RETRY"):
        members["StepOptions"] = {"NextAttemptDelaySeconds": draw(SECONDS)}
        members |= draw(st.sampled_from([{"Payload": "1"}, {"Error": OOPS}]))
    if (type_, action) == ("WAIT", "START"):
        members["WaitOptions"] = {"WaitSeconds": draw(SECONDS)}
    if (type_, action) == ("CALLBACK", "START"):
        members["CallbackOptions"] = {"TimeoutSeconds": draw(SECONDS), "HeartbeatTimeoutSeconds": draw(SECONDS)}
    if (type_, action) == ("CONTEXT", "SUCCEED"):
        members["ContextOptions"] = {"ReplayChildren": draw(st.booleans())}
    return update(action, type_, draw(IDS), **members)


def portrait(state: State) -> dict[str, Any]:
    """All that a state is, apart from the way in which it came about."""
    return {**vars(state), "alarms": {id_: alarms for id_, alarms in state.alarms.set.items() if alarms}}


class Service(RuleBasedStateMachine):
    """One execution: its handler records anything, crashes, suspends; the world completes, heartbeats, pauses."""

    @initialize()
    def start(self) -> None:
        """Begin with an execution that nobody has invoked."""
        self.play = Play(begin=False)
        self.journal: dict[str, Any] = {}
        self.ends: dict[str, Any] = {}

    @property
    def state(self) -> State:
        execution = self.play.service._executions.get(self.play.arn)
        assert execution is not None
        return execution.state

    def running(self) -> bool:
        return self.play.token is not None

    def read(self, operations: list[Any]) -> None:
        """What a handler knows."""
        self.journal |= {operation["Id"]: operation["Status"] for operation in operations}

    @precondition(lambda self: not self.running() and self.play.is_due())
    @rule()
    def invoke(self) -> None:
        """The handler is called, and loads what a replay needs."""
        event: Any = self.play.begin()
        self.journal = {}
        self.read(event["InitialExecutionState"]["Operations"])
        assert set(event["UpdatedOperationIds"]) <= set(self.state.ids)

    @precondition(running)
    @rule(batch=st.lists(updates(), max_size=4))
    def record(self, batch: list[OperationUpdate]) -> None:
        """A batch is recorded whole, or nothing of it is and the token still holds; an answer leaves nothing untold."""
        token, facts = self.play.token, len(self.state.facts)
        try:
            answer: Any = self.play.record(*batch)
        except ClientError:
            assert self.play.token == token
            assert all(fact.kind not in HANDLERS for fact in self.state.facts[facts:])
            return
        assert sum(fact.kind in HANDLERS for fact in self.state.facts[facts:]) == len(batch)
        self.read(answer["NewExecutionState"]["Operations"])
        assert {id_: self.state.operations[id_]["Status"] for id_ in self.journal} == self.journal

    @precondition(running)
    @rule()
    def suspend(self) -> None:
        """The handler answers PENDING, rightly or not."""
        self.play.suspend()
        self.play.token = None

    @precondition(running)
    @rule()
    def crash(self) -> None:
        """The handler ends without an answer."""
        self.play.crash()
        self.play.token = None

    @rule(id_=IDS, verb=st.sampled_from(["success", "failure", "heartbeat"]))
    def call_back(self, id_: str, verb: str) -> None:
        """Someone answers a callback, in time or not."""
        known = self.state.operations.get(id_, {}).get("CallbackDetails", {}).get("CallbackId")  # type: ignore[call-overload]
        if known:
            try:
                getattr(self.play.service, f"send_durable_execution_callback_{verb}")(CallbackId=known)
            except ClientError as error:
                assert error.response["Error"]["Code"] == "CallbackTimeoutException"

    @rule()
    def invoked(self) -> None:
        """A function that was invoked comes to an end."""
        for invoke in self.play.service.chained_invokes_waiting()[:1]:
            self.play.service.stop_durable_execution(DurableExecutionArn=str(invoke.durable_execution_arn))

    @precondition(lambda self: not self.running())
    @rule()
    def wait(self) -> None:
        """Time passes."""
        if self.play.service.next_alarm() is not None:
            self.play.skip()

    @rule(verb=st.sampled_from(["pause", "resume"]))
    def pause(self, verb: str) -> None:
        """Someone pauses the execution, or lets it go on."""
        try:
            getattr(self.play.service, f"{verb}_durable_execution")(DurableExecutionArn=self.play.arn)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceConflictException"

    @invariant()
    def facts_make_the_state(self) -> None:
        """Folding all facts from the first gives the state that was kept."""
        assert portrait(State(self.state.origin, self.state.facts)) == portrait(self.state)

    @invariant()
    def time_does_not_go_back(self) -> None:
        """Facts are in the order of their times."""
        times = [fact.at for fact in self.state.facts]
        assert times == sorted(times)

    @invariant()
    def what_is_over_does_not_change(self) -> None:
        """An operation that has ended stays as it is."""
        for id_, operation in self.state.operations.items():
            if operation["Status"] in OVER:
                assert self.ends.setdefault(id_, operation) == operation

    @invariant()
    def the_history_is_one(self) -> None:
        """EventIds count from 1, and every event fits the model."""
        events = self.play.history
        assert [event["EventId"] for event in events] == list(range(1, len(events) + 1))
        shape = MODEL.shape_for("Event")
        assert [misfit for event in events[-5:] for misfit in misfits(shape, event)] == []

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        """An open execution is running, due, paused, or something will happen: in time, or from outside."""
        state = self.state
        if state.ending is None and not self.running() and state.status == "RUNNING":
            assert self.play.is_due() or self.play.service.next_alarm() is not None or state.parked


HANDLERS = {
    "ContextStarted",
    "ContextSucceeded",
    "ContextFailed",
    "StepStarted",
    "StepSucceeded",
    "StepFailed",
    "WaitStarted",
    "WaitCancelled",
    "CallbackStarted",
    "ChainedInvokeStarted",
}

TestService = Service.TestCase
TestService.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
