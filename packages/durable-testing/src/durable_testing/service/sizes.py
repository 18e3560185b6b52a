"""How many bytes something weighs, as the service counts them."""

from __future__ import annotations

import json

from durable_core.spi import ErrorObject
from durable_testing.service.facts import Details


def text_size(text: str) -> int:
    """Give the length of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def error_size(error: ErrorObject) -> int:
    """Give the length of an error's fields as one JSON object, in UTF-8."""
    return text_size(json.dumps(error, ensure_ascii=False, separators=(",", ":")))


def escaped_size(body: object) -> int:
    """Give the length of a body as the most cautious encoder writes it: JSON in ASCII."""
    return len(json.dumps(body))


def fact_size(details: Details) -> int:
    """Give what a fact adds to the bytes that its execution keeps."""
    kept = text_size(details["Result"]) if "Result" in details else 0
    if "Input" in details:
        kept += text_size(details["Input"])
    if "Error" in details:
        kept += error_size(details["Error"])
    return kept
