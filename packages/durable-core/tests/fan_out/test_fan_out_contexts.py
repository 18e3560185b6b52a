"""Whose context it is: durable contexts out of place, and context variables, in blocking branches."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fan_out_programs import HOUR
from fan_out_runs import run, value_of

from durable_core import ContextMisuseError, MapConfig, Nesting, blocking, durable_execution, step_context

Context = blocking.DurableContext
Fan = Callable[[Context, Callable[[Context], Any]], list[Any]]


def by_map(ctx: Context, body: Callable[[Context], Any]) -> list[Any]:
    return ctx.map([1, 2], lambda inner, item, index: body(inner)).results


def by_flat_map(ctx: Context, body: Callable[[Context], Any]) -> list[Any]:
    config = MapConfig[Any](nesting=Nesting.FLAT)
    return ctx.map([1, 2], lambda inner, item, index: body(inner), config=config).results


def by_parallel(ctx: Context, body: Callable[[Context], Any]) -> list[Any]:
    return ctx.parallel([body, body]).results


def by_all(ctx: Context, body: Callable[[Context], Any]) -> list[Any]:
    return ctx.all([body, body])


every_fan = pytest.mark.parametrize("fan", [by_map, by_flat_map, by_parallel, by_all], ids=lambda fan: fan.__name__)

CALLS: dict[str, Callable[[Context], Any]] = {
    "step": lambda ctx: ctx.step(int),
    "wait": lambda ctx: ctx.wait(HOUR),
    "map": lambda ctx: ctx.map([1], lambda inner, item, index: item),
    "race": lambda ctx: ctx.race([lambda inner: 1]),
    "child": lambda ctx: ctx.run_in_child_context(lambda inner: 1),
    "callback": lambda ctx: ctx.create_callback(),
}
every_call = pytest.mark.parametrize("call", CALLS)


def refused(call: Callable[[], Any]) -> str:
    """How *call* is refused."""
    with pytest.raises(ContextMisuseError) as caught:
        call()
    return str(caught.value)


@every_call
@every_fan
def test_the_context_of_the_handler_is_refused_in_a_branch(fan: Fan, call: str) -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> list[str]:
        return fan(ctx, lambda inner: refused(lambda: CALLS[call](ctx)))

    result = run(handler, verify_replay=False)
    assert len(result.value) == 2
    assert {each.subtype for each in result.operations} <= {
        *("Map", "MapIteration", "Parallel", "ParallelBranch", "RunInChildContext", "Combinator")
    }


@every_call
def test_the_context_of_a_branch_is_refused_in_an_inner_branch_and_in_its_sibling(call: str) -> None:
    contexts: dict[int, Context] = {}
    both = threading.Barrier(2)

    @durable_execution
    def handler(event: object, ctx: Context) -> list[Any]:
        def branch(inner: Context, item: int, index: int) -> list[str]:
            contexts[item] = inner
            both.wait(5)
            siblings = refused(lambda: CALLS[call](contexts[1 - item]))
            both.wait(5)
            innermost = by_all(inner, lambda deep: refused(lambda: CALLS[call](inner)))
            return [siblings, *innermost]

        return ctx.map([0, 1], branch).results

    value_of(handler, verify_replay=False)


@every_call
@every_fan
def test_the_context_of_a_branch_is_refused_after_its_end(fan: Fan, call: str) -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> str:
        kept: list[Context] = []

        def keep(inner: Context) -> None:
            kept.append(inner)
            inner.step(int)

        fan(ctx, keep)
        return refused(lambda: CALLS[call](kept[0]))

    before = {"map": 5, "flat_map": 3, "parallel": 5, "all": 5}[fan.__name__.removeprefix("by_")]
    result = run(handler, verify_replay=False)
    assert result.status == "SUCCEEDED", result.error
    assert len(result.operations) == before


@every_call
@every_fan
def test_the_context_of_a_branch_is_refused_on_a_foreign_thread(fan: Fan, call: str) -> None:
    def elsewhere(inner: Context) -> str:
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(refused(lambda: CALLS[call](inner))))
        thread.start()
        thread.join()
        return found[0]

    @durable_execution
    def handler(event: object, ctx: Context) -> list[str]:
        return fan(ctx, elsewhere)

    assert all(value_of(handler, verify_replay=False))


@every_call
@every_fan
def test_the_context_of_a_branch_is_refused_inside_a_step_of_it(fan: Fan, call: str) -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> list[str]:
        return fan(ctx, lambda inner: inner.step(lambda: refused(lambda: CALLS[call](inner)), name="step"))

    result = run(handler, verify_replay=False)
    assert len(result.value) == 2
    assert [each.name for each in result.operations if each.type == "STEP" and each.subtype == "Step"] == ["step"] * 2


@every_fan
def test_the_context_of_the_handler_works_again_after_a_fan_out(fan: Fan) -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> int:
        fan(ctx, lambda inner: inner.wait(HOUR))
        fan(ctx, lambda inner: inner.step(int))
        return ctx.step(int, 7)

    assert value_of(handler, verify_replay=False) == 7


# Context variables

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


@every_fan
def test_branches_see_what_the_handler_set_and_keep_what_they_set_to_themselves(fan: Fan) -> None:
    def deeper(inner: Context) -> None:
        WHO.set("somebody deeper")

    def branch(inner: Context) -> list[str]:
        seen = [WHO.get()]
        WHO.set(f"{WHO.get()}'s branch")
        inner.wait(HOUR)  # it runs again, from what the handler had set
        seen.append(inner.step(WHO.get, name="who"))
        by_all(inner, deeper)
        return [*seen, WHO.get()]

    @durable_execution
    def handler(event: object, ctx: Context) -> list[Any]:
        WHO.set("handler")
        found = fan(ctx, branch)
        return [found, WHO.get()]

    found = contextvars.copy_context().run(value_of, handler, verify_replay=False)
    assert found == [[["handler", "handler's branch", "handler's branch"]] * 2, "handler"]


@every_fan
def test_a_step_in_a_branch_knows_its_own_facts(fan: Fan) -> None:
    def facts() -> list[Any]:
        own = step_context()
        return [own.name, own.attempt, own.operation_id]

    @durable_execution
    def handler(event: object, ctx: Context) -> list[Any]:
        return fan(ctx, lambda inner: inner.step(facts))

    result = run(handler, verify_replay=False)
    steps = sorted(each.id for each in result.operations if each.name == "facts")
    assert sorted(each[2] for each in result.value) == steps
    assert {tuple(each[:2]) for each in result.value} == {("facts", 1)}


@every_fan
def test_no_branch_sees_what_a_branch_of_an_earlier_invocation_set(fan: Fan) -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> list[str]:
        def branch(inner: Context) -> str:
            seen = WHO.get()
            WHO.set("an earlier branch")
            inner.wait(HOUR)
            return seen

        return fan(ctx, branch)

    assert value_of(handler, verify_replay=False) == ["nobody"] * 2
