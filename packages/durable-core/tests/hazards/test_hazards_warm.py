"""The world fails slowly: what an invocation leaves behind is met by the next thousand in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socketserver
import threading
import time
import tracemalloc
from collections.abc import Iterator
from types import CoroutineType
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_runs import Stage

from durable_core import ContextMisuseError, DurableContext, Duration, blocking, durable_execution
from durable_core.spi import BotoClient
from durable_testing import LocalRunner
from durable_testing.faults import CrashingClient, SandboxDied

MINUTE = Duration.from_minutes(1)


def threads() -> set[threading.Thread]:
    """Threads that live, but for the pool for steps, which outlives invocations and has 32 at most."""
    pool = {each for each in threading.enumerate() if each.name.startswith("durable-step")}
    assert len(pool) <= 32
    return {*threading.enumerate()} - pool


def descriptors() -> int:
    """Open file descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


def durable_objects() -> int:
    """Objects of the core, and tasks, that are alive."""
    gc.collect()
    return sum(
        type(each).__module__.startswith("durable_core") or isinstance(each, asyncio.Task) for each in gc.get_objects()
    )


async def succeeds(ctx: DurableContext) -> str:
    async def child(inner: DurableContext) -> str:
        return await inner.step(str, "inner")

    await ctx.step(asyncio.sleep, 0)
    return await ctx.run_in_child_context(child)


async def suspends(ctx: DurableContext) -> None:
    await ctx.step(str, "before")
    await ctx.wait(MINUTE)


async def fails(ctx: DurableContext) -> None:
    await ctx.step(str, "before")
    raise ValueError("no")


@both_flavours
def test_a_thousand_warm_invocations_leave_nothing(flavour: str) -> None:
    handlers = [handler_of(flavour, body) for body in (succeeds, suspends, fails, suspends)]

    def invoke(times: int) -> None:
        for number in range(times):
            Stage(handlers[number % 4]).invoke()

    def traced() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    invoke(20)
    living, files, objects = threads(), descriptors(), durable_objects()
    tracemalloc.start()
    invoke(20)
    growth = []
    for _ in range(3):  # what a cache or another thread takes, it takes once
        before = traced()
        invoke(40)
        growth.append(traced() - before)
    tracemalloc.stop()
    invoke(860)
    assert threads() <= living
    assert descriptors() <= files
    assert durable_objects() <= objects + 10
    assert min(growth) < 40 * 1_000


def _tasks(objects: list[Any]) -> int:
    return sum(isinstance(each, asyncio.Task | CoroutineType) for each in objects)


def test_nothing_is_left_for_the_garbage_collector_to_find_later() -> None:
    """The tasks of a finished invocation are freed by counting references: memory does not wait for a collection."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await asyncio.gather(ctx.step(str, 1), ctx.step(asyncio.sleep, 0))
        await ctx.wait(MINUTE)

    for _ in range(5):
        Stage(handler).invoke()
    gc.collect()
    gc.disable()
    try:
        before = gc.get_objects()
        for _ in range(50):
            Stage(handler).invoke()
        after = gc.get_objects()
    finally:
        gc.enable()
    assert len(after) - len(before) < 50 * 400
    assert _tasks(after) == _tasks(before)


@both_flavours
def test_a_long_history_is_freed_with_its_invocation(flavour: str) -> None:
    steps = 2_000

    async def body(ctx: DurableContext) -> None:
        for number in range(steps):
            await ctx.step(int, number)
        await ctx.wait(MINUTE)

    stage = Stage(handler_of(flavour, body))
    stage.invoke()
    stage.pass_time(MINUTE)
    event = stage.begin()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        client = BotoClient(stage.service)
        before = tracemalloc.get_traced_memory()[0]
        stage.handler.durable.invoke(event, None, client=client)
        left = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert left < 100 * steps


@pytest.mark.parametrize("ending", ["stopped", "swallowed"])
def test_an_invocation_that_had_to_be_abandoned_leaves_no_descriptor(ending: str) -> None:
    """In real time: 1.1 seconds for each that swallows its end."""

    @durable_execution
    async def swallowing(event: object, ctx: DurableContext) -> None:
        while True:
            try:
                await ctx.wait(MINUTE)
            except BaseException:
                pass

    @durable_execution
    async def stopped(event: object, ctx: DurableContext) -> None:
        await ctx.step(str, 1)

    @durable_execution
    async def plain(event: object, ctx: DurableContext) -> str:
        return await ctx.step(str, "fresh")

    assert Stage(plain).invoke()["Status"] == "SUCCEEDED"
    files = descriptors()
    for _ in range(2 if ending == "swallowed" else 20):
        if ending == "swallowed":
            assert Stage(swallowing).invoke() == {"Status": "PENDING"}
        else:
            with pytest.raises(SandboxDied):
                Stage(stopped, client=lambda inner: CrashingClient(inner, 1)).invoke()
    assert Stage(plain).invoke() == {"Status": "SUCCEEDED", "Result": '"fresh"'}
    assert descriptors() <= files


@contextlib.contextmanager
def echo_server() -> Iterator[tuple[str, int]]:
    """A server on the loopback interface that sends every line back."""

    class Echo(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                self.wfile.write(line)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield ("127.0.0.1", server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def test_a_module_level_async_client_keeps_its_connection_from_one_invocation_to_the_next() -> None:
    connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    with echo_server() as (host, port):

        async def ask(question: str) -> str:
            if not connections:
                connections.append(await asyncio.open_connection(host, port))
            reader, writer = connections[0]
            writer.write(f"{question}\n".encode())
            return (await reader.readline()).decode().strip()

        @durable_execution
        async def handler(event: str, ctx: DurableContext) -> str:
            first = await ctx.step(ask, f"{event} 1")
            await ctx.wait(MINUTE)
            return first + await ctx.step(ask, f"{event} 2")

        @durable_execution
        async def hang_up(event: object, ctx: DurableContext) -> None:
            async def close() -> None:
                connections[0][1].close()
                await connections[0][1].wait_closed()

            await ctx.step(close)

        for name in ("a", "b", "c"):
            result = LocalRunner(handler).run(name)
            assert (result.value, len(result.invocations)) == (f"{name} 1{name} 2", 2)
        assert len(connections) == 1
        LocalRunner(hang_up).run()


def test_an_idle_connection_keeps_no_invocation_awake() -> None:
    """A socket that is read outside a step looks the same, idle or not."""

    with echo_server() as (host, port):

        @durable_execution
        async def handler(event: object, ctx: DurableContext) -> str:
            _, writer = await asyncio.open_connection(host, port)
            try:
                await ctx.wait(MINUTE)
            finally:
                writer.close()
            return await ctx.step(str, "done")

        stage = Stage(handler)
        began = time.monotonic()
        assert stage.invoke(left=30) == {"Status": "PENDING"}
        assert time.monotonic() - began < 5


@both_flavours
def test_two_executions_in_two_threads_share_nothing(flavour: str) -> None:
    """Each of two threads runs fifty executions; every step meets the other thread's at a barrier."""
    barrier = threading.Barrier(2, timeout=10)
    wrong: list[object] = []

    def work() -> None:
        name = threading.current_thread().name

        async def body(ctx: DurableContext) -> list[Any]:
            def meet(number: int) -> str:
                barrier.wait()
                return f"{name} {number} {ctx.execution_arn}"

            async def child(inner: DurableContext) -> str:
                return await inner.step(meet, 2)

            return [await ctx.step(meet, 1), await ctx.run_in_child_context(child), ctx.execution_arn]

        handler = handler_of(flavour, body)
        for _ in range(50):
            result = LocalRunner(handler).run()
            arn = result.execution_arn
            if result.value != [f"{name} 1 {arn}", f"{name} 2 {arn}", arn]:
                wrong.append(result.value)

    workers = [threading.Thread(target=work, name=f"thread {number}") for number in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


@both_flavours
def test_a_handler_may_be_called_inside_a_running_loop(flavour: str) -> None:
    """As in a notebook, or an async test."""

    async def body(ctx: DurableContext) -> str:
        return await ctx.step(str, "inside")

    stage = Stage(handler_of(flavour, body))

    async def main() -> Any:
        asyncio.get_running_loop().slow_callback_duration = 10
        return stage.invoke()

    assert asyncio.run(main()) == {"Status": "SUCCEEDED", "Result": '"inside"'}


def test_what_one_workflow_sets_on_the_loop_is_gone_in_the_next() -> None:
    async def one_step(ctx: DurableContext) -> str:
        return await ctx.step(str, "in a task")

    @durable_execution
    async def careless(event: object, ctx: DurableContext) -> str:
        asyncio.get_running_loop().set_task_factory(None)
        try:
            return await asyncio.create_task(one_step(ctx))
        except ContextMisuseError:
            return "refused"

    @durable_execution
    async def careful(event: object, ctx: DurableContext) -> str:
        return await asyncio.create_task(one_step(ctx))

    assert LocalRunner(careless).run().value == "refused"
    assert LocalRunner(careful).run().value == "in a task"


def test_a_context_of_an_earlier_invocation_is_refused_in_the_next() -> None:
    kept: list[Any] = []
    refused: list[str] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        if kept:
            try:
                await kept[0].step(str, "stale")
            except ContextMisuseError as error:
                refused.append(str(error))
        kept.append(ctx)
        await ctx.wait(MINUTE)

    @durable_execution
    def blocking_handler(event: object, ctx: blocking.DurableContext) -> None:
        if kept:
            try:
                kept[0].step(str, "stale")
            except ContextMisuseError as error:
                refused.append(str(error))
        kept.append(ctx)
        ctx.wait(MINUTE)

    for each in (handler, blocking_handler):
        kept.clear()
        assert LocalRunner(each).run().status == "SUCCEEDED"
    assert refused == ['step "str" is called after this execution has ended; call it before, and await it'] * 4
