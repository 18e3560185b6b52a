"""One execution as the service holds it: its state, and what the invocation under way has been told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from durable_core.spi import InvocationEvent, Operation
from durable_testing.service.facts import Fact
from durable_testing.service.pages import Page, changed, changed_page, marker, needed, state_page
from durable_testing.service.state import Origin, State
from durable_testing.service.times import detached
from durable_testing.service.tokens import REMEMBERED, Lease, fresh_token


class Birth(NamedTuple):
    """What an execution was started with."""

    function_name: str
    version: str
    name: str
    payload: str
    execution_timeout: int | None
    """In seconds."""


class Caller(NamedTuple):
    """The CHAINED_INVOKE for which an execution was started."""

    arn: str
    operation_id: str


class Execution:
    """An execution. *told* is the number of its facts that the handler has been told of."""

    def __init__(self, birth: Birth, origin: Origin, caller: Caller | None = None) -> None:
        self.birth = birth
        self.caller = caller
        self.state = State(origin)
        self.lease: Lease | None = None
        self.told = 0
        self._requests: dict[str, tuple[object, int]] = {}

    @property
    def arn(self) -> str:
        """The execution's ARN."""
        return self.state.origin.arn

    @property
    def due(self) -> bool:
        """Whether the execution is to be invoked now."""
        state = self.state
        if state.status != "RUNNING" or state.running is not None:
            return False
        if state.alarms.find(state.origin.subject.id, "backoff") is not None:
            return False
        return state.called_for or bool(self.untold)

    @property
    def untold(self) -> list[str]:
        """The operations that changed since the handler was last told of any."""
        return changed(self.state, self.told)

    def add(self, facts: Sequence[Fact]) -> None:
        """Append facts to the truth."""
        for fact in facts:
            self.state.add(fact)

    def call(self) -> InvocationEvent:
        """Give the event of a new invocation; whichever held a token before holds none now."""
        token = fresh_token()
        updated = self.untold
        page = state_page(self.state, 0, self.state.origin.limits.page_operations, may_be_empty=True)
        self.lease = Lease(token)
        self.told = len(self.state.facts)
        return self._event(token, page, updated)

    def rehearsal(self) -> InvocationEvent:
        """Give the event of an invocation that would replay all that is known, in one page; nothing begins."""
        operations = [self.state.operations[id_] for _, id_ in needed(self.state)]
        return self._event(fresh_token(), Page(operations, None), [])

    def _event(self, token: str, page: Page, updated: list[str]) -> InvocationEvent:
        return {
            "DurableExecutionArn": self.arn,
            "CheckpointToken": token,
            "InitialExecutionState": {
                "Operations": [detached(operation) for operation in page.operations],
                "NextMarker": "" if page.next is None else marker(page.next),
            },
            "UpdatedOperationIds": updated,
        }

    def tell(self) -> tuple[list[Operation], str | None]:
        """Give what changed since the handler was last told, and the marker of what does not fit."""
        since, until = self.told, len(self.state.facts)
        page = changed_page(self.state, since, until, 0, self.state.origin.limits.page_operations)
        self.told = until
        return page.operations, None if page.next is None else marker(since, until, page.next)

    def was_asked(self, client_token: str | None, request: object, now: int) -> bool:
        """Whether this very request came before, not long ago."""
        asked, at = self._requests.get(client_token or "", (None, 0))
        return client_token is not None and asked == request and now - at <= REMEMBERED

    def note(self, client_token: str | None, request: object, now: int) -> None:
        """Keep a request that was taken, so that it is known when it comes again."""
        if client_token is not None:
            self._requests[client_token] = (request, now)
