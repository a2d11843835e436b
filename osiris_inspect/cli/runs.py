"""``osiris-inspect runs``: the runs of a folder, newest first."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from osiris_inspect.cli import places
from osiris_inspect.cli.exits import USAGE
from osiris_inspect.cli.inspect import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osiris_inspect.inspector.catalog import RunEntry
    from osiris_inspect.inspector.run_list import Wanted

_SIGNS: Final = {"success": "✓", "running": "~"}
_HEADING: Final = ("", "began (UTC)", "status", "took", "rows", "pipeline", "run", "cause")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("runs")(runs)


def runs(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A folder of runs; by default logs and run_logs here.", show_default=False),
    ] = None,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that did not succeed.")] = False,
    pipeline: Annotated[
        str | None,
        typer.Option("--pipeline", help="Only runs of pipelines of that name; * and ? stand for any."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only runs that began since then: -3h, 2026-01-31.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=0, help="At most so many runs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """List the runs of a folder, newest first, whatever layout they lie in. What was said of a run is remembered."""
    from itertools import islice

    kept = _entries(_folders(folder), _wanted(failed=failed, pipeline=pipeline, since=since))
    found = list(islice(kept, limit))
    text = "".join(map(_json, found)) if as_json else _table(found)
    try:
        sys.stdout.buffer.write(text.encode(sys.stdout.encoding or "utf-8", "replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        places.forget_stdout()


def _wanted(*, failed: bool, pipeline: str | None, since: str | None) -> "Wanted":
    import time

    from osiris_inspect.inspector.query import BadQuery, moment_of
    from osiris_inspect.inspector.run_list import Wanted

    try:
        moment = moment_of(since, time.time()) if since is not None else None
    except BadQuery as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    return Wanted(failed=failed, pipeline=pipeline, since=moment)


def _folders(folder: Path | None) -> list[Path]:
    if folder is not None:
        return [folder]
    here = [Path(name) for name in PLACES if Path(name).is_dir()]
    if not here:
        sys.stderr.write(f"osiris-inspect: no {' and no '.join(PLACES)} here; name a folder of runs\n")
        raise typer.Exit(USAGE)
    return here


def _entries(folders: list[Path], wanted: "Wanted") -> "Iterator[RunEntry]":
    import heapq
    import time

    from osiris_inspect.inspector.run_list import entries

    lists = [entries(folder, now=time.time(), cache=places.cache(), wanted=wanted) for folder in folders]
    return heapq.merge(*lists, key=lambda run: -(run.started or 0.0))


def _json(run: "RunEntry") -> str:
    from dataclasses import asdict

    from osiris_inspect.cli import json_line
    from osiris_inspect.inspector.plain import whole

    told = {key: whole(value) if isinstance(value, str) else value for key, value in asdict(run).items()}
    return json_line.line(told | {"path": whole(str(run.path))}).decode() + "\n"


def _table(found: list["RunEntry"]) -> str:
    rows = [_HEADING, *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADING) - 1)]
    lines = (
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(run: "RunEntry") -> tuple[str, ...]:
    from osiris_inspect.inspector.plain import cut, plain
    from osiris_inspect.inspector.summary import STATUS_WORDS, duration

    began = (
        f"{datetime.fromtimestamp(run.started, UTC):%Y-%m-%d %H:%M:%S}" if run.started is not None else "?"
    )
    return (
        _SIGNS.get(run.status, "✗"),
        began,
        STATUS_WORDS[run.status],
        duration(run.duration_s),
        f"{run.rows:,}" if run.rows is not None else "?",
        cut(plain(run.pipeline or "?"), 30),
        cut(plain(run.id), 40),
        cut(plain(run.cause or ""), 120),
    )
