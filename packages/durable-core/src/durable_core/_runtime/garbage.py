"""Garbage collection while very many branches are alive.

A full collection looks at every object that lives. Ten thousand branches are half a million objects, and while they
begin there are ten full collections, which find nothing: they took half of the time of such a map. What is frozen is
not looked at.
"""

from __future__ import annotations

import gc
import threading

from durable_core._startup import program_freezes

_lock = threading.Lock()
_holders = 0


class Hold:
    """Spares what lives from full collections until it is released. Whoever freezes objects himself is left alone."""

    __slots__ = ("_holds",)

    def __init__(self) -> None:
        self._holds = False

    def take(self) -> None:
        """Spare all that lives now, besides what is spared already."""
        global _holders  # noqa: PLW0603
        with _lock:
            if not self._holds:
                if not gc.isenabled() or (_holders == 0 and program_freezes()):
                    return
                self._holds = True
                _holders += 1
            gc.freeze()

    def release(self) -> None:
        """Spare nothing any more, unless another holds."""
        global _holders  # noqa: PLW0603
        with _lock:
            if self._holds:
                self._holds = False
                _holders -= 1
                if _holders == 0:
                    gc.unfreeze()
