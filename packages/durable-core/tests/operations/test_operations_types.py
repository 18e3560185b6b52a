"""Typed states, answers, payloads and results: what comes back is equal and of the same class, in every invocation."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

import pydantic
import pytest
from both_flavours import both_flavours, handler_of
from operation_runs import MINUTE, SECOND, run

from durable_core import (
    TEXT,
    CallbackConfig,
    DurableContext,
    InvokeConfig,
    SerDesContext,
    SerDesError,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    poll_every,
)
from durable_core.spi import encode_json
from durable_testing import LocalRunner


class Colour(Enum):
    RED = "red"


@dataclass
class Item:
    name: str
    price: Decimal


@dataclass
class Order:
    id: UUID
    at: datetime
    items: list[Item] = field(default_factory=list)


class Point(NamedTuple):
    x: int
    y: int


class Stock(TypedDict):
    left: int


class Customer(pydantic.BaseModel):
    name: str
    tags: set[str]


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ORDER = Order(UUID(int=7), NOON, [Item("tea", Decimal("1.10"))])
VALUES: dict[str, tuple[Any, Any]] = {
    "a dataclass": (Order, ORDER),
    "dataclasses in a list": (list[Order], [ORDER, ORDER]),
    "a pydantic model": (Customer, Customer(name="Ann", tags={"a"})),
    "pydantic models in a dict": (dict[str, Customer], {"a": Customer(name="Ann", tags=set())}),
    "a named tuple": (Point, Point(1, 2)),
    "a typed dict": (Stock, {"left": 3}),
    "an id": (UUID, UUID(int=9)),
    "a moment": (datetime, NOON),
    "a duration": (timedelta, timedelta(seconds=90)),
    "an amount": (Decimal, Decimal("9.90")),
    "an enum": (Colour, Colour.RED),
    "a set": (set[int], {1, 2, 3}),
    "a tuple": (tuple[int, str], (1, "one")),
    "bytes": (bytes, b"\x00\xff"),
    "something or nothing": (Order | None, None),
    "nothing": (type(None), None),
    "a large number": (int, 2**63),
    "plain JSON": (None, {"a": [1, 2.5, "ü", None, True, {}]}),
}


def same_class(one: Any, other: Any) -> bool:
    """Equal, and of the same class all the way down where that can be told."""
    return type(one) is type(other) and one == other and repr(one) == repr(other)


async def condition(ctx: DurableContext, hint: Any, value: Any, seen: list[Any]) -> Any:
    """Look twice; the second look is given what the first one returned."""

    def check(state: Any) -> Any:
        seen.append(state)
        return value

    def twice(state: Any) -> bool:
        seen.append(state)
        return len(seen) > 2

    config: Any = WaitForConditionConfig(wait_strategy=poll_every(MINUTE, until=twice), returns=hint)
    return await ctx.wait_for_condition(check, initial_state=value, name="it", config=config)


async def callback(ctx: DurableContext, hint: Any, value: Any, seen: list[Any]) -> Any:
    return await (await ctx.create_callback(name="it", config=CallbackConfig(returns=hint))).result()


async def question(ctx: DurableContext, hint: Any, value: Any, seen: list[Any]) -> Any:
    return await ctx.wait_for_callback(send, name="it", config=WaitForCallbackConfig(returns=hint))


async def invoke(ctx: DurableContext, hint: Any, value: Any, seen: list[Any]) -> Any:
    return await ctx.invoke("echo", value, name="it", config=InvokeConfig(returns=hint))


def send(callback_id: str) -> None:
    """Tell nobody."""


def tell(callback_id: str) -> str:
    return "told"


def echo(event: Any) -> Any:
    return event


OPERATIONS: list[Callable[..., Awaitable[Any]]] = [condition, callback, question, invoke]


@both_flavours
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.__name__))
@pytest.mark.parametrize("what", VALUES)
def test_a_value_comes_back_as_it_was(what: str, operation: Any, flavour: str) -> None:
    """From JSON that anybody could have written: the record is what the API shows."""
    hint, value = VALUES[what]
    results: list[Any] = []
    seen: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        results.append(await operation(ctx, hint, value, seen))
        await ctx.wait(SECOND)

    result = run(flavour, body, callbacks={"it": value}, functions={"echo": echo})
    assert len(results) > 1
    assert all(same_class(each, value) for each in [*results, *seen])
    assert result.operation("it").result == json.loads(encode_json(value))


class Upper:
    """Text, in capitals in the record."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return value.upper()

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data.lower()


@both_flavours
@pytest.mark.parametrize(("serdes", "record"), [(Upper(), "READY"), (TEXT, "ready")])
@pytest.mark.parametrize("whose", ["the operation's", "the handler's"])
def test_a_serializer_of_the_programs_own_writes_and_reads_states_and_answers(
    flavour: str, serdes: Any, record: str, whose: str
) -> None:
    own = serdes if whose == "the operation's" else None
    until_ready: Any = WaitForConditionConfig(wait_strategy=poll_every(MINUTE, until="ready".__eq__), serdes=own)

    def check(state: str) -> str:
        return "ready" if state == "waiting" else "waiting"

    async def body(ctx: DurableContext) -> list[str]:
        made = await ctx.create_callback(name="made", config=CallbackConfig(serdes=own))
        return [
            await ctx.wait_for_condition(check, initial_state="begun", name="looked", config=until_ready),
            await made.result(),
            await ctx.wait_for_callback(tell, name="asked", config=WaitForCallbackConfig(serdes=own)),
        ]

    runner = LocalRunner(handler_of(flavour, body, serdes=None if own else serdes))
    answers = dict.fromkeys(["made", "asked"], lambda pending: pending.succeed_with_text(record))
    result = runner.run(callbacks=answers)
    assert result.value == ["ready"] * 3
    assert [result.operation(name).payload for name in ("looked", "made", "asked")] == [record] * 3


@both_flavours
def test_a_state_that_json_would_change_is_refused_the_first_time_with_the_fix(flavour: str) -> None:
    def check(state: int) -> Any:
        return {1, 2}

    async def body(ctx: DurableContext) -> Any:
        polling: Any = WaitForConditionConfig(wait_strategy=poll_every(MINUTE, until=bool))
        return await ctx.wait_for_condition(check, initial_state=0, config=polling)

    result = run(flavour, body)
    assert result.error is not None
    assert result.error.get("ErrorType") == "durable_core.SerDesError"
    assert "Annotate the function's return type" in result.error.get("ErrorMessage", "")
    assert result.operation("check").attempts == 1


@both_flavours
def test_a_payload_of_any_class_is_written_as_json_without_a_type_to_name(flavour: str) -> None:
    """Nobody reads it back here: the other function has it as plain JSON."""
    given: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        await ctx.invoke("note", {"order": ORDER, "colours": {Colour.RED}, "who": Customer(name="Ann", tags={"a"})})

    run(flavour, body, functions={"note": given.append})
    assert given == [
        {
            "order": {
                "id": str(ORDER.id),
                "at": "2026-01-02T12:00:00Z",
                "items": [{"name": "tea", "price": "1.10"}],
            },
            "colours": ["red"],
            "who": {"name": "Ann", "tags": ["a"]},
        }
    ]


@both_flavours
def test_a_result_of_another_type_than_declared_is_refused_each_time(flavour: str) -> None:
    refusals: list[str] = []

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.invoke("echo", "seven", name="number", config=InvokeConfig(returns=int))
        except SerDesError as error:
            refusals.append(str(error))
        await ctx.wait(SECOND)
        return "went on"

    assert run(flavour, body, functions={"echo": echo}).value == "went on"
    assert len(refusals) > 1
    assert len(set(refusals)) == 1
    assert '"number"' in refusals[0]
