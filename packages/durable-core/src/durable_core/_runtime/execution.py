"""One invocation of one execution: what all its operations share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from durable_core._core.clock import millis
from durable_core._core.identity import execution_name
from durable_core._core.journal import Journal
from durable_core._runtime.driver import Driver
from durable_core._runtime.hooks import Hooks
from durable_core._runtime.interrupts import Interrupt
from durable_core._runtime.scope import Scope
from durable_core._wire.shapes import Operation
from durable_core.client.protocol import DurableServiceClient
from durable_core.config import Checkpointing, ReplayLogging
from durable_core.limits import ServiceLimits
from durable_core.plugin import PluginFactory
from durable_core.retry import RetryStrategy
from durable_core.serdes import SerDes


class Settings(Struct, frozen=True):
    """What ``@durable_execution`` was given."""

    client: DurableServiceClient | None = None
    serdes: SerDes[Any] | None = None
    retry_strategy: RetryStrategy | None = None
    errors: tuple[type[BaseException], ...] = ()
    limits: ServiceLimits = ServiceLimits.CURRENT
    replay_logging: ReplayLogging = ReplayLogging.SUPPRESS_ALL
    stack_traces: bool = False
    checkpointing: Checkpointing = Checkpointing.EAGER
    plugins: tuple[PluginFactory, ...] = ()


class Execution:
    """What an invocation knows of its execution."""

    __slots__ = (
        "arn",
        "dry",
        "hooks",
        "interrupt",
        "journal",
        "lambda_context",
        "name",
        "now",
        "root",
        "settings",
        "start",
    )

    def __init__(
        self,
        arn: str,
        record: Operation,
        journal: Journal,
        driver: Driver,
        settings: Settings,
        lambda_context: Any,
        *,
        interrupt: Interrupt,
        dry: bool,
        now: Callable[[], int],
    ) -> None:
        self.arn: str = arn
        self.name: str = execution_name(arn)
        self.start: datetime = datetime.fromtimestamp(millis(record["StartTimestamp"]) / 1000, UTC)
        self.journal: Journal = journal
        self.settings: Settings = settings
        self.lambda_context: Any = lambda_context
        self.interrupt: Interrupt = interrupt
        self.now: Callable[[], int] = now
        """The time in milliseconds, as near to the service's as this machine knows it: for time-outs, not for order."""
        self.dry: bool = dry
        """Only a replay: nothing new may be asked for, and no step's body runs."""
        self.hooks: Hooks | None = None
        """What plugins are told, if there are any."""
        self.root: Scope = Scope(self, driver, id=None, name=None, parent_id=None, replaying=journal.replays, over=dry)

    @property
    def request_id(self) -> str | None:
        """Lambda's id of this invocation."""
        value = getattr(self.lambda_context, "aws_request_id", None)
        return None if value is None else str(value)
