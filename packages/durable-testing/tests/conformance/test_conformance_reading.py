"""Files of requirements are read as they are meant, and nothing in them is passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conformance_logs import LogRule
from conformance_outside import CallbackAction
from conformance_requirements import VARIABLE, Requirement, in_order, requirement, suite_folder

EVENT = "ExpectedExecutionHistory: [{EventType: %s, EventId: %d}]\n"


def read(text: str, event: str = "InvocationCompleted", number: int = 4) -> Requirement:
    """A requirement with one event."""
    return requirement("own", "0-1", "Input:\n" * ("Input" not in text) + EVENT % (event, number) + text)


def test_variables_stand_wherever_they_are_named() -> None:
    found = read(
        """
Variables: {WORD: "${GEN_STR:8}", LIMIT: 5}
Input: {word: "${WORD}", text: "at most ${LIMIT}"}
ExpectedResult: {ExecutionStatus: SUCCEEDED, Result: ["${WORD}"]}
CallbackActions: [{CallbackName: "${WORD}", Operation: success, Payload: "${LIMIT}"}]
ExpectedLogs: [{match: {message: "/${WORD}/", op: "${ID}"}}]
"""
    )
    word = found.input["word"]
    assert len(word) == 8
    assert word.isalnum()
    assert found.input["text"] == "at most 5"
    assert found.ending is not None
    assert found.ending.result == [word]
    assert found.actions == [CallbackAction(word, "success", "5", 0)]
    assert found.logs == [LogRule({"message": f"/{word}/", "op": "${ID}"}, 1, None, (), ())]


def test_no_result_is_another_demand_than_a_result_of_null() -> None:
    endings = [read(f"ExpectedResult: {{ExecutionStatus: SUCCEEDED{more}}}").ending for more in ("", ", Result: ")]
    assert [ending and (ending.has_result, ending.result) for ending in endings] == [(False, None), (True, None)]
    assert read("").ending is None


@pytest.mark.parametrize(
    ("counts", "least", "most"),
    [
        ("", 1, None),
        ("count: 0", 0, 0),
        ("count: 2", 2, 2),
        ("min_count: 2", 2, None),
        ("max_count: 3", 0, 3),
        ("min_count: 1, max_count: 3", 1, 3),
    ],
)
def test_log_rules_ask_for_one_record_unless_they_count(counts: str, least: int, most: int | None) -> None:
    [rule] = read(f"ExpectedLogs: [{{match: {{n: 1}}, {counts}}}]").logs
    assert (rule.least, rule.most) == (least, most)


@pytest.mark.parametrize(
    ("event", "ending", "length"),
    [
        ("InvocationCompleted", True, 5),
        ("ExecutionSucceeded", True, 4),
        ("ExecutionFailed", True, 4),
        ("StepStarted", True, None),
        ("InvocationCompleted", False, 4),
    ],
)
def test_the_length_of_the_history_follows_from_its_last_event(event: str, ending: bool, length: int | None) -> None:
    assert read("ExpectedResult: {ExecutionStatus: FAILED}" if ending else "", event).length == length


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ExpectedWeather: fine", "ExpectedWeather"),
        ("ExpectedResult: {ExecutionStatus: FAILED, Error: {}}", "Error"),
        ("CallbackActions: [{CallbackName: a, Operation: success, Twice: true}]", "Twice"),
        ("ExpectedLogs: [{match: {n: 1}, between: []}]", "between"),
        ("Input: ${WORD}", "stands for nothing"),
        ('ExpectedLogs: [{match: {n: "/${ID}/"}}]', "stands for nothing"),
    ],
)
def test_what_is_not_understood_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(text)


def test_ids_are_in_the_order_of_their_numbers() -> None:
    assert sorted(["10-1", "1-10", "1-9"], key=in_order) == ["1-9", "1-10", "10-1"]


def test_the_variable_of_the_environment_says_where_the_suite_is(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert suite_folder() == tmp_path
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        suite_folder()
