"""Random async workflows whose tasks share state: what a replay must repeat although chance decided it first."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from durable_core import DurableContext, Duration, FixedDelay, NoRetry, StepConfig, durable_execution
from durable_core.handler import DurableFunction

Block = list[tuple[Any, ...]]

LEAVES = ("step", "flaky", "failing", "wait", "pop", "put", "get", "set", "sleep_on_event", "yield")
NESTED = ("child", "locked", "gather", "race", "spawn", "cancel", "group", "detach", "if_longer")


def random_program(seed: int) -> Block:
    """A program: a block of statements, some with blocks of their own."""
    chance = random.Random(seed)
    return [_statement(chance, 3) for _ in range(chance.randint(2, 5))]


def _statement(chance: random.Random, depth: int) -> tuple[Any, ...]:
    kind = chance.choice(LEAVES + NESTED * 2 if depth else LEAVES)

    def block(least: int = 1, most: int = 3) -> Block:
        return [_statement(chance, depth - 1) for _ in range(chance.randint(least, most))]

    match kind:
        case "wait":
            return (kind, chance.randint(1, 4))
        case "set" | "sleep_on_event":
            return (kind, chance.randrange(2))
        case "child" | "locked" | "spawn" | "detach":
            return (kind, block())
        case "if_longer":
            return (kind, chance.randint(1, 8), block(), block())
        case "gather" | "race" | "group":
            return (kind, [block(1, 2) for _ in range(chance.randint(2, 3))])
        case "cancel":
            return (kind, chance.randrange(4))
        case _:
            return (kind, chance.randrange(100))


class World:
    """What survives a crash: nothing of the workflow's, only the tests' record of it."""

    def __init__(self) -> None:
        self.traces: list[list[str]] = []
        """What the workflow saw, in order, for each invocation."""
        self.effects: list[str] = []
        self.tries: dict[str, int] = {}


class Interpreter:
    """One invocation of a program."""

    def __init__(self, ctx: DurableContext, world: World) -> None:
        self.root = ctx
        self.world = world
        self.trace: list[str] = []
        world.traces.append(self.trace)
        self.items = [f"item{n}" for n in range(5)]
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.events = [asyncio.Event(), asyncio.Event()]
        self.lock = asyncio.Semaphore(1)
        self.tasks: list[asyncio.Task[Any]] = []

    def note(self, trace: list[str], text: str) -> None:
        """Note what the workflow saw, unless the invocation has ended and its state is lost anyway."""
        if self.root._scope.driver.ending is None:
            trace.append(text)

    async def run(self, program: Block) -> str:
        """Run the program, then let everything that still waits go on, and wait for it."""
        await self.block(self.root, program, self.trace, "main")
        for event in self.events:
            event.set()
        while left := [task for task in self.tasks if not task.done()]:
            await asyncio.wait(left)
        for task in self.tasks:
            self.note(self.trace, "cancelled" if task.cancelled() else "done")
        return "|".join(self.trace)

    async def block(self, ctx: DurableContext, block: Block, trace: list[str], label: str) -> str:
        """Run the statements of *block* in order."""
        for number, statement in enumerate(block):
            await self.statement(ctx, statement, trace, f"{label}.{number}")
        return label

    async def statement(self, ctx: DurableContext, statement: tuple[Any, ...], trace: list[str], label: str) -> None:
        """Run one statement; *trace* is what the context around it has seen."""
        kind, argument = statement[0], statement[1]
        shared = ctx is self.root  # a child that is over does not run again: it must leave no traces outside
        match kind:
            case "step":
                self.note(trace, await ctx.step(self.body(f"{label}:{argument}"), name=f"s{argument}"))
            case "flaky":
                config = StepConfig(retry_strategy=FixedDelay(20))
                self.note(trace, await ctx.step(self.flaky(f"{label}:{argument}"), name="flaky", config=config))
            case "failing":
                try:
                    await ctx.step(failing, argument, name="failing", config=StepConfig(retry_strategy=NoRetry()))
                except LookupError as error:
                    self.note(trace, f"{label} failed {error}")
            case "wait":
                await ctx.wait(Duration.from_seconds(argument))
                self.note(trace, f"{label} waited")
            case "pop" if shared:
                item = self.items.pop(0) if self.items else "none"
                self.note(trace, await ctx.step(self.body(f"{label}:{item}"), name=item))
            case "put" if shared:
                self.queue.put_nowait(f"q{label}")
            case "get" if shared:
                self.note(trace, self.queue.get_nowait() if not self.queue.empty() else "empty")
            case "set" if shared:
                self.events[argument].set()
            case "sleep_on_event" if shared and "/spawned" in label and "!" not in label:
                await self.events[argument].wait()
                self.note(trace, f"{label} woken")
            case "yield":
                await asyncio.sleep(0)
            case "child":
                self.note(trace, await ctx.run_in_child_context(self.child, argument, label, name="child"))
            case "locked" if (
                shared and "!" not in label
            ):  # who holds the lock neither takes it again nor waits for others
                async with self.lock:
                    await self.block(ctx, argument, trace, f"{label}!")
            case "gather" | "group" | "race":
                await self.together(ctx, kind, argument, trace, label)
            case "spawn" if shared:
                self.tasks.append(asyncio.create_task(self.block(ctx, argument, trace, f"{label}/spawned")))
            case "detach" if shared:
                self.tasks.append(asyncio.create_task(self.block(ctx, argument, trace, f"{label}/detached")))
                await asyncio.wait(self.tasks[-1:])
            case "cancel" if shared and argument < len(self.tasks):
                if self.tasks[argument] is not asyncio.current_task():
                    self.note(trace, f"{label} cancels {self.tasks[argument].cancel()}")
            case "if_longer":
                chosen = statement[2] if len(trace) > argument else statement[3]
                await self.block(ctx, chosen, trace, label)
            case _:
                pass

    async def together(self, ctx: DurableContext, kind: str, blocks: list[Block], trace: list[str], label: str) -> None:
        """Run *blocks* at the same time, and wait for all of them or for the first."""
        runs = [self.block(ctx, block, trace, f"{label}/{n}") for n, block in enumerate(blocks)]
        if kind == "gather":
            self.note(trace, " ".join(await asyncio.gather(*runs)))
        elif kind == "group":
            async with asyncio.TaskGroup() as group:
                for run in runs:
                    group.create_task(run)
        else:
            tasks = [asyncio.create_task(run) for run in runs]
            done: set[asyncio.Task[Any]] = set()
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                self.note(trace, "first: " + " ".join(str(tasks.index(task)) for task in tasks if task in done))
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def child(self, ctx: DurableContext, block: Block, label: str) -> str:
        """The body of a child context; it keeps a trace of its own, and returns it."""
        trace: list[str] = []
        await self.block(ctx, block, trace, f"{label}/child")
        return f"({';'.join(trace)})"

    def body(self, label: str) -> Callable[[], Any]:
        """A step that yields a few times, so that steps end in another order than they began."""

        async def step() -> str:
            for _ in range(hash_of(label) % 4):
                await asyncio.sleep(0)
            self.world.effects.append(label)
            return label

        return step

    def flaky(self, label: str) -> Callable[[], Any]:
        """A step that fails the first time that it runs at all."""

        async def step() -> str:
            tries = self.world.tries[label] = self.world.tries.get(label, 0) + 1
            if tries == 1:
                raise ConnectionError(label)
            return label

        return step


async def failing(argument: int) -> str:
    """A step that always fails."""
    raise LookupError(f"no {argument}")


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return sum(text.encode())


def workflow(program: Block, world: World) -> DurableFunction[Any]:
    """*program* as a durable function."""

    @durable_execution
    async def random_workflow(event: Any, ctx: DurableContext) -> str:
        return await Interpreter(ctx, world).run(program)

    return random_workflow
