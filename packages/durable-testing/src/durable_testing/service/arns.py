"""The names under which functions and executions are known."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from durable_testing.service.errors import Rejection

REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"
LATEST: Final = "$LATEST"

FUNCTION: Final = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>[a-z]{2}[a-z-]*-\d):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_\.]+)(?::(?P<qualifier>[$a-zA-Z0-9-_\.]+))?",
    re.ASCII,
)
"""A name, a partial ARN or an ARN, each with a qualifier or without."""


class Function(NamedTuple):
    """A function, and the version or alias of it that was asked for."""

    name: str
    qualifier: str | None


def function_of(text: str) -> Function:
    """Give the function that a name or ARN stands for; ``Rejection`` unless it is of this account and region."""
    parts = FUNCTION.fullmatch(text)
    if parts is None:
        raise Rejection(f"FunctionName {text!r} names no function")
    if parts["region"] not in {None, REGION} or parts["account"] not in {None, ACCOUNT}:
        raise Rejection(f"FunctionName {text!r} is not of account {ACCOUNT} in {REGION}")
    return Function(parts["name"], parts["qualifier"])


def function_arn(name: str, version: str) -> str:
    """Give the ARN of a function's version."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:{version}"


def execution_arn(function: str, name: str, id_: str) -> str:
    """Give the ARN of an execution; *function* is the ARN of the version that it runs on."""
    return f"{function}/durable-execution/{name}/{id_}"
