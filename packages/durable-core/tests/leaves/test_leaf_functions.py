"""What is known of a function without calling it: its name, its flavour, its result's type, the names it reaches."""

from __future__ import annotations

import functools
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import GenericAlias, SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Generic, Never, NoReturn, Optional, Self, TypeVar

import pytest
from hypothesis import given, strategies as st
from leaf_values import Item, write
from pydantic import JsonValue

from durable_core import Duration, StepConfig, ValidationError, blocking, durable_execution, durable_step
from durable_core.operations.functions import checked_name, facts_of, legal_name
from durable_core.serdes import UNTYPED, json_serdes

if TYPE_CHECKING:
    from somewhere import Unknown  # type: ignore[import-not-found]

T = TypeVar("T")


def plain() -> int:
    return 1


async def later() -> Item:
    return Item("tea")


def promised() -> Awaitable[int]:
    return asyncio_sleep()


def promised_coroutine() -> Coroutine[Any, Any, list[int]]:
    raise NotImplementedError


async def asyncio_sleep() -> int:
    return 1


def silent():  # type: ignore[no-untyped-def]
    return 1


def nothing() -> None: ...


def anything() -> Any:
    return 1


def something() -> object:
    return 1


def never() -> NoReturn:
    raise ValueError


def bottom() -> Never:
    raise ValueError


def generic(value: T) -> T:
    return value


def generic_list(value: T) -> list[T]:
    return [value]


def unknown() -> Unknown:
    return 1


def inside_unknown() -> list[Unknown]:
    return []


def of_unknown(value: Unknown) -> datetime:
    raise NotImplementedError


def optional() -> Optional[Item]:  # noqa: UP045
    return None


def annotated() -> Annotated[int, "of something"]:
    return 1


def local() -> Callable[[], Any]:
    @dataclass
    class Local:
        value: int

    def returns_local() -> Local:
        return Local(1)

    return returns_local


async def generator() -> AsyncIterator[int]:
    yield 1


class Shop:
    def stock(self) -> list[str]:
        return []

    async def order(self) -> Item:
        return Item("tea")

    @classmethod
    def opened(cls) -> Self:
        return cls()

    @classmethod
    def named(cls) -> str:
        return cls.__name__

    @staticmethod
    def tax() -> float:
        return 1.0


class Charge:
    def __call__(self) -> Item:
        return Item("tea")


class ChargeLater:
    async def __call__(self) -> Item:
        return Item("tea")


class WithoutRoom:
    """It takes no weak reference."""

    __slots__ = ()

    def __call__(self) -> int:
        return 1


class Box(Generic[T]):
    def content(self) -> T:
        raise NotImplementedError


def passing_on(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    def wrapper(*args: Any, **options: Any) -> Any:
        return func(*args, **options)

    return wrapper


def made_async(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    async def wrapper(*args: Any, **options: Any) -> Any:
        return func(*args, **options)

    return wrapper


@passing_on
@passing_on
def wrapped() -> Item:
    return Item("tea")


@made_async
def wrapped_async() -> Item:
    return Item("tea")


@functools.cache
def cached() -> Item:
    return Item("tea")


def größe() -> int:  # noqa: PLC2401
    return 1


named_partial = partial(plain)

KNOWN: list[tuple[Any, str | None, bool, Any]] = [
    (plain, "plain", False, int),
    (later, "later", True, Item),
    (promised, "promised", False, int),
    (promised_coroutine, "promised_coroutine", False, list[int]),
    (silent, "silent", False, UNTYPED),
    (nothing, "nothing", False, type(None)),
    (anything, "anything", False, UNTYPED),
    (something, "something", False, UNTYPED),
    (never, "never", False, UNTYPED),
    (bottom, "bottom", False, UNTYPED),
    (generic, "generic", False, UNTYPED),
    (unknown, "unknown", False, UNTYPED),
    (inside_unknown, "inside_unknown", False, UNTYPED),
    (of_unknown, "of_unknown", False, datetime),
    (optional, "optional", False, Optional[Item]),  # noqa: UP045
    (annotated, "annotated", False, Annotated[int, "of something"]),
    (local(), "returns_local", False, UNTYPED),
    (lambda: 1, None, False, UNTYPED),
    (größe, "gr__e", False, int),
    (Shop().stock, "stock", False, list[str]),
    (Shop().order, "order", True, Item),
    (Shop.named, "named", False, str),
    (Shop.opened, "opened", False, UNTYPED),
    (Shop.tax, "tax", False, float),
    (Shop().tax, "tax", False, float),
    (Box[int]().content, "content", False, UNTYPED),
    (Charge(), "Charge", False, Item),
    (ChargeLater(), "ChargeLater", True, Item),
    (ChargeLater().__call__, "__call__", True, Item),
    (WithoutRoom(), "WithoutRoom", False, int),
    (partial(plain), "plain", False, int),
    (partial(partial(later)), "later", True, Item),
    (partial(Shop().order), "order", True, Item),
    (partial(ChargeLater()), "ChargeLater", True, Item),
    (wrapped, "wrapped", False, Item),
    (wrapped_async, "wrapped_async", True, Item),
    (partial(wrapped_async), "wrapped_async", True, Item),
    (cached, "cached", False, Item),
    (Item, "Item", False, Item),
    (partial(Item, "tea"), "Item", False, Item),
    (int, "int", False, int),
    (len, "len", False, UNTYPED),
    ("text".upper, "upper", False, UNTYPED),
    (Duration.from_seconds, "from_seconds", False, UNTYPED),
]


@pytest.mark.parametrize(("func", "name", "is_async", "returns"), KNOWN, ids=[str(n) for n in range(len(KNOWN))])
def test_what_is_known_of_a_function(func: Any, name: str | None, is_async: bool, returns: Any) -> None:
    """Partials, bound methods, callables and ``__wrapped__`` are looked through; ``Any`` and the like say nothing."""
    for _ in ("asked first", "known already"):
        facts = facts_of(func)
        assert (facts.name, facts.is_async, facts.returns) == (name, is_async, returns)


def test_the_members_of_a_generic_type_may_be_open() -> None:
    """The list is known, what is in it is not."""
    assert facts_of(generic_list).returns == list[T]  # type: ignore[valid-type]


def test_forward_references_are_resolved_without_the_future_import() -> None:
    """``list["Receipt"]``, in a module whose annotations are evaluated."""
    namespace: dict[str, Any] = {"__name__": "a_module"}
    source = """
        from dataclasses import dataclass

        def step() -> "list[Receipt]": ...
        def deeper() -> list["Receipt"]: ...
        def perhaps() -> "Receipt | None": ...

        @dataclass
        class Receipt:
            number: int
    """
    exec(compile(textwrap.dedent(source), "a_module.py", "exec", dont_inherit=True), namespace)
    assert facts_of(namespace["step"]).returns == GenericAlias(list, namespace["Receipt"])
    assert facts_of(namespace["deeper"]).returns == GenericAlias(list, namespace["Receipt"])
    assert facts_of(namespace["perhaps"]).returns == namespace["Receipt"] | None


Json = dict[str, "Json"] | list["Json"] | str | int | None


def answer() -> Json:
    return {"entries": [1, {"more": None}]}


def pydantic_answer() -> JsonValue:
    return {"entries": [1, {"more": None}]}


@pytest.mark.parametrize("func", [answer, pydantic_answer])
def test_an_alias_for_any_json_says_nothing(func: Callable[[], Any]) -> None:
    """It cannot be resolved to the end, and need not be."""
    assert write(json_serdes(facts_of(func).returns), func())[1] == func()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is of Python 3.12")
def test_a_recursive_type_statement_says_nothing_either() -> None:
    """``type Json = dict[str, Json] | int``."""
    namespace: dict[str, Any] = {}
    exec("type Json = dict[str, Json] | int\ndef answer() -> Json: ...", namespace)
    serdes = json_serdes(facts_of(namespace["answer"]).returns)
    assert write(serdes, {"a": {"b": 1}})[1] == {"a": {"b": 1}}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are of Python 3.12")
@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_type_parameters_and_aliases_are_understood(future: str) -> None:
    """With and without annotations as strings."""
    namespace: dict[str, Any] = {}
    source = """
        type Pair = tuple[int, str]
        def first[T](value: T) -> T: ...
        def pair() -> Pair: ...
        def pairs() -> list[Pair]: ...
    """
    exec(compile(future + textwrap.dedent(source), "generic", "exec", dont_inherit=True), namespace)
    assert facts_of(namespace["first"]).returns is UNTYPED
    for name, value in {"pair": (1, "a"), "pairs": [(1, "a")]}.items():
        assert write(json_serdes(facts_of(namespace[name]).returns), value)[1] == value


def test_the_names_that_a_function_reaches_are_those_of_its_module() -> None:
    """Of the function itself, not of the module that wrapped it."""
    for func in (plain, wrapped, Shop().stock, Charge(), partial(later)):
        assert facts_of(func).names is globals()
    assert not facts_of(len).names


def test_the_facts_of_one_bound_method_are_those_of_every_other() -> None:
    """Kept by function, so that a new bound method each time costs nothing."""
    assert facts_of(Shop().stock) is facts_of(Shop().stock)


@durable_execution
async def handler(event: Item, ctx: Unknown) -> list[datetime]:
    return []


@durable_execution
def handler_of_unknown(event: Unknown, ctx: blocking.DurableContext) -> datetime:
    raise NotImplementedError


def test_each_annotation_of_a_handler_is_resolved_alone() -> None:
    """One that exists only while type checking spoils nothing but itself."""
    assert (handler.durable.event_type, handler.durable.result_type) == (Item, list[datetime])
    assert (handler_of_unknown.durable.event_type, handler_of_unknown.durable.result_type) == (UNTYPED, datetime)


@durable_step
def with_defaults() -> int:
    return 1


@durable_step(name="given", config=StepConfig())
async def with_name() -> int:
    return 1


def test_durable_step_leaves_a_function_as_it_was() -> None:
    """Its defaults are facts of it, and it is called as before."""
    assert with_defaults() == 1
    assert facts_of(with_defaults).step == (None, None)
    assert facts_of(with_name).step == ("given", StepConfig())
    assert facts_of(partial(with_name)).step == ("given", StepConfig())
    assert facts_of(with_name).is_async
    assert facts_of(plain).step == (None, None)


@pytest.mark.parametrize("name", ["", "ü", "a\nb", "x" * 257])
def test_durable_step_refuses_a_name_that_no_operation_can_have(name: str) -> None:
    """Where it is written."""
    with pytest.raises(ValidationError, match="printable ASCII"):
        durable_step(name=name)


@pytest.mark.parametrize("func", [None, 5, "plain", SimpleNamespace(), [plain]], ids=lambda each: type(each).__name__)
def test_what_cannot_be_called_is_refused(func: Any) -> None:
    """Most often a function that was called too early."""
    with pytest.raises(ValidationError, match="write the function's name without calling it"):
        facts_of(func)


def test_a_coroutine_in_place_of_its_function_is_refused() -> None:
    """``ctx.step(charge(order))``."""
    called = later()
    with pytest.raises(ValidationError, match="write the function's name without calling it"):
        facts_of(called)  # type: ignore[arg-type]
    called.close()


@given(st.text())
def test_an_automatic_name_is_made_legal(name: str) -> None:
    """1 to 256 printable ASCII characters; what is empty is no name."""
    made = legal_name(name)
    assert (made is None) == (name == "")
    assert checked_name(made) == made
    if name.isascii() and name.isprintable() and len(name) <= 256:
        assert made == (name or None)


@pytest.mark.parametrize("name", [None, "a", " ", "~", "charge the card (again)", "x" * 256])
def test_a_legal_name_is_taken_as_it_is(name: str | None) -> None:
    """``None`` is no name."""
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 257, "ü", "🎉", "a\nb", "a\tb", "\x7f", "\x00", 5, b"name", ["a"]])
def test_a_name_that_the_service_would_refuse_is_refused_at_once(name: object) -> None:
    """With what it was, cut short and escaped."""
    with pytest.raises(ValidationError, match="1 to 256 printable ASCII characters, got") as caught:
        checked_name(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200
