"""YAML parser that keeps the line and column of every part of a document."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from osiris_inspect.base.bounded_yaml import RejectedYaml, bounded_loader, children
from osiris_inspect.model.errors import PipelineError, Problem

KeyPath = tuple[str | int, ...]
Position = tuple[int, int]
MAX_MESSAGE = 2_000
"""Characters of the message of a problem, which quotes names and values of the document."""


_QUOTED_VALUE: Final = re.compile(r": '.*'\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PositionedDocument:
    """Parsed document with positions.

    Attributes:
        value: the content as plain lists, dicts and scalars.
        positions: line and column, from 1, of each part by its path, such as ``("steps", 0, "id")``. The position of
            a key itself is stored under its path with ``"<key>"`` in front of the name.
        duplicate_keys: a problem for each duplicate key.
    """

    value: Any
    file: str
    positions: Mapping[KeyPath, Position]
    duplicate_keys: tuple[Problem, ...] = field(default=())

    def problem(self, message: str, *path: str | int) -> Problem:
        """Return a problem at the position of ``path`` or of its nearest parent with a position."""
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]}…"
        for length in range(len(path), -1, -1):
            if path[:length] in self.positions:
                line, column = self.positions[path[:length]]
                return Problem(message, self.file, line, column)
        return Problem(message, self.file)

    def problem_at_key(self, message: str, *path: str | int) -> Problem:
        """Return a problem at a key instead of its value."""
        *above, name = path
        return self.problem(message, *above, f"<key>{name}")


def parse(text: str, file: str) -> PositionedDocument:
    """Return the document in ``text``.

    Raises:
        PipelineError: the YAML is invalid or exceeds a limit; names line and column.
    """
    loader = None
    try:
        loader = bounded_loader(text)
        node = loader.root()
        if node is None:
            return PositionedDocument(None, file, {})
        duplicates = tuple(_duplicate_keys(node, file))  # before construction, which resolves merge keys
        value = loader.construct_document(node)
        positions: dict[KeyPath, Position] = {}
        for path, child in _walk(node, ()):
            positions.setdefault(path, _position(child))
    except yaml.MarkedYAMLError as error:
        raise PipelineError([_yaml_problem(error, text, file)]) from None
    finally:
        if loader is not None:
            loader.dispose()
    return PositionedDocument(value, file, positions, duplicates)


def _duplicate_keys(node: yaml.Node, file: str) -> Iterator[Problem]:
    """Yield a problem for each duplicate key, once per mapping."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        waiting += children(current)
        if isinstance(current, yaml.MappingNode):
            names: set[str] = set()
            for key in (key for key, _ in current.value if isinstance(key, yaml.ScalarNode)):
                name = str(key.value)
                if name in names:
                    yield Problem(f"duplicate key {name!r}; remove one", file, *_position(key))
                names.add(name)


def _walk(node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, yaml.Node]]:
    yield path, node
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):  # an explicit key overrides a merged one
            yield (*path, f"<key>{key.value}"), key
            yield from _walk(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _walk(value, (*path, position))


def _position(node: yaml.Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _without_quotes(message: str) -> str:
    """Return an error of the parser without the text that it quotes, which may be a password."""
    for name, sign in (("alias", "*"), ("tag", "!")):
        if message.startswith(
            (f"found undefined {name}", f"could not determine a constructor for the {name}")
        ):
            return f"undefined {name}; put a value that begins with {sign} in quotes"
    if message.startswith("found duplicate anchor"):
        return "duplicate anchor; put a value that begins with & in quotes"
    return _QUOTED_VALUE.sub("", message)


def _yaml_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    message = _without_quotes(error.problem or error.context or "cannot be read")
    prefix = "" if isinstance(error, RejectedYaml) else "invalid YAML: "
    if mark is None:
        return Problem(prefix + message, file)
    lines = text.split("\n")
    if mark.line >= len(lines):  # the parser reports the line after the last
        return Problem(prefix + message, file, len(lines), len(lines[-1]) + 1)
    if lines[mark.line][mark.column : mark.column + 1] == "\t":
        is_indent = not lines[mark.line][: mark.column].strip()
        message = (
            "the line is indented with a tab; use spaces"
            if is_indent
            else "a tab cannot be used here; use spaces"
        )
    return Problem(prefix + message, file, mark.line + 1, mark.column + 1)
