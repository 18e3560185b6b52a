"""``ctx.create_callback`` and ``Callback.result``: what is answered is what the workflow gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from both_flavours import both_flavours, handler_of
from operation_runs import SECOND, outcome_of, run

from durable_core import TEXT, CallbackConfig, DurableContext, SerDesContext, SerDesError
from durable_core.spi import ErrorObject
from durable_testing import LocalRunner, PendingCallback


@dataclass
class Approval:
    by: UUID
    amount: float


class Point(NamedTuple):
    x: int
    y: int


class PaymentDeclined(Exception):
    """An error with a field of its own."""

    def __init__(self, code: int) -> None:
        super().__init__(f"declined with {code}")
        self.code = code


class Upper:
    """Text, in capitals on the way."""

    def serialize(self, value: str, context: SerDesContext) -> str:
        return value.upper()

    def deserialize(self, data: str, context: SerDesContext) -> str:
        assert context.name == "approval"
        return data.lower()


def asking(config: CallbackConfig[Any] | None = None) -> Callable[[Any], Any]:
    """A workflow that creates a callback and waits for its answer."""

    async def body(ctx: Any) -> Any:
        return await (await ctx.create_callback(name="approval", config=config)).result()

    return body


def texting(text: str | None) -> Callable[[PendingCallback], None]:
    return lambda callback: callback.succeed_with_text(text)


def caught(flavour: str, answer: Any, config: Any = None, **settings: Any) -> dict[str, Any]:
    """All that is known of the error that *answer* leads to, which is the same on a replay."""
    outcomes: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        outcomes.append(await outcome_of(asking(config)(ctx)))
        await ctx.wait(SECOND)

    result = LocalRunner(handler_of(flavour, body, **settings)).run(callbacks=answer)
    assert result.status == "SUCCEEDED", result.error
    assert len(outcomes) > 1
    assert all(each == outcomes[0] for each in outcomes)
    found: dict[str, Any] = outcomes[0]
    return found


PAYLOADS: list[tuple[Any, str | None, Any]] = [
    (None, '{"ok": [1, 2.5, null, true]}', {"ok": [1, 2.5, None, True]}),
    (None, '"text"', "text"),
    (None, " 7 ", 7),
    (None, "null", None),
    (None, None, None),
    (CallbackConfig(returns=int), None, None),
    (CallbackConfig(serdes=TEXT), None, None),
    (CallbackConfig(serdes=TEXT), "no JSON", "no JSON"),
    (CallbackConfig(serdes=TEXT), '"quoted"', '"quoted"'),
    (CallbackConfig(serdes=TEXT), "null", "null"),
    (CallbackConfig(serdes=TEXT), "", ""),
    (CallbackConfig(serdes=Upper()), "YES", "yes"),
    (CallbackConfig(returns=int), "7", 7),
    (CallbackConfig(returns=str), '"prüfen 🙂"', "prüfen 🙂"),
    (CallbackConfig(returns=UUID), f'"{UUID(int=7)}"', UUID(int=7)),
    (CallbackConfig(returns=Point), "[1, 2]", Point(1, 2)),
    (CallbackConfig(returns=list[int]), "[1, 2]", [1, 2]),
    (CallbackConfig(returns=set), "[1]", {1}),
    (CallbackConfig(returns=type(None)), "null", None),
    (CallbackConfig(returns=Approval), f'{{"amount": 9, "by": "{UUID(int=7)}"}}', Approval(UUID(int=7), 9.0)),
]


@both_flavours
@pytest.mark.parametrize(("config", "text", "value"), PAYLOADS)
def test_a_payload_is_read_as_the_configuration_says(flavour: str, config: Any, text: str | None, value: Any) -> None:
    """The same object, by value and class, on the first run and on a replay."""
    seen: list[Any] = []

    async def body(ctx: DurableContext) -> None:
        seen.append(await asking(config)(ctx))
        await ctx.wait(SECOND)

    result = run(flavour, body, callbacks={"approval": texting(text)})
    assert result.operation("approval").payload == text
    assert len(seen) > 1
    assert all((type(each), each) == (type(value), value) for each in seen)


@both_flavours
def test_the_handlers_serializer_reads_it_where_the_callback_names_none(flavour: str) -> None:
    handler = handler_of(flavour, asking(), serdes=Upper())
    assert LocalRunner(handler).run(callbacks={"approval": texting("YES")}).value == "yes"


UNREADABLE: list[tuple[Any, str]] = [
    (None, "no JSON"),
    (None, ""),
    (None, "[" * 100_000 + "]" * 100_000),
    (CallbackConfig(returns=int), '"seven"'),
    (CallbackConfig(returns=int), "null"),
    (CallbackConfig(returns=Approval), '{"amount": 9}'),
]


@both_flavours
@pytest.mark.parametrize(("config", "text"), UNREADABLE)
def test_an_answer_that_cannot_be_read_is_refused_by_the_callbacks_name_each_time(
    flavour: str, config: Any, text: str
) -> None:
    """Catchably: the workflow may ask again."""
    refusals: list[str] = []

    async def body(ctx: DurableContext) -> str:
        try:
            await asking(config)(ctx)
        except SerDesError as error:
            refusals.append(str(error))
        await ctx.wait(SECOND)
        return "went on"

    result = run(flavour, body, callbacks={"approval": texting(text)})
    assert result.value == "went on"
    assert len(refusals) > 1
    assert len(set(refusals)) == 1
    assert '"approval"' in refusals[0]


@both_flavours
def test_a_failure_has_every_field_that_was_answered(flavour: str) -> None:
    answer: ErrorObject = {
        "ErrorType": "NotOnDuty",
        "ErrorMessage": "gone home",
        "ErrorData": "until 9",
        "StackTrace": ["at desk", "at home"],
    }
    found = caught(flavour, {"approval": lambda callback: callback.fail(answer)})
    assert found["classes"][0] == "durable_core.CallbackError"
    assert found["text"] == "gone home"
    assert found["args"] == ["gone home"]
    fields = found["fields"]
    assert fields.pop("operation_id")
    assert fields == {
        "error_message": "gone home",
        "name": "approval",
        "error_type": "NotOnDuty",
        "error_data": "until 9",
        "stack_trace": ["at desk", "at home"],
    }


@both_flavours
@pytest.mark.parametrize(("answer", "text"), [({}, ""), ("no", "no"), ({"ErrorMessage": "no"}, "no")])
def test_a_failure_that_says_little_is_a_failure_too(flavour: str, answer: Any, text: str) -> None:
    found = caught(flavour, {"approval": lambda callback: callback.fail(answer)})
    assert found["classes"][0] == "durable_core.CallbackError"
    assert (found["text"], found["fields"]["error_data"]) == (text, None)
    assert found["fields"]["error_type"] == "durable_core.CallbackError"


@both_flavours
def test_a_failure_is_of_a_builtin_class_that_it_names(flavour: str) -> None:
    found = caught(flavour, {"approval": TimeoutError("too slow")})
    assert found["classes"][:3] == [
        "builtins.TimeoutError",
        "durable_core.CallbackError",
        "durable_core.OperationError",
    ]


@both_flavours
def test_a_failure_is_of_a_class_that_the_program_declared(flavour: str) -> None:
    """With the attributes that JSON holds; of one that it did not declare, it is a plain ``CallbackError``."""
    named: ErrorObject = {
        "ErrorType": f"{__name__}.PaymentDeclined",
        "ErrorMessage": "declined with 7",
        "ErrorData": '{"attributes": {"code": 7}}',
    }
    answers = {"approval": lambda callback: callback.fail(named)}
    found = caught(flavour, answers, errors=[PaymentDeclined])
    assert found["classes"][:2] == [f"{__name__}.PaymentDeclined", "durable_core.CallbackError"]
    assert found["fields"]["code"] == 7
    assert caught(flavour, answers)["classes"][0] == "durable_core.CallbackError"


@both_flavours
@pytest.mark.parametrize("name", ["CallbackTimeoutError", "CallbackSubmitterError", "ExecutionError", "SerDesError"])
def test_an_answer_is_never_an_error_of_this_package(flavour: str, name: str) -> None:
    """Somebody outside can not say that time was up, or that the execution is to fail."""
    named: ErrorObject = {"ErrorType": f"durable_core.{name}", "ErrorMessage": "pretended"}
    found = caught(flavour, {"approval": lambda callback: callback.fail(named)})
    assert found["classes"][0] == "durable_core.CallbackError"
    assert found["fields"]["error_type"] == f"durable_core.{name}"
