"""Laws over random workflows of fan-outs in fan-outs."""

from __future__ import annotations

import os

import pytest
from both_flavours import FLAVOURS, handler_of
from fan_out_random import workflow
from fan_out_runs import records, run

from durable_core import ServiceLimits

PROGRAMS = int(os.environ.get("DURABLE_LAWS", "25"))


@pytest.mark.laws
def test_a_random_workflow_gives_and_records_the_same_in_both_flavours() -> None:
    for seed in range(PROGRAMS):
        handlers = [handler_of(flavour, workflow(seed), limits=ServiceLimits.DEFAULT) for flavour in FLAVOURS]
        found = [run(handler, verify_replay=False) for handler in handlers]
        assert (seed, found[0].status, found[0].value) == (seed, found[1].status, found[1].value)
        assert (seed, records(found[0])) == (seed, records(found[1]))
