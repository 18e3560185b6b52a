"""The table of results, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from measure import Figures, Program
from works import Faster, Work


class Results(NamedTuple):
    """All figures of every program that was run, and why others gave none."""

    ours: Mapping[Program, Sequence[Figures]]
    official: Mapping[Program, Sequence[Figures]]
    notes: Mapping[Program, str]


HEAD = ("work", "official", "ours", "ratio", "target", "met?")


def markdown(works: Sequence[Work], results: Results, header: str) -> str:
    """The header, one row for each of *works*, and the notes on those that have no figures."""
    rows = [_row(work, results) for work in works]
    lines = [header, "", _line(HEAD), _line(("---", "---:", "---:", "---:", "---", "---")), *map(_line, rows)]
    return "\n".join([*lines, *_notes(works, results)]) + "\n"


def _row(work: Work, results: Results) -> tuple[str, ...]:
    official = _median(work, results.official.get(work.pair.official, ()))
    ours = _median(work, results.ours.get(work.pair.ours, ()))
    shown = ["–" if figure is None else work.unit.show(figure) for figure in (official, ours)]
    ratio = met = "–"
    if official is not None and ours is not None:
        ratio = f"{official / ours:.1f} ×" if isinstance(work.target, Faster) and ours else "–"
        met = "yes" if work.target.met(official, ours) else "**no**"
    return work.title, *shown, ratio, str(work.target), met


def _median(work: Work, runs: Sequence[Figures]) -> float | None:
    return statistics.median(run[work.figure] for run in runs) / work.per if runs else None


def _notes(works: Sequence[Work], results: Results) -> Iterator[str]:
    for program in dict.fromkeys(program for work in works for program in work.pair):
        if program in results.notes:
            yield f"\n`{program}`: {results.notes[program]}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
