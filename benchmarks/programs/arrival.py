"""When the service got the first checkpoint of this process."""

from __future__ import annotations

import json
import os
import urllib.request

SPAWNED = int(os.environ["DURABLE_BENCH_SPAWNED"])
"""When this process was asked for, on the machine's monotonic clock, in nanoseconds."""


def first_checkpoint() -> int:
    """The moment at which it arrived, on the same clock."""
    with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL_LAMBDA"]) as told:
        moment: int = json.load(told)["first_checkpoint"]
    return moment
