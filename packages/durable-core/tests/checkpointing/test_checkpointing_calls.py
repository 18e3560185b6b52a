"""How often each mode calls the service, and how far the workflow is ahead of its record meanwhile."""

from __future__ import annotations

from functools import partial

import pytest
from both_flavours import both_flavours
from checkpoint_runs import (
    AHEAD,
    BATCHED,
    EAGER,
    OPTIMISTIC,
    Bodies,
    Late,
    Stage,
    Watched,
    ahead_of_the_record,
    handler_of,
)

from durable_core import Checkpointing, DurableContext

STEPS = 1_000


class Steps(Bodies):
    """A workflow of many steps, one after the other."""

    def __init__(self, steps: int = STEPS) -> None:
        super().__init__()
        self.steps = steps

    async def workflow(self, ctx: DurableContext) -> int:
        names = [await self.step(ctx, f"step-{number}") for number in range(self.steps)]
        return len(set(names))


def late(flavour: str, mode: Checkpointing, ahead: int, steps: int = STEPS) -> Late:
    """The client of an execution whose service answers as late as it can without holding up the workflow."""
    work = Steps(steps)
    stage = Stage(handler_of(flavour, mode, work.workflow), partial(Late, bodies=work, ahead=ahead))
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": str(steps)}
    assert set(stage.at_the_answer.values()) == {"SUCCEEDED"}, "all is recorded when the answer is given"
    assert len(stage.at_the_answer) == steps
    assert isinstance(stage.client, Late)
    return stage.client


@both_flavours
def test_eager_makes_a_call_for_each_step_and_starts_none_before_the_last_is_durable(flavour: str) -> None:
    work = Steps()
    ahead: list[int] = []

    class Looking(Watched):
        def before(self, number: int) -> None:
            ahead.append(len(work.order) - len(self.durable))

    stage = Stage(handler_of(flavour, EAGER, work.workflow), Looking)
    assert stage.invoke().get("Result") == str(STEPS)
    outcomes = [sum(update["Action"] == "SUCCEED" for update in call) for call in stage.client.calls]
    assert outcomes.count(1) == STEPS
    assert max(outcomes) == 1
    assert max(ahead) == 1


@both_flavours
def test_batched_makes_about_forty_calls_for_a_thousand_steps_when_the_service_is_quick(flavour: str) -> None:
    """39 where the machine does nothing else; each time that it does, a call may go out before it is full."""
    stage = Stage(handler_of(flavour, BATCHED, Steps().workflow))
    assert stage.invoke().get("Result") == str(STEPS)
    assert 39 <= len(stage.client.calls) <= 100


@both_flavours
def test_batched_is_never_more_than_fifty_updates_ahead_however_late_the_service_answers(flavour: str) -> None:
    client = late(flavour, BATCHED, ahead=25)
    assert 25 <= client.farthest <= AHEAD
    assert max(map(len, client.calls)) <= 2 * AHEAD
    assert 39 <= len(client.calls) <= 100


@both_flavours
def test_optimistic_makes_at_most_twenty_calls_for_a_thousand_steps_and_waits_for_none(flavour: str) -> None:
    client = late(flavour, OPTIMISTIC, ahead=STEPS)
    assert client.farthest == STEPS
    assert len(client.calls) <= 20


@both_flavours
def test_optimistic_is_never_more_than_its_limit_ahead(flavour: str) -> None:
    """2,500 updates are those of 1,250 steps."""
    client = late(flavour, OPTIMISTIC, ahead=1_250, steps=1_400)
    assert 1_250 <= client.farthest <= 1_251


@both_flavours
def test_no_call_is_larger_than_the_service_takes(flavour: str) -> None:
    assert max(map(len, late(flavour, OPTIMISTIC, ahead=STEPS).calls)) <= 250


@both_flavours
@ahead_of_the_record
def test_updates_are_recorded_in_the_order_in_which_the_workflow_made_them(flavour: str, mode: Checkpointing) -> None:
    calls = late(flavour, mode, ahead=20, steps=100).calls
    names = [update.get("Name", "") for call in calls for update in call if update["Action"] == "SUCCEED"]
    assert names == [f"step-{number}" for number in range(100)]


@both_flavours
@ahead_of_the_record
def test_a_start_and_its_outcome_stand_in_this_order_where_calls_part_them(flavour: str, mode: Checkpointing) -> None:
    calls = late(flavour, mode, ahead=20, steps=60).calls
    updates = [(update.get("Name", ""), update["Action"]) for call in calls for update in call]
    assert updates == [(f"step-{number}", action) for number in range(60) for action in ("START", "SUCCEED")]


@pytest.mark.parametrize("steps", [1, 2, 24, 25, 26, 27])
@both_flavours
@ahead_of_the_record
def test_a_short_workflow_is_recorded_whole(flavour: str, mode: Checkpointing, steps: int) -> None:
    late(flavour, mode, ahead=min(steps, 25), steps=steps)
