"""From a new process to the first checkpoint of the README's workflow, over HTTP."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fake import LambdaContext, invocation

from durable_core import DurableContext, Duration, ExecutionError, durable_execution


@dataclass
class Order:
    order_id: str
    amount: float


@dataclass
class Receipt:
    order_id: str
    payment_id: str


def is_valid(order: Order) -> bool:
    return order.amount > 0


async def charge(order: Order) -> str:
    return f"pay-{order.order_id}"


async def process_order(order: Order, ctx: DurableContext) -> Receipt:
    if not await ctx.step(is_valid, order):
        raise ExecutionError(f"order {order.order_id} has nothing to charge")
    payment_id = await ctx.step(charge, order)
    await ctx.wait(Duration.from_days(1), name="cooling-off")
    return Receipt(order.order_id, payment_id)


handler = durable_execution(process_order)

if __name__ == "__main__":
    loaded = time.monotonic_ns()
    answer = handler(invocation({"order_id": "ORD-1", "amount": 10.0}), LambdaContext())
    assert answer["Status"] == "PENDING"

    from arrival import SPAWNED, first_checkpoint
    from meter import report

    first = first_checkpoint()
    report(wall=(first - SPAWNED) / 1e9, after_load=(first - loaded) / 1e9)
