"""The rules on names, folders and words that the linter does not have."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "osiris_inspect"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_ENTRIES = 15
PRONOUNS = re.compile(r"\b(nobody|somebody|whoever|anybody)\b", re.IGNORECASE)
CLAUSE = re.compile(r"(What|Who|Where|Whether)\b")
VAGUE_NAMES = {"told", "said", "found", "wanted", "given", "place"}
SHARED_CLASS_NAMES = {"Finding", "Frame", "Lineage", "Run", "Step"}
"""The Python API's classes, named for its users, and the values they wrap."""


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [*MODULES, ROOT / "README.md"], ids=_name)
def test_text_names_the_actor(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [(number, line) for number, line in enumerate(lines, 1) if PRONOUNS.search(line)]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_module_follows_naming_rules(path: Path) -> None:
    problems = []
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node) or ""
            if CLAUSE.match(docstring):
                problems.append(f"docstring begins with a clause: {docstring.splitlines()[0]}")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name == "of":
                problems.append(f"line {node.lineno}: a function named 'of'")
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            problems += [
                f"line {argument.lineno}: a parameter named {argument.arg!r}"
                for argument in arguments
                if argument.arg in VAGUE_NAMES
            ]
    assert not problems


def test_folder_has_few_entries() -> None:
    folders = Counter(path.parent for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts)
    assert not {_name(folder): count for folder, count in folders.items() if count > MAX_ENTRIES}


def test_class_name_is_defined_once() -> None:
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(_parse(path))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name for name, count in names.items() if count > 1} <= SHARED_CLASS_NAMES
