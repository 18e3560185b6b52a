"""The service's limits: the figures of each profile, and of the API's model where it states them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from durable_core import ServiceLimits
from durable_core.limits import BATCH_BYTES, BATCH_UPDATES, MAX_CALLBACK_SECONDS, MAX_WAIT_SECONDS

KILO, MEGA = 1_024, 1_048_576
FIGURES: list[tuple[str, int | None, int | None]] = [
    ("payload_bytes", 256 * KILO, MEGA),
    ("error_bytes", 32 * KILO, MEGA),
    ("invoke_bytes", MEGA, MEGA),
    ("result_bytes", 6 * MEGA, 6 * MEGA),
    ("response_bytes", 6 * MEGA, 6 * MEGA),
    ("operations", 25_000, 3_000),
    ("metered", False, True),
    ("persisted_bytes", None, 100_000_000),
]


@pytest.mark.parametrize(("name", "default", "current"), FIGURES)
def test_the_figures_of_the_two_profiles(name: str, default: int | None, current: int | None) -> None:
    """As ``service.md`` states them."""
    assert getattr(ServiceLimits.DEFAULT, name) == default
    assert getattr(ServiceLimits.CURRENT, name) == current


def test_every_figure_is_stated_here() -> None:
    """A new one is added to the table above."""
    assert [name for name, *_ in FIGURES] == [field.name for field in dataclasses.fields(ServiceLimits)]


def test_a_profile_is_a_value_that_can_be_changed_in_part() -> None:
    """``limits=replace(ServiceLimits.CURRENT, operations=10_000)``."""
    changed = dataclasses.replace(ServiceLimits.CURRENT, operations=10_000)
    assert (changed.operations, changed.payload_bytes) == (10_000, MEGA)
    assert ServiceLimits.CURRENT.operations == 3_000
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.operations = 1  # type: ignore[misc]


@pytest.fixture(scope="module")
def shapes() -> dict[str, Any]:
    """The shapes of the API's own model, as botocore ships it."""
    loaders = pytest.importorskip("botocore.loaders")
    model: dict[str, Any] = loaders.Loader().load_service_model("lambda", "service-2")
    if "CheckpointDurableExecution" not in model["operations"]:
        pytest.skip("this botocore knows no durable executions")
    found: dict[str, Any] = model["shapes"]
    return found


@pytest.mark.parametrize(
    ("options", "member", "most"),
    [
        ("WaitOptions", "WaitSeconds", MAX_WAIT_SECONDS),
        ("StepOptions", "NextAttemptDelaySeconds", MAX_WAIT_SECONDS),
        ("CallbackOptions", "TimeoutSeconds", MAX_CALLBACK_SECONDS),
        ("CallbackOptions", "HeartbeatTimeoutSeconds", MAX_CALLBACK_SECONDS),
    ],
)
def test_the_longest_durations_are_those_of_the_model(
    shapes: dict[str, Any], options: str, member: str, most: int
) -> None:
    """366 days, and the callbacks' 99,999,999 seconds."""
    stated = shapes[shapes[options]["members"][member]["shape"]].get("max")
    if stated is None:
        pytest.skip("this botocore's model states none")
    assert stated == most


def test_a_call_is_within_the_bounds_of_the_official_sdk() -> None:
    """The service is known to take them."""
    assert (BATCH_UPDATES, BATCH_BYTES) == (250, 750_000)
    assert MAX_WAIT_SECONDS == 366 * 24 * 60 * 60
