"""From a new process to the first checkpoint of the README's workflow, over HTTP, in the official SDK.

The SDK leaves the types of the event and the result to the workflow.
"""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from aws_durable_execution_sdk_python import ExecutionError, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration
from fake import LambdaContext, invocation


@dataclass
class Order:
    order_id: str
    amount: float


@dataclass
class Receipt:
    order_id: str
    payment_id: str


def is_valid(step: Any, order: Order) -> bool:
    return order.amount > 0


def charge(step: Any, order: Order) -> str:
    return f"pay-{order.order_id}"


is_valid_step, charge_step = durable_step(is_valid), durable_step(charge)


def process_order(event: dict[str, Any], ctx: Any) -> dict[str, Any]:
    order = Order(**event)
    if not ctx.step(is_valid_step(order)):
        raise ExecutionError(f"order {order.order_id} has nothing to charge")
    payment_id = ctx.step(charge_step(order))
    ctx.wait(Duration.from_days(1), name="cooling-off")
    return asdict(Receipt(order.order_id, payment_id))


handler = durable_execution(process_order)

if __name__ == "__main__":
    loaded = time.monotonic_ns()
    answer = handler(invocation({"order_id": "ORD-1", "amount": 10.0}), LambdaContext())
    assert answer["Status"] == "PENDING"

    from arrival import SPAWNED, first_checkpoint
    from meter import report

    first = first_checkpoint()
    report(wall=(first - SPAWNED) / 1e9, after_load=(first - loaded) / 1e9)
