"""The service in process, as a client of our SDK."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from fake import answer


class InProcess:
    """Records whatever it is asked to, and counts the calls and their updates."""

    def __init__(self) -> None:
        self.calls = self.updates = 0

    def checkpoint(
        self, arn: str, token: str, updates: Sequence[Any], client_token: str, *, timeout: float | None = None
    ) -> Any:
        self.calls += 1
        self.updates += len(updates)
        return answer(self.calls, updates, time.time())

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> Any:
        raise AssertionError("all of the state is in the event")
