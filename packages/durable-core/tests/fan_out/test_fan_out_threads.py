"""Many more branches than threads: no thread an item, bounded memory, and nothing waits for itself."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fan_out_programs import HOUR
from fan_out_runs import run

from durable_core import DurableFunction, ServiceLimits, blocking, durable_execution
from durable_core._runtime.engine import BRANCH_THREADS, branch_threads

ROOMY = ServiceLimits.DEFAULT
"""The quota of 25,000 operations, of which each counts once."""


def threads_for_branches() -> int:
    """How many threads for branches the process has."""
    return sum(each.name.startswith("durable-branch") for each in threading.enumerate())


def test_a_map_of_1400_needs_no_more_than_32_threads() -> None:
    begun_with, most = threading.active_count(), 0

    def branch(ctx: blocking.DurableContext, item: int, index: int) -> int:
        nonlocal most
        most = max(most, threading.active_count())
        return ctx.step(int, item)

    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> int:
        return sum(ctx.map(range(1400), branch).results)

    assert run(handler, verify_replay=False).value == sum(range(1400))
    assert most <= begun_with + 33
    assert threads_for_branches() <= 32


def test_a_map_of_1400_that_wait_needs_no_more_than_32_threads() -> None:
    begun_with, most = threading.active_count(), 0

    def branch(ctx: blocking.DurableContext, item: int, index: int) -> int:
        nonlocal most
        most = max(most, threading.active_count())
        ctx.wait(HOUR)
        return item

    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> int:
        return sum(ctx.map(range(1400), branch).results)

    result = run(handler, verify_replay=False)
    assert (result.value, len(result.invocations)) == (sum(range(1400)), 2)
    assert most <= begun_with + 33


GUARD = "import faulthandler; faulthandler.dump_traceback_later(20, exit=True)\n"


def in_a_process(program: str) -> str:
    """What *program* prints, in an interpreter of its own; after 20 seconds it shows its threads and ends."""
    command = [sys.executable, "-c", GUARD + textwrap.dedent(program)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


SMALL_POOL = """
    from durable_core._runtime import crew, engine
    crew.HELPERS = engine.BRANCH_THREADS = {threads}
    import threading
    from durable_core import Duration, ServiceLimits, blocking, durable_execution
    from durable_testing import LocalRunner
    most = 0

    def innermost(ctx, item, index):
        global most
        most = max(most, threading.active_count())
        {wait}
        return ctx.step(int, item)

    def inner(ctx, item, index):
        return sum(ctx.map(range({inner}), innermost).results)

    def outer(ctx, item, index):
        return sum(ctx.map(range({outer}), inner).results)

    @durable_execution(limits=ServiceLimits.DEFAULT)
    def handler(event, ctx: blocking.DurableContext):
        return sum(ctx.map(range({first}), {branch}).results)

    print(LocalRunner(handler, verify_replay=False).run().value, most <= {threads} + 2)
"""


def test_a_map_of_200_over_maps_of_20_on_4_threads_finishes() -> None:
    program = SMALL_POOL.format(threads=4, wait="", first=200, branch="inner", inner=20, outer=0)
    assert in_a_process(program) == f"{200 * sum(range(20))} True"


def test_maps_in_maps_in_maps_that_wait_finish_on_1_thread() -> None:
    program = SMALL_POOL.format(
        threads=1, wait="ctx.wait(Duration.from_hours(1 + item))", first=4, branch="outer", inner=5, outer=4
    )
    assert in_a_process(program) == f"{16 * sum(range(5))} True"


def test_10000_items_take_bounded_memory_and_32_threads() -> None:
    """The memory is that of the branches that are under way, and what is recorded of the others."""
    program = """
        import threading, tracemalloc
        from durable_core import ServiceLimits, blocking, durable_execution
        from durable_testing import LocalRunner
        most = held = 0

        def branch(ctx, item, index):
            global most, held
            most = max(most, threading.active_count())
            return 0

        class Forgetful:
            "Takes all updates, and keeps none of them."
            def __init__(self, inner): self.inner = inner
            def checkpoint(self, arn, token, updates, client_token, *, timeout=None):
                return {"CheckpointToken": token, "NewExecutionState": {"Operations": []}}
            def get_state(self, *args, **options): raise AssertionError

        @durable_execution(limits=ServiceLimits.DEFAULT)
        def handler(event, ctx: blocking.DurableContext):
            tracemalloc.start()
            found = ctx.map(range(10_000), branch).success_count
            global held
            held = tracemalloc.get_traced_memory()[1] / found
            return found

        from durable_core.spi import encode_json
        from durable_testing import DurableService
        service = DurableService()
        arn = service.start("many", encode_json(None))
        client = Forgetful(None)
        answer = handler.durable.invoke(service.begin_invocation(arn), None, client=client)
        print(answer["Result"], most <= 34, int(held))
    """
    done, within, bytes_each = in_a_process(program).split()
    assert (done, within) == ("10000", "True")
    assert int(bytes_each) < 5_000


def test_executions_side_by_side_with_more_branches_than_threads_all_finish() -> None:
    def handler_of(offset: int) -> DurableFunction[Any]:
        def inner(ctx: blocking.DurableContext, item: int, index: int) -> int:
            ctx.wait(HOUR)
            return ctx.step(int, item + offset)

        def outer(ctx: blocking.DurableContext, item: int, index: int) -> int:
            return sum(ctx.map(range(4), inner).results)

        @durable_execution(limits=ROOMY)
        def handler(event: object, ctx: blocking.DurableContext) -> int:
            return sum(ctx.map(range(60), outer).results)

        return handler

    with ThreadPoolExecutor(3) as threads:
        results = list(threads.map(lambda offset: run(handler_of(offset)), range(3)))
    assert [each.value for each in results] == [60 * (6 + 4 * offset) for offset in range(3)]


def test_an_execution_finishes_while_another_holds_every_thread() -> None:
    """In real time, as long as it fails: a second."""
    released = threading.Event()
    held = [branch_threads().submit(released.wait, 1) for _ in range(BRANCH_THREADS)]

    def branch(ctx: blocking.DurableContext, item: int, index: int) -> int:
        ctx.wait(HOUR)
        return ctx.step(int, item)

    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> int:
        return sum(ctx.map(range(3), branch).results)

    assert run(handler).value == 3
    released.set()
    assert all(each.result(10) for each in held)
