"""Measure our SDK beside the official one: ``python benchmarks/run.py [--only NAME] [--repeat N] [--write PATH]``.

``DURABLE_BENCH_OFFICIAL`` names the interpreter of an environment in which the official SDK is installed; ours is in
the environment that runs this. ``nox -s bench`` sees to both.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from measure import FailedError, Figures, Program, SkippedError, measure, versions
from report import Results, markdown
from works import WORKS, Pair, Work

OURS = ("durable-core", "durable-testing")
OFFICIAL = ("aws-durable-execution-sdk-python", "aws-durable-execution-sdk-python-testing", "boto3")


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    works = [work for work in WORKS if _chosen(work, arguments.only)]
    if not works:
        parser.error(f"no work is named {' or '.join(arguments.only)}")
    official = os.environ.get("DURABLE_BENCH_OFFICIAL")
    if not official:
        parser.error("DURABLE_BENCH_OFFICIAL names no interpreter; `nox -s bench` sees to it")
    header = (
        f"Official: {versions(official, OFFICIAL)}. Ours: {versions(sys.executable, OURS)}. "
        f"Medians of {arguments.repeat}, each in a fresh process, the two SDKs in turn."
    )
    results, failed = _measure_all(works, official, arguments.repeat)
    table = markdown(works, results, header)
    print(table, end="")
    if arguments.write is not None:
        arguments.write.write_text(table)
    return int(failed)


def _measure_all(works: Sequence[Work], official: str, repeat: int) -> tuple[Results, bool]:
    """Every pair *repeat* times, ours first in every other round; and whether any program failed."""
    runs: dict[str, dict[Program, list[Figures]]] = {sys.executable: defaultdict(list), official: defaultdict(list)}
    notes: dict[Program, str] = {}
    failed = False
    for turn in range(repeat):
        for pair in dict.fromkeys(work.pair for work in works):
            for interpreter, program in _in_turn(pair, official, turn):
                if program in notes:
                    continue
                print(f"{turn + 1}/{repeat} {program}", file=sys.stderr)
                try:
                    runs[interpreter][program].append(measure(interpreter, program))
                except SkippedError as reason:
                    notes[program] = f"skipped; {reason}"
                except FailedError as reason:
                    print(reason, file=sys.stderr)
                    notes[program] = "failed; the output of the run says why"
                    failed = True
    return Results(runs[sys.executable], runs[official], notes), failed


def _in_turn(pair: Pair, official: str, turn: int) -> list[tuple[str, Program]]:
    both = [(sys.executable, pair.ours), (official, pair.official)]
    return both if turn % 2 == 0 else both[::-1]


def _chosen(work: Work, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch(work.name, pattern) for pattern in patterns)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure our SDK beside the official one.")
    names = ", ".join(work.name for work in WORKS)
    parser.add_argument(
        "--only", action="append", metavar="NAME", default=[], help=f"a pattern such as cold*; of {names}"
    )
    parser.add_argument("--repeat", type=int, metavar="N", default=5, help="how often each program runs (5)")
    parser.add_argument("--write", type=Path, metavar="PATH", help="write the table to a file, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
