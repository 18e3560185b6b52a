"""Imports make nothing that could be collected; to look for it all the same takes a twentieth of a cold start.

The package imports this module first, and calls ``over`` when all is imported.
"""

from __future__ import annotations

import gc

_collects = gc.isenabled()
gc.disable()


def over() -> None:
    """Let the garbage collector work as before."""
    if _collects:
        gc.enable()
