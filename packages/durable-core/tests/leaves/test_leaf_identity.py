"""The ids of operations: golden values, because a running execution and other tools rely on them."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from durable_core import DurableContext, durable_execution
from durable_core._core.identity import execution_name, operation_id, replay_key
from durable_testing import LocalRunner

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:7/durable-execution/order-1/8f3c"
FIRST = "1ced8f5be2db23a6513eba4d819c73806424748a7bc6fa0d792cc1c7d1775a97"
SECOND = "c5faca15ac2f93578b39ef4b6bbb871bdedce4ddd584fd31f0bb66fade3947e6"
THIRD = "6f760b9e9eac89f07ab0223b0f4acb04d1e355d893a1b86a83f4d4b405adee99"
# What OperationIdNamespace(prefix).create_id_for_step(n) of aws-durable-execution-sdk-python 3.0.0 gives.
OFFICIAL = [
    pytest.param(None, "1", FIRST, id="first at the root"),
    pytest.param(None, "2", SECOND, id="second at the root"),
    pytest.param(None, "3", THIRD, id="third at the root"),
    pytest.param(FIRST, "1", "974bfc6321e227b0ff101342eaf19b336f002dc6cc99c18f0941a7755cc20fc4", id="first in a child"),
    pytest.param(
        FIRST, "2", "9d8bc609108ec7b3600d6cceec22d18553e3e1ec52a3568cb251464a3d39d24f", id="second in a child"
    ),
    pytest.param(
        SECOND, "1", "9b9a566e6a3acb025bf1e7f9316f877f4def1a4320ddf2c8674e0fa6ceea6d64", id="in another child"
    ),
    pytest.param(THIRD, "0", "be82df04f8b607cccfb1de6e9f6c5b80247cdf7c7941921dc5c5560d636e942e", id="branch of a map"),
    pytest.param(
        "9d8bc609108ec7b3600d6cceec22d18553e3e1ec52a3568cb251464a3d39d24f",
        "1",
        "37cbbc01dcd6727adc4eef936e9ffa2472f5c0103430950d339c1d8020e019f7",
        id="in a grandchild",
    ),
]
keys = st.builds(
    lambda path, n: "".join(f"t{task}." for task in path) + str(n), st.lists(st.integers(1, 99)), st.integers(0)
)


@pytest.mark.parametrize(("context", "key", "id"), OFFICIAL)
def test_the_ids_of_a_sequential_program_are_those_of_the_official_sdk(context: str | None, key: str, id: str) -> None:
    """Tools derive them, and an execution may outlive the release that began it."""
    assert operation_id(context, key) == id


# What b2sum gives, cut to 64 digits.
IN_TASKS = {
    "t1.1": "8505ba50b1c44723f0fdc5e44ef5a1d112ad0624f4e6bb78f374ce5a7dfe4814",
    "t2.3": "6e191e4ae5a91625451d00cdd6299cbb576b529fa38dd8ed27e38cbdd2f3c378",
}


@pytest.mark.parametrize(
    ("context", "key", "id"),
    [
        *((None, key, id) for key, id in IN_TASKS.items()),
        (FIRST, "t2.t1.3", "7895cb5ee49b0848a0f56aaf8a8c26bdf8eddcebf7757ca7043649eb9636412c"),
    ],
)
def test_the_ids_in_tasks_stay_as_they_are(context: str | None, key: str, id: str) -> None:
    """The third operation of the second task has ``t2.3`` in place of a number."""
    assert operation_id(context, key) == id


def work() -> int:
    return 1


async def child(ctx: DurableContext) -> int:
    return await ctx.step(work, name="in the child")


@durable_execution
async def workflow(event: None, ctx: DurableContext) -> None:
    async def worker(name: str) -> None:
        for number in (1, 2, 3):
            await ctx.step(work, name=f"{name}.{number}")

    await ctx.step(work, name="first")
    await ctx.run_in_child_context(child, name="second")
    await asyncio.gather(worker("t1"), worker("t2"))
    await ctx.wait(timedelta(seconds=1), name="third")


def test_a_workflow_uses_these_ids() -> None:
    """An id is made of the operation's place; tasks of the workflow take no number of their creator's operations."""
    ids = {each.name: each.id for each in LocalRunner(workflow).run().operations}
    assert (ids["first"], ids["second"], ids["third"]) == (FIRST, SECOND, THIRD)
    assert ids["in the child"] == operation_id(SECOND, "1")
    assert {name: ids[name] for name in IN_TASKS} == IN_TASKS


def test_a_replay_key_stays_as_it_is() -> None:
    """Payment providers hold it as an idempotency key."""
    assert replay_key(ARN, FIRST) == "4501c3152c33fc93d2d4e34459649b0ef0b2e632a671a2b459ec2511050d648c"


@given(st.none() | st.sampled_from([FIRST, SECOND]), keys)
def test_an_id_is_legal_at_the_service(context: str | None, key: str) -> None:
    """``[a-zA-Z0-9-_]{1,64}`` in the model of the API."""
    assert re.fullmatch("[a-zA-Z0-9-_]{1,64}", operation_id(context, key))


@given(st.sets(st.tuples(st.none() | st.sampled_from([FIRST, SECOND, THIRD]), keys)))
def test_two_places_never_share_an_id(places: set[tuple[str | None, str]]) -> None:
    """Context and key together make the id; neither alone decides."""
    assert len({operation_id(*place) for place in places}) == len(places)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_replay_key_tells_executions_and_operations_apart(one: str, other: str) -> None:
    """Operation ids alone are the same in every execution of a workflow."""
    assert (replay_key(one, FIRST) == replay_key(other, FIRST)) == (one == other)
    assert replay_key(ARN, FIRST) != replay_key(ARN, SECOND)


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (ARN, "order-1"),
        ("arn:aws-cn:lambda:cn-north-1:1:function:f:$LATEST/durable-execution/n/i", "n"),
        ("arn:aws:lambda:eu-west-1:1:function:f:1/durable-execution/durable-execution/i", "durable-execution"),
        ("a-name-alone", "a-name-alone"),
        ("arn:aws:lambda:eu-west-1:1:function:f:1/something-else/n/i", None),
        ("x/durable-execution/n", None),
        ("durable-execution/n/i", "n"),
        ("", ""),
    ],
)
def test_an_executions_name_stands_in_its_arn(arn: str, name: str | None) -> None:
    """An ARN of another form is shown whole: better than a part that means something else."""
    assert execution_name(arn) == (arn if name is None else name)
