"""Errors as records, and records as errors: the first run and a replay raise what one function builds."""

from __future__ import annotations

import builtins
import json
import traceback
from collections.abc import Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any, NamedTuple

from durable_core import errors
from durable_core._wire.shapes import ErrorObject, Operation
from durable_core.errors import OperationError, qualified_name

MARK = "… (cut to fit)"


def describe(error: BaseException, *, limit: int, stack_trace: bool = False) -> ErrorObject:
    """*error* as the service records it, cut to at most *limit* bytes of JSON."""
    if isinstance(error, OperationError):
        record: ErrorObject = {"ErrorType": error.error_type, "ErrorMessage": error.error_message}
        if error.error_data is not None:
            record["ErrorData"] = error.error_data
    else:
        record = {"ErrorType": qualified_name(type(error)), "ErrorMessage": _message(error)}
        data = _data(error)
        if data is not None:
            record["ErrorData"] = data
    if stack_trace:
        record["StackTrace"] = [line.rstrip() for line in traceback.format_tb(error.__traceback__)]
    return _fitted(record, limit)


def rebuild(base: type[OperationError], record: ErrorObject, entry: Operation, family: Family) -> OperationError:
    """The error that *record* describes: of *base*, and of the class it names if the program's *family* has it."""
    named = record.get("ErrorType")
    original = family.find(named) if named else None
    message = record.get("ErrorMessage", "")
    cls = base
    if original is not None and not issubclass(base, original):
        cls = original if issubclass(original, base) else _mixed(base, original)
    error = cls.__new__(cls, message)
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
        _restore(error, record.get("ErrorData"))
    return error


class Family(NamedTuple):
    """The exception classes that a record may choose from: the program names them, never the record.

    Those that it declared, builtins, this package's own, and those that the *names* of a function (its globals)
    reach, themselves or in a module.
    """

    declared: tuple[type[BaseException], ...] = ()
    names: Mapping[str, Any] = {}

    def find(self, named: str) -> type[Exception] | None:
        """The class with this qualified name."""
        short = named.rpartition(".")[2]
        candidates = [*self.declared, _BUILTINS.get(named), getattr(errors, short, None)]
        names = self.names.values()
        candidates += [vars(value).get(short) if isinstance(value, ModuleType) else value for value in names]
        for each in candidates:
            if isinstance(each, type) and issubclass(each, Exception) and qualified_name(each) == named:
                return each if named not in _NEVER else None
        return None


def _mixed(base: type[OperationError], original: type[BaseException]) -> type[OperationError]:
    """``_both``, made once for each pair: ``except`` and ``type()`` must agree from one failure to the next."""
    key = (base, original)
    if key not in _made:
        _made[key] = _both(base, original)
    return _made[key]


_made: dict[tuple[type[OperationError], type[BaseException]], type[OperationError]] = {}


def _both(base: type[OperationError], original: type[BaseException]) -> type[OperationError]:
    """A class that is both, named as the original; *base* alone where Python cannot make one."""
    try:
        cls = type(
            original.__name__, (base, original), {"__module__": original.__module__, "__doc__": original.__doc__}
        )
        cls.__new__(cls, "")
    except Exception:  # a metaclass, __init_subclass__ or __new__ with a mind of its own
        return base
    return cls


def _restore(error: OperationError, data: str | None) -> None:
    """Give *error* the arguments and attributes that the original had, as far as JSON holds them."""
    try:
        fields = json.loads(data) if data else {}
    except ValueError:
        return
    if not isinstance(fields, dict):
        return
    if isinstance(fields.get("args"), list):
        error.args = tuple(fields["args"])
    attributes = fields.get("attributes")
    for key, value in attributes.items() if isinstance(attributes, dict) else ():
        if key not in _OWN:
            with suppress(Exception):  # a property or slot without a setter: the record cannot force it
                setattr(error, key, value)


_OWN = frozenset({"error_message", "operation_id", "name", "error_type", "error_data", "stack_trace", "args"})
_BUILTINS = {
    each.__name__: each for each in vars(builtins).values() if isinstance(each, type) and issubclass(each, Exception)
}
_NEVER = frozenset({"StopIteration", "StopAsyncIteration"})
"""Raised in a coroutine, these turn into RuntimeError."""


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as trouble:
        return f"<{type(error).__name__} whose message raised {type(trouble).__name__}>"


def _data(error: BaseException) -> str | None:
    fields: dict[str, object] = {}
    if error.args and error.args != (_message(error),) and _is_json(list(error.args)):
        fields["args"] = list(error.args)
    attributes = {**_c_fields(error), **vars(error)} if hasattr(error, "__dict__") else _c_fields(error)
    kept = {key: value for key, value in attributes.items() if not key.startswith("__") and _is_json(value)}
    if kept:
        fields["attributes"] = kept
    return json.dumps(fields) if fields else None


def _c_fields(error: BaseException) -> dict[str, object]:
    names = ("errno", "strerror", "filename") if isinstance(error, OSError) else ()
    return {name: getattr(error, name) for name in names if getattr(error, name) is not None}


def _is_json(value: object) -> bool:
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def size_of(record: ErrorObject) -> int:
    """Bytes of *record* as JSON."""
    return len(json.dumps(record))


def _fitted(record: ErrorObject, limit: int) -> ErrorObject:
    while size_of(record) > limit:
        if "StackTrace" in record:
            del record["StackTrace"]
        elif "ErrorData" in record:
            del record["ErrorData"]
        else:
            spare = max(0, limit - 512 - len(record.get("ErrorType", "")))
            record = {
                "ErrorType": record.get("ErrorType", "")[:256],
                "ErrorMessage": _cut(record.get("ErrorMessage", ""), spare),
            }
            break
    return record


def _cut(text: str, size: int) -> str:
    # A character takes at most 12 bytes of JSON (a surrogate pair of \\uXXXX).
    while len(json.dumps(text)) > size:
        text = text[: min(len(text) * size // len(json.dumps(text)), len(text) - 1)]
        if not text:
            break
    return text + MARK
