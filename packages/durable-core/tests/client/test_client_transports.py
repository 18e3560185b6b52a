"""The lean client and boto3's say the same to the service, and tell the same of it, over real sockets."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from botocore.config import Config
from botocore.utils import parse_timestamp
from client_loopback import (
    Act,
    LoopbackServer,
    Received,
    accepted,
    answer,
    boto_session,
    chunked,
    clean_environment,
    close,
    error,
    give_credentials,
    http,
    open_descriptors,
    reset,
    sends,
    silence,
)
from hypothesis import given, settings, strategies as st

from durable_core._core.clock import millis
from durable_core._wire.shapes import OperationUpdate
from durable_core.client import as_service_client
from durable_core.client.protocol import DurableServiceClient, ServiceError
from durable_core.client.signed import SignedClient

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST/durable-execution/order-1/8d9e0c8e-2f5b"
TOKEN = "YWJj+/ZGVm/w=="
UPDATES: list[OperationUpdate] = [
    {"Id": "1", "Type": "STEP", "Action": "START", "Name": "charge", "SubType": "Step"},
    {"Id": "1", "Type": "STEP", "Action": "SUCCEED", "Payload": '{"naïve": "☃ \\u0000"}'},
    {"Id": "2", "Type": "STEP", "Action": "RETRY", "StepOptions": {"NextAttemptDelaySeconds": 5},
     "Error": {"ErrorType": "ValueError", "ErrorMessage": "x", "ErrorData": "{}", "StackTrace": ["a", "b"]}},
    {"Id": "3", "ParentId": "1", "Type": "CONTEXT", "Action": "SUCCEED", "ContextOptions": {"ReplayChildren": True}},
    {"Id": "4", "Type": "CHAINED_INVOKE", "Action": "START", "ChainedInvokeOptions": {"FunctionName": "f:1"}},
]  # fmt: skip
session = boto_session("AKIDBOTO", "secret")
Connect = Callable[[str], DurableServiceClient]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)
    give_credentials(monkeypatch)


@contextlib.contextmanager
def connected(kind: str, url: str, patience: float = 5.0) -> Iterator[DurableServiceClient]:
    """A client of one *kind* for the service at *url*."""
    if kind == "lean":
        yield SignedClient(url, "eu-west-1")
        return
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=patience)
    with contextlib.closing(session.client("lambda", endpoint_url=url, config=config)) as client:
        yield as_service_client(client)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


@pytest.fixture(params=["lean", "boto3"])
def client(request: pytest.FixtureRequest, server: LoopbackServer) -> Iterator[DurableServiceClient]:
    with connected(request.param, server.url) as client:
        yield client


def checkpoint(client: DurableServiceClient, timeout: float = 5.0, updates: Sequence[OperationUpdate] = ()) -> Any:
    return client.checkpoint(ARN, TOKEN, updates, "client-token-1", timeout=timeout)


def get_state(client: DurableServiceClient, timeout: float = 5.0) -> Any:
    return client.get_state(ARN, TOKEN, "mark/er + ä=", timeout=timeout)


# What is sent


def as_the_service_reads_it(sent: Received) -> tuple[str, str, list[tuple[str, str]], Any]:
    """A request without what may differ: the order of the query and of keys, escapes, headers."""
    url = urlsplit(sent.target)
    body = json.loads(sent.body) if sent.body else None
    return sent.method, url.path, sorted(parse_qsl(url.query, keep_blank_values=True)), body


def test_a_checkpoint_is_the_request_of_the_apis_model(server: LoopbackServer, client: DurableServiceClient) -> None:
    """Method, path, token, updates and client token stand where the model wants them."""
    checkpoint(client, updates=UPDATES)
    [sent] = server.requests
    path = "/2025-12-01/durable-executions/" + ARN.replace(":", "%3A").replace("/", "%2F").replace("$", "%24")
    body = {"CheckpointToken": TOKEN, "Updates": UPDATES, "ClientToken": "client-token-1"}
    assert as_the_service_reads_it(sent) == ("POST", f"{path}/checkpoint", [], body)
    assert unquote(path).endswith(ARN)
    assert sent.headers["host"] == f"127.0.0.1:{server.port}"
    assert sent.headers["content-type"] == "application/json"


def test_a_page_of_state_is_asked_for_as_the_apis_model_has_it(
    server: LoopbackServer, client: DurableServiceClient
) -> None:
    """Token and marker are in the query, whatever characters they hold; there is no body."""
    server.script.append(answer({"Operations": []}))
    get_state(client)
    [sent] = server.requests
    method, path, query, body = as_the_service_reads_it(sent)
    assert (method, query, body) == ("GET", [("CheckpointToken", TOKEN), ("Marker", "mark/er + ä=")], None)
    assert path.endswith("%2F8d9e0c8e-2f5b/state")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
errors = st.fixed_dictionaries({"ErrorMessage": texts})
updates = st.lists(
    st.fixed_dictionaries(
        {"Id": st.text("abc-_1", min_size=1, max_size=8), "Type": st.just("STEP"), "Action": st.just("SUCCEED")},
        optional={"Payload": texts, "Name": texts.filter(bool), "Error": errors},
    ),
    max_size=4,
)
arns = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=30).filter(
    lambda arn: arn not in (".", "..")
)


def test_both_transports_send_the_same(server: LoopbackServer) -> None:
    """Method, path, query and JSON body are equal for any execution, token, marker and updates."""
    server.default = answer({"Operations": [], "NewExecutionState": {}})

    with connected("lean", server.url) as lean, connected("boto3", server.url) as boto:

        @settings(max_examples=60, deadline=None)
        @given(arn=arns, token=texts.filter(bool), marker=texts, updates=updates)
        def law(arn: str, token: str, marker: str, updates: Any) -> None:
            server.requests.clear()
            for client in (lean, boto):
                client.checkpoint(arn, token, updates, "c", timeout=1)
                client.get_state(arn, token, marker, timeout=1)
            sent = [as_the_service_reads_it(each) for each in server.requests]
            assert sent[:2] == sent[2:]
            assert server.requests[0].target == server.requests[2].target

        law()


# What is told

OPERATIONS = [
    {"Id": "0", "Type": "EXECUTION", "Status": "STARTED", "StartTimestamp": 1_700_000_000,
     "ExecutionDetails": {"InputPayload": '{"id": 1700000000}'}},
    {"Id": "1", "Type": "STEP", "Status": "PENDING", "StartTimestamp": 1_700_000_000.25, "Name": "charge",
     "StepDetails": {"Attempt": 2, "NextAttemptTimestamp": 1_700_000_005, "Error": {"ErrorType": "E"}}},
    {"Id": "2", "Type": "WAIT", "Status": "STARTED", "StartTimestamp": 1_700_000_001.001,
     "WaitDetails": {"ScheduledEndTimestamp": 1_700_000_011}},
    {"Id": "3", "Type": "CALLBACK", "Status": "SUCCEEDED", "StartTimestamp": 1_700_000_001,
     "EndTimestamp": 1_700_000_001.999, "CallbackDetails": {"CallbackId": "Y2I=", "Result": "12"}},
]  # fmt: skip
MILLIS = {
    "0": (1_700_000_000_000,),
    "1": (1_700_000_000_250, 1_700_000_005_000),
    "2": (1_700_000_001_001, 1_700_000_011_000),
    "3": (1_700_000_001_000, 1_700_000_001_999),
}


def times(operation: Any) -> list[Any]:
    """All times of *operation*, in the order of the model."""
    found = [operation.get("StartTimestamp"), operation.get("EndTimestamp")]
    found.append(operation.get("StepDetails", {}).get("NextAttemptTimestamp"))
    found.append(operation.get("WaitDetails", {}).get("ScheduledEndTimestamp"))
    return [each for each in found if each is not None]


def without_times(operations: Any) -> Any:
    """*operations* with every time replaced by its milliseconds."""

    def plain(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: plain(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return millis(value) if name.endswith("Timestamp") else value

    return plain(operations)


def test_operations_come_back_in_the_shapes_of_the_wire(server: LoopbackServer, client: DurableServiceClient) -> None:
    """By a checkpoint and by a page of state, members and values as the service wrote them, times apart."""
    server.script += [
        accepted("bmV3", OPERATIONS, NextMarker="m1"),
        answer({"Operations": OPERATIONS, "NextMarker": "m2"}),
    ]
    told = checkpoint(client)
    page = get_state(client)
    assert told["CheckpointToken"] == "bmV3"
    assert told["NewExecutionState"]["NextMarker"] == "m1"
    assert page["NextMarker"] == "m2"
    expected = without_times(json.loads(json.dumps(OPERATIONS), parse_int=_seconds))
    for operations in (told["NewExecutionState"]["Operations"], page["Operations"]):
        assert without_times(operations) == expected


def _seconds(text: str) -> float:
    """Of a whole number in JSON: a count if it is small, else seconds."""
    return int(text) if len(text) < 9 else float(text)


def test_every_time_reads_as_the_same_milliseconds(server: LoopbackServer, client: DurableServiceClient) -> None:
    """Whole seconds are not mistaken for milliseconds, nor are milliseconds lost."""
    server.script += [accepted("bmV3", OPERATIONS), answer({"Operations": OPERATIONS})]
    for operations in (checkpoint(client)["NewExecutionState"]["Operations"], get_state(client)["Operations"]):
        assert {each["Id"]: tuple(map(millis, times(each))) for each in operations} == MILLIS


def test_times_are_floats_of_the_lean_client_and_datetimes_of_boto3(server: LoopbackServer) -> None:
    """Each in the form that tells it from an event's milliseconds."""
    for kind, form in (("lean", float), ("boto3", datetime)):
        server.script.append(answer({"Operations": OPERATIONS}))
        with connected(kind, server.url) as client:
            found = [type(time) for operation in get_state(client)["Operations"] for time in times(operation)]
        assert set(found) == {form}, kind


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 4_000_000_000_000))
def test_a_time_of_the_wire_is_the_same_millisecond_in_all_three_forms(expected: int) -> None:
    """The event's integer, the JSON's seconds with three digits, and the datetime of boto3."""
    seconds = json.loads(f"{expected // 1000}.{expected % 1000:03}")
    assert [millis(expected), millis(seconds), millis(parse_timestamp(seconds))] == [expected] * 3


def test_members_that_are_null_are_absent(server: LoopbackServer, client: DurableServiceClient) -> None:
    """Lambda writes some absent members as null; botocore drops them, and so must the lean client."""
    holey = {
        "Id": "1", "Type": "STEP", "Status": "STARTED", "StartTimestamp": 1.5, "EndTimestamp": None, "ParentId": None,
        "Name": None, "StepDetails": {"Attempt": 1, "NextAttemptTimestamp": None, "Result": None, "Error": None},
        "WaitDetails": None, "CallbackDetails": None,
    }  # fmt: skip
    whole = {"Id": "1", "Type": "STEP", "Status": "STARTED", "StartTimestamp": 1500, "StepDetails": {"Attempt": 1}}
    server.script += [
        answer({"CheckpointToken": None, "NewExecutionState": {"Operations": [holey], "NextMarker": None}}),
        answer({"Operations": [holey], "NextMarker": None}),
        answer({"CheckpointToken": "bmV3", "NewExecutionState": None}),
    ]
    told, page, bare = checkpoint(client), get_state(client), checkpoint(client)
    assert "CheckpointToken" not in told
    assert without_times(told["NewExecutionState"]) == {"Operations": [whole]}
    assert without_times(page["Operations"]) == [whole]
    assert page.get("NextMarker") is None
    assert bare["CheckpointToken"] == "bmV3"
    assert not bare.get("NewExecutionState")


def test_nulls_inside_a_payload_stay(server: LoopbackServer, client: DurableServiceClient) -> None:
    """A payload is a string: nothing in it is a member."""
    told = {"Id": "1", "Type": "STEP", "Status": "SUCCEEDED", "StartTimestamp": 1.5}
    server.script.append(accepted("bmV3", [{**told, "StepDetails": {"Result": '{"a":null}'}}]))
    assert checkpoint(client)["NewExecutionState"]["Operations"][0]["StepDetails"]["Result"] == '{"a":null}'


def test_an_answer_without_a_token_has_none(server: LoopbackServer, client: DurableServiceClient) -> None:
    """The service withholds the token when the execution is over or being paused."""
    server.script.append(answer({"NewExecutionState": {"Operations": []}}))
    assert checkpoint(client).get("CheckpointToken") is None


def test_a_big_answer_comes_whole(server: LoopbackServer, client: DurableServiceClient) -> None:
    """A thousand operations, three megabytes, in chunks."""
    result = {"StepDetails": {"Result": "x" * 3_000}}
    operations = [
        {"Id": str(n), "Type": "STEP", "Status": "SUCCEEDED", "StartTimestamp": n, **result} for n in range(1_000)
    ]
    server.script.append(sends(chunked(json.dumps({"Operations": operations}).encode(), 8_192)))
    told = client.get_state(ARN, TOKEN, "m", timeout=5)
    assert [each["Id"] for each in told.get("Operations", [])] == [each["Id"] for each in operations]


# Errors

MODELLED = [
    ("InvalidParameterValueException", 400, "Invalid checkpoint token: it is used", None),
    ("TooManyRequestsException", 429, "Rate Exceeded.", "2.5"),
    ("TooManyRequestsException", 429, "Rate Exceeded.", None),
    ("ServiceException", 500, "An error occurred and the request cannot be processed.", None),
    ("KMSAccessDeniedException", 502, "Lambda was unable to decrypt", None),
    ("KMSDisabledException", 502, "the key is disabled", None),
    ("KMSInvalidStateException", 502, "the key is pending", None),
    ("KMSNotFoundException", 502, "the key is gone", None),
    ("ResourceNotFoundException", 404, "Function not found: arn:aws:lambda:…", None),
    ("AccessDeniedException", 403, "User: x is not authorized to perform: lambda:CheckpointDurableExecution", None),
    ("ExpiredTokenException", 403, "The security token included in the request is expired", None),
    ("RequestEntityTooLargeException", 413, "too large", None),
]


def facts(failure: ServiceError) -> tuple[str, int | None, str, float | None]:
    return failure.code, failure.status, failure.message, failure.retry_after


@pytest.mark.parametrize(("code", "status", "message", "after"), MODELLED)
@pytest.mark.parametrize("call", [checkpoint, get_state])
def test_an_error_of_the_api_keeps_its_code_status_message_and_patience(
    server: LoopbackServer, client: DurableServiceClient, call: Callable[[DurableServiceClient], object],
    code: str, status: int, message: str, after: str | None,
) -> None:  # fmt: skip
    """Read from the header and the body, as the model's errors come."""
    server.script.append(error(code, message, status, **({} if after is None else {"Retry_After": after})))
    with pytest.raises(ServiceError) as refused:
        call(client)
    assert facts(refused.value) == (code, status, message, None if after is None else float(after))
    assert str(refused.value) == f"{code}: {message}"


NAMED = {
    "a header with a URL behind it": answer({"message": "m"}, 400, x_amzn_errortype="Some:http://x.test/"),
    "a header with a namespace": answer({"message": "m"}, 400, x_amzn_errortype="com.amazon#Some"),
    "a type in the body": answer({"__type": "com.amazon#Some:http", "message": "m"}, 400),
    "a code in the body": answer({"code": "Some", "message": "m"}, 400),
    "a Code in the body": answer({"Code": "Some", "Message": "m"}, 400),
    "a code and a type": answer({"code": "Some", "__type": "Other", "message": "m"}, 400),
    "the header and a type": answer({"__type": "Other", "message": "m"}, 400, x_amzn_errortype="Some"),
    "a Message": answer({"Message": "m"}, 400, x_amzn_errortype="Some"),
}


@pytest.mark.parametrize("form", NAMED)
def test_the_code_of_an_error_is_found_wherever_services_put_it(
    server: LoopbackServer, client: DurableServiceClient, form: str
) -> None:
    """In the order in which botocore looks."""
    server.script.append(NAMED[form])
    with pytest.raises(ServiceError) as refused:
        checkpoint(client)
    assert facts(refused.value) == ("Some", 400, "m", None)


@pytest.mark.parametrize("status", [302, 404, 408, 502, 503])
@pytest.mark.parametrize("body", [b"", b"<html>Bad", b"{}"], ids=["empty", "html", "bare"])
def test_an_error_without_a_name_has_its_status_for_a_code(
    server: LoopbackServer, client: DurableServiceClient, status: int, body: bytes
) -> None:
    """As from a proxy or a load balancer: never an answer, never another exception."""
    server.script.append(sends(http(body, status, {"Retry-After": "3"})))
    with pytest.raises(ServiceError) as refused:
        checkpoint(client)
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == (str(status), status, 3.0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0.0), ("1", 1.0), ("0.5", 0.5), ("-1", None), ("nan", None), ("inf", None), ("soon", None), ("", None),
     ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("999999999", None)],
)  # fmt: skip
def test_a_retry_after_that_is_not_a_sensible_number_of_seconds_is_ignored(
    server: LoopbackServer, client: DurableServiceClient, header: str, seconds: float | None
) -> None:
    """Dates, negative numbers and ages are no reason to wait, or to fail."""
    server.script.append(error("TooManyRequestsException", "m", 429, Retry_After=header))
    with pytest.raises(ServiceError) as refused:
        checkpoint(client)
    assert refused.value.retry_after == seconds


# No answer

BROKEN: dict[str, Act] = {
    "a close without an answer": close,
    "a reset": reset,
    "half a head": sends(b"HTTP/1.1 200 OK\r\nContent-Le", then=close),
    "half a body": sends(http(b'{"CheckpointToken": "YQ=="}')[:-5], then=close),
    "no HTTP": sends(b"\x16\x03\x01\x02\x00garbage\r\n\r\n", then=close),
    "half a JSON": sends(http(b'{"CheckpointToken": "YQ')),
    "a page of HTML": sends(http(b"<html>Welcome to the hotel's network</html>")),
    "another JSON": sends(http(b'{"hello": "world"}')),
    "an empty object": sends(http(b"{}")),
    "an empty body": sends(http(b"")),
    "bytes that are no UTF-8": sends(http(b'{"CheckpointToken": "\xff"}')),
    "a nest without a bottom": sends(http(b'{"CheckpointToken":' + b"[" * 100_000)),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("call", [checkpoint, get_state])
def test_a_call_without_an_answer_that_makes_sense_is_a_connection_error(
    server: LoopbackServer, client: DurableServiceClient, call: Callable[[DurableServiceClient], object], how: str
) -> None:
    """It may have been applied or not: it is never taken for an answer, and may be tried again."""
    server.script.append(BROKEN[how])
    with pytest.raises(ServiceError) as refused:
        call(client)
    assert (refused.value.code, refused.value.status) == ("ConnectionError", None)
    assert checkpoint(client)["CheckpointToken"] == "dG9rZW4tMg=="


MISSHAPEN: dict[str, object] = {
    "a list": [],
    "operations that are a number": {"Operations": 7, "NewExecutionState": {"Operations": 7}},
    "operations that are numbers": {"Operations": [7], "NewExecutionState": {"Operations": [7]}},
    "a state that is a word": {"Operations": "x", "NewExecutionState": "x", "CheckpointToken": "YQ=="},
    "a token that is a number": {"Operations": [], "NextMarker": 7, "CheckpointToken": 7},
    "null operations": {"Operations": [None], "NewExecutionState": {"Operations": [None]}},
}


@pytest.mark.parametrize("shape", MISSHAPEN)
@pytest.mark.parametrize("call", [checkpoint, get_state])
def test_an_answer_of_another_shape_is_a_connection_error_of_the_lean_client(
    server: LoopbackServer, call: Callable[[DurableServiceClient], object], shape: str
) -> None:
    """Nothing of it reaches the journal."""
    server.script.append(answer(MISSHAPEN[shape]))
    with pytest.raises(ServiceError) as refused:
        call(SignedClient(server.url, "eu-west-1"))
    assert refused.value.code == "ConnectionError"


members = st.sampled_from(["CheckpointToken", "NewExecutionState", "Operations", "NextMarker", "StepDetails", "Id"])
anything = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(members, each, max_size=4),
    max_leaves=12,
)


def test_no_json_of_a_server_leads_to_anything_but_an_answer_or_a_service_error(server: LoopbackServer) -> None:
    """Whatever stands where operations, times and codes should."""
    client = SignedClient(server.url, "eu-west-1")

    @settings(max_examples=150, deadline=None)
    @given(anything, st.sampled_from([200, 400, 500]))
    def law(body: object, status: int) -> None:
        server.default = answer(body, status)
        for call in (checkpoint, get_state):
            with contextlib.suppress(ServiceError):
                assert isinstance(call(client), dict)

    law()


@pytest.mark.parametrize("kind", ["lean", "boto3"])
@pytest.mark.parametrize("call", [checkpoint, get_state])
def test_a_service_that_never_answers_is_a_connection_error(
    server: LoopbackServer, call: Callable[[DurableServiceClient, float], object], kind: str
) -> None:
    """When the time-out is over: the call's for the lean client, the configured one for boto3's."""
    server.default = silence
    start = time.monotonic()
    with connected(kind, server.url, 0.2) as client, pytest.raises(ServiceError) as refused:
        call(client, 0.2)
    assert refused.value.code == "ConnectionError"
    assert 0.19 < time.monotonic() - start < 2.0


@pytest.mark.parametrize("kind", ["lean", "boto3"])
def test_a_service_that_does_not_listen_is_a_connection_error(kind: str) -> None:
    """With the reason in the message."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with connected(kind, f"http://127.0.0.1:{port}") as client, pytest.raises(ServiceError) as refused:
        checkpoint(client)
    assert refused.value.code == "ConnectionError"
    assert str(port) in refused.value.message or "refused" in refused.value.message


def test_what_cannot_be_written_never_leaves_the_process(server: LoopbackServer, client: DurableServiceClient) -> None:
    """It is a permanent error of the caller's, not of the way to the service."""
    with pytest.raises(ServiceError) as refused:
        checkpoint(client, updates=[{"Id": "1", "Type": "STEP", "Action": "SUCCEED", "Payload": object()}])  # type: ignore[typeddict-item]
    assert (refused.value.code, refused.value.status) == ("ParamValidationError", None)
    assert server.requests == []


class Faulty:
    """A stand-in for boto3's client with a mistake in it."""

    def checkpoint_durable_execution(self, **parameters: Any) -> Any:
        return parameters["Update"]

    def get_durable_execution_state(self, **parameters: Any) -> Any:
        return parameters["Markers"]


@pytest.mark.parametrize("call", [checkpoint, get_state])
def test_a_mistake_in_a_client_is_not_taken_for_a_broken_connection(
    call: Callable[[DurableServiceClient], object],
) -> None:
    """It is told by name, and trying again would only hide it."""
    with pytest.raises(ServiceError, match=r"'Update'|Markers") as refused:
        call(as_service_client(Faulty()))
    assert refused.value.code == "ClientFault"


def test_a_hundred_calls_leave_no_descriptor_but_the_kept_one(
    server: LoopbackServer, client: DurableServiceClient
) -> None:
    """Good answers and errors alike."""
    checkpoint(client)
    before = open_descriptors()
    server.script += [error("ServiceException", "m", 500), accepted()] * 50
    for _ in range(50):
        with pytest.raises(ServiceError):
            checkpoint(client)
        checkpoint(client)
    assert open_descriptors() == before
    assert server.accepted == 1


# Credentials


def test_the_next_request_is_signed_with_the_keys_that_the_environment_holds_then(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotated credentials, after an expiry or without one, need no new client and no new connection."""
    client = SignedClient(server.url, "eu-west-1")
    give_credentials(monkeypatch, "AKIDOLD", "old+session/token==")
    server.script.append(error("ExpiredTokenException", "The security token included in the request is expired", 403))
    with pytest.raises(ServiceError, match="ExpiredTokenException"):
        checkpoint(client)
    give_credentials(monkeypatch, "AKIDNEW", "new")
    checkpoint(client)
    give_credentials(monkeypatch, "AKIDLONG")
    checkpoint(client)
    assert [sent.access_key for sent in server.requests] == ["AKIDOLD", "AKIDNEW", "AKIDLONG"]
    tokens = [sent.headers.get("x-amz-security-token") for sent in server.requests]
    assert tokens == ["old+session/token==", "new", None]
    assert server.accepted == 1


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
@pytest.mark.parametrize("emptied", [False, True], ids=["unset", "emptied"])
def test_credentials_that_vanish_are_an_error_that_says_so(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, name: str, emptied: bool
) -> None:
    """Nothing is sent unsigned."""
    client = SignedClient(server.url, "eu-west-1")
    checkpoint(client)
    if emptied:
        monkeypatch.setenv(name, "")
    else:
        monkeypatch.delenv(name)
    with pytest.raises(ServiceError, match=name) as refused:
        checkpoint(client)
    assert refused.value.code == "NoCredentials"
    assert len(server.requests) == 1


def test_boto3_without_credentials_is_the_same_error(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying again would not help it."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    verbs = boto_session().client("lambda", region_name="eu-west-1", endpoint_url=server.url)
    with contextlib.closing(verbs), pytest.raises(ServiceError) as refused:
        checkpoint(as_service_client(verbs))
    assert refused.value.code == "NoCredentials"
    assert server.requests == []
