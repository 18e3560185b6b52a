"""How operations behave: frozen, keyword-only dataclasses; change one with ``dataclasses.replace``.

The generic ones have no slots: in Python 3.11 such a class could not be called as ``MapConfig[str](…)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from durable_core.completion import CompletionConfig
from durable_core.duration import whole_seconds
from durable_core.errors import ValidationError
from durable_core.limits import MAX_CALLBACK_SECONDS
from durable_core.polling import WaitStrategy
from durable_core.results import BatchResult
from durable_core.retry import RetryStrategy
from durable_core.serdes import SerDes

S = TypeVar("S")
if TYPE_CHECKING:  # where nothing names the type of a result, it is that of any JSON
    from typing_extensions import TypeVar as TypeVarWithDefault

    T = TypeVarWithDefault("T", default=Any)
    T_co = TypeVarWithDefault("T_co", covariant=True, default=Any)
else:
    T = TypeVar("T")
    T_co = TypeVar("T_co", covariant=True)

_TENANT = re.compile(r"[a-zA-Z0-9._:/=+@ -]{1,256}")
"""``TenantId`` in the API model."""


class StepSemantics(Enum):
    """What a crash in the middle of an attempt means for the next one."""

    AT_LEAST_ONCE_PER_RETRY = "at-least-once"
    """The attempt may run again: for work that can be repeated. Its START travels with its outcome, in one call."""
    AT_MOST_ONCE_PER_RETRY = "at-most-once"
    """The attempt never runs twice: its START is durable before the body begins, and a crash counts as a failure
    (``StepInterruptedError``) that the retry strategy decides on."""


class Checkpointing(Enum):
    """When the workflow goes on after a step: what a crash may cost, against calls to the service.

    Only where a single task of the workflow is alive: tasks and branches beside each other see what is recorded, in
    the order in which it is. A pause, a callback, an at-most-once step and the end wait for all that came before.
    """

    EAGER = "eager"
    """Once its outcome is durable: a crash redoes what was under way, and nothing else. A call for each step."""
    BATCHED = "batched"
    """At once, until 50 updates are not durable; then they are recorded together. A crash redoes at most those."""
    OPTIMISTIC = "optimistic"
    """At once, while outcomes are on their way, up to 2,500 updates. A crash redoes all that had not arrived. A record
    that the service refuses after its value was handed out fails the execution."""


class ReplayLogging(Enum):
    """Which log lines of a context are written while it replays."""

    SUPPRESS_ALL = "suppress-all"
    ALLOW_ALL = "allow-all"
    ERRORS_ONLY = "errors-only"
    WARNINGS_AND_ERRORS = "warnings-and-errors"


def check_serdes(value: object, where: str) -> None:
    """``ValidationError`` unless *value* can serialize and deserialize."""
    if value is not None and not (hasattr(value, "serialize") and hasattr(value, "deserialize")):
        raise ValidationError(f"{where} takes an object with serialize and deserialize, got {value!r}")


def check_errors(value: object, where: str) -> tuple[type[BaseException], ...]:
    """*value* as a tuple of exception classes, or ``ValidationError``."""
    classes: tuple[Any, ...] = tuple(value) if isinstance(value, tuple | list | set | frozenset) else (None,)
    if not all(isinstance(each, type) and issubclass(each, BaseException) for each in classes):
        raise ValidationError(f"{where} takes a tuple of exception classes, such as (PaymentDeclined,), got {value!r}")
    return classes


def check_callable(value: object, where: str, such_as: str) -> None:
    """``ValidationError`` unless *value* is ``None`` or can be called."""
    if value is not None and not callable(value):
        raise ValidationError(f"{where} takes a callable such as {such_as}, got {value!r}")


def _check_timeout(value: object, where: str) -> None:
    if value is not None and not (isinstance(value, timedelta) and value > timedelta(0)):
        raise ValidationError(f"{where} takes a timedelta above zero, got {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepConfig:
    """How a step runs, is retried, and is recorded."""

    retry_strategy: RetryStrategy | None = None
    """``None``: the handler's, else ``RetryPresets.DEFAULT``."""
    step_semantics: StepSemantics = StepSemantics.AT_LEAST_ONCE_PER_RETRY
    """What a crash in the middle of an attempt means."""
    serdes: SerDes[Any] | None = None
    """How the result is written; ``None``: the handler's, else JSON by the annotation."""
    timeout: timedelta | None = None
    """Of one attempt; over it, ``StepTimeoutError``. An ``async`` body is cancelled; a ``def`` body cannot be, and its
    late result is discarded (in a blocking handler such a body runs on a thread of its own)."""
    errors: tuple[type[BaseException], ...] = ()
    """Exception classes to rebuild on a replay, besides those that the step's module knows."""
    returns: Any = None
    """The type of the result, where there is no annotation to read."""

    def __post_init__(self) -> None:
        _check_timeout(self.timeout, "StepConfig.timeout")
        if not isinstance(self.step_semantics, StepSemantics):
            raise ValidationError(f"StepConfig.step_semantics takes a StepSemantics, got {self.step_semantics!r}")
        check_callable(self.retry_strategy, "StepConfig.retry_strategy", "FixedDelay(3)")
        check_serdes(self.serdes, "StepConfig.serdes")
        check_errors(self.errors, "StepConfig.errors")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildConfig:
    """How a child context is recorded."""

    serdes: SerDes[Any] | None = None
    """How the result is written; ``None``: the handler's, else JSON by the annotation."""
    returns: Any = None
    """The type of the result, where there is no annotation to read."""
    summary_generator: Callable[[Any], str] | None = None
    """What to record in place of a result that is too large; the children then replay to give it again."""
    error_mapper: Callable[[BaseException], BaseException] | None = None
    """What to record, and raise, in place of what the body raised."""
    virtual: bool = False
    """Group operations without recording a CONTEXT: nothing of it is in the history, and its body always runs."""

    def __post_init__(self) -> None:
        check_serdes(self.serdes, "ChildConfig.serdes")
        check_callable(self.summary_generator, "ChildConfig.summary_generator", "a function of the result")
        check_callable(self.error_mapper, "ChildConfig.error_mapper", "a function of the error")


@dataclass(frozen=True, kw_only=True)
class WaitForConditionConfig(Generic[S]):
    """How ``wait_for_condition`` looks again, and how its state is recorded."""

    wait_strategy: WaitStrategy[S]
    """Decides after each check: ``poll_every(…)``, ``poll_with_backoff(…)``, or any callable."""
    retry_strategy: RetryStrategy | None = None
    """For checks that raise, counted in a row; ``None``: the first error stands."""
    timeout: timedelta | None = None
    """From the first check on; over it, ``ConditionTimeoutError``."""
    serdes: SerDes[S] | None = None
    """How the state is written; ``None``: the handler's, else JSON by the annotation of the check's result."""
    returns: Any = None
    """The type of the state, where there is no annotation to read."""

    def __post_init__(self) -> None:
        if not callable(self.wait_strategy):
            raise ValidationError(
                "WaitForConditionConfig.wait_strategy takes a callable such as poll_every(…), got "
                f"{self.wait_strategy!r}"
            )
        check_callable(self.retry_strategy, "WaitForConditionConfig.retry_strategy", "FixedDelay(3)")
        _check_timeout(self.timeout, "WaitForConditionConfig.timeout")
        check_serdes(self.serdes, "WaitForConditionConfig.serdes")


@dataclass(frozen=True, kw_only=True)
class CallbackConfig(Generic[T_co]):
    """How long a callback is waited for, and how its result is read."""

    timeout: timedelta | None = None
    """From the creation on; over it, ``CallbackTimeoutError``."""
    heartbeat_timeout: timedelta | None = None
    """From one heartbeat to the next; over it, ``CallbackTimeoutError``."""
    serdes: SerDes[T_co] | None = None
    """How the result is read; ``None``: the handler's, else JSON. ``TEXT`` for what is no JSON."""
    returns: type[T_co] | None = None
    """The type of the result."""

    def __post_init__(self) -> None:
        for name in ("timeout", "heartbeat_timeout"):
            value = getattr(self, name)
            if value is not None:
                whole_seconds(value, f"{type(self).__name__}.{name}", most=MAX_CALLBACK_SECONDS)
        if self.timeout is not None and self.heartbeat_timeout is not None and self.heartbeat_timeout > self.timeout:
            raise ValidationError(
                f"{type(self).__name__}.heartbeat_timeout must not be longer than its timeout, got "
                f"{self.heartbeat_timeout} and {self.timeout}"
            )
        check_serdes(self.serdes, f"{type(self).__name__}.serdes")


@dataclass(frozen=True, kw_only=True)
class WaitForCallbackConfig(CallbackConfig[T_co]):
    """The same, and how the submitter runs, which is a step."""

    retry_strategy: RetryStrategy | None = None
    """Of the submitter; ``None``: the handler's, else ``RetryPresets.DEFAULT``."""
    step_semantics: StepSemantics = StepSemantics.AT_LEAST_ONCE_PER_RETRY
    """Of the submitter: what a crash in the middle of an attempt means."""

    def __post_init__(self) -> None:
        CallbackConfig.__post_init__(self)
        check_callable(self.retry_strategy, "WaitForCallbackConfig.retry_strategy", "FixedDelay(3)")
        if not isinstance(self.step_semantics, StepSemantics):
            raise ValidationError(
                f"WaitForCallbackConfig.step_semantics takes a StepSemantics, got {self.step_semantics!r}"
            )


@dataclass(frozen=True, kw_only=True)
class InvokeConfig(Generic[T_co]):
    """How a function is invoked, and how its result is read."""

    tenant_id: str | None = None
    """For a function with tenant isolation."""
    payload_serdes: SerDes[Any] | None = None
    """How the payload is written; ``None``: the handler's, else JSON."""
    result_serdes: SerDes[T_co] | None = None
    """How the result is read; ``None``: the handler's, else JSON."""
    returns: type[T_co] | None = None
    """The type of the result."""

    def __post_init__(self) -> None:
        tenant: object = self.tenant_id
        if tenant is not None and not (isinstance(tenant, str) and _TENANT.fullmatch(tenant)):
            raise ValidationError(
                "InvokeConfig.tenant_id takes 1 to 256 letters, digits, blanks and characters of ._:/=+@-, got "
                f"{tenant!r}"
            )
        check_serdes(self.payload_serdes, "InvokeConfig.payload_serdes")
        check_serdes(self.result_serdes, "InvokeConfig.result_serdes")


_STOP_AT_A_FAILURE = CompletionConfig.all_successful()


class Nesting(Enum):
    """How the branches of ``map`` and ``parallel`` are recorded."""

    NESTED = "nested"
    """Each branch is a CONTEXT of its own."""
    FLAT = "flat"
    """The operations of all branches stand directly under the batch; fewer operations count."""


@dataclass(frozen=True, kw_only=True)
class ParallelConfig(Generic[T]):
    """How ``parallel`` runs its branches, and how they are recorded."""

    max_concurrency: int | None = None
    """How many branches run at a time; ``None``: all."""
    completion: CompletionConfig = _STOP_AT_A_FAILURE
    """When to stop."""
    nesting: Nesting = Nesting.NESTED
    """How branches are recorded."""
    serdes: SerDes[BatchResult[T]] | None = None
    """How the whole result is written; ``None``: as JSON, with the branches' results by their own serializer."""
    item_serdes: SerDes[T] | None = None
    """How a branch's result is written; ``None``: the handler's, else JSON by the annotation."""
    returns: Any = None
    """The type of a branch's result, where there is no annotation to read."""
    summary_generator: Callable[[BatchResult[T]], str] | None = None
    """What to record in place of a result that is too large; the branches then replay to give it again."""

    def __post_init__(self) -> None:
        name, most = type(self).__name__, self.max_concurrency
        given: object = most
        if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
            raise ValidationError(f"{name}.max_concurrency takes a count from 1, got {given!r}")
        for value, kind in ((self.completion, CompletionConfig), (self.nesting, Nesting)):
            if not isinstance(value, kind):
                raise ValidationError(f"{name} takes a {kind.__name__} there, got {value!r}")
        check_serdes(self.serdes, f"{name}.serdes")
        check_serdes(self.item_serdes, f"{name}.item_serdes")
        check_callable(self.summary_generator, f"{name}.summary_generator", "a function of the result")
        if self.summary_generator is not None and self.nesting is Nesting.FLAT:
            raise ValidationError(
                f"{name}.summary_generator needs Nesting.NESTED: flat branches leave no record of theirs"
            )


@dataclass(frozen=True, slots=True)
class ItemBatcher:
    """Gives each branch of a ``map`` a batch of items: fewer operations, and one record for many small items.

    The function is called for one item of a batch after the other, in order; each has a result of its own. A batch that
    waits or fails in one item keeps what the others came to.
    """

    max_items: int | None = None
    """Items of a batch, at most."""
    max_bytes: int | None = None
    """Bytes of a batch's items as JSON, at most; a larger item is a batch of its own."""

    def __post_init__(self) -> None:
        for name in ("max_items", "max_bytes"):
            value: object = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ValidationError(f"ItemBatcher.{name} takes a count from 1, got {value!r}")
        if self.max_items is None and self.max_bytes is None:
            raise ValidationError("ItemBatcher takes max_items, max_bytes, or both")


@dataclass(frozen=True, kw_only=True)
class MapConfig(ParallelConfig[T]):
    """The same for ``map``."""

    item_namer: Callable[[Any, int], str] | None = None
    """The name of a branch: ``item_namer(item, index)``; ``None``: ``map-item-0`` and so on."""
    batcher: ItemBatcher | None = None
    """How many items a branch runs; ``None``: one."""

    def __post_init__(self) -> None:
        ParallelConfig.__post_init__(self)
        check_callable(self.item_namer, "MapConfig.item_namer", "lambda item, index: item.id")
        given: object = self.batcher
        if given is not None and not isinstance(given, ItemBatcher):
            raise ValidationError(f"MapConfig.batcher takes an ItemBatcher, got {given!r}")
