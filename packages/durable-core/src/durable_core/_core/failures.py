"""Errors as records: what the service keeps of an exception."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import suppress

from durable_core._wire.shapes import ErrorObject
from durable_core.errors import OperationError, qualified_name

MARK = "… (cut to fit)"

OWN_FIELDS = frozenset({"error_message", "operation_id", "name", "error_type", "error_data", "stack_trace", "args"})
"""What ``OperationError`` keeps for itself, and no record may set."""


def describe(error: BaseException, *, limit: int, stack_trace: bool = False) -> ErrorObject:
    """*error* as the service records it, cut to at most *limit* bytes of JSON; what was cut is marked."""
    if isinstance(error, OperationError):
        record: ErrorObject = {"ErrorType": error.error_type, "ErrorMessage": _clean(error.error_message)}
        data = error.error_data if error.error_data is not None else _data(error)
    else:
        record = {"ErrorType": qualified_name(type(error)), "ErrorMessage": message_of(error)}
        data = _data(error)
    if data is not None:
        record["ErrorData"] = data
    if stack_trace:
        record["StackTrace"] = [_clean(line.rstrip()) for line in traceback.format_tb(error.__traceback__)]
    return record if size_of(record) <= limit else _fitted(record, limit)


def message_of(error: BaseException) -> str:
    """The text of *error*, whatever its ``__str__`` does."""
    try:
        return _clean(str(error))
    except Exception as trouble:
        return f"<{type(error).__name__} whose message raised {type(trouble).__name__}>"


def standard_args(message: str) -> tuple[str, ...]:
    """The arguments of an exception with this *message*, unless its record says otherwise."""
    return (message,) if message else ()


def size_of(record: ErrorObject) -> int:
    """Bytes of *record* as JSON."""
    return len(json.dumps(record))


def _clean(text: str) -> str:
    """*text* as UTF-8 can hold it: lone surrogates, as in undecodable file names, are written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _data(error: BaseException) -> str | None:
    """The arguments and attributes of *error* that JSON holds as they are."""
    fields: dict[str, object] = {}
    if error.args != standard_args(message_of(error)) and _is_json(list(error.args)):
        fields["args"] = list(error.args)
    attributes = {name: value for name, value in _attributes(error) if _is_json(value)}
    if attributes:
        fields["attributes"] = attributes
    return json.dumps(fields) if fields else None


def _attributes(error: BaseException) -> Iterator[tuple[str, object]]:
    names = {"errno", "strerror", "filename"} if isinstance(error, OSError) else set()
    for cls in type(error).__mro__:
        slots = vars(cls).get("__slots__", ())
        names.update((slots,) if isinstance(slots, str) else slots)
    names.update(getattr(error, "__dict__", ()))
    for name in sorted(names):
        if not name.startswith("__") and name not in OWN_FIELDS:
            with suppress(Exception):  # an unfilled slot, or a class with a mind of its own
                value = getattr(error, name)
                if value is not None or name in error.__dict__:
                    yield name, value


def _is_json(value: object) -> bool:
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except Exception:  # comparing may run the user's code
        return False


def _fitted(record: ErrorObject, limit: int) -> ErrorObject:
    """*record* with its stack trace, then its data, then the end of its message left out."""
    cut: ErrorObject = dict(record)  # type: ignore[assignment]
    if "StackTrace" in cut:
        cut["StackTrace"] = [MARK]
    if size_of(cut) > limit:
        cut.pop("ErrorData", None)
    if size_of(cut) > limit:
        cut["ErrorMessage"] = _cut(cut, "ErrorMessage", limit)
    if size_of(cut) > limit:
        cut.pop("StackTrace", None)
        cut["ErrorType"] = _cut(cut, "ErrorType", limit)
    return cut


def _cut(record: ErrorObject, member: str, limit: int) -> str:
    """The longest beginning of a *member*, with a mark, with which *record* has at most *limit* bytes."""
    text = str(record.get(member, ""))
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if size_of({**record, member: text[:middle] + MARK}) <= limit:  # type: ignore[misc]
            low = middle
        else:
            high = middle - 1
    return text[:low] + MARK
