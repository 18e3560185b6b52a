"""What an editor infers of decorated handlers. Read by the type checkers alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, TypedDict, assert_type

from durable_core import (
    DurableContext,
    DurableFunction,
    ExponentialBackoff,
    FixedDelay,
    NoRetry,
    ReplayLogging,
    RetryDecision,
    RetryPresets,
    RetryStrategy,
    SerDes,
    SerDesContext,
    ServiceLimits,
    StepConfig,
    blocking,
    durable_execution,
)
from durable_core.spi import Workflow


@dataclass
class OrderEvent:
    order_id: str


class OrderTuple(NamedTuple):
    order_id: str


class OrderDict(TypedDict):
    order_id: str


@dataclass
class OrderResult:
    status: str


class Upper:
    """A serializer is any object with the two methods."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return value.upper()

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data


def twice(error: BaseException, attempt: int) -> RetryDecision:
    """A strategy is any function of an error and an attempt."""
    return RetryDecision.retry_after(timedelta(seconds=attempt)) if attempt < 2 else RetryDecision.stop()


strategies: list[RetryStrategy] = [twice, NoRetry(), FixedDelay(3), ExponentialBackoff(), RetryPresets.CRITICAL]
serializer: SerDes[str] = Upper()
config = StepConfig(retry_strategy=twice, serdes=serializer, timeout=timedelta(seconds=5), errors=(ValueError,))


@durable_execution
async def bare(event: OrderEvent, ctx: DurableContext) -> OrderResult:
    return OrderResult(event.order_id)


@durable_execution(
    retry_strategy=FixedDelay(3),
    serdes=serializer,
    errors=[KeyError],
    limits=ServiceLimits.DEFAULT,
    replay_logging=ReplayLogging.ALLOW_ALL,
)
async def configured(event: OrderTuple, ctx: DurableContext) -> OrderResult:
    return OrderResult(event.order_id)


@durable_execution
def plain(event: OrderDict, ctx: blocking.DurableContext) -> OrderResult:
    return OrderResult(event["order_id"])


@durable_execution(limits=ServiceLimits.CURRENT)
def plain_configured(event: OrderDict, ctx: blocking.DurableContext) -> list[int]:
    return [len(event["order_id"])]


async def handlers() -> None:
    """A handler is a Lambda entry point: an event in, an answer out."""
    any_of_them: list[DurableFunction[Any]] = [bare, configured, plain, plain_configured]
    assert_type(any_of_them[0].durable, Workflow)
    assert_type(bare({}, None), dict[str, Any])
    assert_type(plain({}), dict[str, Any])
    assert_type(bare.durable, Workflow)


async def undecorated(ctx: DurableContext, waiting: blocking.DurableContext) -> None:
    """What was decorated is there as it was, and is called with its own types."""
    assert_type(await bare.__wrapped__(OrderEvent("ORD-1"), ctx), OrderResult)
    assert_type(await configured.__wrapped__(OrderTuple("ORD-1"), ctx), OrderResult)
    assert_type(plain.__wrapped__({"order_id": "ORD-1"}, waiting), OrderResult)
    assert_type(plain_configured.__wrapped__({"order_id": "ORD-1"}, waiting), list[int])
