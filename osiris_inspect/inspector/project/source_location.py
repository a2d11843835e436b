"""Source locations: the line of the pipeline file that defines a step, if the run recorded its plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os.path import normpath
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

from osiris_inspect.inspector.run.run import Run

MAX_PATH: Final = 1000
"""Maximum characters of a path."""


class SourceLocation(NamedTuple):
    """A line of a pipeline file. ``file`` is relative to the repository; ``line`` is 0 if unknown."""

    file: str
    line: int = 0


@dataclass(frozen=True)
class RepositoryCheckout:
    """The checkout of a repository.

    Attributes:
        folder: base of relative paths; None for the root.
        root: folder of the repository; None if unknown, then absolute paths have no repository path.
    """

    folder: Path | None = None
    root: Path | None = None

    @cached_property
    def _root(self) -> PurePosixPath | None:
        return PurePosixPath(normpath(self.root)) if self.root is not None else None

    def repo_path(self, file: str) -> str | None:
        """Return the path of a file from the root of the repository; None for one outside it or an invalid name."""
        if not file.isprintable() or len(file) > MAX_PATH:
            return None
        path = PurePosixPath(normpath(self.folder / file if self.folder is not None else file))
        if path.is_absolute():
            if self._root is None or not path.is_relative_to(self._root):
                return None
            path = path.relative_to(self._root)
        inside = ".." not in path.parts and path.parts and file
        return path.as_posix() if inside else None


NO_CHECKOUT = RepositoryCheckout()
"""No repository: relative paths stay unchanged, absolute ones have no repository path."""


def step_locations(run: Run) -> dict[str | None, SourceLocation]:
    """Return the location of each step, and under None that of the file; empty if the run has no plan."""
    plan = next((event.fields for event in run.events_named("plan")), {})
    locations: dict[str | None, SourceLocation | None] = {None: _source(plan.get("file"), None)}
    for entry in _steps(plan):
        locations[str(entry.get("step_id"))] = _source(
            entry.get("file") or plan.get("file"), entry.get("line")
        )
    return {step: source for step, source in locations.items() if source is not None}


def _steps(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    steps = plan.get("steps")
    return [entry for entry in steps if isinstance(entry, Mapping)] if isinstance(steps, list) else []


def _source(file: Any, line: Any) -> SourceLocation | None:
    if not isinstance(file, str) or not file:
        return None
    known = isinstance(line, int) and not isinstance(line, bool) and line > 0
    return SourceLocation(file, line if known else 0)
