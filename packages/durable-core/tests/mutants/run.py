"""Break the core in known ways, one at a time, and require that the named tests notice.

``python run.py`` tries every mutant of ``mutants.toml``; ``python run.py word …`` those whose names hold a word. Each
gets a copy of the package with one piece of text replaced; each of its tests must fail on it. The exit status is 1 if a
mutant survives, or has grown stale: its text must stand in the file exactly once.
"""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).resolve().parent
TESTS: Final = HERE.parent
PACKAGE: Final = TESTS.parent / "src" / "durable_core"
AT_ONCE: Final = 2
SECONDS: Final = 60.0
"""How long a mutant may take; one that hangs is noticed by that."""
FAILED: Final = 1
"""What pytest exits with if tests failed, as against errors in collecting them."""


class Mutant(NamedTuple):
    """A known way to break the core."""

    name: str
    file: str
    """Under ``durable_core``."""
    old: str
    new: str
    tests: Sequence[str]
    """Functions of ``tests/hazards``, or ``folder/function`` of another; each must fail, in one case at least."""
    seconds: float = SECONDS
    since: Sequence[int] = ()
    before: Sequence[int] = (4,)
    """The versions of Python whose code it breaks, *before* left out."""

    @property
    def concerns_this_python(self) -> bool:
        """Whether the code that it breaks runs here."""
        return tuple(self.since) <= sys.version_info < tuple(self.before)

    @property
    def flaw(self) -> str | None:
        """Why it can not be tried."""
        found = (PACKAGE / self.file).read_text().count(self.old)
        if found != 1:
            return f"its text stands {found} times in {self.file}"
        missing = [test for test in self.tests if test not in WHERE]
        return f"there are no tests {missing}" if missing else None


class Verdict(NamedTuple):
    """What became of a mutant."""

    mutant: Mutant
    noticed: bool
    how: str


def tests_of(folder: Path) -> dict[str, str]:
    """Where each test function of *folder* stands, as pytest wants it; one whose name stands twice is left out."""
    found = [
        (node.name, f"{path.relative_to(TESTS)}::{node.name}")
        for path in sorted(folder.glob("test_*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    names = [name for name, _ in found]
    prefix = "" if folder.name == "hazards" else f"{folder.name}/"
    return {f"{prefix}{name}": place for name, place in found if names.count(name) == 1}


WHERE: Final = {
    name: place for folder in sorted(TESTS.iterdir()) if folder.is_dir() for name, place in tests_of(folder).items()
}


def mutants() -> list[Mutant]:
    """All of them."""
    table = tomllib.loads((HERE / "mutants.toml").read_text())["mutant"]
    return [Mutant(**entry) for entry in table]


def run(tests: Iterable[str], mutant: Mutant | None = None) -> tuple[int | None, str]:
    """Run *tests* on a copy of the package, broken by *mutant*: pytest's exit status (``None``: no end) and output."""
    with tempfile.TemporaryDirectory(prefix="durable-mutant-") as folder:
        shutil.copytree(PACKAGE, Path(folder) / "durable_core", ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            path = Path(folder) / "durable_core" / mutant.file
            path.write_text(path.read_text().replace(mutant.old, mutant.new))
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")])),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        options = ["-q", "-p", "no:cacheprovider", "--no-header", "--tb=line", "-o", "faulthandler_timeout=0"]
        prove = f"import durable_core, sys; sys.exit(not durable_core.__file__.startswith({folder!r}))"
        subprocess.run([sys.executable, "-c", prove], env=environment, cwd=folder, check=True)
        command = [sys.executable, "-m", "pytest", *options, *(WHERE[test] for test in tests)]
        process = subprocess.Popen(
            command, cwd=TESTS, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=SECONDS * 10 if mutant is None else mutant.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, ""
        return process.returncode, output


def judge(mutant: Mutant) -> Verdict:
    """Whether each of the mutant's tests notices it."""
    for test in mutant.tests:
        status, output = run([test], mutant)
        if status is None:
            return Verdict(mutant, True, f"{test} did not end within {mutant.seconds:g} s")
        if status == 0:
            return Verdict(mutant, False, f"{test} passes")
        if status != FAILED:
            return Verdict(mutant, False, f"{test} could not be run:\n{output}")
    return Verdict(mutant, True, "failed" if len(mutant.tests) == 1 else f"{len(mutant.tests)} failed")


def main(words: Sequence[str]) -> int:
    """Try the mutants; 0 if every one is noticed."""
    chosen = [each for each in mutants() if not words or any(word in each.name for word in words)]
    stale = [(each, flaw) for each in chosen if (flaw := each.flaw) is not None]
    for each, flaw in stale:
        print(f"STALE     {each.name}: {flaw}")
    sound = [each for each in chosen if each not in [mutant for mutant, _ in stale]]
    chosen = [each for each in sound if each.concerns_this_python]
    if not chosen:  # pytest, which is given no tests, would run all
        print(f"no mutants to try, {len(stale)} stale")
        return 1
    began = time.monotonic()
    status, output = run(sorted({test for each in chosen for test in each.tests}))
    if status != 0:
        print(f"the tests do not pass on an unbroken copy:\n{output}")
        return 1
    survivors = 0
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for verdict in threads.map(judge, chosen):
            survivors += not verdict.noticed
            print(f"{'noticed ' if verdict.noticed else 'SURVIVED'}  {verdict.mutant.name}: {verdict.how}", flush=True)
    seconds = time.monotonic() - began
    print(f"{len(chosen)} mutants, {survivors} survived, {len(stale)} stale, in {seconds:.0f} s")
    return 1 if survivors or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
