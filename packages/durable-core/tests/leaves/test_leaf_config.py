"""Settings of operations: frozen, by keyword, and refused where no execution could accept them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import Any

import pytest

import durable_core
from durable_core import (
    TEXT,
    CallbackConfig,
    ChildConfig,
    Duration,
    FixedDelay,
    InvokeConfig,
    ReplayLogging,
    SerDesContext,
    StepConfig,
    StepSemantics,
    ValidationError,
    WaitDecision,
    WaitForCallbackConfig,
    WaitForConditionConfig,
)


class ReadsOnly:
    """Half a serializer."""

    def deserialize(self, data: str, context: SerDesContext) -> str:
        return data


def done(state: int, attempt: int) -> WaitDecision:
    """A wait strategy."""
    return WaitDecision.done()


CONFIGS: list[Any] = [
    pytest.param(getattr(durable_core, name), id=name) for name in durable_core.__all__ if name.endswith("Config")
]


def test_a_steps_defaults_are_those_of_the_contract() -> None:
    """A default that moves changes every workflow that relies on it."""
    assert dataclasses.asdict(StepConfig()) == {
        "retry_strategy": None,
        "step_semantics": StepSemantics.AT_LEAST_ONCE_PER_RETRY,
        "serdes": None,
        "timeout": None,
        "errors": (),
        "returns": None,
    }


def test_a_childs_defaults_are_those_of_the_contract() -> None:
    """Recorded, by the default serializer, with no summary."""
    assert dataclasses.asdict(ChildConfig()) == {
        "serdes": None,
        "returns": None,
        "summary_generator": None,
        "error_mapper": None,
        "virtual": False,
    }


CALLBACK = {"timeout": None, "heartbeat_timeout": None, "serdes": None, "returns": None}


@pytest.mark.parametrize(
    ("config", "defaults"),
    [
        (
            WaitForConditionConfig(wait_strategy=done),
            {"wait_strategy": done, "retry_strategy": None, "timeout": None, "serdes": None, "returns": None},
        ),
        (CallbackConfig(), CALLBACK),
        (
            WaitForCallbackConfig(),
            CALLBACK | {"retry_strategy": None, "step_semantics": StepSemantics.AT_LEAST_ONCE_PER_RETRY},
        ),
        (InvokeConfig(), {"tenant_id": None, "payload_serdes": None, "result_serdes": None, "returns": None}),
    ],
)
def test_other_defaults_are_those_of_the_contract_too(config: Any, defaults: dict[str, Any]) -> None:
    """Nothing ends a wait for the world outside unless the program says so."""
    assert dataclasses.asdict(config) == defaults


def test_a_condition_has_no_strategy_unless_it_is_given_one() -> None:
    """How often to look, and what for, is the program's to say."""
    with pytest.raises(TypeError, match="wait_strategy"):
        WaitForConditionConfig()  # type: ignore[call-arg]


def test_the_ways_of_logging_on_a_replay_are_four() -> None:
    """In the words of the contract."""
    assert {each.name for each in ReplayLogging} == {"SUPPRESS_ALL", "ALLOW_ALL", "ERRORS_ONLY", "WARNINGS_AND_ERRORS"}


@pytest.mark.parametrize("cls", CONFIGS)
def test_a_configuration_is_frozen_and_by_keyword(cls: Any) -> None:
    """So that fields can be added, and one configuration can be shared by many steps."""
    assert cls.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(cls))


@pytest.mark.parametrize("cls", [CallbackConfig, InvokeConfig, WaitForCallbackConfig])
def test_a_configuration_can_be_made_with_its_type_named(cls: Any) -> None:
    """As a type checker reads it; it is frozen all the same."""
    config = cls[int](returns=int)
    assert config == cls(returns=int)
    with pytest.raises(FrozenInstanceError):
        config.returns = str
    with pytest.raises(FrozenInstanceError):
        del config.returns
    assert WaitForConditionConfig[int](wait_strategy=done) == WaitForConditionConfig(wait_strategy=done)


@pytest.mark.parametrize(
    "config",
    [
        StepConfig(retry_strategy=FixedDelay(3), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, serdes=TEXT),
        StepConfig(timeout=timedelta(milliseconds=1), errors=(ValueError, KeyError), returns=list[int]),
        StepConfig(timeout=Duration.from_minutes(5)),
        ChildConfig(virtual=True, summary_generator=str, error_mapper=lambda error: error),
        WaitForConditionConfig(wait_strategy=done, retry_strategy=FixedDelay(3), timeout=timedelta(milliseconds=1)),
        CallbackConfig(timeout=Duration.from_days(1), heartbeat_timeout=Duration.from_days(1), serdes=TEXT),
        CallbackConfig(heartbeat_timeout=timedelta(seconds=99_999_999), returns=int),
        WaitForCallbackConfig(timeout=timedelta(milliseconds=1), retry_strategy=FixedDelay(3), returns=list),
        WaitForCallbackConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY),
        InvokeConfig(tenant_id="Tenant 7 ._:/=+@-", payload_serdes=TEXT),
        InvokeConfig(tenant_id="x" * 256, result_serdes=TEXT, returns=str),
    ],
)
def test_what_the_contract_names_is_taken(config: Any) -> None:
    """And changed with ``dataclasses.replace``."""
    assert dataclasses.replace(config) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timeout": 5}, "StepConfig.timeout takes a timedelta above zero, got 5"),
        ({"timeout": "5 s"}, "StepConfig.timeout takes a timedelta above zero, got '5 s'"),
        ({"timeout": timedelta(0)}, "StepConfig.timeout takes a timedelta above zero"),
        ({"timeout": timedelta(seconds=-1)}, "StepConfig.timeout takes a timedelta above zero"),
        ({"retry_strategy": 3}, "StepConfig.retry_strategy takes a callable such as FixedDelay"),
        ({"step_semantics": "at-most-once"}, "StepConfig.step_semantics takes a StepSemantics, got 'at-most-once'"),
    ],
)
def test_a_step_setting_that_means_nothing_is_refused(settings: dict[str, Any], message: str) -> None:
    """Where it is written, before any effect."""
    with pytest.raises(ValidationError, match=message):
        StepConfig(**settings)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: StepConfig(serdes=ReadsOnly()), id="a serializer that cannot write"),  # type: ignore[arg-type]
        pytest.param(lambda: StepConfig(errors=ValueError), id="a class in place of classes"),  # type: ignore[arg-type]
        pytest.param(lambda: StepConfig(errors=("ValueError",)), id="a class by its name"),  # type: ignore[arg-type]
        pytest.param(lambda: StepConfig(errors=(int,)), id="a class that is no error"),  # type: ignore[arg-type]
        pytest.param(lambda: StepConfig(serdes="json"), id="a serializer by its name"),  # type: ignore[arg-type]
        pytest.param(lambda: ChildConfig(serdes=print), id="a function for a serializer"),  # type: ignore[arg-type]
        pytest.param(lambda: ChildConfig(summary_generator="short"), id="a summary as text"),  # type: ignore[arg-type]
        pytest.param(lambda: ChildConfig(error_mapper=ValueError()), id="an error for a mapper"),  # type: ignore[arg-type]
    ],
)
def test_other_nonsense_is_refused_where_it_is_written_too(make: Any) -> None:
    """Not in the operation that first needs it."""
    with pytest.raises(ValidationError):
        make()


MONTH = timedelta(days=30)
BAD_SETTINGS: list[tuple[Any, dict[str, Any], str]] = [
    *[
        (cls, {name: duration}, rf"{cls.__name__}\.{name} (takes a timedelta|must be from 1 second)")
        for cls in (CallbackConfig, WaitForCallbackConfig)
        for name in ("timeout", "heartbeat_timeout")
        for duration in (5, 5.0, "5 s", timedelta(0), timedelta(seconds=-1), timedelta(seconds=100_000_000))
    ],
    *[
        (
            cls,
            {"timeout": MONTH, "heartbeat_timeout": 2 * MONTH},
            f"{cls.__name__}.heartbeat_timeout must not be longer",
        )
        for cls in (CallbackConfig, WaitForCallbackConfig)
    ],
    (CallbackConfig, {"serdes": ReadsOnly()}, "CallbackConfig.serdes takes an object with serialize and deserialize"),
    (WaitForCallbackConfig, {"serdes": json}, "WaitForCallbackConfig.serdes takes an object with serialize"),
    (WaitForCallbackConfig, {"retry_strategy": 3}, "WaitForCallbackConfig.retry_strategy takes a callable"),
    (WaitForCallbackConfig, {"step_semantics": "at-most-once"}, "step_semantics takes a StepSemantics"),
    *[
        (InvokeConfig, {"tenant_id": tenant}, "InvokeConfig.tenant_id takes 1 to 256")
        for tenant in ("", "x" * 257, "tenant!", "Mieter ä", "line\n", 7, b"tenant")
    ],
    (InvokeConfig, {"payload_serdes": "json"}, "InvokeConfig.payload_serdes takes an object"),
    (InvokeConfig, {"result_serdes": ReadsOnly()}, "InvokeConfig.result_serdes takes an object"),
    (WaitForConditionConfig, {"wait_strategy": None}, "WaitForConditionConfig.wait_strategy takes a callable"),
    (WaitForConditionConfig, {"wait_strategy": MONTH}, "such as poll_every"),
    *[
        (WaitForConditionConfig, {"wait_strategy": done, "timeout": timeout}, "WaitForConditionConfig.timeout takes")
        for timeout in (5, 5.0, timedelta(0), timedelta(seconds=-1))
    ],
    (WaitForConditionConfig, {"wait_strategy": done, "retry_strategy": 3}, "retry_strategy takes a callable"),
    (WaitForConditionConfig, {"wait_strategy": done, "serdes": ReadsOnly()}, "WaitForConditionConfig.serdes takes"),
]


@pytest.mark.parametrize(("cls", "settings", "message"), BAD_SETTINGS)
def test_a_setting_of_what_asks_the_world_outside_is_refused_by_its_name(
    cls: Any, settings: dict[str, Any], message: str
) -> None:
    """Where it is written, with what it takes and what it got."""
    with pytest.raises(ValidationError, match=message):
        cls(**settings)
