"""What a program means, without a journal: steps are called, waits are slept, and nothing is ever replayed.

Of ``durable_core`` it knows the words that programs use (configuration, exception classes), and shares no code.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar, TypeVarTuple, Unpack, cast

from crash_world import FUNCTIONS, Effect, Outcome, World, answer_to

from durable_core import (
    CallbackConfig,
    CallbackTimeoutError,
    ChildConfig,
    ConditionNotMetError,
    DurableContext,
    FixedDelay,
    NoRetry,
    SizeLimitError,
    StepConfig,
    StepError,
    StepTimeoutError,
    WaitForCallbackConfig,
    WaitForConditionConfig,
)

Arguments = TypeVarTuple("Arguments")
T = TypeVar("T")
_attempt: contextvars.ContextVar[int] = contextvars.ContextVar("attempt")

ATTEMPTS, PAUSE = 6, timedelta(seconds=5)
"""Of a step whose program says nothing; the pause is the documented one's base."""
PAYLOAD = 262_144 - 2
"""Characters of the longest text that a step may give."""


class PlainContext:
    """The operations of a workflow, done at once."""

    async def step(
        self, func: Callable[..., Any], /, *args: Any, name: str | None = None, config: StepConfig | None = None
    ) -> Any:
        """Call it until it succeeds, or has failed as often as it may."""
        config = config or StepConfig()
        most, pause = _retries(config.retry_strategy)
        for attempt in range(1, most):
            try:
                return await _run(func, args, attempt, config.timeout)
            except SizeLimitError:
                raise
            except Exception:
                await asyncio.sleep(pause.total_seconds())
        return await _run(func, args, most, config.timeout)

    async def wait(self, duration: timedelta, *, name: str | None = None) -> None:
        """Sleep."""
        await asyncio.sleep(duration.total_seconds())

    async def wait_for_condition(
        self,
        check: Callable[[Any], Any],
        /,
        *,
        initial_state: Any,
        name: str | None = None,
        config: WaitForConditionConfig[Any],
    ) -> Any:
        """Call it until its strategy is content, or it has failed as often in a row as it may."""
        state, failures = initial_state, 0
        most, pause = _retries(config.retry_strategy or NoRetry())
        for attempt in count(1):
            try:
                state, failures = await _run(check, (state,), attempt, None), 0
            except Exception:
                failures += 1
                if failures == most:
                    raise
                await asyncio.sleep(pause.total_seconds())
                continue
            decision = config.wait_strategy(state, attempt)
            if decision.is_done:
                break
            if decision.delay is None:
                raise ConditionNotMetError(f"the condition was not met after {attempt} checks")
            await asyncio.sleep(decision.delay.total_seconds())
        return state

    async def create_callback(self, *, name: str, config: CallbackConfig[Any] | None = None) -> PlainCallback:
        """It is answered whenever somebody asks."""
        return PlainCallback(name, config)

    async def wait_for_callback(
        self,
        submitter: Callable[..., Any],
        /,
        *args: Any,
        name: str,
        config: WaitForCallbackConfig[Any] | None = None,
    ) -> Any:
        """Tell somebody, and give the answer."""
        callback = PlainCallback(name, config)
        strategy = None if config is None else config.retry_strategy
        await self.step(submitter, callback.callback_id, *args, config=StepConfig(retry_strategy=strategy))
        return await callback.result()

    async def invoke(self, function_name: str, payload: Any = None, /, *, name: str | None = None) -> Any:
        """Call it."""
        return FUNCTIONS[function_name](payload)

    async def run_in_child_context(
        self, func: Callable[..., Any], /, *args: Any, name: str | None = None, config: ChildConfig | None = None
    ) -> Any:
        """Call it."""
        try:
            return await func(PlainContext(), *args)
        except Exception as error:
            mapper = None if config is None else config.error_mapper
            raise error if mapper is None else mapper(error) from error


class PlainCallback:
    """A callback whose answer is known."""

    callback_id = "an id"

    def __init__(self, name: str, config: CallbackConfig[Any] | None) -> None:
        self._name = name
        self._timeout = timedelta.max if config is None or config.timeout is None else config.timeout

    async def result(self) -> Any:
        """The answer; after the timeout, that there is none."""
        try:
            answer = answer_to(self._name)
        except KeyError:
            await asyncio.sleep(self._timeout.total_seconds())
            raise CallbackTimeoutError from None
        if isinstance(answer, Exception):
            raise answer
        return answer


class PlainWorld(World):
    """A world that knows of attempts from the plain interpreter."""

    def attempt(self) -> tuple[str, int]:
        return "", _attempt.get()


def interpret(program: Callable[[DurableContext, World], Coroutine[Any, Any, Any]]) -> tuple[Outcome, list[Effect]]:
    """What comes of *program*, and what it did to the world, in order."""
    effects: list[Effect] = []
    world = PlainWorld(effects.append, 1)
    with asyncio.Runner(loop_factory=_TimelessLoop) as runner:
        try:
            outcome = Outcome(runner.run(program(cast("DurableContext", PlainContext()), world)))
        except Exception as error:
            outcome = Outcome(error=(_qualified(type(error)), str(error)))
    return outcome, effects


def _retries(strategy: object) -> tuple[int, timedelta]:
    if strategy is None:
        return ATTEMPTS, PAUSE
    if isinstance(strategy, NoRetry):
        return 1, PAUSE
    assert isinstance(strategy, FixedDelay), "programs say FixedDelay or NoRetry"
    return strategy.max_attempts, strategy.delay


async def _run(func: Callable[..., Any], args: tuple[Any, ...], attempt: int, timeout: timedelta | None) -> Any:
    """One attempt, in a task of its own, so that the context variables it sets are its own."""
    seconds = None if timeout is None else timeout.total_seconds()

    async def body() -> Any:
        _attempt.set(attempt)
        began = time.monotonic()
        try:
            result = func(*args)
            if inspect.isawaitable(result):
                return await result
        except (StopIteration, GeneratorExit, SystemExit, KeyboardInterrupt, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _this_task().cancelling():
                raise
            raise StepError(str(error), error_type=_qualified(type(error))) from None  # what programs see of these
        if seconds is not None and time.monotonic() - began > seconds:
            raise TimeoutError
        return result

    try:
        result = await asyncio.wait_for(asyncio.create_task(body()), seconds)
    except TimeoutError:
        if seconds is None:
            raise
        raise StepTimeoutError(f"the attempt took longer than {seconds:g} s") from None
    if isinstance(result, str) and len(result) > PAYLOAD:
        raise SizeLimitError
    return result


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


class _TimelessLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer when nothing can run, and that does the jobs of threads itself."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jumping(self.pass_time))

    def time(self) -> float:
        return self._now

    def pass_time(self, seconds: float) -> None:
        self._now += seconds

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Arguments]], T], *args: *Arguments
    ) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        done.set_result(func(*args))
        return done


class _Jumping(selectors.DefaultSelector):
    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "the program waits for something that nothing in it will bring"
        self._jump(max(0, timeout))
        return super().select(0)


def _qualified(cls: type[BaseException]) -> str:
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
