"""The order workflow of the README: alike in both flavours, whole or crashed."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from durable_core.spi import DurableServiceClient
from durable_testing import LocalRunner, TestResult
from durable_testing.faults import CrashingClient, Side

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "examples" / "order_workflow.py"
README = ROOT / "README.md"
EVENT = {"order_id": "ORD-1", "amount": 10.0}

pytestmark = pytest.mark.skipif(not EXAMPLE.exists(), reason="the example is part of the repository only")


def load() -> ModuleType:
    """The example, as a module."""
    spec = importlib.util.spec_from_file_location("order_workflow", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["order_workflow"] = module
    spec.loader.exec_module(module)
    return module


def lines(result: TestResult[Any]) -> list[tuple[Any, ...]]:
    """The history without what differs from run to run: times and the ids of the execution and its invocations."""
    named = ("EventId", "EventType", "SubType", "Name", "ParentId")
    own = {"ExecutionStarted", "ExecutionSucceeded"}
    return [
        (*(event.get(name) for name in named), None if event["EventType"] in own else event.get("Id"))
        if event["EventType"] not in own
        else (event["EventId"], event["EventType"])
        for event in result.history
    ]


def crashed(handler: Any, at: int, side: Side, batch_updates: int) -> tuple[TestResult[Any], bool]:
    """A run that dies at the checkpoint *at*, and whether there was one."""
    clients: list[CrashingClient] = []

    def fragile(inner: DurableServiceClient) -> DurableServiceClient:
        clients.append(CrashingClient(inner, at, side))
        return clients[0]

    with LocalRunner(handler, client=fragile, batch_updates=batch_updates) as runner:
        result = runner.run(EVENT)
    return result, clients[0].calls >= at


def test_both_flavours_give_the_same_result_and_the_same_history() -> None:
    """Ids included: the flavours are two ways to drive one implementation."""
    order = load()
    results = [LocalRunner(handler).run(EVENT) for handler in (order.process_order, order.process_order_blocking)]
    assert [result.value for result in results] == [order.OrderResult("completed", "ORD-1", "pay-ORD-1")] * 2
    assert lines(results[0]) == lines(results[1])
    assert [event["EventType"] for event in results[0].history] == [
        "ExecutionStarted",
        *("StepStarted", "StepSucceeded") * 2,
        "WaitStarted",
        "InvocationCompleted",
        "WaitSucceeded",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]


@pytest.mark.parametrize("batch_updates", [250, 1])
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("flavour", ["process_order", "process_order_blocking"])
def test_a_crash_at_any_checkpoint_changes_nothing(flavour: str, side: Side, batch_updates: int) -> None:
    """The order is completed once, whichever checkpoint the sandbox dies at, before it or after it."""
    order = load()
    at = 1
    while True:
        result, died = crashed(getattr(order, flavour), at, side, batch_updates)
        assert result.value == order.OrderResult("completed", "ORD-1", "pay-ORD-1")
        assert [each.name for each in result.operations] == ["validate", "charge", "payment_confirmation"]
        assert {each.status for each in result.operations} == {"SUCCEEDED"}
        if not died:
            break
        at += 1
    assert at > 3


def test_an_order_without_an_amount_fails_the_execution() -> None:
    """ExecutionError fails it at once: nothing is charged, and Lambda does not call again."""
    order = load()
    for handler in (order.process_order, order.process_order_blocking):
        result = LocalRunner(handler).run({"order_id": "ORD-1", "amount": 0.0})
        assert result.status == "FAILED"
        assert result.error == {"ErrorType": "durable_core.ExecutionError", "ErrorMessage": "Invalid order"}
        assert len(result.invocations) == 1


def test_the_code_of_the_readme_runs() -> None:
    """All its Python blocks, in order, as one program."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 3
    module = ModuleType("readme")
    sys.modules["readme"] = module
    try:
        for block in blocks:
            exec(compile(block, "README.md", "exec"), module.__dict__)
    finally:
        del sys.modules["readme"]
    result = LocalRunner(module.__dict__["process_order_now"]).run({"order_id": "ORD-2", "amount": 1.0})
    assert result.value.payment_id == "pay-ORD-2"
