"""Text logs: the lines that say something events do not.

A worker of the original swallows some errors and tells only its text log, so warnings, errors and answers of web
services with a bad status are kept, each with the step the worker was at.
"""

import re
from collections.abc import Iterable, Iterator

from osiris_inspect.inspector.run import LogLine

MAX_KEPT = 5000
"""Lines kept of one log; a log that complains more often says nothing new."""
MAX_TEXT = 4000
"""Characters kept of one line."""

_LEVEL = re.compile(rb"\b(CRITICAL|FATAL|ERROR|WARNING|WARN)\b")
_WORTH = re.compile(
    rb"HTTP/\d(?:\.\d)?\"? [45]\d\d|[Ee]rror details|Killed\b|Segmentation fault|^\w*(?:Error|Exception)\b[:(]"
)
_STEP = re.compile(rb"\bcfg/([^/\s]{1,200})\.json\b|\bExecuting step ([^\s]{1,200})")


def complaints(file: str, lines: Iterable[tuple[int, bytes]]) -> Iterator[LogLine]:
    """The lines of a text log that complain, at most ``MAX_KEPT``."""
    kept = 0
    step: str | None = None
    for number, raw in lines:
        named = _STEP.search(raw[:MAX_TEXT])
        if named:
            step = _text(named[1] or named[2])
        level = _LEVEL.search(raw[:200])
        if level is None and not _WORTH.search(raw[:MAX_TEXT]):
            continue
        kept += 1
        if kept > MAX_KEPT:
            return
        yield LogLine(file, number, _text(raw[:MAX_TEXT]), level[1].decode() if level else "", step)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").rstrip("\r\n")
