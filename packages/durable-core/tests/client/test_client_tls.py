"""The lean client over TLS, as it is in Lambda: verified, kept, reopened, in one piece and in time."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_loopback import (
    Act,
    LoopbackServer,
    Received,
    accepted,
    clean_environment,
    close,
    give_credentials,
    http,
    reset,
    resolve,
    sends,
    sockets_to,
)

from durable_core.client.protocol import ServiceError
from durable_core.client.signed import SignedClient

# A key that protects nothing, and its certificate for 127.0.0.1 and localhost, by itself, valid until 2120.
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghv6PHgkhPz7irsZx
J0gP38TqbVesbC8aKxr8EhGjOuShRANCAAS4QrbiSVmq+L0Jf0fIVWr8jbylXN4J
LPeWmgHr5jUiw/Fgq1cDkox7cBGGp46lonyZm/CMzsxgRGsIWYIG8Seo
-----END PRIVATE KEY-----
"""
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1sb29wYmFj
ayB0ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1sb29wYmFjayB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuEK2
4klZqvi9CX9HyFVq/I28pVzeCSz3lpoB6+Y1IsPxYKtXA5KMe3ARhqeOpaJ8mZvw
jM7MYERrCFmCBvEnqKNeMFwwGgYDVR0RBBMwEYcEfwAAAYIJbG9jYWxob3N0MA8G
A1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgKEMB0GA1UdDgQWBBS/gNaLswzV
A2EMoi7N+amlDER7lDAKBggqhkjOPQQDAgNJADBGAiEAl2rq8kWKFy29Q9msTBfY
sD2ZP8MumDVhiMES5A6yLZsCIQCdGyHzCBNouz5hewC2lfV/zs6Q7CXERGBmd1oH
h5RvhQ==
-----END CERTIFICATE-----
"""


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    clean_environment(monkeypatch)
    give_credentials(monkeypatch)
    (tmp_path / "key.pem").write_text(KEY)
    bundle = tmp_path / "certificate.pem"
    bundle.write_text(CERTIFICATE)
    return bundle


@pytest.fixture
def server(bundle: Path) -> Iterator[LoopbackServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, bundle.with_name("key.pem"))
    with LoopbackServer(tls=context) as running:
        yield running


@pytest.fixture
def client(server: LoopbackServer, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> SignedClient:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    return SignedClient(server.url, "eu-west-1")


def checkpoint(client: SignedClient, timeout: float = 5.0) -> str | None:
    return client.checkpoint("arn:x", "dG9rZW4=", [], "c-1", timeout=timeout).get("CheckpointToken")


def part_properly(connection: socket.socket, request: Received) -> None:
    """Say goodbye as TLS has it, then close."""
    assert isinstance(connection, ssl.SSLSocket)
    connection.settimeout(0.01)
    with contextlib.suppress(OSError):
        connection.unwrap()
    connection.close()


def test_requests_over_tls_share_a_connection_and_leave_in_one_piece(
    server: LoopbackServer, client: SignedClient
) -> None:
    """One handshake, and for each request one record that holds head and body."""
    assert [checkpoint(client) for _ in range(3)] == ["dG9rZW4tMg=="] * 3
    assert server.accepted == 1
    assert [sent.in_one_piece for sent in server.requests] == [True] * 3


@pytest.mark.parametrize("ending", [close, reset, part_properly], ids=["closed", "reset", "parted"])
def test_a_tls_connection_that_the_peer_closed_meanwhile_is_reopened(
    server: LoopbackServer, client: SignedClient, ending: Act
) -> None:
    """With TLS's own goodbye or without, there is no error."""
    answer = accepted()

    def act(connection: socket.socket, request: Received) -> None:
        answer(connection, request)
        ending(connection, request)

    server.script.append(act)
    checkpoint(client)
    time.sleep(0.03)
    assert checkpoint(client) == "dG9rZW4tMg=="
    assert [sent.connection for sent in server.requests] == [0, 1]


@pytest.mark.parametrize("ending", [close, reset, part_properly], ids=["closed", "reset", "parted"])
def test_a_tls_connection_that_breaks_under_the_request_is_reopened_once(
    server: LoopbackServer, client: SignedClient, ending: Act
) -> None:
    """Twice is an error."""
    checkpoint(client)
    server.script.append(ending)
    assert checkpoint(client) == "dG9rZW4tMg=="
    server.script += [ending, ending]
    with pytest.raises(ServiceError) as refused:
        checkpoint(client)
    assert refused.value.code == "ConnectionError"
    assert len(server.requests) == 5


def test_a_broken_off_answer_over_tls_is_an_error(server: LoopbackServer, client: SignedClient) -> None:
    """An end without TLS's goodbye cannot pass for the end of a body."""
    server.script.append(sends(http(b"{}")[:-1], then=close))
    with pytest.raises(ServiceError, match="middle of the answer"):
        checkpoint(client)
    assert len(server.requests) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(server: LoopbackServer, bundle: Path) -> None:
    """Without AWS_CA_BUNDLE the system's trust store decides, and nothing is sent."""
    with pytest.raises(ServiceError, match="CERTIFICATE_VERIFY_FAILED"):
        checkpoint(SignedClient(server.url, "eu-west-1"))
    assert server.requests == []
    assert list(sockets_to(server.port)) == []


def test_a_certificate_for_another_host_is_refused(
    server: LoopbackServer, client: SignedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That somebody vouches for it is not enough."""
    resolve(monkeypatch, "lambda.test", server.port, "127.0.0.1")
    with pytest.raises(ServiceError, match=r"lambda\.test"):
        checkpoint(SignedClient(f"https://lambda.test:{server.port}", "eu-west-1"))
    assert server.requests == []


def test_the_time_out_bounds_a_handshake_that_gets_no_answer(bundle: Path) -> None:
    """A peer that accepts and says nothing costs the time-out once."""
    with LoopbackServer(reads=False) as mute:
        start = time.monotonic()
        with pytest.raises(ServiceError) as refused:
            checkpoint(SignedClient(f"https://127.0.0.1:{mute.port}", "eu-west-1"), timeout=0.2)
        assert refused.value.code == "ConnectionError"
        assert 0.19 < time.monotonic() - start < 1.0
        assert list(sockets_to(mute.port)) == []
