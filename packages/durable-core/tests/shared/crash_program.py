"""What a program is: an ordinary workflow, written once, that runs in both flavours where it starts no tasks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple

import both_flavours
from crash_world import World

from durable_core import (
    DurableContext,
    DurableFunction,
)

Run = Callable[[DurableContext, World], Coroutine[Any, Any, Any]]


class Program(NamedTuple):
    """A workflow, and what a crash may change of it."""

    name: str
    run: Run
    sequential: bool
    """It starts no tasks: so it runs in the blocking flavour too, and its effects have one order."""
    or_else: tuple[Any, ...]
    """Values that it may also give after a crash: an attempt was cut off that may not run again, or time has passed."""
    at_most_once: frozenset[str]
    """Steps whose body never runs twice within an attempt."""
    left: frozenset[str]
    """Operations that it cancels, or does not wait for, and that therefore may stay without an end."""
    stride: int
    """Every how many checkpoints it crashes: 1 unless a run is slow."""
    branching: bool = False
    """It branches by operations only: so it runs in the blocking flavour too, where branches have no common order."""

    @property
    def flavours(self) -> tuple[str, ...]:
        return ("async", "blocking") if self.sequential or self.branching else ("async",)


def program(
    *,
    sequential: bool = False,
    branching: bool = False,
    or_else: Iterable[Any] = (),
    at_most_once: Iterable[str] = (),
    left: Iterable[str] = (),
    stride: int = 1,
) -> Callable[[Run], Program]:
    """Make the decorated workflow a program of its name."""

    def made(run: Run) -> Program:
        return Program(
            run.__name__, run, sequential, tuple(or_else), frozenset(at_most_once), frozenset(left), stride, branching
        )

    return made


def handler_of(each: Program, flavour: str, make_world: Callable[[], World], **settings: Any) -> DurableFunction[Any]:
    """A Lambda handler that runs the program; each invocation has a world of its own."""

    async def body(ctx: DurableContext) -> Any:
        return await each.run(ctx, make_world())

    return both_flavours.handler_of(flavour, body, **settings)
