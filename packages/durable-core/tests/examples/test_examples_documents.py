"""The code in the documents runs, and what the documents name is there."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from example_modules import NAMES, ROOT

import durable_core
from durable_core import DurableContext, DurablePlugin, blocking
from durable_testing import LocalRunner

DOCUMENTS = [ROOT / "README.md", ROOT / "docs" / "index.md"]

pytestmark = pytest.mark.skipif(not NAMES, reason="the documents are part of the repository only")


@contextmanager
def program(path: Path) -> Generator[ModuleType]:
    """All Python blocks of a document, in order, as one program."""
    module = ModuleType(f"document_{path.stem}")
    sys.modules[module.__name__] = module
    try:
        for block in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL):
            exec(compile(block, path.name, "exec"), module.__dict__)
        yield module
    finally:
        del sys.modules[module.__name__]


def without_programs(path: Path) -> str:
    """The running text of a document."""
    return re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)


def test_the_code_of_the_guide_runs() -> None:
    """Each of its workflows gives what it should."""
    with program(ROOT / "docs" / "index.md") as guide:
        assert LocalRunner(guide.total).run(["a", "bb"]).value == 3
        assert LocalRunner(guide.total_blocking).run(["a", "bb"]).value == 3
        assert LocalRunner(guide.tags).run(["a", "bb"]).value == ["0-a", "1-bb"]


def test_the_readme_lists_every_example() -> None:
    """And no other."""
    listed = re.findall(r"\(examples/(\w+)\.py\)", (ROOT / "README.md").read_text())
    assert sorted(listed) == NAMES


def test_the_readme_has_a_row_for_every_operation() -> None:
    """Both flavours have the same ones."""
    table = (ROOT / "README.md").read_text()
    operations = {name for name in vars(DurableContext) if not name.startswith("_")}
    assert operations == {name for name in vars(blocking.DurableContext) if not name.startswith("_")}
    assert [name for name in operations if f"`ctx.{name}(" not in table] == []


def test_the_guide_has_a_row_for_every_hook() -> None:
    """In the table of plugins."""
    guide = (ROOT / "docs" / "index.md").read_text()
    hooks = [name for name in vars(DurablePlugin) if name.startswith("on_")]
    assert hooks
    assert [name for name in hooks if f"| `{name}` |" not in guide] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    """Those into the repository."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", without_programs(path))
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_names_of_classes_are_those_of_the_package(path: Path) -> None:
    """``SomeConfig``, ``SomeError`` and the like in running text."""
    named = set(re.findall(r"`([A-Z]\w+(?:Config|Error|Result|Batcher|Filter|Plugin))\b", without_programs(path)))
    assert sorted(name for name in named if not hasattr(durable_core, name)) == []
