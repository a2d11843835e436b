"""YAML parser that keeps the line and column of every part of a document.

Keys are kept as text: ``1: str`` has the key ``"1"``, ``on: true`` the key ``"on"``. Aliases that contain
themselves or expand to more than ``MAX_ALIAS_EXPANSION`` parts are rejected.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from osiris_inspect.model.errors import PipelineError, Problem

KeyPath = tuple[str | int, ...]
Position = tuple[int, int]

MAX_ALIAS_EXPANSION: Final = 100_000
"""Maximum number of parts that aliases may add to a document."""


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
        for length in range(len(path), -1, -1):
            if path[:length] in self.positions:
                line, column = self.positions[path[:length]]
                return Problem(message, self.file, line, column)
        return Problem(message, self.file)

    def problem_at_key(self, message: str, *path: str | int) -> Problem:
        """Return a problem at a key instead of its value."""
        *above, name = path
        return self.problem(message, *above, f"<key>{name}")


class _Rejected(yaml.constructor.ConstructorError):
    """Valid YAML that is not accepted."""

    def __init__(self, message: str, node: yaml.Node) -> None:
        super().__init__(None, None, message, node.start_mark)


class _Loader(yaml.SafeLoader):
    """Loader of plain values with text keys, which reports the position of invalid values."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise _Rejected(f"cannot be read: {error}", node) from None

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        if isinstance(node, yaml.ScalarNode):
            return _characters_of(node)
        return str(super().construct_scalar(node))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self.flatten_mapping(node)
        return {_key_of(key): self.construct_object(value, deep=deep) for key, value in node.value}


def parse(text: str, file: str) -> PositionedDocument:
    """Return the document in ``text``.

    Raises:
        PipelineError: the YAML is invalid or expands too far; names line and column.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return PositionedDocument(None, file, {})
        _check_size(node)
        duplicates = tuple(_duplicate_keys(node, file))  # before construction, which resolves merge keys
        value = loader.construct_document(node)
        positions: dict[KeyPath, Position] = {}
        for path, child in _walk(node, ()):
            positions.setdefault(path, _position(child))
    except yaml.MarkedYAMLError as error:
        raise PipelineError([_yaml_problem(error, file)]) from None
    except yaml.YAMLError as error:
        raise PipelineError([Problem(f"invalid YAML: {error}".splitlines()[0], file)]) from None
    except RecursionError:
        raise PipelineError([Problem("invalid YAML: nested too deeply", file)]) from None
    finally:
        loader.dispose()
    return PositionedDocument(value, file, positions, duplicates)


def _key_of(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise _Rejected("a key must be text, not a list or a mapping", key)
    return _characters_of(key)


def _characters_of(node: yaml.ScalarNode) -> str:
    """Return the text of a scalar; joins two escaped surrogates, as JSON writes them, to one character."""
    text = str(node.value)
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _Rejected("invalid escape: half of a surrogate pair", node) from None


def _check_size(root: yaml.Node) -> None:
    """Reject a part that contains itself and excessive alias expansion; visits each part once."""
    sizes: dict[int, int] = {}
    visiting: set[int] = set()

    def size_of(node: yaml.Node) -> int:
        if id(node) in visiting:
            raise _Rejected("alias refers to a part that contains it; remove the alias", node)
        if id(node) not in sizes:
            visiting.add(id(node))
            sizes[id(node)] = 1 + sum(map(size_of, _children(node)))
            visiting.discard(id(node))
            if sizes[id(node)] > len(sizes) + MAX_ALIAS_EXPANSION:
                text = f"aliases expand to more than {MAX_ALIAS_EXPANSION:,} copies; write the content out"
                raise _Rejected(text, node)
        return sizes[id(node)]

    size_of(root)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _duplicate_keys(node: yaml.Node, file: str) -> Iterator[Problem]:
    """Yield a problem for each duplicate key, once per mapping."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        waiting += _children(current)
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


def _yaml_problem(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    prefix = "" if isinstance(error, _Rejected) else "invalid YAML: "
    message = prefix + (error.problem or error.context or "cannot be read")
    if "\\t" in message:
        message = "invalid YAML: a tab cannot be used here; use spaces"
    return Problem(message, file, mark.line + 1, mark.column + 1) if mark else Problem(message, file)
