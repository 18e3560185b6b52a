"""The little of URLs that the client needs; the standard library's parser costs 2 ms of a cold start."""

from __future__ import annotations

import re

from msgspec import Struct

_URL = re.compile(
    r"(?P<scheme>https?)://(?:[^/?#@\s]*@)?"
    r"(?P<authority>(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<host>[^/?#@:\[\]\s\x00-\x20\x7f]+))(?::(?P<port>[0-9]{1,5}))?)"
    r"(?P<path>/[^?#\s\x00-\x20\x7f]*)?",
    re.IGNORECASE,
)
_UNRESERVED = re.compile(rb"[^A-Za-z0-9_.~-]")
_NOT_OF_A_PATH = re.compile(rb"[^A-Za-z0-9_.~/-]")


class Endpoint(Struct, frozen=True):
    """Where an API is."""

    tls: bool
    host: str
    port: int
    authority: str
    """Host and port as they stand in the URL, without user and password: the ``Host`` header."""
    path: str
    """Without a slash at its end."""


def parse_endpoint(url: str) -> Endpoint | None:
    """The endpoint that *url* names: ``http`` or ``https``, without a query; ``None`` if it is no such URL."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    tls = found["scheme"].lower() == "https"
    port = int(found["port"] or (443 if tls else 80))
    if port > 65_535:
        return None
    host = (found["v6"] or found["host"]).lower()
    return Endpoint(tls, host, port, found["authority"], (found["path"] or "").rstrip("/"))


def quote(text: str) -> str:
    """*text* with all but unreserved characters percent-encoded, as RFC 3986 says."""
    return _UNRESERVED.sub(_encoded, text.encode()).decode()


def quote_path(path: str) -> str:
    """*path* likewise, with its slashes kept."""
    return _NOT_OF_A_PATH.sub(_encoded, path.encode()).decode()


def _encoded(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]
