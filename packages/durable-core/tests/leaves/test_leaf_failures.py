"""Errors as records and back: what a replay raises is what was raised first, as far as JSON holds it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import urllib.error
from typing import Any

import leaf_exceptions
import pytest
from hypothesis import given, strategies as st
from leaf_exceptions import (
    Boastful,
    Counting,
    Declined,
    Final,
    FrozenRecord,
    Grumpy,
    GrumpySlots,
    Holding,
    MissingFile,
    OfMetaclass,
    OfRefusingMetaclass,
    OfThisPackage,
    Outer,
    OutOfStock,
    Plain,
    ReadOnly,
    Record,
    Shadowed,
    Silent,
    Slotted,
    WantsTwo,
    WithCustomText,
    WithoutText,
    WithTextOfAnotherType,
)

from durable_core import (
    CallbackTimeoutError,
    ChildContextError,
    ContextMisuseError,
    DurableError,
    ExecutionError,
    NonDeterministicExecutionError,
    OperationError,
    SerDesError,
    StepError,
    StepInterruptedError,
    StepTimeoutError,
    ValidationError,
)
from durable_core._core.failures import describe
from durable_core._core.rebuilding import Family, rebuild
from durable_core._wire.shapes import ErrorObject, Operation

ENTRY: Operation = {"Id": "abc", "Type": "STEP", "Status": "FAILED", "StartTimestamp": 0, "Name": "charge"}
FAMILY = Family(
    (), {**vars(leaf_exceptions), "json": json, "subprocess": subprocess, "asyncio": asyncio, "urllib": urllib}
)
AMPLE = 100_000


def recorded(error: BaseException, base: type[OperationError] = StepError) -> OperationError:
    """*error* as a replay raises it."""
    record: ErrorObject = json.loads(json.dumps(describe(error, limit=AMPLE)))
    return rebuild(base, record, ENTRY, FAMILY)


def unicode_error() -> UnicodeDecodeError:
    return UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


SAME = [
    ValueError("bad"),
    ValueError(),
    ValueError(""),
    ValueError(1, "two", [3.5, None, {"four": True}]),
    KeyError("missing"),
    KeyError(7),
    IndexError("out of range"),
    TypeError("no"),
    AssertionError(),
    ArithmeticError("x"),
    ZeroDivisionError("division by zero"),
    RecursionError("too deep"),
    NotImplementedError("later"),
    RuntimeError("ünïcödé 🎉"),
    AttributeError("no such attribute"),
    TimeoutError("slow"),
    OSError("only a text"),
    OSError(28, "No space left on device"),
    FileNotFoundError(2, "No such file or directory", "/tmp/x"),
    ConnectionRefusedError(111, "Connection refused"),
    PermissionError(13, "Permission denied", "/etc/shadow"),
    Plain("plain"),
    Plain(),
    Plain("two", "args"),
    Declined(51, reason="insufficient funds"),
    Silent(404, "not found"),
    Slotted(3),
    ReadOnly(4),
    Record(5, "because"),
    FrozenRecord(6),
    WantsTwo(1, 2),
    WithCustomText(3, 4),
    OfMetaclass("meta"),
    Grumpy("grumpy"),
    GrumpySlots("grumpy"),
    MissingFile(2, "No such file", "/tmp/y"),
    Outer.Inner("inner"),
    OfThisPackage("mine"),
    OutOfStock("tea"),
    json.JSONDecodeError("Expecting value", "{", 1),
    subprocess.CalledProcessError(3, ["ls", "-l"]),
    urllib.error.URLError("refused"),
    ExecutionError("stop"),
    ValidationError("bad argument"),
    SerDesError("cannot"),
    ContextMisuseError("not here"),
    NonDeterministicExecutionError("changed"),
    StepTimeoutError("the attempt took longer than 5 s"),
    StepInterruptedError("attempt 1 was cut off"),
    CallbackTimeoutError("nobody answered"),
]


def shown(error: BaseException) -> str:
    """A test's id."""
    return f"{type(error).__name__}{error.args}"


@pytest.mark.parametrize("error", SAME, ids=shown)
def test_the_rebuilt_error_is_of_the_class_that_was_raised_and_of_the_operations(error: BaseException) -> None:
    """So ``except PaymentDeclined`` and ``except StepError`` both catch it, on the first run and on a replay."""
    rebuilt = recorded(error)
    assert isinstance(rebuilt, StepError)
    assert isinstance(rebuilt, type(error))
    assert type(rebuilt).__name__ == type(error).__name__
    assert type(rebuilt) is type(recorded(error))


@pytest.mark.parametrize("error", SAME, ids=shown)
def test_the_rebuilt_error_has_the_message_and_the_arguments(error: BaseException) -> None:
    """Arguments are what ``except`` blocks read most."""
    rebuilt = recorded(error)
    assert str(rebuilt) == rebuilt.error_message == str(error)
    if all(isinstance(each, str | int | float | list | None) for each in error.args):
        assert rebuilt.args == error.args


@pytest.mark.parametrize("error", SAME, ids=shown)
def test_the_rebuilt_error_has_the_attributes(error: BaseException) -> None:
    """Those that an operation's error has for itself keep their own meaning."""
    rebuilt = recorded(error)
    own = vars(StepError("x")).keys()
    assert {name: getattr(rebuilt, name) for name in vars(error).keys() - own} == {
        name: value for name, value in vars(error).items() if name not in own
    }


@pytest.mark.parametrize("error", SAME, ids=shown)
def test_a_second_journey_changes_nothing(error: BaseException) -> None:
    """An error travels up through child contexts, and is recorded anew at each."""
    once = recorded(error)
    twice = recorded(once)
    assert (type(twice), str(twice), twice.args, vars(twice)) == (type(once), str(once), once.args, vars(once))


@pytest.mark.parametrize("base", [StepError, ChildContextError, CallbackTimeoutError])
def test_the_rebuilt_error_says_which_operation_it_is_of(base: type[OperationError]) -> None:
    """Id and name are the operation's, the type is the user's."""
    rebuilt = recorded(Declined(51, reason="x"), base)
    assert isinstance(rebuilt, base)
    assert (rebuilt.operation_id, rebuilt.name) == ("abc", "charge")
    assert rebuilt.error_type == "leaf_exceptions.Declined"


def test_the_init_of_a_class_is_not_run() -> None:
    """It was run when the error was raised, and may send a mail."""
    error = Counting("x")
    before = Counting.made
    rebuilt = recorded(error)
    assert (Counting.made, str(rebuilt)) == (before, "counted: x")


def test_slots_and_c_fields_come_back() -> None:
    """They are not in ``__dict__``."""
    slotted, missing = recorded(Slotted(3)), recorded(FileNotFoundError(2, "No such file", "/tmp/x"))
    assert isinstance(slotted, Slotted)
    assert slotted.code == 3
    assert isinstance(missing, FileNotFoundError)
    assert (missing.errno, missing.strerror, missing.filename) == (2, "No such file", "/tmp/x")


def test_a_property_without_a_setter_is_left_alone() -> None:
    """The record cannot force it."""
    read_only, shadowed = recorded(ReadOnly(4)), recorded(Shadowed())
    assert isinstance(read_only, ReadOnly)
    assert read_only.code == 4
    assert isinstance(shadowed, Shadowed)
    assert shadowed.code == 5


def test_an_error_cannot_pose_as_another_operations() -> None:
    """Its own ``name`` and ``error_type`` are not those of the operation."""
    rebuilt: Any = recorded(Boastful())
    assert (rebuilt.name, rebuilt.operation_id, rebuilt.error_type) == ("charge", "abc", "leaf_exceptions.Boastful")
    assert rebuilt.mine == "mine"


def test_attributes_that_json_would_change_are_left_out() -> None:
    """Nothing else of the error is lost with them."""
    rebuilt: Any = recorded(Holding())
    assert rebuilt.kept == {"numbers": [1, 2.5, None, True]}
    assert not {"callback", "me", "endless", "pair"} & vars(rebuilt).keys()


@pytest.mark.parametrize("error", [WithoutText("x"), WithTextOfAnotherType("x")], ids=shown)
def test_an_error_without_a_text_says_so(error: BaseException) -> None:
    """``str`` of it raises; the record must not."""
    rebuilt = recorded(error)
    assert isinstance(rebuilt, type(error))
    assert str(rebuilt).startswith(f"<{type(error).__name__} whose message raised ")


PLAIN = [
    pytest.param(Final("final"), "leaf_exceptions.Final", id="a final class"),
    pytest.param(OfRefusingMetaclass("x"), "leaf_exceptions.OfRefusingMetaclass", id="a metaclass that refuses"),
    pytest.param(ExceptionGroup("g", [ValueError("x")]), "ExceptionGroup", id="a group"),
    pytest.param(BaseExceptionGroup("g", [KeyboardInterrupt()]), "BaseExceptionGroup", id="a base group"),
    pytest.param(MemoryError("full"), "MemoryError", id="no memory"),
    pytest.param(SystemExit(3), "SystemExit", id="an exit"),
    pytest.param(KeyboardInterrupt("^C"), "KeyboardInterrupt", id="an interrupt"),
    pytest.param(GeneratorExit(), "GeneratorExit", id="a closed generator"),
    pytest.param(asyncio.CancelledError("c"), "asyncio.exceptions.CancelledError", id="a cancellation"),
    pytest.param(StopIteration(3), "StopIteration", id="an iterator's end"),
    pytest.param(StopAsyncIteration(3), "StopAsyncIteration", id="an async iterator's end"),
]


@pytest.mark.parametrize(("error", "named"), PLAIN)
def test_what_no_class_can_be_made_for_is_the_operations_plain_error(error: BaseException, named: str) -> None:
    """Its type and message are kept; raising a SystemExit or StopIteration in a workflow would do something else."""
    rebuilt = recorded(error)
    assert type(rebuilt) is StepError
    assert (rebuilt.error_type, str(rebuilt)) == (named, str(error))


def test_a_unicode_error_comes_back_without_its_bytes() -> None:
    """A builtin whose C fields JSON does not hold."""
    rebuilt = recorded(unicode_error())
    assert isinstance(rebuilt, UnicodeDecodeError)
    assert str(rebuilt) == str(unicode_error())


def test_a_nested_operation_error_keeps_the_type_that_was_raised_first() -> None:
    """However many contexts it passes."""
    error: Any = Declined(51, reason="x")
    for base in (StepError, ChildContextError, StepError, ChildContextError):
        error = recorded(error, base)
        assert isinstance(error, Declined)
        assert isinstance(error, base)
    assert (error.error_type, error.code, error.reason) == ("leaf_exceptions.Declined", 51, "x")


def test_a_foreign_record_is_kept_as_it_is() -> None:
    """Another SDK's error, with data of its own."""
    record: ErrorObject = {
        "ErrorType": "com.example.OutOfTea",
        "ErrorMessage": "no tea",
        "ErrorData": "<xml/>",
        "StackTrace": ["at Tea.java:5"],
    }
    rebuilt = rebuild(StepError, record, ENTRY, FAMILY)
    assert type(rebuilt) is StepError
    assert (rebuilt.error_type, rebuilt.error_message) == ("com.example.OutOfTea", "no tea")
    assert (rebuilt.error_data, rebuilt.stack_trace) == ("<xml/>", ("at Tea.java:5",))
    assert describe(rebuilt, limit=AMPLE) == {key: record[key] for key in ("ErrorType", "ErrorMessage", "ErrorData")}


@pytest.mark.parametrize("record", [{}, {"ErrorMessage": "m"}, {"ErrorType": ""}])
def test_an_empty_record_is_still_an_error(record: ErrorObject) -> None:
    """The service requires none of its members."""
    rebuilt = rebuild(StepError, record, {**ENTRY}, FAMILY)
    assert type(rebuilt) is StepError
    assert str(rebuilt) == record.get("ErrorMessage", "")


@pytest.mark.parametrize(
    "data",
    ["{", "[]", "null", '"text"', '{"args": "text"}', '{"attributes": []}', '{"args": null, "attributes": null}'],
)
def test_data_of_another_shape_changes_nothing(data: str) -> None:
    """The class is the program's; what cannot be read is left out."""
    record: ErrorObject = {"ErrorType": "leaf_exceptions.Plain", "ErrorMessage": "m", "ErrorData": data}
    rebuilt = rebuild(StepError, record, ENTRY, FAMILY)
    assert isinstance(rebuilt, Plain)
    assert (str(rebuilt), rebuilt.error_data) == ("m", data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(json_values, max_size=3), st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), json_values))
def test_whatever_json_holds_of_an_error_comes_back(args: list[Any], attributes: dict[str, Any]) -> None:
    """Arguments, message and attributes; in the order and of the types they had."""
    error = Plain(*args)
    attributes.pop("name", None)
    vars(error).update(attributes)
    rebuilt = recorded(error)
    assert (rebuilt.args, str(rebuilt)) == (error.args, str(error))
    assert {name: getattr(rebuilt, name) for name in attributes} == attributes


def test_a_stack_trace_is_recorded_only_if_asked_for() -> None:
    """It may hold what should not leave the function."""
    with pytest.raises(ValueError) as caught:
        raise ValueError("x")
    assert "StackTrace" not in describe(caught.value, limit=AMPLE)
    record: Any = describe(caught.value, limit=AMPLE, stack_trace=True)
    trace = record["StackTrace"]
    assert "test_leaf_failures.py" in trace[0]
    assert 'raise ValueError("x")' in trace[0]


@pytest.mark.parametrize("text", [os.fsdecode(b"/tmp/\xff"), "\ud800", "half \udc00 way"])
def test_a_lone_surrogate_does_not_stop_the_record(text: str) -> None:
    """As in a file name that is not UTF-8: no JSON encoder that the service understands takes it."""
    record: Any = describe(ValueError(text), limit=AMPLE, stack_trace=True)
    json.dumps(record, ensure_ascii=False).encode()
    assert "\\ud" in record["ErrorMessage"]


def test_every_error_of_this_package_is_rebuilt_as_itself() -> None:
    """All are reachable without being declared."""
    classes = [each for each in vars(__import__("durable_core")).values() if isinstance(each, type)]
    errors = [each for each in classes if issubclass(each, DurableError)]
    assert len(errors) > 20
    for each in errors:
        rebuilt = rebuild(StepError, describe(each("m"), limit=AMPLE), ENTRY, Family())
        assert isinstance(rebuilt, each)
        assert (str(rebuilt), rebuilt.error_type) == ("m", f"durable_core.{each.__name__}")
