"""In which thread, and with which context variables, hooks of invocations and of attempts run."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from threading import get_ident
from typing import Any

import pytest
from both_flavours import Body, both_flavours, handler_of
from plugin_runs import HOUR, SECOND

from durable_core import (
    AttemptEnd,
    AttemptStart,
    ChildConfig,
    DurableContext,
    DurablePlugin,
    InvocationEnd,
    InvocationStart,
    MapConfig,
    Nesting,
    NoRetry,
    StepConfig,
    StepTimeoutError,
    durable_execution,
    step_context,
)
from durable_testing import LocalRunner

WHERE: contextvars.ContextVar[str] = contextvars.ContextVar("where", default="nowhere")
BRIEF = StepConfig(timeout=timedelta(milliseconds=300), retry_strategy=NoRetry())


class Setting(DurablePlugin):
    """Sets a variable at each start, and resets it with its token at the end."""

    threads: list[tuple[str, int]]
    ends: list[str]

    def __init__(self, start: InvocationStart) -> None:
        super().__init__(start)
        self._tokens: dict[tuple[str, int | None], contextvars.Token[str]] = {}

    def on_invocation_start(self, info: InvocationStart) -> None:
        self._set("", None, "invocation")

    def on_invocation_end(self, info: InvocationEnd) -> None:
        self._reset("", None)

    def on_attempt_start(self, info: AttemptStart) -> None:
        self._set(info.operation_id, info.attempt, f"{WHERE.get()}/{info.name}")

    def on_attempt_end(self, info: AttemptEnd) -> None:
        self._reset(info.operation_id, info.attempt)

    def _set(self, id: str, number: int | None, value: str) -> None:
        self.threads.append((f"start {value}", get_ident()))
        self._tokens[id, number] = WHERE.set(value)

    def _reset(self, id: str, number: int | None) -> None:
        self.threads.append((f"end {WHERE.get()}", get_ident()))
        self.ends.append(WHERE.get())
        WHERE.reset(self._tokens.pop((id, number)))  # an error in any other Context
        self.ends.append(WHERE.get())


@pytest.fixture
def setting() -> type[Setting]:
    """The plugin, with lists of its own."""
    return type("Setting", (Setting,), {"threads": [], "ends": []})


def here() -> list[Any]:
    return [WHERE.get(), get_ident()]


async def here_async() -> list[Any]:
    await asyncio.sleep(0)
    return [WHERE.get(), get_ident()]


FUNCTIONS: list[Callable[[], Any]] = [here, here_async, lambda: here_async()]  # noqa: PLW0108 (it returns an awaitable)
NAMES = ["def", "async def", "def that returns an awaitable"]


def run(flavour: str, body: Body, *plugins: Any, verify: bool = True) -> Any:
    result = LocalRunner(handler_of(flavour, body, plugins=plugins), verify_replay=verify).run()
    assert result.status == "SUCCEEDED", result.error
    assert WHERE.get() == "nowhere"
    return result.value


@both_flavours
def test_the_handler_sees_what_the_start_of_the_invocation_has_set_and_the_end_can_reset_it(
    flavour: str, setting: type[Setting], caplog: pytest.LogCaptureFixture
) -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        await ctx.wait(SECOND)
        return here()

    value = run(flavour, body, setting, verify=False)
    assert value[0] == "invocation"
    assert setting.ends == 2 * ["invocation", "nowhere"]
    assert setting.threads[2:] == [("start invocation", value[1]), ("end invocation", value[1])]
    assert not caplog.messages


@both_flavours
@pytest.mark.parametrize("func", FUNCTIONS, ids=NAMES)
@pytest.mark.parametrize("config", [None, StepConfig(timeout=HOUR)], ids=["", "with a timeout"])
def test_a_step_sees_what_the_start_of_its_attempt_has_set_and_nothing_else_does(
    flavour: str,
    func: Callable[[], Any],
    config: StepConfig | None,
    setting: type[Setting],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        first = await ctx.step(func, name="one", config=config)
        return [first, WHERE.get(), await ctx.step(func, name="two", config=config), WHERE.get()]

    first, after_first, second, after_second = run(flavour, body, setting, verify=False)
    assert (first[0], after_first) == ("invocation/one", "invocation")
    assert (second[0], after_second) == ("invocation/two", "invocation")
    assert setting.ends == ["invocation/one", "invocation", "invocation/two", "invocation", "invocation", "nowhere"]
    starts = {name: thread for name, thread in setting.threads if name.startswith("start")}
    ends = {name: thread for name, thread in setting.threads if name.startswith("end")}
    assert ends["end invocation/one"] == first[1]
    if func is not FUNCTIONS[2]:  # whose function may run on another thread than what it returns
        assert starts["start invocation/one"] == first[1]
    assert not caplog.messages


@both_flavours
def test_what_a_step_starts_inherits_what_the_start_of_its_attempt_has_set(
    flavour: str, setting: type[Setting]
) -> None:
    async def work() -> str:
        return await asyncio.create_task(inner())

    async def inner() -> str:
        return WHERE.get()

    async def body(ctx: DurableContext) -> Any:
        return await ctx.step(work)

    assert run(flavour, body, setting) == "invocation/work"


@both_flavours
@pytest.mark.parametrize("virtual", [False, True], ids=["", "virtual"])
def test_the_body_of_a_child_and_its_steps_see_what_its_start_has_set(
    flavour: str, virtual: bool, setting: type[Setting], caplog: pytest.LogCaptureFixture
) -> None:
    async def child(ctx: DurableContext) -> list[Any]:
        step = await ctx.step(here, name="step")
        return [WHERE.get(), step[0], WHERE.get(), get_ident()]

    async def body(ctx: DurableContext) -> list[Any]:
        inside = await ctx.run_in_child_context(child, config=ChildConfig(virtual=virtual))
        return [inside, WHERE.get()]

    inside, after = run(flavour, body, setting, verify=False)
    assert inside[:3] == ["invocation/child", "invocation/child/step", "invocation/child"]
    assert after == "invocation"
    assert setting.ends[:4] == ["invocation/child/step", "invocation/child", "invocation/child", "invocation"]
    assert {("start invocation/child", inside[3]), ("end invocation/child", inside[3])} <= set(setting.threads)
    assert not caplog.messages


@both_flavours
@pytest.mark.parametrize("nesting", Nesting)
def test_branches_beside_each_other_see_each_what_its_own_start_has_set(
    flavour: str, nesting: Nesting, setting: type[Setting], caplog: pytest.LogCaptureFixture
) -> None:
    async def branch(ctx: DurableContext, item: str, index: int) -> list[str]:
        first = WHERE.get()
        step = await ctx.step(here, name="step")
        return [first, step[0], WHERE.get()]

    async def body(ctx: DurableContext) -> Any:
        config = MapConfig[Any](item_namer=lambda item, index: item, nesting=nesting)
        batch = await ctx.map([*"abcdef"], branch, config=config)
        return [*batch.results, WHERE.get()]

    *branches, after = run(flavour, body, setting, verify=False)
    assert branches == [[f"invocation/{each}", f"invocation/{each}/step", f"invocation/{each}"] for each in "abcdef"]
    assert after == "invocation"
    assert sorted(setting.ends[-2:]) == ["invocation", "nowhere"]
    assert not caplog.messages


@both_flavours
def test_a_branch_that_gives_back_its_thread_keeps_its_context(
    flavour: str, setting: type[Setting], caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    async def leaf(ctx: DurableContext, item: int, index: int) -> str:
        return WHERE.get()

    async def branch(ctx: DurableContext, item: str, index: int) -> list[Any]:
        seen.append(WHERE.get())
        leaves = (await ctx.map([1, 2], leaf, name="inner")).results
        return [leaves, WHERE.get()]

    async def body(ctx: DurableContext) -> Any:
        return (await ctx.map([*"ab"], branch, config=MapConfig[Any](item_namer=lambda item, index: item))).results

    results = run(flavour, body, setting)
    for name, (leaves, after) in zip("ab", results, strict=True):
        assert leaves == [f"invocation/{name}/map-item-0", f"invocation/{name}/map-item-1"]
        assert after == f"invocation/{name}"
    assert set(seen) == {"invocation/a", "invocation/b"}
    assert (len(seen) > 2) is (flavour == "blocking")
    assert not caplog.messages


class Asking(DurablePlugin):
    """Asks in its hooks which step it is about."""

    seen: list[tuple[str, int]]

    def on_attempt_start(self, info: AttemptStart) -> None:
        step_context().logger.warning("begins")
        self.seen.append((step_context().name or "", step_context().attempt))

    def on_attempt_end(self, info: AttemptEnd) -> None:
        step_context().logger.warning("ends")
        self.seen.append((step_context().name or "", step_context().attempt))


@both_flavours
@pytest.mark.parametrize("func", FUNCTIONS, ids=NAMES)
def test_hooks_of_a_step_know_its_step_context(
    flavour: str, func: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def body(ctx: DurableContext) -> Any:
        return await ctx.step(func, name="step")

    asking: Any = type("Asking", (Asking,), {"seen": []})
    run(flavour, body, asking, verify=False)
    assert asking.seen == [("step", 1), ("step", 1)]
    assert caplog.messages == ["begins", "ends"]


def too_long() -> None:
    time.sleep(0.6)


async def too_long_async() -> None:
    await asyncio.sleep(2)


class Ending(DurablePlugin):
    """Keeps what it sees when an attempt ends."""

    ends: list[tuple[str, str, str | None]]

    def on_attempt_start(self, info: AttemptStart) -> None:
        WHERE.set(f"in {info.name}")

    def on_attempt_end(self, info: AttemptEnd) -> None:
        self.ends.append((WHERE.get(), info.outcome, type(info.exception).__name__))


def test_an_attempt_whose_time_is_up_before_a_thread_is_free_has_no_hooks() -> None:
    told: list[str | None] = []
    free = threading.Event()

    class Watching(DurablePlugin):
        def on_attempt_start(self, info: AttemptStart) -> None:
            told.append(info.name)

        def on_attempt_end(self, info: AttemptEnd) -> None:
            told.append(info.name)

    def busy() -> str:
        return "freed" if free.wait(10) else ""

    @durable_execution(plugins=[Watching])
    async def handler(event: object, ctx: DurableContext) -> str:
        async def late() -> str:
            try:
                return await ctx.step(str, name="late", config=BRIEF)
            except StepTimeoutError:
                return "timed out"
            finally:
                free.set()

        return (await asyncio.gather(*(ctx.step(busy) for _ in range(32)), late()))[-1]

    assert LocalRunner(handler).run().value == "timed out"
    assert told == 64 * ["busy"]


@both_flavours
@pytest.mark.parametrize("func", [too_long, too_long_async])
def test_an_attempt_whose_time_is_up_ends_once_as_failed(flavour: str, func: Callable[[], Any]) -> None:
    """Takes half a second of real time."""

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(func, name="late", config=BRIEF)
        except StepTimeoutError:
            return "timed out"
        return "in time"

    ending: Any = type("Ending", (Ending,), {"ends": []})
    assert run(flavour, body, ending) == "timed out"
    assert [each[1:] for each in ending.ends] == [("FAILED", "StepTimeoutError")]


@pytest.mark.parametrize(("flavour", "func"), [("async", too_long), ("async", too_long_async), ("blocking", too_long)])
def test_the_end_of_an_attempt_whose_time_is_up_sees_what_its_start_has_set(
    flavour: str, func: Callable[[], Any]
) -> None:
    """Takes half a second of real time."""

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(func, name="late", config=BRIEF)
        except StepTimeoutError:
            return "timed out"
        return "in time"

    ending: Any = type("Ending", (Ending,), {"ends": []})
    assert run(flavour, body, ending) == "timed out"
    assert [each[0] for each in ending.ends] == ["in late"]


def test_a_body_on_a_thread_of_its_own_has_both_hooks_there() -> None:
    async def deeper(ctx: DurableContext, left: int) -> int:
        return get_ident() if left == 0 else await ctx.run_in_child_context(deeper, left - 1, name=f"{left}")

    async def body(ctx: DurableContext) -> Any:
        return await deeper(ctx, 41)

    threads: list[tuple[str | None, str, int]] = []

    class Watching(DurablePlugin):
        def on_attempt_start(self, info: AttemptStart) -> None:
            threads.append((info.name, "start", get_ident()))

        def on_attempt_end(self, info: AttemptEnd) -> None:
            threads.append((info.name, "end", get_ident()))

    run("blocking", body, Watching, verify=False)
    starts = {name: thread for name, what, thread in threads if what == "start"}
    ends = {name: thread for name, what, thread in threads if what == "end"}
    assert len(set(starts.values())) > 1
    assert starts == ends


def test_tasks_of_the_workflow_inherit_what_the_start_of_the_invocation_has_set(setting: type[Setting]) -> None:
    async def part(ctx: DurableContext) -> str:
        await ctx.wait(SECOND)
        return WHERE.get()

    @durable_execution(plugins=[setting])
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        parts: list[Coroutine[Any, Any, str]] = [part(ctx), part(ctx)]
        return list(await asyncio.gather(*parts))

    assert LocalRunner(handler, verify_replay=False).run().value == ["invocation", "invocation"]
