"""Lint of the connections that a pipeline uses: references and keys, without variables and without connecting."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from osiris_inspect.model.errors import PipelineError, Problem
from osiris_inspect.runtime.connections.connections import (
    connection_uses,
    find_connections_file,
    load_connections,
    reference_problems,
)
from osiris_inspect.runtime.connections.env_file import EnvironmentVariables
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.lint import LintMessage


def lint_connections(
    compiled: Compiled,
    components: Mapping[str, Component],
    folders: Iterable[Path],
    named: Path | None = None,
) -> list[LintMessage]:
    """Return the messages about the connections of a pipeline, read from ``named`` or the first file in ``folders``.

    Without a file, the first reference has a warning: the run can name a file.

    Raises:
        SettingsError: ``named`` does not exist.
    """
    uses = list(connection_uses(compiled, components))
    if not uses:
        return []
    searched = tuple(folders)
    path = find_connections_file(named, searched)
    try:
        file = load_connections(path, EnvironmentVariables({}), searched)
    except PipelineError as error:
        return [LintMessage(problem, "error") for problem in error.problems]
    problems = reference_problems(compiled, components, file)
    return [LintMessage(problem, "error") for problem in problems] if path else _missing_file(problems)


def _missing_file(problems: list[Problem]) -> list[LintMessage]:
    return [LintMessage(problem, "warning") for problem in problems[:1]]
