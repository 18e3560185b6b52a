"""Steps one after the other, in the official SDK: ``official_steps.py STEPS INVOCATIONS [http]``."""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
from typing import Any

from aws_durable_execution_sdk_python import durable_execution, durable_step
from fake import LambdaContext, invocation
from meter import report, usual
from official_client import InProcess


def work(step: Any, number: int) -> int:
    return number


work_step = durable_step(work)


def workflow(steps: int, ctx: Any) -> int:
    for number in range(steps):
        ctx.step(work_step(number))
    return steps


def main(steps: int, invocations: int, *, http: bool) -> None:
    client = InProcess()
    handler = durable_execution(workflow, boto3_client=None if http else client)
    context = LambdaContext()
    handler(invocation(3), context)
    before = client.calls
    event = invocation(steps)
    each = usual(lambda: handler(event, context), invocations)
    report(cpu=each.cpu, wall=each.wall, calls=(client.calls - before) / invocations)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), http="http" in sys.argv)
