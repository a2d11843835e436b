"""``osiris-inspect events``: prints and filters the events of a run, also while it runs."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import FOUND, INTERRUPTED, WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter
    from osiris_inspect.inspector.event_log.filter_hints import FilterHints
    from osiris_inspect.model.event import Event

STDIN: Final = Path("-")
CUT_OFF: Final = "the run was cut off: its writer is gone, and the log has no run_end"
_SPLIT: Final = re.compile(r"(?P<sign>(?<=[\w.\-])(?:!~|!=|~=|=|~))(?P<value>[^\"=~<>]*\s[^\"=~<>]*)\Z")
"""A value with spaces at the end of one argument."""
_HELP: Final = """Print a run's events in log order.

Relative times count from the end of the log. Secrets are masked, except with --raw. No match is not an error; unknown
field or step names are reported on stderr. With --follow, exit code 1 means that the writer of the run was killed.
"""
_OPTIONS: Final = (
    OptionSpec(
        "path",
        "A run, its name (@latest, @failed, @prev), a log file, or - for stdin.",
        kind="path",
        metavar="RUN",
        required=True,
    ),
    OptionSpec(
        "expression",
        "Filter: step=compute-* event=step_failed rows>1000 text~NoneType since=-5m",
        metavar="EXPR",
        multiple=True,
        default=[],
    ),
    OptionSpec(
        "follow", "Wait for new events until the run ends.", ("--follow", "-f"), "flag", default=False
    ),
    OptionSpec("as_json", "Print one JSON object per line.", ("--json",), "flag", default=False),
    OptionSpec("raw", "Print the unchanged lines of the log.", ("--raw",), "flag", default=False),
    OptionSpec("limit", "Print at most N events.", ("--limit", "-n"), "number"),
    OptionSpec(
        "explain_filter",
        "Print what the index, kept columns, DuckDB and decoding answer; no event.",
        ("--explain-filter",),
        "flag",
        default=False,
    ),
)
EventLine = tuple["Event", bytes]
Formatter = Literal["text", "json", "raw"]


@dataclass(frozen=True)
class EventsOptions:
    """The values of the options."""

    path: Path
    expression: Sequence[str]
    follow: bool
    as_json: bool
    raw: bool
    limit: int | None
    explain_filter: bool


def command() -> CommandSpec:
    """Return the command."""
    command = CommandSpec("events", _HELP, _OPTIONS, lambda values: events(EventsOptions(**values)))
    return places.with_remote_options(command)


def events(options: EventsOptions) -> int:
    """Print the matching events and return the exit code.

    Raises:
        WrongUse: the filter is invalid, or --json and --raw are combined.
        RunNotReadable: there is no log.
    """
    if options.as_json and options.raw:
        raise WrongUse("--json and --raw cannot be combined")
    log = _EventSource(options.path)
    query = log.query(_join_filter(options.expression), follow=options.follow)
    if options.explain_filter:
        streams.write_stdout("".join(f"{line}\n" for line in log.explain(query)))
        return 0
    form: Formatter = "json" if options.as_json else "raw" if options.raw else "text"
    try:
        _write(log.filtered(query, follow=options.follow), form, options.limit)
    except KeyboardInterrupt:
        return INTERRUPTED
    if log.unreadable:
        lines = "1 line" if log.unreadable == 1 else f"{log.unreadable:,} lines"
        streams.write_message(f"{lines} could not be read")
    for hint in log.hints(query) if options.limit != 0 else ():
        streams.write_message(hint)
    if log.was_cut_off:
        streams.write_message(CUT_OFF)
        return FOUND
    return 0


def _join_filter(words: Sequence[str]) -> str:
    """Join the arguments to a filter, with the quotes that the shell removed from ``text~"two words"``."""
    if len(words) == 1:
        return words[0]
    return " ".join(_SPLIT.sub(r'\g<sign>"\g<value>"', word) for word in words)


def _readable(file: Path) -> Path:
    """Return the log; it may not exist yet.

    Raises:
        RunNotReadable: it must not be read.
    """
    if os.access(file, os.F_OK) and not os.access(file, os.R_OK):
        raise RunNotReadable(f"{file} cannot be read: permission denied")
    return file


class _EventSource:
    """A log named on the command line.

    Attributes:
        unreadable: lines that could not be read so far.
        was_cut_off: the log was followed, and its writer died before the run ended.
    """

    def __init__(self, path: Path) -> None:
        self.unreadable = 0
        self.was_cut_off = False
        self._has_match = False
        self._hints: FilterHints | None = None
        self._is_stdin = path == STDIN
        self._file = path if self._is_stdin else _readable(places.events_file(path))

    def query(self, text: str, *, follow: bool) -> "EventFilter":
        """Parse the filter; relative times count from the end of the log, or from now if the log has no end."""
        import time

        from osiris_inspect.inspector.event_log.filter.filter import FilterSyntaxError, parse
        from osiris_inspect.inspector.event_log.read_backwards import last_time

        now = time.time() if follow or self._is_stdin else last_time(self._file)
        try:
            return parse(text, now=now)
        except FilterSyntaxError as error:
            raise WrongUse(f"EXPR: {error}") from error

    def filtered(self, query: "EventFilter", *, follow: bool) -> Iterator[EventLine]:
        """Yield the matching events with their lines."""
        if not (follow or self._is_stdin):
            from osiris_inspect.inspector.event_log.open_large_log import is_large
            from osiris_inspect.inspector.files.run_files import RunFiles

            if is_large(RunFiles(self._file.parent), self._file.name):
                return self._from_large_log(query)
        return self._matching(self._followed() if follow and not self._is_stdin else self._lines(), query)

    def explain(self, query: "EventFilter") -> list[str]:
        """Return how a filter is answered."""
        from osiris_inspect.inspector.event_log.search.explain import explain_filter
        from osiris_inspect.inspector.files.run_files import RunFiles

        if self._is_stdin:
            raise WrongUse("--explain-filter needs a file")
        return explain_filter(RunFiles(self._file.parent), places.cache_dir(), query, self._file.name)

    def hints(self, query: "EventFilter") -> Iterable[str]:
        """Return why the filter matched nothing; empty if it matched."""
        if self._has_match:
            return ()
        if self._hints is not None:
            return self._hints.messages()
        from osiris_inspect.inspector.event_log.filter_hints import hints_for_large_log
        from osiris_inspect.inspector.files.run_files import RunFiles

        return hints_for_large_log(query, RunFiles(self._file.parent), self._file.name, places.cache_dir())

    def _matching(self, lines: Iterable[tuple[int, bytes]], query: "EventFilter") -> Iterator[EventLine]:
        from osiris_inspect.inspector.event_log.filter_hints import FilterHints
        from osiris_inspect.model import event
        from osiris_inspect.model.errors import InvalidLine

        name = "-" if self._is_stdin else self._file.name
        hints = self._hints = FilterHints(query)
        for number, line in lines:
            try:
                decoded = event.decode(line, line_number=number, file=name)
            except InvalidLine:
                self.unreadable += bool(line.strip())
                continue
            if query.matches(decoded):
                self._has_match = True
                yield decoded, line
            elif not self._has_match:
                hints.observe(decoded)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        if self._is_stdin:
            for number, line in enumerate(sys.stdin.buffer, start=1):
                yield number, line.rstrip(b"\r\n")
            return
        from osiris_inspect.inspector.files.run_files import RunFiles

        disk = RunFiles(self._file.parent)
        yield from disk.lines(self._file.name)
        for entry in disk.unreadable:
            if not entry.line:
                raise RunNotReadable(f"{str(self._file)!r} cannot be read: {entry.reason}")
        self.unreadable += sum(entry.count for entry in disk.unreadable)

    def _followed(self) -> Iterator[tuple[int, bytes]]:
        import time

        from osiris_inspect.inspector.event_log.follow import follow

        wait = places.refreshing_sleep(self._file, time.sleep)
        for lines in follow(self._file, sleep=wait, on_truncated=self._warn_truncated):
            yield from lines
            streams.flush()

    def _warn_truncated(self) -> None:
        self.was_cut_off = True

    def _from_large_log(self, query: "EventFilter") -> Iterator[EventLine]:
        from osiris_inspect.inspector.event_log.open_large_log import filter_events
        from osiris_inspect.inspector.files.run_files import RunFiles

        disk = RunFiles(self._file.parent)
        try:
            for match in filter_events(disk, places.cache_dir(), query, self._file.name):
                self._has_match = True
                yield match
        finally:
            self.unreadable = sum(entry.count for entry in disk.unreadable)


def _write(events: Iterator[EventLine], form: Formatter, limit: int | None) -> None:
    """Write at most ``limit`` events to stdout."""
    from itertools import islice

    chosen = islice(events, limit)
    if form == "text":
        out = streams.stdout()
        for event, _ in chosen:
            streams.write_text(out, _text(event) + "\n")
        out.flush()
        return
    to_bytes = _json if form == "json" else _escaped if streams.is_stdout_shown() else _raw
    data = streams.stdout_buffer()
    for event, line in chosen:
        data.write(to_bytes(event, line) + b"\n")
    data.flush()


def _raw(_event: "Event", line: bytes) -> bytes:
    return line


def _escaped(_event: "Event", line: bytes) -> bytes:
    """Return the JSON of a line with acting characters escaped."""
    from osiris_inspect.base.text.terminal_text import escape_json

    return escape_json(line.decode("utf-8", "replace")).encode()


def _json(event: "Event", _line: bytes) -> bytes:
    from osiris_inspect.inspector.text import json_line
    from osiris_inspect.inspector.text.event_fields import masked_fields
    from osiris_inspect.model.event import format_timestamp

    fields: dict[str, Any] = {
        "line": event.line,
        "ts": format_timestamp(event.ts) if event.ts is not None else None,
        "event": event.name,
        "step_id": event.step,
        "side": event.side,
    }
    fields |= {key: value for key, value in masked_fields(event).items() if key not in fields}
    return json_line.to_json_line(fields)


def _text(event: "Event") -> str:
    from osiris_inspect.inspector.text.event_fields import masked_fields
    from osiris_inspect.inspector.text.sanitize import one_line
    from osiris_inspect.model.event import format_timestamp

    time = format_timestamp(event.ts)[11:23] if event.ts is not None else "-"
    fields = " ".join(f"{key}={value}" for key, value in masked_fields(event).items() if key != "traceback")
    text = f"{event.line:>6}  {time:<12}  {one_line(event.step or '-'):<20}  {one_line(event.name):<20}  {one_line(fields)}"
    return text.rstrip()
