"""What holds whatever happens: a handler that does anything, and a world that interferes."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from service_model import MODEL, assert_answers, misfits
from service_play import OOPS, Play, update

from durable_core.spi import OperationAction, OperationType, OperationUpdate
from durable_testing.service.rules import MOVES, NEW, OVER
from durable_testing.service.state import State

POOL: dict[str, OperationType] = {
    f"{type_.lower().replace('_', '-')}-{n}": type_
    for type_ in ("STEP", "CONTEXT", "WAIT", "CALLBACK", "CHAINED_INVOKE")
    for n in range(6)
}
PARENTS = {id_: "context-0" if id_.endswith("1") else "context-1" for id_ in POOL if id_[-1] in "12"}
CALLBACKS = [id_ for id_, type_ in POOL.items() if type_ == "CALLBACK"]
SECONDS = st.integers(1, 4)
RARELY = st.sampled_from([True, *[False] * 7])


@st.composite
def updates(draw: Any, id_: str, action: OperationAction) -> OperationUpdate:
    """An update of one of a few operations, with what its type and action need."""
    type_ = POOL[id_]
    members: dict[str, Any] = {"ParentId": PARENTS[id_]} if id_ in PARENTS else {}
    if (type_, action) == ("STEP", "RETRY"):
        members["StepOptions"] = {"NextAttemptDelaySeconds": draw(SECONDS)}
        members |= draw(st.sampled_from([{"Payload": "1"}, {"Error": OOPS}]))
    if (type_, action) == ("WAIT", "START"):
        members["WaitOptions"] = {"WaitSeconds": draw(SECONDS)}
    if (type_, action) == ("CALLBACK", "START"):
        members["CallbackOptions"] = {"TimeoutSeconds": draw(SECONDS), "HeartbeatTimeoutSeconds": draw(SECONDS)}
    if (type_, action) == ("CONTEXT", "SUCCEED"):
        members["ContextOptions"] = {"ReplayChildren": draw(st.booleans())}
    return update(action, type_, id_, **members)


def legal(state: State) -> list[tuple[str, OperationAction]]:
    """The operations of the pool, and what may be done with each, parents aside."""
    known = {id_: state.operations[id_]["Status"] if id_ in state.operations else NEW for id_ in POOL}
    return [
        (id_, action) for id_, type_ in POOL.items() for action, moves in MOVES[type_].items() if known[id_] in moves
    ]


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
        return self.state.running is not None

    def recording(self) -> bool:
        return self.running() and self.play.token is not None

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

    @precondition(recording)
    @rule(data=st.data(), wild=RARELY)
    def record(self, data: st.DataObject, *, wild: bool) -> None:
        """A batch is recorded whole, or nothing of it is and the token still holds; an answer leaves nothing untold."""
        moves = list(product(POOL, ACTIONS)) if wild else legal(self.state)
        picked = data.draw(st.lists(st.sampled_from(moves), max_size=4, unique_by=lambda move: move[0]))
        batch = [data.draw(updates(*move)) for move in picked]
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

    @precondition(lambda self: self.running() and (self.state.parked or self.now_and_then(1)))
    @rule()
    def suspend(self) -> None:
        """The handler answers PENDING, rightly for the most part."""
        self.play.suspend()

    @precondition(lambda self: self.running() and self.now_and_then(2))
    @rule()
    def crash(self) -> None:
        """The handler ends without an answer."""
        self.play.crash()

    @precondition(lambda self: "callback-0" in self.state.operations)
    @rule(id_=st.sampled_from(CALLBACKS), verb=st.sampled_from(["success", "failure", "heartbeat"]))
    def call_back(self, id_: str, verb: str) -> None:
        """Someone answers a callback, in time or not."""
        if id_ in self.state.operations:
            with suppress(self.play.service.exceptions.CallbackTimeoutException):
                known = self.play.operation(id_)["CallbackDetails"]["CallbackId"]
                getattr(self.play.service, f"send_durable_execution_callback_{verb}")(CallbackId=known)

    @precondition(lambda self: self.state.invokes)
    @rule()
    def invoked(self) -> None:
        """A function that was invoked comes to an end."""
        target = self.play.service.chained_invokes_waiting()[0].durable_execution_arn
        self.play.service.stop_durable_execution(DurableExecutionArn=str(target))

    @precondition(lambda self: not self.running() and self.play.service.next_alarm() is not None)
    @rule()
    def wait(self) -> None:
        """Time passes."""
        self.play.skip()

    @precondition(lambda self: self.state.status != "RUNNING" or self.now_and_then(3))
    @rule()
    def pause(self) -> None:
        """Someone pauses the execution, or lets it go on."""
        verb = "pause" if self.state.status == "RUNNING" else "resume"
        with suppress(self.play.service.exceptions.ResourceConflictException):
            getattr(self.play.service, f"{verb}_durable_execution")(DurableExecutionArn=self.play.arn)

    @rule()
    def look(self) -> None:
        """Someone asks how it goes."""
        assert_answers("GetDurableExecution", self.play.described)

    def now_and_then(self, remainder: int) -> bool:
        """One time in nine."""
        return len(self.state.facts) % 9 == remainder

    @invariant()
    def facts_make_the_state(self) -> None:
        """Folding all facts from the first gives the state that was kept."""
        again = State.of(self.state.origin, self.state.facts)
        assert again == self.state
        assert list(again.alarms) == list(self.state.alarms)

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


ACTIONS: tuple[OperationAction, ...] = ("START", "SUCCEED", "FAIL", "RETRY", "CANCEL")

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

TestService = pytest.mark.laws(Service.TestCase)
TestService.settings = settings(
    max_examples=int(os.environ.get("DURABLE_LAWS", "40")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
