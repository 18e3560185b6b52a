"""Child contexts: a group of operations with one recorded result, an error of its own, or no record at all."""

from __future__ import annotations

from dataclasses import dataclass

from durable_core import (
    ChildConfig,
    ChildContextError,
    DurableContext,
    Duration,
    RetryPresets,
    StepConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner


class OnboardingFailed(Exception):
    """What the callers of a group need to know, whatever went wrong inside."""


@dataclass
class Customer:
    name: str
    country: str


@dataclass
class Account:
    account_id: str
    card: str


def as_onboarding_failed(error: BaseException) -> BaseException:
    return OnboardingFailed(f"no account: {error}")


# What the group raises is recorded as OnboardingFailed.
ACCOUNT = ChildConfig(error_mapper=as_onboarding_failed)

# Only a group in the code: nothing of it is in the history but its operations, and its body runs on every replay.
WELCOME = ChildConfig(virtual=True)

AT_ONCE = StepConfig(retry_strategy=RetryPresets.NONE)


def open_account(customer: Customer) -> str:
    if customer.country == "Atlantis":
        raise ValueError("no such country")
    return f"acc-{customer.name.lower()}"


def order_card(account_id: str) -> str:
    return f"card-of-{account_id}"


def send_mail(name: str, subject: str) -> None:
    """Stands for a call to a mail service."""


async def make_account(ctx: DurableContext, customer: Customer) -> Account:
    account_id = await ctx.step(open_account, customer, config=AT_ONCE)
    return Account(account_id, await ctx.step(order_card, account_id))


async def welcome(ctx: DurableContext, name: str) -> None:
    await ctx.step(send_mail, name, "Welcome", name="send-welcome")
    await ctx.wait(Duration.from_days(1), name="a-day")
    await ctx.step(send_mail, name, "First steps", name="send-first-steps")


@durable_execution
async def onboard(customer: Customer, ctx: DurableContext) -> str:
    try:
        account = await ctx.run_in_child_context(make_account, customer, name="account", config=ACCOUNT)
    except ChildContextError as error:  # also an OnboardingFailed
        return str(error)
    await ctx.run_in_child_context(welcome, customer.name, config=WELCOME)
    return account.card


def make_account_now(ctx: blocking.DurableContext, customer: Customer) -> Account:
    account_id = ctx.step(open_account, customer, config=AT_ONCE)
    return Account(account_id, ctx.step(order_card, account_id))


def welcome_now(ctx: blocking.DurableContext, name: str) -> None:
    ctx.step(send_mail, name, "Welcome", name="send-welcome")
    ctx.wait(Duration.from_days(1), name="a-day")
    ctx.step(send_mail, name, "First steps", name="send-first-steps")


@durable_execution
def onboard_blocking(customer: Customer, ctx: blocking.DurableContext) -> str:
    try:
        account = ctx.run_in_child_context(make_account_now, customer, name="account", config=ACCOUNT)
    except OnboardingFailed as error:  # also a ChildContextError
        return str(error)
    ctx.run_in_child_context(welcome_now, customer.name, config=WELCOME)
    return account.card


def main() -> None:
    """Run both, and once with a customer from nowhere."""
    for handler, country in ((onboard, "Portugal"), (onboard_blocking, "Portugal"), (onboard_blocking, "Atlantis")):
        with LocalRunner(handler) as runner:
            result = runner.run(Customer("Ada", country))
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
