"""An error that is too large is cut to fit, and says so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from leaf_exceptions import Declined, Plain

from durable_core import ServiceLimits, StepError
from durable_core._core.failures import MARK, describe as describe_typed, size_of

SMALL, LARGE = ServiceLimits.DEFAULT.error_bytes, ServiceLimits.CURRENT.error_bytes
texts = st.text() | st.text(alphabet='aé€🎉\n"\\\x00', min_size=100, max_size=600) | st.just("🎉" * 9_000)
names = st.text(alphabet="Xé🎉", min_size=1, max_size=400)
limits = st.integers(300, 5_000) | st.just(SMALL)


def describe(error: BaseException, *, limit: int, stack_trace: bool = False) -> Any:
    """The record of *error*, whose members the tests know to be there."""
    return describe_typed(error, limit=limit, stack_trace=stack_trace)


def traced(error: BaseException) -> BaseException:
    """*error* with a stack trace."""
    try:
        raise error
    except BaseException as raised:
        return raised


@settings(max_examples=60)
@given(texts, names, limits, st.booleans())
def test_a_record_is_within_the_limit(text: str, name: str, limit: int, stack_trace: bool) -> None:
    """Measured as JSON, in which one character of the text may take twelve bytes."""
    error = traced(type(name, (Exception,), {"__module__": "m"})(text, {"more": text}))
    record = describe(error, limit=limit, stack_trace=stack_trace)
    assert size_of(record) <= limit
    assert len(json.dumps(record, ensure_ascii=False).encode()) <= limit


@settings(max_examples=60)
@given(texts, limits)
def test_a_cut_message_is_a_beginning_with_a_mark(text: str, limit: int) -> None:
    """What fits is not touched."""
    message = describe(Plain(text), limit=limit)["ErrorMessage"]
    whole = text.encode("utf-8", "backslashreplace").decode()
    assert message == whole or (message.endswith(MARK) and whole.startswith(message.removesuffix(MARK)))
    if size_of({"ErrorType": "leaf_exceptions.Plain", "ErrorMessage": whole}) <= limit:
        assert message == whole


@pytest.mark.parametrize("character", ["x", "é", "€", "🎉", "\x00", '"', "\\", "\u2028"])
@pytest.mark.parametrize("limit", [SMALL, LARGE])
def test_a_cut_message_uses_the_room_there_is(character: str, limit: int) -> None:
    """All but the last character's worth of bytes."""
    record = describe(Plain(character * limit), limit=limit)
    assert limit - 16 < size_of(record) <= limit
    assert record["ErrorMessage"].startswith(character * 1_000)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_the_limit_itself_still_fits(extra: int) -> None:
    """One byte more does not."""
    room = 1_000 - size_of({"ErrorType": "leaf_exceptions.Plain", "ErrorMessage": ""})
    message = describe(Plain("x" * (room + extra)), limit=1_000)["ErrorMessage"]
    assert (MARK in message) is (extra > 0)


def test_the_stack_trace_goes_first_then_the_data_then_the_messages_end() -> None:
    """The class and the message are what programs decide by."""
    error = traced(Declined(51, reason="x" * 600))
    whole = describe(error, limit=10_000, stack_trace=True)
    without_trace = describe(error, limit=size_of(whole) - 1, stack_trace=True)
    without_data = describe(error, limit=size_of(without_trace) - 1, stack_trace=True)
    cut = describe(error, limit=size_of(without_data) - 1, stack_trace=True)
    assert "line" in whole["StackTrace"][0]
    assert without_trace == {**whole, "StackTrace": [MARK]}
    assert "ErrorData" not in without_data
    assert without_data["ErrorMessage"] == whole["ErrorMessage"]
    assert cut["ErrorMessage"].endswith("x" + MARK)
    assert {each["ErrorType"] for each in (whole, without_trace, without_data, cut)} == {"leaf_exceptions.Declined"}


def test_an_operations_error_is_cut_like_any_other() -> None:
    """Its message may be that of another SDK."""
    error = StepError("é" * 50_000, error_type="com.example.Long", error_data="d" * 50_000)
    record = describe(error, limit=SMALL)
    assert record["ErrorType"] == "com.example.Long"
    assert record["ErrorMessage"].endswith(MARK)
    assert size_of(record) <= SMALL
