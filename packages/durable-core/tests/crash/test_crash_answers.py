"""In whichever order the world outside answers, a program does what it plainly does if it is answered so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any, Final

import pytest
from crash_laws import check
from crash_program import Program
from crash_programs import PROGRAMS
from crash_run import run
from crash_world import BETWEEN, Way, answer_to
from plain_interpreter import PlainOutside, interpret

from durable_testing import LocalRunner, PendingCallback, Run, TestResult, VirtualClock

QUESTIONS: Final = {
    "approval": ["approval"],
    "questions_in_children": ["inner-1", "inner-2", "outer"],
    "all_questions_at_once": ["approval-1", "question", "approval-2"],
    "answers_shared_by_a_list": ["question-1", "question-2", "question-3"],
    "callbacks_created_early_and_asked_for_by_tasks": ["early-0", "early-1", "early-2", "early-3"],
    "map_whose_branches_ask": ["branch-0", "branch-1", "branch-2"],
    "questions_under_a_combinator": ["left", "right"],
    "question_beside_a_pause_and_a_function": ["first", "second"],
    "children_of_branches_that_ask_again_and_again": ["early-0", "early-1", "late-0", "late-1"],
    "race_of_answers": ["one", "two", "three", "four"],
}
"""What each program asks; the others ask one question at a time, or none."""
CASES = [
    pytest.param(PROGRAMS[name], flavour, questions, id=f"{name}-{flavour}")
    for name, questions in QUESTIONS.items()
    for flavour in PROGRAMS[name].flavours
]


class Answering:
    """Brings an execution to its end, answering its callbacks in this order of their names."""

    def __init__(self, order: Sequence[str], way: Way) -> None:
        self._order = order
        self._way = way

    def __call__(self, runner: LocalRunner) -> TestResult[Any]:
        running = runner.start()
        running.settle()
        while not running.is_over:
            if self._way is Way.WITH_TIME_BETWEEN:
                pass_until(runner, running, runner.clock.now() + int(BETWEEN.total_seconds() * 1000))
            answered = self._answer(runner.pending(running.execution_arn))
            if not answered and self._way is not Way.WITH_TIME_BETWEEN:
                runner.pass_time(running.execution_arn)
            running.settle()
        return running.result()

    def _answer(self, pending: Iterable[PendingCallback]) -> bool:
        waiting = {callback.name or "": callback for callback in pending}
        names = sorted(waiting, key=self._order.index)
        for name in names if self._way is Way.ALL_AT_ONCE else names[:1]:
            waiting[name].succeed(answer_to(name))
        return bool(names)


def pass_until(runner: LocalRunner, running: Run, moment: int) -> None:
    """Let time pass until *moment*, in milliseconds, and let the execution do what falls due meanwhile."""
    assert isinstance(runner.clock, VirtualClock)
    while not running.is_over and (alarm := runner.service.next_alarm()) is not None and alarm <= moment:
        runner.pass_time(running.execution_arn)
        running.settle()
    runner.clock.move_to(moment)


@pytest.mark.parametrize("way", Way, ids=lambda way: way.value)
@pytest.mark.parametrize(("each", "flavour", "questions"), CASES)
def test_answers_in_any_order_do_what_they_plainly_do(
    each: Program, flavour: str, questions: Sequence[str], way: Way
) -> None:
    for order in permutations(questions):
        try:
            found = run(each, flavour, drive=Answering(order, way))
            check(each, found, interpret(each.run, PlainOutside(order, way)))
        except Exception as trouble:
            trouble.add_note(f"answered {', '.join(order)}")
            raise


def questions_at_a_time(each: Program) -> int:
    """How many callbacks of the program wait for an answer at the same time, at most."""
    most = 0

    def drive(runner: LocalRunner) -> TestResult[Any]:
        nonlocal most
        running = runner.start()
        running.settle()
        while not running.is_over:
            asked = [
                each for each in runner.pending(running.execution_arn) if not (each.name or "").startswith("silent")
            ]
            most = max(most, len(asked))
            for callback in asked:
                callback.succeed("answered")
            if not asked:
                runner.pass_time(running.execution_arn)
            running.settle()
        return running.result()

    run(each, "async", drive=drive)
    return most


@pytest.mark.parametrize("each", [pytest.param(each, id=name) for name, each in PROGRAMS.items()])
def test_every_program_that_asks_several_questions_at_a_time_is_answered_in_any_order(each: Program) -> None:
    assert questions_at_a_time(each) <= 1 or each.name in QUESTIONS
