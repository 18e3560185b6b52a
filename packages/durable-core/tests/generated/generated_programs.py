"""Programs made out of every operation, as data, and strategies that draw them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, get_args

from hypothesis import strategies as st

Answer = Literal["good", "bad", "silent"]
"""A value, a failure, or nothing until the time is over."""
Completion = Literal[
    "all successful", "all completed", "first successful", "two successful", "half may fail", "two over"
]
Combinator = Literal["all", "any", "race", "all_settled"]

PAYLOAD: Final = 4_000
"""Bytes that the payload of an operation may have."""
LENGTHS: Final = (1, 1, 1, 2_500, 5_000)
"""Of what a step gives: two of the longer ones do not fit into the result of a context, and the longest into none."""


class Step(NamedTuple):
    """A step that gives a text."""

    failing: int = 0
    """How many attempts fail: all that it has, or fewer."""
    most: int = 1
    """How many attempts it has."""
    at_most_once: bool = False
    plain: bool = False
    """Its body is a plain function."""
    length: int = 1


class Wait(NamedTuple):
    """A pause."""

    hours: int


class Condition(NamedTuple):
    """Looks until the count is enough."""

    enough: int
    failing: int = 0
    """How many looks fail, before any succeeds."""
    met: bool = True
    """It has as many looks as it needs, or one less."""


class Callback(NamedTuple):
    """A callback, and what is done before anybody asks for its result."""

    answer: Answer
    hours: int
    between: Body = ()


class Question(NamedTuple):
    """A callback that somebody is told of."""

    answer: Answer
    hours: int
    told: Step


class Invoke(NamedTuple):
    """A function that doubles a number, or fails."""

    fails: bool


class Raise(NamedTuple):
    """The code of the workflow raises."""


class Child(NamedTuple):
    """A child context."""

    body: Body
    virtual: bool = False


class Caught(NamedTuple):
    """Operations whose error is caught, and shown."""

    body: Body


class Batch(NamedTuple):
    """A map over branches, or branches in parallel."""

    mapped: bool
    branches: tuple[Body, ...]
    completion: Completion = "all completed"
    most: int | None = None
    """How many run at a time."""
    flat: bool = False


class Combined(NamedTuple):
    """A combinator over branches."""

    how: Combinator
    branches: tuple[Body, ...]


Part = Step | Wait | Condition | Callback | Question | Invoke | Raise | Child | Caught | Batch | Combined
Body = tuple[Part, ...]
"""Parts that run one after the other; it gives a list of what they gave."""

SPARE: Final = 5
"""Attempts that a step has besides those that it needs: what a crash cuts off counts as one."""
AN_HOUR_OR_MORE: Final = st.integers(1, 40)


def _working(failing: int, at_most_once: bool, plain: bool, length: int) -> Step:
    most = failing + SPARE if failing or at_most_once else 1
    return Step(failing, most, at_most_once, plain, length)


STEPS: Final = st.builds(
    _working,
    failing=st.sampled_from([0, 0, 1, 2]),
    at_most_once=st.sampled_from([False, False, True]),
    plain=st.booleans(),
    length=st.sampled_from(LENGTHS),
)
FAILING_STEPS: Final = st.integers(1, 3).map(lambda most: Step(most, most))
ANSWERS: Final = st.sampled_from(["good", "good", "bad", "silent"])
SIMPLE: Final[st.SearchStrategy[Part]] = st.one_of(
    STEPS,
    STEPS,
    FAILING_STEPS,
    st.builds(Wait, AN_HOUR_OR_MORE),
    st.builds(Condition, st.integers(1, 3), st.sampled_from([0, 0, 1, 2]), st.sampled_from([True, True, False])),
    st.builds(Callback, ANSWERS, AN_HOUR_OR_MORE, st.just(())),
    st.builds(Question, ANSWERS, AN_HOUR_OR_MORE, st.one_of(STEPS, FAILING_STEPS)),
    st.builds(Invoke, st.sampled_from([False, False, True])),
    st.just(Raise()),
)
COMPLETIONS: Final[st.SearchStrategy[Completion]] = st.sampled_from(["all completed", *get_args(Completion)])


def bodies(depth: int, least: int = 1) -> st.SearchStrategy[Body]:
    """Bodies of which *depth* can stand in one another."""
    return st.lists(parts(depth), min_size=least, max_size=3).map(tuple)


def parts(depth: int) -> st.SearchStrategy[Part]:
    """Parts in which bodies of this *depth* stand."""
    if depth == 0:
        return SIMPLE
    inner = st.deferred(lambda: bodies(depth - 1))
    return st.one_of(
        SIMPLE,
        SIMPLE,
        st.builds(Child, inner, st.booleans()),
        st.builds(Caught, inner),
        st.builds(Callback, ANSWERS, AN_HOUR_OR_MORE, inner),
        branching(depth - 1),
        branching(depth - 1),
    )


def branching(depth: int) -> st.SearchStrategy[Part]:
    """Batches and combinators over bodies of this *depth*."""
    one_or_more, any_number = branches(depth, 1), branches(depth, 0)
    most = st.sampled_from([None, None, 1, 2])
    return st.one_of(
        st.builds(Batch, st.booleans(), any_number, COMPLETIONS, most, st.booleans()),
        st.builds(Combined, st.sampled_from(["any", "race"]), one_or_more),
        st.builds(Combined, st.sampled_from(["all", "all_settled"]), any_number),
    )


def branches(depth: int, least: int) -> st.SearchStrategy[tuple[Body, ...]]:
    """Bodies with a pause in each, all different: that makes clear who is the first."""
    pauses = st.lists(st.integers(1, 400), min_size=least, max_size=4, unique=True)
    return pauses.flatmap(lambda hours: st.tuples(*(_branch(depth, each) for each in hours)))


def _branch(depth: int, hours: int) -> st.SearchStrategy[Body]:
    before = st.lists(st.one_of(STEPS, st.builds(Invoke, st.just(False))), max_size=1)
    return st.builds(lambda first, rest: (*first, Wait(hours), *rest), before, bodies(depth, 0))


def programs(depth: int = 3, *, such_that: Callable[[Body], bool]) -> st.SearchStrategy[Body]:
    """Programs of which this holds."""
    return bodies(depth).filter(such_that)


def bodies_in(part: Part, path: str) -> list[tuple[str, Body]]:
    """The bodies that stand in a part, and what the names of their operations begin with."""
    match part:
        case Child(body) | Caught(body):
            return [(path, body)]
        case Callback(_, _, between):
            return [(f"{path}.b", between)]
        case Batch() | Combined():
            return [(f"{path}.{index}", body) for index, body in enumerate(part.branches)]
    return []


def parts_of(body: Body, path: str = "w") -> list[tuple[str, Part]]:
    """All parts of a program, and their names."""
    found: list[tuple[str, Part]] = []
    for number, part in enumerate(body):
        found.append((f"{path}.{number}", part))
        found += [each for inner in bodies_in(part, f"{path}.{number}") for each in parts_of(inner[1], inner[0])]
    return found
