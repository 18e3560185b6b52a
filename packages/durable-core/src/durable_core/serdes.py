"""How values become text in a record, and values again on a replay.

The default is plain JSON, typed by annotations: readable in the console and from other languages. A value that would
not come back equal and of the same class is refused the first time, with what to do about it.
"""

from __future__ import annotations

import functools
import math
import sys
import typing
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from durable_core._core.sameness import difference, same
from durable_core.errors import SerDesError

T = TypeVar("T")

UNTYPED: Any = None
"""The hint of a value whose type nobody declared."""


class SerDesContext(NamedTuple):
    """Whose value it is."""

    operation_id: str | None
    name: str | None
    execution_arn: str


class SerDes(Protocol[T]):
    """Writes a value as text, and reads it back. Both may be called many times for one value."""

    def serialize(self, value: T, context: SerDesContext) -> str:
        """*value* as text."""
        ...

    def deserialize(self, data: str, context: SerDesContext) -> T:
        """The value that *data* stands for."""
        ...


class JsonSerDes:
    """Plain JSON, typed by *hint*; without one, values that JSON holds as they are.

    Reads and writes what msgspec does (dataclass, NamedTuple, TypedDict, Struct, Enum, datetime, timedelta, UUID,
    Decimal, set, tuple, bytes, unions) and pydantic models, alone or inside those.
    """

    __slots__ = ("_write", "hint", "read")

    def __init__(self, hint: Any = UNTYPED) -> None:
        self.hint: Any = hint
        if _is_model(hint):
            self._write: Callable[[Any], str | bytes] = _write_model
            self.read: Callable[[str], Any] = hint.model_validate_json
            """As ``deserialize``."""
            return
        self._write = _ENCODER.encode
        self.read = _decoder(hint)

    def serialize(self, value: Any, context: SerDesContext | None = None) -> str:
        """*value* as JSON; ``SerDesError`` if a replay would not get it back equal and of the same class."""
        return self.round_trip(value)[0]

    def deserialize(self, data: str, context: SerDesContext | None = None) -> Any:
        """The value of the JSON in *data*, of the type that is declared."""
        return self.read(data)

    def round_trip(self, value: Any) -> tuple[str, Any]:
        """*value* as JSON, and what a replay will read from it."""
        try:
            written = self._write(value)
            data = written.decode() if isinstance(written, bytes) else written
            if self.hint is UNTYPED and type(value) in _EXACT:
                return data, value
            after = self.read(data)
        except SerDesError:
            raise
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError, AttributeError) as error:
            raise SerDesError(
                f"it cannot be written as JSON and read back: {_short(error)}. {self._advice()}"
            ) from error
        if not same(value, after):
            raise SerDesError(f"{difference(value, after) or 'it would come back changed'}. {self._advice()}")
        return data, after

    def _advice(self) -> str:
        if self.hint is UNTYPED:
            return "Annotate the function's return type, give returns=…, or return what JSON holds as it is."
        return f"It is declared as {_shown(self.hint)}: declare what is returned, or give a serdes of your own."


class _TextSerDes:
    def serialize(self, value: str, context: SerDesContext) -> str:
        return value

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data


TEXT: SerDes[str] = _TextSerDes()
"""Text as it stands, without JSON's quotes."""


@functools.lru_cache(maxsize=1024)
def _cached(hint: Any) -> JsonSerDes:
    return JsonSerDes(hint)


def json_serdes(hint: Any) -> JsonSerDes:
    """The default serializer for *hint*; ``SerDesError`` where the hint alone shows that it cannot work."""
    try:
        return _cached(hint)
    except RecursionError:  # an alias that names itself, such as that of JSON: it says no more than Any
        return _cached(UNTYPED)
    except TypeError as error:
        if any(name in str(error) for name in ("ForwardRef", "TypeAliasType")):
            return _cached(UNTYPED)
        if "unhashable" not in str(error):
            raise SerDesError(f"values declared as {_shown(hint)} cannot be read back: {_short(error)}") from error
    return JsonSerDes(hint)


def encode_json(value: object) -> str:
    """*value* as JSON, whatever type it is declared as; ``SerDesError`` if it has no JSON form."""
    try:
        data = _ENCODER.encode(value)
        if b"null" in data and not _is_finite(msgspec.to_builtins(value, enc_hook=_dump_foreign)):
            raise ValueError("JSON knows neither NaN nor Infinity; use None or a string for it")
        return data.decode()
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError) as error:
        raise SerDesError(f"a {type(value).__name__} cannot be written as JSON: {_short(error)}") from error


def write(serdes: SerDes[Any], value: object, context: SerDesContext) -> tuple[str, Any]:
    """The text to record for *value*, and the value as a replay will read it."""
    try:
        if type(serdes) is JsonSerDes:
            return serdes.round_trip(value)
        data = serdes.serialize(value, context)
        if not isinstance(data, str):
            raise SerDesError(f"serialize must return str, but returned {type(data).__name__}")
        data.encode()
        return data, serdes.deserialize(data, context)
    except Exception as error:
        raise _named(error, "the value of", value, context) from error


def read(serdes: SerDes[Any], data: str, context: SerDesContext) -> Any:
    """The value that *data* records."""
    try:
        return serdes.deserialize(data, context)
    except Exception as error:
        raise _named(error, "what was recorded for", None, context) from error


def _named(error: Exception, what: str, value: object, context: SerDesContext) -> SerDesError:
    whose = f'"{context.name}"' if context.name else context.operation_id or "the execution"
    kind = "" if value is None else f" (a {type(value).__name__})"
    reason = str(error) if isinstance(error, SerDesError) else f"{type(error).__name__}: {_short(error)}"
    return SerDesError(f"{what} {whose}{kind} was refused: {reason}")


_EXACT = frozenset({str, bool, type(None)})
"""Scalars that JSON holds as they are, whatever their value; an int may be too large and a float may be NaN."""


def _write_model(value: Any) -> str:
    dump = getattr(value, "model_dump_json", None)
    if dump is None:
        raise TypeError(f"a pydantic model was declared, got {type(value).__name__}")
    return str(dump(round_trip=True, by_alias=True))


def _encode_foreign(value: Any) -> Any:
    if _is_model(type(value)):
        return msgspec.Raw(_write_model(value).encode())
    raise TypeError(f"objects of type {type(value).__name__} have no JSON form")


def _dump_foreign(value: Any) -> Any:
    if _is_model(type(value)):
        return value.model_dump(mode="json")
    raise TypeError(f"objects of type {type(value).__name__} have no JSON form")


def _is_finite(value: Any) -> bool:
    """Whether every number in *value* is one that JSON knows."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, list | tuple) or all(map(_is_finite, value))


def _decode_foreign(hint: Any, value: Any) -> Any:
    if _is_model(hint):
        return hint.model_validate_json(_ENCODER.encode(value))
    if hint is object:
        return value
    raise TypeError(f"values declared as {_shown(hint)} have no JSON form")


def _is_model(hint: Any) -> bool:
    pydantic = sys.modules.get("pydantic")  # who declares a model has imported it
    return pydantic is not None and isinstance(hint, type) and issubclass(hint, pydantic.BaseModel)


_ENCODER = msgspec.json.Encoder(enc_hook=_encode_foreign)


def _decoder(hint: Any) -> Callable[[Any], Any]:
    if hint is UNTYPED:
        return msgspec.json.Decoder().decode
    if not (isinstance(hint, type) and hint in _PLAIN):
        _check_json_form(msgspec.inspect.type_info(hint), set())
    return msgspec.json.Decoder(hint, dec_hook=_decode_foreign).decode


def _check_json_form(info: Any, seen: set[int]) -> None:
    """``TypeError`` if a part of a type has no JSON form: better now than after a step has run."""
    if id(info) in seen:
        return
    seen.add(id(info))
    if isinstance(info, msgspec.inspect.CustomType) and info.cls is not object and not _is_model(info.cls):
        raise TypeError(f"{_shown(info.cls)} has no JSON form")
    if isinstance(info, msgspec.inspect.DictType) and isinstance(info.key_type, _NO_KEYS):
        raise TypeError("the keys of a JSON object are strings, or what is written as one")
    if isinstance(info, list | tuple):
        parts: Any = info
    elif isinstance(info, msgspec.inspect.Type | msgspec.inspect.Field):
        parts = (getattr(info, name) for name in info.__struct_fields__ if name not in ("default", "default_factory"))
    else:
        return
    for part in parts:
        _check_json_form(part, seen)


_PLAIN = frozenset({str, int, float, bool, type(None)})
_NO_KEYS = (
    msgspec.inspect.BoolType,
    msgspec.inspect.NoneType,
    msgspec.inspect.CollectionType,
    msgspec.inspect.TupleType,
    msgspec.inspect.DictType,
    msgspec.inspect.DataclassType,
    msgspec.inspect.StructType,
)


def _shown(hint: Any) -> str:
    return hint.__qualname__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:300] + "…"
