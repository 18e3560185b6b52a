"""What a result shows of an execution."""

from __future__ import annotations

from durable_core import DurableContext, durable_execution
from durable_testing import LocalRunner


def test_the_table_says_how_the_execution_ended() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        return await ctx.step(lambda: "kept", name="keep")

    assert LocalRunner(handler).run().to_table().splitlines()[-1] == "SUCCEEDED after 1 invocation"


def test_the_table_of_an_execution_that_failed_says_why() -> None:
    """Each operation may have gone well."""

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await ctx.step(lambda: "kept", name="keep")
        raise LookupError("no such order")

    ending = LocalRunner(handler).run().to_table().splitlines()[-1]
    assert ending == "FAILED after 1 invocation: LookupError: no such order"
