"""``osiris-inspect runs``: the runs of a folder, newest first."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.inspect.open import DEFAULT_DIRS
from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support.exit_codes import USAGE, WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

    from osiris_inspect.inspector.analysis.run_entry import RunEntry
    from osiris_inspect.inspector.analysis.run_list import RunFilter

_SYMBOLS: Final = {"success": "✓", "running": "~"}
_HEADING: Final = ("", "began (UTC)", "status", "took", "rows", "pipeline", "run", "cause")
_OPTIONS: Final = (
    OptionSpec(
        "folder", "A folder of runs; by default logs and run_logs here.", kind="path", metavar="FOLDER"
    ),
    OptionSpec("failed", "Only runs that did not succeed.", ("--failed",), "flag", default=False),
    OptionSpec(
        "pipeline", "Only runs of pipelines of that name; * and ? stand for any.", ("--pipeline",), "text"
    ),
    OptionSpec("since", "Only runs that began since then: -3h, 2026-01-31.", ("--since",), "text"),
    OptionSpec("limit", "At most so many runs.", ("--limit", "-n"), "number"),
    OptionSpec("as_json", "A JSON object a line.", ("--json",), "flag", default=False),
)


def command() -> CommandSpec:
    """The command."""
    about = "List the runs of a folder, newest first, whatever layout they lie in. What was said of a run is remembered."
    return CommandSpec("runs", about, _OPTIONS, runs)


def register(app: "typer.Typer") -> None:
    """Add the command."""
    from osiris_inspect.cli.support import typer_adapter as typed

    typed.add_to_typer(app, command())


def runs(given: Mapping[str, Any]) -> int:
    """List the runs of a folder, newest first, and give the exit code.

    Raises:
        WrongUse: the moment to begin with cannot be understood.
        RunNotReadable: there is no such folder, or no run in it.
    """
    from itertools import islice

    wanted = _run_filter(failed=given["failed"], pipeline=given["pipeline"], since=given["since"])
    folders = _folders(given["folder"])
    if not folders:
        sys.stderr.write(f"osiris-inspect: no {' and no '.join(DEFAULT_DIRS)} here; name a folder of runs\n")
        return USAGE
    found = list(islice(_entries(folders, wanted), given["limit"]))
    text = "".join(map(_json, found)) if given["as_json"] else _table(found)
    try:
        sys.stdout.buffer.write(text.encode(sys.stdout.encoding or "utf-8", "replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        places.forget_stdout()
    return 0


def _run_filter(*, failed: bool, pipeline: str | None, since: str | None) -> "RunFilter":
    from osiris_inspect.inspector.analysis.run_list import RunFilter

    return RunFilter(failed, pipeline, _parse_since(since) if since is not None else None)


def _parse_since(since: str) -> float:
    import time

    from osiris_inspect.inspector.event_log.filter.filter import FilterSyntaxError, parse_time

    try:
        return parse_time(since, time.time())
    except FilterSyntaxError as error:
        raise WrongUse(f"--since: {error}") from error


def _folders(folder: Path | None) -> list[Path]:
    return (
        [places.resolve_path(folder)]
        if folder is not None
        else [Path(name) for name in DEFAULT_DIRS if Path(name).is_dir()]
    )


def _entries(folders: list[Path], wanted: "RunFilter") -> "Iterator[RunEntry]":
    import heapq
    import time

    from osiris_inspect.inspector.analysis.run_list import list_runs

    lists = [
        list_runs(folder, now=time.time(), cache=places.cache_dir(), run_filter=wanted, repository=Path.cwd())
        for folder in folders
    ]
    return heapq.merge(*lists, key=lambda run: -(run.started or 0.0))


def _json(run: "RunEntry") -> str:
    from dataclasses import asdict

    from osiris_inspect.inspector.text import json_line
    from osiris_inspect.inspector.text.sanitize import masked_text

    told = {
        key: masked_text(value) if isinstance(value, str) else value for key, value in asdict(run).items()
    }
    return json_line.to_json_line(told | {"path": masked_text(str(run.path))}).decode() + "\n"


def _table(found: list["RunEntry"]) -> str:
    rows = [_HEADING, *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADING) - 1)]
    lines = (
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(run: "RunEntry") -> tuple[str, ...]:
    from osiris_inspect.inspector.run.summary import STATUS_WORDS
    from osiris_inspect.inspector.text.sanitize import one_line, truncate
    from osiris_inspect.inspector.text.units import format_duration

    began = (
        f"{datetime.fromtimestamp(run.started, UTC):%Y-%m-%d %H:%M:%S}" if run.started is not None else "?"
    )
    return (
        _SYMBOLS.get(run.status, "✗"),
        began,
        STATUS_WORDS[run.status],
        format_duration(run.duration_s, "?"),
        f"{run.rows:,}" if run.rows is not None else "?",
        truncate(one_line(run.pipeline or "?"), 30),
        truncate(one_line(run.id), 40),
        truncate(one_line(run.cause or ""), 120),
    )
