"""attrs classes, where attrs is installed: msgspec reads and writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from leaf_values import NOON, Color, Item, Word, read, write

from durable_core import SerDesError
from durable_core.serdes import UNTYPED, json_serdes

attrs: Any = pytest.importorskip("attrs")


class _Parcel:
    weight: int
    at: datetime
    color: Color
    inside: list[Item]


Parcel: Any = attrs.define(_Parcel)


class _Heavy(Parcel):  # type: ignore[misc]
    crane: str = ""


class _Label:
    text: str
    anything: Any = None


Heavy: Any = attrs.define(_Heavy)
Label: Any = attrs.define(_Label)


def test_an_attrs_class_comes_back_equal_and_of_the_same_class() -> None:
    """With its members."""
    parcel = Parcel(3, NOON, Color.RED, [Item("tea")])
    data, seen = write(json_serdes(Parcel), parcel)
    for after in (seen, read(json_serdes(Parcel), data)):
        assert after == parcel
        assert type(after) is Parcel


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        pytest.param(Parcel, Heavy(3, NOON, Color.RED, []), id="a subclass"),
        pytest.param(Label, Label("x", (1,)), id="a tuple inside"),
        pytest.param(Label, Label(Word.YES), id="an enum's member for a text"),
        pytest.param(Label, Label("x", Word.YES), id="an enum's member inside"),
        pytest.param(UNTYPED, Label("x"), id="no annotation"),
    ],
)
def test_an_attrs_class_that_would_come_back_changed_is_refused(hint: Any, value: Any) -> None:
    """As any other value."""
    with pytest.raises(SerDesError):
        write(json_serdes(hint), value)
