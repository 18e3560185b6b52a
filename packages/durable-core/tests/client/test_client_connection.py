"""The connection: kept, reopened, in one piece, and never longer than its time-out; over real sockets."""

from __future__ import annotations

import gc
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from client_loopback import (
    Act,
    LoopbackServer,
    Received,
    chunked,
    close,
    http,
    open_descriptors,
    reset,
    resolve,
    sends,
    silence,
    sockets_to,
)
from hypothesis import given, settings, strategies as st

from durable_core.client.connection import Connection, Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
OK = http(b"fine")
BIG = bytes(range(256)) * 16_384  # 4 MB


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(default=sends(OK)) as running:
        yield running


@pytest.fixture
def connection(server: LoopbackServer) -> Iterator[Connection]:
    connection = Connection("127.0.0.1", server.port, None)
    yield connection
    connection.close()


def ask(connection: Connection, body: bytes = b"{}", timeout: float | None = 5.0) -> Response:
    return connection.request("POST", "/ask", {"Host": "here", "X-Answer": "42"}, body, timeout=timeout)


# Requests


def test_a_small_request_leaves_in_one_piece(server: LoopbackServer, connection: Connection) -> None:
    """The peer's first read has head and body, on a new connection as on a kept one."""
    for size in (0, 2, 1_000, 20_000):
        ask(connection, b"x" * size)
    assert [sent.in_one_piece for sent in server.requests] == [True] * 4


def test_a_request_is_the_head_and_the_body_and_nothing_else(server: LoopbackServer, connection: Connection) -> None:
    """Byte for byte what HTTP/1.1 asks for."""
    ask(connection, b'{"a": 1}')
    [sent] = server.requests
    assert sent.raw == b'POST /ask HTTP/1.1\r\nHost: here\r\nX-Answer: 42\r\nContent-Length: 8\r\n\r\n{"a": 1}'


def test_packets_are_not_held_back(server: LoopbackServer, connection: Connection) -> None:
    """TCP_NODELAY is set, so that no delayed acknowledgement is waited for."""
    ask(connection)
    assert [copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0 for copy in sockets_to(server.port)] == [True]


def test_big_bodies_arrive_whole_both_ways(server: LoopbackServer, connection: Connection) -> None:
    """Four megabytes up, four down."""
    server.script.append(sends(http(BIG)))
    assert ask(connection, BIG).body == BIG
    assert server.requests[0].body == BIG


# Answers


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (http(b"{}", 202), (202, b"{}")),
        (http(b""), (200, b"")),
        (chunked(b"x" * 5_000, 999), (200, b"x" * 5_000)),
        (chunked(BIG, 65_536, "Some-Trailer: 1\r\n"), (200, BIG)),
        (chunked(b"", 1), (200, b"")),
        (CONTINUE + http(b"{}"), (200, b"{}")),
        (CONTINUE * 3 + b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + http(b"{}"), (200, b"{}")),
        (CONTINUE * 5_000 + http(b"{}"), (200, b"{}")),
        (b"HTTP/1.1 200\r\ncontent-length:2\r\n\r\n{}", (200, b"{}")),
    ],
    ids=["length", "empty", "chunked", "big-chunks", "no-chunks", "continue", "hints", "continues", "no-reason"],
)
@pytest.mark.parametrize("pieces", [1, 7])
def test_an_answer_is_read_to_its_end_and_the_connection_goes_on(
    server: LoopbackServer, connection: Connection, sent: bytes, expected: tuple[int, bytes], pieces: int
) -> None:
    """However it is framed and however it is cut, the next answer is the next request's own."""
    size = len(sent) // pieces + 1
    cut = [sent[start : start + size] for start in range(0, len(sent), size)]
    server.script.append(sends(*cut, every=0.001))
    response = ask(connection)
    assert (response.status, response.body) == expected
    assert ask(connection).body == b"fine"
    assert server.accepted == 1


def test_an_answer_without_a_length_ends_with_the_connection(server: LoopbackServer, connection: Connection) -> None:
    """The next request goes over a new one."""
    server.script.append(sends(b"HTTP/1.1 200 OK\r\n\r\nall of it", then=close))
    assert ask(connection).body == b"all of it"
    assert ask(connection).body == b"fine"
    assert server.accepted == 2


def test_the_names_of_headers_come_in_lower_case(server: LoopbackServer, connection: Connection) -> None:
    """Values keep their case and lose the space around them."""
    server.script.append(sends(http(b"", 429, {"Retry-After": " 7 ", "X-Amzn-ErrorType": "A:B"})))
    assert ask(connection).headers == {"retry-after": "7", "x-amzn-errortype": "A:B", "content-length": "0"}


def test_many_small_chunks_are_read_in_linear_time(server: LoopbackServer, connection: Connection) -> None:
    """A body in tiny chunks costs twice as much at twice the length, not four times."""

    def seconds(size: int) -> float:
        server.script.append(sends(chunked(b"x" * size, 4)))
        start = time.process_time()
        assert len(ask(connection).body) == size
        return time.process_time() - start

    seconds(1_000)
    small, big = (min(seconds(size) for _ in range(3)) for size in (5_000, 40_000))
    assert big < 8 * small * 3


# Kept connections


def test_a_connection_is_kept_over_requests(server: LoopbackServer, connection: Connection) -> None:
    """Ten requests are one accept."""
    for _ in range(10):
        ask(connection)
    assert server.accepted == 1


@pytest.mark.parametrize("ending", [close, reset], ids=["closed", "reset"])
def test_a_connection_that_the_peer_closed_meanwhile_is_reopened(
    server: LoopbackServer, connection: Connection, ending: Act
) -> None:
    """As after a sandbox was frozen: no error, and the service sees the request once."""
    server.script.append(sends(OK, then=ending))
    ask(connection)
    time.sleep(0.02)  # until the end of the connection has arrived
    assert ask(connection, b"second").body == b"fine"
    assert [(sent.body, sent.connection) for sent in server.requests] == [(b"{}", 0), (b"second", 1)]


@pytest.mark.parametrize("ending", [close, reset], ids=["closed", "reset"])
def test_a_kept_connection_that_breaks_under_the_request_is_reopened_once(
    server: LoopbackServer, connection: Connection, ending: Act
) -> None:
    """The request goes out a second time, never a third."""
    ask(connection)
    server.script.append(ending)
    assert ask(connection, b"second").body == b"fine"
    assert server.accepted == 2
    server.script += [ending, ending]
    with pytest.raises(ConnectionError):
        ask(connection, b"third")
    assert [sent.body for sent in server.requests] == [b"{}", b"second", b"second", b"third", b"third"]


def test_a_new_connection_that_breaks_is_not_tried_again(server: LoopbackServer, connection: Connection) -> None:
    """Whether to try again is for the caller to say."""
    for ending in (close, reset):
        server.script.append(ending)
        with pytest.raises(ConnectionError):
            ask(connection)
    assert len(server.requests) == 2


PARTS = {
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "an interim answer": CONTINUE,
    "a head without its body": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfi",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfi",
    "chunks without an end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n",
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("ending", [close, reset], ids=["closed", "reset"])
def test_a_request_is_not_repeated_once_a_part_of_its_answer_came(
    server: LoopbackServer, connection: Connection, part: str, ending: Act
) -> None:
    """The service has taken the request: the error goes to the caller, who knows what a repetition means."""

    def break_off(peer: socket.socket, request: Received) -> None:
        time.sleep(0.02)  # until the part has been read: a reset throws away what has not
        ending(peer, request)

    ask(connection)
    server.script.append(sends(PARTS[part], then=break_off))
    with pytest.raises(ConnectionError):
        ask(connection)
    assert len(server.requests) == 2
    assert ask(connection).body == b"fine"


def test_what_a_server_says_unasked_is_not_taken_for_the_next_answer(
    server: LoopbackServer, connection: Connection
) -> None:
    """A farewell such as 408, sent to an idle connection, is nobody's answer."""
    for farewell in (http(b"too slow", 408), OK):
        server.script.append(sends(OK, farewell, every=0.01))
        ask(connection)
        time.sleep(0.03)
        server.script.append(sends(http(b"own")))
        assert ask(connection).body == b"own"


def test_what_follows_an_answer_in_the_same_packet_is_not_the_next_answer(
    server: LoopbackServer, connection: Connection
) -> None:
    """Bytes beyond the stated length end the connection's use."""
    server.script += [sends(OK + http(b"stray")), sends(http(b"own"))]
    ask(connection)
    assert ask(connection).body == b"own"


def test_an_answer_that_comes_before_the_body_was_read_is_the_answer(
    server: LoopbackServer, connection: Connection
) -> None:
    """A peer that finds the body too long says so and closes; its word counts, not the broken pipe."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        strict = Connection("127.0.0.1", listener.getsockname()[1], None)

        def refuse() -> None:
            peer, _ = listener.accept()
            peer.recv(1_000)
            peer.sendall(http(b"too long", 413))
            time.sleep(0.05)
            peer.close()

        with ThreadPoolExecutor(1) as pool:
            refusal = pool.submit(refuse)
            assert ask(strict, BIG * 8).status == 413
            refusal.result()
        strict.close()


def test_a_peer_that_says_close_is_left(server: LoopbackServer, connection: Connection) -> None:
    """``Connection: close`` is honoured at once."""
    server.script.append(sends(http(b"", headers={"Connection": "Close"})))
    ask(connection)
    assert list(sockets_to(server.port)) == []


# Time


def test_a_server_that_never_answers_is_left_at_the_time_out(server: LoopbackServer, connection: Connection) -> None:
    """Not before it, and not long after."""
    server.script.append(silence)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(connection, timeout=0.2)
    assert 0.19 < time.monotonic() - start < 1.0


@pytest.mark.parametrize(
    "sent",
    [b"HTTP/1.1 200 OK\r\nServer: slow" + b"w" * 999, http(b"x" * 999), chunked(b"x" * 999, 1), CONTINUE * 99],
    ids=["head", "body", "chunks", "interim"],
)
def test_the_time_out_bounds_an_answer_that_trickles(
    server: LoopbackServer, connection: Connection, sent: bytes
) -> None:
    """A byte now and then does not prolong the call."""
    server.script.append(sends(*(sent[at : at + 1] for at in range(len(sent))), every=0.02))
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(connection, timeout=0.2)
    assert 0.19 < time.monotonic() - start < 1.0


def test_the_time_out_bounds_a_request_that_is_not_read() -> None:
    """A peer that takes nothing in cannot hold the call."""
    with LoopbackServer(reads=False) as deaf:
        connection = Connection("127.0.0.1", deaf.port, None)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            ask(connection, BIG * 4, timeout=0.2)
        assert 0.19 < time.monotonic() - start < 1.0


def test_the_second_try_has_what_the_first_left_of_the_time(server: LoopbackServer, connection: Connection) -> None:
    """Both tries together stay within the time-out."""

    def late_reset(peer: socket.socket, request: Received) -> None:
        time.sleep(0.2)
        reset(peer, request)

    ask(connection)
    server.script += [late_reset, silence]
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(connection, timeout=0.5)
    assert time.monotonic() - start < 0.65
    assert len(server.requests) == 3


def full(host: str, port: int = 0) -> tuple[list[socket.socket], int]:
    """A listener that takes no more connections, so that the next one hangs in its handshake."""
    listener = socket.socket()
    listener.bind((host, port))
    listener.listen(0)
    held = [listener]
    port = listener.getsockname()[1]
    while len(held) < 10:
        waiting = socket.socket()
        held.append(waiting)
        waiting.settimeout(0.05)
        try:
            waiting.connect((host, port))
        except TimeoutError:
            break
    return held, port


linux = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.0/8 and a full queue that drops")


@linux
def test_the_time_out_bounds_the_connecting_to_all_addresses_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with two addresses that do not answer costs the time-out once."""
    held, port = full("127.0.0.1")
    more, _ = full("127.0.0.2", port)
    resolve(monkeypatch, "two.test", port, "127.0.0.1", "127.0.0.2")
    try:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            ask(Connection("two.test", port, None), timeout=0.3)
        assert 0.29 < time.monotonic() - start < 0.55
    finally:
        for each in (*held, *more):
            each.close()


@linux
def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is shared out between the addresses."""
    held, port = full("127.0.0.2", server.port)
    resolve(monkeypatch, "two.test", port, "127.0.0.2", "127.0.0.1")
    connection = Connection("two.test", port, None)
    assert ask(connection, timeout=0.6).body == b"fine"
    connection.close()
    for each in held:
        each.close()


@linux
def test_an_address_that_refuses_is_passed_over_for_the_next(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with ``localhost``, which is two addresses of which a server may listen on one."""
    resolve(monkeypatch, "two.test", server.port, "127.0.0.3", "127.0.0.1")
    connection = Connection("two.test", server.port, None)
    assert ask(connection).body == b"fine"
    connection.close()


def test_no_time_out_waits_for_as_long_as_it_takes(server: LoopbackServer, connection: Connection) -> None:
    """``None`` is no bound, on a connection that had one before too."""
    ask(connection, timeout=1.0)
    server.script.append(sends(b"", OK, every=0.2))
    assert ask(connection, timeout=None).body == b"fine"


# What is not an answer


GARBAGE = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "a status in words": b"HTTP/1.1 two 00\r\n\r\n",
    "a status in other digits": b"HTTP/1.1 \xb2\xb2\xb2 OK\r\nContent-Length: 0\r\n\r\n",
    "a length in words": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a length beyond all bounds": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk beyond all bounds": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    "only line ends": b"\r\n\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_an_oserror_and_ends_the_connection(
    server: LoopbackServer, connection: Connection, name: str
) -> None:
    """Never a value, never another exception, and the next request starts afresh."""
    server.script.append(sends(GARBAGE[name], then=close))
    with pytest.raises(OSError):
        ask(connection)
    assert list(sockets_to(server.port)) == []
    assert ask(connection).body == b"fine"


words = [b"HTTP/1.1", b" ", b"200", b"100", b"\r\n", b"\r\n\r\n", b"Content-Length:", b"Transfer-Encoding: chunked"]


def test_no_bytes_of_a_server_lead_to_anything_but_an_answer_or_an_oserror(
    server: LoopbackServer, connection: Connection
) -> None:
    """Whatever arrives and then ends."""

    @settings(max_examples=100, deadline=None)
    @given(
        st.binary(max_size=120) | st.lists(st.sampled_from(words) | st.binary(max_size=4), max_size=12).map(b"".join)
    )
    def law(data: bytes) -> None:
        server.script.append(sends(data, then=close))
        connection.close()
        try:
            assert isinstance(ask(connection), Response)
        except OSError:
            pass

    law()


ENDLESS = {
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + b"x" * 0x100000 + b"\r\n"),
    "the line of a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;", b"x" * 0x100000),
    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"x" * 0x100000),
    "a body without a length": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 0x100000),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_without_end_is_refused_before_it_fills_the_memory(name: str) -> None:
    """There is a limit to what is read, whatever frames it."""
    start, piece = ENDLESS[name]
    with LoopbackServer(sends(start, *[piece] * 90)) as server:
        connection = Connection("127.0.0.1", server.port, None)
        with pytest.raises(OSError, match=r"too long|makes no sense"):
            ask(connection)


# Descriptors


def test_no_descriptor_is_left_after_a_close(server: LoopbackServer) -> None:
    """Good ends and bad ones alike give their descriptors back."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()[1]
    before = open_descriptors()
    for act in (sends(OK), reset, close, sends(GARBAGE["not HTTP"]), sends(PARTS["half a body"], then=close)):
        server.script.append(act)
        connection = Connection("127.0.0.1", server.port, None)
        try:
            ask(connection)
        except OSError:
            pass
        connection.close()
        connection.close()  # a second time is nothing
    with pytest.raises(ConnectionRefusedError):
        ask(Connection("127.0.0.1", nobody, None))
    deadline = time.monotonic() + 2
    while open_descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.01)  # until the server has seen the ends too
    assert open_descriptors() == before
    assert list(sockets_to(server.port)) == []


def test_a_connection_that_nobody_holds_any_more_is_closed_without_a_warning(server: LoopbackServer) -> None:
    """A client may be dropped like one of boto3, with warnings as errors too."""
    connection = Connection("127.0.0.1", server.port, None)
    ask(connection)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del connection
        gc.collect()
    assert list(sockets_to(server.port)) == []
