"""What the service takes and how much, compared with the API's model."""

from __future__ import annotations

from typing import Any

import pytest
from service_model import MODEL, needs_current_model
from service_play import OOPS, Play, rejected, update

from durable_testing.service import CURRENT, DEFAULT
from durable_testing.service.facts import EventType, Fact
from durable_testing.service.members import ANSWER, REQUESTS, UPDATE
from durable_testing.service.shapes import Blob, Choice, Each, Flag, Moment, Record, Shape, Text, Whole

KNOWN = [operation for operation in REQUESTS if operation in MODEL.operation_names]


def same(ours: Shape, theirs: Any) -> None:
    """A check of ours says of a value what the model says."""
    limits = theirs.metadata
    match ours:
        case Record():
            assert set(ours.members) == set(theirs.members), theirs.name
            assert ours.required == set(theirs.required_members), theirs.name
            for name, member in ours.members.items():
                same(member, theirs.members[name])
        case Each():
            assert (ours.least, ours.most) == (limits.get("min", 0), limits.get("max")), theirs.name
            same(ours.member, theirs.member)
        case Text():
            assert theirs.type_name == "string"
            assert (ours.pattern, ours.most) == (limits.get("pattern"), limits.get("max")), theirs.name
            assert ours.least == limits.get("min", 0), theirs.name
        case Whole():
            assert (ours.least, ours.most) == (limits["min"], limits["max"]), theirs.name
        case Choice():
            assert ours.values == set(theirs.enum), theirs.name
        case Blob():
            assert ours.most == limits["max"], theirs.name
        case Flag():
            assert theirs.type_name == "boolean"
        case Moment():
            assert theirs.type_name == "timestamp"
        case _:
            raise AssertionError(ours)


@needs_current_model
@pytest.mark.parametrize("operation", KNOWN)
def test_a_request_is_checked_as_the_model_says(operation: str) -> None:
    """Members, required ones, patterns, lengths and ranges are those of the model."""
    same(REQUESTS[operation], MODEL.operation_model(operation).input_shape)


def test_every_operation_of_the_model_that_is_about_durable_executions_is_there() -> None:
    """The service leaves out no operation of the API."""
    assert {name for name in MODEL.operation_names if "Durable" in name} <= set(REQUESTS)


def test_the_kinds_of_events_are_those_of_the_model() -> None:
    """The service knows each, and no other."""
    assert set(EventType.__args__) >= set(MODEL.shape_for("EventType").enum)  # type: ignore[attr-defined]


@needs_current_model
def test_the_larger_limits_are_those_of_the_model() -> None:
    """Where the model has a figure, the profile of the day has it too."""
    assert CURRENT.execution_payload == MODEL.shape_for("InputPayload").metadata["max"]
    assert CURRENT.execution_payload == MODEL.shape_for("OperationPayload").metadata["max"]
    assert CURRENT.operation_payload == MODEL.shape_for("BinaryOperationPayload").metadata["max"]


def test_the_smaller_limits_are_within_the_larger() -> None:
    """What fits the default profile fits the profile of the day, but for the number of operations."""
    for name in ("operation_payload", "error_object", "invoke_payload", "execution_payload", "response"):
        assert getattr(DEFAULT, name) <= getattr(CURRENT, name)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"Id": ""}, r"Updates\[0\].Id has 0 characters; it needs 1"),
        ({"Id": "x" * 65}, r"Updates\[0\].Id has 65 characters; it may have 64"),
        ({"Id": "a.b"}, r"Updates\[0\].Id does not match"),
        ({"Id": 1}, r"Updates\[0\].Id is a int, not a string"),
        ({"Id": None}, r"Updates\[0\].Id is null, not a string"),
        ({"Type": "STEPS"}, r"Updates\[0\].Type is 'STEPS'; it may be CALLBACK, "),
        ({"Action": "START "}, r"Updates\[0\].Action is 'START '"),
        ({"Name": ""}, r"Updates\[0\].Name has 0 characters"),
        ({"Name": "x" * 257}, r"Updates\[0\].Name has 257 characters"),
        ({"Name": "café"}, r"Updates\[0\].Name does not match"),
        ({"Name": "tab\t"}, r"Updates\[0\].Name does not match"),
        ({"Name": "line\n"}, r"Updates\[0\].Name does not match"),
        ({"SubType": "x" * 33}, r"Updates\[0\].SubType has 33 characters"),
        ({"SubType": "a b"}, r"Updates\[0\].SubType does not match"),
        ({"ParentId": "a/b"}, r"Updates\[0\].ParentId does not match"),
        ({"Payload": b"1"}, r"Updates\[0\].Payload is a bytes, not a string"),
        ({"Error": "no"}, r"Updates\[0\].Error is a str, not a structure"),
        ({"Error": {"Message": "x"}}, r"Updates\[0\].Error.Message is unknown"),
        ({"Error": {"StackTrace": "x"}}, r"Updates\[0\].Error.StackTrace is a str, not a list"),
        ({"Error": {"StackTrace": [1]}}, r"Updates\[0\].Error.StackTrace\[0\] is a int"),
        ({"WaitOptions": {"WaitSeconds": 0}}, r"WaitSeconds is 0; it may be 1 to 31622400"),
        ({"WaitOptions": {"WaitSeconds": 31_622_401}}, r"WaitSeconds is 31622401"),
        ({"WaitOptions": {"WaitSeconds": 1.5}}, r"WaitSeconds is a float, not a whole number"),
        ({"WaitOptions": {"WaitSeconds": True}}, r"WaitSeconds is a bool, not a whole number"),
        ({"StepOptions": {"NextAttemptDelaySeconds": 0}}, r"NextAttemptDelaySeconds is 0"),
        ({"CallbackOptions": {"TimeoutSeconds": 100_000_000}}, r"TimeoutSeconds is 100000000"),
        ({"CallbackOptions": {"HeartbeatTimeoutSeconds": -1}}, r"HeartbeatTimeoutSeconds is -1"),
        ({"ContextOptions": {"ReplayChildren": "yes"}}, r"ReplayChildren is a str, not a boolean"),
        ({"ChainedInvokeOptions": {}}, r"ChainedInvokeOptions.FunctionName is missing"),
        ({"ChainedInvokeOptions": {"FunctionName": "a b"}}, r"FunctionName does not match"),
        ({"ChainedInvokeOptions": {"FunctionName": "f", "TenantId": "a\n"}}, r"TenantId does not match"),
        ({"Colour": "red"}, r"Updates\[0\].Colour is unknown; there are Id, "),
    ],
    ids=str,
)
def test_a_member_that_the_model_does_not_allow_is_refused_by_name(changed: dict[str, Any], match: str) -> None:
    """The service checks patterns and lengths, which botocore does not."""
    play = Play()
    with rejected(match):
        play.record({**update("START", "STEP"), **changed})  # type: ignore[typeddict-item]


@pytest.mark.parametrize("missing", ["Id", "Type", "Action"])
def test_an_update_has_an_id_a_type_and_an_action(missing: str) -> None:
    """Each of the three is required."""
    given: Any = update("START", "STEP")
    del given[missing]
    with rejected(rf"Updates\[0\].{missing} is missing"):
        Play().record(given)


@pytest.mark.parametrize(("wait", "callback"), [(1, 0), (31_622_400, 99_999_999)], ids=["the least", "the most"])
def test_the_ends_of_a_range_are_within_it(wait: int, callback: int) -> None:
    """The shortest and the longest wait, delay and timeout are taken."""
    play = Play()
    play.record(
        update("START", "WAIT", "w", WaitOptions={"WaitSeconds": wait}),
        update("RETRY", "STEP", "s", StepOptions={"NextAttemptDelaySeconds": wait}),
        update("START", "CALLBACK", "c", CallbackOptions={"TimeoutSeconds": callback}),
    )
    assert play.status("w") == "STARTED"


def test_a_name_may_have_every_printable_character() -> None:
    """Space to tilde, 256 of them."""
    play = Play()
    name = "".join(map(chr, range(0x20, 0x7F))).ljust(256, "x")
    play.record(update("START", "STEP", Name=name))
    assert play.operation()["Name"] == name


def test_the_members_of_an_error_are_the_modelled_ones() -> None:
    """An update's error and an answer's error have one shape."""
    assert UPDATE.members["Error"] is ANSWER.members["Error"]
    play = Play()
    full = {**OOPS, "ErrorData": "{}", "StackTrace": ["a", "b"]}
    play.record(update("FAIL", "STEP", Error=full))
    assert play.operation()["StepDetails"]["Error"] == full


def test_what_the_service_keeps_is_not_what_the_caller_holds() -> None:
    """Changing an update, or an answer, after the call changes nothing in the service."""
    play = Play()
    error = {**OOPS, "StackTrace": ["a"]}
    answer: Any = play.record(update("FAIL", "STEP", Error=error))
    error["StackTrace"].append("b")  # type: ignore[attr-defined]
    answer["NewExecutionState"]["Operations"][0]["StepDetails"]["Error"]["StackTrace"].append("c")
    assert play.operation()["StepDetails"]["Error"]["StackTrace"] == ["a"]
    assert isinstance(Fact("StepReady", 1, {}), tuple)
