"""Plugins: hooks that see what an execution does. This one writes down how long each operation and attempt took."""

from __future__ import annotations

import logging
import sys
import time

from durable_core import (
    AttemptEnd,
    AttemptStart,
    DurableContext,
    DurablePlugin,
    Duration,
    InvocationEnd,
    InvocationStart,
    OperationInfo,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner

log = logging.getLogger("timings")


class Timings(DurablePlugin):
    """One object for each invocation: what it keeps is gone with the next one."""

    def __init__(self, start: InvocationStart) -> None:
        self._execution = start.execution_name
        self._begun: dict[tuple[str, int | None], float] = {}

    def on_attempt_start(self, info: AttemptStart) -> None:
        self._begun[info.operation_id, info.attempt] = time.perf_counter()

    def on_attempt_end(self, info: AttemptEnd) -> None:
        took = time.perf_counter() - self._begun.pop((info.operation_id, info.attempt))
        log.info("attempt %s of %s: %s, %.1f s", info.attempt, info.name, info.outcome, took)

    def on_operation_end(self, info: OperationInfo) -> None:
        # By the service's clock, pauses included, and whichever invocation began it.
        if info.start_time is not None and info.end_time is not None:
            took = (info.end_time - info.start_time).total_seconds()
            log.info("%s %s: %s, %.0f s", info.sub_type, info.name, info.status, took)

    def on_invocation_end(self, info: InvocationEnd) -> None:
        log.info("invocation: %s", info.status)


def fetch_report(month: str) -> str:
    return f"report of {month}"


def mail_report(report: str) -> bool:
    return bool(report)


@durable_execution(plugins=[Timings])
async def monthly_report(month: str, ctx: DurableContext) -> bool:
    report = await ctx.step(fetch_report, month)
    await ctx.wait(Duration.from_hours(8), name="until-morning")
    return await ctx.step(mail_report, report)


@durable_execution(plugins=[Timings])
def monthly_report_blocking(month: str, ctx: blocking.DurableContext) -> bool:
    report = ctx.step(fetch_report, month)
    ctx.wait(Duration.from_hours(8), name="until-morning")
    return ctx.step(mail_report, report)


def main() -> None:
    """Run both, with the timings as they come."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    for handler in (monthly_report, monthly_report_blocking):
        print(f"{handler.__name__}:")
        with LocalRunner(handler) as runner:
            result = runner.run("November")
        result.print()
        print()


if __name__ == "__main__":
    main()
