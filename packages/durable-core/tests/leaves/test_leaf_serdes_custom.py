"""A serializer of one's own: text for anything, and a clear refusal where it does not keep to its part."""

from __future__ import annotations

import pickle
from base64 import b64decode, b64encode
from datetime import timedelta
from typing import Any

import pytest
from leaf_values import Item, read, write

from durable_core import (
    TEXT,
    ChildConfig,
    DurableContext,
    DurableFunction,
    InvokeConfig,
    Operation,
    SerDes,
    SerDesContext,
    SerDesError,
    StepConfig,
    WaitForCallbackConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner


class Pickle:
    """Anything at all, for a program that trusts its own records."""

    def __init__(self) -> None:
        self.seen: list[SerDesContext] = []

    def serialize(self, value: Any, context: SerDesContext) -> str:
        self.seen.append(context)
        return b64encode(pickle.dumps(value)).decode()

    def deserialize(self, data: str, context: SerDesContext) -> Any:
        self.seen.append(context)
        return pickle.loads(b64decode(data))


class Constant:
    """It answers, or raises, what it was told."""

    def __init__(self, written: Any, value: Any = None) -> None:
        self.written = written
        self.value = value

    def serialize(self, value: Any, context: SerDesContext) -> Any:
        return answered(self.written)

    def deserialize(self, data: str, context: SerDesContext) -> Any:
        return answered(self.value)


def answered(what: Any) -> Any:
    """*what*, raised if it is an error."""
    if isinstance(what, Exception):
        raise what
    return what


WRONG: list[tuple[str, Constant, str]] = [
    ("bytes", Constant(b"x"), "serialize must return str, but returned bytes"),
    ("a dict", Constant({"a": 1}), "serialize must return str, but returned dict"),
    ("nothing", Constant(None), "serialize must return str, but returned NoneType"),
    ("raising in writing", Constant(ValueError("no\nroom")), "ValueError: no room"),
    ("raising in reading", Constant("x", KeyError("k")), "KeyError: 'k'"),
    ("a text of its own", Constant(SerDesError("not this one")), "not this one"),
    ("an endless recursion", Constant(RecursionError("deep")), "RecursionError: deep"),
]


@pytest.mark.parametrize(("serdes", "message"), [pytest.param(*each, id=name) for name, *each in WRONG])
def test_a_serializer_that_does_not_keep_to_its_part_is_refused_by_name(serdes: SerDes[Any], message: str) -> None:
    """Whatever it does is a SerDesError that names the operation and the kind of value."""
    with pytest.raises(SerDesError) as caught:
        write(serdes, Item("tea"))
    assert str(caught.value) == f'the value of "charge" (a Item) was refused: {message}'
    assert caught.value.__cause__ is not None


def test_a_serializer_that_cannot_read_is_refused_by_name() -> None:
    """On a replay."""
    with pytest.raises(SerDesError, match='what was recorded for "charge" was refused: ValueError: torn'):
        read(Constant("x", ValueError("torn")), "x")


def test_what_is_seen_is_what_was_read_back() -> None:
    """The first run goes on with what a replay will have."""
    assert write(Constant("text", "read"), "value") == ("text", "read")


def test_text_is_written_without_quotes() -> None:
    """For callbacks whose payload is no JSON."""
    assert write(TEXT, "plain <text>") == ("plain <text>", "plain <text>")
    assert read(TEXT, "") == ""
    with pytest.raises(SerDesError, match="serialize must return str, but returned int"):
        write(TEXT, 5)


def a_set() -> set[object]:
    return {1, "two", Item}


@pytest.mark.parametrize("where", ["step", "handler"])
def test_a_serializer_is_used_by_steps_and_told_whose_value_it_is(where: str) -> None:
    """That of the step, else the handler's."""
    serdes = Pickle()
    config = StepConfig(serdes=serdes) if where == "step" else StepConfig()

    async def program(event: None, ctx: DurableContext) -> bool:
        value = await ctx.step(a_set, name="odd", config=config)
        return value == {1, "two", Item}

    handler = durable_execution(serdes=serdes if where == "handler" else None)(program)
    result = LocalRunner(handler).run()
    assert result.value is True
    assert {each.name for each in serdes.seen} == {"odd"}
    assert {each.operation_id for each in serdes.seen} == {result.operation("odd").id}
    assert {each.execution_arn for each in serdes.seen} == {result.execution_arn}


async def child(ctx: DurableContext) -> str:
    return "x"


@durable_execution
async def with_broken_serializers(event: None, ctx: DurableContext) -> list[str]:
    messages = []
    for serdes in (Constant(b"x"), Constant({}), Constant(ValueError("no"))):
        operation: Operation[str] = ctx.step(str, name="broken", config=StepConfig(serdes=serdes))
        try:
            await operation
        except SerDesError as error:
            messages.append(str(error))
    return messages


@durable_execution
async def with_broken_children(event: None, ctx: DurableContext) -> list[str]:
    messages = []
    for serdes in (Constant(b"x"), Constant({}), Constant(ValueError("no"))):
        try:
            await ctx.run_in_child_context(child, name="broken", config=ChildConfig(serdes=serdes))
        except SerDesError as error:
            messages.append(str(error))
    return messages


@pytest.mark.parametrize("handler", [with_broken_serializers, with_broken_children], ids=["step", "child"])
def test_a_broken_serializer_fails_its_operation_and_nothing_hangs(handler: DurableFunction[Any]) -> None:
    """Catchably and without a retry, and the execution goes on."""
    result = LocalRunner(handler).run()
    assert result.status == "SUCCEEDED"
    assert result.value == [
        f'the value of "broken" (a str) was refused: {reason}'
        for reason in (
            "serialize must return str, but returned bytes",
            "serialize must return str, but returned dict",
            "ValueError: no",
        )
    ]
    assert [each.status for each in result.operations] == ["FAILED"] * 3


class OneMore:
    """Reads a number as the next one: whoever reads it twice has another."""

    def serialize(self, value: int, context: SerDesContext) -> str:
        raise NotImplementedError("what comes from outside is only read")

    def deserialize(self, data: str, context: SerDesContext) -> int:
        return int(data) + 1


ONE_MORE = WaitForCallbackConfig(serdes=OneMore())


@durable_execution
async def reads_answers(event: None, ctx: DurableContext) -> list[int | None]:
    callback = await ctx.create_callback(name="created", config=ONE_MORE)
    read: list[int | None] = [await callback.result(), await ctx.wait_for_callback(len, name="asked", config=ONE_MORE)]
    await ctx.wait(timedelta(seconds=1))
    return read


@durable_execution
def reads_answers_blocking(event: None, ctx: blocking.DurableContext) -> list[int | None]:
    callback = ctx.create_callback(name="created", config=ONE_MORE)
    read: list[int | None] = [callback.result(), ctx.wait_for_callback(len, name="asked", config=ONE_MORE)]
    ctx.wait(timedelta(seconds=1))
    return read


both_readers = pytest.mark.parametrize("handler", [reads_answers, reads_answers_blocking], ids=["async", "blocking"])


@both_readers
def test_an_answer_is_read_once_and_never_written(handler: DurableFunction[Any]) -> None:
    """Not even by the context of wait_for_callback, which records it as it came."""
    result = LocalRunner(handler).run(callbacks={"created": 1, "asked": 5})
    assert result.value == [2, 6]
    assert result.operation("asked").payload == "5"


@both_readers
def test_an_answer_without_a_payload_is_none_whatever_the_serializer(handler: DurableFunction[Any]) -> None:
    result = LocalRunner(handler).run(callbacks=lambda name: lambda callback: callback.succeed_with_text(None))
    assert result.value == [None, None]


@durable_execution
async def sends_a_payload(event: None, ctx: DurableContext) -> Any:
    serdes = Constant('"sent"', ValueError("this is for others to read"))
    return await ctx.invoke("echo", Item("tea"), config=InvokeConfig(payload_serdes=serdes))


def test_the_serializer_of_a_payload_is_not_asked_to_read() -> None:
    """Whoever is invoked reads it; what comes back is another value."""
    runner = LocalRunner(sends_a_payload)
    runner.register("echo", lambda event: event)
    assert runner.run().value == "sent"
