"""Ends of the world, at a chosen moment: for tests of what must survive them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from durable_core.spi import CheckpointAnswer, DurableServiceClient, ExecutionState, OperationUpdate


class SandboxDied(BaseException):
    """The sandbox ended here: no code of the workflow runs after it, as after ``kill -9``."""


class Side(Enum):
    """On which side of a checkpoint the sandbox dies."""

    BEFORE = "before"
    """The service never saw the call."""
    AFTER = "after"
    """The service has taken it; the answer is lost."""


class CrashingClient:
    """Passes calls on to *inner*, and dies before or after the checkpoint with the number *at*, from 1; once."""

    def __init__(self, inner: DurableServiceClient, at: int | None, side: Side = Side.BEFORE) -> None:
        self._inner = inner
        self._at = at
        self._side = side
        self.calls = 0
        """Checkpoints asked for, the fatal one included."""

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        """Record *updates*, unless this is where the sandbox dies."""
        self.calls += 1
        fatal = self.calls == self._at
        if fatal and self._side is Side.BEFORE:
            raise SandboxDied
        try:
            return self._inner.checkpoint(arn, token, updates, client_token, timeout=timeout)
        finally:
            if fatal:
                raise SandboxDied from None

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        """A page of state."""
        return self._inner.get_state(arn, token, marker, timeout=timeout)
