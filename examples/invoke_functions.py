"""Invokes: a workflow calls other Lambda functions, durable or not, and waits for their results without paying."""

from __future__ import annotations

from dataclasses import dataclass

from durable_core import DurableContext, Duration, InvokeConfig, InvokeError, blocking, durable_execution
from durable_testing import LocalRunner


@dataclass
class Cart:
    customer: str
    total: float


@dataclass
class CreditCheck:
    customer: str
    amount: float


@dataclass
class Credit:
    granted: bool
    limit: float


CREDIT = InvokeConfig(returns=Credit)


@durable_execution
async def check_out(cart: Cart, ctx: DurableContext) -> str:
    try:
        credit = await ctx.invoke("credit", CreditCheck(cart.customer, cart.total), name="check-credit", config=CREDIT)
    except InvokeError as error:
        return f"try later: {error}"
    if not credit.granted:
        return f"over the limit of {credit.limit:.0f}"
    await ctx.invoke("warehouse", {"customer": cart.customer}, name="reserve")
    return "reserved"


@durable_execution
def check_out_blocking(cart: Cart, ctx: blocking.DurableContext) -> str:
    try:
        credit = ctx.invoke("credit", CreditCheck(cart.customer, cart.total), name="check-credit", config=CREDIT)
    except InvokeError as error:
        return f"try later: {error}"
    if not credit.granted:
        return f"over the limit of {credit.limit:.0f}"
    ctx.invoke("warehouse", {"customer": cart.customer}, name="reserve")
    return "reserved"


@durable_execution
async def credit(check: CreditCheck, ctx: DurableContext) -> Credit:
    """A durable function of its own: it may take as long as it likes."""
    await ctx.wait(Duration.from_hours(1), name="until-the-bureau-answers")
    return Credit(granted=check.amount <= 500, limit=500.0)


def warehouse(event: dict[str, str]) -> dict[str, str]:
    """A plain Lambda function."""
    return {"reserved_for": event["customer"]}


def credit_out_of_order(event: dict[str, object]) -> None:
    """What an invoked function raises, its caller gets as an ``InvokeError``."""
    raise ConnectionError("the bureau does not answer")


def main() -> None:
    """Run both, and once with a credit function that fails. The runner has to be told what the names stand for."""
    for handler, credit_function in (
        (check_out, credit),
        (check_out_blocking, credit),
        (check_out, credit_out_of_order),
    ):
        with LocalRunner(handler) as runner:
            runner.register("credit", credit_function)
            runner.register("warehouse", warehouse)
            result = runner.run(Cart("Ada", 120.0))
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
