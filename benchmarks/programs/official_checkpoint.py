"""Checkpoint calls of the official SDK's client alone, over HTTP: ``official_checkpoint.py UPDATES CALLS``."""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
import time
from typing import Any

from aws_durable_execution_sdk_python.lambda_service import (
    LambdaClient,
    OperationAction,
    OperationSubType,
    OperationType,
    OperationUpdate,
)
from fake import ARN
from meter import report
from updates import updates_of_steps


def as_object(update: dict[str, Any]) -> Any:
    """*update* as the SDK holds it."""
    return OperationUpdate(
        operation_id=update["Id"],
        operation_type=OperationType(update["Type"]),
        action=OperationAction(update["Action"]),
        name=update["Name"],
        sub_type=OperationSubType(update["SubType"]),
        payload=update.get("Payload"),
    )


def main(count: int, calls: int) -> None:
    client = LambdaClient.initialize_client()
    updates = [as_object(update) for update in updates_of_steps(count)]
    token = client.checkpoint(ARN, "0000", updates, "0").checkpoint_token
    cpu = time.process_time()
    for call in range(1, calls + 1):
        token = client.checkpoint(ARN, token, updates, str(call)).checkpoint_token
    report(cpu=(time.process_time() - cpu) / calls)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
