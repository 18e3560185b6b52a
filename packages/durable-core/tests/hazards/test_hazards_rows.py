"""The table of hazards is covered: a row has tests and a mutant, or says what it waits for; a test has a row."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
from hazard_rows import HOSTILE, PROGRAM, ROWS, WORLD, Row

FOLDER = Path(__file__).parent
DESIGN = FOLDER.parents[4] / "shared" / "design" / "hazards.md"
MUTANTS = tomllib.loads((FOLDER.parent / "mutants" / "mutants.toml").read_text())["mutant"]
ALL = [pytest.param(row, id=f"{table}: {row.words}") for table, rows in ROWS.items() for row in rows]


def names_in(folder: Path) -> set[str]:
    return {
        node.name
        for path in folder.glob("test_*.py")
        if path != Path(__file__)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


HERE = names_in(FOLDER)
"""The tests of this folder, but for those of this file; read once, before any test's thread can be in the way."""
ELSEWHERE = {f"{name}/{test}" for name in ("fan_out", "operations") for test in names_in(FOLDER.parent / name)}


@pytest.mark.parametrize("row", ALL)
def test_every_row_has_tests_or_says_what_it_waits_for(row: Row) -> None:
    assert row.tests or row.not_yet
    assert sorted({*row.tests} - HERE - ELSEWHERE) == []


def test_every_test_stands_in_a_row() -> None:
    assert sorted(HERE - {test for rows in ROWS.values() for row in rows for test in row.tests}) == []


@pytest.mark.parametrize("row", [each for each in ALL if isinstance(each.values[0], Row) and each.values[0].tests])
def test_every_covered_row_has_a_mutant_that_one_of_its_tests_must_notice(row: Row) -> None:
    assert {*row.tests} & {test for mutant in MUTANTS for test in mutant["tests"]}


@pytest.mark.skipif(not DESIGN.exists(), reason="the design stands beside the repository, where it is")
def test_no_row_of_the_design_is_missing() -> None:
    tables: list[list[str]] = []
    for line in DESIGN.read_text().splitlines():
        if line.startswith("|---"):
            tables.append([])
        elif line.startswith("| ") and tables:
            tables[-1].append(line.split("|")[1])
    # A header stands before its rule, so the last line of each table but the last is the next one's header.
    rows = [[cell for cell in table if cell.strip() not in ("what happens", "what it does")] for table in tables]
    assert [len(table) for table in rows] == [len(WORLD), len(PROGRAM)]
    for cells, ours in zip(rows, (WORLD, PROGRAM), strict=True):
        for cell, row in zip(cells, ours, strict=True):
            assert [word for word in row.words.split() if word not in cell] == [], cell
    prose = DESIGN.read_text().partition("hostile\n")[2]
    assert [word for row in HOSTILE for word in row.words.split() if word not in prose] == []
