"""``osiris-inspect runs``: the runs of a folder, the newest last."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import run_names, streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    from osiris_inspect.inspector.analysis.run_list import RunEntry, RunFilter
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter

_SYMBOLS: Final = {"success": "✓", "interrupted": "!", "running": "~"}
_MAX_REASON = 120
_MAX_SINCE = 40
_HEADING: Final = ("", "started (UTC)", "status", "duration", "rows", "pipeline", "run", "cause")
_HELP: Final = "List the runs of a folder, newest last, in any folder layout.\n\nResults are cached. --json begins with the newest run."
_OPTIONS: Final = (
    OptionSpec("folder", "A folder of runs; default: logs and run_logs.", kind="path", metavar="FOLDER"),
    OptionSpec("failed", "Show only failed runs.", ("--failed",), "flag", default=False),
    OptionSpec(
        "pipeline", "Show only runs of this pipeline; * and ? are wildcards.", ("--pipeline",), "text"
    ),
    OptionSpec("since", "Show only runs that started since: -3h, 2026-01-31.", ("--since",), "text"),
    OptionSpec(
        "where",
        "Filter as in events: status=failed rows>1000 cause~movies since=-3d",
        ("--where",),
        "text",
        metavar="EXPR",
    ),
    OptionSpec("limit", "Show at most N runs.", ("--limit", "-n"), "number"),
    OptionSpec(
        "since_green",
        "Add where each run diverges from the last success of its pipeline.",
        ("--since-green",),
        "flag",
        default=False,
    ),
    OptionSpec("as_json", "Print one JSON object per line.", ("--json",), "flag", default=False),
)


def command() -> CommandSpec:
    """Return the command."""
    return places.with_remote_options(CommandSpec("runs", _HELP, _OPTIONS, runs))


def runs(options: Mapping[str, Any]) -> int:
    """Print the runs of a folder, the newest last (in JSON first), and return the exit code.

    Raises:
        WrongUse: ``--since`` is not a time, or ``--where`` is not a filter.
        RunNotReadable: the folder does not exist or has no run.
    """
    from itertools import islice

    run_filter = _run_filter(options)
    folders = _folders(options["folder"])
    entries = list(islice(run_names.list_entries(folders, run_filter), options["limit"]))
    green = {run.path: _since_green(run) for run in entries} if options["since_green"] else None
    if options["as_json"]:
        streams.write_json("".join(_json(run, green) for run in entries))
    else:
        streams.write_stdout(_table(entries, green))
    return 0


def _run_filter(options: Mapping[str, Any]) -> "RunFilter":
    from osiris_inspect.inspector.analysis.run_list import RunFilter

    since, where = options["since"], options["where"]
    return RunFilter(
        options["failed"],
        options["pipeline"],
        _parse_since(since) if since is not None else None,
        _parse_where(where) if where is not None else None,
    )


def _parse_where(where: str) -> "EventFilter":
    import time

    from osiris_inspect.inspector.event_log.filter.filter import FilterSyntaxError, parse

    try:
        return parse(where, now=time.time())
    except FilterSyntaxError as error:
        raise WrongUse(f"--where: {error}") from error


def _parse_since(since: str) -> float:
    import time

    from osiris_inspect.inspector.event_log.filter.filter import FilterSyntaxError, parse_time

    try:
        return parse_time(since, time.time())
    except FilterSyntaxError as error:
        raise WrongUse(f"--since: {error}") from error


def _folders(folder: Path | None) -> list[Path]:
    if folder is not None:
        return [places.resolve_path(folder)]
    return run_names.default_folders()


def _since_green(run: "RunEntry") -> str | None:
    """Return where a run diverges from the last success; None if there is none, or the run cannot be read."""
    from osiris_inspect.inspector.analysis.history import since_green

    if run.status in ("running", "unreadable"):
        return None
    try:
        return since_green(run.path, cache=places.cache_dir())
    except RunNotReadable:  # it was removed meanwhile
        return None


def _json(run: "RunEntry", green: Mapping[Path, str | None] | None) -> str:
    from dataclasses import asdict

    from osiris_inspect.inspector.files.remote_registry import display_name
    from osiris_inspect.inspector.text import json_line
    from osiris_inspect.inspector.text.sanitize import masked_text

    fields = {
        key: masked_text(value) if isinstance(value, str) else value for key, value in asdict(run).items()
    }
    if green is not None:
        since = green[run.path]
        fields["since_green"] = masked_text(since) if since is not None else None
    return json_line.to_json_line(fields | {"path": masked_text(display_name(run.path))}).decode() + "\n"


def _table(entries: list["RunEntry"], green: Mapping[Path, str | None] | None = None) -> str:
    """Return the runs as a table, the newest at the end, where a terminal shows it."""
    heading = _HEADING if green is None else (*_HEADING[:-1], "since green", _HEADING[-1])
    rows = [heading, *(_row(run, green) for run in reversed(entries))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading) - 1)]
    lines = (
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(run: "RunEntry", green: Mapping[Path, str | None] | None) -> tuple[str, ...]:
    from osiris_inspect.inspector.run.summary import STATUS_WORDS
    from osiris_inspect.inspector.text.sanitize import one_line, truncate
    from osiris_inspect.inspector.text.units import format_duration

    started = (
        f"{datetime.fromtimestamp(run.started, UTC):%Y-%m-%d %H:%M:%S}" if run.started is not None else "?"
    )
    return (
        "!" if run.warnings else _SYMBOLS.get(run.status, "✗"),
        started,
        ", ".join(filter(None, (STATUS_WORDS[run.status], run.mark))),
        format_duration(run.duration_s, "?"),
        f"{run.rows:,}" if run.rows is not None else "?",
        truncate(one_line(run.pipeline or "?"), 30),
        truncate(one_line(run.id), 40),
        *([] if green is None else [truncate(one_line(green[run.path] or "-"), _MAX_SINCE)]),
        _reason(run),
    )


def _reason(run: "RunEntry") -> str:
    """Return the cause of a failure, the first warning of a success and the number of the others, or retries, shortly."""
    from osiris_inspect.inspector.text.reasons import shorten_finding
    from osiris_inspect.inspector.text.sanitize import one_line

    if run.cause is not None or run.warning is None:
        return shorten_finding(one_line(run.reason), _MAX_REASON)
    others = f" (and {run.warnings - 1} more)" if run.warnings > 1 else ""
    start = f"warning{others}: "
    return start + shorten_finding(one_line(run.warning), _MAX_REASON - len(start))
