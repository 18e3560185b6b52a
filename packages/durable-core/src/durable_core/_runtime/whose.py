"""Whose code is running: the lane of the current task, or of the current thread."""

from __future__ import annotations

import threading
from asyncio import _get_running_loop, current_task
from collections.abc import Callable
from typing import Any, TypeVar

from durable_core._runtime.scope import Lane
from durable_core._runtime.tasks import WorkflowTask

T = TypeVar("T")

_thread = threading.local()


def in_lane(lane: Lane, func: Callable[..., T], *args: Any) -> T:
    """``func(*args)``, as the own code of *lane* on this thread."""
    before: Lane | None = getattr(_thread, "lane", None)
    _thread.lane = lane
    try:
        return func(*args)
    finally:
        _thread.lane = before


def current_lane() -> Lane | None:
    """The lane whose own code runs here; ``None`` in a step, on a foreign thread, and outside workflows."""
    loop = _get_running_loop()
    if loop is None:
        lane: Lane | None = getattr(_thread, "lane", None)
        return None if lane is None or lane.current is not None else lane
    task = current_task(loop)
    return task.lane if isinstance(task, WorkflowTask) and task.current is None else None
