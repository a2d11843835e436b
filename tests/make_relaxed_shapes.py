"""Writes ``relaxed_shapes.py`` again: ``python -m tests.make_relaxed_shapes``, after a shape of secrets has changed.

A relaxed pattern matches wherever its shape matches, and possibly elsewhere, and RE2 can execute it: without assertions
and back references, and with few counted repetitions.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

from osiris_inspect.model.redaction import patterns, shapes

FILE: Final = Path(shapes.__file__).with_name("relaxed_shapes.py")
_HEAD: Final = '''"""The shapes of secrets as RE2 can search them; written by ``python -m tests.make_relaxed_shapes``."""

from typing import Final

'''
_NOT_ASCII: Final = r"\x80-\x{10ffff}"
_CLASSES: Final = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_NOT_WORD: r"\W",
    sre.CATEGORY_NOT_SPACE: r"\S",
}
_MAX_COUNT: Final = 9
"""Larger numbers of repetitions become unlimited, and at least 8: each one makes the automaton larger."""


def relaxed(pattern: str) -> str:
    """Return a pattern for RE2 that matches wherever a pattern of Python matches."""
    tree = parser.parse(pattern)
    return f"(?{'i' if tree.state.flags & re.IGNORECASE else ''}:{_sequence(tree, {})})"


def _sequence(tree: Iterable[tuple[Any, Any]], groups: dict[int, str]) -> str:
    return "".join(_node(kind, value, groups) for kind, value in tree)


def _node(kind: Any, value: Any, groups: dict[int, str]) -> str:  # noqa: PLR0911  one kind a line
    if kind is sre.LITERAL:
        return _character(value)
    if kind is sre.NOT_LITERAL:
        return f"[^{_character(value)}]"
    if kind is sre.IN:
        return _class(value)
    if kind is sre.BRANCH:
        return f"(?:{'|'.join(_sequence(branch, groups) for branch in value[1])})"
    if kind is sre.SUBPATTERN:
        group, added, removed, tree = value
        body = _sequence(tree, groups)
        groups[group] = body
        return f"(?{'i' if added & re.IGNORECASE else ''}{'-i' if removed & re.IGNORECASE else ''}:{body})"
    if kind is sre.ATOMIC_GROUP:
        return f"(?:{_sequence(value, groups)})"
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        least, most, tree = value
        least, most = min(least, _MAX_COUNT - 1), "" if most > _MAX_COUNT else most
        return f"(?:{_sequence(tree, groups)}){{{least},{most}}}"
    if kind in (sre.ASSERT, sre.ASSERT_NOT, sre.AT):
        return ""
    if kind is sre.GROUPREF:
        return f"(?:{groups[value]})"
    raise ValueError(f"no relaxed form of {kind}")


def _class(items: list[tuple[Any, Any]]) -> str:
    is_negated = items[0][0] is sre.NEGATE
    parts = []
    for kind, value in items[is_negated:]:
        if kind is sre.RANGE:
            parts.append(f"{_character(value[0])}-{_character(value[1])}")
        elif kind is sre.LITERAL:
            parts.append(_character(value))
        else:  # RE2 knows ASCII only: that makes a negated class larger, and another one smaller
            more = r"\x0b\x1c-\x1f" if value is sre.CATEGORY_SPACE else ""
            parts.append(_CLASSES[value] + ("" if is_negated else more + _NOT_ASCII))
    return f"[{'^' if is_negated else ''}{''.join(parts)}]"


def _character(code: int) -> str:
    return chr(code) if chr(code).isalnum() and code < 128 else f"\\x{{{code:x}}}"


def made() -> tuple[tuple[str, ...], str]:
    """Return the relaxed shapes, and the relaxed pattern of names with values."""
    every = [
        *(pattern for _, pattern, _ in shapes._SHAPES),
        patterns._CIPHER_CALL,
        patterns._CREATE,
        patterns._INSERT,
    ]
    return tuple(dict.fromkeys(map(relaxed, every))), relaxed(patterns._PAIR)


def main() -> None:
    """Write the module."""
    every, pair = made()
    FILE.write_text(f"{_HEAD}SHAPES: Final = {every!r}\nPAIR: Final = {pair!r}\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(FILE)], check=True)


if __name__ == "__main__":
    main()
