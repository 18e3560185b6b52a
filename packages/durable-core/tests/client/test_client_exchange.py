"""The conversation of an invocation: patient with what passes, never applied twice, never beyond the deadline."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from client_loopback import (
    Act,
    LoopbackServer,
    Received,
    accepted,
    answer,
    boto_session,
    clean_environment,
    close,
    error,
    give_credentials,
    http,
    reset,
    sends,
    silence,
)

from durable_core._runtime import exchange as exchange_module
from durable_core._runtime.exchange import Exchange, RefusedError
from durable_core._wire.shapes import ExecutionState, OperationUpdate
from durable_core.client import as_service_client
from durable_core.client.protocol import DurableServiceClient, ServiceError
from durable_core.client.signed import SignedClient
from durable_core.errors import CheckpointError

FIRST = "Zmlyc3Q="
UPDATE: OperationUpdate = {"Id": "1", "Type": "STEP", "Action": "START"}
SECOND: OperationUpdate = {"Id": "2", "Type": "STEP", "Action": "START"}

session = boto_session("AKIDBOTO", "secret")


def page(*names: str, **more: str) -> dict[str, Any]:
    """A page of state with the operations *names*."""
    told = [{"Id": name, "Type": "STEP", "Status": "STARTED", "StartTimestamp": 1} for name in names]
    return {"Operations": told, **more}


def ids(operations: Any) -> list[str]:
    return [operation["Id"] for operation in operations]


class Ledger:
    """The service, as far as tokens go: each accepted batch consumes one, and the same client token gets its answer."""

    def __init__(self) -> None:
        self.applied: list[list[OperationUpdate]] = []
        self._token = FIRST
        self._answers: dict[tuple[str, str], bytes] = {}

    def __call__(self, connection: socket.socket, request: Received) -> None:
        connection.sendall(self._answer(request.json))

    def then(self, ending: Act) -> Act:
        """Apply the batch, but do not say so."""

        def act(connection: socket.socket, request: Received) -> None:
            self._answer(request.json)
            ending(connection, request)

        return act

    def _answer(self, body: dict[str, Any]) -> bytes:
        call = body["CheckpointToken"], body["ClientToken"]
        if call not in self._answers:
            if body["CheckpointToken"] != self._token:
                message = {"Type": "User", "message": "Invalid checkpoint token: it is not the current one"}
                return http(json.dumps(message).encode(), 400, {"x-amzn-ErrorType": "InvalidParameterValueException"})
            self.applied.append(body["Updates"])
            self._token = f"dG9rZW4{len(self.applied)}"
            state = {"CheckpointToken": self._token, "NewExecutionState": page(*ids(body["Updates"]))}
            self._answers[call] = http(json.dumps(state).encode())
        return self._answers[call]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)
    give_credentials(monkeypatch)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def server(ledger: Ledger) -> Iterator[LoopbackServer]:
    with LoopbackServer(default=ledger) as running:
        yield running


@pytest.fixture(params=["lean", "boto3"])
def client(request: pytest.FixtureRequest, server: LoopbackServer) -> Iterator[DurableServiceClient]:
    if request.param == "lean":
        yield SignedClient(server.url, "eu-west-1")
        return
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=5)
    with contextlib.closing(session.client("lambda", endpoint_url=server.url, config=config)) as verbs:
        yield as_service_client(verbs)


def exchange_with(client: DurableServiceClient, seconds: float | None = 10.0) -> Exchange:
    return Exchange(client, "arn:x", FIRST, None if seconds is None else time.monotonic() + seconds)


# Patience

PASSING: dict[str, Act] = {
    "429": error("TooManyRequestsException", "Rate Exceeded.", 429),
    "429 and a moment": error("TooManyRequestsException", "Rate Exceeded.", 429, Retry_After="0"),
    "throttling with 400": error("ThrottlingException", "Rate exceeded", 400),
    "500": error("ServiceException", "An error occurred", 500),
    "503 of a load balancer": sends(http(b"<html>Service Unavailable</html>", 503)),
    "a reset": reset,
    "a close": close,
    "half an answer": sends(http(b'{"CheckpointToken": "x"}')[:-3], then=close),
    "garbage": sends(b"garbage\r\n\r\n", then=close),
    "a page of HTML": sends(http(b"<html>hello</html>")),
}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between tries."""
    monkeypatch.setattr(exchange_module, "_BASE", 0.005)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("failure", PASSING)
def test_a_failure_that_passes_is_tried_again_with_the_same_client_token(
    server: LoopbackServer, ledger: Ledger, client: DurableServiceClient, failure: str
) -> None:
    """Twice in a row too; the very same body goes out until it is taken."""
    exchange = exchange_with(client)
    server.script += [PASSING[failure]] * 2
    assert ids(exchange.send([UPDATE])) == ["1"]
    assert ledger.applied == [[UPDATE]]
    assert len({sent.body for sent in server.requests}) == 1
    assert len(server.requests) >= 3


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("ending", ["a reset", "a close", "half an answer", "500"])
def test_a_lost_reply_is_asked_for_again_and_nothing_is_applied_twice(
    server: LoopbackServer, ledger: Ledger, client: DurableServiceClient, ending: str
) -> None:
    """The service knows the client token, and gives the answer that got lost."""
    exchange = exchange_with(client)
    server.script.append(ledger.then(PASSING[ending]))
    assert ids(exchange.send([UPDATE])) == ["1"]
    assert ids(exchange.send([SECOND])) == ["2"]
    assert ledger.applied == [[UPDATE], [SECOND]]


def test_each_batch_has_a_client_token_of_its_own(server: LoopbackServer, client: DurableServiceClient) -> None:
    """Unlike those of the same invocation and of any other, and legal for the API."""
    server.default = accepted(FIRST)
    for _ in range(3):
        exchange = exchange_with(client)
        for _ in range(3):
            exchange.send([UPDATE])
    tokens = [sent.json["ClientToken"] for sent in server.requests]
    assert len(set(tokens)) == 9
    assert all(re.fullmatch(r"[\x21-\x7E]{1,64}", token) for token in tokens)


def test_each_answer_gives_the_token_of_the_next_call(
    server: LoopbackServer, ledger: Ledger, client: DurableServiceClient
) -> None:
    """A batch or a poll, which is an empty batch."""
    exchange = exchange_with(client)
    batches = [[UPDATE], [], [SECOND]]
    for updates in batches:
        exchange.send(updates)
    assert [sent.json["CheckpointToken"] for sent in server.requests] == [FIRST, "dG9rZW41", "dG9rZW42"]
    assert [sent.json["Updates"] for sent in server.requests] == ledger.applied == batches
    assert exchange.token == "dG9rZW43"


def test_the_service_says_how_long_to_wait(
    server: LoopbackServer, ledger: Ledger, client: DurableServiceClient
) -> None:
    """``Retry-After`` is waited for before the next try, and little more."""
    exchange = exchange_with(client)
    server.script.append(error("TooManyRequestsException", "Rate Exceeded.", 429, Retry_After="0.2"))
    start = time.monotonic()
    exchange.send([UPDATE])
    assert 0.2 <= time.monotonic() - start < 1.0
    assert ledger.applied == [[UPDATE]]


def test_a_wait_beyond_the_deadline_is_not_begun(server: LoopbackServer, client: DurableServiceClient) -> None:
    """The time is given back to the invocation, with the service's word as the cause."""
    exchange = exchange_with(client, 5.0)
    server.script.append(error("TooManyRequestsException", "Rate Exceeded.", 429, Retry_After="30"))
    start = time.monotonic()
    with pytest.raises(CheckpointError, match=r"Rate Exceeded\.") as failed:
        exchange.send([UPDATE])
    assert time.monotonic() - start < 2.0
    assert isinstance(failed.value.__cause__, ServiceError)
    assert (failed.value.__cause__.code, failed.value.__cause__.retry_after) == ("TooManyRequestsException", 30.0)
    assert len(server.requests) == 1


def test_patience_ends_without_a_deadline_too(
    server: LoopbackServer, client: DurableServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ``RETRY_SECONDS``, here shortened; the service is not hammered meanwhile."""
    monkeypatch.setattr(exchange_module, "RETRY_SECONDS", 0.2)
    server.default = PASSING["500"]
    start = time.monotonic()
    with pytest.raises(CheckpointError):
        exchange_with(client, None).send([UPDATE])
    assert time.monotonic() - start < 2.0
    assert 1 < len(server.requests) < 20


# What is not tried again


@pytest.mark.parametrize(
    "refusal",
    [
        error("InvalidParameterValueException", "Invalid checkpoint token", 400),
        error("InvalidParameterValueException", "INVALID CHECKPOINT TOKEN of another invocation", 400),
        error("ExpiredTokenException", "The security token included in the request is expired", 403),
        error("InvalidSignatureException", "Signature expired", 403),
    ],
    ids=["stale", "stale-in-capitals", "expired", "signature"],
)
def test_a_stale_token_and_expired_credentials_are_left_to_another_invocation(
    server: LoopbackServer, client: DurableServiceClient, refusal: Act
) -> None:
    """``CheckpointError`` leaves the handler, so that Lambda calls again; there is one request."""
    server.script.append(refusal)
    with pytest.raises(CheckpointError):
        exchange_with(client).send([UPDATE])
    assert len(server.requests) == 1


def test_vanished_credentials_are_left_to_another_invocation(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sandbox that lost its keys does not fail the execution."""
    exchange = exchange_with(SignedClient(server.url, "eu-west-1"))
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CheckpointError, match="AWS_SECRET_ACCESS_KEY"):
        exchange.send([UPDATE])
    assert server.requests == []


PERMANENT = [
    ("InvalidParameterValueException", 400),
    ("ResourceNotFoundException", 404),
    ("AccessDeniedException", 403),
    ("RequestEntityTooLargeException", 413),
    ("KMSAccessDeniedException", 502),
    ("KMSDisabledException", 502),
    ("KMSInvalidStateException", 502),
    ("KMSNotFoundException", 502),
]


@pytest.mark.parametrize(("code", "status"), PERMANENT)
def test_a_refusal_for_good_is_told_at_once_and_keeps_the_token(
    server: LoopbackServer, ledger: Ledger, client: DurableServiceClient, code: str, status: int
) -> None:
    """No second try, of KMS's 502 neither; nothing was applied, so the token is still good."""
    exchange = exchange_with(client)
    server.script.append(error(code, "no", status))
    with pytest.raises(RefusedError, match=f"{code}: no") as refused:
        exchange.send([UPDATE])
    assert (refused.value.error.code, refused.value.error.status) == (code, status)
    assert len(server.requests) == 1
    assert ids(exchange.send([SECOND])) == ["2"]
    assert ledger.applied == [[SECOND]]


# Pages


def test_all_pages_of_an_answer_are_read(server: LoopbackServer, client: DurableServiceClient) -> None:
    """In order, with the new token, over empty pages and failures that pass."""
    server.script += [
        answer({"CheckpointToken": "bmV3", "NewExecutionState": page("1", NextMarker="m/1")}),
        answer(page(NextMarker="m+2")),
        PASSING["500"],
        answer(page("2", "3", NextMarker="m=3")),
        reset,
        answer(page("4")),
    ]
    assert ids(exchange_with(client).send([UPDATE])) == ["1", "2", "3", "4"]
    asked = [sent.target.partition("?")[2] for sent in server.requests[1:]]
    assert [query for query, _ in itertools.groupby(asked)] == [
        "CheckpointToken=bmV3&Marker=m%2F1", "CheckpointToken=bmV3&Marker=m%2B2", "CheckpointToken=bmV3&Marker=m%3D3"
    ]  # fmt: skip


def test_the_pages_of_the_first_state_are_read_with_the_events_token(
    server: LoopbackServer, client: DurableServiceClient
) -> None:
    """From an event whose own page may be empty."""
    server.script += [answer(page("1", NextMarker="b")), answer(page("2", NextMarker=""))]
    first: ExecutionState = {"Operations": [], "NextMarker": "a"}
    assert ids(exchange_with(client).rest(first)) == ["1", "2"]
    assert [sent.target.partition("?")[2] for sent in server.requests] == [
        "CheckpointToken=Zmlyc3Q%3D&Marker=a", "CheckpointToken=Zmlyc3Q%3D&Marker=b"
    ]  # fmt: skip


@pytest.mark.parametrize("last", [{}, {"Operations": []}, {"Operations": [], "NextMarker": None}])
def test_a_last_page_asks_for_no_other(
    server: LoopbackServer, client: DurableServiceClient, last: ExecutionState
) -> None:
    """An absent, null or empty marker is the end."""
    assert exchange_with(client).rest(last) == []
    assert server.requests == []


def test_a_page_that_cannot_be_had_is_an_error_and_never_the_last(
    server: LoopbackServer, client: DurableServiceClient
) -> None:
    """No part of a state passes for the whole."""
    server.script.append(answer(page("1", NextMarker="b")))
    server.default = sends(http(json.dumps(page("2", NextMarker="c")).encode())[:-4], then=close)
    with pytest.raises(CheckpointError):
        exchange_with(client, 0.4).rest({"Operations": [], "NextMarker": "a"})


def test_a_first_page_that_is_refused_for_good_is_a_refusal(
    server: LoopbackServer, client: DurableServiceClient
) -> None:
    """No invocation could read this state."""
    server.script.append(error("KMSDisabledException", "the key is disabled", 502))
    with pytest.raises(RefusedError):
        exchange_with(client).rest({"Operations": [], "NextMarker": "a"})
    assert len(server.requests) == 1


def test_a_page_refused_after_a_batch_was_taken_does_not_say_that_the_batch_was_refused(
    server: LoopbackServer, client: DurableServiceClient
) -> None:
    """``RefusedError`` promises that nothing was applied; here all was, and another invocation will read it."""
    server.script += [
        answer({"CheckpointToken": "bmV3", "NewExecutionState": page("1", NextMarker="b")}),
        error("InvalidParameterValueException", "no such marker", 400),
    ]
    with pytest.raises(CheckpointError, match="no such marker"):
        exchange_with(client).send([UPDATE])


# No token


@pytest.mark.parametrize(
    "token", [{}, {"CheckpointToken": None}, {"CheckpointToken": ""}], ids=["none", "null", "empty"]
)
def test_nothing_more_is_sent_after_an_answer_without_a_token(
    server: LoopbackServer, client: DurableServiceClient, token: dict[str, str | None]
) -> None:
    """What the answer tells is taken; no further page, batch or poll goes out."""
    exchange = exchange_with(client)
    server.script.append(answer({**token, "NewExecutionState": page("1", NextMarker="more")}))
    assert ids(exchange.send([UPDATE])) == ["1"]
    assert exchange.token is None
    for updates in ([UPDATE], []):
        with pytest.raises(CheckpointError, match="no further checkpoint token"):
            exchange.send(updates)
    assert len(server.requests) == 1


# The deadline


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.1])
@pytest.mark.parametrize(
    "call", [lambda it: it.send([UPDATE]), lambda it: it.rest({"NextMarker": "a"})], ids=["send", "rest"]
)
def test_no_call_is_begun_when_the_deadline_is_near_or_past(
    server: LoopbackServer, client: DurableServiceClient, seconds: float, call: Callable[[Exchange], object]
) -> None:
    """The last moments are for the answer to Lambda."""
    with pytest.raises(CheckpointError):
        call(exchange_with(client, seconds))
    assert server.requests == []


ENDLESS: dict[str, Act] = {
    "silence": silence,
    "trickle": sends(*[b"x"] * 500, every=0.02),
    "a body that trickles": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", *[b" "] * 500, every=0.02),
    "500": PASSING["500"],
    "reset": reset,
    "429": error("TooManyRequestsException", "Rate Exceeded.", 429, Retry_After="0.1"),
    "a page without end": answer({"Operations": [], "NextMarker": "again"}),
}


@pytest.mark.parametrize("how", ENDLESS)
def test_no_call_outlives_the_deadline(server: LoopbackServer, how: str) -> None:
    """Whatever the service does or leaves undone, the caller is back before it."""
    server.default = ENDLESS[how]
    exchange = exchange_with(SignedClient(server.url, "eu-west-1"), 0.4)
    start = time.monotonic()
    with pytest.raises(CheckpointError):
        exchange.rest({"NextMarker": "a"})
    assert time.monotonic() - start < 0.4
    assert server.requests


def test_a_call_that_hangs_is_given_up_and_made_again_while_there_is_time(
    server: LoopbackServer, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection that went dead does not cost the invocation; ``_LONGEST_CALL``, here shortened, bounds it."""
    monkeypatch.setattr(exchange_module, "_LONGEST_CALL", 0.15)
    server.script.append(ledger.then(silence))
    assert ids(exchange_with(SignedClient(server.url, "eu-west-1")).send([UPDATE])) == ["1"]
    assert ledger.applied == [[UPDATE]]
