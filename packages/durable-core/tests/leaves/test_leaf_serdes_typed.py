"""With an annotation, values of that type come back equal and of the same class; others are refused."""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version
from typing import Annotated, Any, Literal, NewType, Optional, TypeVar, Union
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st
from leaf_values import (
    BERLIN,
    NAIVE,
    NOON,
    Address,
    Bag,
    Box,
    Cat,
    Color,
    Discounted,
    Dog,
    Growing,
    Hidden,
    Item,
    Level,
    Node,
    Order,
    Pair,
    Parcel,
    Point,
    Rights,
    Text,
    Word,
    order,
    read,
    write,
)

from durable_core import SerDesError
from durable_core.serdes import json_serdes

OrderId = NewType("OrderId", str)
T = TypeVar("T")

since_022 = pytest.mark.skipif(version("msgspec") < "0.22", reason="msgspec writes enum keys since 0.22")
ROUND_TRIPS: list[Any] = [
    (int, 1, "1"),
    (int, 2**64, "18446744073709551616"),
    (float, 1.5, "1.5"),
    (bool, True, "true"),
    (str, "x", '"x"'),
    (type(None), None, "null"),
    (Any, {"a": [1]}, '{"a":[1]}'),
    (T, [1], "[1]"),
    (datetime, NOON, '"2026-09-22T12:00:00.123456Z"'),
    (datetime, BERLIN, '"2026-09-22T14:00:00+02:00"'),
    (datetime, NAIVE, '"2026-09-22T12:00:00"'),
    (datetime, datetime.max.replace(tzinfo=UTC), '"9999-12-31T23:59:59.999999Z"'),
    (date, date(2026, 9, 22), '"2026-09-22"'),
    (time, time(12, 30), '"12:30:00"'),
    (timedelta, timedelta(days=1, microseconds=1), '"P1DT0.000001S"'),
    (timedelta, timedelta(seconds=-90), '"-PT90S"'),
    (UUID, UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
    (Decimal, Decimal("1.50"), '"1.50"'),
    (bytes, b"\x00\xff", '"AP8="'),
    (bytearray, bytearray(b"x"), '"eA=="'),
    (Color, Color.RED, '"red"'),
    (Level, Level.HIGH, "2"),
    (Word, Word.YES, '"yes"'),
    (Rights, Rights.READ | Rights.WRITE, "3"),
    (Literal["a", "b"], "a", '"a"'),
    (OrderId, OrderId("ORD-1"), '"ORD-1"'),
    (Annotated[int, "of something"], 1, "1"),
    (Annotated[int, msgspec.Meta(gt=0)], 1, "1"),
    (list[int], [1, 2], "[1,2]"),
    (list[tuple[int, str]], [(1, "a")], '[[1,"a"]]'),
    (tuple[int, ...], (1, 2), "[1,2]"),
    (tuple[int, str], (1, "a"), '[1,"a"]'),
    (tuple, (1, "a"), '[1,"a"]'),
    (set[int], {1}, "[1]"),
    (set[Color], {Color.RED}, '["red"]'),
    (frozenset[str], frozenset({"a"}), '["a"]'),
    (set, {1}, "[1]"),
    (dict[str, int], {"a": 1}, '{"a":1}'),
    (dict[int, str], {1: "a"}, '{"1":"a"}'),
    (dict[float, str], {1.5: "a"}, '{"1.5":"a"}'),
    pytest.param(dict[Color, int], {Color.RED: 1}, '{"red":1}', marks=since_022),
    (dict[UUID, int], {UUID(int=7): 1}, '{"00000000-0000-0000-0000-000000000007":1}'),
    (dict[date, int], {date(2026, 9, 22): 1}, '{"2026-09-22":1}'),
    (dict[str, Any], {"a": [1, None]}, '{"a":[1,null]}'),
    (dict[str, object], {"a": [1, None]}, '{"a":[1,null]}'),
    (list[object], [1, "a"], '[1,"a"]'),
    (collections.abc.Sequence[int], [1], "[1]"),
    (collections.abc.Mapping[str, int], {"a": 1}, '{"a":1}'),
    (int | str, 1, "1"),
    (int | str, "a", '"a"'),
    (Union[int, str], "a", '"a"'),  # noqa: UP007
    (int | float, 1, "1"),
    (int | float, 1.0, "1.0"),
    (Optional[int], None, "null"),  # noqa: UP045
    (Item | None, Item("tea", 2.5), '{"name":"tea","price":2.5}'),
    (Item | None, None, "null"),
    (list[int] | dict[str, int], {"a": 1}, '{"a":1}'),
    (Cat | Dog, Dog("rex"), '{"type":"Dog","name":"rex"}'),
    (Item | str, "a", '"a"'),
    (Item, Item("tea", 2.5), '{"name":"tea","price":2.5}'),
    (Discounted, Discounted("tea", 2.5, 10), '{"name":"tea","price":2.5,"percent":10}'),
    (Point, Point(1, 2), '{"x":1,"y":2}'),
    (Hidden, Hidden(1), '{"shown":1}'),
    (Node, Node(1, Node(2)), '{"value":1,"next":{"value":2,"next":null}}'),
    (Box[int], Box(1), '{"content":1}'),
    (Box[Item], Box(Item("tea")), '{"content":{"name":"tea","price":0.0}}'),
    (Box, Box(1), '{"content":1}'),
    (Pair, Pair(1, "one"), '[1,"one"]'),
    (Address, {"street": "Main"}, '{"street":"Main"}'),
    (Address, {"street": "Main", "number": 1}, '{"street":"Main","number":1}'),
    (Parcel, Parcel(3), '{"weight":3}'),
    (dict[str, list[Item]], {"a": [Item("tea")]}, '{"a":[{"name":"tea","price":0.0}]}'),
]


@pytest.mark.parametrize(("hint", "value", "data"), ROUND_TRIPS)
def test_a_declared_value_comes_back_equal_and_of_the_same_class(hint: Any, value: Any, data: str) -> None:
    """And is plain JSON in the record, for the console and for other languages."""
    written, seen = write(json_serdes(hint), value)
    assert written == data
    for after in (seen, read(json_serdes(hint), written)):
        assert after == value
        assert type(after) is type(value)


def test_one_of_everything_comes_back_nested() -> None:
    """Members keep their classes all the way down."""
    value = order()
    data, seen = write(json_serdes(Order), value)
    assert seen == value == read(json_serdes(Order), data)
    assert json.loads(data)["at"] == "2026-09-22T12:00:00.123456Z"
    for field in dataclasses.fields(Order):
        assert type(getattr(seen, field.name)) is type(getattr(value, field.name))


REFUSED: list[tuple[str, Any, Any, str]] = [
    (
        "a subclass under its base's annotation",
        Item,
        Discounted("tea"),
        "it is a Discounted, a replay would give an Item",
    ),
    ("a subclass in a list", list[Item], [Discounted("tea")], r"\[0\] is a Discounted, a replay would give an Item"),
    ("a dict for a dataclass", Item, {"name": "tea"}, "it is a dict, a replay would give an Item"),
    ("another dataclass", Item, Point(1, 2), "missing required field `name`"),
    ("a tuple for a NamedTuple", Pair, (1, "one"), "it is a tuple, a replay would give a Pair"),
    ("a tuple for a list", list[int], [1, (2,)], "Expected `int`, got `array`"),
    ("a tuple under a sequence", collections.abc.Sequence[int], (1,), "it is a tuple, a replay would give a list"),
    ("a tuple under Any", list[Any], [(1,)], r"\[0\] is a tuple, a replay would give a list"),
    ("a tuple under object", dict[str, object], {"a": (1,)}, r"\['a'\] is a tuple, a replay would give a list"),
    ("a tuple in a field of any type", Box, Box((1,)), "content is a tuple, a replay would give a list"),
    ("int keys under a bare dict", dict, {1: 2}, "it has the key 1 of type int"),
    ("a key too many", Address, {"street": "Main", "zip": 1}, r"it has 2 keys, a replay would give 1 \(lost: 'zip'\)"),
    ("a key too few", Address, {}, "missing required field `street`"),
    ("a bool for an int", int, True, "Expected `int`, got `bool`"),
    ("an int for a bool", bool, 1, "Expected `bool`, got `int`"),
    ("a whole float for an int", int, 1.0, "Expected `int`, got `float`"),
    ("an int that no float holds", float, 2**53 + 1, "it is an int, a replay would give a float"),
    ("a number for a text", str, 1, "Expected `str`, got `int`"),
    ("nothing for a text", str, None, "Expected `str`, got `null`"),
    ("something for nothing", type(None), 1, "Expected `null`, got `int`"),
    ("a value for an enum's member", Color, "red", "it is a str, a replay would give a Color"),
    ("a number for an int enum's member", Level, 1, "it is an int, a replay would give a Level"),
    ("an enum's member for a text", str, Word.YES, "it is a Word, a replay would give a str"),
    ("an int enum's member for an int", int, Level.LOW, "it is a Level, a replay would give an int"),
    ("enum members in a set of texts", set[str], {Word.YES}, "members would come back of another class"),
    ("enum members as keys of texts", dict[str, int], {Word.YES: 1}, "it has the key <Word.YES: 'yes'> of type Word"),
    ("a subclass of str", str, Text("x"), "Text"),
    ("a subclass of dict", dict[str, int], Bag(a=1), "it is a Bag, a replay would give a dict"),
    ("a datetime for a date", date, NOON, "Invalid RFC3339 encoded date"),
    ("a text for a datetime", datetime, "2026-09-22T12:00:00Z", "it is a str, a replay would give a datetime"),
    ("a float for a Decimal", Decimal, 1.5, "it is a float, a replay would give a Decimal"),
    ("NaN", float, math.nan, "NaN|nan|got `null`"),
    ("NaN in a dataclass", Item, Item("tea", math.nan), "NaN|nan|got `null`"),
    ("a Decimal that equals nothing", Decimal, Decimal("NaN"), "it is a Decimal and would come back unequal"),
    ("another word", Literal["a", "b"], "c", "Invalid enum value 'c'"),
    ("a number out of its range", Annotated[int, msgspec.Meta(gt=0)], -1, "Expected `int` >= 1"),
    ("what is changed by being made", Growing, Growing(1), "size is an int and would come back unequal"),
    ("two types that JSON tells apart by nothing", Parcel, Cat(1), "missing required field `weight`"),
]


@pytest.mark.parametrize(("hint", "value", "message"), [pytest.param(*each, id=name) for name, *each in REFUSED])
def test_a_value_that_is_not_what_was_declared_is_refused(hint: Any, value: Any, message: str) -> None:
    """It names what is declared, and what to do."""
    with pytest.raises(SerDesError, match=message) as caught:
        write(json_serdes(hint), value)
    assert str(caught.value).startswith('the value of "charge"')
    assert str(caught.value).endswith("declare what is returned, or give a serdes of your own.")


CANNOT_WORK: list[Any] = [
    complex,
    range,
    Exception,
    Text,
    collections.OrderedDict,
    collections.deque[int],
    collections.abc.Iterable[int],
    collections.abc.Iterator[int],
    collections.abc.AsyncIterator[int],
    collections.abc.Callable[[], int],
    type[int],
    Item | Point,
    Item | dict[str, int],
    datetime | str,
    list[complex],
    dict[str, list[complex]],
    tuple[int, complex],
    complex | None,
    dict[tuple[int, int], str],
    dict[bool, str],
    dict[None, str],
    dict[Item, str],
    dataclasses.make_dataclass("WithComplex", [("inside", list[complex])]),
]


@pytest.mark.parametrize("hint", CANNOT_WORK, ids=str)
def test_an_annotation_that_cannot_work_is_refused_before_the_body_runs(hint: Any) -> None:
    """The charge must not be made if its receipt cannot be kept."""
    with pytest.raises(SerDesError, match="cannot be read back"):
        json_serdes(hint)


def test_an_int_under_a_floats_annotation_is_a_float_on_both_runs() -> None:
    """Every type checker allows it, so the first run sees what a replay will."""
    data, seen = write(json_serdes(float), 1)
    assert (data, seen, type(seen)) == ("1", 1.0, float)
    _, listed = write(json_serdes(list[float]), [1, 2.5])
    assert [type(each) for each in listed] == [float, float]


def test_an_int_in_a_set_of_floats_is_a_float_as_well() -> None:
    """A set is no other case."""
    assert write(json_serdes(set[float]), {1, 2.5})[1] == {1.0, 2.5}


def test_a_serializer_is_made_once_for_a_type() -> None:
    """It costs more than a step."""
    assert json_serdes(list[Item]) is json_serdes(list[Item])
    assert json_serdes(int) is json_serdes(int)


def test_a_type_that_cannot_be_hashed_is_read_all_the_same() -> None:
    """Such as an annotation with a list in it."""
    hint: Any = Annotated[int, ["unhashable"]]
    assert write(json_serdes(hint), 1) == ("1", 1)


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes() | st.datetimes(timezones=st.just(UTC)) | st.datetimes(timezones=offsets)
LAWS: dict[Any, st.SearchStrategy[Any]] = {
    datetime: moments.map(lambda moment: moment.replace(fold=0)),
    date: st.dates(),
    time: st.times().map(lambda moment: moment.replace(fold=0)),
    timedelta: st.timedeltas(),
    Decimal: st.decimals(allow_nan=False),
    UUID: st.uuids(),
    bytes: st.binary(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    tuple[int, str]: st.tuples(st.integers(), st.text(alphabet="aé€🎉")),
    tuple[float, ...]: st.lists(st.floats(allow_nan=False, allow_infinity=False)).map(tuple),
    set[int]: st.sets(st.integers()),
    dict[int, bytes]: st.dictionaries(st.integers(-(2**63), 2**64 - 1), st.binary()),
    Item: st.builds(Item, st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    Point: st.builds(Point, st.integers(), st.integers()),
    Pair: st.builds(Pair, st.integers(), st.text()),
    Node: st.recursive(
        st.builds(Node, st.integers()), lambda inner: st.builds(Node, st.integers(), inner), max_leaves=4
    ),
}


@given(st.sampled_from(list(LAWS)).flatmap(lambda hint: st.tuples(st.just(hint), LAWS[hint])))
def test_reading_undoes_writing_whenever_a_value_is_accepted(case: tuple[Any, Any]) -> None:
    """For every value of these types, and none of them is refused."""
    hint, value = case
    data, seen = write(json_serdes(hint), value)
    assert seen == value == read(json_serdes(hint), data)
    assert type(seen) is type(value)
    assert repr(seen) == repr(value) or isinstance(value, set)


mixed = st.one_of(*LAWS.values())


@given(st.sampled_from(list(LAWS)), mixed)
def test_a_value_of_any_other_type_is_refused_or_comes_back_equal(hint: Any, value: Any) -> None:
    """An annotation that lies alters nothing in silence; an int may become the float that it equals."""
    try:
        data, seen = write(json_serdes(hint), value)
    except SerDesError:
        return
    assert seen == value == read(json_serdes(hint), data)
    assert type(seen) is type(value) or (type(value), type(seen)) == (int, float)
