"""``osiris-inspect events``: prints and filters the events of a run, also while it runs."""

import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import FOUND, INTERRUPTED, WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec
from osiris_inspect.cli.support.pager import paged
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.jsonl import MAX_LINE
from osiris_inspect.model.run_layout import COMPRESSED

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter
    from osiris_inspect.inspector.event_log.filter_hints import FilterHints
    from osiris_inspect.inspector.files.run_files import RunFiles
    from osiris_inspect.inspector.text.event_lines import EventLines
    from osiris_inspect.model.event import Event

STDIN: Final = Path("-")
CUT_OFF: Final = "the run was cut off: its writer is gone, and the log has no run_end"
_STDIN_BLOCK: Final = 1 << 20
_SPLIT: Final = re.compile(r"(?P<sign>(?<=[\w.\-])(?:!~|!=|~=|=|~))(?P<value>[^\"=~<>]*\s[^\"=~<>]*)\Z")
"""A value with spaces at the end of one argument."""
_HELP: Final = """Print a run's events in log order.

Relative times count from the end of the log. Secrets are masked, except with --raw --unmasked. No match is not an error;
unknown field or step names are reported on stderr. With --follow, exit code 1 means that the writer of the run was killed.
On a terminal the output goes through $PAGER, or less.
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
    OptionSpec("raw", "Print the lines of the log, with secrets masked.", ("--raw",), "flag", default=False),
    OptionSpec("unmasked", "With --raw, print secrets too.", ("--unmasked",), "flag", default=False),
    OptionSpec("no_pager", "Print on a terminal without a pager.", ("--no-pager",), "flag", default=False),
    OptionSpec("limit", "Print at most N events.", ("--limit", "-n"), "number"),
    OptionSpec(
        "explain_filter",
        "Print what the index, kept columns, DuckDB and decoding answer; no event.",
        ("--explain-filter",),
        "flag",
        default=False,
    ),
)
NumberedLine = tuple[int, bytes]
Format = Literal["text", "json", "raw", "unmasked"]


@dataclass(frozen=True)
class EventsOptions:
    """The values of the options."""

    path: Path
    expression: Sequence[str]
    follow: bool
    as_json: bool
    raw: bool
    unmasked: bool
    no_pager: bool
    limit: int | None
    explain_filter: bool


def command() -> CommandSpec:
    """Return the command."""
    command = CommandSpec("events", _HELP, _OPTIONS, lambda values: events(EventsOptions(**values)))
    return places.with_remote_options(command)


def events(options: EventsOptions) -> int:
    """Print the matching events and return the exit code.

    Raises:
        WrongUse: the filter is invalid, --json and --raw are combined, or --unmasked is without --raw.
        RunNotReadable: there is no log.
    """
    if options.as_json and options.raw:
        raise WrongUse("--json and --raw cannot be combined")
    if options.unmasked and not options.raw:
        raise WrongUse("--unmasked prints lines as they are; add --raw")
    log = _EventSource(options.path)
    query = log.query(_join_filter(options.expression), follow=options.follow)
    if options.explain_filter:
        streams.write_stdout("".join(f"{line}\n" for line in log.explain(query)))
        return 0
    form: Format = (
        "json" if options.as_json else "unmasked" if options.unmasked else "raw" if options.raw else "text"
    )
    is_shown = streams.is_stdout_shown()  # also through a pager
    width = streams.terminal_width()
    try:
        with paged(enabled=not (options.no_pager or options.follow)):
            _write(log.filtered(query, follow=options.follow), form, options.limit, width, is_shown=is_shown)
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

    def filtered(self, query: "EventFilter", *, follow: bool) -> "Iterator[EventLines]":
        """Yield the lines of the matching events in blocks, some of which are empty."""
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

    def _matching(
        self, batches: Iterable[Sequence[NumberedLine]], query: "EventFilter"
    ) -> "Iterator[EventLines]":
        from osiris_inspect.inspector.event_log.filter_hints import FilterHints
        from osiris_inspect.inspector.text.event_lines import EventLines
        from osiris_inspect.model import event
        from osiris_inspect.model.errors import InvalidLine

        name = "-" if self._is_stdin else self._file.name
        hints = self._hints = FilterHints(query)

        def decode(number: int, line: bytes) -> "Event":
            return event.decode(line, line_number=number, file=name)

        for lines in batches:
            matching = []
            for number, line in lines:
                try:
                    decoded = decode(number, line)
                except InvalidLine:
                    self.unreadable += bool(line.strip())
                    continue
                if query.matches(decoded):
                    self._has_match = True
                    matching.append((number, line))
                elif not self._has_match:
                    hints.observe(decoded)
            yield EventLines.join(matching, decode)

    def _lines(self) -> Iterator[Sequence[NumberedLine]]:
        if self._is_stdin:
            yield from self._stdin_batches()
            return
        from osiris_inspect.inspector.files.run_files import RunFiles

        disk = RunFiles(self._file.parent)
        yield [*disk.lines(self._file.name)]
        for entry in disk.unreadable:
            if entry.file == self._file.name and not (entry.line or entry.count > 1):
                raise RunNotReadable(f"{str(self._file)!r} cannot be read: {entry.reason}")
        self._report_unreadable(disk)

    def _report_unreadable(self, disk: "RunFiles") -> None:
        """Count the unreadable lines; print which parts of a joined log were not read to their ends."""
        for entry in disk.unreadable:
            if entry.line or entry.count > 1:
                self.unreadable += entry.count
            else:
                streams.write_message(f"{entry.file}: {entry.reason}")

    def _stdin_batches(self) -> Iterator[Sequence[NumberedLine]]:
        """Yield the lines of stdin, which may be compressed, with their numbers, as they arrive."""
        number = 1
        try:
            for lines in self._split(_stdin_blocks()):
                yield [(number + count, line.rstrip(b"\r")) for count, line in enumerate(lines)]
                number += len(lines)
                streams.flush()
        except OSError as error:
            raise RunNotReadable(f"stdin cannot be read: {error}") from error

    def _split(self, blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
        """Yield the lines that end in each block; a line that is too long is empty."""
        parts: list[bytes] = []
        size = 0
        for block in blocks:
            lines = []
            first, *others = block.split(b"\n")
            for piece in others:
                parts.append(first)
                size += len(first)
                self.unreadable += size > MAX_LINE
                lines.append(b"" if size > MAX_LINE else b"".join(parts))
                parts, size, first = [], 0, piece
            size += len(first)
            parts = [*parts, first] if size <= MAX_LINE else []
            yield lines
        if size > MAX_LINE:
            self.unreadable += 1
        elif size:
            yield [b"".join(parts)]

    def _followed(self) -> Iterator[Sequence[NumberedLine]]:
        import time

        from osiris_inspect.inspector.event_log.follow import follow

        self._check_followable()

        def pause(seconds: float) -> None:
            streams.check_reader()
            time.sleep(seconds)

        wait = places.refreshing_sleep(self._file, pause)
        for lines in follow(self._file, sleep=wait, on_truncated=self._warn_truncated):
            yield [*lines]
            streams.flush()

    def _check_followable(self) -> None:
        """Check that a log can be followed; print which rotated parts are left out.

        Raises:
            WrongUse: it is compressed.
        """
        from osiris_inspect.inspector.files.run_files import RunFiles

        parts = RunFiles(self._file.parent).log_parts(self._file.name)
        if not parts:
            return
        *older, last = [part.file for part in parts]
        if last != self._file.name or last.endswith(COMPRESSED):
            raise WrongUse(f"--follow: {last} is not written any more; omit --follow to read it")
        streams.write_message(f"following {last}; omit --follow to read the older {', '.join(older)}, too")

    def _warn_truncated(self) -> None:
        self.was_cut_off = True

    def _from_large_log(self, query: "EventFilter") -> "Iterator[EventLines]":
        from osiris_inspect.inspector.event_log.open_large_log import filter_blocks
        from osiris_inspect.inspector.files.run_files import RunFiles

        disk = RunFiles(self._file.parent)
        try:
            for block in filter_blocks(disk, places.cache_dir(), query, self._file.name):
                self._has_match = self._has_match or bool(block.numbers)
                yield block
        finally:
            self._report_unreadable(disk)


def _stdin_blocks() -> Iterator[bytes]:
    """Yield the blocks of stdin as they arrive, decompressed."""
    from osiris_inspect.inspector.archives.compressed import compression_of_data, decompress
    from osiris_inspect.inspector.archives.limits import LOG_LIMITS

    stdin = sys.stdin.buffer
    if not isinstance(stdin, io.BufferedReader):
        yield from iter(lambda: stdin.read(_STDIN_BLOCK), b"")
        return
    compression = compression_of_data(stdin.peek(4))
    if compression is None:
        yield from iter(lambda: stdin.read1(_STDIN_BLOCK), b"")
    else:
        yield from decompress(stdin, compression, LOG_LIMITS)


def _write(
    blocks: "Iterator[EventLines]", form: Format, limit: int | None, width: int | None, *, is_shown: bool
) -> None:
    """Write at most ``limit`` events to stdout, wrapped if it is a terminal, which has a ``width``.

    If people see it, acting characters in raw lines are escaped.
    """
    from osiris_inspect.inspector.text import event_lines
    from osiris_inspect.inspector.text.wrap import wrap_events

    remaining = limit
    for matching in blocks:
        streams.check_reader()
        block = matching if remaining is None else matching.first(remaining)
        if form == "text":
            text = event_lines.format_text(block)
            streams.write_text(streams.stdout(), text if width is None else wrap_events(text, width))
        elif form == "json":
            streams.stdout_buffer().write(event_lines.format_json(block))
        else:
            lines = block.data if form == "unmasked" else event_lines.format_raw(block)
            streams.stdout_buffer().write(event_lines.escaped(lines) if is_shown else lines)
        if remaining is not None and (remaining := remaining - len(block.numbers)) <= 0:
            break
    streams.stdout().flush()
