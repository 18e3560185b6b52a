"""The updates of steps, as they stand on the wire."""

from __future__ import annotations

from typing import Any

from fake import recorded_step


def updates_of_steps(count: int) -> list[dict[str, Any]]:
    """*count* updates: of each step, that it starts and what it returned."""
    updates: list[dict[str, Any]] = []
    for number in range(1, count // 2 + 1):
        step = {"Id": recorded_step(number, "charge")["Id"], "Type": "STEP", "SubType": "Step", "Name": "charge"}
        updates += ({**step, "Action": "START"}, {**step, "Action": "SUCCEED", "Payload": f'"pay-{number:08}"'})
    return updates
