"""Steps: retries, a time limit for each attempt, and work that must not be done twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from durable_core import (
    DurableContext,
    Duration,
    ExponentialBackoff,
    RetryPresets,
    StepConfig,
    StepSemantics,
    blocking,
    durable_execution,
    durable_step,
    step_context,
)
from durable_testing import LocalRunner


class ProviderDownError(Exception):
    """The payment provider has trouble; try again."""


class CardRefusedError(Exception):
    """Another attempt would not help."""


@dataclass
class Payment:
    order_id: str
    amount: float


@dataclass
class Paid:
    payment_id: str
    points: int


# Five attempts, after pauses of up to 2 s, 4 s and so on, unless the card is refused. An attempt may take 100 ms.
# With ``retry_on=`` in place of ``give_up_on=``, name StepTimeoutError and StepInterruptedError (a crash) there too.
PATIENT = StepConfig(
    retry_strategy=ExponentialBackoff(
        5, Duration.from_seconds(2), Duration.from_minutes(1), give_up_on=CardRefusedError
    ),
    timeout=timedelta(milliseconds=100),
)

# A crash in the middle of the attempt is a failure, and it stands: a person has to look.
ONCE = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=RetryPresets.NONE)


async def charge(payment: Payment) -> str:
    step = step_context()
    if step.attempt == 1:
        await asyncio.sleep(60)  # stands for a provider that does not answer: StepTimeoutError ends the attempt
    if step.attempt == 2:
        raise ProviderDownError("503 Service Unavailable")
    if payment.amount > 1000:
        raise CardRefusedError("over the limit")
    return f"pay-{payment.order_id}"  # send step.idempotency_key along: it is the same in every attempt


@durable_step(config=ONCE)
def add_points(payment: Payment) -> int:
    return int(payment.amount)


@durable_execution
async def pay(payment: Payment, ctx: DurableContext) -> Paid:
    payment_id = await ctx.step(charge, payment, config=PATIENT)
    points = await ctx.step(add_points, payment)
    return Paid(payment_id, points)


@durable_execution
def pay_blocking(payment: Payment, ctx: blocking.DurableContext) -> Paid:
    payment_id = ctx.step(charge, payment, config=PATIENT)
    points = ctx.step(add_points, payment)
    return Paid(payment_id, points)


def main() -> None:
    """Run both, and show the attempts."""
    for handler in (pay, pay_blocking):
        with LocalRunner(handler) as runner:
            result = runner.run(Payment("ORD-1", 42.5))
        print(f"{handler.__name__} gave {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
