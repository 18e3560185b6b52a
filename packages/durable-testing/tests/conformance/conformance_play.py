"""One run of a handler as a requirement asks for it, and what the suite can see of that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from conformance_handlers import Player
from conformance_logs import Record, function_log, log_differences, records_in
from conformance_matching import Bindings, alike, differences
from conformance_outside import AttendedService, LeftRunning
from conformance_requirements import CLOSING, Ending, Requirement

from durable_testing import LocalRunner


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
    service = AttendedService(requirement.actions, enough=enough, by_event=requirement.by_event)
    verify = not requirement.logs  # the replay by which the runner verifies a run may log, as any other
    with (
        function_log() as log,
        LocalRunner(player.handler, service=service, client=player.client, verify_replay=verify) as runner,
        suppress(LeftRunning),
    ):
        runner.run(requirement.input)
    facts = service.get_durable_execution(DurableExecutionArn=service.arn)
    return Play(facts["Status"], facts.get("Result"), service.history(), records_in(log.getvalue(), service.arn))


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
