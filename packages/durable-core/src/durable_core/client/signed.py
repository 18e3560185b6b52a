"""The two calls, signed and sent with the standard library, where the environment holds the credentials."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

import msgspec

from durable_core._wire.shapes import CheckpointAnswer, ExecutionState, OperationUpdate
from durable_core.client.boto import seconds
from durable_core.client.connection import Connection, Response
from durable_core.client.protocol import ServiceError, check_answer
from durable_core.client.sigv4 import Credentials, canonical_query, sign
from durable_core.client.urls import parse_endpoint, quote

_VERSION = "/2025-12-01/durable-executions/"


class _State(TypedDict, total=False):
    Operations: list[dict[str, Any]] | None
    NextMarker: str | None


class _Answer(_State, total=False):
    """The answers of both calls, as far as they are looked into here."""

    CheckpointToken: str | None
    NewExecutionState: _State | None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answer).decode
_decode_error = msgspec.json.Decoder(dict[str, Any]).decode


class SignedClient:
    """Lambda's durable API over one kept connection; credentials are read from the environment at each call."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        endpoint = parse_endpoint(endpoint_url)
        assert endpoint is not None, "LambdaClient has checked it"
        tls = None
        if endpoint.tls:
            import ssl

            tls = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
        self._region = region
        self._host = endpoint.authority
        self._base = endpoint.path
        self._connection = Connection(endpoint.host, endpoint.port, tls)

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
        try:
            body = _encode({"CheckpointToken": token, "Updates": updates, "ClientToken": client_token})
        except Exception as error:  # as by botocore, what cannot be written is refused before anything is sent
            raise ServiceError("ParamValidationError", f"{type(error).__name__}: {error}") from error
        answer: Any = self._call("POST", arn, "checkpoint", {}, body, timeout)
        check_answer(answer, "CheckpointToken", "NewExecutionState")
        state = answer.setdefault("NewExecutionState", {})
        _mark_seconds(state.get("Operations") or ())
        return answer  # type: ignore[no-any-return]

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        """A page of state, as ``DurableServiceClient.get_state``."""
        answer: Any = self._call("GET", arn, "state", {"CheckpointToken": token, "Marker": marker}, b"", timeout)
        check_answer(answer, "Operations", "NextMarker")
        _mark_seconds(answer.get("Operations") or ())
        return answer  # type: ignore[no-any-return]

    def _call(
        self, method: str, arn: str, verb: str, query: Mapping[str, str], body: bytes, timeout: float | None
    ) -> Any:
        path = f"{self._base}{_VERSION}{quote(arn)}/{verb}"
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
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if not os.environ.get(name):
            raise ServiceError("NoCredentials", f"the environment no longer holds {name}")
    env = os.environ
    return Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN"))


_NO_JSON = (msgspec.MsgspecError, ValueError, RecursionError)
"""What the decoder raises: of the wrong shape, not UTF-8, nested too deep."""


def _read(response: Response) -> Any:
    if not 200 <= response.status < 300:
        raise _refusal(response)
    try:
        answer = _decode(response.body) if response.body else _Answer()
        return _without_nulls(answer) if b"null" in response.body else answer
    except _NO_JSON as error:
        raise ServiceError("ConnectionError", f"an answer that makes no sense: {error}") from error


def _without_nulls(value: object) -> Any:
    """*value* without members that are null: Lambda writes some absent members so, and botocore drops them too."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {name: _without_nulls(each) for name, each in members.items() if each is not None}
    return [_without_nulls(each) for each in cast("list[object]", value)] if isinstance(value, list) else value


def _refusal(response: Response) -> ServiceError:
    """The error in *response*; code and message stand where botocore looks for them, and in its order."""
    try:
        content = _decode_error(response.body)
    except _NO_JSON:
        content = {}
    named = (content.get(name) for name in ("code", "Code", "__type"))
    code = response.headers.get("x-amzn-errortype") or next(filter(None, named), response.status)
    return ServiceError(
        str(code).split(":", 1)[0].rpartition("#")[2],
        str(content.get("message") or content.get("Message") or f"HTTP status {response.status}"),
        status=response.status,
        retry_after=seconds(response.headers.get("retry-after")),
    )


def _mark_seconds(operations: Sequence[Any]) -> None:
    """JSON may write whole seconds without a fraction; as a ``float`` they are told from an event's milliseconds."""
    for operation in operations:
        for part in (operation, operation.get("StepDetails"), operation.get("WaitDetails")):
            if isinstance(part, dict):
                members = cast("dict[str, Any]", part)
                for name in _TIMES & members.keys():
                    if isinstance(members[name], int):
                        members[name] = float(members[name])


_TIMES = frozenset({"StartTimestamp", "EndTimestamp", "NextAttemptTimestamp", "ScheduledEndTimestamp"})
