"""Ctrl-C is nobody's: neither an attempt of the step in which it falls, nor an outcome of the workflow."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether Ctrl-C was pressed during the invocation on the main thread."""

    __slots__ = ("pressed",)

    def __init__(self) -> None:
        self.pressed: bool = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.pressed = True
        raise KeyboardInterrupt


@contextmanager
def watched() -> Generator[Interrupt]:
    """Watch for Ctrl-C where it would raise ``KeyboardInterrupt``, and raise that at the end if it came."""
    interrupt = Interrupt()
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupt
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if interrupt.pressed:
        raise KeyboardInterrupt
