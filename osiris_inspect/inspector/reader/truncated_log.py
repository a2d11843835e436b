"""What a run that was cut off said last: the error that its events had no time for, in a torn line or a text log."""

import re
from collections.abc import Sequence

from osiris_inspect.inspector.run.run import LogLine, StepState, TruncatedError
from osiris_inspect.model import run_layout as layout

_ERRORS = frozenset({"ERROR", "CRITICAL", "FATAL"})
_OF_STEP = re.compile(r"\bStep (?:failed event|'?(?P<step>[\w.\-]{1,200}?)'? (?:execution )?failed): ")
_OF_WORKER = re.compile(r"exited with (?:exit )?(?:code|status)|\b[Kk]illed\b")
_LEVEL = re.compile(r"\b(?:ERROR|CRITICAL|FATAL)\b[\s:\-\]]*")


def truncated_errors(steps: Sequence[StepState], log_lines: Sequence[LogLine]) -> tuple[TruncatedError, ...]:
    """The errors of the step that was running when the log of these steps stopped; none where nothing tells one.

    Lines that say that a step failed, a torn one of the log and the first of a text log, count before other errors: of
    those only the last one does that names the step or the end of its worker. Others may be of before the step.
    """
    running = [step for step in steps if step.status == "running"]
    if not running:
        return ()
    step = running[-1]
    ended = [other.failure.message.partition("\n")[0][:60] for other in steps if other.failure is not None]
    lines = [line for line in log_lines if line.level in _ERRORS and _may_belong_to(line, step, ended)]
    torn = [line for line in lines if line.file == layout.EVENTS]
    ends = [line for line in lines if line.file != layout.EVENTS and _OF_STEP.search(line.text)]
    said = [*torn, *ends[:1]]
    near = [line for line in lines if line.step == step.id or _OF_WORKER.search(line.text)]
    sure = {line.line for line in said if line in torn or _mentions_step(line, step)}
    return tuple(
        TruncatedError(line._replace(text=_error(line), step=step.id), line.line in sure)
        for line in said or near[-1:]
    )


def _mentions_step(line: LogLine, step: StepState) -> bool:
    match = _OF_STEP.search(line.text)
    return match is not None and match["step"] == step.id


def _may_belong_to(line: LogLine, step: StepState, ended: Sequence[str]) -> bool:
    """Whether an error may be that of a step: it names no other one, and no other one ended with it."""
    match = _OF_STEP.search(line.text)
    named = (match["step"] if match else None) or line.step
    return named in (None, step.id) and not any(text and text in line.text for text in ended)


def _error(line: LogLine) -> str:
    """What went wrong, without what stands before it in each line of the log."""
    match = _OF_STEP.search(line.text) or _LEVEL.search(line.text[:200])
    return line.text[match.end() :] if match and line.file != layout.EVENTS else line.text
