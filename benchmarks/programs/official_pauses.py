"""A map whose items pause: the invocation that they suspend, and the next: ``official_pauses.py ITEMS``."""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration
from fake import LambdaContext, invocation, recorded_pauses
from meter import PENDING, SUCCEEDED, report, usual
from official_client import InProcess

TIMES = 3


def branch(ctx: Any, number: int, index: int, items: Sequence[int]) -> int:
    ctx.wait(Duration.from_days(1))
    return number


def mapped(items: int, ctx: Any) -> int:
    return sum(ctx.map(range(items), branch, name="all").get_results())


def main(items: int) -> None:
    client, context = InProcess(), LambdaContext()
    handler = durable_execution(mapped, boto3_client=client)
    handler(invocation(3), context)
    first, next_one = invocation(items), invocation(items, recorded_pauses(items, "all"))
    before = client.updates
    suspend = usual(lambda: handler(first, context), TIMES, expected=PENDING)
    assert client.updates - before == TIMES * (1 + 2 * items)  # nothing but what begins
    result = str(sum(range(items)))
    resume = usual(lambda: handler(next_one, context), TIMES, expected={**SUCCEEDED, "Result": result})
    report(suspend=suspend.cpu, resume=resume.cpu)


if __name__ == "__main__":
    main(int(sys.argv[1]))
