"""An end to what hangs."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

PATIENCE: Final = 60.0
"""Seconds after which what should be over hangs."""


@contextmanager
def watchdog(seconds: float = PATIENCE) -> Generator[None]:
    """What hangs prints where every thread stands, and ends the run."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
