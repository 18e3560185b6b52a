"""Calls to the service: the token that each consumes, and patience with failures that pass."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from durable_core._core.text import visible
from durable_core._wire.errors import Verdict, classify
from durable_core._wire.shapes import ExecutionState, Operation, OperationUpdate
from durable_core.client.protocol import DurableServiceClient, ServiceError
from durable_core.errors import CheckpointError
from durable_core.retry import Jitter

T = TypeVar("T")

RETRY_SECONDS = 60.0
"""How long one call is tried again, if the deadline allows it."""
_BASE, _CAP = 0.05, 5.0
_LAST_MOMENT = 0.2
"""Seconds before the deadline after which no call is begun."""
_LONGEST_CALL = 30.0


class RefusedError(Exception):
    """The service refused the call for good; nothing of it was applied."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(str(error))
        self.error = error


class Exchange:
    """The conversation of one invocation with the service. One call at a time, from any thread."""

    __slots__ = ("_arn", "_calls", "_client", "_deadline", "_nonce", "token")

    def __init__(self, client: DurableServiceClient, arn: str, token: str, deadline: float | None) -> None:
        self._client = client
        self._arn = arn
        self._deadline = deadline
        self._nonce = os.urandom(12).hex()
        self._calls = 0
        self.token: str | None = token
        """``None``: the service gave no further token, and this invocation can record nothing more."""

    def send(self, updates: Sequence[OperationUpdate]) -> list[Operation]:
        """Record *updates*, all or none; return every operation that changed since the last answer.

        ``CheckpointError`` where another invocation should try, ``RefusedError`` where none could do better.
        """
        token = self.token
        if token is None:
            raise CheckpointError("the service gave no further checkpoint token, so nothing more can be recorded")
        self._calls += 1
        client_token = f"{self._nonce}-{self._calls}"  # kept across retries: a lost answer is given again
        answer = self._patiently(self._client.checkpoint, self._arn, token, updates, client_token)
        self.token = answer.get("CheckpointToken") or None
        state = answer.get("NewExecutionState") or {}
        if not self.token:
            return list(state.get("Operations") or ())
        try:
            return self.rest(state)
        except RefusedError as refused:  # of a page: the batch itself was applied
            raise CheckpointError(f"the service took the batch, but would not tell the state: {refused}") from refused

    def rest(self, page: ExecutionState) -> list[Operation]:
        """The operations of *page* and of all pages after it."""
        operations = list(page.get("Operations") or ())
        while marker := page.get("NextMarker"):
            page = self._patiently(self._client.get_state, self._arn, self.token or "", marker)
            operations += page.get("Operations") or ()
        return operations

    def _patiently(self, call: Callable[..., T], *args: object) -> T:
        give_up = time.monotonic() + RETRY_SECONDS
        if self._deadline is not None:
            give_up = min(give_up, self._deadline - _LAST_MOMENT)
        tries = 0
        while True:
            try:
                return call(*args, timeout=self._timeout())
            except ServiceError as error:
                verdict = classify(error.code, error.message, error.status)
                if verdict is Verdict.PERMANENT:
                    raise RefusedError(error) from error
                pause = error.retry_after if error.retry_after is not None else 0.0
                pause = max(pause, Jitter.FULL.spread(min(_CAP, _BASE * 2**tries)))
                if verdict is Verdict.STALE or time.monotonic() + pause >= give_up:
                    raise CheckpointError(
                        f"the service could not record or tell the state: {visible(error)}"
                    ) from error
                tries += 1
                time.sleep(pause)

    def _timeout(self) -> float | None:
        if self._deadline is None:
            return _LONGEST_CALL
        left = self._deadline - time.monotonic() - _LAST_MOMENT
        if left <= 0:
            raise CheckpointError("the invocation's deadline is too near to call the service")
        return min(left, _LONGEST_CALL)
