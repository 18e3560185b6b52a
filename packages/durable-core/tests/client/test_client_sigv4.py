"""The signer equals botocore's: over the vectors that AWS publishes, and over requests like those that are sent."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from client_loopback import LoopbackServer, Received, answer, clean_environment, give_credentials
from hypothesis import given, settings, strategies as st

from durable_core.client.signed import SignedClient
from durable_core.client.sigv4 import Credentials, canonical_query, sign

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8Y"
    "UuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE"
    "8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2"
    "ICCR/oLxBA=="
)
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FORM = "application/x-www-form-urlencoded"


class Vector(NamedTuple):
    """A request of the aws-sig-v4-test-suite, and its signature."""

    name: str
    signature: str
    method: str = "GET"
    path: str = "/"
    query: Mapping[str, str] = MappingProxyType({})
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    session_token: str | None = None


VECTORS = [
    Vector("get-vanilla", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    Vector(
        "get-vanilla-query-order-key-case",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        query={"Param2": "value2", "Param1": "value1"},
    ),
    Vector(
        "get-vanilla-empty-query-key",
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        query={"Param1": "value1"},
    ),
    Vector(
        "get-vanilla-query-unreserved",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        query={UNRESERVED: UNRESERVED},
    ),
    Vector(
        "get-vanilla-utf8-query",
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        query={"ሴ": "bar"},
    ),
    Vector("get-utf8", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85", path="/ሴ"),
    Vector("get-space", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741", path="/example space/"),
    Vector("get-unreserved", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f", path=f"/{UNRESERVED}"),
    Vector(
        "get-header-value-trim",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        headers={"My-Header1": " value1", "My-Header2": ' "a   b   c"'},
    ),
    Vector("post-vanilla", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", "POST"),
    Vector(
        "post-header-key-sort",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        "POST",
        headers={"My-Header1": "value1"},
    ),
    Vector(
        "post-vanilla-query",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        "POST",
        query={"Param1": "value1"},
    ),
    Vector(
        "post-x-www-form-urlencoded",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        "POST",
        headers={"Content-Type": FORM},
        body=b"Param1=value1",
    ),
    Vector(
        "post-x-www-form-urlencoded-parameters",
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
        "POST",
        headers={"Content-Type": f"{FORM}; charset=utf8"},
        body=b"Param1=value1",
    ),
    Vector(
        "post-sts-header-before",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        "POST",
        session_token=SESSION_TOKEN,
    ),
]


def botocores_authorization(
    method: str, url: str, headers: dict[str, str], body: bytes, keys: Credentials, region: str, service: str, time: str
) -> str:
    """The header ``Authorization`` that botocore gives a request."""
    signer: Any = SigV4Auth(BotocoreCredentials(*keys), service, region)
    request: Any = AWSRequest(method, url, headers=headers, data=body)
    request.context["timestamp"] = time
    signer._modify_request_before_signing(request)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    signer._inject_signature_to_request(request, signature)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_a_published_vector_gets_its_published_signature(vector: Vector) -> None:
    """Ours and botocore's signer both give the signature that AWS's test suite states."""
    keys = Credentials("AKIDEXAMPLE", SECRET, vector.session_token)
    headers = {"Host": "example.amazonaws.com", **vector.headers}
    added = sign(
        vector.method, vector.path, vector.query, headers, vector.body,
        credentials=keys, region="us-east-1", service="service", timestamp="20150830T123600Z",
    )  # fmt: skip
    url = "https://example.amazonaws.com" + vector.path
    if vector.query:
        url += "?" + canonical_query(vector.query)
    theirs = botocores_authorization(
        vector.method, url, headers, vector.body, keys, "us-east-1", "service", "20150830T123600Z"
    )
    assert added["Authorization"].rpartition("Signature=")[2] == vector.signature
    assert added["Authorization"] == theirs


def test_the_headers_to_add_are_the_date_the_session_token_and_the_authorization() -> None:
    """Nothing else has to be sent, and the session token only if there is one."""
    headers = {"Host": "example.amazonaws.com"}
    for token, expected in ((None, []), ("", []), ("T", ["X-Amz-Security-Token"])):
        added = sign(
            "GET", "/", {}, headers, b"",
            credentials=Credentials("AKID", SECRET, token),
            region="us-east-1", service="s", timestamp="20150830T123600Z",
        )  # fmt: skip
        assert list(added) == ["X-Amz-Date", *expected, "Authorization"]


BOTH = answer({"CheckpointToken": "bmV3", "Operations": []})
"""An answer to either call."""
names = st.text("abcXYZ019-_", min_size=1, max_size=12)
regions = st.sampled_from(["eu-west-1", "us-gov-east-1", "cn-north-1", "ap-southeast-5"])
tokens = st.binary(max_size=60).map(lambda data: b64encode(data).decode())
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)
arns = st.builds(
    "arn:{}:lambda:{}:123456789012:function:{}:{}/durable-execution/{}/{}".format,
    st.sampled_from(["aws", "aws-cn"]),
    regions,
    names,
    st.sampled_from(["$LATEST", "$LATEST.PUBLISHED", "42"]),
    names,
    st.uuids(),
)
keys_of_all_kinds = st.builds(
    Credentials,
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=16, max_size=20),
    st.text("abcXYZ0123456789+/", min_size=40, max_size=40),
    st.none() | tokens,
)


@settings(max_examples=100, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    base=st.sampled_from(["", "/proxy", "/a b", "/stage~1/x"]),
    arn=arns | st.text(min_size=1, max_size=20).filter(lambda text: text not in (".", "..")),
    query=st.dictionaries(st.text(max_size=8), tokens | st.text(max_size=20), max_size=4),
    headers=st.dictionaries(names.map("X-".__add__), printable, max_size=3),
    body=st.binary(max_size=200),
    keys=keys_of_all_kinds,
    region=regions,
    time=st.integers(0, 4_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")),
)
def test_any_request_gets_the_signature_that_botocore_gives_it(
    method: str, base: str, arn: str, query: dict[str, str], headers: dict[str, str],
    body: bytes, keys: Credentials, region: str, time: str,
) -> None:  # fmt: skip
    """Encoded ARNs, queries of base64, header values with spaces, session tokens and bodies make no difference."""
    path = f"{quote(base)}/2025-12-01/durable-executions/{quote(arn, safe='')}/checkpoint"
    headers = {"Host": "lambda.test", "Content-Type": "application/json", **headers}
    ours = sign(
        method, path, query, headers, body, credentials=keys, region=region, service="lambda", timestamp=time
    )  # fmt: skip
    url = f"https://lambda.test{path}" + (f"?{canonical_query(query)}" if query else "")
    assert ours["Authorization"] == botocores_authorization(method, url, headers, body, keys, region, "lambda", time)


def authorization_by_botocore(server: LoopbackServer, sent: Received, keys: Credentials, region: str) -> str:
    """What botocore would have signed *sent* with, from the bytes that arrived."""
    signed = sent.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: sent.headers[name] for name in signed}
    date = headers.pop("x-amz-date")
    headers.pop("x-amz-security-token", None)
    url = server.url + sent.target
    return botocores_authorization(sent.method, url, headers, sent.body, keys, region, "lambda", date)


def test_what_arrives_at_the_service_verifies_with_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """The very bytes that the lean client sends, path and query as they stand, carry the signature of botocore."""
    clean_environment(monkeypatch)

    @settings(max_examples=60, deadline=None)
    @given(arn=arns, token=tokens, marker=tokens | printable, keys=keys_of_all_kinds, region=regions, payload=printable)
    def law(arn: str, token: str, marker: str, keys: Credentials, region: str, payload: str) -> None:
        give_credentials(monkeypatch, token=keys.session_token)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_key)
        server.requests.clear()
        client = SignedClient(server.url, region)
        client.checkpoint(
            arn, token, [{"Id": "1", "Type": "STEP", "Action": "SUCCEED", "Payload": payload}], "c-1", timeout=5
        )
        client.get_state(arn, token, marker, timeout=5)
        assert [sent.method for sent in server.requests] == ["POST", "GET"]
        for sent in server.requests:
            assert sent.headers["authorization"] == authorization_by_botocore(server, sent, keys, region)
            assert sent.headers.get("x-amz-security-token") == (keys.session_token or None)

    with LoopbackServer(default=BOTH) as server:
        law()
