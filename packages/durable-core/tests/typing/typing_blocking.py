"""What an editor infers in a ``def`` workflow. Read by the type checkers alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import assert_type

from typing_functions import (
    Charge,
    ChargeLater,
    Receipt,
    Shop,
    bare,
    count,
    fetch,
    named,
    nothing,
    perhaps,
    same,
    total,
)

from durable_core import ChildConfig, Duration, StepConfig
from durable_core.blocking import DurableContext


def child(ctx: DurableContext, amount: int) -> dict[str, int]:
    ctx.wait(timedelta(seconds=1))
    return {"amount": amount}


def steps(ctx: DurableContext, shop: Shop) -> None:
    """A step returns the value itself, of ``def`` and ``async def`` functions alike."""
    assert_type(ctx.step(count), int)
    assert_type(ctx.step(fetch, "https://example.com", name="fetch", config=StepConfig()), Receipt)
    assert_type(ctx.step(partial(fetch, retries=1), "https://example.com"), Receipt)
    assert_type(ctx.step(shop.stock, "box"), list[str])
    assert_type(ctx.step(shop.order, "box"), Receipt)
    assert_type(ctx.step(lambda: count() + 1), int)
    assert_type(ctx.step(Charge(), 9.99), Receipt)
    assert_type(ctx.step(ChargeLater(), 9.99), Receipt)
    assert_type(ctx.step(perhaps), Receipt | None)
    assert_type(ctx.step(bare, 1), str)
    assert_type(ctx.step(named, 1), bytes)
    assert_type(ctx.step(total, 1, 2, 3), int)
    assert_type(ctx.step(same, Receipt(1)), Receipt)
    ctx.step(nothing)


def pauses_and_children(ctx: DurableContext) -> None:
    """A wait returns nothing, a child context what its body returns."""
    ctx.wait(Duration.from_hours(1), name="an hour")
    assert_type(ctx.run_in_child_context(child, 1), dict[str, int])
    assert_type(ctx.run_in_child_context(child, 1, name="child", config=ChildConfig()), dict[str, int])
    assert_type(ctx.run_in_child_context(lambda inner: inner.step(count)), int)


def facts(ctx: DurableContext) -> None:
    """The facts are those of the other flavour."""
    assert_type(ctx.operation_id, str | None)
    assert_type(ctx.started_at, datetime)
    ctx.logger.info("Processing order", order_id="ORD-12345")
