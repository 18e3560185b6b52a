"""The functions that a runner can invoke: durable ones, and plain ones for ``ctx.invoke``."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from durable_core import DurableFunction, ValidationError
from durable_core.spi import ErrorObject, Workflow, encode_json
from durable_testing.service.arns import LATEST, Function, function_of
from durable_testing.service.errors import Rejection
from durable_testing.service.executions import Target

Plain = Callable[..., Any]


class Functions:
    """Functions by name."""

    def __init__(self) -> None:
        self._durable: dict[str, Workflow] = {}
        self._plain: dict[str, Plain] = {}

    def add(self, name: str, target: DurableFunction[Any] | Plain) -> None:
        """Let *name* stand for *target*: a durable function, ``f(event)``, or ``f(event, lambda_context)``."""
        if not callable(target):
            raise ValidationError(f"register takes a durable function or one that takes an event, got {target!r}")
        known = known_name(name)
        self._durable.pop(known, None)
        self._plain.pop(known, None)
        if isinstance(target, DurableFunction):
            if "." in known:
                raise ValidationError(f"the name of a durable function has letters, digits, - and _, got {name!r}")
            self._durable[known] = target.durable
        else:
            self._plain[known] = target

    def find(self, function: Function) -> Target | None:
        """What the service is to know of a function; ``None`` if there is none."""
        if function.name not in self._durable and function.name not in self._plain:
            return None
        version = function.qualifier if function.qualifier is not None and function.qualifier.isdecimal() else LATEST
        return Target(version, durable=function.name in self._durable)

    def workflow(self, execution_arn: str) -> Workflow:
        """The workflow of an execution."""
        return self._durable[execution_arn.split(":")[6]]

    def call(self, function_name: str, payload: str, lambda_context: Any) -> tuple[str | None, ErrorObject | None]:
        """What a plain function makes of *payload*: its result as JSON, or its error."""
        target = self._plain[function_of(function_name).name]
        try:
            arguments = (json.loads(payload), lambda_context)[: _arity(target)]
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return None, {"ErrorType": "InvalidRequestContentException", "ErrorMessage": message}
        try:
            result = target(*arguments)
            if inspect.isawaitable(result):
                result = _run(result)
            return encode_json(result), None
        except (Exception, SystemExit) as error:
            return None, crashed(error)


def known_name(name: str) -> str:
    """The name of a function, without its qualifier; ``ValidationError`` if it is none."""
    given: object = name
    if not isinstance(given, str):
        raise ValidationError(f"a function is registered by its name or ARN, got {name!r}")
    try:
        return function_of(name).name
    except Rejection as rejection:
        raise ValidationError(str(rejection)) from None


def crashed(error: BaseException) -> ErrorObject:
    """What Lambda reports of a function that raised *error*."""
    return {"ErrorType": type(error).__name__, "ErrorMessage": str(error)}


def _arity(target: Plain) -> int:
    """2 if *target* takes an event and a context, else 1."""
    try:
        inspect.signature(target).bind(None, None)
    except (TypeError, ValueError):
        return 1
    return 2


def _run(awaitable: Any) -> Any:
    """What *awaitable* gives, on a loop of its own; on another thread, if this one runs a loop already."""

    async def awaited() -> Any:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(awaited())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, awaited()).result()
