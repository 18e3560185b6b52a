"""mypy and pyright infer what the files ``typing_*.py`` assert, and refuse what they must."""

from __future__ import annotations

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
