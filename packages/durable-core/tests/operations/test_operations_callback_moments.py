"""When a callback is answered: before the workflow looks, while it works, after it has looked, or too late."""

from __future__ import annotations

from typing import Any

import pytest
from operation_runs import SECOND, both_flavours, handler_of, run

from durable_core import DurableContext
from durable_testing import LocalRunner


class Answering:
    """A runner of *body*, whose steps can answer callbacks."""

    def __init__(self, flavour: str, body: Any) -> None:
        self.runner = LocalRunner(handler_of(flavour, lambda ctx: body(ctx, self.answer)))

    def answer(self, callback_id: str, result: str = '"yes"') -> None:
        self.runner.service.send_durable_execution_callback_success(CallbackId=callback_id, Result=result)


@both_flavours
def test_an_answer_in_the_body_of_a_step_is_there_when_the_step_is_over(flavour: str) -> None:
    """The workflow does not suspend, and the replay of the whole run sees the same."""

    async def body(ctx: DurableContext, answer: Any) -> Any:
        callback = await ctx.create_callback(name="approval")
        await ctx.step(answer, callback.callback_id)
        return await callback.result()

    result = Answering(flavour, body).runner.run()
    assert (result.value, len(result.invocations)) == ("yes", 1)


@both_flavours
def test_what_was_logged_before_the_answer_is_not_logged_again_after_it(
    flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is news; that the callback was created is not."""
    caplog.set_level("INFO", "durable")
    replaying: list[bool] = []

    async def body(ctx: DurableContext) -> None:
        callback = await ctx.create_callback(name="approval")
        ctx.logger.info("created")
        await ctx.step(str, "sent", name="send")
        replaying.append(ctx.is_replaying)
        ctx.logger.info("sent")
        await callback.result()
        replaying.append(ctx.is_replaying)
        ctx.logger.info("answered")
        await ctx.wait(SECOND)

    result = run(flavour, body, callbacks={"approval": True})
    assert len(result.invocations) == 3
    assert [record.getMessage() for record in caplog.records] == ["created", "sent", "answered"]
    assert replaying[:3] == [False, True, False]
    assert replaying[3:5] == [True, True]
