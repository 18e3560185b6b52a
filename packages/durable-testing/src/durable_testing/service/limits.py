"""How much the service takes. The figures stand here a second time on purpose: they are not the SDK's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from durable_core.spi import OperationType

KIB: Final = 1024
MIB: Final = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an execution may hold, in UTF-8 bytes unless the name says otherwise."""

    operation_payload: int = 256 * KIB
    """Payload of a STEP, CONTEXT, WAIT or CALLBACK."""

    error_object: int = 32 * KIB
    """An error's fields, as JSON."""

    invoke_payload: int = MIB
    """Input and output of a CHAINED_INVOKE."""

    execution_payload: int = 6 * MIB
    """Input and result of an execution."""

    event_payload: int = 6 * MIB
    """The same, when nobody waits for the answer (``InvocationType`` ``Event``)."""

    response: int = 6 * MIB
    """Lambda's response body: the whole answer as JSON, escaped."""

    operations: int = 25_000
    """Operations in an execution; one more closes it."""

    metered: bool = False
    """Whether retries, of steps and of invocations, count as operations."""

    persisted: int | None = None
    """All inputs, payloads and errors of an execution together; more closes it."""

    page_operations: int = 1_000
    """Operations in the first page of an invocation's event or of a checkpoint's answer."""

    page: int = 5_000_000
    """Size of a page, roughly; one operation alone may be larger."""

    def payload(self, type_: OperationType) -> int:
        """Give the largest payload that an update of this type may carry."""
        if type_ == "EXECUTION":
            return self.execution_payload
        return self.invoke_payload if type_ == "CHAINED_INVOKE" else self.operation_payload

    def of_an_event(self) -> Limits:
        """Give the limits of an execution that was started without waiting for its answer."""
        return replace(self, execution_payload=self.event_payload)


DEFAULT: Final = Limits()
"""The smallest figures that a source names: what an SDK should be tested against."""

CURRENT: Final = replace(
    DEFAULT,
    operation_payload=MIB,
    error_object=MIB,
    event_payload=MIB,
    operations=3_000,
    metered=True,
    persisted=100 * MIB,
)
"""The API's model and the quota page, as of late 2026."""
