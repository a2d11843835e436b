"""Where in the repository a step was written: the line that a reviewer would change.

Only a run that recorded its plan tells this. A file outside of the repository has no place in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os.path import normpath
from pathlib import Path, PurePosixPath
from typing import Any, Final

from osiris_inspect.inspector.run.run import Run

LONGEST: Final = 1000
"""Characters of a path that is shown."""


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A place in a pipeline file. ``file`` is relative to the repository, ``line`` is 0 where only the file is known."""

    file: str
    line: int = 0


@dataclass(frozen=True)
class RepositoryCheckout:
    """The repository that a program works in.

    Attributes:
        folder: where it works: what relative paths are relative to; None where that is the root.
        root: the repository; None where absolute paths cannot be placed in it.
    """

    folder: Path | None = None
    root: Path | None = None

    @cached_property
    def _root(self) -> PurePosixPath | None:
        return PurePosixPath(normpath(self.root)) if self.root is not None else None

    def repo_path(self, file: str) -> str | None:
        """The path of a file from the root of the repository; None for one outside of it and for what is no name."""
        if not file.isprintable() or len(file) > LONGEST:
            return None
        path = PurePosixPath(normpath(self.folder / file if self.folder is not None else file))
        if path.is_absolute():
            if self._root is None or not path.is_relative_to(self._root):
                return None
            path = path.relative_to(self._root)
        inside = ".." not in path.parts and path.parts and file
        return path.as_posix() if inside else None


NO_CHECKOUT = RepositoryCheckout()
"""No repository: relative paths stay as they are, absolute ones have no place."""


def step_locations(run: Run) -> dict[str | None, SourceLocation]:
    """Where each step stands in its pipeline file, and under None the file itself; empty where the run does not tell."""
    plan = next((event.fields for event in run.events_named("plan")), {})
    found: dict[str | None, SourceLocation | None] = {None: _source(plan.get("file"), None)}
    for entry in _steps(plan):
        found[str(entry.get("step_id"))] = _source(entry.get("file") or plan.get("file"), entry.get("line"))
    return {step: source for step, source in found.items() if source is not None}


def _steps(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    steps = plan.get("steps")
    return [entry for entry in steps if isinstance(entry, Mapping)] if isinstance(steps, list) else []


def _source(file: Any, line: Any) -> SourceLocation | None:
    if not isinstance(file, str) or not file:
        return None
    known = isinstance(line, int) and not isinstance(line, bool) and line > 0
    return SourceLocation(file, line if known else 0)
