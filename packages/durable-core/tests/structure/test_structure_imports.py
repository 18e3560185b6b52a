"""The import rule: arrows point down, there are no circles, the pure parts stay pure, the others use public names."""

from __future__ import annotations

import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
from structure_source import imports, modules, named_module

import durable_core
from durable_core import spi

CORE = modules("durable_core")
LAYERS = [
    ["spi"],
    ["handler"],
    ["workflow"],
    ["invocation"],
    ["context", "blocking"],
    ["operation"],
    ["operations"],
    ["context_facts", "step_context"],
    ["logger"],
    ["_runtime"],
    ["client"],
    ["config"],
    ["completion"],
    ["results", "plugin"],
    ["serdes"],
    ["_core"],
    ["_wire"],
    ["duration", "limits", "polling", "retry"],
    ["errors", "_startup"],
]
"""The floors of the house, the highest first; modules of one floor may import each other, without a circle."""
FLOOR = {f"durable_core.{name}": depth for depth, names in enumerate(LAYERS) for name in names}
IMPURE = ("asyncio", "threading", "time", "logging", "boto3", "botocore")
GRAPH = {
    module: {target for name in imports(path) if (target := named_module(name, CORE)) and target != module}
    for module, path in CORE.items()
}


def floor(module: str) -> int:
    """How deep *module* lies; the package itself, which re-exports everything, stands on the roof."""
    return -1 if module == "durable_core" else FLOOR[".".join(module.split(".")[:2])]


def test_every_module_of_the_core_has_a_floor() -> None:
    """A new module or folder is put in LAYERS where it belongs."""
    assert {".".join(name.split(".")[:2]) for name in CORE} - {"durable_core"} <= FLOOR.keys()


def test_arrows_point_down() -> None:
    """No module imports from a floor above its own."""
    assert not [f"{a} imports {b}" for a, targets in GRAPH.items() for b in targets if floor(b) < floor(a)]


def test_there_are_no_circles() -> None:
    """The graph of the modules' imports has an order."""
    TopologicalSorter(GRAPH).prepare()


def test_the_pure_parts_know_no_loop_thread_clock_or_network() -> None:
    """``_core`` and ``_wire``, and what they import of this package, leave asyncio and the like alone."""
    pure = {name for name in CORE if name.startswith(("durable_core._core", "durable_core._wire"))}
    while more := {target for name in pure for target in GRAPH[name]} - pure:
        pure |= more
    assert not [f"{m} imports {i}" for m in sorted(pure) for i in imports(CORE[m]) if i.split(".")[0] in IMPURE]


@pytest.mark.parametrize("package", ["durable_testing", "durable_contrib"])
def test_the_other_packages_use_public_names_only(package: str) -> None:
    """Names of ``durable_core`` and ``durable_core.spi`` that stand in their ``__all__``."""
    public = {f"durable_core.{name}" for name in durable_core.__all__} | {"durable_core.blocking.DurableContext"}
    public |= {f"durable_core.spi.{name}" for name in spi.__all__}
    used = [(module, name) for module, path in modules(package).items() for name in imports(path)]
    assert not [each for each in used if each[1].startswith("durable_core") and each[1] not in public]


def test_importing_the_core_loads_neither_boto3_nor_pydantic() -> None:
    """They cost most of a cold start, and are imported where they are needed."""
    code = "import sys, durable_core, durable_core.blocking; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"boto3", "botocore", "pydantic"}.intersection(loaded)


@pytest.mark.parametrize("before", ["pass", "gc.disable()", "gc.freeze()"])
def test_the_garbage_collector_is_left_as_it_was(before: str) -> None:
    state = "gc.isenabled(), gc.get_threshold(), gc.get_freeze_count() > 1_000"
    code = f"import gc; {before}; was = {state}; import durable_core; print(was == ({state}))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "True\n"
