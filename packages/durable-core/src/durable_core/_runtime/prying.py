"""The way out of code that swallows every exception."""

from __future__ import annotations

import sys
from sys import _getframe  # pyright: ignore[reportPrivateUsage] (documented for CPython)
from types import CodeType, FrameType
from typing import Any

from durable_core.errors import Suspended

_MOST_LINES = 16


def pry_loose(outermost: CodeType) -> None:
    """Make one of the next lines that the callers run raise ``Suspended``, and one of their callers' after it.

    ``while True: try: … except BaseException: pass`` lets nothing out of its ``try``, but a line of its handler, or of
    the loop itself, is outside of it. Which line that is cannot be known, so it is drawn, again at each call. The
    callers are the frames up to that of the code *outermost*.
    """
    _arm(_getframe(1), outermost)


def _arm(frame: FrameType | None, outermost: CodeType) -> None:
    import random  # only this rare way out needs it

    left = random.randint(1, _MOST_LINES)

    def trace(at: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        left -= event == "line"
        if left <= 0:
            sys.setprofile(rearm)  # Python removes a trace function that raises
            raise Suspended("the invocation has ended")
        return trace

    def rearm(at: FrameType, event: str, _: Any) -> None:
        if event == "return":
            sys.setprofile(None)
            _arm(at.f_back, outermost)

    while frame is not None and frame.f_code is not outermost:
        frame.f_trace = trace
        frame = frame.f_back
    sys.settrace(lambda *_: None)
