"""Clients between a workflow and the service: one that remembers, and one that is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from durable_core import ServiceError
from durable_core.spi import CheckpointAnswer, DurableServiceClient, ExecutionState, OperationUpdate


class Ledger:
    """Passes every call on, and remembers what the service has taken; steps may wait for that."""

    def __init__(self) -> None:
        self.updates: list[OperationUpdate] = []
        self.calls = 0
        self._inner: DurableServiceClient | None = None
        self._taken = threading.Condition()

    def __call__(self, inner: DurableServiceClient) -> Ledger:
        """Stand before *inner*: this is what a runner takes as its client."""
        self._inner = inner
        return self

    def until(self, action: str, *names: str) -> None:
        """Return when this *action* has been taken for operations of all these *names*."""
        with self._taken:
            came = self._taken.wait_for(lambda: {*names} <= self.taken(action), 10)
        assert came, f"no {action} of {names}: {self.taken(action)}"

    def taken(self, action: str) -> set[str]:
        """The names of the operations for which this *action* has been taken."""
        return {each.get("Name", "") for each in self.updates if each["Action"] == action}

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        assert self._inner is not None
        self.calls += 1
        answer = self._inner.checkpoint(arn, token, updates, client_token, timeout=timeout)
        with self._taken:
            self.updates += updates
            self._taken.notify_all()
        return answer

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        assert self._inner is not None
        return self._inner.get_state(arn, token, marker, timeout=timeout)


class Refused(Ledger):
    """The call with the number *at*, from 1, and all after it are refused for good."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        if self.calls + 1 >= self._at:
            self.calls += 1
            raise ServiceError("AccessDeniedException", "not allowed", status=403)
        return super().checkpoint(arn, token, updates, client_token, timeout=timeout)


Wrapper = Callable[[DurableServiceClient], DurableServiceClient]
