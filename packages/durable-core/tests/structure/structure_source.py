"""The source of the three packages, as the tests of its structure read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGES = Path(__file__).parents[3]
NAMES = ("durable_core", "durable_testing", "durable_contrib")
ROOTS = {name: PACKAGES / name.replace("_", "-") / "src" for name in NAMES}


@cache
def modules(package: str) -> dict[str, Path]:
    """The file of every module of *package*, by its dotted name."""
    root = ROOTS[package]
    files = sorted((root / package).rglob("*.py"))
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of the file at *path*."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """Dotted names that the file at *path* imports when it runs; what stands under ``TYPE_CHECKING`` is not run."""
    unseen: set[ast.AST] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            unseen.update(each for statement in node.body for each in ast.walk(statement))
    for node in ast.walk(tree(path)):
        if node not in unseen and isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif node not in unseen and isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named_module(name: str, known: dict[str, Path]) -> str | None:
    """The module among those *known* that the dotted *name* is, or that it is a name of."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def documented(body: list[ast.stmt]) -> dict[str, bool]:
    """The names that the statements of *body* assign, and whether a docstring stands under each."""
    found: dict[str, bool] = {}
    for statement, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            has = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            found |= {target.id: has for target in targets if isinstance(target, ast.Name)}
    return found
