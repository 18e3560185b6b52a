"""What an editor infers in an ``async def`` workflow. Read by the type checkers alone."""

from __future__ import annotations

import asyncio
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
    promise,
    same,
    same_later,
    send,
    total,
)

from durable_core import (
    TEXT,
    BatchItem,
    BatchResult,
    Callback,
    CallbackConfig,
    Checkpointing,
    ChildConfig,
    DurableContext,
    Duration,
    FixedDelay,
    InvokeConfig,
    ItemBatcher,
    MapConfig,
    Nesting,
    Operation,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
    WaitDecision,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    WaitStrategy,
    durable_execution,
    poll_every,
    poll_with_backoff,
    step_context,
)
from durable_core.spi import Operation as RecordedOperation


async def child(ctx: DurableContext, amount: int) -> dict[str, int]:
    await ctx.wait(timedelta(seconds=1))
    return {"amount": amount}


async def steps(ctx: DurableContext, shop: Shop) -> None:
    """A step gives what its function gives, awaited if it can be."""
    assert_type(ctx.step(count), Operation[int])
    assert_type(await ctx.step(count), int)
    assert_type(await ctx.step(fetch, "https://example.com"), Receipt)
    assert_type(await ctx.step(fetch, "https://example.com", 5, name="fetch", config=StepConfig()), Receipt)
    assert_type(await ctx.step(promise), str)
    assert_type(await ctx.step(nothing), None)
    assert_type(await ctx.step(perhaps), Receipt | None)
    assert_type(await ctx.step(partial(fetch, retries=1), "https://example.com"), Receipt)
    assert_type(await ctx.step(shop.stock, "box"), list[str])
    assert_type(await ctx.step(shop.order, "box"), Receipt)
    assert_type(await ctx.step(Shop.opened), Shop)
    assert_type(await ctx.step(Shop.tax, 1.0), float)
    assert_type(await ctx.step(lambda: count() + 1), int)
    assert_type(await ctx.step(lambda: fetch("https://example.com")), Receipt)
    assert_type(await ctx.step(Charge(), 9.99), Receipt)
    assert_type(await ctx.step(ChargeLater(), 9.99), Receipt)
    assert_type(await ctx.step(Receipt, 1), Receipt)
    assert_type(await ctx.step(bare, 1), str)
    assert_type(await ctx.step(named, 1), bytes)
    assert_type(await ctx.step(total, 1, 2, 3), int)
    assert_type(await ctx.step(total), int)
    assert_type(await ctx.step(same, Receipt(1)), Receipt)
    assert_type(await ctx.step(same_later, Receipt(1)), Receipt)
    assert_type(await ctx.step(asyncio.sleep, 1.0), None)


async def pauses_and_children(ctx: DurableContext) -> None:
    """A wait gives nothing, a child context what its body returns."""
    assert_type(await ctx.wait(timedelta(days=1), name="a day"), None)
    assert_type(await ctx.wait(Duration.from_days(1)), None)
    assert_type(await ctx.run_in_child_context(child, 1), dict[str, int])
    assert_type(await ctx.run_in_child_context(child, 1, name="child", config=ChildConfig()), dict[str, int])


UNTIL_TEN: WaitForConditionConfig[int] = WaitForConditionConfig(
    wait_strategy=poll_every(timedelta(1), until=lambda state: state >= 10)
)
UNTIL_PAID: WaitForConditionConfig[Receipt] = WaitForConditionConfig(
    wait_strategy=poll_with_backoff(until=lambda receipt: receipt.number > 3), retry_strategy=FixedDelay(3)
)


async def conditions(ctx: DurableContext) -> None:
    """A condition gives the state that its check gives, awaited if it can be."""
    assert_type(ctx.wait_for_condition(more, initial_state=0, config=UNTIL_TEN), Operation[int])
    assert_type(await ctx.wait_for_condition(more, initial_state=0, config=UNTIL_TEN), int)
    assert_type(
        await ctx.wait_for_condition(more_later, initial_state=Receipt(1), name="paid", config=UNTIL_PAID), Receipt
    )
    assert_type(
        await ctx.wait_for_condition(lambda state: state + 1, initial_state=0, config=UNTIL_TEN),
        int,
    )
    strategy: WaitStrategy[int] = lambda state, attempt: WaitDecision.done()  # noqa: E731
    assert_type(
        await ctx.wait_for_condition(more, initial_state=0, config=WaitForConditionConfig(wait_strategy=strategy)), int
    )
    shop = Shop()
    assert_type(await ctx.wait_for_condition(shop.count, initial_state=0, config=UNTIL_TEN), int)


async def inline_conditions(ctx: DurableContext) -> None:
    """A lambda for the end of a condition knows the type of its state."""
    by_ten = WaitForConditionConfig(wait_strategy=poll_every(timedelta(1), until=is_ten), timeout=timedelta(1))
    assert_type(by_ten, WaitForConditionConfig[int])
    assert_type(
        await ctx.wait_for_condition(
            more,
            initial_state=0,
            config=WaitForConditionConfig(wait_strategy=poll_every(timedelta(1), until=lambda state: state >= 10)),
        ),
        int,
    )
    assert_type(
        await ctx.wait_for_condition(
            more_later,
            initial_state=Receipt(0),
            config=WaitForConditionConfig(wait_strategy=poll_with_backoff(until=lambda receipt: receipt.number > 3)),
        ),
        Receipt,
    )


async def callbacks(ctx: DurableContext) -> None:
    """A callback has the type that its configuration names; without one, that of any JSON."""
    assert_type(ctx.create_callback(), Operation[Callback[Any]])
    assert_type(await ctx.create_callback(name="approval"), Callback[Any])
    callback = await ctx.create_callback(name="approval", config=CallbackConfig(returns=Receipt, timeout=timedelta(1)))
    assert_type(callback, Callback[Receipt])
    assert_type(callback.callback_id, str)
    assert_type(callback.name, str | None)
    assert_type(callback.result(), Operation[Receipt])
    assert_type(await callback.result(), Receipt)
    assert_type(await (await ctx.create_callback(config=CallbackConfig(serdes=TEXT))).result(), str)
    assert_type(await (await ctx.create_callback(config=CallbackConfig[int]())).result(), int)
    untyped = await ctx.create_callback(config=CallbackConfig(timeout=timedelta(1)))
    assert_type(untyped, Callback[Any])
    assert_type(await asyncio.gather(callback.result(), ctx.step(count)), tuple[Receipt, int])
    assert_type(asyncio.create_task(callback.result()), asyncio.Task[Receipt])


async def questions(ctx: DurableContext) -> None:
    """So has an answer; a submitter takes the id and its own arguments, whatever it returns."""
    assert_type(ctx.wait_for_callback(send), Operation[Any])
    assert_type(await ctx.wait_for_callback(send, name="approval"), Any)
    assert_type(await ctx.wait_for_callback(send, config=WaitForCallbackConfig(returns=Receipt)), Receipt)
    assert_type(await ctx.wait_for_callback(mail, "a@b", 2, config=WaitForCallbackConfig(serdes=TEXT)), str)
    assert_type(await ctx.wait_for_callback(partial(mail, copies=2), "a@b", config=WaitForCallbackConfig[int]()), int)
    assert_type(await ctx.wait_for_callback(lambda callback_id: count(), name="approval"), Any)
    untyped = await ctx.wait_for_callback(send, config=WaitForCallbackConfig(timeout=timedelta(1)))
    assert_type(untyped, Any)


async def invocations(ctx: DurableContext) -> None:
    """And a result; a payload is anything."""
    assert_type(ctx.invoke("orders"), Operation[Any])
    assert_type(await ctx.invoke("orders", Receipt(1), name="order"), Any)
    assert_type(await ctx.invoke("orders", {"a": [1]}, config=InvokeConfig(returns=Receipt)), Receipt)
    assert_type(await ctx.invoke("orders", None, config=InvokeConfig(result_serdes=TEXT, tenant_id="t")), str)
    assert_type(await ctx.invoke("orders", config=InvokeConfig[list[int]]()), list[int])
    untyped = await ctx.invoke("orders", config=InvokeConfig(tenant_id="t"))
    assert_type(untyped, Any)
    assert_type(
        await asyncio.gather(ctx.invoke("one", config=InvokeConfig(returns=int)), ctx.wait(timedelta(1))),
        tuple[int, None],
    )


async def inline_children(ctx: DurableContext) -> None:
    """The context that a lambda is given is that of the flavour."""
    operation = ctx.run_in_child_context(lambda inner: inner.wait(timedelta(1)))
    await operation
    await ctx.run_in_child_context(lambda inner, seconds: inner.wait(timedelta(seconds=seconds)), 3)


ANSWERED = CallbackConfig(returns=Receipt)
ASKED = WaitForCallbackConfig(returns=Receipt)
INVOKED = InvokeConfig(returns=Receipt)


def submit(callback_id: str) -> None: ...


async def answers(ctx: DurableContext) -> None:
    """What comes from outside has the type that its config names, also where any object will do."""
    assert_type(await ctx.create_callback(config=ANSWERED), Callback[Receipt])
    assert_type(await ctx.wait_for_callback(submit, config=ASKED), Receipt)
    assert_type(await ctx.invoke("charge", config=INVOKED), Receipt)
    print(await ctx.create_callback(config=ANSWERED))
    print(await ctx.wait_for_callback(submit, config=ASKED))
    print(await ctx.invoke("charge", config=INVOKED))


async def concurrency(ctx: DurableContext) -> None:
    """asyncio takes an operation as it takes a coroutine, and keeps its type."""
    assert_type(
        await asyncio.gather(ctx.step(count), ctx.step(fetch, ""), ctx.wait(timedelta(1))), tuple[int, Receipt, None]
    )
    assert_type(await asyncio.gather(*[ctx.step(count) for _ in range(3)]), list[int])
    assert_type(
        await asyncio.gather(ctx.step(count), ctx.step(bare, 1), return_exceptions=True),
        tuple[int | BaseException, str | BaseException],
    )
    assert_type(asyncio.create_task(ctx.step(count)), asyncio.Task[int])
    assert_type(asyncio.create_task(ctx.wait(timedelta(1)), name="pause"), asyncio.Task[None])
    assert_type(asyncio.ensure_future(ctx.step(count)), asyncio.Task[int])
    assert_type(await asyncio.shield(ctx.step(count)), int)
    async with asyncio.TaskGroup() as group:
        assert_type(group.create_task(ctx.step(fetch, "")), asyncio.Task[Receipt])
        assert_type(group.create_task(ctx.run_in_child_context(child, 1)), asyncio.Task[dict[str, int]])


async def one(ctx: DurableContext, item: str, index: int) -> Receipt:
    return await ctx.step(fetch, item)


async def counted(ctx: DurableContext) -> int:
    return await ctx.step(count)


async def received(ctx: DurableContext) -> Receipt:
    return await ctx.step(fetch, "https://example.com")


async def fan_outs(ctx: DurableContext) -> None:
    """A map gives what its function gives, for each item, in batches or not; branches of parallel may differ."""
    batch = await ctx.map(["a", "b"], one)
    assert_type(batch, BatchResult[Receipt])
    assert_type(batch.results, list[Receipt])
    assert_type(batch.items[0], BatchItem[Receipt])
    assert_type(batch.items[0].result, Receipt | None)
    in_batches = MapConfig[Receipt](batcher=ItemBatcher(max_items=10, max_bytes=1_000), nesting=Nesting.FLAT)
    assert_type(await ctx.map(("a", "b"), one, name="all", config=in_batches), BatchResult[Receipt])
    assert_type(await ctx.parallel([counted, received], config=ParallelConfig(max_concurrency=2)), BatchResult[Any])
    assert_type(await ctx.parallel([counted, ParallelBranch(received, "receipt")]), BatchResult[Any])
    assert_type(await ctx.parallel({"count": counted, "receipt": received}), BatchResult[Any])


async def combinators(ctx: DurableContext) -> None:
    """A tuple gives a tuple, so that operands may differ; what is one of them has their type."""
    assert_type(await ctx.all((ctx.step(count), received)), tuple[int, Receipt])
    assert_type(await ctx.all((counted, received, ctx.wait(timedelta(1)))), tuple[int, Receipt, None])
    assert_type(await ctx.all([counted, counted]), list[int])
    assert_type(await ctx.all([ctx.step(count), ctx.step(count)]), list[int])
    assert_type(await ctx.any([asyncio.create_task(counted(ctx))]), int)
    in_time = await ctx.race([ctx.step(count), ctx.wait(timedelta(1))])
    assert_type(in_time, int | None)
    assert_type(await ctx.race([received(ctx), received(ctx)]), Receipt)
    assert_type(await ctx.all_settled([counted, counted], name="both"), BatchResult[int])


@durable_execution(checkpointing=Checkpointing.OPTIMISTIC)
async def optimistic(event: Receipt, ctx: DurableContext) -> int:
    return event.number


async def facts(ctx: DurableContext) -> None:
    """An operation says its name and id, a context what it knows."""
    operation = ctx.step(count)
    assert_type(operation.name, str | None)
    assert_type(operation.operation_id, str)
    assert_type(ctx.execution_arn, str)
    assert_type(ctx.execution_name, str)
    assert_type(ctx.operation_id, str | None)
    assert_type(ctx.parent_id, str | None)
    assert_type(ctx.replay_key, str)
    assert_type(ctx.started_at, datetime)
    assert_type(ctx.is_replaying, bool)
    assert_type(ctx.lambda_context, Any)
    assert_type(step_context().attempt, int)
    assert_type(step_context().idempotency_key, str)
    ctx.logger.info("Processing order", order_id="ORD-12345", amount=99.99)
    ctx.log_warning("late", by=timedelta(1))


def shapes(entry: RecordedOperation) -> None:
    """The wire's operation is a TypedDict of its own, told apart from the one that is awaited."""
    assert_type(entry["Id"], str)
