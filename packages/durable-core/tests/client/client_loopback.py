"""A server on the loopback interface that answers each request as the test has written down, and remembers them all."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import stat
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import botocore.loaders
import botocore.session

if TYPE_CHECKING:
    import ssl

    import pytest

PATIENCE = 10.0
"""Seconds after which the server gives up on what a test does to it, so that a broken test ends."""


class Received(NamedTuple):
    """A request as it came."""

    raw: bytes
    in_one_piece: bool
    """Its first read had everything."""
    connection: int
    """The how-manieth accepted connection it came on, from 0."""

    @property
    def head(self) -> str:
        """The request line and the headers."""
        return self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def method(self) -> str:
        """The first word of the request line."""
        return self.head.split(" ", 1)[0]

    @property
    def target(self) -> str:
        """The second word of the request line."""
        return self.head.split(" ", 2)[1]

    @property
    def headers(self) -> dict[str, str]:
        """The headers, with names in lower case."""
        pairs = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    @property
    def body(self) -> bytes:
        """What follows the head."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def access_key(self) -> str:
        """The id of the key that the request is signed with."""
        return self.headers["authorization"].partition("Credential=")[2].partition("/")[0]


Act = Callable[[socket.socket, Received], None]
"""What the server does with a request; if it closes the connection, no more requests come from there."""


def http(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """An HTTP response with its length."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def chunked(body: bytes, size: int, trailer: str = "") -> bytes:
    """An HTTP response in chunks of *size* bytes."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + chunks + f"0\r\n{trailer}\r\n".encode()


def sends(*parts: bytes, every: float = 0.0, then: Act | None = None) -> Act:
    """Send *parts*, one *every* so many seconds, and *then* do something else."""

    def act(connection: socket.socket, request: Received) -> None:
        for number, part in enumerate(parts):
            time.sleep(every if number else 0)
            connection.sendall(part)
        if then is not None:
            then(connection, request)

    return act


def answer(body: object, status: int = 200, **headers: str) -> Act:
    """Answer with *body* as JSON; ``Retry_After="1"`` becomes the header ``Retry-After``."""
    return sends(http(json.dumps(body).encode(), status, {k.replace("_", "-"): v for k, v in headers.items()}))


def error(code: str, message: str, status: int, **headers: str) -> Act:
    """Answer with an error as Lambda writes it."""
    return answer({"Type": "User", "message": message}, status, x_amzn_ErrorType=code, **headers)


def accepted(token: str = "dG9rZW4tMg==", operations: Iterable[object] = (), **state: str) -> Act:
    """Answer as the service does to a checkpoint that it took."""
    return answer({"CheckpointToken": token, "NewExecutionState": {"Operations": list(operations), **state}})


def close(connection: socket.socket, request: Received) -> None:
    """Close the connection in the orderly way."""
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def reset(connection: socket.socket, request: Received) -> None:
    """Break the connection: the peer gets a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silence(connection: socket.socket, request: Received) -> None:
    """Say nothing until the peer hangs up."""
    connection.recv(1)
    connection.close()


class LoopbackServer:
    """Listens from ``__enter__`` to ``__exit__``; each request takes the next act of the script, or the default one."""

    def __init__(
        self, *script: Act, default: Act | None = None, tls: ssl.SSLContext | None = None, reads: bool = True
    ) -> None:
        self.script = deque(script)
        self.default = accepted() if default is None else default
        self.requests: list[Received] = []
        self.accepted = 0
        self._tls = tls
        self._reads = reads
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._ended = False

    def __enter__(self) -> LoopbackServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._ended = True
            still_open = list(self._open)
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes the thread that accepts
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "the loopback server did not end"
        self._listener.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=f"loopback-{self.port}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with self._lock:
                if self._ended:
                    connection.close()
                    return
                self._open.add(connection)
                number = self.accepted
                self.accepted += 1
            self._start(lambda connection=connection, number=number: self._serve(connection, number))  # type: ignore[misc]

    def _serve(self, accepted: socket.socket, number: int) -> None:
        connection = accepted
        try:
            connection.settimeout(PATIENCE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._open.add(connection)
            while connection.fileno() != -1 and (request := self._read(connection, number)) is not None:
                with self._lock:
                    self.requests.append(request)
                    act = self.script.popleft() if self.script else self.default
                act(connection, request)
        except OSError:
            pass  # the peer hung up: what a test wants to know of it, it sees at the other end
        finally:
            with self._lock:
                self._open -= {accepted, connection}
            accepted.close()
            connection.close()

    def _read(self, connection: socket.socket, number: int) -> Received | None:
        while not self._reads:
            time.sleep(0.01)
            if self._ended:
                return None
        raw, reads = b"", 0
        while (missing := _missing(raw)) > 0:
            data = connection.recv(max(missing, 65_536))
            if not data:
                return None
            raw, reads = raw + data, reads + 1
        return Received(raw, reads == 1, number)


def _missing(raw: bytes) -> int:
    head, end, body = raw.partition(b"\r\n\r\n")
    if not end:
        return 1
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:]) - len(body)
    return 0


def clean_environment(patch: pytest.MonkeyPatch) -> None:
    """Leave nothing in the environment, or in the home directory, that steers an AWS client."""
    for name in list(os.environ):
        if name.upper().startswith(("AWS_", "_X_AMZN")) or name.lower().endswith("_proxy"):
            patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@functools.cache
def _models() -> Any:
    return botocore.loaders.create_loader()


def boto_session(*keys: str) -> Any:
    """A session of boto3 with *keys* and a region, or with what the environment says; models are read only once."""
    bare = botocore.session.get_session()
    bare.register_component("data_loader", _models())
    region = "eu-west-1" if keys else None
    return boto3.Session(*keys, region_name=region, botocore_session=bare)


def give_credentials(patch: pytest.MonkeyPatch, key: str = "AKIDFIRST", token: str | None = None) -> None:
    """Put credentials into the environment, as Lambda does."""
    patch.setenv("AWS_ACCESS_KEY_ID", key)
    patch.setenv("AWS_SECRET_ACCESS_KEY", f"secret/of+{key}")
    if token is None:
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
    else:
        patch.setenv("AWS_SESSION_TOKEN", token)


def resolve(patch: pytest.MonkeyPatch, name: str, port: int, *addresses: str) -> None:
    """Let the host *name* have these IPv4 *addresses*."""
    real = socket.getaddrinfo
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (each, port)) for each in addresses]

    def lookup(host: Any, *rest: Any, **options: Any) -> Any:
        return found if host in (name, name.encode()) else real(host, *rest, **options)

    patch.setattr(socket, "getaddrinfo", lookup)


def sockets_to(port: int) -> Iterator[socket.socket]:
    """A copy of every socket of this process that is connected to *port*."""
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                with socket.fromfd(int(name), socket.AF_INET, socket.SOCK_STREAM) as copy:
                    peer = copy.getpeername()  # a name of another shape is that of another kind of socket
                    if isinstance(peer, tuple) and peer[1] == port:
                        yield copy


def open_descriptors() -> int:
    """How many descriptors this process has open."""
    return len(os.listdir("/dev/fd"))
