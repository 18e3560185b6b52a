"""Imports make nothing that could be collected; to look for it all the same takes a tenth of a cold start.

The package imports this module first, and calls ``over`` when all is imported.
"""

from __future__ import annotations

import gc

_collects = gc.isenabled()
gc.disable()


def over() -> None:
    """Let the garbage collector work as before."""
    if not _collects:
        return
    if gc.get_freeze_count() == 0:  # nobody else has frozen anything
        gc.freeze()  # all that there is …
        gc.unfreeze()  # … counts as old now: the next collection of young objects does not look at it
    gc.enable()
