"""The functions that a runner can invoke: durable ones, and plain ones for ``ctx.invoke``."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from typing import Any

from durable_core import DurableFunction, ValidationError
from durable_core.spi import ErrorObject, Workflow, encode_json
from durable_testing.service.arns import LATEST, Function, function_of
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
        known = function_of(name).name
        self._durable.pop(known, None)
        self._plain.pop(known, None)
        if isinstance(target, DurableFunction):
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
        arguments = (json.loads(payload), lambda_context)[: _arity(target)]
        try:
            result = target(*arguments)
            if inspect.isawaitable(result):
                result = asyncio.run(_awaited(result))
            return encode_json(result), None
        except Exception as error:
            return None, crashed(error)


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


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
