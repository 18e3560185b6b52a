"""The tree of errors, as the contract draws it, and what an operation's error says."""

from __future__ import annotations

import copy

import pytest

import durable_core
from durable_core import DurableError, OperationError, StepError, Suspended, ValidationError
from durable_core.errors import qualified_name

TREE = {
    "DurableError": "Exception",
    "ExecutionError": "DurableError",
    "NonDeterministicExecutionError": "ExecutionError",
    "InvocationError": "DurableError",
    "CheckpointError": "InvocationError",
    "OperationError": "DurableError",
    "StepError": "OperationError",
    "StepTimeoutError": "StepError",
    "StepInterruptedError": "StepError",
    "InvokeError": "OperationError",
    "InvokeTimeoutError": "InvokeError",
    "InvokeStoppedError": "InvokeError",
    "CallbackError": "OperationError",
    "CallbackTimeoutError": "CallbackError",
    "CallbackSubmitterError": "CallbackError",
    "ChildContextError": "OperationError",
    "ConditionNotMetError": "OperationError",
    "ConditionTimeoutError": "ConditionNotMetError",
    "BatchError": "OperationError",
    "AllFailedError": "OperationError",
    "SerDesError": "DurableError",
    "SizeLimitError": "DurableError",
    "ValidationError": "DurableError",
    "ContextMisuseError": "DurableError",
    "Suspended": "BaseException",
}
OPERATIONS = [
    pytest.param(each, id=each.__name__)
    for each in map(vars(durable_core).get, TREE)
    if isinstance(each, type) and issubclass(each, OperationError)
]


@pytest.mark.parametrize(("name", "base"), TREE.items())
def test_an_error_stands_where_the_contract_puts_it(name: str, base: str) -> None:
    """What an ``except`` catches depends on it."""
    cls = getattr(durable_core, name)
    assert cls.__bases__[0].__name__ == base
    assert (cls.__module__, qualified_name(cls)) == ("durable_core", f"durable_core.{name}")


def test_no_error_stands_outside_of_the_tree() -> None:
    """But the client's, whose name the contract leaves open."""
    found = [each for each in vars(durable_core).values() if isinstance(each, type) and issubclass(each, BaseException)]
    assert {each.__name__ for each in found} - {"ServiceError"} == TREE.keys()


def test_a_suspension_is_not_an_error() -> None:
    """``except Exception`` lets it pass."""
    assert not issubclass(Suspended, Exception)


def test_a_bad_argument_is_a_value_error_too() -> None:
    """As everywhere in Python."""
    assert issubclass(ValidationError, ValueError)


@pytest.mark.parametrize("cls", OPERATIONS)
def test_an_operations_error_says_what_failed(cls: type[OperationError]) -> None:
    """Made by a program, it names itself; made from a record, it has what was recorded."""
    plain = cls("text")
    assert (str(plain), plain.args, plain.error_message) == ("text", ("text",), "text")
    assert (plain.operation_id, plain.name, plain.error_data, plain.stack_trace) == (None, None, None, ())
    assert plain.error_type == f"durable_core.{cls.__name__}"
    full = cls("text", operation_id="1ced", name="charge", error_type="T", error_data="{}", stack_trace=["line"])
    assert (full.operation_id, full.name, full.error_type) == ("1ced", "charge", "T")
    assert (full.error_data, full.stack_trace) == ("{}", ("line",))
    assert vars(copy.copy(full)) == vars(full)


def test_an_error_without_a_text_has_an_empty_one() -> None:
    """And can be shown."""
    assert (str(StepError()), repr(StepError("x"))) == ("", "StepError('x')")


@pytest.mark.parametrize(
    ("cls", "name"),
    [(ValueError, "ValueError"), (DurableError, "durable_core.DurableError"), (SystemExit, "SystemExit")],
)
def test_a_builtin_is_recorded_by_its_bare_name(cls: type[BaseException], name: str) -> None:
    """Others with their module."""
    assert qualified_name(cls) == name
