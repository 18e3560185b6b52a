"""How the SDK talks to the durable execution service."""

from __future__ import annotations

import functools
from typing import cast

from durable_core.client.boto import BotoClient, LambdaVerbs
from durable_core.client.protocol import DurableServiceClient, ServiceError
from durable_core.errors import ValidationError

__all__ = ["BotoClient", "DurableServiceClient", "LambdaVerbs", "ServiceError", "as_service_client", "default_client"]


def as_service_client(given: object) -> DurableServiceClient:
    """*given* as it is, or wrapped if it is a boto3 Lambda client."""
    if hasattr(given, "checkpoint") and hasattr(given, "get_state"):
        return cast("DurableServiceClient", given)
    if hasattr(given, "checkpoint_durable_execution") and hasattr(given, "get_durable_execution_state"):
        return BotoClient(cast("LambdaVerbs", given))
    raise ValidationError(
        f"client takes a DurableServiceClient or a boto3 Lambda client that knows durable executions, got {given!r}"
    )


@functools.cache
def default_client() -> DurableServiceClient:
    """The client that the environment describes, made once and kept."""
    from durable_core.client.aws import LambdaClient

    return LambdaClient()
