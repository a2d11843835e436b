"""YAML with its places: the value of a document, and the line and column where each part of it stands.

Keys are the text that stands there: ``1: str`` has the key ``"1"``, and ``on: true`` the key ``"on"``. What aliases make
of a text is bounded: a part that contains itself, or copies of copies beyond what anybody writes, are no document.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from osiris_inspect.model.errors import PipelineError, Problem

KeyPath = tuple[str | int, ...]
Position = tuple[int, int]

MAX_ALIAS_EXPANSION: Final = 100_000
"""Parts that aliases may add to those that stand in a text."""


@dataclass(frozen=True, slots=True)
class PositionedDocument:
    """A parsed document.

    Attributes:
        value: what it says, as plain lists, dicts and scalars.
        places: line and column, from 1, of each part by its path; ``("steps", 0, "id")``, say. A key's place is that
            of the key itself, under the path with ``"<key>"`` in front of its name.
        twice: the keys that stand twice in one map.
    """

    value: Any
    file: str
    positions: Mapping[KeyPath, Position]
    duplicate_keys: tuple[Problem, ...] = field(default=())

    def problem(self, message: str, *path: str | int) -> Problem:
        """A problem at the nearest place that ``path`` has."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.positions:
                line, column = self.positions[path[:length]]
                return Problem(message, self.file, line, column)
        return Problem(message, self.file)

    def problem_at_key(self, message: str, *path: str | int) -> Problem:
        """A problem at a key rather than at its value."""
        *above, name = path
        return self.problem(message, *above, f"<key>{name}")


class _Rejected(yaml.constructor.ConstructorError):
    """It is YAML, and nothing that can be taken."""

    def __init__(self, message: str, node: yaml.Node) -> None:
        super().__init__(None, None, message, node.start_mark)


class _Loader(yaml.SafeLoader):
    """Plain values, keys as text, and a place for every value that cannot be."""

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
    """The document in ``text``.

    Raises:
        PipelineError: no YAML, or one that aliases blow up; names line and column.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return PositionedDocument(None, file, {})
        _check_size(node)
        twice = tuple(_twice(node, file))  # before it is taken apart: what a merge brings may be written anew
        value = loader.construct_document(node)
        places: dict[KeyPath, Position] = {}
        for path, part in _walk(node, ()):
            places.setdefault(path, _place(part))
    except yaml.MarkedYAMLError as error:
        raise PipelineError([_yaml_problem(error, file)]) from None
    except yaml.YAMLError as error:
        raise PipelineError([Problem(f"no YAML: {error}".splitlines()[0], file)]) from None
    except RecursionError:
        raise PipelineError([Problem("YAML nested too deep", file)]) from None
    finally:
        loader.dispose()
    return PositionedDocument(value, file, places, twice)


def _key_of(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise _Rejected("a key is text, no list and no map", key)
    return _characters_of(key)


def _characters_of(node: yaml.ScalarNode) -> str:
    """Its text; two escapes that are the halves of one character, as JSON writes it, become that character."""
    text = str(node.value)
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _Rejected("an escape here is half a character", node) from None


def _check_size(root: yaml.Node) -> None:
    """Refuse a part that contains itself, and more copies than anybody writes. Looks at each part once."""
    sizes: dict[int, int] = {}
    open_: set[int] = set()

    def size_of(node: yaml.Node) -> int:
        if id(node) in open_:
            raise _Rejected("this part contains itself: an alias in it names its own anchor", node)
        if id(node) not in sizes:
            open_.add(id(node))
            sizes[id(node)] = 1 + sum(map(size_of, _children(node)))
            open_.discard(id(node))
            if sizes[id(node)] > len(sizes) + MAX_ALIAS_EXPANSION:
                text = f"aliases make more than {MAX_ALIAS_EXPANSION:,} copies here; write what is meant"
                raise _Rejected(text, node)
        return sizes[id(node)]

    size_of(root)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _twice(node: yaml.Node, file: str) -> Iterator[Problem]:
    """Each key that stands twice in its map, once a map, however many aliases show it."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        waiting += _children(part)
        if isinstance(part, yaml.MappingNode):
            names: set[str] = set()
            for key in (key for key, _ in part.value if isinstance(key, yaml.ScalarNode)):
                name = str(key.value)
                if name in names:
                    yield Problem(f"key {name!r} stands twice", file, *_place(key))
                names.add(name)


def _walk(node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, yaml.Node]]:
    yield path, node
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(
            node.value
        ):  # of a key that a merge brings too, the one written here counts
            yield (*path, f"<key>{key.value}"), key
            yield from _walk(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            yield from _walk(value, (*path, place))


def _place(node: yaml.Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _yaml_problem(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    said = "" if isinstance(error, _Rejected) else "no YAML: "
    message = said + (error.problem or error.context or "cannot be read")
    return Problem(message, file, mark.line + 1, mark.column + 1) if mark else Problem(message, file)
