"""Plugins that raise, factories that give nothing, hooks that are async: nothing of it disturbs a workflow."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from plugin_runs import HOOKS, SECOND, Story, run

from durable_core import (
    ContextMisuseError,
    DurableContext,
    DurablePlugin,
    FixedDelay,
    InvocationError,
    InvocationStart,
    StepConfig,
    Suspended,
    ValidationError,
    durable_execution,
    step_context,
)
from durable_testing import LocalRunner, TestResult

KINDS: list[Callable[[], BaseException]] = [
    lambda: RuntimeError("broken"),
    lambda: StopIteration("broken"),
    lambda: InvocationError("broken"),
    lambda: Suspended("broken"),
    lambda: asyncio.CancelledError("broken"),
    lambda: GeneratorExit("broken"),
    lambda: SystemExit("broken"),
    lambda: KeyboardInterrupt("broken"),
]


def flaky() -> str:
    if step_context().attempt == 1:
        raise LookupError("not yet")
    return "at last"


async def child(ctx: DurableContext) -> str:
    return await ctx.step(flaky, config=StepConfig(retry_strategy=FixedDelay(2, SECOND)))


async def branch(ctx: DurableContext, item: int, index: int) -> str:
    return await ctx.step(str, item, name=f"step {index}")


async def body(ctx: DurableContext) -> list[str]:
    first = await ctx.run_in_child_context(child)
    await ctx.wait(SECOND)
    return [first, *(await ctx.map([1, 2], branch)).results]


def raising(error: Callable[[], BaseException], *hooks: str) -> Any:
    """A plugin whose *hooks* raise, and the calls of them."""
    calls: list[str] = []

    def hook(name: str) -> Callable[..., None]:
        def raises(self: object, info: object) -> None:
            calls.append(name)
            raise error()

        return raises

    plugin = type("Raising", (DurablePlugin,), {name: hook(name) for name in hooks})
    return plugin, calls


def outline(result: TestResult[Any]) -> list[tuple[Any, ...]]:
    return sorted((each.name or "", each.id, each.status, each.payload, each.attempts) for each in result.operations)


@both_flavours
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_raises_changes_nothing_and_each_call_of_it_is_logged_once(
    flavour: str, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    plain, expected = run(flavour, body)
    caplog.clear()
    plugin, calls = raising(KINDS[0], hook)
    story = Story()
    result = LocalRunner(handler_of(flavour, body, plugins=[plugin, story])).run()
    assert (result.status, result.value) == ("SUCCEEDED", expected.value)
    assert outline(result) == outline(expected)
    assert sorted(line for line in story.lines() if "change" not in line) == sorted(
        line for line in plain.lines() if "change" not in line
    )
    assert len(calls) == len(story.infos(hook.removeprefix("on_")))
    records = [each for each in caplog.records if each.name == "durable_core"]
    assert len(records) == len(calls)
    for each in records:
        assert each.levelno == logging.ERROR
        assert hook in each.getMessage()
        assert "Raising" in each.getMessage()
        assert each.exc_info is not None
        assert str(each.exc_info[1]) == "broken"


@both_flavours
def test_the_traceback_of_a_hook_begins_with_the_hook(flavour: str, caplog: pytest.LogCaptureFixture) -> None:
    plugin, _ = raising(KINDS[0], "on_invocation_start")
    assert LocalRunner(handler_of(flavour, body, plugins=[plugin])).run().status == "SUCCEEDED"
    (_, error, _) = caplog.records[0].exc_info or (None, None, None)
    assert error is not None
    assert not isinstance(error.__context__, RuntimeError)  # "no running event loop"


@both_flavours
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind()).__name__)
def test_nothing_that_hooks_raise_disturbs(
    flavour: str, kind: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    plugin, calls = raising(kind, *HOOKS)
    result = LocalRunner(handler_of(flavour, body, plugins=[plugin])).run()
    assert (result.status, result.value) == ("SUCCEEDED", ["at last", "1", "2"])
    assert set(calls) == set(HOOKS)
    assert len(caplog.records) == len(calls)


@both_flavours
def test_hooks_that_raise_do_not_change_how_a_workflow_fails(flavour: str) -> None:
    async def failing(ctx: DurableContext) -> None:
        await ctx.step(str)
        raise LookupError("mine")

    plugin, _ = raising(KINDS[0], *HOOKS)
    result = LocalRunner(handler_of(flavour, failing, plugins=[plugin])).run()
    assert result.status == "FAILED"
    assert result.error == {"ErrorType": "LookupError", "ErrorMessage": "mine"}


@both_flavours
def test_an_operation_that_is_called_in_a_hook_is_refused(flavour: str, caplog: pytest.LogCaptureFixture) -> None:
    contexts: list[Any] = []

    class Calling(DurablePlugin):
        def __getattribute__(self, name: str) -> Any:
            if name in HOOKS and contexts:
                return self.call
            return object.__getattribute__(self, name)

        def on_operation_start(self, info: object) -> None:
            pass

        def on_operation_change(self, info: object) -> None:
            pass

        def on_operation_end(self, info: object) -> None:
            pass

        def on_attempt_start(self, info: object) -> None:
            pass

        def on_attempt_end(self, info: object) -> None:
            pass

        def call(self, info: object) -> None:
            operation = contexts[0].wait(SECOND)
            if operation is not None:
                operation.close()

    async def calling(ctx: DurableContext) -> str:
        contexts.append(getattr(ctx, "_ctx", ctx))
        return await ctx.step(str, "done")

    result = LocalRunner(handler_of(flavour, calling, plugins=[Calling])).run()
    assert (result.status, result.value) == ("SUCCEEDED", "done")
    assert [each.name for each in result.operations] == ["str"]
    errors = [each.exc_info[1] for each in caplog.records if each.exc_info]
    assert len(errors) >= 5
    assert {type(each) for each in errors} == {ContextMisuseError}


@both_flavours
def test_a_factory_that_raises_leaves_its_plugin_out_and_no_other(
    flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(start: InvocationStart) -> DurablePlugin:
        raise SystemExit("no exporter")

    story = Story()
    result = LocalRunner(handler_of(flavour, body, plugins=[broken, story])).run()
    assert result.status == "SUCCEEDED"
    assert len(story.infos("invocation_end")) == len(result.invocations)
    assert len(caplog.records) == len(result.invocations)
    assert "broken" in caplog.messages[0]


@both_flavours
@pytest.mark.parametrize("nonsense", [None, "plugin", DurablePlugin], ids=repr)
def test_a_factory_that_makes_no_plugin_is_logged(
    flavour: str, nonsense: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def short(ctx: DurableContext) -> None:
        await ctx.step(str)

    result = LocalRunner(handler_of(flavour, short, plugins=[lambda start: nonsense])).run()
    assert result.status == "SUCCEEDED"
    assert len(caplog.records) == 1


@pytest.mark.parametrize("hook", HOOKS)
@both_flavours
def test_an_async_hook_is_logged_and_does_not_run(flavour: str, hook: str, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    async def asynchronous(self: object, info: object) -> None:
        ran.append(hook)

    async def short(ctx: DurableContext) -> None:
        await ctx.step(str)

    plugin: Any = type("Asynchronous", (DurablePlugin,), {hook: asynchronous})
    result = LocalRunner(handler_of(flavour, short, plugins=[plugin])).run()
    assert result.status == "SUCCEEDED"
    assert not ran
    assert caplog.records
    assert all("async" in message and hook in message for message in caplog.messages)


@both_flavours
def test_an_async_factory_is_logged(flavour: str, caplog: pytest.LogCaptureFixture) -> None:
    async def factory(start: InvocationStart) -> DurablePlugin:
        return DurablePlugin(start)

    async def short(ctx: DurableContext) -> None:
        await ctx.step(str)

    wrong: Any = factory
    assert LocalRunner(handler_of(flavour, short, plugins=[wrong])).run().status == "SUCCEEDED"
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "plugins",
    [
        [DurablePlugin(None)],  # type: ignore[arg-type]
        DurablePlugin(None),  # type: ignore[arg-type]
        DurablePlugin,
        ["Tracing"],
        [None],
        7,
    ],
    ids=["an instance", "an instance, bare", "a class, bare", "a string", "None", "a number"],
)
def test_what_is_no_list_of_factories_is_refused_at_decoration(plugins: Any) -> None:
    async def handler(event: object, ctx: DurableContext) -> None:
        """Never called."""

    with pytest.raises((ValidationError, TypeError), match=r"lambda start"):
        durable_execution(plugins=plugins)(handler)


@both_flavours
def test_there_is_one_plugin_for_each_invocation_and_all_are_told_in_order(flavour: str) -> None:
    told: list[tuple[str, DurablePlugin]] = []

    class Plugin(DurablePlugin):
        label = "a"

        def on_invocation_start(self, info: InvocationStart) -> None:
            told.append((f"{self.label} start", self))

        def on_operation_start(self, info: object) -> None:
            told.append((f"{self.label} operation", self))

        def on_invocation_end(self, info: InvocationStart) -> None:
            told.append((f"{self.label} end", self))

    class Other(Plugin):
        label = "b"

    async def two(ctx: DurableContext) -> None:
        await ctx.wait(SECOND)
        await ctx.step(str)

    LocalRunner(handler_of(flavour, two, plugins=[Plugin, Other])).run()
    once = ["a start", "b start", "a operation", "b operation", "a end", "b end"]
    assert [what for what, _ in told] == once + once
    assert len({id(plugin) for _, plugin in told}) == 4


@pytest.fixture
def _interruptible() -> Generator[None]:
    """Ctrl-C as usual, also where whoever runs the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@both_flavours
@pytest.mark.parametrize("hook", HOOKS)
def test_a_key_that_interrupts_the_process_in_a_hook_interrupts_it(flavour: str, hook: str) -> None:
    def interrupted(self: object, info: object) -> None:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.5)  # on another thread than the main one the key is seen there

    async def short(ctx: DurableContext) -> None:
        await ctx.step(str)

    plugin: Any = type("Interrupted", (DurablePlugin,), {hook: interrupted})
    with pytest.raises(KeyboardInterrupt):
        LocalRunner(handler_of(flavour, short, plugins=[plugin])).run()
