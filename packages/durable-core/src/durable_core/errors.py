"""Every error that a workflow can see.

``DurableError`` is the root. ``Suspended`` stands apart on purpose: it is a ``BaseException``, so that
``except Exception`` in a workflow cannot mistake the end of an invocation for a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def qualified_name(cls: type[BaseException]) -> str:
    """The name under which an exception class is recorded: bare for builtins, else with its module."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


class DurableError(Exception):
    """Every error of this package."""


class ExecutionError(DurableError):
    """Raise it to fail the execution; Lambda does not call again."""


class NonDeterministicExecutionError(ExecutionError):
    """The code asks for other operations than those that were recorded."""


class InvocationError(DurableError):
    """Raise it to fail this invocation only; Lambda calls again."""


class CheckpointError(InvocationError):
    """The service could not be reached, or refused the checkpoint token."""


class SerDesError(DurableError):
    """A value could not be written or read, or would not come back from a replay as it was."""


class SizeLimitError(DurableError):
    """A payload is larger than the service takes; the message names the operation, its size and the limit."""


class ValidationError(DurableError, ValueError):
    """An argument that no execution could accept, refused before any effect."""


class ContextMisuseError(DurableError):
    """A context or an operation is used where it does not belong; the message says what to do instead."""


class OperationError(DurableError):
    """An operation ended badly.

    A replay raises it again from the record: the same class, the same fields and the same message.
    ``error_type`` is the qualified name of the class that was raised first, however many levels up it is seen.
    """

    def __init__(
        self,
        error_message: str = "",
        *,
        operation_id: str | None = None,
        name: str | None = None,
        error_type: str | None = None,
        error_data: str | None = None,
        stack_trace: Sequence[str] = (),
    ) -> None:
        BaseException.__init__(self, error_message)  # in a class that is also the user's, super() would be its __init__
        self.error_message = error_message
        self.operation_id = operation_id
        self.name = name
        self.error_type: str = error_type if error_type is not None else qualified_name(type(self))
        self.error_data = error_data
        self.stack_trace: tuple[str, ...] = tuple(stack_trace)

    def __str__(self) -> str:
        return self.error_message


class StepError(OperationError):
    """A step failed, and its retry strategy gave up."""


class StepTimeoutError(StepError):
    """An attempt of a step took longer than ``StepConfig.timeout``."""


class StepInterruptedError(StepError):
    """An attempt of a step was cut off: its sandbox ended before an outcome was recorded."""


class InvokeError(OperationError):
    """An invoked function failed."""


class InvokeTimeoutError(InvokeError):
    """An invoked function timed out."""


class InvokeStoppedError(InvokeError):
    """An invoked execution was stopped."""


class CallbackError(OperationError):
    """A callback was answered with a failure."""


class CallbackTimeoutError(CallbackError):
    """Nobody answered a callback, or sent its heartbeat, in time."""


class CallbackSubmitterError(CallbackError):
    """The submitter of ``wait_for_callback`` failed, so nobody was asked."""


class ChildContextError(OperationError):
    """The body of a child context failed."""


class ConditionNotMetError(OperationError):
    """``wait_for_condition`` used up its attempts."""


class ConditionTimeoutError(ConditionNotMetError):
    """``wait_for_condition`` used up its time."""


class BatchError(OperationError):
    """Branches of a ``map`` or ``parallel`` failed; raised by ``raise_if_failed``."""


class AllFailedError(OperationError):
    """None of the operands of ``any`` succeeded."""


class Suspended(BaseException):
    """The invocation ends here for now. Not an error: let it pass."""


def _adopt(classes: Iterable[object]) -> None:
    for each in classes:
        if isinstance(each, type) and issubclass(each, BaseException):
            each.__module__ = "durable_core"  # the name that users import, in tracebacks and in records


_adopt(vars().copy().values())
