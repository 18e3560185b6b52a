"""Combinators: many outcomes as one, and a replay takes the same. Carriers are asked for quotes; not all answer."""

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
class Shipment:
    kilos: float
    carriers: list[str]


@dataclass
class Quote:
    carrier: str
    price: float


@dataclass
class Shipped:
    label: str
    cheapest: Quote | None
    silent: int
    courier: str
    ended: str


IN_HALF_AN_HOUR = WaitForCallbackConfig(timeout=Duration.from_minutes(30), returns=Quote)
IN_TEN_MINUTES = WaitForCallbackConfig(timeout=Duration.from_minutes(10), returns=str)
SIGNED = WaitForCallbackConfig(returns=str)


def print_label(shipment: Shipment) -> str:
    return f"{shipment.kilos:g} kg"


def rounded(shipment: Shipment) -> int:
    return round(shipment.kilos + 0.5)


def ask(callback_id: str, whom: str) -> None:
    """Stands for a request to somebody who answers the callback when there is an answer."""


def cheapest(quotes: BatchResult[Quote]) -> Quote | None:
    return min(quotes.results, key=lambda quote: quote.price, default=None)


@durable_execution
async def ship(shipment: Shipment, ctx: DurableContext) -> Shipped:
    # Every result. Operands are operations, tasks, coroutines, or functions of a context of their own.
    label, kilos = await ctx.all((ctx.step(print_label, shipment), ctx.step(rounded, shipment)), name="prepare")

    # What became of each: a carrier that does not answer in half an hour is a failure among the others.
    asked = [ctx.wait_for_callback(ask, name, name=name, config=IN_HALF_AN_HOUR) for name in shipment.carriers]
    quotes = await ctx.all_settled(asked, name="quotes")

    # The first success; AllFailedError if there is none.
    couriers = [ctx.wait_for_callback(ask, name, name=name, config=IN_TEN_MINUTES) for name in ("bike", "van")]
    try:
        courier = await ctx.any(couriers, name="courier")
    except AllFailedError:
        courier = "nobody"

    # The first outcome of any kind; what is too late is cancelled.
    async def lost() -> str:
        await ctx.wait(Duration.from_days(3), name="patience")
        return "lost"

    ended = await ctx.race([ctx.wait_for_callback(ask, "door", name="door", config=SIGNED), lost()], name="delivery")
    return Shipped(f"{label}, {kilos} units", cheapest(quotes), quotes.failure_count, courier, ended)


@durable_execution
def ship_blocking(shipment: Shipment, ctx: blocking.DurableContext) -> Shipped:
    # Operands are functions of a context of their own; they run side by side on threads.
    label, kilos = ctx.all(
        (lambda each: each.step(print_label, shipment), lambda each: each.step(rounded, shipment)), name="prepare"
    )

    def quote(carrier: str, each: blocking.DurableContext) -> Quote:
        return each.wait_for_callback(ask, carrier, name=carrier, config=IN_HALF_AN_HOUR)

    quotes = ctx.all_settled([partial(quote, name) for name in shipment.carriers], name="quotes")

    def pick_up(courier: str, each: blocking.DurableContext) -> str:
        return each.wait_for_callback(ask, courier, name=courier, config=IN_TEN_MINUTES)

    try:
        courier = ctx.any([partial(pick_up, name) for name in ("bike", "van")], name="courier")
    except AllFailedError:
        courier = "nobody"

    def signed(each: blocking.DurableContext) -> str:
        return each.wait_for_callback(ask, "door", name="door", config=SIGNED)

    def lost(each: blocking.DurableContext) -> str:
        each.wait(Duration.from_days(3), name="patience")
        return "lost"

    ended = ctx.race([signed, lost], name="delivery")
    return Shipped(f"{label}, {kilos} units", cheapest(quotes), quotes.failure_count, courier, ended)


def main() -> None:
    """Run both with answers from some, and once with none at all."""
    answers = {"dhl": Quote("dhl", 9.5), "ups": Quote("ups", 8.0), "van": "at four", "door": "signed by Ada"}
    for handler, callbacks in ((ship, answers), (ship_blocking, answers), (ship, {})):
        with LocalRunner(handler) as runner:
            result = runner.run(Shipment(2.3, ["dhl", "ups", "dpd"]), callbacks=callbacks)
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
