"""Durable execution for Python on AWS Lambda: ordinary functions whose operations are checkpointed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_core import _startup, blocking as blocking
from durable_core.client import DurableServiceClient, ServiceError
from durable_core.completion import CompletionConfig
from durable_core.config import (
    CallbackConfig,
    Checkpointing,
    ChildConfig,
    InvokeConfig,
    ItemBatcher,
    MapConfig,
    Nesting,
    ParallelConfig,
    ReplayLogging,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
    WaitForConditionConfig,
)
from durable_core.context import Callback, DurableContext
from durable_core.duration import Duration
from durable_core.errors import (
    AllFailedError,
    BatchError,
    CallbackError,
    CallbackSubmitterError,
    CallbackTimeoutError,
    CheckpointError,
    ChildContextError,
    ConditionNotMetError,
    ConditionTimeoutError,
    ContextMisuseError,
    DurableError,
    ExecutionError,
    InvocationError,
    InvokeError,
    InvokeStoppedError,
    InvokeTimeoutError,
    NonDeterministicExecutionError,
    OperationError,
    SerDesError,
    SizeLimitError,
    StepError,
    StepInterruptedError,
    StepTimeoutError,
    Suspended,
    ValidationError,
)
from durable_core.handler import DurableFunction, durable_execution
from durable_core.limits import ServiceLimits
from durable_core.logger import ReplayFilter
from durable_core.operation import Operation
from durable_core.operations.fan_out import ParallelBranch
from durable_core.operations.step import durable_step
from durable_core.plugin import (
    AttemptEnd,
    AttemptStart,
    DurablePlugin,
    InvocationEnd,
    InvocationStart,
    OperationChange,
    OperationInfo,
    PluginFactory,
)
from durable_core.polling import WaitDecision, WaitStrategy, poll_every, poll_with_backoff
from durable_core.results import BatchItem, BatchResult, CompletionReason, CompletionStatus, ItemStatus
from durable_core.retry import (
    ExponentialBackoff,
    FixedDelay,
    Jitter,
    LinearBackoff,
    NoRetry,
    RetryDecision,
    RetryPresets,
    RetryStrategy,
)
from durable_core.serdes import TEXT, SerDes, SerDesContext
from durable_core.step_context import StepContext, step_context

if TYPE_CHECKING:
    from durable_core.client.aws import LambdaClient

__all__ = [
    "TEXT",
    "AllFailedError",
    "AttemptEnd",
    "AttemptStart",
    "BatchError",
    "BatchItem",
    "BatchResult",
    "Callback",
    "CallbackConfig",
    "CallbackError",
    "CallbackSubmitterError",
    "CallbackTimeoutError",
    "CheckpointError",
    "Checkpointing",
    "ChildConfig",
    "ChildContextError",
    "CompletionConfig",
    "CompletionReason",
    "CompletionStatus",
    "ConditionNotMetError",
    "ConditionTimeoutError",
    "ContextMisuseError",
    "DurableContext",
    "DurableError",
    "DurableFunction",
    "DurablePlugin",
    "DurableServiceClient",
    "Duration",
    "ExecutionError",
    "ExponentialBackoff",
    "FixedDelay",
    "InvocationEnd",
    "InvocationError",
    "InvocationStart",
    "InvokeConfig",
    "InvokeError",
    "InvokeStoppedError",
    "InvokeTimeoutError",
    "ItemBatcher",
    "ItemStatus",
    "Jitter",
    "LambdaClient",
    "LinearBackoff",
    "MapConfig",
    "Nesting",
    "NoRetry",
    "NonDeterministicExecutionError",
    "Operation",
    "OperationChange",
    "OperationError",
    "OperationInfo",
    "ParallelBranch",
    "ParallelConfig",
    "PluginFactory",
    "ReplayFilter",
    "ReplayLogging",
    "RetryDecision",
    "RetryPresets",
    "RetryStrategy",
    "SerDes",
    "SerDesContext",
    "SerDesError",
    "ServiceError",
    "ServiceLimits",
    "SizeLimitError",
    "StepConfig",
    "StepContext",
    "StepError",
    "StepInterruptedError",
    "StepSemantics",
    "StepTimeoutError",
    "Suspended",
    "ValidationError",
    "WaitDecision",
    "WaitForCallbackConfig",
    "WaitForConditionConfig",
    "WaitStrategy",
    "durable_execution",
    "durable_step",
    "poll_every",
    "poll_with_backoff",
    "step_context",
]

_startup.over()


def __getattr__(name: str) -> object:
    if name == "LambdaClient":  # a function that is given its client needs none of this
        from durable_core.client.aws import LambdaClient

        return LambdaClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
