"""Durable execution for Python on AWS Lambda: ordinary functions whose operations are checkpointed."""

from __future__ import annotations

from durable_core.config import ChildConfig, ReplayLogging, StepConfig, StepSemantics
from durable_core.context import DurableContext, Operation
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
from durable_core.step_context import StepContext, step_context

__all__ = [n for n in dir() if not n.startswith("_")]
