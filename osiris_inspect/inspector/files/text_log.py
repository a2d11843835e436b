"""Reads the lines of text logs that report more than the events do.

A worker of the original reports some errors only in its text log. Warnings, errors, failed connections and HTTP
responses are kept; a driver may hide what the log records about a request.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from osiris_inspect.inspector.files import http_log
from osiris_inspect.inspector.files.run_files import NumberedLine, RunFiles
from osiris_inspect.inspector.run.http_response import HttpResponse
from osiris_inspect.inspector.run.run import LogLine
from osiris_inspect.inspector.text.lazy_regex import LazyBytesRegex, LazyRegex
from osiris_inspect.inspector.text.sanitize import LOOKAHEAD, excerpt
from osiris_inspect.model import run_layout as layout

MAX_FULL_READ = 8 << 20
"""A text log of more bytes is read only at its beginning and its end."""
HEAD_BYTES = 2 << 20
MAX_COUNTED = 512 << 20
"""Bytes up to which skipped lines are counted, which takes a fifth of a second."""
MAX_KEPT = 5000
"""Maximum number of lines kept of one log."""
MAX_MESSAGES = 2000
"""Maximum number of messages of drivers kept of one log, besides warnings and errors."""
LAST_MESSAGES = 100
"""Number of messages kept of the end of a longer log."""
MAX_TEXT = 4000
"""Maximum number of characters kept of one line."""

_LEVEL = LazyBytesRegex(rb"\b(CRITICAL|FATAL|ERROR|WARNING|WARN)\b")
_OWN_LEVEL = LazyBytesRegex(rb" - \[step [^\s\]]{1,200}\] - ([A-Z]{1,20}) - ")
_ROWS = rb"\b(?:rows?|lines?|records?|documents?|entries|items?)\b"
_LEFT_OUT = rb"\b(?:skipp|dropp|ignor|reject|discard|omitt)(?:ed|ing)\b"
_REPORTS_LOSS = LazyBytesRegex(
    rb"%b[^\n]{0,40}?%b|%b[^\n]{0,40}?%b" % (_ROWS, _LEFT_OUT, _LEFT_OUT, _ROWS), re.IGNORECASE
)
_REPORTS_ROWS = LazyBytesRegex(
    rb"\d(?: [a-z]{1,15})? {0,2}(?:of|out of|/) {0,2}(?:a total of )?\d|\btotal|[_ ]total\b|totalcount|numfound|row_?count|\bhas[_ ]?(?:more|next)"
    rb"|\bnext[_ ]?(?:page|cursor|token|link|offset|url)|\btruncat|\bshortened|\bpartial\b|\bfirst page|\bonly (?:the )?first|\blimited to|\bcapped"
    rb"|\bmore \w{3,12} (?:are |is )?available|\bnot all \w{3,12}|\bstale\b|\bcached (?:copy|data|result|response|snapshot)|\b(?:falling|fell) back"
    rb"|\busing (?:default|none|null|nan|the default)|\bcoerced|\bdefaulting|\bset(?:ting)? (?:it )?to (?:none|null|nan)|\bretrying"
    rb"|\b(?:errors|errored|failed|failures|reject|invalid|malformed|lost)"
    rb"|\bdead[ _-]?letter|dlq\b|\bquarantin|\brout(?:ed|ing)\b|\bunresolved|\bleft behind|deliver(?:ed|able)\b|could not be|\bstopp(?:ed|ing) |\blimited|[_ ]limit\b"
    rb"|\battempt|\b(?:try|tries)\b|\brecovered|\breconnect|\bsucceeded|\balready|\bdry[ -]?run|\bnothing |\bidentical|\bexists|\bduplicate|\bno (?:new|change)|\bnot (?:modified|changed)|^Traceback |^During handling of |^The above exception "
    rb"|\bwarning'?, \d{4},|\b(?:page|offset|batch|pages|again|kept|no more|last|unchanged|up to date)\b|\b(?:filter|match|dedup|unique|re-?read|re-?fetch)|\ball \w{2,20}"
    rb"|\b(?:chunk|part|partition|shard|segment|file|sheet|region|store|branch|tenant|station|site|device|topic|bucket)\b",
    re.IGNORECASE,
)
"""Messages of drivers about a part of the rows, in the log of our own worker."""
_REPORTS_SOURCE = (
    *(
        b"reach",
        b"connect",
        b"refused",
        b"respon",
        b"answer",
        b" down",
        b"offline",
        b"without",
        b"proceed",
        b"continu",
    ),
    *(
        b"omitt",
        b"skipp",
        b"ignor",
        b"returned ",
        b"returning",
        b"fallback",
        b"using ",
        b"available",
        b"time out",
    ),
    *(b"timeout", b"timed out", b"could not ", b"cannot ", b"unable ", b"failed to ", b"status ", b"http "),
)
"""Words of messages about a source that was not reached."""
_RELEVANT = LazyBytesRegex(
    rb"HTTP/\d(?:\.\d)?\"? [45]\d\d|\b(?:Connect|Read|Write|Pool|Network|RemoteProtocol)(?:ion)?(?:Error|Timeout)\(|[Ee]rror details|\bconnection for step \S{1,200}: |Killed\b|Segmentation fault|^\w{0,100}(?:Error|Exception)\b[:(]|^KeyboardInterrupt\b"
)
SYSTEM_ERROR = LazyRegex(
    r"(?i:no space left on device|disk quota exceeded|cannot allocate memory|out of memory|too many open files"
    r"|file table overflow)|\b(?:ENOSPC|EDQUOT|ENOMEM|EMFILE|ENFILE|OOMKilled|MemoryError)\b"
)
"""The operating system, or the runtime of the language, refused disk space, memory or a file descriptor."""
_SYSTEM_ERROR = LazyBytesRegex(SYSTEM_ERROR.text.encode())
_ABOUT_CODE = LazyBytesRegex(rb":\d{1,6}: \w{0,40}(?:Deprecation|Future|Import|Resource|Syntax)Warning: ")
"""A warning of Python about the code of a driver, not about its data."""
_END_EVENT = LazyBytesRegex(rb'"(?:step_error|step_failed|run_error)"')
_ERROR_TEXT = LazyBytesRegex(rb'"(?:error|message)"\s{0,16}:\s{0,16}"')
_STEP_ID = LazyRegex(r'"step_id"\s{0,16}:\s{0,16}"([^"\\]{1,200})"')
_OF_ANY_LOG = (_RELEVANT, _SYSTEM_ERROR, _REPORTS_LOSS)
_STEP = LazyBytesRegex(
    rb"\[step ([^\s\]]{1,200})\] - |\bcfg/([^/\s]{1,200})\.json\b|\bExecuting step ([^\s]{1,200})|\b(?:connection|query) for step ([^\s:,]{1,200})"
)


_INFO = b" INFO "
_OWN_STEP = b" - [step "
_RELEVANT_TEXTS = (
    *(b"rror", b"Timeout(", b"WARN", b"cfg/", b"ERROR", b"CRITICAL", b"FATAL", b"HTTP/", b"xception"),
    *(b"Executing step", b" for step ", b"Killed", b"Segmentation fault", b"space left", b"quota exceeded"),
    *(b"allocate memory", b"of memory", b"OF MEMORY", b"open files", b"table overflow", b"ENOSPC", b"EDQUOT"),
    *(b"ENOMEM", b"EMFILE", b"ENFILE", b"KeyboardInterrupt"),
    *(b"kipp", b"ropp", b"gnor", b"eject", b"iscard", b"mitt"),
)


def read_ranges(size: int) -> tuple[tuple[int, int], ...]:
    """Return the byte ranges of a text log of this size that are read."""
    if size <= MAX_FULL_READ:
        return ((0, size),)
    return (0, HEAD_BYTES), (size - (MAX_FULL_READ - HEAD_BYTES), size)


def lines_of(disk: RunFiles, file: str) -> Iterator[NumberedLine]:
    """Yield the lines of a text log with their numbers; record if a part is skipped.

    Lines after a part that is not counted have the number 0.
    """
    size = disk.size(file) or 0
    if size <= MAX_FULL_READ:
        yield from disk.lines(file)
        return
    (_, first), (last, _) = read_ranges(size)
    disk.record_unreadable(file, 0, f"{size:,} bytes; only the first {first:,} and the last {size - last:,} were read")  # fmt: skip
    head, tail = disk.head(file, first), disk.tail(file, size - last).split(b"\n")
    yield from enumerate(head[: head.rfind(b"\n") + 1].split(b"\n")[:-1], start=1)
    if size > MAX_COUNTED or disk.is_mirror:
        yield from ((0, line) for line in tail[1:])
    else:
        yield from enumerate(tail[1:], start=disk.newlines(file, last) + 2)


class TextLog(NamedTuple):
    """The content of text logs that rules use.

    Attributes:
        lines: warnings and errors.
        responses: HTTP responses, successful ones among them.
        has_info: True if messages of level INFO were logged.
    """

    lines: tuple[LogLine, ...] = ()
    responses: tuple[HttpResponse, ...] = ()
    has_info: bool = False

    def __or__(self, other: "TextLog") -> "TextLog":
        """Return the content of both."""
        return TextLog(
            self.lines + other.lines, self.responses + other.responses, self.has_info or other.has_info
        )


def read_text_log(file: str, lines: Iterable[NumberedLine]) -> TextLog:
    """Return the content of a text log, at most ``MAX_KEPT`` lines and as many responses."""
    responses: list[HttpResponse] = []
    has_info = False

    def observed() -> Iterator[NumberedLine]:
        nonlocal has_info
        for number, raw in lines:
            # the log of our own worker has messages of drivers, but not those of HTTP clients
            has_info = has_info or (_INFO in raw[:200] and _OWN_STEP not in raw[:200])
            if http_log.MARK in raw and len(responses) < MAX_KEPT:
                response = http_log.parse_response(file, number, _head(raw))
                responses.extend([response] if response is not None else [])
            yield number, raw

    kept = tuple(relevant_lines(file, observed()))
    return TextLog(kept, tuple(responses), has_info)


def relevant_lines(file: str, lines: Iterable[NumberedLine]) -> Iterator[LogLine]:
    """Yield the warnings and errors of a text log, at most ``MAX_KEPT``, and what drivers logged about their rows.

    Of the latter, ``MAX_MESSAGES`` and the last ones.
    """
    count = messages = 0
    step: str | None = None
    is_own_log = file.rpartition("/")[2] == layout.WORKER_LOG
    is_in_traceback = False
    last_messages: deque[LogLine] = deque(maxlen=LAST_MESSAGES)
    for number, raw in lines:
        is_in_traceback = raw.startswith(b"Traceback (") or (is_in_traceback and raw.startswith(b"  "))
        if is_own_log and is_in_traceback and raw.startswith(b"  "):
            continue  # a line of code, not a message
        if not (is_own_log or _may_matter(raw)):
            continue
        match = _STEP.search(raw[:MAX_TEXT])
        if match:
            step = _text(match[match.lastindex or 1])
        own = _OWN_LEVEL.search(raw[:400])  # the message itself may contain the name of a level
        level = _LEVEL.search(raw[:200]) if own is None else _LEVEL.fullmatch(own[1])
        head = raw[:MAX_TEXT]
        if b"Warning: " in head and own is None and _ABOUT_CODE.search(head):
            continue
        if level is None and not any(pattern.search(head) for pattern in _OF_ANY_LOG):
            if is_own_log and (_reports_source(head) or _REPORTS_ROWS.search(head)):
                messages += 1
                line = LogLine(file, number, _head(raw), "", step)
                if messages > MAX_MESSAGES:
                    last_messages.append(line)
                else:
                    yield line
            continue
        count += 1
        if count > MAX_KEPT:
            break
        yield LogLine(file, number, _head(raw), level[1].decode() if level else "", step)
    yield from last_messages


def reports_failure(raw: bytes) -> bool:
    """Return True if a truncated event reports a failure, with at least the beginning of its text."""
    name = _END_EVENT.search(raw)
    return name is not None and _ERROR_TEXT.search(raw, name.end()) is not None


def partial_event(file: str, number: int, raw: bytes) -> LogLine:
    """Return a truncated event as a line of text, unescaped, with the step it names."""
    text = _head(raw)
    match = _STEP_ID.search(text)
    for escaped, character in (('\\"', '"'), ("\\n", "\n"), ("\\\\", "\\")):
        text = text.replace(escaped, character)
    return LogLine(file, number, text, "ERROR", match[1] if match else None)


def _may_matter(raw: bytes) -> bool:
    """Return True if a line may match one of the patterns; this check takes a tenth of their time."""
    return any(text in raw for text in _RELEVANT_TEXTS)


def _head(raw: bytes) -> str:
    return excerpt(_text(raw[: MAX_TEXT + LOOKAHEAD]), len(_text(raw[:MAX_TEXT])))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").rstrip("\r\n")


def _reports_source(line: bytes) -> bool:
    lowered = line.lower()
    return any(word in lowered for word in _REPORTS_SOURCE)
