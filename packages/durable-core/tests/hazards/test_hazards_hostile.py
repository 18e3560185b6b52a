"""Somebody is hostile: records, inputs and answers that want to run something, or to be read in a log."""

from __future__ import annotations

import ast
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from hazard_clients import Call, Refusing, Watched
from hazard_runs import Stage, failure_of, recorded_step

import durable_core
from durable_core import (
    CheckpointError,
    DurableContext,
    Duration,
    FixedDelay,
    LambdaClient,
    NoRetry,
    ServiceError,
    StepConfig,
    StepError,
    ValidationError,
)
from durable_core.spi import CheckpointAnswer, ErrorObject, InvocationAnswer
from durable_testing import LocalRunner

ONCE = StepConfig(retry_strategy=NoRetry())
HOUR = Duration.from_hours(1)
PACKAGE = Path(durable_core.__file__).parent
FOREIGN = "no\r\nFAKE LINE\x1b[2J\x00\x7f\x9b\u2028end"


def replayed(flavour: str, error: ErrorObject) -> tuple[StepError, InvocationAnswer]:
    """The error that a workflow sees whose first step is recorded as failed with *error*."""
    seen: list[StepError] = []

    async def body(ctx: DurableContext) -> None:
        try:
            await ctx.step(str, name="failed")
        except StepError as found:
            seen.append(found)

    stage = Stage(handler_of(flavour, body))
    event = stage.begin()
    event["InitialExecutionState"]["Operations"] = [
        *event["InitialExecutionState"].get("Operations", []),
        recorded_step(1, "failed", Status="FAILED", StepDetails={"Attempt": 1, "Error": error}),
    ]
    answer = stage.handler.durable.invoke(event, None, client=stage.client)
    return seen[0], answer


@both_flavours
@pytest.mark.parametrize(
    "named",
    [
        "os.system", "subprocess.Popen", "builtins.eval", "antigravity.Anything", "SystemExit", "KeyboardInterrupt",
        "GeneratorExit", "StopIteration", "BaseException", "durable_core.Suspended", "type", "object", "print",
        "../../etc/passwd", "__import__", "", "a" * 5_000, "durable_core.errors.ValidationError.__init__",
        "durable_core._runtime.exchange.RefusedError", "json.decoder.JSONDecodeError",
    ],
)  # fmt: skip
def test_a_record_never_chooses_a_class_or_module_that_the_program_does_not_name(flavour: str, named: str) -> None:
    loaded = {*sys.modules}
    error, answer = replayed(flavour, {"ErrorType": named, "ErrorMessage": "hostile"})
    assert type(error) is StepError
    assert str(error) == "hostile"
    assert answer["Status"] == "SUCCEEDED"
    assert "antigravity" not in {*sys.modules} - loaded


@both_flavours
@pytest.mark.parametrize(
    "attributes",
    [
        {"__class__": "os.system", "__dict__": {"operation_id": "forged"}, "__cause__": None, "__traceback__": None},
        {"operation_id": "forged", "error_type": "forged", "error_message": "forged", "stack_trace": ["forged"]},
        {"__init__": "forged", "__reduce__": "forged", "__str__": "forged"},
        {"with_traceback": "forged", "add_note": "forged"},
    ],
)
def test_error_data_forges_none_of_the_errors_own_fields(flavour: str, attributes: dict[str, Any]) -> None:
    data = json.dumps({"args": ["declined"], "attributes": attributes})
    error, _ = replayed(flavour, {"ErrorType": "ValueError", "ErrorMessage": "declined", "ErrorData": data})
    assert isinstance(error, ValueError)
    assert isinstance(error, StepError)
    assert (str(error), error.error_type, error.name) == ("declined", "ValueError", "failed")
    assert error.operation_id != "forged"
    assert error.stack_trace == ()
    assert callable(error.with_traceback)


@both_flavours
@pytest.mark.parametrize("data", ["not json", "[]", "5", '{"args": 5, "attributes": []}', "\x00", '{"args": {"a": 1}}'])
def test_error_data_of_another_shape_is_left_out(flavour: str, data: str) -> None:
    error, answer = replayed(flavour, {"ErrorType": "ValueError", "ErrorMessage": "declined", "ErrorData": data})
    assert isinstance(error, ValueError)
    assert str(error) == "declined"
    assert answer["Status"] == "SUCCEEDED"


DANGEROUS = {"eval", "exec", "compile", "__import__"}
DANGEROUS_MODULES = {"pickle", "shelve", "dill", "cloudpickle", "importlib", "yaml", "subprocess", "code"}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_unpickled_evaluated_or_imported_by_name(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in DANGEROUS, f"line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert (ast.unparse(node.func)) not in {"marshal.loads", "marshal.load", "os.system"}, f"line {node.lineno}"
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.partition(".")[0] for name in names} & DANGEROUS_MODULES


SECRET = "5ecret-that-no-log-may-hold"


@both_flavours
def test_inputs_results_and_tokens_are_never_logged_whole(
    flavour: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """At level DEBUG, with every logger of the process, through success, retries, refusals and suspension."""

    def flaky() -> dict[str, str]:
        if not ran:
            ran.append(1)
            raise ConnectionError("not yet")
        return {"card": f"{SECRET} result"}

    ran: list[int] = []

    async def body(ctx: DurableContext) -> dict[str, str]:
        ctx.logger.info("working")
        found = await ctx.step(flaky, config=StepConfig(retry_strategy=FixedDelay(2)))
        await ctx.wait(HOUR)
        return found

    caplog.set_level(logging.DEBUG)
    tokens: list[str] = []

    class Noting(Watched):
        def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
            tokens.append(call.token)
            return super().checkpointed(arn, call)

    assert LocalRunner(handler_of(flavour, body), client=Noting).run(f"{SECRET} input").status == "SUCCEEDED"
    with pytest.raises(CheckpointError) as caught:
        stage = Stage(handler_of(flavour, body), SECRET, client=Noting)
        event = stage.begin()
        stage.begin()
        stage.invoke(event)
    out, err = capfd.readouterr()
    formatter = logging.Formatter()
    lines = [formatter.format(record) + repr(vars(record)) for record in caplog.records]
    assert any("working" in line for line in lines)
    for text in (out, err, str(caught.value), *lines):
        assert SECRET not in text
        assert not [token for token in tokens if token in text]


class Foreign(Refusing):
    error = ServiceError("AccessDeniedException", FOREIGN, status=403)


class ForeignToken(Refusing):
    error = ServiceError("InvalidParameterValueException", f"Invalid checkpoint token: {FOREIGN}", status=400)


class ForeignCode(Refusing):
    error = ServiceError(FOREIGN, "no", status=403)


class ForeignSize(Watched):
    """Finds results too large, in foreign words."""

    def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
        if any(len(update.get("Payload", "")) > 300_000 for update in call.updates):
            raise ServiceError("InvalidParameterValueException", FOREIGN, status=400)
        return super().checkpointed(arn, call)


def message_of_failure(stage: Stage) -> str:
    """The message with which an invocation fails, one way or the other."""
    try:
        answer = stage.invoke()
    except CheckpointError as error:
        return str(error)
    if "Error" in answer:
        return failure_of(answer).get("ErrorMessage", "")
    return str(json.loads(answer.get("Result", "")))


@both_flavours
@pytest.mark.parametrize("client", [Foreign, ForeignToken, ForeignCode, ForeignSize])
def test_control_characters_of_the_service_are_escaped_in_messages(flavour: str, client: type[Watched]) -> None:
    def large() -> str:
        return "x" * 400_000

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(large)
        except StepError as error:
            return str(error)
        return "no error"

    message = message_of_failure(Stage(handler_of(flavour, body), client=client))
    assert "FAKE LINE" in message
    assert message.isprintable(), ascii(message)


@both_flavours
def test_control_characters_of_the_record_are_escaped_in_messages(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.step(str, name="asked for")

    stage = Stage(handler_of(flavour, body))
    event = stage.begin()
    event["InitialExecutionState"]["Operations"] = [
        *event["InitialExecutionState"].get("Operations", []),
        recorded_step(1, FOREIGN),
    ]
    answer = stage.invoke(event)
    message = failure_of(answer).get("ErrorMessage", "") if "Error" in answer else ""
    assert "FAKE LINE" in message
    assert message.isprintable(), ascii(message)


@both_flavours
def test_control_characters_of_an_attempts_error_are_escaped_where_the_sdk_quotes_it(flavour: str) -> None:
    def fail() -> None:
        raise LookupError(FOREIGN)

    def broken(error: BaseException, attempt: int) -> Any:
        raise ValueError(FOREIGN)

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(fail, config=StepConfig(retry_strategy=broken))
        except StepError as error:
            return str(error)
        return "no error"

    message = LocalRunner(handler_of(flavour, body)).run().value
    assert message.count("FAKE LINE") == 2
    assert message.isprintable(), ascii(message)


@both_flavours
def test_control_characters_of_an_event_are_escaped_where_the_sdk_quotes_them(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.step(lambda: {FOREIGN: {1, 2}}, name="keys", config=ONCE)
        except durable_core.SerDesError as error:
            return str(error)
        return "no error"

    message = LocalRunner(handler_of(flavour, body)).run().value
    assert message.isprintable(), ascii(message)


@both_flavours
@pytest.mark.parametrize("wanted", [False, True])
def test_stack_traces_go_to_the_service_only_if_asked_for(flavour: str, wanted: bool) -> None:
    def decline() -> None:
        raise LookupError("declined")

    async def body(ctx: DurableContext) -> None:
        await ctx.step(decline, config=ONCE)

    settings = {"stack_traces": True} if wanted else {}
    result = LocalRunner(handler_of(flavour, body, **settings)).run()
    errors = [result.error or {}, result.operation("decline").error or {}]
    assert [bool(error.get("StackTrace")) for error in errors] == [wanted, wanted]
    if wanted:
        assert "in decline" in "".join(errors[1].get("StackTrace", []))


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://lambda.internal", True), ("http://127.0.0.1:8000", True), ("http://localhost:8000", True),
        ("http://lambda.internal", False), ("http://127.0.0.1.evil.example", False), ("http://169.254.169.254", False),
        ("ftp://127.0.0.1", False), ("file:///etc/passwd", False), ("lambda.internal", False), ("", True),
    ],
)  # fmt: skip
def test_inside_lambda_an_endpoint_override_must_be_https_or_loopback(
    url: str, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": "orders",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_ENDPOINT_URL_LAMBDA": url,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if taken:
        LambdaClient()
    else:
        with pytest.raises(ValidationError):
            LambdaClient()


def test_an_event_that_is_no_durable_invocation_is_refused_in_words_that_help() -> None:
    @durable_core.durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        """Does nothing."""

    events: list[Any] = [{}, {"order": 1}, None, "text", [], {"DurableExecutionArn": "a", "CheckpointToken": "t"}]
    for event in events:
        with pytest.raises(ValidationError, match=r"no durable configuration.*without a qualifier"):
            handler(event, None)
