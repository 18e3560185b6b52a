"""Checkpoint calls of the client alone, over HTTP: ``ours_checkpoint.py UPDATES CALLS``."""

from __future__ import annotations

import sys
import time
from typing import Any

from fake import ARN
from meter import report
from updates import updates_of_steps

from durable_core.client import default_client


def main(count: int, calls: int) -> None:
    client = default_client()
    updates: Any = updates_of_steps(count)
    token = client.checkpoint(ARN, "0000", updates, "0").get("CheckpointToken", "")
    cpu = time.process_time()
    for call in range(1, calls + 1):
        token = client.checkpoint(ARN, token, updates, str(call)).get("CheckpointToken", "")
    report(cpu=(time.process_time() - cpu) / calls)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
