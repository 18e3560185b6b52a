"""``all_settled`` and ``any``: carriers are asked for quotes and couriers for a time; some answer late or never."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from durable_core import (
    AllFailedError,
    BatchResult,
    DurableContext,
    Duration,
    WaitForCallbackConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner


@dataclass
class Quote:
    carrier: str
    price: float


@dataclass
class Booking:
    cheapest: Quote | None
    silent: int
    courier: str


# The time limit is that of the callback: over it, CallbackTimeoutError, which is one failure among the others.
QUOTE = WaitForCallbackConfig(timeout=Duration.from_minutes(30), returns=Quote)
PICK_UP = WaitForCallbackConfig(timeout=Duration.from_minutes(10), returns=str)


def ask(callback_id: str, whom: str) -> None:
    """Stands for a request to somebody who answers the callback when there is an answer."""


def cheapest(quotes: BatchResult[Quote]) -> Quote | None:
    return min(quotes.results, key=lambda quote: quote.price, default=None)


@durable_execution
async def book_carrier(carriers: list[str], ctx: DurableContext) -> Booking:
    # What became of each. Operands are operations, tasks, coroutines, or functions of a context of their own.
    quotes = await ctx.all_settled(
        [ctx.wait_for_callback(ask, name, name=name, config=QUOTE) for name in carriers], name="quotes"
    )

    # The first success, whoever fails before; AllFailedError if there is none.
    couriers = [ctx.wait_for_callback(ask, name, name=name, config=PICK_UP) for name in ("bike", "van")]
    try:
        courier = await ctx.any(couriers, name="courier")
    except AllFailedError:
        courier = "nobody comes"
    return Booking(cheapest(quotes), quotes.failure_count, courier)


@durable_execution
def book_carrier_blocking(carriers: list[str], ctx: blocking.DurableContext) -> Booking:
    # Operands are functions of a context of their own; they run side by side on threads.
    def quote(carrier: str, each: blocking.DurableContext) -> Quote:
        return each.wait_for_callback(ask, carrier, name=carrier, config=QUOTE)

    quotes = ctx.all_settled([partial(quote, name) for name in carriers], name="quotes")

    def pick_up(courier: str, each: blocking.DurableContext) -> str:
        return each.wait_for_callback(ask, courier, name=courier, config=PICK_UP)

    try:
        courier = ctx.any([partial(pick_up, name) for name in ("bike", "van")], name="courier")
    except AllFailedError:
        courier = "nobody comes"
    return Booking(cheapest(quotes), quotes.failure_count, courier)


def main() -> None:
    """Run both with answers from some, and once with none at all."""
    answers = {"dhl": Quote("dhl", 9.5), "ups": Quote("ups", 8.0), "bike": ConnectionError("flat tyre"), "van": "at 4"}
    for handler, callbacks in ((book_carrier, answers), (book_carrier_blocking, answers), (book_carrier, {})):
        with LocalRunner(handler) as runner:
            result = runner.run(["dhl", "ups", "dpd"], callbacks=callbacks)
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
