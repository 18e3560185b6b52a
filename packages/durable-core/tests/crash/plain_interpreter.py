"""What a program means, without a journal: steps are called, waits are slept, and nothing is ever replayed.

Of ``durable_core`` it knows the words that programs use (configuration, exception classes), and shares no code.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import selectors
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple, TypeVar, TypeVarTuple, Unpack, cast

from crash_world import BETWEEN, FUNCTIONS, Effect, Outcome, Way, World, answer_to

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


class PlainOutside:
    """Who answers the callbacks: at once, or in an order of their names, when nothing else can go on."""

    def __init__(self, order: Sequence[str] = (), way: Way = Way.ONE_BY_ONE) -> None:
        self._order = order
        self._way = way
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def be_asked(self, name: str) -> asyncio.Future[None]:
        """Done when the callback of this *name* may be answered."""
        asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if name in self._order:
            self._waiting[name] = asked
        else:
            asked.set_result(None)
        return asked

    def answer_idle(self) -> bool:
        """Whether there was somebody to answer, now that nothing else can go on."""
        if self._way is Way.WITH_TIME_BETWEEN or not self._waiting:
            return False
        self._answer_first()
        while self._way is Way.ALL_AT_ONCE and self._waiting:
            self._answer_first()
        return True

    async def answer_from_time_to_time(self) -> None:
        """Answer the first of those that wait, again and again."""
        while self._way is Way.WITH_TIME_BETWEEN:
            await asyncio.sleep(BETWEEN.total_seconds())
            if self._waiting:
                self._answer_first()

    def _answer_first(self) -> None:
        self._waiting.pop(min(self._waiting, key=self._order.index)).set_result(None)


class PlainBatch(NamedTuple):
    """What came of branches that all succeeded."""

    results: list[Any]


class PlainContext:
    """The operations of a workflow, done at once."""

    def __init__(self, outside: PlainOutside) -> None:
        self._outside = outside

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
        """It is answered whenever somebody asks, or in its turn."""
        return PlainCallback(name, config, await self._outside.be_asked(name))

    async def wait_for_callback(
        self,
        submitter: Callable[..., Any],
        /,
        *args: Any,
        name: str,
        config: WaitForCallbackConfig[Any] | None = None,
    ) -> Any:
        """Tell somebody, and give the answer."""
        callback = PlainCallback(name, config, await self._outside.be_asked(name))
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
            return await func(PlainContext(self._outside), *args)
        except Exception as error:
            mapper = None if config is None else config.error_mapper
            raise error if mapper is None else mapper(error) from error

    async def map(self, items: Iterable[Any], func: Callable[..., Any], /, *, name: str | None = None) -> PlainBatch:
        """Call it for all of them side by side; none fails."""
        branches = (func(PlainContext(self._outside), item, index) for index, item in enumerate(items))
        return PlainBatch(await asyncio.gather(*branches))

    async def parallel(self, branches: Iterable[Callable[..., Any]], /, *, name: str | None = None) -> PlainBatch:
        """Call them side by side; none fails."""
        return PlainBatch(await self.all(branches))

    async def all(self, operands: Iterable[Callable[..., Any]], /, *, name: str | None = None) -> list[Any]:
        """The same."""
        return await asyncio.gather(*(operand(PlainContext(self._outside)) for operand in operands))

    async def race(self, operands: Iterable[Coroutine[Any, Any, T]], /, *, name: str | None = None) -> T:
        """The first that is over; the others are cancelled."""
        first: asyncio.Future[asyncio.Task[T]] = asyncio.get_running_loop().create_future()
        tasks = [asyncio.create_task(operand) for operand in operands]

        def note(done: asyncio.Task[T]) -> None:
            if not first.done():
                first.set_result(done)

        for task in tasks:
            task.add_done_callback(note)
        winner = await first
        for task in tasks:
            task.cancel()
        return winner.result()


class PlainCallback:
    """A callback whose answer is known."""

    callback_id = "an id"

    def __init__(self, name: str, config: CallbackConfig[Any] | None, asked: asyncio.Future[None]) -> None:
        self._name = name
        self._asked = asked
        self._timeout = timedelta.max if config is None or config.timeout is None else config.timeout

    async def result(self) -> Any:
        """The answer; after the timeout, that there is none."""
        await asyncio.shield(self._asked)
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


def interpret(
    program: Callable[[DurableContext, World], Coroutine[Any, Any, Any]], outside: PlainOutside | None = None
) -> tuple[Outcome, list[Effect]]:
    """What comes of *program*, and what it did to the world, in order; *outside* answers its callbacks."""
    effects: list[Effect] = []
    world = PlainWorld(effects.append, 1)
    others = PlainOutside() if outside is None else outside

    async def run() -> Any:
        answering = asyncio.create_task(others.answer_from_time_to_time())
        try:
            return await program(cast("DurableContext", PlainContext(others)), world)
        finally:
            answering.cancel()

    with asyncio.Runner(loop_factory=lambda: _TimelessLoop(others)) as runner:
        try:
            outcome = Outcome(runner.run(run()))
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

    def __init__(self, outside: PlainOutside) -> None:
        self._now = 0.0
        super().__init__(_Jumping(self.pass_time, outside))

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
    def __init__(self, jump: Callable[[float], None], outside: PlainOutside) -> None:
        super().__init__()
        self._jump = jump
        self._outside = outside

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout != 0 and self._outside.answer_idle():
            return super().select(0)
        assert timeout is not None, "the program waits for something that nothing in it will bring"
        self._jump(max(0, timeout))
        return super().select(0)


def _qualified(cls: type[BaseException]) -> str:
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
