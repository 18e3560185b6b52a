"""Where the service's time comes from: whole milliseconds since the epoch."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Final, Protocol

MILLISECOND: Final = timedelta(milliseconds=1)

EPOCH_OF_TESTS: Final = 1_767_225_600_000
"""1 January 2026, 00:00 UTC: where a virtual clock starts unless told otherwise."""


class Clock(Protocol):
    """A time that never goes back."""

    def now(self) -> int:
        """Give the time, without moving it."""
        ...

    def tick(self) -> int:
        """Give a time that is later, by a millisecond at least, than any given before."""
        ...


class VirtualClock:
    """A clock that stands still until it is moved, from whichever thread."""

    __slots__ = ("_lock", "_now")

    def __init__(self, start: int = EPOCH_OF_TESTS) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> int:
        """Give the time at which the clock stands."""
        return self._now

    def tick(self) -> int:
        """Move the clock by one millisecond."""
        with self._lock:
            self._now += 1
            return self._now

    def move_to(self, instant: int) -> None:
        """Move the clock forward to *instant*; one that has passed leaves it where it is."""
        with self._lock:
            self._now = max(self._now, instant)

    def advance(self, duration: timedelta) -> None:
        """Move the clock forward by *duration*, in whole milliseconds; a negative one is a ``ValueError``."""
        if duration < timedelta():
            raise ValueError(f"a clock does not go back: {duration!r}")
        with self._lock:
            self._now += duration // MILLISECOND


class SystemClock:
    """The machine's clock, held back from repeating or reversing itself."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Give the machine's time, or the last one ticked if the machine's is behind it."""
        return max(self._last, time.time_ns() // 1_000_000)

    def tick(self) -> int:
        """Give the machine's time, or a millisecond more than the last one ticked."""
        self._last = max(self._last + 1, time.time_ns() // 1_000_000)
        return self._last

    def advance(self, duration: timedelta) -> None:
        """Wait until *duration* is over; a negative one is a ``ValueError``."""
        time.sleep(duration.total_seconds())
