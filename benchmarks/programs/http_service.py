"""The service over HTTP on loopback, for any client: prints its port, and serves until it is killed.

It is one thread a connection that blocks, with one packet an answer, so that it adds little to what is measured.
"""

from __future__ import annotations

import itertools
import socketserver
import time
from typing import Any

import msgspec
from fake import answer


class Service(socketserver.ThreadingTCPServer):
    """Counts its calls, and knows when the first checkpoint came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.calls = itertools.count(1)
        self.first_checkpoint: int | None = None
        """On the machine's monotonic clock, in nanoseconds."""


class Connection(socketserver.StreamRequestHandler):
    """Answers the requests of one connection, one after the other."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        while request := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = _encode(self.answer(request, self.rfile.read(length)))
            self.wfile.write(_ANSWER % (len(body), body))

    def answer(self, request: bytes, body: bytes) -> dict[str, Any]:
        """The answer to a checkpoint; to anything else, when the first checkpoint came."""
        service = self.server
        assert isinstance(service, Service)
        if not request.partition(b" HTTP/")[0].endswith(b"/checkpoint"):
            return {"first_checkpoint": service.first_checkpoint}
        if service.first_checkpoint is None:
            service.first_checkpoint = time.monotonic_ns()
        return answer(next(service.calls), _decode(body)["Updates"], time.time())


_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode

if __name__ == "__main__":
    with Service() as service:
        print(service.server_address[1], flush=True)
        service.serve_forever()
