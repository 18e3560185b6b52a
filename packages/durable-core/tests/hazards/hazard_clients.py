"""Clients between the workflow and the service, which do to their calls what the world does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

from durable_core import ServiceError
from durable_core.spi import CheckpointAnswer, DurableServiceClient, ExecutionState, OperationUpdate


class Call(NamedTuple):
    """A checkpoint that was asked for."""

    token: str
    updates: Sequence[OperationUpdate]
    client_token: str
    timeout: float | None
    thread: str

    @property
    def kinds(self) -> list[str]:
        """Its updates, as ``STEP START``."""
        return [f"{update['Type']} {update['Action']}" for update in self.updates]


class Watched:
    """Passes every call on, and remembers it. What happens to a checkpoint is for ``checkpointed`` to say."""

    def __init__(self, inner: DurableServiceClient) -> None:
        self.inner = inner
        self.calls: list[Call] = []
        self.reads = 0

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        call = Call(token, [*updates], client_token, timeout, threading.current_thread().name)
        self.calls.append(call)
        return self.checkpointed(arn, call)

    def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
        """The answer to *call*."""
        return self.inner.checkpoint(arn, call.token, call.updates, call.client_token, timeout=call.timeout)

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        self.reads += 1
        return self.inner.get_state(arn, token, marker, timeout=timeout)


class Answering(Watched):
    """The first calls end in these *troubles*, one each; ``None`` lets one pass. What comes after them passes."""

    troubles: Sequence[Exception | None] = ()
    after = False
    """The service takes a call before its trouble."""

    def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
        number = len(self.calls) - 1
        trouble = self.troubles[number] if number < len(self.troubles) else None
        if trouble is None:
            return super().checkpointed(arn, call)
        if self.after:
            super().checkpointed(arn, call)
        raise trouble


class Refusing(Watched):
    """Every checkpoint is refused."""

    error = ServiceError("AccessDeniedException", "not allowed", status=403)

    def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
        raise self.error


class Silent(Watched):
    """Answers do not show what their own batch did."""

    def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
        answer = super().checkpointed(arn, call)
        own = {update["Id"] for update in call.updates}
        state = answer["NewExecutionState"]
        shown = [each for each in state.get("Operations", ()) if each["Id"] not in own]
        return {**answer, "NewExecutionState": {**state, "Operations": shown}}


class Withholding(Watched):
    """The answer to the call with the number *at*, from 1, has no token."""

    at = 1

    def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
        answer = super().checkpointed(arn, call)
        if len(self.calls) == self.at:
            answer.pop("CheckpointToken", None)
        return answer
