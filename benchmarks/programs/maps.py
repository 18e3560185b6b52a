"""What is measured of a map, with either SDK: handlers that map so many items to themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from fake import LambdaContext, invocation, recorded_pauses
from meter import PENDING, SUCCEEDED, Spent, ThreadPeak, peak_memory, report, usual

FEW = 1_000
TIMES = 3


class Client(Protocol):
    """The service in process."""

    calls: int
    updates: int


def measure_map(handler: Callable[..., Any], client: Client, threads: ThreadPeak, items: int) -> None:
    """Report on a map of *items*, whose steps look at the *threads*."""
    context = LambdaContext()

    def a_map(items: int, times: int = 1) -> Spent:
        event, result = invocation(items), str(sum(range(items)))
        return usual(lambda: handler(event, context), times, expected={**SUCCEEDED, "Result": result})

    a_map(3)
    before, idle = client.calls, peak_memory()
    each = a_map(items)
    calls, peak = client.calls - before, peak_memory()
    few = each if items == FEW else a_map(FEW, 5)
    report(
        cpu=each.cpu,
        wall=each.wall,
        growth=each.cpu / items / (few.cpu / FEW),
        calls=calls,
        threads=threads.most,
        memory=peak - idle,
        peak=peak,
    )


def measure_pauses(handler: Callable[..., Any], client: Client, items: int) -> None:
    """Report on a map named ``all`` whose *items* pause for a day: the invocation that they suspend, and the next."""
    context = LambdaContext()
    handler(invocation(3), context)
    first, next_one = invocation(items), invocation(items, recorded_pauses(items, "all"))
    before = client.updates
    suspend = usual(lambda: handler(first, context), TIMES, expected=PENDING)
    assert client.updates - before == TIMES * (1 + 2 * items)  # nothing but what begins
    result = str(sum(range(items)))
    resume = usual(lambda: handler(next_one, context), TIMES, expected={**SUCCEEDED, "Result": result})
    report(suspend=suspend.cpu, resume=resume.cpu)
