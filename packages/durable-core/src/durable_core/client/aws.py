"""``LambdaClient``: the real service, by the leanest way that the environment allows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from durable_core._wire.shapes import CheckpointAnswer, ExecutionState, OperationUpdate
from durable_core.client.boto import BotoClient
from durable_core.client.protocol import DurableServiceClient
from durable_core.client.signed import SignedClient
from durable_core.client.urls import parse_endpoint
from durable_core.errors import ValidationError

_NEED_BOTO3 = (
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
)
"""Settings of the environment that botocore knows how to honour."""

_READ_TIMEOUT = 35


class LambdaClient:
    """The durable API of AWS Lambda.

    Where the environment holds credentials and region, as in Lambda, requests are signed and sent with the standard
    library; in every other case (profiles, proxies, FIPS, SSO …) through boto3's client, which is made here.
    """

    def __init__(self, *, endpoint_url: str | None = None, region: str | None = None) -> None:
        env = os.environ
        region = region or env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
        endpoint = endpoint_url or configured_endpoint(env)
        if endpoint is not None:
            check_endpoint(endpoint, in_lambda="AWS_LAMBDA_FUNCTION_NAME" in env)
        lean = is_lean(env) and region is not None and (endpoint or standard_endpoint(region))
        self._calls: DurableServiceClient
        if lean and region is not None:
            self._calls = SignedClient(lean, region)
        else:
            self._calls = BotoClient(_boto3_client(endpoint, region))

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
        return self._calls.checkpoint(arn, token, updates, client_token, timeout=timeout)

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        """A page of state, as ``DurableServiceClient.get_state``."""
        return self._calls.get_state(arn, token, marker, timeout=timeout)


def is_lean(env: Mapping[str, str]) -> bool:
    """Whether *env* holds credentials, and nothing that only botocore knows how to honour."""
    return bool(env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY")) and not any(
        env.get(name, "").lower() not in ("", "false") for name in _NEED_BOTO3
    )


def configured_endpoint(env: Mapping[str, str]) -> str | None:
    """The endpoint that *env* sets for Lambda, or for all services."""
    if env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return env.get("AWS_ENDPOINT_URL_LAMBDA") or env.get("AWS_ENDPOINT_URL") or None


def standard_endpoint(region: str) -> str | None:
    """Lambda's endpoint in *region*; ``None`` in partitions whose names only botocore knows, and for what is no region.

    botocore says what is wrong with it; in a URL it could lead to another host.
    """
    if not (region.isascii() and region.replace("-", "").isalnum()):
        return None
    if region.startswith("cn-"):
        return f"https://lambda.{region}.amazonaws.com.cn"
    if "-iso" in region or region.startswith("eusc-"):
        return None
    return f"https://lambda.{region}.amazonaws.com"


def check_endpoint(url: str, *, in_lambda: bool) -> None:
    """``ValidationError`` unless *url* is one; inside Lambda it must be https or loopback."""
    endpoint = parse_endpoint(url)
    if endpoint is None:
        raise ValidationError(f"an endpoint is a URL such as https://lambda.eu-west-1.amazonaws.com, got {url!r}")
    if in_lambda and not endpoint.tls and endpoint.host not in ("127.0.0.1", "localhost", "::1"):
        raise ValidationError(f"inside Lambda an endpoint must be https or loopback, got {url!r}")


def _boto3_client(endpoint: str | None, region: str | None) -> Any:
    import boto3  # pyright: ignore[reportMissingTypeStubs]
    from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]

    untyped: Any = boto3
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=_READ_TIMEOUT)
    return untyped.client("lambda", region_name=region, endpoint_url=endpoint, config=config)
