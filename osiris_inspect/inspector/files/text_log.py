"""Text logs: the lines that say something events do not.

A worker of the original swallows some errors and tells only its text log, so warnings, errors and answers of web
services with a bad status are kept, each with the step the worker was at.
"""

import re
from collections.abc import Iterable, Iterator

from osiris_inspect.inspector.files.run_files import NumberedLine, RunFiles
from osiris_inspect.inspector.run.run import LogLine
from osiris_inspect.inspector.text.sanitize import LOOKAHEAD, excerpt

MAX_FULL_READ = 8 << 20
"""Bytes up to which a text log is read as a whole; of a longer one its beginning and its end are."""
HEAD_BYTES = 2 << 20
MAX_COUNTED = 512 << 20
"""Bytes up to which the lines that are not read are counted, in a fifth of a second, so that the others have numbers."""
MAX_KEPT = 5000
"""Lines kept of one log; a log that complains more often says nothing new."""
MAX_TEXT = 4000
"""Characters kept of one line."""

_LEVEL = re.compile(rb"\b(CRITICAL|FATAL|ERROR|WARNING|WARN)\b")
_RELEVANT = re.compile(
    rb"HTTP/\d(?:\.\d)?\"? [45]\d\d|[Ee]rror details|\bconnection for step \S+: |Killed\b|Segmentation fault|^\w*(?:Error|Exception)\b[:(]"
)
END_EVENT = re.compile(rb'"(?:step_error|step_failed|run_error)".*"(?:error|message)"\s*:\s*"')
"""An event that tells how something failed."""
_STEP_ID = re.compile(r'"step_id"\s*:\s*"([^"\\]{1,200})"')
_STEP = re.compile(
    rb"\bcfg/([^/\s]{1,200})\.json\b|\bExecuting step ([^\s]{1,200})|\b(?:connection|query) for step ([^\s:,]{1,200})"
)


def read_ranges(size: int) -> tuple[tuple[int, int], ...]:
    """The bytes of a text log of that size that are read: from where to where."""
    return (
        ((0, size),)
        if size <= MAX_FULL_READ
        else ((0, HEAD_BYTES), (size - (MAX_FULL_READ - HEAD_BYTES), size))
    )


def lines_of(disk: RunFiles, file: str) -> Iterator[NumberedLine]:
    """The lines of a text log that are read, with their numbers. That a part was left out is noted.

    Behind a part that is too long to be counted, or that lies elsewhere, lines have the number 0.
    """
    size = disk.size(file) or 0
    if size <= MAX_FULL_READ:
        yield from disk.lines(file)
        return
    (_, first), (last, _) = read_ranges(size)
    disk.record_unreadable(file, 0, f"{size:,} bytes; what stands between the first {first:,} and the last {size - last:,} was not read")  # fmt: skip
    head, tail = disk.head(file, first), disk.tail(file, size - last).split(b"\n")
    yield from enumerate(head[: head.rfind(b"\n") + 1].split(b"\n")[:-1], start=1)
    if size > MAX_COUNTED or disk.is_mirror:
        yield from ((0, line) for line in tail[1:])
    else:
        yield from enumerate(tail[1:], start=disk.newlines(file, last) + 2)


def relevant_lines(file: str, lines: Iterable[NumberedLine]) -> Iterator[LogLine]:
    """The lines of a text log that complain, at most ``MAX_KEPT``."""
    kept = 0
    step: str | None = None
    for number, raw in lines:
        if not _may_matter(raw):
            continue
        named = _STEP.search(raw[:MAX_TEXT])
        if named:
            step = _text(named[1] or named[2] or named[3])
        level = _LEVEL.search(raw[:200])
        if level is None and not _RELEVANT.search(raw[:MAX_TEXT]):
            continue
        kept += 1
        if kept > MAX_KEPT:
            return
        yield LogLine(file, number, _head(raw), level[1].decode() if level else "", step)


def partial_event(file: str, number: int, raw: bytes) -> LogLine:
    """An event that was cut off, as a line of text: with its escapes undone, and the step it names."""
    text = _head(raw)
    named = _STEP_ID.search(text)
    for escaped, character in (('\\"', '"'), ("\\n", "\n"), ("\\\\", "\\")):
        text = text.replace(escaped, character)
    return LogLine(file, number, text, "ERROR", named[1] if named else None)


def _may_matter(raw: bytes) -> bool:
    """Whether a line may fit one of the patterns: most do not, and to ask for words takes a tenth of the time."""
    return (
        b"rror" in raw
        or b"WARN" in raw
        or b"cfg/" in raw
        or b"ERROR" in raw
        or b"CRITICAL" in raw
        or b"FATAL" in raw
        or b"HTTP/" in raw
        or b"xception" in raw
        or b"Executing step" in raw
        or b" for step " in raw
        or b"Killed" in raw
        or b"Segmentation fault" in raw
    )


def _head(raw: bytes) -> str:
    return excerpt(_text(raw[: MAX_TEXT + LOOKAHEAD]), len(_text(raw[:MAX_TEXT])))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").rstrip("\r\n")
