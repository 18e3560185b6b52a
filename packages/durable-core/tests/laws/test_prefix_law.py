"""The first law: each invocation's observed order is a prefix of the next one's."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from random_programs import Block, World, random_program, workflow

from durable_core.spi import CheckpointAnswer, DurableServiceClient, ExecutionState, OperationUpdate
from durable_testing import LocalRunner
from durable_testing.faults import SandboxDied

PROGRAMS = int(os.environ.get("DURABLE_LAWS", "500"))
CHUNK = 50


class Killer:
    """Dies at random checkpoints, before or after the service has taken them, at most *lives* times."""

    def __init__(self, inner: DurableServiceClient, chance: random.Random, lives: int) -> None:
        self.inner = inner
        self.chance = chance
        self.lives = lives

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        """Record *updates*, or die."""
        fate = self.chance.random() if self.lives else 1.0
        if fate < 0.1:
            self.lives -= 1
            raise SandboxDied
        answer = self.inner.checkpoint(arn, token, updates, client_token, timeout=timeout)
        if fate < 0.2:
            self.lives -= 1
            raise SandboxDied
        return answer

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        """A page of state."""
        return self.inner.get_state(arn, token, marker, timeout=timeout)


def check_prefixes(traces: Sequence[Sequence[str]]) -> None:
    """Each trace is a prefix of the next."""
    for number, (before, after) in enumerate(pairwise(traces), start=1):
        assert list(after[: len(before)]) == list(before), f"invocation {number + 1} saw another order"


def run(program: Block, seed: int, lives: int) -> tuple[World, str]:
    """Run *program* with random kills; return its world and how it ended."""
    world, chance = World(), random.Random(seed)
    batch = chance.choice((1, 2, 250))
    runner = LocalRunner(
        workflow(program, world), client=lambda inner: Killer(inner, chance, lives), batch_updates=batch
    )
    result = runner.run()
    assert result.status == "SUCCEEDED", result.error
    return world, str(result.value)


FOUND = {8247: "a task that was cancelled while an operation of it was about to wake up saw that a turn too early"}
"""Programs that once broke the law, and how."""


@pytest.mark.laws
@pytest.mark.parametrize("seed", FOUND)
def test_what_once_broke_the_law_keeps_it(seed: int) -> None:
    """Whatever the number of programs that are tried."""
    check(seed)


@pytest.mark.laws
@pytest.mark.parametrize("chunk", range((PROGRAMS + CHUNK - 1) // CHUNK))
def test_each_invocations_observed_order_is_a_prefix_of_the_next_ones(chunk: int) -> None:
    """Random programs over queues, semaphores, events, lists, cancelled tasks and children, with random kills."""
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        check(seed)


def check(seed: int) -> None:
    """The law for the random program with this *seed*."""
    program = random_program(seed)
    try:
        world, value = run(program, seed, lives=4)
        check_prefixes(world.traces)
        assert value == "|".join(world.traces[-1])
    except BaseException as error:
        error.add_note(f"seed {seed}: {program}")
        raise
