"""``ctx.create_callback`` and ``ctx.wait_for_callback``: somebody outside answers.

A callback is one CALLBACK operation with two moments: it has an id once it is recorded, and a result once it is over.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe  # pyright: ignore[reportPrivateUsage] (documented for CPython)
from types import FrameType
from typing import Any

from durable_core._core.clock import millis
from durable_core._core.rebuilding import Family, rebuild
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import perform
from durable_core._runtime.scope import Lane, Scope
from durable_core._wire.shapes import (
    TERMINAL,
    CallbackOptions,
    ErrorObject,
    Operation,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durable_core.config import CallbackConfig, ChildConfig, StepConfig, WaitForCallbackConfig
from durable_core.duration import whole_seconds
from durable_core.errors import (
    CallbackError,
    CallbackSubmitterError,
    CallbackTimeoutError,
    CheckpointError,
    OperationError,
    StepError,
    ValidationError,
)
from durable_core.limits import MAX_CALLBACK_SECONDS
from durable_core.operations.child import Child
from durable_core.operations.functions import checked_name, facts_of, hint
from durable_core.operations.step import Step
from durable_core.serdes import TEXT, UNTYPED, SerDes, SerDesContext, json_serdes

PlaceOf = Callable[[Kind[Any], FrameType], Kind[Any]]
"""Gives an operation its place in a context, for the call that a frame is making."""

_DEFAULT: CallbackConfig[Any] = CallbackConfig()
_DEFAULT_ASKED: WaitForCallbackConfig[Any] = WaitForCallbackConfig()
_ORIGINS = {"submitter": CallbackSubmitterError, "time": CallbackTimeoutError, "answer": CallbackError}
"""Where the failure of a ``wait_for_callback`` came from. The data of its record begin with that, so that a replay
knows it too, whatever somebody outside has answered."""
_MARK = 128
"""Bytes that an origin takes in a record, beside a stack trace that is cut."""


class CreateCallback(Kind[Any]):
    """A CALLBACK operation, up to the moment when it has an id; the result is what *make* makes of it and the id."""

    __slots__ = ("_make", "config")

    type: OperationType = "CALLBACK"
    subtype = "Callback"
    recorded = True

    def __init__(
        self, name: str | None, config: CallbackConfig[Any] | None, make: Callable[[CreateCallback, str], Any]
    ) -> None:
        self.name: str | None = checked_name(name)
        self.config: CallbackConfig[Any] = _DEFAULT if config is None else config
        given: object = self.config
        if not isinstance(given, CallbackConfig):
            raise ValidationError(f"create_callback takes a CallbackConfig as its config, got {given!r}")
        self._make = make

    def __str__(self) -> str:
        return f'callback "{self.name}"' if self.name else "a callback"

    def admit(self) -> None:
        self.serdes()

    def is_over(self, entry: Operation) -> bool:
        return "CallbackId" in entry.get("CallbackDetails", {})

    def is_news(self, entry: Operation) -> bool:
        return not self.is_over(entry)  # an answer that is news is news to who asks for it

    def moment(self, entry: Operation) -> int:
        return millis(entry["StartTimestamp"])

    def status(self, entry: Operation) -> OperationStatus:
        return "STARTED"

    async def run(self, entry: Operation | None) -> Operation:
        if entry is None:
            entry = await self.driver.conclude(self.update("START", CallbackOptions=self._options()))
        if not self.is_over(entry):
            await self.driver.abort(CheckpointError(f"the service did not tell the id of {self}"))
        return entry

    def recall(self, entry: Operation) -> Any:
        return self._make(self, entry.get("CallbackDetails", {}).get("CallbackId", ""))

    def serdes(self) -> SerDes[Any]:
        """How the result is read."""
        given = self.config.serdes or self.execution.settings.serdes
        return given if given is not None else json_serdes(hint(self.config.returns) if self.config.returns else None)

    def _options(self) -> CallbackOptions:
        options: CallbackOptions = {}
        if self.config.timeout is not None:
            options["TimeoutSeconds"] = whole_seconds(self.config.timeout, "timeout", most=MAX_CALLBACK_SECONDS)
        if self.config.heartbeat_timeout is not None:
            seconds = whole_seconds(self.config.heartbeat_timeout, "heartbeat_timeout", most=MAX_CALLBACK_SECONDS)
            options["HeartbeatTimeoutSeconds"] = seconds
        return options


class CallbackFacts:
    """What every callback knows of itself, whatever the flavour of its workflow."""

    __slots__ = ("_id", "_operation", "_place")

    def __init__(self, operation: CreateCallback, id: str, place: PlaceOf) -> None:
        self._operation = operation
        self._id = id
        self._place = place

    @property
    def callback_id(self) -> str:
        """What the answer names it by. Whoever has it can answer: give it to nobody else, and do not log it."""
        return self._id

    @property
    def name(self) -> str | None:
        """Its name, as it is recorded."""
        return self._operation.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or self._operation.id}>"


class CallbackResult(Kind[Any]):
    """The result of a callback. It stands at the callback's own place, whenever it is asked for."""

    __slots__ = ("_callback",)

    type: OperationType = "CALLBACK"
    subtype = "Callback"
    recorded = True

    def __init__(self, callback: CreateCallback) -> None:
        self.name: str | None = callback.name
        self._callback = callback

    def __str__(self) -> str:
        return f"the result of {self._callback}"

    def take_place(self, lane: Lane, frame: FrameType) -> None:
        self.stand(lane, self._callback.number, self._callback.id, frame.f_code, frame.f_lasti)

    def is_over(self, entry: Operation) -> bool:
        return entry["Status"] in TERMINAL

    async def run(self, entry: Operation | None) -> Operation:
        return await self.driver.park(self)

    def recall(self, entry: Operation) -> Any:
        details = entry.get("CallbackDetails", {})
        if entry["Status"] == "SUCCEEDED":
            return self.read(self._callback.serdes(), details["Result"]) if "Result" in details else None
        base = CallbackTimeoutError if entry["Status"] == "TIMED_OUT" else CallbackError
        raise rebuild(base, details.get("Error", {}), entry, Family(self.execution.settings.errors, own=False))


class WaitForCallback(Child):
    """A CONTEXT with a callback and the step that tells somebody its id.

    Its result is recorded as the answer came, and read as often as it is recalled: an answer is nowhere written anew.
    """

    __slots__ = ("_submitter",)

    subtype = "WaitForCallback"
    runs_the_users = False

    def __init__(
        self,
        body: Callable[..., Any],
        submitter: Callable[..., Any],
        name: str | None,
        config: WaitForCallbackConfig[Any],
        make_context: Callable[[Scope], object],
    ) -> None:
        recorded = ChildConfig(serdes=config.serdes, returns=config.returns)
        super().__init__(body, (), name, recorded, make_context)
        self.name: str | None = checked_name(name)
        self._submitter = facts_of(submitter)

    def __str__(self) -> str:
        return f'wait_for_callback "{self.name}"' if self.name else "a wait_for_callback"

    def recall(self, entry: Operation) -> Any:
        if entry["Status"] == "SUCCEEDED" and "Result" not in entry.get("ContextDetails", {}):
            return None  # an answer without a payload
        return super().recall(entry)

    async def _succeed(self, value: str | None, serdes: SerDes[Any]) -> Operation:
        if value is None:
            return await self.driver.conclude(self.update("SUCCEED"))
        return await super()._succeed(value, serdes)

    def _serdes(self) -> SerDes[Any]:
        return _AsItCame(super()._serdes())

    def failed(self, record: ErrorObject, entry: Operation) -> OperationError:
        origin, marked, data = record.get("ErrorData", "").partition(":")
        if origin not in _ORIGINS:
            return rebuild(CallbackError, record, entry, Family(self.execution.settings.errors))
        told: ErrorObject = {**record, "ErrorData": data}
        if not marked:
            del told["ErrorData"]
        names, ours = (self._submitter.names, True) if origin == "submitter" else ({}, False)
        return rebuild(_ORIGINS[origin], told, entry, Family(self.execution.settings.errors, names, ours))


class Submission(Step):
    """The step that tells somebody the id of a callback; what its function returns is of no account."""

    __slots__ = ()

    def serdes(self) -> SerDes[Any]:
        return json_serdes(UNTYPED)

    def after_success(self, value: Any, number: int) -> OperationUpdate:
        return self.success(*self.written(None))


class _AsItCame:
    """Writes the text of an answer as it is, and reads it as another serializer does."""

    def __init__(self, serdes: SerDes[Any]) -> None:
        self.deserialize = serdes.deserialize

    def serialize(self, value: str, context: SerDesContext) -> str:
        return value


def asked(config: WaitForCallbackConfig[Any] | None) -> WaitForCallbackConfig[Any]:
    """*config*, or the default one; ``ValidationError`` if it is something else."""
    given: object = _DEFAULT_ASKED if config is None else config
    if not isinstance(given, WaitForCallbackConfig):
        raise ValidationError(f"wait_for_callback takes a WaitForCallbackConfig as its config, got {given!r}")
    return given


async def ask(
    place_of: PlaceOf,
    submitter: Callable[..., Any],
    args: tuple[Any, ...],
    name: str | None,
    config: WaitForCallbackConfig[Any],
) -> Any:
    """The body of ``wait_for_callback``: create a callback, tell somebody its id, and wait for the answer, as text."""

    def place(operation: Kind[Any]) -> Kind[Any]:
        return place_of(operation, _getframe(1))

    answered = CallbackConfig(timeout=config.timeout, heartbeat_timeout=config.heartbeat_timeout, serdes=TEXT)
    creation = CreateCallback(name, answered, lambda callback, id: (callback, id))
    callback, id = await perform(place(creation))
    how = StepConfig(retry_strategy=config.retry_strategy, step_semantics=config.step_semantics)
    try:
        await perform(place(Submission(submitter, (id, *args), None, how)))
    except StepError as error:
        raise _marked("submitter", error, callback) from error
    try:
        return await perform(place(CallbackResult(callback)))
    except CallbackError as error:
        raise _marked("time" if isinstance(error, CallbackTimeoutError) else "answer", error, callback) from error


def _marked(origin: str, error: OperationError, callback: CreateCallback) -> CallbackError:
    """*error*, with its *origin* in its data."""
    record = callback.describe(error, spare=_MARK)
    data = origin if error.error_data is None or "ErrorData" not in record else f"{origin}:{record['ErrorData']}"
    return _ORIGINS[origin](record.get("ErrorMessage", ""), error_type=record.get("ErrorType"), error_data=data)
