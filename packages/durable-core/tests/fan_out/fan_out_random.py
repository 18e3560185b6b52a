"""Random workflows of fan-outs in fan-outs, for both flavours. No two things in them happen at the same time."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fan_out_programs import ONCE

from durable_core import (
    BatchResult,
    CompletionConfig,
    DurableContext,
    Duration,
    FixedDelay,
    MapConfig,
    Nesting,
    ParallelConfig,
    StepConfig,
    step_context,
)

Part = Callable[[DurableContext], Coroutine[Any, Any, Any]]

COMPLETIONS: Final[list[CompletionConfig]] = [
    CompletionConfig.all_successful(),
    CompletionConfig.all_completed(),
    CompletionConfig.first_successful(),
    CompletionConfig(min_successful=2),
    CompletionConfig(should_complete=lambda status: status.success_count + status.failure_count >= 2),
]
COMBINATORS: Final = ("all", "any", "race", "all_settled")


def workflow(seed: int, *, depth: int = 4) -> Part:
    """The workflow with this number."""
    drawn = _drawn(random.Random(seed), depth)

    async def body(ctx: DurableContext) -> Any:
        try:
            result = await drawn(ctx)
        except Exception as error:
            result = f"raised {error}"
        await ctx.wait(Duration.from_minutes(7))
        return result

    return body


def _drawn(source: random.Random, depth: int) -> Part:
    leaves: list[Callable[[random.Random, int], Part]] = [_step, _wait, _failing, _retried]
    branching: list[Callable[[random.Random, int], Part]]
    branching = [_sequence, _child, _caught, _batch, _batch, _combined, _combined]
    kinds = [*leaves, *branching, *branching] if depth else leaves
    return source.choice(kinds)(source, depth - 1)


def _step(source: random.Random, depth: int) -> Part:
    number = source.randrange(100)

    async def body(ctx: DurableContext) -> Any:
        return await ctx.step(int, number)

    return body


def _wait(source: random.Random, depth: int) -> Part:
    minutes = source.randint(1, 100_000)

    async def body(ctx: DurableContext) -> Any:
        await ctx.wait(Duration.from_minutes(minutes))

    return body


def _failing(source: random.Random, depth: int) -> Part:
    text = f"failure {source.randrange(10)}"

    def fail() -> None:
        raise LookupError(text)

    async def body(ctx: DurableContext) -> Any:
        await ctx.step(fail, config=ONCE)

    return body


def _retried(source: random.Random, depth: int) -> Part:
    attempts, minutes = source.randint(1, 3), source.randint(1, 500)

    def attempt() -> int:
        number = step_context().attempt
        if number < attempts:
            raise LookupError("not yet")
        return number

    async def body(ctx: DurableContext) -> Any:
        config = StepConfig(retry_strategy=FixedDelay(5, Duration.from_minutes(minutes)))
        return await ctx.step(attempt, config=config)

    return body


def _sequence(source: random.Random, depth: int) -> Part:
    parts = [_drawn(source, depth) for _ in range(source.randint(1, 3))]

    async def body(ctx: DurableContext) -> Any:
        return [await part(ctx) for part in parts]

    return body


def _child(source: random.Random, depth: int) -> Part:
    inner = _drawn(source, depth)

    async def body(ctx: DurableContext) -> Any:
        return await ctx.run_in_child_context(inner)

    return body


def _caught(source: random.Random, depth: int) -> Part:
    inner = _drawn(source, depth)

    async def body(ctx: DurableContext) -> Any:
        try:
            return await inner(ctx)
        except Exception as error:
            return f"caught {error}"

    return body


def _operands(source: random.Random, depth: int) -> list[Part]:
    """Each begins with a wait of its own, so that no two of them end at the same time."""

    def operand() -> Part:
        pause, rest = _wait(source, depth), _drawn(source, depth)

        async def body(ctx: DurableContext) -> Any:
            await pause(ctx)
            return await rest(ctx)

        return body

    return [operand() for _ in range(source.randint(1, 4))]


def _batch(source: random.Random, depth: int) -> Part:
    operands = _operands(source, depth)
    completion, most, nesting = source.choice(COMPLETIONS), source.choice([None, None, 1, 2]), source.choice([*Nesting])
    mapped = source.random() < 0.5

    async def branch(ctx: DurableContext, item: int, index: int) -> Any:
        return await operands[item](ctx)

    async def body(ctx: DurableContext) -> Any:
        if mapped:
            how = MapConfig[Any](completion=completion, max_concurrency=most, nesting=nesting)
            return _shown(await ctx.map(range(len(operands)), branch, config=how))
        settings = ParallelConfig[Any](completion=completion, max_concurrency=most, nesting=nesting)
        return _shown(await ctx.parallel(operands, config=settings))

    return body


def _combined(source: random.Random, depth: int) -> Part:
    operands, name = _operands(source, depth), source.choice(COMBINATORS)

    async def body(ctx: DurableContext) -> Any:
        found = await getattr(ctx, name)(operands)
        return _shown(found) if name == "all_settled" else found

    return body


def _shown(batch: BatchResult[Any]) -> list[Any]:
    items = [[item.index, str(item.status), item.result, item.error and str(item.error)] for item in batch.items]
    return [str(batch.completion_reason), items]
