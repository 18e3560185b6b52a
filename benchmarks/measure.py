"""Measurements: each a program in a fresh process, which ends by printing its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

PROGRAMS = Path(__file__).parent / "programs"
_MOST_SECONDS = 120

Figures = Mapping[str, float]


class Program(NamedTuple):
    """A program of ``programs/``, and what it is called with."""

    file: str
    arguments: tuple[str, ...] = ()
    needs_service: bool = False
    """It talks to the service over HTTP."""

    def __str__(self) -> str:
        return " ".join((self.file.removesuffix(".py"), *self.arguments))


class SkippedError(Exception):
    """The program says why it cannot measure anything here."""


class FailedError(Exception):
    """The program did not end well."""


def measure(interpreter: str, program: Program) -> Figures:
    """The figures of one run of *program*; ``SkippedError`` or ``FailedError`` without any."""
    if not program.needs_service:
        return _run(interpreter, program, _environment(interpreter))
    with _service() as url:
        return _run(interpreter, program, _environment(interpreter) | {"AWS_ENDPOINT_URL_LAMBDA": url})


def versions(interpreter: str, distributions: Sequence[str]) -> str:
    """The versions of *distributions*, and of the interpreter."""
    program = Program("versions.py", tuple(distributions))
    return str(_told(interpreter, program, _environment(interpreter))["versions"])


def _run(interpreter: str, program: Program, environment: Mapping[str, str]) -> Figures:
    told = _told(interpreter, program, environment)
    if "skipped" in told:
        raise SkippedError(told["skipped"])
    return told


def _told(interpreter: str, program: Program, environment: Mapping[str, str]) -> dict[str, Any]:
    """What *program* printed last."""
    command = [interpreter, str(PROGRAMS / program.file), *program.arguments]
    spawned = {"DURABLE_BENCH_SPAWNED": str(time.monotonic_ns())}
    try:
        ended = subprocess.run(
            command, env={**environment, **spawned}, capture_output=True, text=True, timeout=_MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise FailedError(f"{program} took more than {_MOST_SECONDS} s") from None
    if ended.returncode:
        raise FailedError(f"{program} ended with {ended.returncode}:\n{ended.stderr[-2_000:]}")
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


@contextmanager
def _service() -> Iterator[str]:
    """The URL of a service of its own, for as long as the context lasts."""
    command = [sys.executable, str(PROGRAMS / "http_service.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def _environment(interpreter: str) -> dict[str, str]:
    """What a sandbox of Lambda has in its environment, and nothing of this machine's settings.

    ``PYTHONPATH`` names our packages, if they are not installed; the official SDK has an environment of its own.
    """
    kept = ("PATH", "SYSTEMROOT", *(("PYTHONPATH",) if interpreter == sys.executable else ()))
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
