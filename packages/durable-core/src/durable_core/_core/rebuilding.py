"""Records as errors: the first run and a replay raise what one function builds."""

from __future__ import annotations

import builtins
import functools
import json
from collections.abc import Mapping
from contextlib import suppress
from types import BuiltinFunctionType, ModuleType
from typing import Any

from msgspec import Struct

from durable_core import errors
from durable_core._core.failures import OWN_FIELDS, standard_args
from durable_core._wire.shapes import ErrorObject, Operation
from durable_core.errors import OperationError, qualified_name


class Family(Struct, frozen=True):
    """The exception classes that a record may choose from: the program names them, never the record.

    Those that it declared, builtins, this package's own, and those that the *names* of a function (its globals) reach
    by the name that is recorded.
    """

    declared: tuple[type[BaseException], ...] = ()
    names: Mapping[str, Any] = {}
    own: bool = True
    """Whether this package's own are in it: not where somebody outside made the record."""

    def find(self, named: str) -> type[Exception] | None:
        """The class with this qualified name."""
        if named in _NEVER:
            return None
        own = vars(errors).get(named.rpartition(".")[2]) if self.own else None
        known = (*self.declared, vars(builtins).get(named), own)
        for each in (*known, *(_reached(value, named) for value in self.names.values())):
            if isinstance(each, type) and issubclass(each, Exception) and qualified_name(each) == named:
                return each
        return None


def rebuild(base: type[OperationError], record: ErrorObject, entry: Operation, family: Family) -> OperationError:
    """The error that *record* describes: of *base*, and of the class it names if the program's *family* has it.

    ``__init__`` is not run: the arguments and attributes are those that were recorded. A class that Python cannot
    combine with *base* (``MemoryError``, ``ExceptionGroup``, one whose metaclass objects) gives plain *base*.
    """
    named = record.get("ErrorType")
    original = family.find(named) if named else None
    message = record.get("ErrorMessage", "")
    cls = base
    if original is not None and not issubclass(base, original):
        cls = original if issubclass(original, base) else _both((base, original))
    error = _new(cls, message)
    OperationError.__init__(
        error,
        message,
        operation_id=entry["Id"],
        name=entry.get("Name"),
        error_type=named,
        error_data=record.get("ErrorData"),
        stack_trace=record.get("StackTrace", ()),
    )
    if original is not None and cls is not base:
        error.args = standard_args(message)
        _restore(error, record.get("ErrorData"))
    return error


def _reached(value: object, named: str) -> object:
    """What *named* is, seen from a global *value*: itself, or in it; nothing is imported for it."""
    if isinstance(value, ModuleType):
        return _walked(value, value.__name__, named) or vars(value).get(named.rpartition(".")[2])
    if isinstance(value, type):
        return _walked(value, f"{value.__module__}.{value.__qualname__}", named)
    return None


def _walked(value: object, name: str, named: str) -> object:
    if name == named:
        return value
    if not named.startswith(name + "."):
        return None
    for part in named[len(name) + 1 :].split("."):
        value = getattr(value, "__dict__", {}).get(part)  # never getattr: a module's own would import
    return value


@functools.lru_cache(maxsize=512)
def _both(pair: tuple[type[OperationError], type[Exception]]) -> type[OperationError]:
    """A class that is both of *pair*, named as the second; the first alone where Python cannot make one."""
    base, original = pair
    try:
        cls = type(original.__name__, pair, {"__module__": original.__module__, "__doc__": original.__doc__})
        _new(cls, "")
    except Exception:  # a metaclass, __init_subclass__ or __new__ with a mind of its own
        return base
    return cls


def _new(cls: type[OperationError], message: str) -> OperationError:
    """An instance of *cls* on which nobody's Python code has run."""
    made = next(new for each in cls.__mro__ if isinstance(new := vars(each).get("__new__"), BuiltinFunctionType))
    error = made(cls, message)
    assert isinstance(error, OperationError)
    return error


def _restore(error: OperationError, data: str | None) -> None:
    """Give *error* the arguments and attributes that the original had, as far as JSON holds them."""
    try:
        fields = json.loads(data) if data else {}
    except (ValueError, RecursionError):
        return
    if not isinstance(fields, dict):
        return
    if isinstance(fields.get("args"), list):
        error.args = tuple(fields["args"])
    attributes = fields.get("attributes")
    for name, value in attributes.items() if isinstance(attributes, dict) else ():
        if name not in OWN_FIELDS and not name.startswith("__") and not callable(getattr(type(error), name, None)):
            with suppress(Exception):  # a property or slot without a setter: the record cannot force it
                object.__setattr__(error, name, value)


_NEVER = frozenset({"StopIteration", "StopAsyncIteration"})
"""Raised in a coroutine, these turn into RuntimeError."""
