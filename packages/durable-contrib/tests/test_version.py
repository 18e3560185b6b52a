"""The three packages are released together, at one version."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import durable_contrib

PACKAGES = Path(__file__).parents[2]
NAMES = ("durable-core", "durable-testing", "durable-contrib")


def declared(name: str) -> dict[str, Any]:
    """The ``[project]`` table of the package *name* in this checkout."""
    project: dict[str, Any] = tomllib.loads((PACKAGES / name / "pyproject.toml").read_text())["project"]
    return project


def test_the_packages_declare_one_version() -> None:
    assert len({declared(name)["version"] for name in NAMES}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_package_requires_its_siblings_at_its_own_version(name: str) -> None:
    siblings = [line for line in declared(name)["dependencies"] if line.startswith("durable-")]
    expected = [] if name == "durable-core" else [f"durable-core=={declared(name)['version']}"]
    assert siblings == expected


@pytest.mark.parametrize("name", ["durable-core", "durable-contrib"])
def test_what_is_installed_has_the_declared_version(name: str) -> None:
    assert version(name) == declared(name)["version"]


def test_the_module_states_the_version_of_its_package() -> None:
    assert durable_contrib.__version__ == version("durable-contrib")
