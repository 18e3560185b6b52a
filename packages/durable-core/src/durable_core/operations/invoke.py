"""``ctx.invoke``: another Lambda function, durable or not, and its result."""

from __future__ import annotations

import re
from typing import Any

from durable_core._core.rebuilding import Family, rebuild
from durable_core._runtime.kind import Kind
from durable_core._wire.shapes import TERMINAL, ChainedInvokeOptions, Operation, OperationType
from durable_core.config import InvokeConfig
from durable_core.errors import InvokeError, InvokeStoppedError, InvokeTimeoutError, OperationError, ValidationError
from durable_core.limits import ServiceLimits
from durable_core.operations.functions import checked_name, hint
from durable_core.serdes import UNTYPED, SerDes, SerDesContext, encode_json, json_serdes

_DEFAULT: InvokeConfig[Any] = InvokeConfig()
_FUNCTION = re.compile(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-\d:)?(\d{12}:)?(function:)?"
    r"[a-zA-Z0-9_.-]+(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9_-]+))?",
    re.ASCII,
)
"""``NamespacedFunctionName`` in the API model."""
_MAX_FUNCTION = 256
_ERRORS: dict[str, type[OperationError]] = {"TIMED_OUT": InvokeTimeoutError, "STOPPED": InvokeStoppedError}


class Invoke(Kind[Any]):
    """A CHAINED_INVOKE operation."""

    __slots__ = ("_function", "_payload", "_written", "config")

    type: OperationType = "CHAINED_INVOKE"
    subtype = "ChainedInvoke"
    recorded = True

    def __init__(self, function_name: str, payload: Any, name: str | None, config: InvokeConfig[Any] | None) -> None:
        function: object = function_name
        if not isinstance(function, str) or len(function) > _MAX_FUNCTION or not _FUNCTION.fullmatch(function):
            raise ValidationError(
                f"invoke takes a function's name or ARN, with or without a qualifier, got {function_name!r}"
            )
        self.name: str | None = checked_name(name)
        self.config: InvokeConfig[Any] = _DEFAULT if config is None else config
        given: object = self.config
        if not isinstance(given, InvokeConfig):
            raise ValidationError(f"invoke takes an InvokeConfig as its config, got {given!r}")
        self._function = function_name
        self._payload = payload
        self._written = ""

    def __str__(self) -> str:
        return f'invoke "{self.name}"' if self.name else f"the invocation of {self._function}"

    def admit(self) -> None:
        self._serdes()
        self._written = self._write_payload()

    def is_over(self, entry: Operation) -> bool:
        return entry["Status"] in TERMINAL

    async def run(self, entry: Operation | None) -> Operation:
        if entry is None:
            options: ChainedInvokeOptions = {"FunctionName": self._function}
            if self.config.tenant_id is not None:
                options["TenantId"] = self.config.tenant_id
            start = self.update("START", Payload=self._written, ChainedInvokeOptions=options)
            if len(self._written.encode()) > ServiceLimits.DEFAULT.payload_bytes:
                await self.driver.put(start)  # it travels alone, and may be refused for its size
            else:
                self.driver.post(start)
        return await self.driver.park(self)

    def recall(self, entry: Operation) -> Any:
        details = entry.get("ChainedInvokeDetails", {})
        if entry["Status"] == "SUCCEEDED":
            return self.read(self._serdes(), details.get("Result") or "null")
        base = _ERRORS.get(entry["Status"], InvokeError)
        raise rebuild(base, details.get("Error", {}), entry, Family(self.execution.settings.errors))

    def _serdes(self) -> SerDes[Any]:
        """How the result is read."""
        given = self.config.result_serdes or self.execution.settings.serdes
        return given or json_serdes(UNTYPED if self.config.returns is None else hint(self.config.returns))

    def _write_payload(self) -> str:
        """The payload as text: an object of any type that has a JSON form, or what its serializer takes."""
        given = self.config.payload_serdes or self.execution.settings.serdes
        payload = encode_json(self._payload) if given is None else self.write(_Sent(given), self._payload)[0]
        self.check_size(payload, self.execution.settings.limits.invoke_bytes, "payload")
        return payload


class _Sent:
    """Writes as another serializer does; what is sent is for the invoked function to read."""

    def __init__(self, serdes: SerDes[Any]) -> None:
        self.serialize = serdes.serialize

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data
