"""Without an annotation, what JSON would change is refused the first time; what it holds comes back as it was."""

from __future__ import annotations

import collections
import math
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st
from leaf_values import (
    CONTEXT,
    NAIVE,
    NOON,
    Bag,
    Color,
    Fraction,
    Item,
    Level,
    Number,
    Pair,
    Parcel,
    Rights,
    Row,
    Text,
    Word,
    read,
    write,
)

from durable_core import DurableContext, NoRetry, SerDesError, StepConfig, durable_execution
from durable_core.serdes import UNTYPED, encode_json, json_serdes
from durable_testing import LocalRunner

SERDES = json_serdes(UNTYPED)
ADVICE = "Annotate the function's return type, give returns=…, or return what JSON holds as it is."


async def coroutine() -> int:
    return 1


def lists(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


REFUSED: list[tuple[str, Any, str]] = [
    ("a tuple", (1, 2), "it is a tuple, a replay would give a list"),
    ("an empty tuple", (), "it is a tuple, a replay would give a list"),
    ("a tuple in a list", [0, (1,)], r"\[1\] is a tuple, a replay would give a list"),
    ("a tuple deep inside", {"a": {"b": [1, {"c": ()}]}}, r"\['a'\]\['b'\]\[1\]\['c'\] is a tuple"),
    ("a set", {1}, "it is a set, a replay would give a list"),
    ("a frozenset", frozenset({1}), "it is a frozenset, a replay would give a list"),
    ("an aware datetime", NOON, "it is a datetime, a replay would give a str"),
    ("a naive datetime", NAIVE, "it is a datetime, a replay would give a str"),
    ("a date", date(2026, 9, 22), "it is a date, a replay would give a str"),
    ("a time", time(12), "it is a time, a replay would give a str"),
    ("a timedelta", timedelta(1), "it is a timedelta, a replay would give a str"),
    ("a UUID", UUID(int=1), "it is an UUID, a replay would give a str"),
    ("a Decimal", Decimal("1.5"), "it is a Decimal, a replay would give a str"),
    ("bytes", b"x", "it is a bytes, a replay would give a str"),
    ("a bytearray", bytearray(b"x"), "it is a bytearray, a replay would give a str"),
    ("a dataclass", Item("tea"), "it is an Item, a replay would give a dict"),
    ("dataclasses in a list", [Item("tea")], r"\[0\] is an Item, a replay would give a dict"),
    ("a NamedTuple", Pair(1, "one"), "it is a Pair, a replay would give a list"),
    ("a Struct", Parcel(1), "it is a Parcel, a replay would give a dict"),
    ("an enum's member", Color.RED, "it is a Color, a replay would give a str"),
    ("an int enum's member", Level.LOW, "it is a Level, a replay would give an int"),
    ("a str enum's member", Word.YES, "it is a Word, a replay would give a str"),
    ("a flag", Rights.READ, "it is a Rights, a replay would give an int"),
    ("a subclass of str", Text("x"), "Text"),
    ("a subclass of int", Number(1), "Number"),
    ("a subclass of float", Fraction(1.5), "Fraction"),
    ("a subclass of dict", Bag(a=1), "it is a Bag, a replay would give a dict"),
    ("a subclass of list", Row([1]), "it is a Row, a replay would give a list"),
    ("an OrderedDict", collections.OrderedDict(a=1), "it is an OrderedDict, a replay would give a dict"),
    ("a defaultdict", collections.defaultdict(list), "it is a defaultdict, a replay would give a dict"),
    ("a Counter", collections.Counter("a"), "it is a Counter, a replay would give a dict"),
    ("a deque", collections.deque([1]), "deque"),
    ("int keys", {1: "a"}, "it has the key 1 of type int"),
    ("float keys", {1.5: "a"}, "it has the key 1.5 of type float"),
    ("None as a key", {None: "a"}, "NoneType"),
    ("bool keys", {True: "a"}, "bool"),
    ("tuple keys", {(1, 2): "a"}, "tuple"),
    ("enum keys", {Word.YES: 1}, "it has the key <Word.YES: 'yes'> of type Word"),
    ("keys that JSON makes one", {1: "a", "1": "b"}, "it has 2 keys, a replay would give 1"),
    ("NaN", math.nan, "it is nan, which JSON does not know"),
    ("infinity", math.inf, "it is inf, which JSON does not know"),
    ("NaN deep inside", {"a": [1.0, -math.inf]}, r"\['a'\]\[1\] is -inf, which JSON does not know"),
    ("a lone surrogate", "\ud800", "surrogates"),
    ("a lone surrogate as a key", {"\ud800": 1}, "surrogates"),
    ("a function", print, "builtin_function_or_method"),
    ("a class", Item, "type"),
    ("an object", object(), "object"),
    ("an error", ValueError("x"), "ValueError"),
    ("a complex number", 1j, "complex"),
    ("a range", range(3), "range"),
    ("an iterator", iter([1]), "list_iterator"),
    ("ellipsis", ..., "ellipsis"),
    ("msgspec's UNSET", msgspec.UNSET, "UnsetType"),
    ("raw JSON", msgspec.Raw(b"1"), "Raw"),
]


@pytest.mark.parametrize(("value", "message"), [pytest.param(*each, id=name) for name, *each in REFUSED])
def test_what_json_would_change_is_refused_with_the_fix(value: Any, message: str) -> None:
    """Named: the operation, where in the value, what it is, and what to add."""
    with pytest.raises(SerDesError, match=message) as caught:
        write(SERDES, value)
    assert str(caught.value).startswith(f'the value of "charge" (a {type(value).__name__}) was refused: ')
    assert str(caught.value).endswith(ADVICE)


def test_a_coroutine_is_refused() -> None:
    """A step that forgot to await."""
    value = coroutine()
    with pytest.raises(SerDesError, match="objects of type coroutine have no JSON form"):
        write(SERDES, value)
    value.close()


def test_a_value_that_holds_itself_is_refused() -> None:
    """Not an endless loop."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(SerDesError, match="recursion"):
        write(SERDES, value)


def test_depth_is_capped_in_writing_and_in_reading() -> None:
    """Neither a value nor a foreign text ends the process."""
    depth = 100_000
    with pytest.raises(SerDesError):
        write(SERDES, lists(depth))
    with pytest.raises(SerDesError, match='what was recorded for "charge" was refused'):
        read(SERDES, "[" * depth + "]" * depth)


KEPT: list[Any] = [
    None,
    True,
    False,
    "",
    "text",
    "ünïcödé 🎉 \x00 \u2028 </script>",
    0,
    -1,
    2**53 + 1,
    2**63,
    2**64,
    -(2**64),
    10**60,
    0.0,
    -0.0,
    1.0,
    0.1,
    5e-324,
    1.7976931348623157e308,
    1e16,
    1e22,
    [],
    {},
    [[]],
    {"": None},
    {"1": 1},
    [1, 1.0, True, None, "1"],
    {"a": [{"b": {"c": [1, 2, {"d": "e"}]}}]},
]


@pytest.mark.parametrize("value", KEPT, ids=lambda value: repr(value)[:40])
def test_what_json_holds_comes_back_equal_and_of_the_same_class(value: Any) -> None:
    """The value that the workflow goes on with is the one that a replay will read."""
    data, seen = write(SERDES, value)
    for after in (seen, read(SERDES, data)):
        assert repr(after) == repr(value)
        assert type(after) is type(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
any_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.decimals(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.lists(inner).map(lambda items: {"nested": items})
    ),
    max_leaves=8,
)


@given(json_values)
def test_any_json_value_comes_back_unchanged(value: Any) -> None:
    """To the last digit and the last class."""
    data, seen = write(SERDES, value)
    assert repr(seen) == repr(value) == repr(read(SERDES, data))


@given(any_values)
def test_a_value_is_refused_or_comes_back_unchanged(value: Any) -> None:
    """There is no third way, in which it is altered in silence."""
    try:
        data, seen = write(SERDES, value)
    except SerDesError:
        return
    assert repr(seen) == repr(value) == repr(read(SERDES, data))


def test_what_the_workflow_sees_is_a_copy() -> None:
    """Changing it later does not make the first run differ from a replay."""
    value = {"list": [1]}
    _, seen = write(SERDES, value)
    assert seen == value
    assert seen["list"] is not value["list"]


@pytest.mark.parametrize("data", ["", "{", "nul", "[1,]", '{"a":1', "'x'", "NaN", "1 2", "\ufeff1", '"\\ud800"'])
def test_a_text_that_is_not_json_is_refused_naming_whose_it_is(data: str) -> None:
    """A callback's payload may be anything."""
    with pytest.raises(SerDesError, match='what was recorded for "charge" was refused'):
        read(SERDES, data)


@pytest.mark.parametrize(
    ("name", "operation_id", "whose"),
    [("charge", "1ced", '"charge"'), (None, "1ced", "1ced"), (None, None, "the execution")],
)
def test_the_message_names_the_operation_as_well_as_it_can(
    name: str | None, operation_id: str | None, whose: str
) -> None:
    """By its name, else by its id."""
    context = CONTEXT._replace(name=name, operation_id=operation_id)
    with pytest.raises(SerDesError, match=f"^the value of {whose} "):
        write(SERDES, (1,), context)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (Item("tea"), '{"name":"tea","price":0.0}'),
        ([NOON], '["2026-09-22T12:00:00.123456Z"]'),
        ((1, {2}), "[1,[2]]"),
        (None, "null"),
        (Decimal("1.50"), '"1.50"'),
    ],
)
def test_tools_write_any_value_that_has_a_json_form(value: object, data: str) -> None:
    """An event for a test, whose type the handler knows."""
    assert encode_json(value) == data


@pytest.mark.parametrize(
    "value",
    [object(), print, 1j, {(1, 2): 3}, "\ud800", lists(100_000), math.nan, [{"a": (-math.inf, None)}]],
    ids=lambda v: type(v).__name__,
)
def test_tools_refuse_a_value_without_a_json_form(value: object) -> None:
    """As a SerDesError, whatever the encoder raises."""
    with pytest.raises(SerDesError, match=f"^a {type(value).__name__} cannot be written as JSON: "):
        encode_json(value)


def pair():  # type: ignore[no-untyped-def]
    calls.append(1)
    return (1, 2)


calls: list[int] = []


@durable_execution
async def asks_for_a_pair(event: None, ctx: DurableContext) -> str:
    try:
        await ctx.step(pair)
    except SerDesError as error:
        return str(error)
    return "accepted"


@durable_execution
async def asks_for_a_declared_pair(event: None, ctx: DurableContext) -> bool:
    value: Any = await ctx.step(pair, config=StepConfig(returns=tuple[int, int], retry_strategy=NoRetry()))
    return value == (1, 2) and type(value) is tuple


def test_a_step_whose_result_json_would_change_fails_once_and_says_why() -> None:
    """Recorded as its failure, never retried, caught by class on the first run and on a replay."""
    calls.clear()
    result = LocalRunner(asks_for_a_pair).run()
    assert result.value == (
        f'the value of "pair" (a tuple) was refused: it is a tuple, a replay would give a list. {ADVICE}'
    )
    assert (len(calls), result.operation("pair").status) == (1, "FAILED")


def test_declaring_the_result_in_the_configuration_mends_it() -> None:
    """Where there is no annotation to read."""
    assert LocalRunner(asks_for_a_declared_pair).run().value is True


def test_no_value_escapes_the_check_on_its_way_out_of_a_handler() -> None:
    """The same codec everywhere."""

    async def bad(event: None, ctx: DurableContext):  # type: ignore[no-untyped-def]
        return {1, 2}

    make: Callable[[Any], Any] = durable_execution
    result = LocalRunner(make(bad)).run()
    assert result.status == "FAILED"
    error: Any = result.error
    assert error["ErrorType"] == "durable_core.SerDesError"
    assert "it is a set, a replay would give a list" in error["ErrorMessage"]
