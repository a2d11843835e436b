"""YAML with its places: the value of a document, and the line and column where each part of it stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from osiris_inspect.model.errors import PipelineError, Problem

Path = tuple[str | int, ...]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Located:
    """A parsed document.

    Attributes:
        value: what it says, as plain lists, dicts and scalars.
        places: line and column, from 1, of each part by its path; ``("steps", 0, "id")``, say. A key's place is that
            of the key itself, under the path with ``"<key>"`` in front of its name.
        twice: the keys that stand twice in one map.
    """

    value: Any
    file: str
    places: Mapping[Path, Place]
    twice: tuple[Problem, ...] = field(default=())

    def problem(self, message: str, *path: str | int) -> Problem:
        """A problem at the nearest place that ``path`` has."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                line, column = self.places[path[:length]]
                return Problem(message, self.file, line, column)
        return Problem(message, self.file)

    def at_key(self, message: str, *path: str | int) -> Problem:
        """A problem at a key rather than at its value."""
        *above, name = path
        return self.problem(message, *above, f"<key>{name}")


def parse(text: str, file: str) -> Located:
    """The document in ``text``.

    Raises:
        PipelineError: no YAML; names line and column.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        value = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        raise PipelineError([_of_yaml(error, file)]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise PipelineError([Problem(f"no YAML: {error}".splitlines()[0], file)]) from None
    except RecursionError:
        raise PipelineError([Problem("YAML nested too deep", file)]) from None
    finally:
        loader.dispose()
    places: dict[Path, Place] = {}
    twice: list[Problem] = []
    if node is not None:
        for path, part, is_again in _walk(node, ()):
            if is_again:
                twice.append(
                    Problem(f"key {str(path[-1]).removeprefix('<key>')!r} stands twice", file, *_place(part))
                )
            places.setdefault(path, _place(part))
    return Located(value, file, places, tuple(twice))


def _walk(node: yaml.Node, path: Path) -> Iterator[tuple[Path, yaml.Node, bool]]:
    yield path, node, False
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            yield (*path, f"<key>{name}"), key, name in seen
            seen.add(name)
            yield from _walk(value, (*path, name))
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            yield from _walk(value, (*path, place))


def _place(node: yaml.Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _of_yaml(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    message = "no YAML: " + (error.problem or error.context or "cannot be read")
    return Problem(message, file, mark.line + 1, mark.column + 1) if mark else Problem(message, file)
