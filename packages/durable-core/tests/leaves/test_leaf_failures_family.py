"""The record chooses only from the family that the program gave, by qualified name; nothing is imported for it."""

from __future__ import annotations

import json
import subprocess
import sys
import types
import urllib.error
from typing import Any

import leaf_exceptions
import pytest
from hypothesis import given, strategies as st
from leaf_exceptions import Declined, Outer, Plain

import durable_core
from durable_core import StepError
from durable_core._core.rebuilding import Family, rebuild
from durable_core._wire.shapes import Operation

ENTRY: Operation = {"Id": "abc", "Type": "STEP", "Status": "FAILED", "StartTimestamp": 0}
HOSTILE = [
    "os.system",
    "subprocess.Popen",
    "subprocess.run",
    "builtins.SystemExit",
    "SystemExit",
    "KeyboardInterrupt",
    "GeneratorExit",
    "BaseException",
    "StopIteration",
    "StopAsyncIteration",
    "eval",
    "__import__",
    "type",
    "object",
    "int",
    "durable_core.Suspended",
    "durable_core.errors.StepError",
    "durable_core.qualified_name",
    "durable_core.Duration",
    "leaf_exceptions.Meta",
    "leaf_exceptions.__builtins__",
    "leaf_exceptions.Outer.__class__",
    "leaf_exceptions.Outer.Inner.__init__",
    "leaf_exceptions.Outer.__dict__",
    "leaf_exceptions.Outer",
    "leaf_exceptions",
    "no.such.Class",
    "..",
    ".",
    "Plain",
    "leaf_exceptions.",
    ".Plain",
    "leaf_exceptions.plain",
    "a" * 10_000,
    "\x00",
    "antigravity.X",
]
FAMILY = Family((), {**vars(leaf_exceptions), "subprocess": subprocess, "sys": sys})


@pytest.mark.parametrize("named", HOSTILE, ids=lambda named: repr(named)[:40])
def test_a_hostile_type_gives_the_operations_plain_error(named: str) -> None:
    """No class but an exception of the family is made, and no module is imported."""
    before = set(sys.modules)
    rebuilt = rebuild(
        StepError, {"ErrorType": named, "ErrorMessage": "m", "ErrorData": '{"args": ["x"]}'}, ENTRY, FAMILY
    )
    assert type(rebuilt) is StepError
    assert (rebuilt.error_type, str(rebuilt)) == (named, "m")
    assert set(sys.modules) == before


@given(st.text(max_size=30) | st.sampled_from(HOSTILE))
def test_whatever_is_found_is_an_exception_of_that_name(named: str) -> None:
    """For any text at all."""
    found: Any = FAMILY.find(named)
    assert found is None or (issubclass(found, Exception) and named.endswith(found.__qualname__))


REACHED: list[tuple[Family, str, type[Exception]]] = [
    (Family((Declined,)), "leaf_exceptions.Declined", Declined),
    (Family((), {"Declined": Declined}), "leaf_exceptions.Declined", Declined),
    (Family((), {"Alias": Declined}), "leaf_exceptions.Declined", Declined),
    (Family((), {"leaf_exceptions": leaf_exceptions}), "leaf_exceptions.Declined", Declined),
    (Family((), {"errors": leaf_exceptions}), "leaf_exceptions.Declined", Declined),
    (Family((), {"Outer": Outer}), "leaf_exceptions.Outer.Inner", Outer.Inner),
    (Family((), {"leaf_exceptions": leaf_exceptions}), "leaf_exceptions.Outer.Inner", Outer.Inner),
    (Family((), {"urllib": urllib}), "urllib.error.URLError", urllib.error.URLError),
    (Family(), "ValueError", ValueError),
    (Family(), "FileNotFoundError", FileNotFoundError),
    (Family(), "durable_core.ValidationError", durable_core.ValidationError),
]


@pytest.mark.parametrize(("family", "named", "cls"), REACHED)
def test_a_class_is_reached_by_name(family: Family, named: str, cls: type[Exception]) -> None:
    """Declared, in the globals of the function, in a module or class there, a builtin, or one of this package."""
    assert family.find(named) is cls


@pytest.mark.parametrize(
    "family",
    [
        Family(),
        Family((Plain,)),
        Family((), {"Plain": Plain, "json": json}),
        Family((), {"Declined": types.SimpleNamespace(Declined=Declined)}),
    ],
)
def test_a_class_that_the_program_does_not_reach_is_not_found(family: Family) -> None:
    """Even though it is loaded."""
    assert family.find("leaf_exceptions.Declined") is None


def test_a_module_that_loads_lazily_is_not_asked() -> None:
    """Its ``__getattr__`` would import what the record names."""

    def load(name: str) -> Any:
        raise AssertionError(f"asked for {name}")

    lazy = types.ModuleType("lazy")
    vars(lazy)["__getattr__"] = load
    assert Family((), {"lazy": lazy}).find("lazy.Payload") is None
    assert Family((), {"lazy": lazy}).find("lazy.inner.Payload") is None


def test_a_namesake_of_another_module_is_not_taken() -> None:
    """The qualified name decides."""
    namesake = type("Declined", (Exception,), {"__module__": "elsewhere"})
    assert Family((), {"Declined": namesake}).find("leaf_exceptions.Declined") is None
    assert Family((namesake, Declined)).find("leaf_exceptions.Declined") is Declined


def test_declared_base_exceptions_are_not_raised() -> None:
    """A SystemExit out of a replay would end the sandbox."""
    stop = type("Stop", (BaseException,), {"__module__": "leaf_exceptions"})
    assert Family((stop, SystemExit)).find("leaf_exceptions.Stop") is None
    assert Family((SystemExit,)).find("SystemExit") is None


@pytest.mark.parametrize("attribute", ["__class__", "__dict__", "__traceback__", "__cause__", "__init__", "__reduce__"])
def test_data_cannot_set_what_python_keeps_for_itself(attribute: str) -> None:
    """Attributes with two underscores are not the record's to give."""
    data = json.dumps({"attributes": {attribute: {"x": 1}, "kept": 1}})
    rebuilt: Any = rebuild(StepError, {"ErrorType": "leaf_exceptions.Plain", "ErrorData": data}, ENTRY, FAMILY)
    assert (type(rebuilt).__name__, rebuilt.kept) == ("Plain", 1)
    assert attribute not in vars(rebuilt)
    assert getattr(rebuilt, attribute) != {"x": 1}


@pytest.mark.parametrize(
    "attribute", ["error_message", "operation_id", "name", "error_type", "error_data", "stack_trace"]
)
def test_data_cannot_set_what_the_operation_says(attribute: str) -> None:
    """Whose error it is, is told by the entry alone."""
    data = json.dumps({"attributes": {attribute: "forged"}})
    rebuilt = rebuild(StepError, {"ErrorType": "leaf_exceptions.Plain", "ErrorData": data}, ENTRY, FAMILY)
    assert getattr(rebuilt, attribute) != "forged"
