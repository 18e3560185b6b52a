"""What test tools and integrations may use besides the public API: workflows, outcomes, and the shapes of the wire.

The names here are kept stable for ``durable_testing`` and ``durable_contrib``; workflows have no need of them.
"""

from __future__ import annotations

from durable_core._core.clock import millis
from durable_core._runtime.driver import Seen
from durable_core._wire.shapes import (
    TERMINAL,
    CheckpointAnswer,
    ErrorObject,
    ExecutionState,
    InvocationAnswer,
    InvocationEvent,
    InvocationStatus,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
    Timestamp,
)
from durable_core.client import BotoClient, DurableServiceClient, LambdaVerbs, ServiceError, as_service_client
from durable_core.serdes import encode_json, json_serdes
from durable_core.workflow import Workflow

__all__ = [
    "TERMINAL",
    "BotoClient",
    "CheckpointAnswer",
    "DurableServiceClient",
    "ErrorObject",
    "ExecutionState",
    "InvocationAnswer",
    "InvocationEvent",
    "InvocationStatus",
    "LambdaVerbs",
    "Operation",
    "OperationAction",
    "OperationStatus",
    "OperationType",
    "OperationUpdate",
    "Seen",
    "ServiceError",
    "Timestamp",
    "Workflow",
    "as_service_client",
    "encode_json",
    "json_serdes",
    "millis",
]
