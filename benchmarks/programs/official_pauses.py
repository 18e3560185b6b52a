"""A map whose items pause: the invocation that they suspend, and the next: ``official_pauses.py ITEMS``."""

# mypy: disable-error-code="import-not-found"
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration
from maps import measure_pauses
from official_client import InProcess


def branch(ctx: Any, number: int, index: int, items: Sequence[int]) -> int:
    ctx.wait(Duration.from_days(1))
    return number


def mapped(items: int, ctx: Any) -> int:
    return sum(ctx.map(range(items), branch, name="all").get_results())


def main(items: int) -> None:
    client = InProcess()
    measure_pauses(durable_execution(mapped, boto3_client=client), client, items)


if __name__ == "__main__":
    main(int(sys.argv[1]))
