"""The world outside of a workflow: what steps do to it, kept apart from the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from durable_core import DurableContext, Duration, NoRetry, Operation, StepConfig, step_context

T = TypeVar("T")

SECOND = Duration.from_seconds(1)
MINUTE = Duration.from_minutes(1)
ONCE = StepConfig(retry_strategy=NoRetry())
LARGE = 262_145
"""Bytes that do not fit into the payload of an operation."""


class Way(Enum):
    """How callbacks are answered in a given order."""

    ONE_BY_ONE = "one by one"
    """Each time that nothing else can go on, the first of those that wait."""
    ALL_AT_ONCE = "all at once"
    """When nothing else can go on, all that wait."""
    WITH_TIME_BETWEEN = "with time between"
    """The first of those that wait, again and again, with a pause before each."""


BETWEEN = Duration.from_seconds(10)
"""The pause before each answer, where there is one."""


class Effect(NamedTuple):
    """One run of a step's body."""

    name: str
    attempt: int
    operation_id: str
    """Empty in the plain interpreter."""
    invocation: int


class Outcome(NamedTuple):
    """How a program ended."""

    value: Any = None
    error: tuple[str, str] | None = None
    """Qualified name of the class, and message."""


class World:
    """Notes every effect, and lends programs the bodies of their steps."""

    def __init__(self, record: Callable[[Effect], None], invocation: int) -> None:
        self._record = record
        self.invocation = invocation
        """The number of the invocation that lives in it, from 1."""

    def attempt(self) -> tuple[str, int]:
        """The operation whose body runs here, and the number of the attempt."""
        facts = step_context()
        return facts.operation_id, facts.attempt

    def note(self, name: str) -> int:
        """Do something to the world; return the number of the attempt in which it is done."""
        operation_id, attempt = self.attempt()
        self._record(Effect(name, attempt, operation_id, self.invocation))
        return attempt

    async def act(self, name: str, result: T) -> T:
        """A body that succeeds."""
        self.note(name)
        await asyncio.sleep(0)
        return result

    def act_now(self, name: str, result: T) -> T:
        """The same, as a plain function."""
        self.note(name)
        return result

    async def act_from(self, good: int, name: str, result: T) -> T:
        """A body that fails until the attempt with the number *good*."""
        attempt = self.note(name)
        await asyncio.sleep(0)
        if attempt < good:
            raise RuntimeError(f"{name} fails on attempt {attempt}")
        return result

    async def fail(self, name: str, make: Callable[[], BaseException]) -> None:
        """A body that raises."""
        self.note(name)
        await asyncio.sleep(0)
        raise make()


def answer_to(name: str) -> Any:
    """What somebody outside answers to a callback: its name, or a failure; ``KeyError`` where nobody answers."""
    if name.startswith("silent"):
        raise KeyError(name)
    return LookupError(f"{name} is refused") if name.startswith("bad") else name


def double(event: int) -> int:
    """A function that is invoked."""
    return 2 * event


def refuse(event: int) -> int:
    """A function that is invoked, and fails."""
    raise LookupError(f"{event} is refused")


FUNCTIONS: Mapping[str, Callable[[int], int]] = {"double": double, "refuse": refuse}
"""The functions that programs invoke."""


def do(
    ctx: DurableContext, world: World, name: str, result: Any = None, config: StepConfig | None = None
) -> Operation[Any]:
    """A step that does *name* to the world and gives *result*."""
    return ctx.step(world.act, name, result, name=name, config=config)


def seconds(n: int) -> Duration:
    """A wait of *n* seconds."""
    return Duration.from_seconds(n)


class PaymentDeclined(Exception):
    """An error with fields of its own."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"declined with {code}: {reason}")
        self.code = code
        self.reason = reason
