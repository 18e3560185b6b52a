"""``LambdaClient`` takes the leanest way that the environment allows, and leaves the rest to botocore."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import InvalidRegionError, NoRegionError
from botocore.loaders import Loader
from client_loopback import LoopbackServer, answer, boto_session, clean_environment, error, give_credentials, sends

from durable_core.client import BotoClient, DurableServiceClient, as_service_client
from durable_core.client.aws import LambdaClient, check_endpoint, configured_endpoint, is_lean, standard_endpoint
from durable_core.client.protocol import ServiceError
from durable_core.client.signed import SignedClient
from durable_core.client.sigv4 import sign
from durable_core.errors import ValidationError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto_session())  # else it remembers somebody else's environment


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


def way_of(client: DurableServiceClient, server: LoopbackServer) -> str:
    """Make a call, and tell by what arrives who sent it."""
    client.checkpoint("arn:x", "YQ==", [], "c-1", timeout=2)
    sent = server.requests[-1]
    assert "Signature=" in sent.headers["authorization"]
    return "boto3" if "boto" in sent.headers.get("user-agent", "").lower() else "lean"


def scope(server: LoopbackServer) -> list[str]:
    """Key, region and service that the last request is signed for."""
    key, _, region, service, _ = server.requests[-1].headers["authorization"].partition("Credential=")[2].split("/", 4)
    return [key, region, service]


# The choice


@pytest.mark.parametrize("region", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_credentials_and_a_region_in_the_environment_are_all_that_the_lean_way_needs(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    """As Lambda gives them to every function."""
    give_credentials(monkeypatch, "AKIDLEAN", "session")
    monkeypatch.setenv(region, "eu-north-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    assert way_of(LambdaClient(), server) == "lean"
    assert scope(server) == ["AKIDLEAN", "eu-north-1", "lambda"]


def test_endpoint_and_region_can_be_given(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """They come before what the environment says."""
    give_credentials(monkeypatch, "AKIDLEAN")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert way_of(LambdaClient(endpoint_url=server.url, region="sa-east-1"), server) == "lean"
    assert scope(server) == ["AKIDLEAN", "sa-east-1", "lambda"]


def test_a_page_of_state_takes_the_same_way(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both verbs go over the one connection."""
    give_credentials(monkeypatch)
    client = LambdaClient(endpoint_url=server.url, region="eu-west-1")
    server.script.append(answer({"Operations": [], "NextMarker": "b"}))
    assert client.get_state("arn:x", "YQ==", "a", timeout=2) == {"Operations": [], "NextMarker": "b"}
    assert way_of(client, server) == "lean"
    assert server.accepted == 1


def test_a_profile_is_left_to_boto3(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials and region of AWS_PROFILE, out of its files."""
    (tmp_path / "credentials").write_text("[dev]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n")
    (tmp_path / "config").write_text("[profile dev]\nregion = eu-south-2\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "dev")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    assert way_of(LambdaClient(), server) == "boto3"
    assert scope(server) == ["AKIDPROFILE", "eu-south-2", "lambda"]


def test_boto3_does_not_retry_by_itself(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK does, within the deadline of the invocation, which botocore does not know."""
    give_credentials(monkeypatch)
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    server.script.append(error("ServiceException", "m", 500))
    with pytest.raises(ServiceError, match="ServiceException"):
        LambdaClient(endpoint_url=server.url, region="eu-west-1").checkpoint("arn:x", "YQ==", [], "c", timeout=2)
    assert len(server.requests) == 1
    assert "boto" in server.requests[0].headers["user-agent"].lower()


def test_a_region_that_only_a_profile_has_is_left_to_boto3(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the credentials of the environment all the same."""
    (tmp_path / "config").write_text("[default]\nregion = eu-south-2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    give_credentials(monkeypatch, "AKIDENV")
    assert way_of(LambdaClient(endpoint_url=server.url), server) == "boto3"
    assert scope(server) == ["AKIDENV", "eu-south-2", "lambda"]


def test_a_region_that_nobody_names_is_botocores_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which says what is missing."""
    give_credentials(monkeypatch)
    with pytest.raises(NoRegionError, match="region"):
        LambdaClient()


@pytest.mark.parametrize("region", ["evil.test/", "evil.test#", "x@evil.test", "eu west 1", "é"])
def test_a_region_that_is_none_does_not_become_a_host(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    """botocore refuses it by name, before a signed request goes anywhere."""
    give_credentials(monkeypatch)
    monkeypatch.setenv("AWS_REGION", region)
    with pytest.raises(InvalidRegionError):
        LambdaClient()


def test_a_proxy_is_used(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that only the proxy can reach gets the request through it."""
    give_credentials(monkeypatch)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    assert way_of(LambdaClient(endpoint_url="http://lambda.test", region="eu-west-1"), server) == "boto3"
    assert server.requests[0].target.startswith("http://lambda.test/2025-12-01/durable-executions/")


def test_the_fips_endpoint_is_used(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tunnel that is asked for shows the host."""
    give_credentials(monkeypatch)
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    server.default = sends(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    with pytest.raises(ServiceError) as refused:
        LambdaClient(region="us-east-1").checkpoint("arn:x", "YQ==", [], "c", timeout=2)
    assert refused.value.code == "ConnectionError"
    assert server.requests[0].head.startswith("CONNECT lambda-fips.us-east-1.amazonaws.com:443 ")


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_special_endpoints_are_left_to_botocore(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It knows where they are, and what an endpoint of one's own means for them."""
    give_credentials(monkeypatch)
    monkeypatch.setenv(name, "true")
    assert way_of(LambdaClient(endpoint_url=server.url, region="us-east-1"), server) == "boto3"


KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}


@pytest.mark.parametrize(
    ("env", "lean"),
    [
        (KEYS, True),
        ({**KEYS, "AWS_SESSION_TOKEN": "t"}, True),
        ({**KEYS, "AWS_PROFILE": "dev"}, True),  # botocore, too, takes the environment's keys first
        ({**KEYS, "AWS_USE_FIPS_ENDPOINT": "false", "HTTPS_PROXY": ""}, True),
        ({**KEYS, "AWS_USE_FIPS_ENDPOINT": "False"}, True),
        ({**KEYS, "AWS_USE_FIPS_ENDPOINT": "true"}, False),
        ({**KEYS, "AWS_USE_DUALSTACK_ENDPOINT": "True"}, False),
        ({**KEYS, "HTTPS_PROXY": "http://proxy.test:3128"}, False),
        ({**KEYS, "https_proxy": "http://proxy.test:3128"}, False),
        ({**KEYS, "HTTP_PROXY": "http://proxy.test:3128"}, False),
        ({**KEYS, "http_proxy": "http://proxy.test:3128"}, False),
        ({**KEYS, "ALL_PROXY": "socks5://proxy.test"}, False),
        ({**KEYS, "all_proxy": "socks5://proxy.test"}, False),
        ({"AWS_ACCESS_KEY_ID": "a"}, False),
        ({"AWS_SECRET_ACCESS_KEY": "s"}, False),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "s"}, False),
        ({"AWS_PROFILE": "dev"}, False),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}, False),
        ({}, False),
    ],
)
def test_the_lean_way_is_for_plain_credentials_and_nothing_special(env: Mapping[str, str], lean: bool) -> None:
    """Whatever only botocore can honour goes through botocore."""
    assert is_lean(env) is lean


# Endpoints


@pytest.mark.parametrize(
    ("env", "endpoint"),
    [
        ({}, None),
        ({"AWS_ENDPOINT_URL": "http://a"}, "http://a"),
        ({"AWS_ENDPOINT_URL_LAMBDA": "http://l"}, "http://l"),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_LAMBDA": "http://l"}, "http://l"),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_LAMBDA": ""}, "http://a"),
        ({"AWS_ENDPOINT_URL": ""}, None),
        ({"AWS_ENDPOINT_URL_S3": "http://s"}, None),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, None),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}, "http://a"),
    ],
)
def test_lambdas_own_endpoint_variable_comes_before_the_general_one(
    env: Mapping[str, str], endpoint: str | None
) -> None:
    """As AWS's SDKs agreed."""
    assert configured_endpoint(env) == endpoint


def test_the_standard_endpoint_of_every_region_is_botocores_or_left_to_it() -> None:
    """For all regions of all partitions that botocore knows."""
    loader: Any = Loader()
    partitions = loader.load_data("partitions")
    provider: Any = EndpointProvider(loader.load_service_model("lambda", "endpoint-rule-set-1"), partitions)
    known = (region for partition in partitions["partitions"] for region in partition["regions"])
    regions = [region for region in known if "global" not in region]
    assert len(regions) > 30
    for region in regions:
        theirs = provider.resolve_endpoint(Region=region, UseFIPS=False, UseDualStack=False).url
        assert standard_endpoint(region) in (theirs, None), region
    assert standard_endpoint("eu-west-1") == "https://lambda.eu-west-1.amazonaws.com"
    assert standard_endpoint("cn-north-1") == "https://lambda.cn-north-1.amazonaws.com.cn"
    assert standard_endpoint("us-iso-east-1") is None


@pytest.mark.parametrize(
    "url",
    ["", "lambda.eu-west-1.amazonaws.com", "ftp://127.0.0.1", "http://", "https:///path", "http://127.0.0.1:port",
     "http://127.0.0.1:99999", "http://[::1", "file:///etc/passwd"],
)  # fmt: skip
def test_an_endpoint_that_is_no_url_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """At once, by the client's making, and with what was given."""
    give_credentials(monkeypatch)
    with pytest.raises(ValidationError) as refused:
        check_endpoint(url, in_lambda=False)
    assert repr(url) in str(refused.value)
    if url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(ValidationError):
            LambdaClient(region="eu-west-1")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://lambda.eu-west-1.amazonaws.com", True),
        ("HTTPS://vpce-1.lambda.eu-west-1.vpce.amazonaws.com", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080", True),
        ("http://[::1]:8080", True),
        ("http://lambda.eu-west-1.amazonaws.com", False),
        ("http://169.254.169.254", False),
        ("http://127.0.0.1.evil.test", False),
        ("http://localhost.evil.test", False),
        ("http://127.0.0.1@evil.test", False),
        ("http://0.0.0.0:8080", False),
    ],
)
def test_inside_lambda_an_endpoint_is_https_or_loopback(
    monkeypatch: pytest.MonkeyPatch, url: str, allowed: bool
) -> None:
    """State and tokens do not leave a function in clear text; elsewhere any URL will do."""
    give_credentials(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
    LambdaClient(region="eu-west-1")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders")
    if allowed:
        LambdaClient(region="eu-west-1")
    else:
        with pytest.raises(ValidationError, match="https or loopback"):
            LambdaClient(region="eu-west-1")


def test_the_rule_holds_for_boto3_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever way would be taken."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders")
    with pytest.raises(ValidationError, match="https or loopback"):
        LambdaClient(endpoint_url="http://lambda.test", region="eu-west-1")


def test_an_endpoint_may_have_a_path_a_user_and_an_ending_slash(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path comes first, the user stays at home."""
    give_credentials(monkeypatch)
    url = server.url.replace("//", "//user:secret@") + "/stage/"
    assert way_of(LambdaClient(endpoint_url=url, region="eu-west-1"), server) == "lean"
    assert server.requests[0].target.startswith("/stage/2025-12-01/durable-executions/arn%3Ax/checkpoint")
    assert server.requests[0].headers["host"] == f"127.0.0.1:{server.port}"
    assert b"secret" not in server.requests[0].raw


# Clients that are given


class Fake:
    """A service of the user's own."""

    def checkpoint(self, *_: Any, **__: Any) -> Any: ...

    def get_state(self, *_: Any, **__: Any) -> Any: ...


def test_a_client_is_taken_as_it_is_and_boto3s_is_wrapped() -> None:
    """Anything else is refused at once."""
    fake = Fake()
    assert as_service_client(fake) is fake
    lean = SignedClient("http://127.0.0.1:1", "eu-west-1")
    assert as_service_client(lean) is lean
    session = boto_session("a", "s")
    assert isinstance(as_service_client(session.client("lambda")), BotoClient)
    for other in (None, object(), "lambda", session.client("sts")):
        with pytest.raises(ValidationError, match="client takes"):
            as_service_client(other)


# What is imported

PROGRAM = """
import sys
import durable_core
from durable_core.client import default_client
assert default_client() is default_client()
default_client().checkpoint("arn:x", "YQ==", [], "c-1", timeout=5)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_lean_way_imports_neither_boto3_nor_what_it_brings(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor pydantic, nor the standard library's HTTP; from the import to the first answer of the default client."""
    give_credentials(monkeypatch)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    source = str(Path(sign.__code__.co_filename).parents[2])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM],
        env=env, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(server.requests) == 1
    imported = set(ran.stdout.split())
    assert "durable_core" in imported
    assert not imported & {"boto3", "botocore", "pydantic", "urllib3", "http", "email"}
