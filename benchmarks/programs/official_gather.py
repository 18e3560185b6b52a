"""Branches of two steps each, side by side, which in the official SDK is a map: ``official_gather.py BRANCHES``."""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from aws_durable_execution_sdk_python import durable_execution, durable_step
from fake import LambdaContext, invocation
from meter import ThreadPeak, report, usual
from official_client import InProcess

threads = ThreadPeak()


def fetch(step: Any, number: int) -> int:
    threads.look()
    return number


def store(step: Any, number: int) -> int:
    threads.look()
    return number


fetch_step, store_step = durable_step(fetch), durable_step(store)


def branch(ctx: Any, number: int, index: int, items: Sequence[int]) -> Any:
    return ctx.step(store_step(ctx.step(fetch_step(number))))


def side_by_side(branches: int, ctx: Any) -> int:
    return len(ctx.map(range(branches), branch).get_results())


def main(branches: int) -> None:
    client, context = InProcess(), LambdaContext()
    handler = durable_execution(side_by_side, boto3_client=client)
    handler(invocation(3), context)
    before = client.calls
    each = usual(lambda: handler(invocation(branches), context))
    report(cpu=each.cpu, wall=each.wall, calls=client.calls - before, threads=threads.most)


if __name__ == "__main__":
    main(int(sys.argv[1]))
