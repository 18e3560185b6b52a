"""A fan-out that hangs is a failure, which shows where every thread stands."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import traceback
from collections.abc import Generator
from types import FrameType

import pytest

from durable_core._runtime import handler_driver

PATIENCE = 30.0
"""Seconds that a test may take; the slowest takes three."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # by whoever runs the tests in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


class HangError(BaseException):
    """The test took too long."""


@pytest.fixture(autouse=True)
def _no_hang() -> Generator[None]:
    """Raise again and again in the main thread, whatever swallows it, once the time of the test is up."""
    shown: list[str] = []

    def ring(number: int, frame: FrameType | None) -> None:
        shown.append("" if shown else stacks())
        raise HangError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if shown:
        pytest.fail(f"the test took more than {PATIENCE:g} s:\n{shown[0]}", pytrace=False)


@pytest.fixture(autouse=True)
def _no_collection() -> Generator[None]:
    """Collect what tests leave when they are over.

    A task whose error nobody looked at logs its traceback when it is collected; should that happen while pytest parses
    a source for a report, ``ast.parse`` raises SystemError (CPython 3.11, gh-106905).
    """
    gc.disable()
    yield
    gc.collect(0)
    gc.enable()


@pytest.fixture
def unhelped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler's thread runs no branch itself, however long a busy machine takes to begin them elsewhere."""
    monkeypatch.setattr(handler_driver, "_PATIENCE", 5.0)


def stacks() -> str:
    """Where every thread stands."""
    names = {each.ident: each.name for each in threading.enumerate()}
    return "\n".join(
        f"{names.get(id)}:\n{''.join(traceback.format_stack(frame))}" for id, frame in sys._current_frames().items()
    )
