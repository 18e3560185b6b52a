"""What outlives an invocation: the loop, its sender, and the threads for steps."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar

from durable_core._runtime.loop import DurableLoop
from durable_core._runtime.sender import Sender

T = TypeVar("T")

STEP_THREADS = 32
BRANCH_THREADS = 32


class Engine:
    """A loop and a sender, for one invocation at a time. Clients made at module level keep their connections."""

    def __init__(self) -> None:
        self.sender: Sender = Sender()
        self._loop: DurableLoop | None = None

    @property
    def loop(self) -> DurableLoop:
        if self._loop is None:
            self._loop = DurableLoop()
        return self._loop

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        """Run *main* to its end; a SystemExit in a task inside a step does not end the loop."""
        task = asyncio.Task(main, loop=self.loop)
        while not task.done():
            try:
                self.loop.run_until_complete(task)
            except SystemExit:
                if task.done():
                    raise
        task.result()

    def abandon(self) -> None:
        """Leave the loop as it is, with the tasks that would not end, and never touch it again."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.attend(None)
            tasks = asyncio.all_tasks(loop)
            for task in tasks:  # whoever asks for all tasks, of any loop, would walk over them for ever
                asyncio._unregister_task(task)
            _abandoned.append(tasks)
            loop.close()


_free: list[Engine] = []
_lock = threading.Lock()
_threads: dict[str, Executor] = {}
_abandoned: list[Any] = []
"""Kept alive: collecting a coroutine that swallows every exception would run it once more."""


@contextmanager
def engine() -> Generator[Engine]:
    """An engine for one invocation; concurrent invocations in one process share nothing."""
    with _lock:
        mine = _free.pop() if _free else Engine()
    try:
        yield mine
    finally:
        with _lock:
            _free.append(mine)


def step_threads() -> Executor:
    """The threads on which ``def`` steps of async workflows run, and steps that may be left alone."""
    return _pool("durable-step", STEP_THREADS)


def branch_threads() -> Executor:
    """The threads on which the branches of blocking workflows run."""
    return _pool("durable-branch", BRANCH_THREADS)


def _pool(name: str, size: int) -> Executor:
    """The threads with a *name*: made when first needed, kept for the process."""
    with _lock:
        if name not in _threads:
            from concurrent.futures import ThreadPoolExecutor  # only what runs on threads needs it

            _threads[name] = ThreadPoolExecutor(size, thread_name_prefix=name)
        return _threads[name]


def off_loop(call: Callable[[], T]) -> T:
    """*call*, on this thread unless it runs an event loop: then on another one."""
    return call() if asyncio._get_running_loop() is None else on_new_thread(call)


def on_new_thread(call: Callable[[], T]) -> T:
    """*call*, on a thread of its own, waited for."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, thread_name_prefix="durable-invocation") as thread:
        return thread.submit(call).result()
