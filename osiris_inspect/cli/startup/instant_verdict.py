"""The verdict on a run in two plain lines, printed before a framework is imported.

It is read from the end of the log, so its time does not depend on the length of the log. The viewer reads the whole log
and may correct it. For speed this module uses neither dataclasses nor the decoder of ``model/event``.
"""

import os
import sys
from collections.abc import Sequence

from osiris_inspect.base import bounded_json
from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.cli.support import streams
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.model.failure import RUN_FAILURES, STEP_FAILURES, error_message

TAIL_BYTES = 256 << 10
"""Bytes at the end of a log that are searched for the end of the run."""

SEARCH_BYTES = 16 << 20
"""Bytes at the end of a log that are searched for the last failure."""

_ENDS = (b'"run_end"', b'"run_complete"', b'"cleanup_complete"')
_DECISIVE = (*STEP_FAILURES, *RUN_FAILURES)
_SIGNS = (b'_failed"', b'_error"')
_STATUS_TEXT = {
    "success": ("✓", "succeeded", "32"),
    "failed": ("✗", "failed", "1;31"),
    "interrupted": ("!", "interrupted", "33"),
    "open": ("…", "has not ended", "36"),
}
_DEFAULT_DIRS = ("logs", "run_logs")
_CACHE: dict[tuple[str, tuple[int, int] | None, tuple[int, int] | None], tuple[str, str]] = {}
"""The last verdict, by run and the states of its files."""


def print_verdict(arguments: list[str]) -> str | None:
    """Print the verdict on the run that the command line opens, if it opens one.

    Return the path if the command line names one and only needs to open it.
    """
    path = path_argument(arguments)
    if path is None or not _is_interactive():
        return None
    run = find_run(path)
    if run is None:
        return None
    color = not os.environ.get("NO_COLOR")
    streams.write_stdout("\r\n".join(verdict_lines(run, color=color)) + "\r\n", colors=color)
    return path if path in arguments else None


def verdict_lines(run: str, *, color: bool = False) -> list[str]:
    """Return a line with the run and its status, then a line with its last failure, if there is one."""
    status, cause = _read(run)
    sign, word, tone = _STATUS_TEXT[status]
    name = show_line(os.path.basename(os.path.abspath(run)), 200)  # noqa: PTH100, PTH119  pathlib costs 5 ms
    lines = [f"{_in_color(f'{sign} {word}', tone) if color else f'{sign} {word}'}  {name}"]
    if cause:
        text, width = show_line(cause, 400), _width() - 4
        lines.append(f"  {text if len(text) <= width else text[: width - 1] + '…'}")
    return lines


def find_run(path: str) -> str | None:
    """Return the path if it is a run, else the newest run in the folder, else None."""
    if _is_run(path):
        return path
    try:
        with os.scandir(path) as children:
            names = [child.name for child in children if child.name.startswith("run_")]
    except OSError:
        return None  # opening the path reports the error
    newest_first = (
        f"{path}/{name}" for name in sorted(names, key=lambda name: (len(name), name), reverse=True)
    )
    return next(filter(_is_run, newest_first), None)


def path_argument(arguments: Sequence[str]) -> str | None:
    """Return the path that a command line opens; None if it does something else.

    A word without a slash may be a command, so it counts only if it is a default folder or begins with ``run_`` or ``@``.
    """
    is_open = arguments[:1] == ["open"]
    words = arguments[1:] if is_open else arguments
    if not words:
        return next(filter(os.path.isdir, _DEFAULT_DIRS), None)
    path = words[0]
    is_path = is_open or "/" in path or path in (".", *_DEFAULT_DIRS) or path.startswith(("run_", "@"))
    return path if len(words) == 1 and is_path and not path.startswith("-") else None


def _is_interactive() -> bool:
    return sys.stdin.isatty() and streams.is_stdout_terminal() and os.environ.get("TERM") != "dumb"


def _is_run(path: str) -> bool:
    return any(os.path.isfile(f"{path}/{name}") for name in ("events.jsonl", "status.json"))  # noqa: PTH113  as above


def _read(run: str) -> tuple[str, str]:
    """Return the status of the run and its last failure; cached, because a start asks twice."""
    key = (run, _stat(f"{run}/events.jsonl"), _stat(f"{run}/status.json"))
    if key not in _CACHE:
        _CACHE.clear()
        _CACHE[key] = _read_anew(run)
    return _CACHE[key]


def _stat(path: str) -> tuple[int, int] | None:
    try:
        state = os.stat(path)  # noqa: PTH116  as above
    except OSError:
        return None  # a run may lack its log or its status
    return state.st_size, state.st_mtime_ns


def _read_anew(run: str) -> tuple[str, str]:
    try:
        with os.fdopen(open_regular(f"{run}/events.jsonl"), "rb") as log:
            last_lines = _last_lines(log.fileno())
            failure = _last_failure(log.fileno())
    except OSError:
        # a run may have only its status; the screen names a file that it cannot read
        failure, last_lines = None, []
    ok, reason, status = _status(run)
    if status == "interrupted":
        return "interrupted", ""
    if failure is not None or (ok is False and reason not in ("", "missing_events_jsonl")):
        return "failed", failure or f"status.json: {reason}"
    has_ended = any(name in line for line in last_lines for name in _ENDS)
    return ("success" if has_ended or ok is True else "open"), ""


def _last_lines(descriptor: int) -> list[bytes]:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, TAIL_BYTES, max(0, size - TAIL_BYTES)).split(b"\n")[-40:]


def _last_failure(descriptor: int) -> str | None:
    """Return why a step failed, or else the run; the log is searched from its end, block by block.

    The first failure in the last block that has any counts: those after it are its consequences.
    """
    end = os.fstat(descriptor).st_size
    begin, after = end, b""
    while begin > max(0, end - SEARCH_BYTES):
        at = max(0, begin - TAIL_BYTES)
        block = os.pread(descriptor, begin - at, at) + after
        whole = 0 if at == 0 else block.find(b"\n") + 1  # a line that is cut here is read with the next block
        failures = filter(None, map(_failure, _candidate_lines(block, whole)))
        if (closest := min(failures, key=lambda failure: failure[0], default=None)) is not None:
            return closest[1]
        begin, after = at, block[:whole]
    return None


def _candidate_lines(block: bytes, begin: int) -> list[bytes]:
    """Return the lines that may report a failure; most blocks have none, and checking is cheaper than splitting."""
    if not any(block.find(sign, begin) >= 0 for sign in _SIGNS):
        return []
    return [line for line in block[begin:].split(b"\n") if any(sign in line for sign in _SIGNS)]


def _failure(line: bytes) -> tuple[int, str] | None:
    """Return the rank and the text of a failure that decides the verdict, None for other lines; rank 0 counts most."""
    try:
        document = bounded_json.loads(line)
    except ValueError:
        return None  # truncated, too deep, or not an event; the viewer lists it
    if not isinstance(document, dict):
        return None
    is_flat = isinstance(document.get("event"), str)
    name, fields = (document["event"], document) if is_flat else (document.get("name"), document.get("data"))
    if name not in _DECISIVE:
        return None
    fields = fields if isinstance(fields, dict) else {}
    message, step = error_message(fields), fields.get("step_id")
    rank = _DECISIVE.index(name) if message or name in STEP_FAILURES else len(_DECISIVE)
    text = message or f"{name} without a reason"
    return rank, f"{step}: {text}" if step else text


def _status(run: str) -> tuple[bool | None, str, str]:
    """Return whether the run succeeded, why not, and the status that a run of this program records."""
    try:
        with os.fdopen(open_regular(f"{run}/status.json"), "rb") as file:
            document = bounded_json.loads(file.read(TAIL_BYTES))
    except (OSError, ValueError):
        return None, "", ""  # not written yet, or unreadable; the log decides
    if not isinstance(document, dict):
        return None, "", ""
    ok = document.get("ok")
    reason, status = str(document.get("reason") or ""), str(document.get("status") or "")
    return (ok if isinstance(ok, bool) else None), reason, status


def _width() -> int:
    try:
        return max(20, os.get_terminal_size(1).columns)
    except OSError:
        return 120  # not a terminal


def _in_color(text: str, tone: str) -> str:
    return f"\x1b[{tone}m{text}\x1b[0m"
