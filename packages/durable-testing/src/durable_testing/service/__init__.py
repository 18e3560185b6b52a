"""The Lambda durable execution service, in memory: strict, on a clock of one's own, and one list of facts deep."""

from __future__ import annotations

from durable_testing.service.clock import Clock, SystemClock, VirtualClock
from durable_testing.service.executions import Target, any_function
from durable_testing.service.lambda_side import ChainedInvoke
from durable_testing.service.limits import CURRENT, DEFAULT, Limits
from durable_testing.service.verbs import DurableService

__all__ = [
    "CURRENT",
    "DEFAULT",
    "ChainedInvoke",
    "Clock",
    "DurableService",
    "Limits",
    "SystemClock",
    "Target",
    "VirtualClock",
    "any_function",
]
