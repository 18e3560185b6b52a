"""A workflow of steps, then of waits, in the official test runner: ``official_runner.py STEPS WAITS``."""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import time
from typing import Any

from aws_durable_execution_sdk_python import durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration
from meter import report, skip


def work(step: Any, number: int) -> int:
    return number


work_step = durable_step(work)


def workflow(plan: dict[str, int], ctx: Any) -> int:
    for number in range(plan["steps"]):
        ctx.step(work_step(number))
    for _ in range(plan["waits"]):
        ctx.wait(Duration.from_days(1))
    return plan["steps"]


def main(steps: int, waits: int) -> None:
    try:
        from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
    except ModuleNotFoundError:
        skip("aws-durable-execution-sdk-python-testing is not installed beside the official SDK")
    start = time.perf_counter()
    with DurableFunctionTestRunner(durable_execution(workflow)) as runner:
        result = runner.run(json.dumps({"steps": steps, "waits": waits}))
    wall = time.perf_counter() - start
    assert result.status.value == "SUCCEEDED", result
    report(wall=wall)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
