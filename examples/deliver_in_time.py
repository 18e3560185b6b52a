"""``all`` and ``race``: what must all be done before a parcel leaves, and a time limit for its arrival."""

from __future__ import annotations

from dataclasses import dataclass

from durable_core import DurableContext, Duration, WaitForCallbackConfig, blocking, durable_execution
from durable_testing import LocalRunner


@dataclass
class Parcel:
    parcel_id: str
    kilos: float


SIGNED = WaitForCallbackConfig(returns=str)
THREE_DAYS = Duration.from_days(3)


def print_label(parcel: Parcel) -> str:
    return f"label of {parcel.parcel_id}"


def price(parcel: Parcel) -> int:
    return round(3 + parcel.kilos * 2)


def await_signature(callback_id: str, label: str) -> None:
    """Stands for a request to the driver's device, which answers the callback at the door."""


def refund(amount: int) -> str:
    return f"lost, {amount} refunded"


@durable_execution
async def deliver(parcel: Parcel, ctx: DurableContext) -> str:
    # Every result, in order; the first error is raised, and the others are cancelled.
    label, paid = await ctx.all((ctx.step(print_label, parcel), ctx.step(price, parcel)), name="prepare")

    async def lost() -> None:
        await ctx.wait(THREE_DAYS, name="three-days")

    # The first outcome; what is too late is cancelled.
    signature = ctx.wait_for_callback(await_signature, label, name="signature", config=SIGNED)
    signed_by = await ctx.race([signature, lost()], name="arrival")
    if signed_by is None:
        return await ctx.step(refund, paid)
    return f"signed by {signed_by}"


@durable_execution
def deliver_blocking(parcel: Parcel, ctx: blocking.DurableContext) -> str:
    label, paid = ctx.all(
        (lambda each: each.step(print_label, parcel), lambda each: each.step(price, parcel)), name="prepare"
    )

    def signature(each: blocking.DurableContext) -> str | None:
        return each.wait_for_callback(await_signature, label, name="signature", config=SIGNED)

    def lost(each: blocking.DurableContext) -> None:
        each.wait(THREE_DAYS, name="three-days")

    signed_by = ctx.race([signature, lost], name="arrival")
    if signed_by is None:
        return ctx.step(refund, paid)
    return f"signed by {signed_by}"


def main() -> None:
    """Run both with a signature, and once without."""
    for handler, callbacks in (
        (deliver, {"signature": "Ada"}),
        (deliver_blocking, {"signature": "Ada"}),
        (deliver, {}),
    ):
        with LocalRunner(handler) as runner:
            result = runner.run(Parcel("P-1", 2.3), callbacks=callbacks)
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
