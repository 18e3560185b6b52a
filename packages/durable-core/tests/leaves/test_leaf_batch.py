"""What one checkpoint call may carry: laws over random queues."""

from __future__ import annotations

from collections import Counter, deque
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, strategies as st

from durable_core._core.batch import take_batch
from durable_core._wire.shapes import OperationAction, OperationType, OperationUpdate
from durable_core.limits import BATCH_BYTES, BATCH_UPDATES


class Item(NamedTuple):
    """An update in the queue."""

    update: OperationUpdate
    size: int
    alone: bool = False


def item(id: str, action: OperationAction = "START", type: OperationType = "STEP", size: int = 100) -> Item:
    return Item({"Id": id, "Type": type, "Action": action}, size)


def batches(items: list[Item], most: int = BATCH_UPDATES) -> list[list[Item]]:
    """What is sent of *items*, call by call."""
    queue = deque(items)
    sent = []
    while queue:
        sent.append(take_batch(queue, most))
        assert sent[-1], "a call carries something, or it would be made for ever"
    return sent


sizes = st.integers(1, 2_000) | st.sampled_from([BATCH_BYTES // 3, BATCH_BYTES - 1, BATCH_BYTES, BATCH_BYTES + 1])
updates = st.builds(
    Item,
    st.builds(
        OperationUpdate,
        Id=st.sampled_from("abcdefghijklmnopqrst"),
        Type=st.sampled_from(["STEP", "CONTEXT", "WAIT", "CALLBACK", "CHAINED_INVOKE"]),
        Action=st.sampled_from(["START", "SUCCEED", "FAIL", "RETRY", "CANCEL"]),
    ),
    sizes,
    st.sampled_from([False] * 9 + [True]),
)
queues = st.lists(updates, max_size=25) | st.integers(240, 520).map(lambda n: [item(f"id-{i}") for i in range(n)])
most = st.sampled_from([1, 2, 10, BATCH_UPDATES])


@given(queues, most)
def test_the_order_is_kept_and_nothing_is_lost(queue: list[Item], most: int) -> None:
    """The calls, one after another, carry what was queued."""
    assert [each for batch in batches(queue, most) for each in batch] == queue


@given(queues, most)
def test_a_call_is_within_the_bounds_unless_one_update_alone_is_over(queue: list[Item], most: int) -> None:
    """250 updates and 750 KB; an update that is larger never waits for room."""
    for batch in batches(queue, most):
        assert len(batch) <= most <= BATCH_UPDATES
        assert len(batch) == 1 or sum(each.size for each in batch) <= BATCH_BYTES


@given(queues)
def test_an_id_stands_once_in_a_call_but_for_a_start_and_its_end(queue: list[Item]) -> None:
    """The service refuses any other repetition, and with it the whole batch."""
    for batch in batches(queue):
        for id, times in Counter(each.update["Id"] for each in batch).items():
            first, *rest = [each.update for each in batch if each.update["Id"] == id]
            assert times == 1 or (times == 2 and first["Action"] == "START" != rest[0]["Action"])
            assert times == 1 or rest[0]["Type"] in ("STEP", "CONTEXT")


@given(queues)
def test_what_must_travel_alone_does(queue: list[Item]) -> None:
    """A refusal for its size then fails that operation only."""
    for batch in batches(queue):
        assert len(batch) == 1 or not any(each.alone for each in batch)


@given(queues, most)
def test_a_call_ends_only_where_the_next_update_may_not_come_along(queue: list[Item], most: int) -> None:
    """Nothing waits for a further call without a reason."""
    sent = batches(queue, most)
    for batch, following in pairwise(sent):
        head = following[0]
        assert (
            len(batch) == most
            or sum(each.size for each in batch) + head.size > BATCH_BYTES
            or head.alone
            or batch[0].alone
            or head.update["Id"] in {each.update["Id"] for each in batch}
        )


def test_an_empty_queue_gives_nothing() -> None:
    """A poll carries no updates."""
    assert take_batch(deque[Item]()) == []


def test_a_thousand_small_updates_take_four_calls() -> None:
    """250 each."""
    assert [len(batch) for batch in batches([item(str(i)) for i in range(1_000)])] == [250] * 4


@pytest.mark.parametrize(
    ("queue", "lengths"),
    [
        ([item("a"), item("a", "SUCCEED")], [2]),
        ([item("a"), item("b"), item("a", "FAIL")], [3]),
        ([item("a"), item("a", "RETRY")], [2]),
        ([item("a", type="CONTEXT"), item("a", "SUCCEED", "CONTEXT")], [2]),
        ([item("a", "RETRY"), item("a")], [1, 1]),
        ([item("a", "RETRY"), item("a", "SUCCEED")], [1, 1]),
        ([item("a"), item("a")], [1, 1]),
        ([item("a"), item("a", "RETRY"), item("a")], [2, 1]),
        ([item("w", type="WAIT"), item("w", "CANCEL", "WAIT")], [1, 1]),
        ([item("w", type="WAIT"), item("w", "CANCEL", "WAIT"), item("b")], [1, 2]),
        ([item("a", size=BATCH_BYTES), item("b", size=1)], [1, 1]),
        ([item("a", size=BATCH_BYTES - 1), item("b", size=1)], [2]),
        ([item("a", size=2 * BATCH_BYTES), item("b")], [1, 1]),
        ([item("b"), item("a", size=2 * BATCH_BYTES), item("c")], [1, 1, 1]),
        ([item("a"), item("b")._replace(alone=True), item("c")], [1, 1, 1]),
    ],
)
def test_what_shares_a_call(queue: list[Item], lengths: list[int]) -> None:
    """START and CANCEL of one id never do; a START and what ends the attempt may."""
    assert [len(batch) for batch in batches(queue)] == lengths
