"""One HTTP/1.1 connection that is kept: a request leaves in one piece, and nothing outlives its time-out.

Only what one JSON API needs. The standard library's client sends head and body in separate packets, which delayed
acknowledgements punish with 40 ms, and its import costs a third of the core's.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import ssl

_MOST_HEAD = 65_536
_MOST_BODY = 64 * 1024 * 1024


class Response(Struct, frozen=True):
    """An HTTP response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """Sends one request at a time to one host; opens itself, and again when the peer has closed it."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._end: float | None = None

    def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, *, timeout: float | None
    ) -> Response:
        """The response to one request; ``OSError`` where there is none within *timeout* seconds."""
        self._end = None if timeout is None else time.monotonic() + timeout
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        lines += [f"Content-Length: {len(body)}", "", ""]
        message = "\r\n".join(lines).encode("latin-1") + body
        reused = self._is_idle()
        try:
            return self._exchange(message)
        except _ClosedBeforeAnswerError:
            if not reused:
                raise
        return self._exchange(message)  # a kept connection had been closed, as after a sandbox was frozen

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._buffer = None, b""

    __del__ = close

    def _is_idle(self) -> bool:
        """Whether there is a kept connection that has been silent since the last answer; one that spoke is closed."""
        if self._socket is None:
            return False
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)  # the end, or words that answer nothing, such as a farewell of status 408
        except OSError as error:
            if isinstance(error, BlockingIOError) or type(error).__name__ == "SSLWantReadError":
                return True
        self.close()
        return False

    def _exchange(self, message: bytes) -> Response:
        try:
            peer = self._opened()
            try:
                peer.sendall(message)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the peer may have answered before it closed, as to a body that it finds too long
            status, headers = self._read_head()
            response = Response(status, headers, self._read_body(headers))
        except BaseException:
            self.close()
            raise
        framed = {"content-length", "transfer-encoding"} & headers.keys()
        if self._buffer or not framed or headers.get("connection", "").lower() == "close":
            self.close()
        return response

    def _opened(self) -> socket.socket:
        if self._socket is None:
            plain = self._connected()
            try:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                plain.settimeout(self._left())
                self._socket = plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=self._host)
            except BaseException:
                plain.close()
                raise
        self._socket.settimeout(self._left())
        return self._socket

    def _connected(self) -> socket.socket:
        """A connection to the first address that takes one; those that do not answer share the time that is left."""
        # As bytes: Python would import the codec of international names for text, which takes 2 ms.
        host = self._host.encode("ascii" if self._host.isascii() else "idna")
        addresses = socket.getaddrinfo(host, self._port, type=socket.SOCK_STREAM)
        for remaining, (family, kind, protocol, _, address) in zip(
            range(len(addresses), 0, -1), addresses, strict=True
        ):
            left = self._left()
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(None if left is None else left / remaining)
                connection.connect(address)
            except OSError:
                connection.close()
                if remaining == 1:
                    raise
            else:
                return connection
        raise OSError(f"{self._host} has no address")

    def _left(self) -> float | None:
        if self._end is None:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer within the time-out")
        return left

    def _read_head(self) -> tuple[int, dict[str, str]]:
        first, *lines = self._read_to(b"\r\n\r\n", started=False).split("\r\n")
        while first.startswith(("HTTP/1.1 1", "HTTP/1.0 1")):  # 100 Continue and its like come before the answer
            first, *lines = self._read_to(b"\r\n\r\n").split("\r\n")
        parts = first.split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or len(parts[1]) != 3 or not parts[1].isdecimal():
            raise OSError("the answer is not HTTP/1.1")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(parts[1]), headers

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        if "content-length" in headers:
            return self._read(_length(headers["content-length"], 10))
        parts, total = [self._buffer], len(self._buffer)
        while data := self._receive():
            parts.append(data)
            total += len(data)
            _check_length(total)
        self._buffer = b""
        return b"".join(parts)

    def _read_chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while size := _length(self._read_to(b"\r\n").split(";")[0], 16):
            total += size
            _check_length(total)
            parts.append(self._read(size))
            self._read_to(b"\r\n")
        while self._read_to(b"\r\n"):
            pass  # trailers
        return b"".join(parts)

    def _read_to(self, mark: bytes, *, started: bool = True) -> str:
        """What comes before *mark*; *started*: a part of the answer has been read."""
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > _MOST_HEAD:
                raise OSError("a line of the answer, or its head, is too long")
            self._more(started=started or bool(self._buffer))
        text, self._buffer = self._buffer[:end].decode("latin-1"), self._buffer[end + len(mark) :]
        return text

    def _read(self, size: int) -> bytes:
        parts, missing = [self._buffer], size - len(self._buffer)
        while missing > 0:
            data = self._receive()
            if not data:
                raise ConnectionError("the connection was closed in the middle of the answer")
            parts.append(data)
            missing -= len(data)
        whole = b"".join(parts)
        self._buffer = whole[size:]
        return whole[:size]

    def _more(self, *, started: bool) -> None:
        try:
            data = self._receive()
        except ConnectionResetError as error:
            if started:
                raise
            raise _ClosedBeforeAnswerError(str(error)) from error
        if not data:
            if not started:
                raise _ClosedBeforeAnswerError("the connection was closed before the answer")
            raise ConnectionError("the connection was closed in the middle of the answer")
        self._buffer += data

    def _receive(self) -> bytes:
        assert self._socket is not None
        self._socket.settimeout(self._left())
        return self._socket.recv(262_144)


class _ClosedBeforeAnswerError(ConnectionError):
    """Nothing of an answer came: on a kept connection the request may go out once more."""


def _length(text: str, base: int) -> int:
    try:
        size = int(text, base)
    except ValueError:
        size = -1
    if size < 0:
        raise OSError(f"the answer's length makes no sense: {text[:40]!r}")
    _check_length(size)
    return size


def _check_length(size: int) -> None:
    if size > _MOST_BODY:
        raise OSError("the answer is too long")
