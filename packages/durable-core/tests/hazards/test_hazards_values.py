"""The program is wrong: its values are not what JSON gives back, or its serializers are not what they should be."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from both_flavours import both_flavours, handler_of
from hazard_runs import Stage, failure_of

from durable_core import (
    ChildConfig,
    DurableContext,
    Duration,
    SerDesContext,
    SerDesError,
    StepConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner

HOUR = Duration.from_hours(1)


class Colour(Enum):
    RED = "red"


@dataclass
class Receipt:
    number: int
    at: datetime
    total: Decimal
    tags: set[str]


@dataclass
class Discounted(Receipt):
    discount: int = 0


class Celsius(float):
    """A subclass of what JSON holds."""


MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
RECEIPT = Receipt(7, MOMENT, Decimal("9.90"), {"a", "b"})
ALTERED: dict[str, Callable[[], Any]] = {
    "a set": lambda: {1, 2},
    "a tuple": lambda: (1, 2),
    "a tuple further in": lambda: {"pair": [(1, 2)]},
    "a datetime": lambda: MOMENT,
    "a timedelta": lambda: HOUR,
    "a decimal": lambda: Decimal("1.10"),
    "an id": lambda: UUID(int=5),
    "an enum": lambda: Colour.RED,
    "a dataclass": lambda: RECEIPT,
    "bytes": lambda: b"bytes",
    "a dict with numbers as keys": lambda: {1: "one"},
    "a dict with a key that is None": lambda: {None: "none"},
    "not a number": lambda: math.nan,
    "infinity": lambda: {"limit": math.inf},
    "a subclass of float": lambda: Celsius(36.6),
    "a subclass of str": lambda: type("Email", (str,), {})("a@b"),
    "a subclass of dict": lambda: type("Config", (dict,), {})(a=1),
    "a complex number": lambda: 1j,
    "a function": lambda: abs,
    "an object": object,
    "a lone surrogate": lambda: "\ud800",
    "a list that holds itself": lambda: endless(),  # noqa: PLW0108 (it stands below)
    "a generator": lambda: (number for number in range(3)),
}


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@both_flavours
@pytest.mark.parametrize("what", ALTERED)
def test_a_result_that_json_would_change_is_refused_the_first_time_with_the_fix(flavour: str, what: str) -> None:
    ran: list[int] = []

    def give() -> Any:
        ran.append(1)
        return ALTERED[what]()

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(give)
        except SerDesError as error:
            await ctx.wait(HOUR)
            return str(error)
        return "accepted"

    result = LocalRunner(handler_of(flavour, body)).run()
    assert result.value.startswith('the value of "give"')
    assert "Annotate the function's return type" in result.value or "declare" in result.value
    assert len(ran) == 1, "it is not retried"
    assert result.operation("give").status == "FAILED"


@both_flavours
def test_a_coroutine_that_a_step_returns_is_awaited(flavour: str) -> None:
    """It is no result: ``ctx.step(lambda: charge(order))``."""

    async def charge() -> str:
        await asyncio.sleep(0)
        return "charged"

    async def body(ctx: DurableContext) -> Any:
        return await ctx.step(lambda: charge(), name="charge")  # noqa: PLW0108

    assert LocalRunner(handler_of(flavour, body)).run().value == "charged"


def under_its_bases_annotation() -> Receipt:
    return Discounted(7, MOMENT, Decimal("9.90"), {"a"}, 3)


def under_another_annotation() -> int:
    return "7"  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def a_float_that_is_no_number() -> float:
    return math.nan


def a_tuple_of_the_wrong_length() -> tuple[int, int]:
    return (1, 2, 3)  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


@both_flavours
@pytest.mark.parametrize(
    "give",
    [under_its_bases_annotation, under_another_annotation, a_float_that_is_no_number, a_tuple_of_the_wrong_length],
)
def test_a_result_that_its_annotation_would_change_is_refused_the_first_time(
    flavour: str, give: Callable[[], Any]
) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(give)
        except SerDesError as error:
            await ctx.wait(HOUR)
            return str(error)
        return "accepted"

    result = LocalRunner(handler_of(flavour, body)).run()
    assert f'the value of "{give.__name__}"' in result.value


@both_flavours
def test_an_annotation_that_can_not_work_is_refused_before_the_body_runs(flavour: str) -> None:
    ran: list[int] = []

    def give() -> complex:
        ran.append(1)
        return 1j

    give.__annotations__["return"] = complex

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(give)
        except SerDesError as error:
            await ctx.wait(HOUR)
            return str(error)
        return "accepted"

    result = LocalRunner(handler_of(flavour, body)).run()
    assert "complex" in result.value
    assert not ran


KEPT: dict[str, tuple[Any, Any]] = {
    "a set": (set[int], {1, 2}),
    "a tuple": (tuple[int, str], (1, "two")),
    "a datetime": (datetime, MOMENT),
    "a timedelta": (timedelta, timedelta(hours=1, microseconds=3)),
    "a decimal": (Decimal, Decimal("1.10")),
    "an id": (UUID, UUID(int=5)),
    "an enum": (Colour, Colour.RED),
    "bytes": (bytes, b"\x00\xff"),
    "a dataclass": (Receipt, RECEIPT),
    "a union": (int | str | None, None),
    "a dict of them": (dict[int, list[datetime]], {1: [MOMENT]}),
}


@both_flavours
@pytest.mark.parametrize("what", KEPT)
def test_one_codec_serves_steps_children_results_and_events(flavour: str, what: str) -> None:
    hint, value = KEPT[what]

    def give() -> Any:
        return value

    async def body(ctx: DurableContext) -> Any:
        async def child(inner: DurableContext) -> Any:
            return await inner.step(give, config=StepConfig(returns=hint))

        first = await ctx.step(give, name="first", config=StepConfig(returns=hint))
        second = await ctx.run_in_child_context(child, config=ChildConfig(returns=hint))
        await ctx.wait(HOUR)
        assert first == second == value
        assert type(first) is type(second) is type(value)
        return first

    async def handler(event: Any, ctx: DurableContext) -> Any:
        assert event == value
        assert type(event) is type(value)
        return await body(ctx)

    def blocking_handler(event: Any, ctx: blocking.DurableContext) -> Any:
        assert event == value
        return event

    chosen: Callable[..., Any] = handler if flavour == "async" else blocking_handler
    chosen.__annotations__ = {"event": hint, "return": hint}
    result = LocalRunner(durable_execution(chosen)).run(value)
    assert result.error is None
    assert result.value == value
    assert type(result.value) is type(value)


@both_flavours
def test_a_handlers_result_that_json_would_change_fails_the_execution_with_the_fix(flavour: str) -> None:
    async def body(ctx: DurableContext) -> Any:
        return {"when": MOMENT}

    answer = Stage(handler_of(flavour, body)).invoke()
    assert answer["Status"] == "FAILED"
    assert 'the value of "the result"' in failure_of(answer).get("ErrorMessage", "")


class GivesBytes:
    def serialize(self, value: Any, context: SerDesContext) -> str:
        return b"bytes"  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    def deserialize(self, data: str, context: SerDesContext) -> Any:
        return data


class GivesADict(GivesBytes):
    def serialize(self, value: Any, context: SerDesContext) -> str:
        return {"value": value}  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


class GivesNothing(GivesBytes):
    def serialize(self, value: Any, context: SerDesContext) -> str:
        return None  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


class GivesASurrogate(GivesBytes):
    def serialize(self, value: Any, context: SerDesContext) -> str:
        return "\ud800"


class RaisesWhenItWrites(GivesBytes):
    def serialize(self, value: Any, context: SerDesContext) -> str:
        raise ZeroDivisionError("in the serializer")


class RaisesWhenItReads(GivesBytes):
    def serialize(self, value: Any, context: SerDesContext) -> str:
        return "text"

    def deserialize(self, data: str, context: SerDesContext) -> Any:
        raise ZeroDivisionError("in the serializer")


class Recurses(GivesBytes):
    def serialize(self, value: Any, context: SerDesContext) -> str:
        return self.serialize(value, context)


SERIALIZERS = [GivesBytes, GivesADict, GivesNothing, GivesASurrogate, RaisesWhenItWrites, RaisesWhenItReads, Recurses]


@both_flavours
@pytest.mark.parametrize("make", SERIALIZERS)
@pytest.mark.parametrize("of", ["a step", "a child", "the handler"])
def test_a_serializer_that_goes_wrong_fails_its_operation_by_name_and_hangs_nothing(
    flavour: str, make: type[Any], of: str
) -> None:
    async def body(ctx: DurableContext) -> str:
        async def child(inner: DurableContext) -> str:
            return "child"

        try:
            if of == "a child":
                await ctx.run_in_child_context(child, name="named", config=ChildConfig(serdes=make()))
            else:
                serdes = make() if of == "a step" else None
                await ctx.step(str, "step", name="named", config=StepConfig(serdes=serdes))
        except SerDesError as error:
            await ctx.wait(HOUR)
            return str(error)
        return "accepted"

    settings = {"serdes": make()} if of == "the handler" else {}
    result = LocalRunner(handler_of(flavour, body, **settings)).run()
    if of == "the handler" and result.status == "FAILED":  # its own result goes through the serializer too
        assert "SerDesError" in str(result.error)
    else:
        assert '"named"' in result.value
    assert result.operation("named").status == "FAILED"
