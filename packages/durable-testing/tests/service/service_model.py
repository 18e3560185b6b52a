"""The API's model, as botocore has it, and what a value must be to fit it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

MODEL: Any = ServiceModel(Loader().load_service_model("lambda", "service-2", "2015-03-31"))

CURRENT_MODEL = "PauseDurableExecution" in MODEL.operation_names
needs_current_model = pytest.mark.skipif(not CURRENT_MODEL, reason="botocore's model is older than the service")

SCALARS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "timestamp": datetime,
    "blob": bytes,
}


def misfits(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Everything by which a value does not fit a shape of the model."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{path}: not a structure"
            return
        yield from (f"{path}.{name}: missing" for name in shape.required_members if name not in value)
        for name, member in value.items():
            if name in shape.members:
                yield from misfits(shape.members[name], member, f"{path}.{name}")
            elif CURRENT_MODEL:
                yield f"{path}.{name}: unknown"
    elif kind == "list":
        for place, member in enumerate(value):
            yield from misfits(shape.member, member, f"{path}[{place}]")
    elif not isinstance(value, SCALARS[kind]):
        yield f"{path}: {value!r} is no {kind}"
    else:
        yield from misfit_scalar(shape, value, path)


def misfit_scalar(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Everything by which a plain value does not fit."""
    limits = shape.metadata
    if shape.type_name == "timestamp" and value.tzinfo is None:
        yield f"{path}: a naive time"
    if CURRENT_MODEL and limits.get("enum") and value not in limits["enum"]:
        yield f"{path}: {value!r} is none of {limits['enum']}"
    if isinstance(value, str):
        if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
            yield f"{path}: {value!r} does not match {limits['pattern']}"
        value = len(value)
    if isinstance(value, int) and not limits.get("min", value) <= value <= limits.get("max", value):
        yield f"{path}: {value} is outside {limits.get('min')} to {limits.get('max')}"


def assert_fits(shape: str, value: Any) -> None:
    """A value has every member that a shape of the model requires, knows no other, and all are of their types."""
    assert list(misfits(MODEL.shape_for(shape), value, shape)) == []


def assert_answers(operation: str, answer: Any) -> None:
    """An answer is one of this operation of the API, and as boto3 gives it."""
    body = dict(answer)
    assert body.pop("ResponseMetadata")["HTTPStatusCode"] == MODEL.operation_model(operation).http["responseCode"]
    assert_fits(f"{operation}Response", body)
