"""What hooks are told: frozen, in UTC, as it is recorded, of this moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from both_flavours import both_flavours
from plugin_runs import HOUR, ONCE, SECOND, Story, run, told_of

from durable_core import (
    AttemptEnd,
    AttemptStart,
    DurableContext,
    FixedDelay,
    InvocationEnd,
    InvocationStart,
    OperationChange,
    OperationInfo,
    StepConfig,
    WaitForConditionConfig,
    poll_every,
    step_context,
)

TWICE = StepConfig(retry_strategy=FixedDelay(2, SECOND))


def flaky() -> str:
    if step_context().attempt == 1:
        raise LookupError("not yet")
    return "at last"


def fail() -> None:
    raise LookupError("no")


async def orders(ctx: DurableContext) -> str:
    async def child(ctx: DurableContext) -> str:
        return await ctx.step(flaky, config=TWICE)

    await ctx.step(str, "paid", name="charge")
    await ctx.wait(HOUR, name="pause")
    result = await ctx.run_in_child_context(child)
    try:
        await ctx.step(fail, config=ONCE)
    except LookupError:
        return result
    return ""


@pytest.fixture(scope="module", params=["async", "blocking"])
def told(request: pytest.FixtureRequest) -> tuple[Story, Any]:
    """What plugins were told of the program above, and what came of it."""
    return run(request.param, orders)


def test_infos_are_of_their_hook_s_class_and_frozen(told: tuple[Story, Any]) -> None:
    classes: dict[str, type] = {
        "on_invocation_start": InvocationStart,
        "on_invocation_end": InvocationEnd,
        "on_operation_start": OperationInfo,
        "on_operation_change": OperationChange,
        "on_operation_end": OperationInfo,
        "on_attempt_start": AttemptStart,
        "on_attempt_end": AttemptEnd,
    }
    story, _ = told
    assert {each.hook for each in story.told} == classes.keys()
    for each in story.told:
        assert type(each.info).__name__ == classes[each.hook].__name__
        for field in each.info.__struct_fields__:
            with pytest.raises(AttributeError):
                setattr(each.info, field, None)


def test_mappings_are_read_only(told: tuple[Story, Any]) -> None:
    story, _ = told
    for info in [*story.infos("invocation_start"), *story.infos("invocation_end"), *story.infos("operation_change")]:
        for shown in (info.operations, info.updated_operations):
            with pytest.raises(TypeError):
                shown["x"] = None
            with pytest.raises(TypeError):
                del shown["x"]
            assert shown.get("x") is None
            assert "x" not in shown
            assert len(shown) == len(list(shown)) == len(dict(shown))


def test_times_are_aware_and_in_utc_and_unknown_ones_are_none(told: tuple[Story, Any]) -> None:
    story, result = told
    infos = [each.info for each in story.told] + [each for one in story.told for each in one.operations.values()]
    times = [
        getattr(info, name)
        for info in infos
        for name in ("start_time", "end_time", "execution_start_time")
        if getattr(info, name, None) is not None
    ]
    assert {each.tzinfo for each in times} == {UTC}
    first, last = result.invocations[0].started_at, result.invocations[-1].ended_at
    assert all(first - timedelta(minutes=1) <= each <= last + timedelta(minutes=1) for each in times)
    for info in infos:
        if isinstance(info, OperationInfo) and not isinstance(info, AttemptEnd):
            assert (info.end_time is not None) is (info.status in {"SUCCEEDED", "FAILED"})


def test_an_invocation_is_told_with_its_identity_at_start_and_end(told: tuple[Story, Any]) -> None:
    story, result = told
    starts, ends = story.infos("invocation_start"), story.infos("invocation_end")
    assert {each.execution_arn for each in starts + ends} == {result.execution_arn}
    assert {each.execution_name for each in starts + ends} == {result.execution_arn.split("/")[-2]}
    assert len({each.execution_start_time for each in starts + ends}) == 1
    ids = [each.request_id for each in result.invocations]
    assert [each.request_id for each in starts] == [each.request_id for each in ends] == ids
    flags = [True] + [False] * (len(ids) - 1)
    assert [each.is_first_invocation for each in starts] == [each.is_first_invocation for each in ends] == flags
    assert [each.status for each in ends] == ["PENDING"] * (len(ids) - 1) + ["SUCCEEDED"]
    assert [each.error for each in ends] == [None] * len(ids)


def test_what_is_recorded_is_shown_as_it_was_at_that_moment(told: tuple[Story, Any]) -> None:
    story, result = told

    def names(number: int, hook: str) -> list[tuple[str | None, str]]:
        shown = [each.operations for each in story.told if each.hook == hook][number]
        return [(each.name, each.status) for each in shown.values()]

    assert names(0, "on_invocation_start") == []
    assert names(0, "on_invocation_end") == [("charge", "SUCCEEDED"), ("pause", "STARTED")]
    assert names(1, "on_invocation_start") == [("charge", "SUCCEEDED"), ("pause", "SUCCEEDED")]
    assert names(-1, "on_invocation_end") == [(each.name, each.status) for each in result.operations]


def test_updated_operations_are_what_has_changed_since_the_last_invocation(told: tuple[Story, Any]) -> None:
    story, _ = told
    for hook in ("invocation_start", "invocation_end"):
        updated = [
            [(each.name, each.status, each.is_replayed) for each in info.updated_operations.values()]
            for info in story.infos(hook)
        ]
        assert updated == [[], [("pause", "SUCCEEDED", False)], [("flaky", "READY", False)]]


def test_a_change_shows_what_is_new_and_all_there_is(told: tuple[Story, Any]) -> None:
    story, result = told
    changes = [each for each in story.told if each.hook == "on_operation_change"]
    assert {each.info.execution_arn for each in changes} == {result.execution_arn}
    for each in changes:
        assert each.info.updated_operations
        for id, info in each.info.updated_operations.items():
            assert info.operation_id == id
            assert each.operations[id] == info


def test_an_end_is_told_with_all_that_is_recorded(told: tuple[Story, Any]) -> None:
    story, result = told
    for each in result.operations:
        (info,) = story.infos("operation_end", each.name)
        assert (info.operation_id, info.operation_type, info.sub_type) == (each.id, each.type, each.subtype)
        assert (info.parent_id, info.status) == (each.parent_id, each.status)
        assert (info.start_time, info.end_time) == (each.started_at, each.ended_at)
        assert (info.result, info.error) == (each.payload, each.error)
        assert info.attempt == (each.attempts if each.type == "STEP" else None)
        assert info.is_replayed is False


def test_results_and_errors_are_told_as_they_are_recorded(told: tuple[Story, Any]) -> None:
    story, _ = told
    (charge,), (failed,) = story.infos("operation_end", "charge"), story.infos("operation_end", "fail")
    assert (charge.result, charge.error, charge.attempt) == ('"paid"', None, 1)
    assert failed.result is None
    assert failed.error == {"ErrorType": "LookupError", "ErrorMessage": "no"}


def test_a_start_is_told_before_anything_is_known(told: tuple[Story, Any]) -> None:
    story, _ = told
    info = story.infos("operation_start", "charge")[0]
    assert (info.status, info.start_time, info.end_time, info.attempt) == ("STARTED", None, None, None)
    assert (info.result, info.error, info.parent_id, info.is_replayed) == (None, None, None, False)


def test_an_operation_that_is_met_again_is_told_as_it_is_recorded(told: tuple[Story, Any]) -> None:
    story, _ = told
    first, again = story.infos("operation_start", "flaky")
    assert (again.status, again.attempt, again.is_replayed) == ("READY", 1, True)
    assert again.operation_id == first.operation_id
    assert again.start_time is not None


def test_attempts_are_told_with_their_numbers_times_and_outcomes(told: tuple[Story, Any]) -> None:
    story, _ = told
    starts, ends = story.infos("attempt_start", "flaky"), story.infos("attempt_end", "flaky")
    assert [(each.attempt, each.status, each.end_time) for each in starts] == [
        (1, "STARTED", None),
        (2, "STARTED", None),
    ]
    assert [(each.attempt, each.outcome) for each in ends] == [(1, "FAILED"), (2, "SUCCEEDED")]
    assert [type(each.exception) for each in ends] == [LookupError, type(None)]
    assert [each.is_replayed for each in starts + ends] == [False, True, False, True]
    for start, end in zip(starts, ends, strict=True):
        assert start.start_time == end.start_time
        assert start.start_time is not None
        assert start.start_time <= end.end_time
        assert (end.result, end.error) == (None, None)
    assert starts[1].start_time - starts[0].start_time >= SECOND
    (child,) = {each.operation_id for each in story.infos("operation_start", "child")}
    assert {each.parent_id for each in starts + ends} == {child}


def test_the_body_of_a_context_has_no_number(told: tuple[Story, Any]) -> None:
    story, _ = told
    infos = story.infos("attempt_start", "child") + story.infos("attempt_end", "child")
    assert [each.attempt for each in infos] == [None, None, None]
    assert {each.operation_type for each in infos} == {"CONTEXT"}
    assert not any(each.is_replaying_children for each in infos)
    assert all(each.is_recorded for each in infos)


@both_flavours
def test_a_view_changes_with_the_record(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.step(str, name="one")

    story = told_of(flavour, body)
    (start,) = story.infos("invocation_start")
    assert [each.name for each in start.operations.values()] == ["one"]
    assert not story.told[0].operations


@both_flavours
def test_an_info_says_when_its_execution_began_and_that_is_what_the_context_says(flavour: str) -> None:
    started: list[datetime] = []

    async def body(ctx: DurableContext) -> None:
        started.append(ctx.started_at)

    story = told_of(flavour, body)
    (start,) = story.infos("invocation_start")
    assert start.execution_start_time == started[0]


@both_flavours
def test_a_state_that_is_polled_on_with_is_no_result(flavour: str) -> None:
    def check(state: int) -> int:
        return state + 1

    config = WaitForConditionConfig[int](wait_strategy=poll_every(SECOND, until=lambda state: state == 2))

    async def body(ctx: DurableContext) -> int:
        return await ctx.wait_for_condition(check, initial_state=0, config=config)

    story, result = run(flavour, body)
    assert result.value == 2
    changes = [each for change in story.infos("operation_change") for each in change.updated_operations.values()]
    assert [(each.status, each.result) for each in changes if each.status != "STARTED"] == [
        ("PENDING", None),
        ("SUCCEEDED", "2"),
    ]
    (met,) = [each for each in story.infos("operation_start") if each.is_replayed]
    assert (met.status, met.result, met.attempt) == ("READY", None, 1)


@both_flavours
def test_an_error_is_told_as_long_as_a_step_has_not_succeeded(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        return await ctx.step(flaky, config=TWICE)

    story = told_of(flavour, body)
    changes = [each for change in story.infos("operation_change") for each in change.updated_operations.values()]
    assert [(each.status, each.error is None) for each in changes if each.status != "STARTED"] == [
        ("PENDING", False),
        ("SUCCEEDED", True),
    ]
