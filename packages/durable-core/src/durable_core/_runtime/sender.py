"""The sender: a thread that makes the calls which the workflow's own thread cannot make."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from durable_core._runtime.pipeline import Pipeline

LINGER = 0.005
"""Seconds for which an update that nobody waits for may stay in the queue, so that it can share a call: what was there
at one look, every half of that, is sent at the next."""


class Sender:
    """One thread that outlives invocations and serves one pipeline at a time; it starts when first needed.

    While armed it looks at the queue now and then, so that filling the queue costs no wake-up and a
    workflow that blocks its thread still gets its updates sent.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._pipeline: Pipeline | None = None
        self._answered: Callable[[], None] = _nobody
        self._at_once = False
        self._working = False
        self._alarm: tuple[float, Callable[[], None]] | None = None

    def serve(self, pipeline: Pipeline, answered: Callable[[], None]) -> None:
        """Send what *pipeline* queues; *answered* is called from the sender's thread after each call."""
        with self._wake:
            self._pipeline, self._answered, self._at_once = pipeline, answered, False

    def arm(self, *, at_once: bool = False) -> None:
        """See to it that what is queued now is sent: *at_once*, or when it has lingered."""
        if self._working and not at_once:  # it looks at the queue once more after it has left off working
            return
        with self._lock:
            self._working = True
            self._at_once = self._at_once or at_once
            self._start()
            self._wake.notify()

    def alarm(self, due: float, call: Callable[[], None]) -> None:
        """Call *call* on the sender's thread when it is *due*, by the monotonic clock; in place of an earlier alarm."""
        with self._lock:
            self._alarm = (due, call)
            self._start()
            self._wake.notify()

    def release(self) -> None:
        """Serve nobody; a call in flight ends first."""
        with self._wake:
            pipeline, self._pipeline, self._answered, self._alarm = self._pipeline, None, _nobody, None
        if pipeline is not None:
            pipeline.wait_for_answer()

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="durable-sender", daemon=True)
            self._thread.start()

    def _until_work(self) -> Callable[[], None] | None:
        """Wait until there is something to send, or the alarm goes off: then return what it calls."""
        while not self._working:
            if self._alarm is None:
                self._wake.wait()
            elif (left := self._alarm[0] - time.monotonic()) > 0:
                self._wake.wait(left)
            else:
                call, self._alarm = self._alarm[1], None
                return call
        return None

    def _run(self) -> None:
        lingering: object = None
        while True:
            with self._wake:
                if self._pipeline is None or not self._pipeline.queued:
                    self._working, lingering = False, None
                    self._working = self._pipeline is not None and self._pipeline.queued
                call = self._until_work()
            if call is not None:
                call()
                continue
            with self._wake:
                at_once = self._wake.wait_for(lambda: self._at_once, LINGER / 2)
                pipeline, answered, self._at_once = self._pipeline, self._answered, False
            if pipeline is None:
                continue
            first, seen = pipeline.first, lingering
            lingering = first
            if at_once or (first is not None and first is seen):
                pipeline.wait_for_answer()
                if pipeline.send():
                    answered()


def _nobody() -> None:
    """The answer of a pipeline that is served no more."""
