"""Failures that a driver logged before it repeated the work with success."""

from collections.abc import Iterator, Sequence

from osiris_inspect.inspector.files.driver_messages import message_text
from osiris_inspect.inspector.run.error_phrases import MAX_END
from osiris_inspect.inspector.run.run import LogLine, Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

GAVE_UP = LazyRegex(
    r"\b(?:giving|gave) up\b|\bretr(?:y|ies) (?:failed|exhausted|limit)|\bno (?:more )?retr|\bmax(?:imum)? retries (?:exceeded|reached)\b|\bafter (?:all|\d{1,3}) (?:attempts|retries|tries)\b"
    r"|\b(?:all|last|final) (?:\d{1,3} )?(?:attempts?|retries|retry|tries)\b|\battempt (\d{1,3}) ?(?:of|/) ?\1\b",
    2,
)
RETRY = LazyRegex(
    r"\bretry(?:ing)?\b|\bretried\b|\btrying again\b|\bwill be repeated\b|\battempt [1-9]\d? ?(?:of|/) ?\d|\breconnecting\b",
    2,
)
RECOVERED = LazyRegex(
    r"\brecovered\b|\breconnected\b|\b(?:attempt|retry|try)(?: #?\d{1,3})?(?: (?:was|has))?:? (?:succeeded|successful|ok)\b"
    r"|\b(?:succeeded|successful|ok|loaded|fetched|done|worked) (?:on|at|in|after|with) (?:the )?"
    r"(?:attempt|retry|\d{1,3} (?:attempts|retries|tries)|(?:second|third|2nd|3rd|next) (?:attempt|try))",
    2,
)
_ATTEMPT = LazyRegex(r"\battempt #?\d{1,3}\b", 2)
_OF_VALUES = frozenset(
    [
        "ArithmeticError",
        "AssertionError",
        "InvalidOperation",
        "OverflowError",
        "ValueError",
        "ZeroDivisionError",
    ]
)
"""Exceptions about values that the driver received, unless they say that it received nothing."""
_VALUE = LazyRegex(r"\d|['\"`]")
_NOTHING = LazyRegex(
    r"\b(?:no|none|0|zero|empty|nothing|missing|incomplete|without|not enough|timed? ?out|time ?out|attempts?|retries|connect\w{0,6}"
    r"|unreachable|response|server|json)\b",
    2,
)


def overcome_failures(run: Run) -> frozenset[tuple[str, int]]:
    """Return the files and lines in which failed steps logged a failure that a retry overcame.

    A retry succeeded if the driver logged that, or if the step failed later with an error about a value that it had
    received.
    """
    failed = {step.id: step for step in run.steps if step.status == "failed"}
    lines: dict[str, list[LogLine]] = {}
    for line in run.log_lines:
        if line.step in failed:
            lines.setdefault(line.step or "", []).append(line)
    return frozenset(
        (line.file, line.line)
        for name, own in lines.items()
        for line in _overcome(own, has_values=_is_about_a_value(failed[name]))
    )


def _overcome(lines: Sequence[LogLine], *, has_values: bool) -> Iterator[LogLine]:
    repeated: list[LogLine] = []
    before: LogLine | None = None
    for line in lines:
        text = message_text(line)
        if GAVE_UP.search(text):
            repeated, before = [], None
            continue
        is_success = RECOVERED.search(text) is not None
        if is_success or RETRY.search(text) or _ATTEMPT.search(text):
            repeated += [line] if before is None else [before, line]
            before = None
        else:
            before = line
        if is_success:
            yield from repeated
            repeated = []
    if has_values:
        yield from repeated


def _is_about_a_value(step: StepState) -> bool:
    """Return True if a step failed with an error about a value, which it can only have after a success."""
    failure = step.failure
    if failure is None or (failure.type or "").rpartition(".")[2] not in _OF_VALUES:
        return False
    text = failure.message[:MAX_END]
    return _VALUE.search(text) is not None and not _NOTHING.search(text) and not GAVE_UP.search(text)
