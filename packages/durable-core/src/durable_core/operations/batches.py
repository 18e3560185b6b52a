"""Results of ``map`` and ``parallel`` as text: readable JSON, with each branch's result by its own serializer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from durable_core._wire.shapes import ErrorObject
from durable_core.errors import OperationError
from durable_core.results import BatchItem, BatchResult, CompletionReason, ItemStatus
from durable_core.serdes import JsonSerDes, SerDes, SerDesContext, read, write

_LETTERS: Final = {ItemStatus.SUCCEEDED: "S", ItemStatus.FAILED: "F", ItemStatus.STARTED: "."}
_NOT_BEGUN: Final = "-"


class _Item(Struct, omit_defaults=True):
    index: int
    status: ItemStatus
    name: str | None = None
    result: Raw | UnsetType = UNSET
    """Of a branch whose results are JSON."""
    text: str | UnsetType = UNSET
    """Of one with a serializer of the program's."""
    error: ErrorObject | UnsetType = UNSET


class _Batch(Struct):
    completion_reason: CompletionReason
    items: list[_Item]


class Outline(Struct):
    """What a batch came to without its results, where those are too large to record."""

    completion_reason: CompletionReason
    statuses: str
    """A letter for each branch that was given."""

    def indexes(self, status: ItemStatus) -> list[int]:
        """The branches that came to *status*."""
        return [index for index, letter in enumerate(self.statuses) if letter == _LETTERS[status]]

    @classmethod
    def of(cls, result: BatchResult[Any], total: int) -> Outline:
        """The outline of *result*, a batch of *total* branches."""
        statuses = [_NOT_BEGUN] * total
        for item in result.items:
            statuses[item.index] = _LETTERS[item.status]
        return cls(result.completion_reason, "".join(statuses))

    @classmethod
    def read(cls, text: str) -> Outline:
        """The outline that *text* is."""
        return msgspec.json.decode(text, type=cls)

    def write(self) -> str:
        """It as text."""
        return msgspec.json.encode(self).decode()


class BatchSerDes:
    """Writes and reads a whole ``BatchResult``."""

    def __init__(
        self,
        serdes_of: Callable[[int], SerDes[Any]],
        describe: Callable[[BaseException], ErrorObject],
        failure: Callable[[int, str | None, ErrorObject], OperationError],
    ) -> None:
        self._serdes_of = serdes_of
        self._describe = describe
        self._failure = failure

    def serialize(self, value: BatchResult[Any], context: SerDesContext) -> str:
        """*value* as JSON."""
        items = [self._written(item, context) for item in value.items]
        return _text_of(value, items)

    def deserialize(self, data: str, context: SerDesContext) -> BatchResult[Any]:
        """The batch that *data* stands for."""
        batch = _decode(data)
        return BatchResult([self._read(item, context) for item in batch.items], batch.completion_reason)

    def write(
        self, value: BatchResult[Any], context: SerDesContext, recorded: Callable[[int], str | None]
    ) -> tuple[str, BatchResult[Any]]:
        """The text to record for *value*, and the value as a replay will read it.

        Each result is as a replay reads it already; *recorded* gives the text that it was read from, by its index, if
        that is at hand.
        """
        items = [self._written(item, context, recorded(item.index)) for item in value.items]
        seen = [
            item if item.error is None else self._read(written, context)
            for item, written in zip(value.items, items, strict=True)
        ]
        return _text_of(value, items), BatchResult(seen, value.completion_reason)

    def _written(self, item: BatchItem[Any], context: SerDesContext, text: str | None = None) -> _Item:
        written = _Item(item.index, item.status, item.name)
        if item.error is not None:
            written.error = self._describe(item.error)
        elif item.status is ItemStatus.SUCCEEDED:
            serdes = self._serdes_of(item.index)
            if text is None:
                text = write(serdes, item.result, context)[0]
            if type(serdes) is JsonSerDes:
                written.result = Raw(text.encode())
            else:
                written.text = text
        return written

    def _read(self, item: _Item, context: SerDesContext) -> BatchItem[Any]:
        if item.error is not UNSET:
            error = self._failure(item.index, item.name, item.error)
            return BatchItem(item.index, item.name, item.status, None, error)
        if item.status is not ItemStatus.SUCCEEDED:
            return BatchItem(item.index, item.name, item.status)
        text = item.text if item.text is not UNSET else _text(item.result)
        return BatchItem(item.index, item.name, item.status, read(self._serdes_of(item.index), text, context))


_decode = msgspec.json.Decoder(_Batch).decode


def _text_of(value: BatchResult[Any], items: list[_Item]) -> str:
    return msgspec.json.encode(_Batch(value.completion_reason, items)).decode()


def _text(raw: Raw | UnsetType) -> str:
    return "null" if raw is UNSET else bytes(raw).decode()
