"""Every check of this repository, each in a clean environment.

``nox`` alone lints, checks the types and runs the tests; ``nox --list`` shows the rest. Arguments after ``--`` go to
the tool that the session runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import nox
from packaging.requirements import Requirement

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")

# Which packages are installed to test each one: itself and what it declares, from this checkout, because the siblings
# may not be published yet. The core is tested against the service of durable-testing too. The quickest comes first.
TESTED_WITH = {
    "durable-contrib": ("durable-core", "durable-contrib"),
    "durable-testing": ("durable-core", "durable-testing"),
    "durable-core": ("durable-core", "durable-testing"),
}
PACKAGES = [nox.param(name, id=name.removeprefix("durable-")) for name in TESTED_WITH]

nox.needs_version = ">=2025.10.16"
nox.options.default_venv_backend = "venv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "tests"]


def metadata(package: str) -> dict[str, Any]:
    """The ``[project]`` table of *package*."""
    project: dict[str, Any] = tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text())["project"]
    return project


def supported_pythons() -> list[str]:
    """The versions that the core's classifiers name, and the one that runs nox, so that there is always one to run."""
    versions = {*nox.project.python_versions({"project": metadata("durable-core")}), f"3.{sys.version_info.minor}"}
    return sorted(versions, key=lambda version: int(version.split(".")[1]))


def add_pyenv_to_path(versions: list[str]) -> None:
    """Append the interpreters that pyenv has installed to PATH, where there is a pyenv.

    Its shims stand on PATH for every version, but only run those that are selected.
    """
    if pyenv := shutil.which("pyenv"):
        root = Path(subprocess.run([pyenv, "root"], check=False, capture_output=True, text=True).stdout.strip())
        found = (path.parent for version in versions for path in sorted(root.glob(f"versions/{version}.*/bin/python")))
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), *map(str, found)])


def group(*names: str) -> tuple[str, ...]:
    """The requirements of dependency groups of the root ``pyproject.toml``."""
    return nox.project.dependency_groups(PYPROJECT, *names)


def sources(*packages: str) -> list[str]:
    """The folders of *packages*, as pip takes them; installed as a user gets them, not editable."""
    return [f"./packages/{package}" for package in packages]


def lowest_pins(package: str) -> list[str]:
    """Pins of what *package* requires, at the lowest versions that it declares."""
    requirements = map(Requirement, metadata(package)["dependencies"])
    bounds = [(r.name, bound) for r in requirements for bound in r.specifier if bound.operator == ">="]
    return [f"{name}=={bound.version}" for name, bound in bounds]


def pytest(session: nox.Session, package: str, *options: str, env: dict[str, str] | None = None) -> None:
    """Run the tests of *package* with what the session has installed, on two processors."""
    session.run("pytest", "--numprocesses=2", f"packages/{package}/tests", *options, *session.posargs, env=env)


PYTHONS = supported_pythons()
add_pyenv_to_path(PYTHONS)


@nox.session(python=PYTHONS)
@nox.parametrize("package", PACKAGES)
def tests(session: nox.Session, package: str) -> None:
    """Run the tests of each package on each installed interpreter, with only what the package declares."""
    session.install(*sources(*TESTED_WITH[package]), *group("test"))
    pytest(session, package, *([] if session.python == PYTHONS[0] else ["-m", "not exhaustive"]))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*group("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the packages, their tests, the examples, the benchmarks and this file."""
    editable = [argument for source in sources(*TESTED_WITH) for argument in ("--editable", source)]
    session.install(*editable, *group("types"))
    for package in TESTED_WITH:  # one run each: test modules of different packages may share a name
        session.run("mypy", f"packages/{package}/src", f"packages/{package}/tests")
    session.run("mypy", "examples", "benchmarks", "noxfile.py")
    session.run("pyright", *session.posargs)


@nox.session(python=PYTHONS[0])
@nox.parametrize("package", PACKAGES)
def lowest(session: nox.Session, package: str) -> None:
    """Run the tests with the lowest versions of the dependencies that the packages declare."""
    constraints = Path(session.create_tmp()) / "lowest.txt"
    constraints.write_text("\n".join(pin for name in TESTED_WITH[package] for pin in lowest_pins(name)) + "\n")
    session.install(*sources(*TESTED_WITH[package]), *group("test"), "--constraint", str(constraints))
    pytest(session, package)


@nox.session
def build(session: nox.Session) -> None:
    """Build every package into dist/: an sdist, and the wheel from that sdist."""
    session.install("build")
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    for package in TESTED_WITH:
        session.run("python", "-m", "build", "--outdir", f"dist/{package}", f"packages/{package}")
        check_wheel(session, package)


def wheel(package: str) -> Path:
    """The wheel of *package* that the session ``build`` has made."""
    [path] = (ROOT / "dist" / package).glob("*.whl")
    return path


def check_wheel(session: nox.Session, package: str) -> None:
    """End the session with an error unless the wheel of *package* holds what it owes, and nothing but its module."""
    module = package.replace("-", "_")
    info = f"{module}-{metadata(package)['version']}.dist-info"
    names = zipfile.ZipFile(wheel(package)).namelist()
    missing = {f"{module}/py.typed", f"{info}/licenses/LICENSE"}.difference(names)
    strangers = [name for name in names if not name.startswith((f"{module}/", f"{info}/"))]
    if missing or strangers:
        session.error(f"{wheel(package).name}: missing {sorted(missing)}, out of place {strangers}")


@nox.session(requires=["build"])
@nox.parametrize("package", PACKAGES)
def wheels(session: nox.Session, package: str) -> None:
    """Run the tests of each package on the wheels that ``build`` has made, in a clean environment."""
    session.install(*(str(wheel(name)) for name in TESTED_WITH[package]), *group("test"))
    pytest(session, package)


@nox.session
def demo(session: nox.Session) -> None:
    """Run the order workflow in both flavours against the in-memory service."""
    session.install(*sources("durable-core", "durable-testing"))
    session.run("python", "examples/order_workflow.py", *session.posargs)


@nox.session
def laws(session: nox.Session) -> None:
    """Check the laws over 20,000 random programs each; this takes a while."""
    session.install(*sources(*TESTED_WITH["durable-core"]), *group("test"))
    no_time_limit = ("-o", "faulthandler_timeout=0")
    pytest(session, "durable-core", "-m", "laws", *no_time_limit, env={"DURABLE_LAWS": "20000"})


@nox.session
def mutants(session: nox.Session) -> None:
    """Break the core in known ways, one at a time, and require that a test notices each."""
    session.install(*sources(*TESTED_WITH["durable-core"]), *group("test"))
    session.run("python", "packages/durable-core/tests/mutants/run.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against the official SDK, which has an environment of its own, named by ``DURABLE_BENCH_OFFICIAL``."""
    session.install(*sources("durable-core", "durable-testing"))
    official = Path(session.create_tmp()).resolve() / "official"
    python = str(official / "bin" / "python")
    session.run("python", "-m", "venv", str(official))
    session.run(python, "-m", "pip", "install", *group("bench"), external=True, silent=True)
    session.run("python", "benchmarks/run.py", *session.posargs, env={"DURABLE_BENCH_OFFICIAL": python})
