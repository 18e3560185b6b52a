"""mypy and pyright infer what the files ``typing_*.py`` assert, refuse what they must, and know every public type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
CHECKERS = {
    "mypy": ["--config-file", "pyproject.toml", "--no-error-summary"],
    "pyright": ["--pythonpath", sys.executable],
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_checker_agrees_with_every_assertion(checker: str) -> None:
    """``assert_type`` holds, and each ignored line of ``typing_refused.py`` is an error without its comment."""
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    files = [str(path) for path in sorted(HERE.glob("typing_*.py"))]
    command = [sys.executable, "-m", checker, *CHECKERS[checker], *files]
    run = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_nearly_every_public_type_is_known() -> None:
    """As a user's strict checker sees it: no attribute is left to be guessed."""
    if find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    here = Path(sys.executable).parent  # it looks for the package in the environment of the first Python in PATH
    environment = {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(here.parent)}
    command = [sys.executable, "-m", "pyright", "--verifytypes", "durable_core", "--ignoreexternal", "--outputjson"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment)
    found = json.loads(run.stdout)["typeCompleteness"]
    unknown = [symbol["name"] for symbol in found["symbols"] if symbol["isExported"] and not symbol["isTypeKnown"]]
    assert found["completenessScore"] >= 0.99, unknown
