"""The replay of recorded steps, in the official SDK: ``official_replay.py STEPS``."""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
from typing import Any

from aws_durable_execution_sdk_python import durable_execution, durable_step
from fake import LambdaContext, invocation, recorded_step
from meter import peak_memory, report, usual
from official_client import InProcess

FEW = 1_000


def work(step: Any, number: int) -> int:
    raise AssertionError("a recorded step does not run")


work_step = durable_step(work)


def replayed(steps: int, ctx: Any) -> int:
    return sum([ctx.step(work_step(number)) for number in range(steps)])


def main(steps: int) -> None:
    client, context = InProcess(), LambdaContext()
    handler = durable_execution(replayed, boto3_client=client)

    def a_step(steps: int, times: int) -> float:
        event = invocation(steps, (recorded_step(number + 1, "work") for number in range(steps)))
        return usual(lambda: handler(event, context), times).cpu / steps

    few = a_step(FEW, 10)
    idle = peak_memory()
    many = few if steps == FEW else a_step(steps, 1)
    assert client.calls == 0
    report(cpu=many, growth=many / few, memory=peak_memory() - idle)


if __name__ == "__main__":
    main(int(sys.argv[1]))
