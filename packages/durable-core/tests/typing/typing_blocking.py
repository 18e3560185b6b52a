"""What an editor infers in a ``def`` workflow. Read by the type checkers alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, assert_type

from typing_functions import (
    Charge,
    ChargeLater,
    Receipt,
    Shop,
    bare,
    count,
    fetch,
    is_ten,
    mail,
    more,
    more_later,
    named,
    nothing,
    perhaps,
    same,
    send,
    total,
)

from durable_core import (
    TEXT,
    BatchItem,
    BatchResult,
    CallbackConfig,
    Checkpointing,
    ChildConfig,
    Duration,
    InvokeConfig,
    ItemBatcher,
    MapConfig,
    Nesting,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    durable_execution,
    poll_every,
    poll_with_backoff,
)
from durable_core.blocking import Callback, DurableContext


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


UNTIL_TEN: WaitForConditionConfig[int] = WaitForConditionConfig(wait_strategy=poll_every(timedelta(1), until=is_ten))


def conditions(ctx: DurableContext) -> None:
    """A condition returns the state itself, of ``def`` and ``async def`` checks alike."""
    assert_type(ctx.wait_for_condition(more, initial_state=0, config=UNTIL_TEN), int)
    assert_type(ctx.wait_for_condition(lambda state: state + 1, initial_state=0, name="more", config=UNTIL_TEN), int)
    assert_type(
        ctx.wait_for_condition(
            more_later,
            initial_state=Receipt(0),
            config=WaitForConditionConfig(wait_strategy=poll_with_backoff(until=lambda receipt: receipt.number > 3)),
        ),
        Receipt,
    )


def callbacks(ctx: DurableContext) -> None:
    """A callback has the type that its configuration names, and waits when its result is asked for."""
    assert_type(ctx.create_callback(), Callback[Any])
    callback = ctx.create_callback(name="approval", config=CallbackConfig(returns=Receipt))
    assert_type(callback, Callback[Receipt])
    assert_type(callback.callback_id, str)
    assert_type(callback.result(), Receipt)
    assert_type(ctx.create_callback(config=CallbackConfig(serdes=TEXT)).result(), str)
    untyped = ctx.create_callback(config=CallbackConfig(timeout=timedelta(1)))
    assert_type(untyped.result(), Any)
    assert_type(ctx.wait_for_callback(send), Any)
    assert_type(ctx.wait_for_callback(send, config=WaitForCallbackConfig(returns=Receipt)), Receipt)
    assert_type(ctx.wait_for_callback(mail, "a@b", 2, name="mail", config=WaitForCallbackConfig(serdes=TEXT)), str)
    assert_type(ctx.wait_for_callback(partial(mail, copies=2), "a@b", config=WaitForCallbackConfig[int]()), int)


def invocations(ctx: DurableContext) -> None:
    """So does what is invoked."""
    assert_type(ctx.invoke("orders", Receipt(1)), Any)
    assert_type(ctx.invoke("orders", [1], name="order", config=InvokeConfig(returns=Receipt)), Receipt)
    assert_type(ctx.invoke("orders", config=InvokeConfig(result_serdes=TEXT)), str)


def one(ctx: DurableContext, item: str, index: int) -> Receipt:
    return ctx.step(fetch, item)


def counted(ctx: DurableContext) -> int:
    return ctx.step(count)


def received(ctx: DurableContext) -> Receipt:
    return ctx.step(fetch, "https://example.com")


def fan_outs(ctx: DurableContext) -> None:
    """A map gives what its function gives, for each item, in batches or not; branches of parallel may differ."""
    batch = ctx.map(["a", "b"], one)
    assert_type(batch, BatchResult[Receipt])
    assert_type(batch.results, list[Receipt])
    assert_type(batch.items[0], BatchItem[Receipt])
    in_batches = MapConfig[Receipt](batcher=ItemBatcher(max_items=10, max_bytes=1_000), nesting=Nesting.FLAT)
    assert_type(ctx.map(("a", "b"), one, name="all", config=in_batches), BatchResult[Receipt])
    assert_type(ctx.map(range(3), lambda inner, item, index: inner.step(count) + item), BatchResult[int])
    assert_type(ctx.parallel([counted, received], config=ParallelConfig(max_concurrency=2)), BatchResult[Any])
    assert_type(ctx.parallel([counted, ParallelBranch(received, "receipt")]), BatchResult[Any])
    assert_type(ctx.parallel({"count": counted, "receipt": received}), BatchResult[Any])


def combinators(ctx: DurableContext) -> None:
    """A tuple gives a tuple, so that operands may differ; what is one of them has their type."""
    assert_type(ctx.all((counted, received)), tuple[int, Receipt])
    assert_type(ctx.all((counted, received, counted)), tuple[int, Receipt, int])
    assert_type(ctx.all([counted, counted]), list[int])
    assert_type(ctx.any([counted, counted]), int)
    assert_type(ctx.race([received, received], name="first"), Receipt)
    assert_type(ctx.all_settled([counted, counted]), BatchResult[int])


@durable_execution(checkpointing=Checkpointing.BATCHED)
def batched(event: Receipt, ctx: DurableContext) -> int:
    return event.number


def facts(ctx: DurableContext) -> None:
    """The facts are those of the other flavour."""
    assert_type(ctx.operation_id, str | None)
    assert_type(ctx.started_at, datetime)
    ctx.logger.info("Processing order", order_id="ORD-12345")
