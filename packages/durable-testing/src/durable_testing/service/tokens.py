"""What nobody can guess: checkpoint tokens, each good for one call, and callback ids."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from typing import Final, NamedTuple

from durable_core.spi import Operation
from durable_testing.service.errors import Rejection

REMEMBERED: Final = 15 * 60 * 1000
"""How long a repeated request is recognised by its client token: 15 minutes, says the API's model."""


def fresh_token() -> str:
    """Give a checkpoint token that was never given before."""
    return base64.b64encode(secrets.token_bytes(24)).decode()


def callback_id(secret: bytes, arn: str, operation_id: str) -> str:
    """Give the id under which the world completes a callback: it names the callback, and proves that it was told."""
    place = f"{arn}\n{operation_id}"
    proof = hmac.digest(secret, place.encode(), "sha256").hex()[:32]
    return base64.b64encode(f"{place}\n{proof}".encode()).decode()


def callback_place(id_: str) -> tuple[str, str]:
    """Give the ARN and the operation that a callback id names, whether or not they are there; else two empty texts."""
    try:
        arn, operation_id, _ = base64.b64decode(id_, validate=True).decode().split("\n")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return arn, operation_id


class Answer(NamedTuple):
    """What a checkpoint told, kept as it was then."""

    operations: list[Operation]
    marker: str | None
    token: str | None


class Call(NamedTuple):
    """An accepted checkpoint, kept so that it can be answered again."""

    token: str
    client_token: str | None
    at: int
    answer: Answer


class Lease:
    """The right of one invocation to record: the token that its next call must show, and the call before."""

    __slots__ = ("_last", "token")

    def __init__(self, token: str) -> None:
        self.token: str | None = token
        self._last: Call | None = None

    def check(self, token: str) -> None:
        """Let pass the token that is next, and no other."""
        if self.token is None:
            raise Rejection("Invalid checkpoint token: the last answer gave none")
        if not hmac.compare_digest(token, self.token):
            raise Rejection("Invalid checkpoint token: it is not the one that the last answer gave")

    def repeated(self, token: str, client_token: str | None, now: int) -> Answer | None:
        """Give the last call's answer, if this is that call again."""
        last = self._last
        if last is None or client_token is None or (last.token, last.client_token) != (token, client_token):
            return None
        return last.answer if now - last.at <= REMEMBERED else None

    def renew(self, *, last: bool = False) -> str | None:
        """Take the token back, and give the next, unless that was the *last*."""
        self.token = None if last else fresh_token()
        return self.token

    def remember(self, call: Call) -> None:
        """Keep a call, in place of the one before."""
        self._last = call
