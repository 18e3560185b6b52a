"""Imports make nothing that could be collected; to look for it all the same takes a tenth of a cold start.

The package imports this module first, and calls ``over`` when all is imported.
"""

from __future__ import annotations

import gc

_OF_THE_INTERPRETER = 1_000
"""Objects that may be frozen before any program runs: Python 3.12 begins with 375."""

_collects = gc.isenabled()
gc.disable()


def over() -> None:
    """Let the garbage collector work as before."""
    if not _collects:
        return
    if not program_freezes():
        gc.freeze()  # all that there is …
        gc.unfreeze()  # … counts as old now: the next collection of young objects does not look at it
    gc.enable()


def program_freezes() -> bool:
    """Whether the program has frozen objects itself, which is to stay so."""
    return gc.get_freeze_count() > _OF_THE_INTERPRETER
