"""pydantic models go through pydantic, alone or inside what msgspec reads."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

import pytest
from leaf_values import BERLIN, NOON, Color, Item, Level, read, write
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, PrivateAttr, RootModel, computed_field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from durable_core import DurableContext, SerDesError, durable_execution
from durable_core.serdes import encode_json, json_serdes
from durable_testing import LocalRunner

T = TypeVar("T")


class Customer(BaseModel):
    name: str
    since: datetime


class Gold(Customer):
    points: int = 0


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    id: UUID
    at: datetime
    took: timedelta
    total: Decimal
    color: Color
    level: Level
    tags: set[str]
    pair: tuple[int, str]


class Linked(BaseModel):
    link: AnyUrl
    ratio: float | None = None


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    order_id: int = Field(alias="orderId")


class Page(BaseModel, Generic[T]):
    entries: list[T]


class Numbers(RootModel[list[int]]):
    """A model that is a list."""


class Computed(BaseModel):
    width: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> int:
        return self.width**2


class Private(BaseModel):
    shown: int
    _kept: int = PrivateAttr(default=0)


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    customer: Customer


class Excluding(BaseModel):
    shown: int
    secret: int = Field(default=1, exclude=True)


class WrittenOtherwise(BaseModel):
    a: int = Field(serialization_alias="A")


class Anything(BaseModel):
    value: Any


@dataclass
class Letter:
    to: Customer
    copies: list[Customer]
    page: Page[int]


@pydantic_dataclass
class Checked:
    a: int
    at: datetime


ANNA = Customer(name="Anna", since=NOON)
STRICT = Strict(
    id=UUID(int=7),
    at=BERLIN,
    took=timedelta(days=1),
    total=Decimal("2.50"),
    color=Color.RED,
    level=Level.HIGH,
    tags={"a"},
    pair=(1, "one"),
)
ROUND_TRIPS: list[tuple[Any, Any, str | None]] = [
    (Customer, ANNA, '{"name":"Anna","since":"2026-09-22T12:00:00.123456Z"}'),
    (Gold, Gold(name="Anna", since=NOON, points=3), None),
    (Strict, STRICT, None),
    (Aliased, Aliased(orderId=1), '{"orderId":1}'),
    (Page[int], Page[int](entries=[1]), '{"entries":[1]}'),
    (Page[Customer], Page[Customer](entries=[ANNA]), None),
    (Page, Page(entries=[1, "a"]), '{"entries":[1,"a"]}'),
    (Numbers, Numbers([1, 2]), "[1,2]"),
    (Computed, Computed(width=3), '{"width":3}'),
    (Private, Private(shown=1), '{"shown":1}'),
    (Open, Open(a=1, b=[2]), '{"a":1,"b":[2]}'),  # type: ignore[call-arg]
    (Closed, Closed(customer=ANNA), None),
    (Excluding, Excluding(shown=1), '{"shown":1}'),
    (list[Customer], [ANNA], None),
    (dict[str, Customer], {"anna": ANNA}, None),
    (tuple[Strict, ...], (STRICT,), None),
    (Customer | None, ANNA, None),
    (Customer | None, None, "null"),
    (Letter, Letter(ANNA, [ANNA], Page[int](entries=[1])), None),
    (Checked, Checked(a=1, at=NOON), '{"a":1,"at":"2026-09-22T12:00:00.123456Z"}'),
]


@pytest.mark.parametrize(("hint", "value", "data"), ROUND_TRIPS)
def test_a_model_comes_back_equal_and_of_the_same_class(hint: Any, value: Any, data: str | None) -> None:
    """Strict ones, aliases, generics, computed fields, models in dataclasses and in containers."""
    written, seen = write(json_serdes(hint), value)
    assert data is None or written == data
    for after in (seen, read(json_serdes(hint), written)):
        assert after == value
        assert type(after) is type(value)


REFUSED: list[tuple[str, Any, Any, str]] = [
    ("a subclass under its base", Customer, Gold(name="A", since=NOON), "it is a Gold, a replay would give a Customer"),
    ("a subclass in a list", list[Customer], [Gold(name="A", since=NOON)], r"\[0\] is a Gold"),
    ("a dict for a model", Customer, {"name": "A"}, "a pydantic model was declared, got dict"),
    ("a dataclass for a model", Customer, Item("tea"), "a pydantic model was declared, got Item"),
    (
        "a field that is left out",
        Excluding,
        Excluding(shown=1, secret=2),
        "secret is an int and would",
    ),
    ("an alias for writing alone", WrittenOtherwise, WrittenOtherwise(a=1), "Field required"),
    ("a tuple in a field of any type", Anything, Anything(value=(1,)), "value is a tuple, a replay would give a list"),
    ("a set in a field of any type", Anything, Anything(value={1}), "value is a set, a replay would give a list"),
    ("a tuple in an extra field", Open, Open(a=1, b=(2,)), "b is a tuple, a replay would give a list"),  # type: ignore[call-arg]
    ("a model without annotation", None, ANNA, "it is a Customer, a replay would give a dict"),
    ("models without annotation", None, [ANNA], r"\[0\] is a Customer, a replay would give a dict"),
]


@pytest.mark.parametrize(("hint", "value", "message"), [pytest.param(*each, id=name) for name, *each in REFUSED])
def test_a_model_that_would_come_back_changed_is_refused(hint: Any, value: Any, message: str) -> None:
    """As any other value."""
    with pytest.raises(SerDesError, match=message) as caught:
        write(json_serdes(hint), value)
    assert str(caught.value).startswith('the value of "charge"')


def test_two_models_in_a_union_are_refused_before_the_body_runs() -> None:
    """JSON does not tell them apart."""
    with pytest.raises(SerDesError, match="cannot be read back"):
        json_serdes(Customer | Aliased)


def test_data_that_a_model_refuses_names_whose_it_is() -> None:
    """A callback's payload, or an event."""
    with pytest.raises(SerDesError, match=r'what was recorded for "charge" was refused: .*since'):
        read(json_serdes(Customer), '{"name":"Anna"}')


def test_tools_write_models_by_their_aliases() -> None:
    """As a caller from another language would."""
    assert encode_json({"order": Aliased(orderId=1)}) == '{"order":{"orderId":1}}'
    assert encode_json(Linked(link=AnyUrl("https://example.com"))) == '{"link":"https://example.com/","ratio":null}'
    with pytest.raises(SerDesError, match="neither NaN nor Infinity"):
        encode_json({"links": [Linked(link=AnyUrl("https://example.com"), ratio=math.nan)]})


async def greet(customer: Customer) -> Strict:
    return STRICT


@durable_execution
async def workflow(event: Customer, ctx: DurableContext) -> list[Customer]:
    strict = await ctx.step(greet, event)
    assert strict == STRICT
    await ctx.wait(timedelta(seconds=1))
    return [event]


def test_models_travel_through_event_steps_and_result() -> None:
    """Of a whole execution, over a replay."""
    result = LocalRunner(workflow).run(ANNA)
    assert result.value == [ANNA]
    assert result.operation("greet").result["color"] == "red"


def test_models_are_known_without_importing_pydantic() -> None:
    """Who declares a model has imported it; nobody else pays for it."""
    code = """
import sys
from durable_core.serdes import json_serdes
assert json_serdes(dict[str, list[int]]).round_trip({"a": [1]}) == ('{"a":[1]}', {"a": [1]})
assert "pydantic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
