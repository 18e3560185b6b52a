"""Programs as workflows, under the names of the async context."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from crash_program import Run
from crash_world import World
from generated_programs import (
    Batch,
    Body,
    Callback,
    Caught,
    Child,
    Combined,
    Condition,
    Invoke,
    Part,
    Question,
    Raise,
    Step,
    Wait,
)

from durable_core import (
    AllFailedError,
    BatchResult,
    CallbackConfig,
    CallbackTimeoutError,
    ChildConfig,
    CompletionConfig,
    ConditionNotMetError,
    DurableContext,
    Duration,
    FixedDelay,
    MapConfig,
    Nesting,
    NoRetry,
    ParallelBranch,
    ParallelConfig,
    RetryStrategy,
    SizeLimitError,
    StepConfig,
    StepInterruptedError,
    StepSemantics,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    poll_every,
)

SECOND: Final = Duration.from_seconds(1)
LOOKS: Final = 60
"""Of a condition that is met: more than it needs."""
COMPLETIONS: Final = {
    "all completed": CompletionConfig.all_completed(),
    "all successful": CompletionConfig.all_successful(),
    "first successful": CompletionConfig.first_successful(),
    "two successful": CompletionConfig(min_successful=2),
    "half may fail": CompletionConfig(tolerated_failure_percentage=50),
    "two over": CompletionConfig(should_complete=lambda status: status.success_count + status.failure_count >= 2),
}


def workflow_of(body: Body) -> Run:
    """The program as a workflow, which gives what it raises too; all of it is replayed after a last pause."""

    async def run(ctx: DurableContext, world: World) -> Any:
        try:
            found: Any = await _run(ctx, world, body, "w")
        except LookupError as error:
            found = f"raised {error}"
        await ctx.wait(Duration.from_hours(1), name="end")
        return found

    return run


async def _run(ctx: DurableContext, world: World, body: Body, path: str) -> list[Any]:
    return [await _part(ctx, world, part, f"{path}.{number}") for number, part in enumerate(body)]


async def _part(ctx: DurableContext, world: World, part: Part, path: str) -> Any:
    match part:
        case Step():
            return await _step(ctx, world, part, path)
        case Wait(hours):
            return await ctx.wait(Duration.from_hours(hours), name=path)
        case Condition():
            return await _condition(ctx, world, part, path)
        case Callback():
            return await _callback(ctx, world, part, path)
        case Question():
            return await _question(ctx, world, part, path)
        case Invoke(fails):
            return await ctx.invoke("refuse" if fails else "double", 7, name=path)
        case Raise():
            raise LookupError(f"{path} raises")
        case Child(body, virtual):
            config = ChildConfig(virtual=virtual)
            return await ctx.run_in_child_context(_run, world, body, path, name=path, config=config)
        case Caught(body):
            try:
                return await _run(ctx, world, body, path)
            except Exception as error:
                return f"caught {error}"
        case Batch():
            return await _batch(ctx, world, part, path)
        case Combined():
            return await _combined(ctx, world, part, path)


def _body_of(world: World, step: Step, path: str) -> Callable[..., Any]:
    def attempt(*callback_id: str) -> str:
        if world.note(path) <= step.failing:
            raise LookupError(f"{path} has failed")
        return path + "x" * step.length

    async def async_attempt(*callback_id: str) -> str:
        return attempt()

    body = attempt if step.plain else async_attempt
    body.__name__ = path  # which names the operation of a submitter
    return body


def _strategy(step: Step) -> RetryStrategy:
    return NoRetry() if step.most == 1 else FixedDelay(step.most, SECOND)


def _semantics(step: Step) -> StepSemantics:
    return StepSemantics.AT_MOST_ONCE_PER_RETRY if step.at_most_once else StepSemantics.AT_LEAST_ONCE_PER_RETRY


async def _step(ctx: DurableContext, world: World, step: Step, path: str) -> Any:
    config = StepConfig(retry_strategy=_strategy(step), step_semantics=_semantics(step))
    try:
        return await ctx.step(_body_of(world, step, path), name=path, config=config)
    except StepInterruptedError:  # of the last attempt
        raise LookupError(f"{path} has failed") from None
    except SizeLimitError:
        raise LookupError("too large") from None


async def _condition(ctx: DurableContext, world: World, condition: Condition, path: str) -> Any:
    def look(count: int) -> int:
        if world.note(path) <= condition.failing:
            raise LookupError("not now")
        return count + 1

    enough, most = (condition.enough, LOOKS) if condition.met else (LOOKS, condition.failing + 1)
    config: WaitForConditionConfig[int] = WaitForConditionConfig(
        wait_strategy=poll_every(SECOND, until=enough.__le__, max_attempts=most),
        retry_strategy=FixedDelay(LOOKS, SECOND),
    )
    try:
        return await ctx.wait_for_condition(look, initial_state=0, name=path, config=config)
    except ConditionNotMetError:
        raise LookupError("not met") from None


async def _callback(ctx: DurableContext, world: World, asked: Callback, path: str) -> Any:
    config: CallbackConfig[str] = CallbackConfig(timeout=Duration.from_hours(asked.hours), returns=str)
    callback = await ctx.create_callback(name=f"{asked.answer} {path}", config=config)
    await _run(ctx, world, asked.between, f"{path}.b")
    try:
        return await callback.result()
    except CallbackTimeoutError:
        raise LookupError("nobody answers") from None


async def _question(ctx: DurableContext, world: World, question: Question, path: str) -> Any:
    told = f"{path}.tell"
    config: WaitForCallbackConfig[str] = WaitForCallbackConfig(
        timeout=Duration.from_hours(question.hours),
        retry_strategy=_strategy(question.told),
        step_semantics=_semantics(question.told),
        returns=str,
    )
    submit: Callable[[str], Any] = _body_of(world, question.told._replace(length=1), told)
    try:
        return await ctx.wait_for_callback(submit, name=f"{question.answer} {path}", config=config)
    except StepInterruptedError:  # of the last attempt
        raise LookupError(f"{told} has failed") from None
    except CallbackTimeoutError:
        raise LookupError("nobody answers") from None


async def _batch(ctx: DurableContext, world: World, batch: Batch, path: str) -> Any:
    branches = _branches(world, batch.branches, path)
    completion = COMPLETIONS[batch.completion]
    nesting = Nesting.FLAT if batch.flat else Nesting.NESTED
    if not batch.mapped:
        config: ParallelConfig[Any] = ParallelConfig(completion=completion, max_concurrency=batch.most, nesting=nesting)
        named = [ParallelBranch(branch, branch.__name__) for branch in branches]
        return _shown(await ctx.parallel(named, name=path, config=config))

    async def branch_of(child: DurableContext, item: int, index: int) -> Any:
        return await branches[item](child)

    mapping: MapConfig[Any] = MapConfig(
        completion=completion,
        max_concurrency=batch.most,
        nesting=nesting,
        item_namer=lambda item, index: f"{path}.{index}",
    )
    return _shown(await ctx.map(range(len(branches)), branch_of, name=path, config=mapping))


async def _combined(ctx: DurableContext, world: World, combined: Combined, path: str) -> Any:
    branches = _branches(world, combined.branches, path)
    match combined.how:
        case "all":
            return await ctx.all(branches, name=path)
        case "race":
            return await ctx.race(branches, name=path)
        case "all_settled":
            return _shown(await ctx.all_settled(branches, name=path))
        case "any":
            try:
                return await ctx.any(branches, name=path)
            except AllFailedError:
                raise LookupError("all failed") from None


def _branches(
    world: World, bodies: Sequence[Body], path: str
) -> list[Callable[[DurableContext], Coroutine[Any, Any, Any]]]:
    def branch(body: Body, name: str) -> Callable[[DurableContext], Coroutine[Any, Any, Any]]:
        async def run(child: DurableContext) -> Any:
            return await _run(child, world, body, name)

        run.__name__ = run.__qualname__ = name
        return run

    return [branch(body, f"{path}.{index}") for index, body in enumerate(bodies)]


def _shown(batch: BatchResult[Any]) -> list[Any]:
    items = [[each.index, str(each.status), each.result, each.error and str(each.error)] for each in batch.items]
    return [str(batch.completion_reason), items]
