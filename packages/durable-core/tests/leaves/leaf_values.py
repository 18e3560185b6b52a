"""Types that steps return, as programs have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from typing import Any, Generic, NamedTuple, NotRequired, TypedDict, TypeVar
from uuid import UUID

import msgspec

from durable_core.serdes import SerDes, SerDesContext, read as _read, write as _write

T = TypeVar("T")
CONTEXT = SerDesContext("1ced8f", "charge", "arn")
NOON = datetime(2026, 9, 22, 12, 0, 0, 123456, tzinfo=UTC)
BERLIN = datetime(2026, 9, 22, 14, tzinfo=timezone(timedelta(hours=2)))
NAIVE = datetime(2026, 9, 22, 12)  # noqa: DTZ001


def write(serdes: SerDes[Any], value: object, context: SerDesContext = CONTEXT) -> tuple[str, Any]:
    """The text that is recorded for *value*, and what the workflow goes on with."""
    return _write(serdes, value, context)


def read(serdes: SerDes[Any], data: str, context: SerDesContext = CONTEXT) -> Any:
    """What a replay goes on with."""
    return _read(serdes, data, context)


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Word(StrEnum):
    YES = "yes"


class Rights(Flag):
    READ = 1
    WRITE = 2


@dataclass
class Item:
    name: str
    price: float = 0.0


@dataclass
class Discounted(Item):
    percent: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int


class Pair(NamedTuple):
    left: int
    right: str


class Address(TypedDict):
    street: str
    number: NotRequired[int]


class Parcel(msgspec.Struct):
    weight: int


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    name: str


@dataclass
class Order:
    id: UUID
    items: list[Item]
    by_name: dict[str, Item]
    at: datetime
    took: timedelta
    total: Decimal
    color: Color
    points: set[Point]
    pair: Pair
    address: Address
    parcel: Parcel
    raw: bytes
    best: Item | None = None
    anything: Any = None
    something: object = None
    days: tuple[date, time] = (date(2026, 9, 22), time(12, 30))


@dataclass
class Node:
    value: int
    next: Node | None = None


@dataclass
class Box(Generic[T]):
    content: T


@dataclass
class Hidden:
    shown: int
    made: int = field(init=False, default=7)


@dataclass
class Growing:
    """It is changed by being made, so that it never comes back equal."""

    size: int

    def __post_init__(self) -> None:
        self.size += 1


class Text(str):
    __slots__ = ()


class Number(int):
    """An int of its own class."""


class Fraction(float):
    """A float of its own class."""


class Bag(dict[str, int]):
    """A dict of its own class."""


class Row(list[int]):
    """A list of its own class."""


def order() -> Order:
    """One of everything."""
    return Order(
        id=UUID(int=7),
        items=[Item("tea", 2.5), Item("pot")],
        by_name={"tea": Item("tea", 2.5)},
        at=NOON,
        took=timedelta(days=1, microseconds=1),
        total=Decimal("2.50"),
        color=Color.BLUE,
        points={Point(1, 2), Point(3, 4)},
        pair=Pair(1, "one"),
        address={"street": "Main", "number": 1},
        parcel=Parcel(3),
        raw=b"\x00\xff",
        best=Item("tea", 2.5),
        anything={"plain": ["json", 1, None]},
        something=[1, {"a": None}],
    )
