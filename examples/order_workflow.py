"""The order workflow of the README (validate, charge, wait, complete), in both flavours, on the local service."""

from __future__ import annotations

from dataclasses import dataclass

from durable_core import DurableContext, Duration, ExecutionError, blocking, durable_execution
from durable_testing import LocalRunner


@dataclass
class OrderEvent:
    order_id: str
    amount: float


@dataclass
class OrderResult:
    status: str
    order_id: str
    payment_id: str


async def validate(order: OrderEvent) -> bool:
    return order.amount > 0


async def charge(order: OrderEvent) -> str:
    return f"pay-{order.order_id}"


@durable_execution
async def process_order(event: OrderEvent, ctx: DurableContext) -> OrderResult:
    if not await ctx.step(validate, event):
        raise ExecutionError("Invalid order")
    payment_id = await ctx.step(charge, event)
    await ctx.wait(Duration.from_seconds(5), name="payment_confirmation")
    return OrderResult("completed", event.order_id, payment_id)


def validate_now(order: OrderEvent) -> bool:
    return order.amount > 0


def charge_now(order: OrderEvent) -> str:
    return f"pay-{order.order_id}"


@durable_execution
def process_order_blocking(event: OrderEvent, ctx: blocking.DurableContext) -> OrderResult:
    if not ctx.step(validate_now, event, name="validate"):
        raise ExecutionError("Invalid order")
    payment_id = ctx.step(charge_now, event, name="charge")
    ctx.wait(Duration.from_seconds(5), name="payment_confirmation")
    return OrderResult("completed", event.order_id, payment_id)


def main() -> None:
    """Run both, and show what the service recorded."""
    for handler in (process_order, process_order_blocking):
        with LocalRunner(handler) as runner:
            result = runner.run({"order_id": "ORD-1", "amount": 10.0})
        print(f"{handler.__name__} gave {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
