"""The examples of the repository, as modules, and runs of them in both flavours."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from durable_testing import LocalRunner, TestResult

ROOT = Path(__file__).parents[4]
EXAMPLES = ROOT / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
"""None outside the repository."""

Row = tuple[str | None, str | None, str]


@contextmanager
def example(name: str) -> Generator[ModuleType]:
    """The example *name*, newly loaded under a name of its own."""
    module_name = f"example_{name}"
    spec = importlib.util.spec_from_file_location(module_name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[module_name]


def rows(result: TestResult[Any]) -> list[Row]:
    """Name, subtype and status of each operation, in order."""
    return [(each.name, each.subtype, each.status) for each in result.operations]


def in_both_flavours(
    module: ModuleType,
    handler: str,
    event: Any,
    *,
    functions: Mapping[str, Any] | None = None,
    same_operations: bool = True,
    **options: Any,
) -> TestResult[Any]:
    """The run of *handler*, after a look that ``…_blocking`` gave the same result and the same operations."""
    results: list[TestResult[Any]] = []
    for name in (handler, f"{handler}_blocking"):
        with LocalRunner(getattr(module, name)) as runner:
            for function_name, target in (functions or {}).items():
                runner.register(function_name, target)
            results.append(runner.run(event, **options))
    one, other = results
    assert (one.status, one.value, one.error) == (other.status, other.value, other.error)
    if same_operations:
        assert sorted(map(str, rows(one))) == sorted(map(str, rows(other)))
    return one
