"""One HTTP/1.1 connection that is kept: a request leaves in one piece, and nothing outlives its time-out.

Only what one JSON API needs. The standard library's client sends head and body in separate packets, which delayed
acknowledgements punish with 40 ms, and its import costs a third of the core's.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl

_MOST_HEAD = 65_536
_MOST_BODY = 64 * 1024 * 1024


class Response(NamedTuple):
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
        reused = self._socket is not None
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

    def _exchange(self, message: bytes) -> Response:
        try:
            try:
                self._opened().sendall(message)
                status, headers = self._read_head()
            except (BrokenPipeError, ConnectionResetError) as error:
                raise _ClosedBeforeAnswerError(str(error)) from error
            response = Response(status, headers, self._read_body(headers))
        except BaseException:
            self.close()
            raise
        if headers.get("connection", "").lower() == "close" or not ({"content-length", "transfer-encoding"} & headers.keys()):
            self.close()
        return response

    def _opened(self) -> socket.socket:
        if self._socket is None:
            plain = socket.create_connection((self._host, self._port), timeout=self._left())
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._socket = plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=self._host)
            except BaseException:
                plain.close()
                raise
        self._socket.settimeout(self._left())
        return self._socket

    def _left(self) -> float | None:
        if self._end is None:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer within the time-out")
        return left

    def _read_head(self) -> tuple[int, dict[str, str]]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MOST_HEAD:
                raise OSError("the answer's head is too long")
            self._more(started=bool(self._buffer))
        head, self._buffer = self._buffer[:end].decode("latin-1"), self._buffer[end + 4 :]
        first, *lines = head.split("\r\n")
        parts = first.split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
            raise OSError("the answer is not HTTP/1.1")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if parts[1].startswith("1"):  # 100 Continue and its like come before the answer
            return self._read_head()
        return int(parts[1]), headers

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        if "content-length" in headers:
            return self._read(_length(headers["content-length"], 10))
        parts = [self._buffer]
        while data := self._receive():
            parts.append(data)
        self._buffer = b""
        return b"".join(parts)

    def _read_chunks(self) -> bytes:
        parts: list[bytes] = []
        while size := _length(self._read_line().split(b";")[0].decode("latin-1"), 16):
            parts.append(self._read(size))
            self._read_line()
        while self._read_line():
            pass  # trailers
        return b"".join(parts)

    def _read_line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._more(started=True)
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

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
        data = self._receive()
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
    if not 0 <= size <= _MOST_BODY:
        raise OSError(f"the answer's length makes no sense: {text[:40]!r}")
    return size
