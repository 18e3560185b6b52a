"""Errors: an exception of your own comes back from a step as what it was, on the first run and on every replay."""

from __future__ import annotations

from dataclasses import dataclass

from durable_core import (
    DurableContext,
    Duration,
    ExecutionError,
    ExponentialBackoff,
    StepConfig,
    StepError,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner


class PaymentDeclined(Exception):
    """The bank says no; another attempt will not help."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Order:
    order_id: str
    amount: float


CHARGING = StepConfig(retry_strategy=ExponentialBackoff(max_attempts=4, give_up_on=PaymentDeclined))


def reserve(order: Order) -> str:
    return f"shelf-{order.order_id}"


def charge(order: Order) -> str:
    if order.amount > 1000:
        raise PaymentDeclined("over the limit")
    if order.amount < 0:
        raise ValueError("nothing to charge")
    return f"pay-{order.order_id}"


def release(shelf: str) -> None:
    """Undo ``reserve``."""


@durable_execution
async def sell(order: Order, ctx: DurableContext) -> str:
    shelf = await ctx.step(reserve, order)
    try:
        payment = await ctx.step(charge, order, config=CHARGING)
    except PaymentDeclined as error:  # not run again on a replay: raised from the record
        await ctx.step(release, shelf)
        await ctx.wait(Duration.from_hours(1), name="before-we-tell")
        return f"declined: {error.reason}"
    except StepError as error:  # whatever else the step failed of, when its attempts are used up
        await ctx.step(release, shelf)
        raise ExecutionError(f"cannot charge {order.order_id}: {error.error_type}") from error
    return payment


@durable_execution
def sell_blocking(order: Order, ctx: blocking.DurableContext) -> str:
    shelf = ctx.step(reserve, order)
    try:
        payment = ctx.step(charge, order, config=CHARGING)
    except PaymentDeclined as error:
        ctx.step(release, shelf)
        ctx.wait(Duration.from_hours(1), name="before-we-tell")
        return f"declined: {error.reason}"
    except StepError as error:
        ctx.step(release, shelf)
        raise ExecutionError(f"cannot charge {order.order_id}: {error.error_type}") from error
    return payment


def main() -> None:
    """Run both with an order that is declined, and one that cannot be charged."""
    for handler, amount in ((sell, 5000.0), (sell_blocking, 5000.0), (sell, -1.0)):
        with LocalRunner(handler) as runner:
            result = runner.run(Order("ORD-1", amount))
        print(f"{handler.__name__}: {result.value or result.error}")
        result.print()
        print()


if __name__ == "__main__":
    main()
