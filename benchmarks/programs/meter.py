"""What a program measures of itself, and how it says so: one line of JSON, times in seconds, memory in bytes."""

from __future__ import annotations

import gc
import json
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn


class Spent(NamedTuple):
    """Seconds of processor time, of all threads, and of the clock on the wall."""

    cpu: float
    wall: float


Answer = Mapping[str, object]
"""What an invocation returns, or as much of it as must be so."""
SUCCEEDED: Answer = {"Status": "SUCCEEDED"}
PENDING: Answer = {"Status": "PENDING"}


def usual(invocation: Callable[[], Answer], times: int = 1, *, expected: Answer = SUCCEEDED) -> Spent:
    """What one *invocation* takes, which must answer what is *expected*: the medians of *times*."""
    gc.collect()  # what came before is not its garbage
    each = [_spent(invocation, expected) for _ in range(times)]
    return Spent(statistics.median(one.cpu for one in each), statistics.median(one.wall for one in each))


def _spent(invocation: Callable[[], Answer], expected: Answer) -> Spent:
    cpu, wall = time.process_time(), time.perf_counter()
    answer = invocation()
    spent = Spent(time.process_time() - cpu, time.perf_counter() - wall)
    if not expected.items() <= answer.items():
        raise AssertionError(f"an invocation that is measured must answer {expected}, but it answered {answer}")
    return spent


class ThreadPeak:
    """The most threads that were alive at any moment at which it was told to look."""

    def __init__(self) -> None:
        self.most = 0

    def look(self) -> None:
        self.most = max(self.most, threading.active_count())


def peak_memory() -> int:
    """The most bytes of memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def report(**figures: float) -> None:
    """End with *figures*."""
    print(json.dumps(figures))


def skip(reason: str) -> NoReturn:
    """End without figures, because of *reason*."""
    print(json.dumps({"skipped": reason}))
    sys.exit()
