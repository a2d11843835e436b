"""The worker process ended during a step.

What it finds:
    A step or a run that failed because its worker ended with a signal, or with the exit code of one.

Why it matters:
    The process had no chance to report an error of its own. Its output may be incomplete.

How to fix:
    The signal says where to look: after SIGKILL (-9, 137) the memory, after SIGTERM (-15, 143) who ended it, after
    SIGSEGV (-11, 139) and SIGABRT (-6, 134) a package with native code.

Example:
    `the worker is gone: killed by SIGKILL`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence

EXPLAINS = ("run-truncated", "step-never-ended", "step-timeout")
IS_GENERAL = True

_CODE = r"(?:exit(?:ed)?(?: with)?(?: exit)?|return(?:ed)?(?: with)?) ?(?:code|status):? (?:{codes})(?!\d)[^\n]{{0,40}}"
"""An exit code as programs and services log it."""


def _by_signal(codes: str, words: str) -> str:
    return f"{_CODE.format(codes=codes)}|{words}"


def _without_memory(run: Run) -> bool:
    """Return True if the run records that a cancellation or a shutdown ended the worker."""
    return bool(run.events_named("run_cancelled", "cancel_requested", "interrupted"))


def _fix_killed(run: Run, _text: ErrorText, _match: object) -> str:
    """Return where to look after SIGKILL."""
    if _without_memory(run):
        return "run again: the run was cancelled"
    return (
        "check the memory first: process less data at once, spill DataFrames, or raise the memory limit; then check "
        "whether a person or an orchestrator ended the process"
    )


PATTERNS = (
    ErrorPattern(
        pattern=_by_signal(
            "-9|137", r"\bkilled by SIGKILL\b|\bsignal: killed\b|^Killed$|\bSIGKILL\b[^\n]{0,40}"
        ),
        message="a process of the step was killed by SIGKILL, which the system sends when memory runs out",
        fix=_fix_killed,
        domain="infra",
    ),
    ErrorPattern(
        pattern=_by_signal(
            "-11|139", r"\b(?:killed by )?SIGSEGV\b|(?i:segmentation fault)|Fatal Python error: [^\n]{1,80}"
        ),
        message="a process of the step crashed in native code",
        fix="update or pin what crashed: a program that the step calls, or packages with native code (drivers, pandas, "
        "pyarrow, duckdb); PYTHONFAULTHANDLER=1 logs where Python crashes",
        domain="infra",
    ),
    ErrorPattern(
        pattern=_by_signal(
            "-6|134|-7|135|-8|136", r"\b(?:killed by )?SIG(?:ABRT|BUS|FPE)\b|\bterminate called after"
        ),
        message="a process of the step was aborted by native code",
        fix="read the end of the worker's log for the reason, and check memory, disk and the versions of packages "
        "with native code",
        domain="infra",
    ),
    ErrorPattern(
        pattern=_by_signal("-4|132", r"\b(?:killed by )?SIGILL\b|(?i:illegal instruction)"),
        message="a process of the step executed an instruction that the processor does not have",
        fix="install packages that are built for this processor, or use another machine",
        domain="infra",
    ),
    ErrorPattern(
        pattern=_by_signal("-15|143|-2|130|129", r"\bkilled by SIG(?:TERM|INT|HUP)\b"),
        message="a process of the step was ended from outside",
        fix="find out what ended it: a time limit of the CI job, an orchestrator, a shutdown, or a person",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"\bBrokenProcessPool\b[^\n]{0,120}|A worker process managed by the executor was unexpectedly terminated"
            r"|A (?:child )?process (?:in the process pool was )?terminated abruptly[^\n]{0,60}"
        ),
        message="a process of a pool that the driver started ended before its work was done",
        fix="read what that process wrote last, and check memory: a lack of memory and a crash in native code end it alike",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=(
            r"the worker is gone(?:: (?!killed by SIG(?:KILL|SEGV|ABRT|BUS|FPE|ILL|TERM|INT|HUP))(?P<how>[^\n]{1,120})|$)"
            r"|[Ww]orker (?:process )?(?:was )?(?:killed|lost|died)[^\n]{0,100}"
            r"|\bkilled by SIG(?:QUIT|TRAP|USR1|USR2|PIPE|ALRM|XCPU|XFSZ|SYS|PWR|IO|VTALRM|PROF)\b"
        ),
        message="the worker process ended during the step",
        fix="read the end of the worker's log for the reason",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
)
