"""One run of a handler as a requirement asks for it, and what the suite can see of that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from conformance_handlers import Player
from conformance_logs import Record, function_log, log_differences, records_in
from conformance_matching import Bindings, alike, differences
from conformance_outside import Outsider
from conformance_requirements import CLOSING, Ending, Requirement

from durable_testing import LocalRunner, Run

FUNCTION = "played"
"""The name of the handler that plays."""


class Play(NamedTuple):
    """An execution that is over, or was left running."""

    status: str
    result: str | None
    """As the service keeps it."""
    history: Sequence[dict[str, Any]]
    records: Sequence[Record]
    """Of its log."""


def play(requirement: Requirement, player: Player) -> Play:
    """Run the handler until the execution is over; where no ending is asked for, until it waits after all events."""
    enough = requirement.length if requirement.ending is None else None
    verify = not requirement.logs  # the replay by which the runner verifies a run may log, as any other
    with (
        function_log() as log,
        LocalRunner(player.handler, client=player.client, verify_replay=verify) as runner,
    ):
        for name, function in {**player.functions, FUNCTION: player.handler}.items():
            runner.register(name, function)
        run = started(runner, requirement)
        move_on(run, Outsider(runner.service, run.execution_arn, requirement.actions), enough)
        found = run.result() if run.is_over else run.snapshot()
    result = runner.service.get_durable_execution(DurableExecutionArn=run.execution_arn).get("Result")
    return Play(found.status, result, found.history, records_in(log.getvalue(), run.execution_arn))


def started(runner: LocalRunner, requirement: Requirement) -> Run:
    """An execution with the input that the requirement has; where it says so, it is invoked asynchronously."""
    payload = json.dumps(requirement.input)
    return Run(runner, runner.service.start(FUNCTION, payload, synchronous=not requirement.by_event))


def move_on(run: Run, outsider: Outsider, enough: int | None) -> None:
    """Move an execution on until it is over, or waits and has *enough* events."""
    while True:
        run.settle()
        if run.is_over or (enough is not None and len(run.snapshot().history) >= enough):
            return
        outsider.pass_time()


def breaches(requirement: Requirement, found: Play) -> list[str]:
    """What is not as the requirement has it, a sentence each."""
    bound = Bindings()
    return [
        *_in_history(requirement, found.history, bound),
        *_in_ending(requirement.ending, found),
        *log_differences(requirement.logs, found.records, bound),
    ]


def _in_history(requirement: Requirement, history: Sequence[dict[str, Any]], bound: Bindings) -> Iterator[str]:
    events = {event["EventId"]: event for event in history}
    for pattern in requirement.events:
        id = pattern["EventId"]
        if id in events:
            yield from differences(pattern, events[id], f"event {id}", bound)
        else:
            yield f"there is no event {id}"
    if requirement.length not in (None, len(history)):
        yield f"the history has {len(history)} events, not {requirement.length}"


def _in_ending(ending: Ending | None, found: Play) -> Iterator[str]:
    status = "RUNNING" if ending is None else ending.status
    if found.status != status:
        yield f"the execution is {found.status}, not {status}"
    if ending is None:
        return
    if (last := found.history[-1]["EventType"]) != CLOSING[status]:
        yield f"the history ends with {last}, not {CLOSING[status]}"
    if ending.has_result and (found.result is None or not alike(ending.result, json.loads(found.result))):
        yield f"the result is {found.result!r}, not {ending.result!r}"


def story(history: Sequence[dict[str, Any]]) -> str:
    """The history in short, a line for each event."""
    return "\n".join(
        f"{event['EventId']:4} {event['EventType']:20} {event.get('Name', '')} {event.get('Id', '')[:8]}"
        for event in history
    )
