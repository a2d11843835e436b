"""``osiris-inspect events``: the events of a run, filtered, for people and for programs, also while it runs."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import FOUND, INTERRUPTED, WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    import typer

    from osiris_inspect.inspector.event_log.filter.filter import EventFilter
    from osiris_inspect.inspector.event_log.filter_hints import FilterHints
    from osiris_inspect.model.event import Event

STDIN: Final = Path("-")
CUT_OFF: Final = "the run was cut off: whoever wrote it is gone, and the log has no run_end"
_SPLIT: Final = re.compile(r"(?P<sign>(?<=[\w.\-])(?:!~|!=|~=|=|~))(?P<value>[^\"=~<>]*\s[^\"=~<>]*)\Z")
"""A value of several words at the end of one word of the command line."""
_HELP: Final = """Print the events of a run, of any dialect, in the order of the log.

Relative times count from the end of the log. Secrets are masked, except with --raw. A filter that keeps nothing is no
error; a name in it that no event has is said on stderr.
Following a run whose writer was killed ends with code 1.
"""
_OPTIONS: Final = (
    OptionSpec("path", "A run, a log file, or - for stdin.", kind="path", metavar="RUN", required=True),
    OptionSpec(
        "expression",
        "What to keep: step=compute-* event=inputs_resolved rows>1000 text~NoneType since=-5m; and, or, not.",
        metavar="EXPR",
        multiple=True,
        default=(),
    ),
    OptionSpec("follow", "Wait for more until the run ends.", ("--follow", "-f"), "flag", default=False),
    OptionSpec("as_json", "A JSON object a line, in one form.", ("--json",), "flag", default=False),
    OptionSpec("raw", "The lines as they stand in the log.", ("--raw",), "flag", default=False),
    OptionSpec("limit", "At most so many events.", ("--limit", "-n"), "number"),
)
Found = tuple["Event", bytes]
Formatter = Literal["text", "json", "raw"]


@dataclass(frozen=True)
class EventsOptions:
    """What the command line asks for; the table of options says what each of them means."""

    path: Path
    expression: Sequence[str]
    follow: bool
    as_json: bool
    raw: bool
    limit: int | None


def command() -> CommandSpec:
    """The command."""
    return CommandSpec("events", _HELP, _OPTIONS, lambda given: events(EventsOptions(**given)))


def register(app: "typer.Typer") -> None:
    """Add the command."""
    from osiris_inspect.cli.support import typer_adapter as typed

    typed.add_to_typer(app, command())


def events(asked: EventsOptions) -> int:
    """Print them; the exit code.

    Raises:
        WrongUse: the filter cannot be understood, or two forms are asked for.
        RunNotReadable: there is no log.
    """
    if asked.as_json and asked.raw:
        raise WrongUse("--json and --raw are two forms; choose one")
    log = _EventSource(asked.path)
    query = log.query(_join_filter(asked.expression), follow=asked.follow)
    form: Formatter = "json" if asked.as_json else "raw" if asked.raw else "text"
    try:
        _write(log.filtered(query, follow=asked.follow), form, asked.limit)
    except KeyboardInterrupt:
        return INTERRUPTED
    if log.unreadable:
        lines = "1 line" if log.unreadable == 1 else f"{log.unreadable:,} lines"
        streams.write_message(f"{lines} could not be read")
    for hint in log.hints(query) if asked.limit != 0 else ():
        streams.write_message(hint)
    if log.was_cut_off:
        streams.write_message(CUT_OFF)
        return FOUND
    return 0


def _join_filter(words: Sequence[str]) -> str:
    """The filter in the words of a command line; a shell takes the quotes away from ``text~"two words"``."""
    if len(words) == 1:
        return words[0]  # a whole filter in quotes
    return " ".join(_SPLIT.sub(r'\g<sign>"\g<value>"', word) for word in words)


def _readable(file: Path) -> Path:
    """A log that may be read, or is not there yet.

    Raises:
        RunNotReadable: the system refuses; a log that nobody may read is not one without events.
    """
    if os.access(file, os.F_OK) and not os.access(file, os.R_OK):
        raise RunNotReadable(f"{file} cannot be read: permission denied")
    return file


class _EventSource:
    """A log named on the command line.

    Attributes:
        unreadable: how many of its lines could not be read so far.
        was_cut_off: it was followed, and its writer died before the run ended.
    """

    def __init__(self, path: Path) -> None:
        self.unreadable = 0
        self.was_cut_off = False
        self._has_kept = False
        self._unmet: FilterHints | None = None
        self._is_stdin = path == STDIN
        self._file = path if self._is_stdin else _readable(places.events_file(path))

    def query(self, text: str, *, follow: bool) -> "EventFilter":
        """The filter; what a relative time counts from is the end of the log, or now where there is none yet."""
        import time

        from osiris_inspect.inspector.event_log.filter.filter import FilterSyntaxError, parse
        from osiris_inspect.inspector.event_log.read_backwards import last_time

        now = time.time() if follow or self._is_stdin else last_time(self._file)
        try:
            return parse(text, now=now)
        except FilterSyntaxError as error:
            raise WrongUse(f"EXPR: {error}") from error

    def filtered(self, query: "EventFilter", *, follow: bool) -> Iterator[Found]:
        """The events that a filter keeps, with their lines."""
        if not (follow or self._is_stdin):
            from osiris_inspect.inspector.event_log.open_large_log import LARGE_LOG_BYTES

            if self._file.stat().st_size > LARGE_LOG_BYTES:
                return self._from_large_log(query)
        return self._kept(self._followed() if follow and not self._is_stdin else self._lines(), query)

    def hints(self, query: "EventFilter") -> Iterable[str]:
        """What the filter asks for and no event has, where it kept none."""
        if self._has_kept:
            return ()
        if self._unmet is not None:
            return self._unmet.messages()
        from osiris_inspect.inspector.event_log.filter_hints import hints_for_large_log
        from osiris_inspect.inspector.files.run_files import RunFiles

        return hints_for_large_log(query, RunFiles(self._file.parent), self._file.name, places.cache_dir())

    def _kept(self, lines: Iterable[tuple[int, bytes]], query: "EventFilter") -> Iterator[Found]:
        from osiris_inspect.inspector.event_log.filter_hints import FilterHints
        from osiris_inspect.model import event
        from osiris_inspect.model.errors import InvalidLine

        name = "-" if self._is_stdin else self._file.name
        unmet = self._unmet = FilterHints(query)
        for number, line in lines:
            try:
                told = event.decode(line, line_number=number, file=name)
            except InvalidLine:
                self.unreadable += bool(line.strip())
                continue
            if query.matches(told):
                self._has_kept = True
                yield told, line
            elif not self._has_kept:
                unmet.observe(told)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        if self._is_stdin:
            for number, line in enumerate(sys.stdin.buffer, start=1):
                yield number, line.rstrip(b"\r\n")
            return
        from osiris_inspect.inspector.files.run_files import RunFiles

        disk = RunFiles(self._file.parent)
        yield from disk.lines(self._file.name)
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

    def _from_large_log(self, query: "EventFilter") -> Iterator[Found]:
        from osiris_inspect.inspector.event_log.open_large_log import filter_events
        from osiris_inspect.inspector.files.run_files import RunFiles

        disk = RunFiles(self._file.parent)
        try:
            for found in filter_events(disk, places.cache_dir(), query, self._file.name):
                self._has_kept = True
                yield found
        finally:
            self.unreadable = sum(entry.count for entry in disk.unreadable)


def _write(events: Iterator[Found], form: Formatter, limit: int | None) -> None:
    """Write at most ``limit`` events to stdout."""
    from itertools import islice

    forms: Mapping[Formatter, Callable[[Event, bytes], bytes]] = {"json": _json, "raw": _raw, "text": _text}
    to_bytes = forms[form]
    out = streams.stdout_buffer()
    for event, line in islice(events, limit):
        out.write(to_bytes(event, line) + b"\n")
    out.flush()


def _raw(_event: "Event", line: bytes) -> bytes:
    return line


def _json(event: "Event", _line: bytes) -> bytes:
    from osiris_inspect.inspector.text import json_line
    from osiris_inspect.inspector.text.event_fields import masked_fields
    from osiris_inspect.model.event import format_timestamp

    told: dict[str, Any] = {
        "line": event.line,
        "ts": format_timestamp(event.ts) if event.ts is not None else None,
        "event": event.name,
        "step_id": event.step,
        "side": event.side,
    }
    told |= {key: value for key, value in masked_fields(event).items() if key not in told}
    return json_line.to_json_line(told)


def _text(event: "Event", _line: bytes) -> bytes:
    from osiris_inspect.inspector.text.event_fields import masked_fields
    from osiris_inspect.inspector.text.sanitize import one_line
    from osiris_inspect.model.event import format_timestamp

    time = format_timestamp(event.ts)[11:23] if event.ts is not None else "-"
    fields = " ".join(f"{key}={value}" for key, value in masked_fields(event).items() if key != "traceback")
    text = f"{event.line:>6}  {time:<12}  {one_line(event.step or '-'):<20}  {one_line(event.name):<20}  {one_line(fields)}"
    return text.rstrip().encode("utf-8", "replace")
