"""Logging: on the standard ``logging`` module, with facts of the operation in each record, and nothing twice."""

from __future__ import annotations

import json
import logging
import sys

from durable_core import (
    DurableContext,
    Duration,
    ReplayFilter,
    blocking,
    durable_execution,
    step_context,
)
from durable_testing import LocalRunner

log = logging.getLogger("shop")


class OneLine(logging.Formatter):
    """A record as one line of JSON. Everything below is an attribute of the record, for any formatter to use."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {"level": record.levelname, "message": record.getMessage()}
        line |= {name: getattr(record, name, None) for name in ("operation_name", "attempt", "is_replay")}
        return json.dumps(line | getattr(record, "fields", {}))


def configure() -> None:
    """``durable`` is the logger of the contexts. ``ReplayFilter`` keeps any other one silent on replays too."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(OneLine())
    for name in ("durable", "shop"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.handlers = [handler]
    log.filters = [ReplayFilter()]


def pack(order_id: str) -> int:
    step_context().logger.info("Packing", order_id=order_id)  # a step runs again only if it has to
    return 3


# @durable_execution(replay_logging=ReplayLogging.WARNINGS_AND_ERRORS) would write warnings on replays as well.
@durable_execution
async def deliver(order_id: str, ctx: DurableContext) -> int:
    ctx.logger.info("Order received", order_id=order_id)
    parcels = await ctx.step(pack, order_id)
    if parcels > 2:
        ctx.log_warning("Many parcels", parcels=parcels)
    log.info("from a logger of the program")
    await ctx.wait(Duration.from_hours(2), name="on-the-road")
    ctx.logger.info("Order delivered", order_id=order_id, parcels=parcels)
    return parcels


@durable_execution
def deliver_blocking(order_id: str, ctx: blocking.DurableContext) -> int:
    ctx.logger.info("Order received", order_id=order_id)
    parcels = ctx.step(pack, order_id)
    if parcels > 2:
        ctx.log_warning("Many parcels", parcels=parcels)
    log.info("from a logger of the program")
    ctx.wait(Duration.from_hours(2), name="on-the-road")
    ctx.logger.info("Order delivered", order_id=order_id, parcels=parcels)
    return parcels


def main() -> None:
    """Run both; each is invoked twice."""
    configure()
    for handler in (deliver, deliver_blocking):
        print(f"{handler.__name__}:")
        with LocalRunner(handler) as runner:
            result = runner.run("ORD-1")
        result.print()
        print()


if __name__ == "__main__":
    main()
