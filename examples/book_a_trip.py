"""Parallel: different work side by side, each branch with a name and operations of its own."""

from __future__ import annotations

from dataclasses import dataclass

from durable_core import (
    BatchResult,
    CompletionConfig,
    DurableContext,
    Duration,
    ParallelBranch,
    ParallelConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner


@dataclass
class Trip:
    city: str
    traveller: str


# Run every branch, whatever fails. Without a config the first failure ends the batch.
EVERY = ParallelConfig[str](completion=CompletionConfig.all_completed())


def reserve(kind: str, trip: Trip) -> str:
    return f"{kind} in {trip.city}"  # stands for a call to a booking service


def report(bookings: BatchResult[str]) -> dict[str, str]:
    bookings.raise_if_failed()
    return {str(item.name): str(item.result) for item in bookings.items}


@durable_execution
async def book(trip: Trip, ctx: DurableContext) -> dict[str, str]:
    async def flight(branch: DurableContext) -> str:
        held = await branch.step(reserve, "flight", trip, name="reserve-flight")
        await branch.wait(Duration.from_minutes(20), name="airline-confirms")  # the other branches go on
        return held

    async def hotel(branch: DurableContext) -> str:
        return await branch.step(reserve, "hotel", trip, name="reserve-hotel")

    # Names and functions. Each function uses the context that it is given, never the one outside.
    bookings = await ctx.parallel({"flight": flight, "hotel": hotel}, name="bookings", config=EVERY)
    return report(bookings)


@durable_execution
def book_blocking(trip: Trip, ctx: blocking.DurableContext) -> dict[str, str]:
    def flight(branch: blocking.DurableContext) -> str:
        held = branch.step(reserve, "flight", trip, name="reserve-flight")
        branch.wait(Duration.from_minutes(20), name="airline-confirms")
        return held

    def hotel(branch: blocking.DurableContext) -> str:
        return branch.step(reserve, "hotel", trip, name="reserve-hotel")

    # The same as a list; a function without a ParallelBranch is named by its place: parallel-branch-1.
    bookings = ctx.parallel(
        [ParallelBranch(flight, "flight"), ParallelBranch(hotel, "hotel")], name="bookings", config=EVERY
    )
    return report(bookings)


def main() -> None:
    """Run both; they record the same."""
    for handler in (book, book_blocking):
        with LocalRunner(handler) as runner:
            result = runner.run(Trip("Lisbon", "Ada"))
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
