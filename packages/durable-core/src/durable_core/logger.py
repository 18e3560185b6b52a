"""Logging that knows which operation it speaks of, and is silent while a workflow replays."""

from __future__ import annotations

import logging
from typing import Any

from msgspec import Struct

from durable_core._runtime.execution import Execution
from durable_core._runtime.scope import Lane, Scope
from durable_core._runtime.whose import current_lane
from durable_core.config import ReplayLogging

LOGGER_NAME = "durable"
"""The standard logger that ``ctx.logger`` writes to."""

_STANDARD = frozenset({"exc_info", "stack_info", "stacklevel", "extra"})
_TAKEN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_LEAST = {
    ReplayLogging.ALLOW_ALL: logging.NOTSET,
    ReplayLogging.WARNINGS_AND_ERRORS: logging.WARNING,
    ReplayLogging.ERRORS_ONLY: logging.ERROR,
    ReplayLogging.SUPPRESS_ALL: logging.CRITICAL + 1,
}
"""The lowest level that is written while replaying."""


class Subject(Struct, frozen=True):
    """What log lines are about."""

    execution: Execution
    scope: Scope
    operation_id: str | None = None
    operation_name: str | None = None
    attempt: int | None = None

    def is_replaying(self) -> bool:
        """Whether the code that runs now repeats what an earlier invocation did."""
        if self.attempt is not None:  # a step's body runs only when it is not recorded
            return False
        lane = current_lane()
        return lane.replaying if lane is not None else False

    def fields(self) -> dict[str, object]:
        """The fields that every record carries."""
        return {
            "durable_execution_arn": self.execution.arn,
            "operation_id": self.operation_id,
            "operation_name": self.operation_name,
            "parent_id": self.scope.above if self.attempt is None else self.scope.parent_id,
            "attempt": self.attempt,
            "request_id": self.execution.request_id,
            "is_replay": self.is_replaying(),
        }


class DurableLogger:
    """Writes to a standard logger: ``logger.info("Processing order", order_id="ORD-1")``.

    Keyword arguments become attributes of the record (one that the record has already gets an underscore after its
    name), and stand together in ``record.fields``. ``exc_info``, ``stack_info``, ``stacklevel`` and ``extra`` keep
    their meaning.
    """

    __slots__ = ("_logger", "_subject")

    def __init__(self, subject: Subject, logger: logging.Logger | None = None) -> None:
        self._subject = subject
        self._logger = logger or logging.getLogger(LOGGER_NAME)

    def debug(self, message: str, /, *args: object, **fields: Any) -> None:
        """Write *message* at level DEBUG."""
        self._write(logging.DEBUG, message, args, fields)

    def info(self, message: str, /, *args: object, **fields: Any) -> None:
        """Write *message* at level INFO."""
        self._write(logging.INFO, message, args, fields)

    def warning(self, message: str, /, *args: object, **fields: Any) -> None:
        """Write *message* at level WARNING."""
        self._write(logging.WARNING, message, args, fields)

    def error(self, message: str, /, *args: object, **fields: Any) -> None:
        """Write *message* at level ERROR."""
        self._write(logging.ERROR, message, args, fields)

    def critical(self, message: str, /, *args: object, **fields: Any) -> None:
        """Write *message* at level CRITICAL."""
        self._write(logging.CRITICAL, message, args, fields)

    def exception(self, message: str, /, *args: object, **fields: Any) -> None:
        """Write *message* at level ERROR, with the exception that is being handled."""
        self._write(logging.ERROR, message, args, {"exc_info": True, **fields})

    def log(self, level: int, message: str, /, *args: object, **fields: Any) -> None:
        """Write *message* at *level*, one of the ``logging`` module's."""
        self._write(level, message, args, fields)

    def _write(self, level: int, message: str, args: tuple[object, ...], fields: dict[str, Any]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        own = self._subject.fields()
        if own["is_replay"] and level < _LEAST[self._subject.execution.settings.replay_logging]:
            return
        options = {key: fields.pop(key) for key in _STANDARD & fields.keys()}
        extra = {**(options.pop("extra", None) or {}), **own, "fields": fields}
        extra.update((f"{key}_" if key in _TAKEN or key in extra else key, value) for key, value in fields.items())
        options["stacklevel"] = options.get("stacklevel", 1) + 2
        self._logger.log(level, message, *args, extra=extra, **options)


class ReplayFilter(logging.Filter):
    """Makes any handler or logger silent while the workflow that runs now replays, by the same four modes."""

    def __init__(self, mode: ReplayLogging = ReplayLogging.SUPPRESS_ALL) -> None:
        super().__init__()
        self._least = _LEAST[mode]

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether *record* is to be written."""
        lane: Lane | None = current_lane()
        return lane is None or not lane.replaying or record.levelno >= self._least
