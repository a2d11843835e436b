"""Completion in bash, zsh and fish: runs, steps, rules, components, connections.

Completions have no place for an error, so what cannot be read is not completed.
"""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from osiris_inspect.cli.support.run_names import DEFAULT_DIRS, NAMES
from osiris_inspect.model.errors import OsirisError

MAX_RUNS: Final = 50
"""Runs that are offered at most, the newest."""
BASH_SCRIPT: Final = r"""
%(complete_func)s() {
    local IFS=$'\n' line="${COMP_LINE:0:COMP_POINT}" breaks="${COMP_WORDBREAKS//[^@:=]/}" word prefix=
    COMPREPLY=( $( env _TYPER_COMPLETE_ARGS="$line" %(autocomplete_var)s=complete_bash "$1" ) )
    word="${line//* /}"
    # bash completes only what follows the last of these characters, and an @ itself
    [ -n "$breaks" ] && prefix="${word%%"${word//*["$breaks"]/}"}"
    COMPREPLY=( "${COMPREPLY[@]#"${prefix%%@}"}" )
    return 0
}

complete -o default -F %(complete_func)s %(prog_name)s
"""
"""The script of typer passes words that bash has cut at ``@``, ``:`` and ``=``."""


def use_own_bash_script() -> None:
    """Let ``--install-completion`` and ``--show-completion`` write the script above, and answer it."""
    from typer import _completion_shared as shared
    from typer._completion_classes import BashComplete, ZshComplete

    type.__setattr__(
        BashComplete, "get_completion_args", ZshComplete.get_completion_args
    )  # reads the whole line
    shared._completion_scripts["bash"] = BASH_SCRIPT


def complete_run(incomplete: str) -> list[str]:
    """Return the names and directories of runs that begin with a word; nothing for a folder without runs."""
    folder, slash, _ = incomplete.rpartition("/")
    names = [f"{folder}{slash}{name}" for name in NAMES]
    runs = _runs([folder or "/"] if slash else DEFAULT_DIRS)
    if not runs:
        return [] if slash else _beginning_with(incomplete, names)
    paths = [str(run) for run in runs]
    ids = [run.name for run in runs] if incomplete and not slash else []
    return _beginning_with(incomplete, [*names, *paths, *ids])


def complete_step(ctx: Any, incomplete: str) -> list[str]:
    """Return the steps of the run that the command line names."""
    from osiris_inspect.cli.support.paths import resolve_path
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.inspector.reader.loader import load

    run = ctx.params.get("run")
    if run is None:
        return []
    try:
        steps = load(find_runs(resolve_path(Path(run)))[0], key_events_only=True).steps
    except OsirisError:
        return []
    return _beginning_with(incomplete, [step.id for step in steps])


def complete_rule(incomplete: str) -> list[str]:
    """Return the ids of the rules."""
    from osiris_inspect.cli.support import project_reports

    run, colon, _ = incomplete.rpartition(":")
    try:
        rules = project_reports.rules()
    except OsirisError:
        return []
    return _beginning_with(incomplete, sorted(f"{run}{colon}{rule.id}" for rule in rules))


def complete_component(incomplete: str) -> list[str]:
    """Return the names of the components."""
    from osiris_inspect.runtime.pipeline.builtin_components import all_components

    try:
        return _beginning_with(incomplete, sorted(all_components()))
    except OsirisError:
        return []


def complete_connection(ctx: Any, incomplete: str) -> list[str]:
    """Return the names of the connections in the connections file of the command line."""
    from osiris_inspect.runtime.connections.connections import open_connections

    values = ctx.params
    try:
        file = open_connections((Path(),), os.environ, values.get("connections"), values.get("env_file"))
        names = [f"@{family}.{alias}" for family, alias in file.names()]
    except OsirisError:
        return []
    given = values.get("names") or ()
    return [name for name in _beginning_with(incomplete, names) if name not in given]


def _runs(folders: Iterable[str]) -> list[Path]:
    """Return the newest runs of the folders that have any, newest first."""
    from osiris_inspect.inspector.files.find_runs import find_runs, newest_first

    runs: list[Path] = []
    for folder in folders:
        try:
            runs += find_runs(Path(folder))
        except OsirisError:
            continue  # there is no such folder, or it has no run
    return sorted(runs, key=newest_first)[:MAX_RUNS]


def _beginning_with(incomplete: str, names: Iterable[str]) -> list[str]:
    """Return the names that begin with a word; none that a shell would not take as it is, such as ``run_$(id)``."""
    return [name for name in names if name.startswith(incomplete) and shlex.quote(name) == name]
