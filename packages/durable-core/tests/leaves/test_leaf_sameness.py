"""Whether a value came back as it went in, and the first place where it did not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, strategies as st
from leaf_values import Bag, Color, Discounted, Item, Level, Pair, Parcel, Point, Row, Word, order

from durable_core._core.sameness import difference, same


@dataclass
class Careless:
    """Equal to every other."""

    shown: int
    hidden: object = field(default=None, compare=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Careless)

    __hash__ = None  # type: ignore[assignment]


SAME: list[tuple[Any, Any]] = [
    (None, None),
    (1, 1),
    (1, 1.0),
    ([1], [1.0]),
    ({"a": 1}, {"a": 1}),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ((1, [2]), (1, [2])),
    ({1, 2}, {2, 1}),
    (Item("tea"), Item("tea")),
    (Pair(1, "a"), Pair(1, "a")),
    (Parcel(1), Parcel(1)),
    (Color.RED, Color.RED),
    (0.0, -0.0),
    ("a" * 1_000, "".join(["a"] * 1_000)),
    (order(), order()),
]
DIFFERENT: list[tuple[Any, Any, str]] = [
    (1, 2, "it is an int and would come back unequal"),
    (1.0, 1, "it is a float, a replay would give an int"),
    (True, 1, "it is True, a replay would give an int"),
    (1, True, "it is an int, a replay would give True"),
    (None, 0, "it is None, a replay would give an int"),
    ("a", b"a", "it is a str, a replay would give a bytes"),
    ((1,), [1], "it is a tuple, a replay would give a list"),
    (Pair(1, "a"), (1, "a"), "it is a Pair, a replay would give a tuple"),
    (Discounted("a"), Item("a"), "it is a Discounted, a replay would give an Item"),
    (Bag(a=1), {"a": 1}, "it is a Bag, a replay would give a dict"),
    (Row([1]), [1], "it is a Row, a replay would give a list"),
    (Level.LOW, 1, "it is a Level, a replay would give an int"),
    (Word.YES, "yes", "it is a Word, a replay would give a str"),
    ([1, 2], [1], "it has 2 items, a replay would give 1"),
    ({"a": 1}, {}, "it has 1 keys, a replay would give 0 (lost: 'a')"),
    ({1: "a"}, {"1": "a"}, "it has the key 1 of type int, a replay would not"),
    ({True: "a"}, {1: "a"}, "it has the key True of type bool, a replay would not"),
    ({Word.YES: 1}, {"yes": 1}, "it has the key <Word.YES: 'yes'> of type Word, a replay would not"),
    ([0, {"a": (1,)}], [0, {"a": [1]}], "[1]['a'] is a tuple, a replay would give a list"),
    (Item("a", (1,)), Item("a", [1]), ".price is a tuple, a replay would give a list"),  # type: ignore[arg-type]
    (Parcel((1,)), Parcel([1]), ".weight is a tuple, a replay would give a list"),  # type: ignore[arg-type]
    (Careless(1), Careless(2), ".shown is an int and would come back unequal"),
    (Careless(1, (1,)), Careless(1, [1]), ".hidden is a tuple, a replay would give a list"),
    ({Point(1, 2)}, {Point(1, 3)}, "it is a set"),
    (math.nan, None, "it is nan, which JSON does not know"),
    ([math.inf], [None], "[0] is inf, which JSON does not know"),
]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_equal_values_of_equal_classes_are_the_same(before: Any, after: Any) -> None:
    """An int is the float that it equals; the order of keys says nothing."""
    assert same(before, after)
    assert difference(before, after) is None


@pytest.mark.parametrize(("before", "after", "message"), DIFFERENT)
def test_the_first_difference_is_named_with_its_place(before: Any, after: Any, message: str) -> None:
    """Classes count as much as values, at every depth, and whatever ``__eq__`` says."""
    assert not same(before, after)
    found = difference(before, after)
    assert found is not None
    assert found.startswith(message)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-2, 2, width=16) | st.sampled_from(["", "a", b"a"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["a", "b", 1, True]), inner, max_size=2)
        | st.builds(Item, st.just("a"), inner)
    ),
    max_leaves=4,
)


@given(values)
def test_every_value_is_the_same_as_itself(value: Any) -> None:
    """Nothing that JSON kept is refused."""
    assert same(value, value)


@given(values, values)
def test_sameness_implies_equality(before: Any, after: Any) -> None:
    """And there is a difference to name wherever it does not hold."""
    assert same(before, after) == (difference(before, after) is None)
    if same(before, after):
        assert before == after
