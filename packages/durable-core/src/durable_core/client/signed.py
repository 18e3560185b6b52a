"""The two calls, signed and sent with the standard library, where the environment holds the credentials."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from durable_core._wire.shapes import CheckpointAnswer, ExecutionState, OperationUpdate
from durable_core.client.boto import seconds
from durable_core.client.connection import Connection, Response
from durable_core.client.protocol import ServiceError
from durable_core.client.sigv4 import Credentials, canonical_query, sign

_VERSION = "/2025-12-01/durable-executions/"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class SignedClient:
    """Lambda's durable API over one kept connection; credentials are read from the environment at each call."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        url = urlsplit(endpoint_url)
        assert url.hostname is not None
        tls = None
        if url.scheme == "https":
            import ssl

            tls = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
        self._region = region
        self._host = url.netloc.rpartition("@")[2]
        self._base = url.path.rstrip("/")
        self._connection = Connection(url.hostname, url.port or (443 if tls else 80), tls)

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        """Record *updates*, as ``DurableServiceClient.checkpoint``."""
        body = _encode({"CheckpointToken": token, "Updates": updates, "ClientToken": client_token})
        answer: Any = self._call("POST", arn, "checkpoint", {}, body, timeout)
        state = answer.setdefault("NewExecutionState", {})
        _mark_seconds(state.get("Operations") or ())
        return answer  # type: ignore[no-any-return]

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        """A page of state, as ``DurableServiceClient.get_state``."""
        answer: Any = self._call("GET", arn, "state", {"CheckpointToken": token, "Marker": marker}, b"", timeout)
        _mark_seconds(answer.get("Operations") or ())
        return answer  # type: ignore[no-any-return]

    def _call(
        self, method: str, arn: str, verb: str, query: Mapping[str, str], body: bytes, timeout: float | None
    ) -> dict[str, Any]:
        path = f"{self._base}{_VERSION}{quote(arn, safe='')}/{verb}"
        headers = {"Host": self._host, "Content-Type": "application/json"}
        headers |= sign(
            method, path, query, headers, body,
            credentials=_credentials(), region=self._region, service="lambda",
            timestamp=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        )  # fmt: skip
        target = f"{path}?{canonical_query(query)}" if query else path
        try:
            response = self._connection.request(method, target, headers, body, timeout=timeout)
        except OSError as error:
            raise ServiceError("ConnectionError", f"{type(error).__name__}: {error}") from error
        return _read(response)


def _credentials() -> Credentials:
    env = os.environ
    try:
        return Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN"))
    except KeyError as missing:
        raise ServiceError("NoCredentials", f"the environment no longer holds {missing}") from None


def _read(response: Response) -> dict[str, Any]:
    try:
        content = _decode(response.body) if response.body else {}
    except msgspec.MsgspecError as error:
        if response.status < 400:
            raise ServiceError("ConnectionError", f"an answer that is not JSON: {error}") from error
        content = {}
    if response.status < 400:
        return content
    code = response.headers.get("x-amzn-errortype") or content.get("__type") or content.get("code") or "Unknown"
    raise ServiceError(
        str(code).split(":", 1)[0].rpartition("#")[2],
        str(content.get("message") or content.get("Message") or f"HTTP status {response.status}"),
        status=response.status,
        retry_after=seconds(response.headers.get("retry-after")),
    )


def _mark_seconds(operations: Sequence[Any]) -> None:
    """JSON may write whole seconds without a fraction; as a ``float`` they are told from an event's milliseconds."""
    for operation in operations:
        for part in (operation, operation.get("StepDetails"), operation.get("WaitDetails")):
            for name in _TIMES & part.keys() if part else ():
                if isinstance(part[name], int):
                    part[name] = float(part[name])


_TIMES = frozenset({"StartTimestamp", "EndTimestamp", "NextAttemptTimestamp", "ScheduledEndTimestamp"})
