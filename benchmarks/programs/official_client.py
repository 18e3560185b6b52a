"""The service in process, as the boto3 client that the official SDK takes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fake import answer


class InProcess:
    """Records whatever it is asked to, and counts the calls and their updates."""

    def __init__(self) -> None:
        self.calls = self.updates = 0

    def checkpoint_durable_execution(self, **parameters: Any) -> dict[str, Any]:
        self.calls += 1
        self.updates += len(parameters["Updates"])
        return answer(self.calls, parameters["Updates"], datetime.now(UTC))

    def get_durable_execution_state(self, **parameters: Any) -> dict[str, Any]:
        raise AssertionError("all of the state is in the event")
