"""The public surface: what ``__all__`` holds, that it is documented, and how big the parts are."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from structure_source import ROOTS, documented, modules, tree

import durable_core
import durable_testing
from durable_core import blocking

CONTRACT = """
    durable_execution DurableContext Operation Callback durable_step step_context StepContext
    BatchResult BatchItem ParallelBranch
    StepConfig StepSemantics WaitForConditionConfig CallbackConfig WaitForCallbackConfig InvokeConfig ChildConfig
    MapConfig ParallelConfig Nesting ItemBatcher CompletionConfig Checkpointing ReplayLogging ServiceLimits
    Duration RetryDecision ExponentialBackoff FixedDelay LinearBackoff NoRetry Jitter RetryPresets
    WaitDecision poll_every poll_with_backoff
    DurableError ExecutionError NonDeterministicExecutionError InvocationError CheckpointError OperationError
    StepError StepTimeoutError StepInterruptedError InvokeError InvokeTimeoutError InvokeStoppedError
    CallbackError CallbackTimeoutError CallbackSubmitterError ChildContextError ConditionNotMetError
    ConditionTimeoutError BatchError AllFailedError SerDesError SizeLimitError ValidationError ContextMisuseError
    Suspended
    SerDes TEXT DurablePlugin DurableServiceClient LambdaClient
""".split()  # noqa: SIM905 (words read better than a hundred quotes)
"""The names that the contract of the API speaks of; those of operations to come included."""
IMPLIED = """
    DurableFunction SerDesContext ServiceError RetryStrategy WaitStrategy ReplayFilter CompletionStatus
    CompletionReason ItemStatus PluginFactory
    InvocationStart InvocationEnd OperationInfo OperationChange AttemptStart AttemptEnd
""".split()  # noqa: SIM905
"""What the signatures of those need: what a decorator returns, a protocol is passed, a client raises, and the like."""
SURFACES: list[ModuleType] = [durable_core, blocking, durable_testing]
CLASSES = [
    pytest.param(getattr(surface, name), id=f"{surface.__name__}.{name}")
    for surface in SURFACES
    for name in surface.__all__
    if isinstance(getattr(surface, name), type)
]
SOURCES = [path for package in ROOTS for path in modules(package).values()]


def test_all_holds_the_names_of_the_contract_that_exist() -> None:
    """Nothing that is there is left out, and nothing else is public."""
    assert set(durable_core.__all__) == {name for name in CONTRACT + IMPLIED if hasattr(durable_core, name)}


def test_all_holds_no_modules() -> None:
    """``from durable_core import *`` brings classes and functions."""
    assert not [name for name in durable_core.__all__ if isinstance(getattr(durable_core, name), ModuleType)]


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: str(surface.__name__))
def test_all_names_each_thing_once(surface: ModuleType) -> None:
    """A name that stands twice was meant to be another one."""
    assert len(set(surface.__all__)) == len(surface.__all__)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: str(surface.__name__))
def test_every_public_name_has_a_docstring(surface: ModuleType) -> None:
    """Classes and functions carry their own, not that of a base class or of a dataclass's signature."""
    found = {name: getattr(surface, name) for name in surface.__all__}
    assert not [name for name, each in found.items() if inspect.isroutine(each) and not each.__doc__]
    assert not [name for name, each in found.items() if isinstance(each, type) and not ast_docstring(each)]


@pytest.mark.parametrize("name", ["TEXT", "RetryStrategy"])
def test_every_public_constant_has_a_docstring_under_it(name: str) -> None:
    """Where an editor looks for it."""
    assert any(documented(tree(path).body).get(name) for path in modules("durable_core").values())


@pytest.mark.parametrize("cls", CLASSES)
def test_every_public_method_and_property_has_a_docstring(cls: type) -> None:
    """Its own, or that of the method it overrides."""
    assert not [name for name, each in members(cls) if not inspect.getdoc(each)]


@pytest.mark.parametrize("cls", [each for each in CLASSES if str(each.id).endswith("Config")])
def test_every_setting_is_documented(cls: Any) -> None:
    """Under the field, or in the docstring of its class."""
    under: dict[str, Any] = {}
    for base in cls.__mro__[-2::-1]:
        under |= documented(class_tree(base).body) if base.__module__.startswith("durable_core") else {}
    assert not [
        field.name for field in fields(cls) if not under.get(field.name) and field.name not in (cls.__doc__ or "")
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(path.parents[3])))
def test_no_module_is_over_400_lines_and_no_function_over_50(path: Path) -> None:
    """At these sizes, ask which two ideas live there."""
    functions = [each for each in ast.walk(tree(path)) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert not [each.name for each in functions if (each.end_lineno or 0) - each.lineno >= 50]


def class_tree(cls: type) -> ast.ClassDef:
    """The syntax tree of *cls*."""
    # Errors are shown as names of the package; what they are defined in is its module `errors`.
    file = inspect.getsourcefile(sys.modules[cls.__module__])
    paths = [Path(str(file)), *modules(cls.__module__.split(".")[0]).values()]
    nodes = (node for path in paths for node in tree(path).body)
    return next(node for node in nodes if isinstance(node, ast.ClassDef) and node.name == cls.__name__)


def ast_docstring(cls: type) -> str | None:
    """The docstring that stands in the source of *cls*."""
    return ast.get_docstring(class_tree(cls))


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of *cls* that this project defines."""
    for base in cls.__mro__:
        if base.__module__.startswith("durable_"):
            for name, each in vars(base).items():
                is_method = inspect.isroutine(each) or isinstance(each, property | classmethod | staticmethod)
                if is_method and not name.startswith("_"):
                    yield name, getattr(cls, name) if not isinstance(each, property) else each
