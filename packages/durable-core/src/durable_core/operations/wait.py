"""``ctx.wait``: a pause that costs no compute."""

from __future__ import annotations

from datetime import timedelta

from durable_core._runtime.kind import Kind
from durable_core._wire.shapes import TERMINAL, Operation, OperationType, OperationUpdate
from durable_core.duration import whole_seconds
from durable_core.limits import MAX_WAIT_SECONDS
from durable_core.operations.functions import checked_name


class Wait(Kind[None]):
    """A WAIT operation."""

    __slots__ = ("seconds",)

    type: OperationType = "WAIT"
    subtype = "Wait"
    recorded = True

    def __init__(self, duration: timedelta, name: str | None) -> None:
        self.name: str | None = checked_name(name)
        self.seconds: int = whole_seconds(duration, "wait", most=MAX_WAIT_SECONDS)

    def __str__(self) -> str:
        return f'wait "{self.name}"' if self.name else "a wait"

    def is_over(self, entry: Operation) -> bool:
        return entry["Status"] in TERMINAL and entry["Status"] != "CANCELLED"

    async def run(self, entry: Operation | None) -> Operation:
        driver = self.driver
        if entry is not None and entry["Status"] == "CANCELLED":
            await driver.forever()  # until the workflow cancels it, as it did the first time
        if entry is None:
            driver.post(self.update("START", WaitOptions={"WaitSeconds": self.seconds}))
        return await driver.park(self)

    def abandoned(self) -> OperationUpdate | None:
        known = self.execution.journal.find(self.id)
        return None if known is not None and known["Status"] in TERMINAL else self.update("CANCEL")

    def recall(self, entry: Operation) -> None:
        return None
