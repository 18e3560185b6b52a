"""Callbacks: a person approves an expense, hours later; meanwhile nothing runs."""

from __future__ import annotations

from dataclasses import dataclass

from durable_core import (
    CallbackConfig,
    CallbackTimeoutError,
    DurableContext,
    Duration,
    WaitForCallbackConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner


@dataclass
class Expense:
    employee: str
    amount: float


@dataclass
class Decision:
    approved: bool
    by: str


APPROVAL = WaitForCallbackConfig(timeout=Duration.from_days(2), returns=Decision)
RECEIPT = CallbackConfig(timeout=Duration.from_days(30), returns=str)


async def ask_manager(callback_id: str, expense: Expense) -> None:
    """Stands for a mail with a link that holds *callback_id*.

    Behind the link, ``send_durable_execution_callback_success(CallbackId=…, Result=…)`` of the Lambda API answers.
    """


async def ask_for_receipt(employee: str, callback_id: str) -> None:
    """The same, to the employee."""


@durable_execution
async def approve_expense(expense: Expense, ctx: DurableContext) -> str:
    # Create the callback, give its id away in a step, and wait, in one call.
    try:
        decision = await ctx.wait_for_callback(ask_manager, expense, name="approval", config=APPROVAL)
    except CallbackTimeoutError:
        return "nobody decided in two days"
    if not decision.approved:
        return f"declined by {decision.by}"

    # The same in three, for a callback that is waited for later than it is created.
    receipt = await ctx.create_callback(name="receipt", config=RECEIPT)
    await ctx.step(ask_for_receipt, expense.employee, receipt.callback_id)
    return f"approved by {decision.by}, receipt {await receipt.result()}"


@durable_execution
def approve_expense_blocking(expense: Expense, ctx: blocking.DurableContext) -> str:
    try:
        decision = ctx.wait_for_callback(ask_manager, expense, name="approval", config=APPROVAL)
    except CallbackTimeoutError:
        return "nobody decided in two days"
    if not decision.approved:
        return f"declined by {decision.by}"

    receipt = ctx.create_callback(name="receipt", config=RECEIPT)
    ctx.step(ask_for_receipt, expense.employee, receipt.callback_id)
    return f"approved by {decision.by}, receipt {receipt.result()}"


def main() -> None:
    """Run both with answers by name, and once with none."""
    answers = {"approval": Decision(approved=True, by="Grace"), "receipt": "s3://receipts/17.pdf"}
    for handler, callbacks in ((approve_expense, answers), (approve_expense_blocking, answers), (approve_expense, {})):
        with LocalRunner(handler) as runner:
            result = runner.run(Expense("Ada", 120.0), callbacks=callbacks)
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
