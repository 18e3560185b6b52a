"""What can be known of a user's function without calling it."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from durable_core._runtime.execution import Settings
from durable_core.errors import SerDesError, ValidationError
from durable_core.serdes import UNTYPED, JsonSerDes, SerDes, json_serdes

_AWAITABLES = ("Awaitable", "Coroutine")
_MAX_NAME = 256
_SAY_NOTHING = (Any, object, inspect.Parameter.empty, typing.Never, typing.NoReturn, typing.Self)


class _Config(Protocol):
    @property
    def serdes(self) -> SerDes[Any] | None: ...
    @property
    def returns(self) -> Any: ...


class FunctionFacts:
    """A function's name, whether it is ``async``, what it returns, and the names it can reach."""

    __slots__ = ("is_async", "json", "name", "names", "returns", "step")

    def __init__(self, name: str | None, is_async: bool, returns: Any, names: Mapping[str, Any], step: Any) -> None:
        self.name: str | None = name
        self.is_async: bool = is_async
        self.returns: Any = returns
        self.names: Mapping[str, Any] = names
        self.step: tuple[str | None, Any] = step
        """The name and configuration that ``@durable_step`` gave it."""
        self.json: JsonSerDes | None = None
        """The default serializer of what it returns, once it is known."""

    def learn_json(self) -> JsonSerDes:
        """``json``, which is known from now on."""
        self.json = json_serdes(self.returns)
        return self.json


_known: dict[Any, FunctionFacts] = {}
"""Of functions that live as long as their module."""
_passing: WeakKeyDictionary[Any, FunctionFacts] = WeakKeyDictionary()
"""Of functions made in functions, and of everything else that can be called."""


def facts_of(func: Callable[..., Any]) -> FunctionFacts:
    """The facts of *func*; partials, bound methods, callables and ``__wrapped__`` are looked through."""
    if type(func) is FunctionType and (known := _known.get(func)) is not None:
        return known
    core: Any = func
    while isinstance(core, partial):
        core = core.func
    core = getattr(core, "__func__", core)
    try:
        return _known.get(core) or _passing[core]
    except (KeyError, TypeError):
        pass
    if not callable(func):
        raise ValidationError(f"a function is expected, got {func!r}; write the function's name without calling it")
    facts = _facts(core)
    if isinstance(core, FunctionType) and "<" not in core.__qualname__:
        _known[core] = facts
        return facts
    try:
        _passing[core] = facts
    except TypeError:  # an object that takes no weak reference
        pass
    return facts


def serdes_of(config: _Config, settings: Settings, facts: FunctionFacts) -> SerDes[Any]:
    """How the result of the function with these *facts* is written."""
    given = config.serdes or settings.serdes
    if given is not None:
        return given
    if config.returns is not None:
        return json_serdes(hint(config.returns))
    return facts.json or facts.learn_json()


def _facts(core: Any) -> FunctionFacts:
    called = core if inspect.isroutine(core) or isinstance(core, type) else type(core).__call__
    plain = inspect.unwrap(called)
    name = str(getattr(core, "__name__", None) or type(core).__name__)
    return FunctionFacts(
        name=None if name == "<lambda>" else legal_name(name),
        is_async=inspect.iscoroutinefunction(called),
        returns=_returns(plain),
        names=getattr(plain, "__globals__", {}),
        step=getattr(core, "__durable_step__", (None, None)),
    )


def _returns(func: Any) -> Any:
    """The declared type of the result; ``UNTYPED`` if there is none, or it cannot be resolved."""
    if isinstance(func, type):
        return func
    declared = getattr(func, "__annotations__", {}).get("return", inspect.Parameter.empty)
    declared = resolved(declared, func)
    if getattr(typing.get_origin(declared), "__name__", "") in _AWAITABLES and typing.get_args(declared):
        declared = typing.get_args(declared)[-1]
    return hint(declared)


def resolved(declared: Any, func: Any) -> Any:
    """An annotation of *func* with its strings and forward references evaluated; ``Any`` where they cannot be.

    Alone, so that another annotation of the same function which exists only while type checking spoils nothing.
    """
    if declared is inspect.Parameter.empty:
        return declared

    def bare() -> None: ...

    bare.__annotations__ = {"it": declared}
    try:
        return typing.get_type_hints(bare, getattr(func, "__globals__", {}), include_extras=True)["it"]
    except Exception:  # a name that exists only while type checking, or in a function's body
        return Any


def hint(declared: Any) -> Any:
    """*declared* as a type to read values by: ``Any``, ``object`` and type variables say nothing."""
    if type(declared).__name__ == "TypeAliasType":  # of typing_extensions, or of Python 3.12
        return _unaliased(declared)
    if isinstance(declared, typing.TypeVar) or declared in _SAY_NOTHING:
        return UNTYPED
    return type(None) if declared is None else declared


def _unaliased(alias: Any) -> Any:
    """What *alias* stands for; nothing, where that cannot be read, as with an alias for any JSON."""
    value = hint(alias.__value__)
    try:
        json_serdes(value)
    except SerDesError:
        return UNTYPED
    return value


def legal_name(name: str) -> str | None:
    """An automatic *name*, made legal: printable ASCII, at most 256 characters."""
    return "".join(c if " " <= c <= "~" else "_" for c in name)[:_MAX_NAME] or None


def checked_name(name: object) -> str | None:
    """A *name* that the program gave; ``ValidationError`` unless it is printable ASCII of 1 to 256 characters."""
    if name is None:
        return None
    if not isinstance(name, str) or not 1 <= len(name) <= _MAX_NAME or not (name.isascii() and name.isprintable()):
        shown = f"{name[:60]!r}… of {len(name)} characters" if isinstance(name, str) and len(name) > 80 else repr(name)
        raise ValidationError(f"an operation's name is 1 to {_MAX_NAME} printable ASCII characters, got {shown}")
    return name
