"""Callbacks that wait for an answer, and the answers that a test gives them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from durable_core.spi import ErrorObject, encode_json
from durable_testing.runner.functions import crashed
from durable_testing.service.verbs import DurableService

Answers = Mapping[str, Any] | Callable[[str], Any]
"""What to answer callbacks with, by their names: values, exceptions, or functions of the ``PendingCallback``.

Instead of a mapping, a function of the name; ``KeyError`` or ``LookupError`` leaves a callback to others, and so does a
function of the callback that does not answer it: it is asked again when time has passed.
"""


class PendingCallback:
    """A callback that nobody has answered yet."""

    def __init__(self, service: DurableService, arn: str, callback_id: str, name: str | None) -> None:
        self._service = service
        self._arn = arn
        self.callback_id = callback_id
        self.name = name

    @property
    def is_waiting(self) -> bool:
        """Whether it still has no answer."""
        return any(each.callback_id == self.callback_id for each in pending_callbacks(self._service, self._arn))

    def succeed(self, value: Any = None) -> None:
        """Answer with *value*, as JSON; text that is sent as it is goes through ``succeed_with_text``."""
        self.succeed_with_text(encode_json(value))

    def succeed_with_text(self, text: str | None) -> None:
        """Answer with *text* as it is; ``None``: without a payload."""
        if text is None:
            self._service.send_durable_execution_callback_success(CallbackId=self.callback_id)
        else:
            self._service.send_durable_execution_callback_success(CallbackId=self.callback_id, Result=text.encode())

    def fail(self, error: BaseException | ErrorObject | str) -> None:
        """Answer with a failure: an exception, an error object of the API, or a message."""
        if isinstance(error, BaseException):
            error = crashed(error)
        record: ErrorObject = {"ErrorMessage": error} if isinstance(error, str) else error
        self._service.send_durable_execution_callback_failure(CallbackId=self.callback_id, Error=record)

    def heartbeat(self) -> None:
        """Say that somebody still works on it."""
        self._service.send_durable_execution_callback_heartbeat(CallbackId=self.callback_id)

    def __repr__(self) -> str:
        return f"<PendingCallback {self.name or 'without a name'}>"


def is_over(service: DurableService, arn: str) -> bool:
    """Whether an execution has ended."""
    return service.get_durable_execution(DurableExecutionArn=arn)["Status"] not in ("RUNNING", "PAUSING", "PAUSED")


def pending_callbacks(service: DurableService, arn: str) -> list[PendingCallback]:
    """The callbacks of an execution that wait for an answer, in the order in which they were created."""
    if is_over(service, arn):
        return []
    return [
        PendingCallback(service, arn, each.get("CallbackDetails", {}).get("CallbackId", ""), each.get("Name"))
        for each in service.operations(arn)
        if each["Type"] == "CALLBACK" and each["Status"] == "STARTED"
    ]


def answer(callback: PendingCallback, answers: Answers) -> bool:
    """Answer *callback* as *answers* say; whether they did."""
    if callback.name is None:
        return False
    try:
        given = answers[callback.name] if isinstance(answers, Mapping) else answers(callback.name)
    except LookupError:
        return False
    if isinstance(given, BaseException):
        callback.fail(given)
    elif callable(given):
        given(callback)
    else:
        callback.succeed(given)
    return not callback.is_waiting
