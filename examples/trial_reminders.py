"""Waits: a free trial of two weeks, with a reminder on the way. Nothing runs, and nothing is paid for, in between."""

from __future__ import annotations

from dataclasses import dataclass

from durable_core import DurableContext, Duration, blocking, durable_execution
from durable_testing import LocalRunner


@dataclass
class Trial:
    email: str


REMIND_AFTER = Duration.from_days(11)
END_AFTER_THAT = Duration.from_days(3)


def send(email: str, template: str) -> str:
    return f"{template} to {email}"  # stands for a call to a mail service


def has_subscribed(email: str) -> bool:
    return email.startswith("paying")


@durable_execution
async def trial(event: Trial, ctx: DurableContext) -> str:
    await ctx.step(send, event.email, "welcome", name="send-welcome")
    await ctx.wait(REMIND_AFTER, name="until-reminder")
    if await ctx.step(has_subscribed, event.email):
        return "subscribed"
    await ctx.step(send, event.email, "reminder", name="send-reminder")
    await ctx.wait(END_AFTER_THAT, name="until-end")
    await ctx.step(send, event.email, "farewell", name="send-farewell")
    return "ended"


@durable_execution
def trial_blocking(event: Trial, ctx: blocking.DurableContext) -> str:
    ctx.step(send, event.email, "welcome", name="send-welcome")
    ctx.wait(REMIND_AFTER, name="until-reminder")
    if ctx.step(has_subscribed, event.email):
        return "subscribed"
    ctx.step(send, event.email, "reminder", name="send-reminder")
    ctx.wait(END_AFTER_THAT, name="until-end")
    ctx.step(send, event.email, "farewell", name="send-farewell")
    return "ended"


def main() -> None:
    """Run both; two weeks pass at once."""
    for handler in (trial, trial_blocking):
        with LocalRunner(handler) as runner:
            result = runner.run(Trial("ada@example.com"))
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
