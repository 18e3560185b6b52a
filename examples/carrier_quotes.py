"""Combinators: many outcomes as one, and a replay takes the same. Carriers are asked for quotes; not all answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from durable_core import (
    BatchResult,
    DurableContext,
    Duration,
    WaitForCallbackConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner


@dataclass
class Shipment:
    kilos: float
    carriers: list[str]


@dataclass
class Quote:
    carrier: str
    price: float


@dataclass
class Offer:
    label: str
    cheapest: Quote | None
    silent: int
    pick_up: str


IN_HALF_AN_HOUR = WaitForCallbackConfig(timeout=Duration.from_minutes(30), returns=Quote)
PICK_UP = WaitForCallbackConfig(returns=str)


def print_label(shipment: Shipment) -> str:
    return f"{shipment.kilos:g} kg"


def rounded(shipment: Shipment) -> int:
    return round(shipment.kilos + 0.5)


def ask(callback_id: str, carrier: str, kilos: int) -> None:
    """Stands for a request to the carrier, which answers the callback when it has a price or a time."""


def offer(label: str, quotes: BatchResult[Quote], pick_up: str) -> Offer:
    return Offer(label, min(quotes.results, key=lambda quote: quote.price, default=None), quotes.failure_count, pick_up)


@durable_execution
async def ship(shipment: Shipment, ctx: DurableContext) -> Offer:
    # Operands are operations, tasks, coroutines, or functions of a context of their own.
    label, kilos = await ctx.all((ctx.step(print_label, shipment), ctx.step(rounded, shipment)), name="prepare")

    # What became of each; an error of one is no error of all.
    asked = [ctx.wait_for_callback(ask, name, kilos, name=name, config=IN_HALF_AN_HOUR) for name in shipment.carriers]
    quotes = await ctx.all_settled(asked, name="quotes")

    # The first success of two couriers, unless ten minutes are over first. What is too late is cancelled.
    async def courier() -> str:
        couriers = [ctx.wait_for_callback(ask, name, kilos, name=name, config=PICK_UP) for name in ("bike", "van")]
        return await ctx.any(couriers, name="courier")

    async def tomorrow() -> str:
        await ctx.wait(Duration.from_minutes(10), name="patience")
        return "tomorrow"

    return offer(label, quotes, await ctx.race([courier(), tomorrow()], name="pick-up"))


@durable_execution
def ship_blocking(shipment: Shipment, ctx: blocking.DurableContext) -> Offer:
    # Operands are functions of a context of their own.
    label, kilos = ctx.all(
        (lambda each: each.step(print_label, shipment), lambda each: each.step(rounded, shipment)), name="prepare"
    )

    def quote(carrier: str, each: blocking.DurableContext) -> Quote:
        return each.wait_for_callback(ask, carrier, kilos, name=carrier, config=IN_HALF_AN_HOUR)

    quotes = ctx.all_settled([partial(quote, name) for name in shipment.carriers], name="quotes")

    def time_of(name: str, each: blocking.DurableContext) -> str:
        return each.wait_for_callback(ask, name, kilos, name=name, config=PICK_UP)

    def courier(each: blocking.DurableContext) -> str:
        return each.any([partial(time_of, name) for name in ("bike", "van")], name="courier")

    def tomorrow(each: blocking.DurableContext) -> str:
        each.wait(Duration.from_minutes(10), name="patience")
        return "tomorrow"

    return offer(label, quotes, ctx.race([courier, tomorrow], name="pick-up"))


def main() -> None:
    """Run both with two quotes and one courier, and once with no answer at all."""
    answers = {"dhl": Quote("dhl", 9.5), "ups": Quote("ups", 8.0), "van": "at four"}
    for handler, callbacks in ((ship, answers), (ship_blocking, answers), (ship, {})):
        with LocalRunner(handler) as runner:
            result = runner.run(Shipment(2.3, ["dhl", "ups", "dpd"]), callbacks=callbacks)
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
