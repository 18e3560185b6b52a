"""The decorator: what it takes, what it refuses while the module loads, and what is left of the function."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from durable_core import DurableContext, DurableFunction, FixedDelay, ValidationError, blocking, durable_execution

decorate: Any = durable_execution
"""Unchecked: the type checkers refuse most of what follows."""


async def good(event: int, ctx: DurableContext) -> int:
    """Add one."""
    return event + 1


def good_blocking(event: int, ctx: blocking.DurableContext) -> int:
    return event + 1


async def unannotated(event, ctx):  # type: ignore[no-untyped-def]
    return event


async def with_defaults(event: Any = None, ctx: Any = None, *, more: int = 0) -> None: ...


async def with_any_arguments(*arguments: Any) -> None: ...


class Handlers:
    async def method(self, event: int, ctx: DurableContext) -> int:
        return event

    @staticmethod
    async def static(event: int, ctx: DurableContext) -> int:
        return event


@pytest.mark.parametrize(
    "func",
    [good, good_blocking, unannotated, with_defaults, with_any_arguments, Handlers().method, Handlers.static],
    ids=lambda func: str(func.__name__),
)
@pytest.mark.parametrize("settings", [None, {}, {"retry_strategy": FixedDelay(3)}], ids=repr)
def test_both_forms_take_whatever_takes_an_event_and_a_context(func: Any, settings: dict[str, Any] | None) -> None:
    """With settings, with none in brackets, and without brackets."""
    handler = decorate(func) if settings is None else decorate(**settings)(func)
    assert isinstance(handler, DurableFunction)
    assert handler.__wrapped__ == func
    assert handler.durable.func == func
    assert handler.durable.is_async is (func is not good_blocking)


def test_a_handler_looks_like_the_function_it_was_made_from() -> None:
    """To tools that show its name or documentation."""
    handler: Any = durable_execution(good)
    assert (handler.__name__, handler.__qualname__, handler.__module__) == ("good", "good", __name__)
    assert handler.__doc__ == "Add one."


async def without_context(event: int) -> None: ...


async def with_three(event: int, ctx: DurableContext, more: int) -> None: ...


async def by_keyword(event: int, *, ctx: DurableContext) -> None: ...


def generator(event: int, ctx: blocking.DurableContext) -> Any:
    yield event


async def async_generator(event: int, ctx: DurableContext) -> Any:
    yield event


async def async_with_blocking(event: int, ctx: blocking.DurableContext) -> None: ...


def blocking_with_async(event: int, ctx: DurableContext) -> None: ...


class Callable:
    def __call__(self, event: int, ctx: DurableContext) -> None: ...


WRONG: list[tuple[Any, str]] = [
    (
        without_context,
        r"takes an event and a context, but without_context does not; write `async def w",
    ),
    (with_three, r"with_three does not; write `async def with_three\(event, ctx\)`"),
    (by_keyword, r"by_keyword does not; write `async def by_keyword\(event, ctx\)`"),
    (generator, r"generator is a generator; write `def generator\(event, ctx\)` without yield"),
    (async_generator, "async_generator is a generator; write "),
    (async_with_blocking, "is `async def`, but .*blocking.DurableContext; import DurableContext from durable_core$"),
    (blocking_with_async, "is `def`, but .*; import DurableContext from durable_core.blocking$"),
    (Callable(), "@durable_execution decorates a function, got <"),
    (functools.partial(with_three, 1), "@durable_execution decorates a function, got functools.partial"),
    (durable_execution(good), "@durable_execution decorates a function, got <"),
    (Handlers, "@durable_execution decorates a function, got <class"),
    (5, "@durable_execution decorates a function, got 5"),
]


@pytest.mark.parametrize(("func", "message"), WRONG)
@pytest.mark.parametrize("settings", [None, {}], ids=["bare", "with brackets"])
def test_what_is_no_handler_is_refused_while_the_module_loads(
    func: Any, message: str, settings: dict[str, Any] | None
) -> None:
    """Saying what to write, before any event comes."""
    with pytest.raises(TypeError, match=message):
        decorate(func) if settings is None else decorate(**settings)(func)


@pytest.mark.parametrize(
    ("func", "shape"),
    [
        (async_generator, r"write `async def async_generator\(event, ctx\)`"),
        (Callable(), r"write `def \w+\(event, ctx\)`"),
        (functools.partial(with_three, 1), r"write `async def \w+\(event, ctx\)`"),
        (blocking_with_async, r"annotated with durable_core\.DurableContext;"),
    ],
)
def test_what_the_message_says_to_write_can_be_written(func: Any, shape: str) -> None:
    """It is Python, in the right flavour, with the names that users import."""
    with pytest.raises(TypeError, match=shape):
        decorate(func)


def test_a_retry_strategy_is_a_callable() -> None:
    """A number of attempts is not."""
    with pytest.raises(ValidationError, match=r"retry_strategy takes a callable such as FixedDelay\(3\), got 3"):
        decorate(retry_strategy=3)


@pytest.mark.parametrize(
    "settings",
    [
        {"serdes": "json"},
        {"errors": ValueError},
        {"errors": ["ValueError"]},
        {"errors": [int]},
        {"limits": 250},
        {"replay_logging": "all"},
        {"client": 5},
    ],
    ids=repr,
)
def test_settings_that_mean_nothing_are_refused_while_the_module_loads(settings: dict[str, Any]) -> None:
    """Not in the first invocation."""
    with pytest.raises(ValidationError):
        decorate(**settings)(good)


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        {"order": 1},
        "text",
        [1],
        {"DurableExecutionArn": "a"},
        {"DurableExecutionArn": "a", "CheckpointToken": "t"},
    ],
    ids=repr,
)
def test_an_event_that_is_not_of_a_durable_invocation_says_what_is_wrong(event: Any) -> None:
    """Most often a function without durable configuration, or one that was invoked without a qualifier."""
    with pytest.raises(ValidationError, match="the function has no durable configuration, or it was invoked without a"):
        durable_execution(good)(event, None)
