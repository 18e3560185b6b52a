"""A map whose items are a step each, which sleeps so long, in the official SDK: ``official_map.py ITEMS MILLIS``."""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from aws_durable_execution_sdk_python import durable_execution, durable_step
from maps import measure_map
from meter import ThreadPeak
from official_client import InProcess

NAP = int(sys.argv[2]) / 1_000
threads = ThreadPeak()


def work(step: Any, number: int) -> int:
    threads.look()
    if NAP:
        time.sleep(NAP)
    return number


work_step = durable_step(work)


def branch(ctx: Any, number: int, index: int, items: Sequence[int]) -> Any:
    return ctx.step(work_step(number))


def mapped(items: int, ctx: Any) -> int:
    return sum(ctx.map(range(items), branch).get_results())


def main(items: int) -> None:
    client = InProcess()
    measure_map(durable_execution(mapped, boto3_client=client), client, threads, items)


if __name__ == "__main__":
    main(int(sys.argv[1]))
