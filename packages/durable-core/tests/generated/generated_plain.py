"""What a program means: computed from its data, on a clock of its own, without the core and without running anything.

Only pauses, delays and answers that never come take time. Where two things happen at nearly the same moment and their
order decides, the meaning is not clear, and ``UnclearError`` says so.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from generated_programs import (
    PAYLOAD,
    Answer,
    Batch,
    Body,
    Callback,
    Caught,
    Child,
    Combined,
    Condition,
    Invoke,
    Part,
    Question,
    Raise,
    Step,
    Wait,
)

HOUR: Final = 3_600
DELAY: Final = 1
"""Seconds from a failed attempt, or a look, to the next."""
NEARLY: Final = 1_800
"""Seconds by which crashes, which cost some, may move things."""


class UnclearError(Exception):
    """It is not clear what comes first."""


class Deed(NamedTuple):
    """One run of a step's body."""

    name: str
    attempt: int
    at: int
    """Seconds from the beginning."""


class Meaning(NamedTuple):
    """What comes of a part, if it begins at the second 0."""

    end: int
    value: Any = None
    error: str | None = None
    """What it raises, in place of a value."""
    deeds: tuple[Deed, ...] = ()
    left: tuple[str, ...] = ()
    """Beginnings of the names of operations that may stay without an end."""

    def later(self, seconds: int) -> Meaning:
        """The same, if it begins at that second."""
        deeds = tuple(deed._replace(at=deed.at + seconds) for deed in self.deeds)
        return self._replace(end=self.end + seconds, deeds=deeds)


def meaning_of(body: Body, path: str = "w") -> Meaning:
    """What comes of *body*; the operations of its parts have names that begin with *path*."""
    now, values = 0, []
    deeds: list[Deed] = []
    left: list[str] = []
    for number, part in enumerate(body):
        found = _part(part, f"{path}.{number}").later(now)
        now = found.end
        deeds += found.deeds
        left += found.left
        if found.error is not None:
            return Meaning(now, None, found.error, tuple(deeds), tuple(left))
        values.append(found.value)
    return Meaning(now, values, None, tuple(deeds), tuple(left))


def _part(part: Part, path: str) -> Meaning:
    match part:
        case Step():
            return _step(part, path)
        case Wait(hours):
            return Meaning(hours * HOUR)
        case Condition():
            return _condition(part, path)
        case Callback(answer, hours, between):
            return _answered(answer, hours, path, meaning_of(between, f"{path}.b"))
        case Question(answer, hours, told):
            return _answered(answer, hours, path, _step(told._replace(length=1), f"{path}.tell"))
        case Invoke(fails):
            return Meaning(0, error="7 is refused") if fails else Meaning(0, 14)
        case Raise():
            return Meaning(0, error=f"{path} raises")
        case Child(body):
            return meaning_of(body, path)
        case Caught(body):
            found = meaning_of(body, path)
            return found if found.error is None else found._replace(value=f"caught {found.error}", error=None)
        case Batch():
            return _batch(part, path)
        case Combined():
            return _combined(part, path)


def _step(step: Step, path: str) -> Meaning:
    attempts = min(step.failing + 1, step.most)
    deeds = tuple(Deed(path, n + 1, n * DELAY) for n in range(attempts))
    end = (attempts - 1) * DELAY
    if step.failing >= step.most:
        return Meaning(end, error=f"{path} has failed", deeds=deeds)
    if step.length > PAYLOAD:
        return Meaning(end, error="too large", deeds=deeds)
    return Meaning(end, path + "x" * step.length, deeds=deeds)


def _condition(condition: Condition, path: str) -> Meaning:
    looks = condition.failing + (condition.enough if condition.met else 1)
    deeds = tuple(Deed(path, n + 1, n * DELAY) for n in range(looks))
    end = (looks - 1) * DELAY
    return Meaning(end, condition.enough, deeds=deeds) if condition.met else Meaning(end, error="not met", deeds=deeds)


def _answered(answer: Answer, hours: int, path: str, before: Meaning) -> Meaning:
    """Good and bad answers come at once; who does not answer lets the time run out."""
    if before.error is not None:
        return before._replace(value=None, left=(*before.left, path))
    match answer:
        case "good":
            return before._replace(value=f"good {path}")
        case "bad":
            return before._replace(value=None, error=f"bad {path} is refused")
        case "silent":
            return before._replace(value=None, error="nobody answers", end=max(before.end, hours * HOUR))


class _Ended(NamedTuple):
    """A branch, when its batch is over."""

    number: int
    meaning: Meaning
    """As it would have been without the others."""
    status: str


Enough = Callable[[Sequence[Meaning], int], str | None]
"""Why those that are over are enough, of so many; ``None`` if they are not."""


def _batch(batch: Batch, path: str) -> Meaning:
    end, reason, ended, found = _run(batch.branches, path, batch.most, _COMPLETIONS[batch.completion])
    items = [_shown(each) for each in ended]
    return found._replace(end=end, value=[reason, items])


def _combined(combined: Combined, path: str) -> Meaning:
    end, reason, ended, found = _run(combined.branches, path, None, _COMBINATORS[combined.how])
    over = [each.meaning for each in ended if each.status != "STARTED"]
    match combined.how:
        case "all_settled":
            return found._replace(end=end, value=[reason, [_shown(each) for each in ended]])
        case "all":
            errors = [each.error for each in over if each.error is not None]
            if errors:
                return found._replace(end=end, error=errors[0])
            return found._replace(end=end, value=[each.value for each in over])
        case "any":
            winners = [each for each in over if each.error is None]
            if not winners:
                return found._replace(end=end, error="all failed")
            return found._replace(end=end, value=winners[0].value)
        case "race":
            return found._replace(end=end, value=over[0].value, error=over[0].error)


def _shown(each: _Ended) -> list[Any]:
    if each.status == "STARTED":
        return [each.number, each.status, None, None]
    return [each.number, each.status, each.meaning.value, each.meaning.error]


def _run(
    branches: Sequence[Body], path: str, most: int | None, enough: Enough
) -> tuple[int, str, list[_Ended], Meaning]:
    """When and why it is over, the branches that were started, and what they did until then."""
    alone = [meaning_of(body, f"{path}.{index}") for index, body in enumerate(branches)]
    scheduled = _scheduled(alone, most)
    over: list[Meaning] = []
    moment, reason = 0, "ALL_COMPLETED"
    for meaning in sorted((each for each, _ in scheduled), key=lambda each: each.end):
        over.append(meaning)
        moment = meaning.end
        if len(over) < len(branches) and (why := enough(over, len(branches))) is not None:
            reason = why
            started = [each for each, start in scheduled if start < moment or start == 0]
            _check_clear(moment, [each for each in started if each is not meaning])
            break
    ended: list[_Ended] = []
    deeds: list[Deed] = []
    left: list[str] = []
    for index, (meaning, start) in enumerate(scheduled):
        lost = not any(meaning is each for each in over)
        if lost and start >= moment > 0:
            continue  # it never began
        status = "STARTED" if lost else "SUCCEEDED" if meaning.error is None else "FAILED"
        ended.append(_Ended(index, meaning, status))
        deeds += [deed for deed in meaning.deeds if deed.at <= moment]
        left += [f"{path}.{index}"] if lost else meaning.left
    return moment, reason, ended, Meaning(moment, deeds=tuple(deeds), left=tuple(left))


def _scheduled(alone: Sequence[Meaning], most: int | None) -> list[tuple[Meaning, int]]:
    """So many at a time, in order, and when each begins: as soon as one before it has ended."""
    free = [0] * (most or len(alone))
    found: list[tuple[Meaning, int]] = []
    for meaning in alone:
        start = heapq.heappop(free)
        found.append((meaning.later(start), start))
        heapq.heappush(free, found[-1][0].end)
    return found


def _check_clear(moment: int, others: Sequence[Meaning]) -> None:
    for other in others:
        moments = [other.end, *(deed.at for deed in other.deeds)]
        if any(abs(each - moment) < NEARLY for each in moments):
            raise UnclearError


def _successes(over: Sequence[Meaning]) -> int:
    return sum(each.error is None for each in over)


def _failures(over: Sequence[Meaning]) -> int:
    return sum(each.error is not None for each in over)


_MIN, _TOO_MANY = "MIN_SUCCESSFUL_REACHED", "FAILURE_TOLERANCE_EXCEEDED"
_COMPLETIONS: Final[dict[str, Enough]] = {
    "all completed": lambda over, total: None,
    "all successful": lambda over, total: _TOO_MANY if _failures(over) > 0 else None,
    "first successful": lambda over, total: _MIN if _successes(over) >= 1 else None,
    "two successful": lambda over, total: _MIN if _successes(over) >= 2 else None,
    "half may fail": lambda over, total: _TOO_MANY if _failures(over) > total / 2 else None,
    "two over": lambda over, total: "CUSTOM" if len(over) >= 2 else None,
}
_COMBINATORS: Final[dict[str, Enough]] = {
    "all": lambda over, total: _TOO_MANY if _failures(over) > 0 else None,
    "any": lambda over, total: _MIN if _successes(over) >= 1 else None,
    "race": lambda over, total: "CUSTOM",
    "all_settled": lambda over, total: None,
}
