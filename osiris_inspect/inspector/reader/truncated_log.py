"""Finds the last errors of a truncated run in a torn line or a text log."""

from collections.abc import Sequence

from osiris_inspect.inspector.files import text_log
from osiris_inspect.inspector.run.run import LogLine, StepState, TruncatedError
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model import run_layout as layout

_ERRORS = frozenset({"ERROR", "CRITICAL", "FATAL"})
_STEP_FAILED = LazyRegex(r"\bStep (?:failed event|'?(?P<step>[\w.\-]{1,200}?)'? (?:execution )?failed): ")
_WORKER_EXITED = LazyRegex(r"exited with (?:exit )?(?:code|status)|\b[Kk]illed\b")
_WORKER_LOST = LazyRegex(r"worker is gone|[Ww]orker (?:was )?(?:killed|lost|died|exited)|killed by SIG")
_DISK_FULL = LazyRegex(r"(?i:no space left|quota exceeded)|\bENOSPC\b")
_LEVEL = LazyRegex(r"\b(?:ERROR|CRITICAL|FATAL)\b[\s:\-\]]*")


def truncated_errors(
    steps: Sequence[StepState], log_lines: Sequence[LogLine], *, torn: bool = False
) -> tuple[TruncatedError, ...]:
    """Return the errors of the step that was running when the log ends; none if there is none.

    Lines that report a failed step come first: torn lines of the log and the first of a text log. Otherwise
    only the last error that names the step or the end of its worker is returned, because earlier ones may
    precede the step. The last error of the operating system follows: it may have ended the run. With ``torn``
    the last line of the log was cut, which confirms that the disk was full.
    """
    running = [step for step in steps if step.status == "running"]
    ended = [other.failure.message.partition("\n")[0][:60] for other in steps if other.failure is not None]
    if not running:
        return _system_errors([line for line in log_lines if line.file != layout.EVENTS], None, torn=torn)
    step = running[-1]
    own = [line for line in log_lines if _may_belong_to(line, step, ended)]
    lines = [line for line in own if line.level in _ERRORS]
    torn_lines = [line for line in lines if line.file == layout.EVENTS]
    step_failures = [line for line in lines if line.file != layout.EVENTS and _STEP_FAILED.search(line.text)]
    failures = [*torn_lines, *step_failures[:1]]
    candidates = [line for line in lines if line.step == step.id or _WORKER_EXITED.search(line.text)]
    stated = {line.line for line in failures if line in torn_lines or _mentions_step(line, step)}
    errors = tuple(
        TruncatedError(line._replace(text=_error(line), step=step.id), line.line in stated)
        for line in failures or candidates[-1:]
    )
    lines_of_errors = {error.line.line for error in errors}
    system = _system_errors([line for line in own if line.file != layout.EVENTS], step.id, torn=torn)
    return errors + tuple(error for error in system if error.line.line not in lines_of_errors)


def lost_worker_errors(
    steps: Sequence[StepState], log_lines: Sequence[LogLine]
) -> tuple[TruncatedError, ...]:
    """Return the last error of the operating system, if the last step to fail lost its worker."""
    lost = [
        step
        for step in steps
        if step.failure is not None and _WORKER_LOST.search(step.failure.message[:4000])
    ]
    if not lost:
        return ()
    own = [line for line in log_lines if line.step in (None, lost[-1].id)]
    return _system_errors(own, lost[-1].id, torn=False)


def _system_errors(lines: Sequence[LogLine], step: str | None, *, torn: bool) -> tuple[TruncatedError, ...]:
    last = next((line for line in reversed(lines) if text_log.SYSTEM_ERROR.search(line.text)), None)
    if last is None:
        return ()
    is_confirmed = torn and _DISK_FULL.search(last.text) is not None
    return (TruncatedError(last._replace(text=_error(last), step=step), is_confirmed),)


def _mentions_step(line: LogLine, step: StepState) -> bool:
    match = _STEP_FAILED.search(line.text)
    return match is not None and match["step"] == step.id


def _may_belong_to(line: LogLine, step: StepState, ended: Sequence[str]) -> bool:
    """Return True if an error names no other step and is not the error of another one."""
    match = _STEP_FAILED.search(line.text)
    step_id = (match["step"] if match else None) or line.step
    return step_id in (None, step.id) and not any(text and text in line.text for text in ended)


def _error(line: LogLine) -> str:
    """Return the error without the prefix of a line."""
    match = _STEP_FAILED.search(line.text) or _LEVEL.search(line.text[:200])
    return line.text[match.end() :] if match and line.file != layout.EVENTS else line.text
