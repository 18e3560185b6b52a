"""Conditions: start a job elsewhere, and look after it now and then until it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from durable_core import (
    ConditionNotMetError,
    DurableContext,
    Duration,
    ExecutionError,
    FixedDelay,
    WaitForConditionConfig,
    blocking,
    durable_execution,
    poll_every,
)
from durable_testing import LocalRunner


@dataclass
class Export:
    table: str
    parts: int


@dataclass
class Job:
    job_id: str
    parts: int
    parts_done: int = 0


def is_done(job: Job) -> bool:
    return job.parts_done == job.parts


# Every 30 s, for an hour at most. ``poll_with_backoff`` looks ever more rarely. A check that raises is tried 3 times.
UNTIL_DONE = WaitForConditionConfig[Job](
    wait_strategy=poll_every(Duration.from_seconds(30), until=is_done, max_attempts=200),
    retry_strategy=FixedDelay(3, Duration.from_seconds(5)),
    timeout=Duration.from_hours(1),
)


def start_job(export: Export) -> Job:
    return Job(f"export-{export.table}", export.parts)


def look(job: Job) -> Job:
    return replace(job, parts_done=job.parts_done + 1)  # stands for a call that asks how far the job is


@durable_execution
async def export_table(export: Export, ctx: DurableContext) -> Job:
    job = await ctx.step(start_job, export)
    try:
        return await ctx.wait_for_condition(look, initial_state=job, name="job-done", config=UNTIL_DONE)
    except ConditionNotMetError as error:  # its looks or its time are used up
        raise ExecutionError(f"{job.job_id} is not done: {error}") from error


@durable_execution
def export_table_blocking(export: Export, ctx: blocking.DurableContext) -> Job:
    job = ctx.step(start_job, export)
    try:
        return ctx.wait_for_condition(look, initial_state=job, name="job-done", config=UNTIL_DONE)
    except ConditionNotMetError as error:  # its looks or its time are used up
        raise ExecutionError(f"{job.job_id} is not done: {error}") from error


def main() -> None:
    """Run both; one with a job that is never done in time."""
    for handler, parts in ((export_table, 4), (export_table_blocking, 4), (export_table, 300)):
        with LocalRunner(handler) as runner:
            result = runner.run(Export("orders", parts))
        print(f"{handler.__name__}: {result.value or result.error}")
        result.print()
        print()


if __name__ == "__main__":
    main()
