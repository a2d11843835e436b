"""What a run says went wrong, text by text, with the place that says it. Rules look for their signature here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from osiris_inspect.inspector.diagnosis.evidence.echoed_text import search_own_text
from osiris_inspect.inspector.diagnosis.evidence.error_codes import find_error_code
from osiris_inspect.inspector.run.error_phrases import MAX_TEXT
from osiris_inspect.inspector.run.run import Run, StepFailure
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Evidence, Stage

_CODE = LazyRegex(r'File "(?:[^"\n]{0,400}/)?([^"/\n]{1,120})", line (\d+)')
_NO_REASON = re.compile(r"\S{1,80} without a reason")


@dataclass(frozen=True, slots=True)
class ErrorText:
    """One text that says what went wrong, where it belongs and where it stands.

    ``kind`` is the class of the error where it is told beside the text, ``traceback`` what came with it.
    """

    text: str
    file: str
    line: int
    step: str | None
    stage: Stage = "step"
    kind: str = ""
    traceback: str = ""

    @property
    def searchable(self) -> str:
        """The text after the class that it does not name itself; the class alone where there is no text."""
        if not self.kind or self.kind in self.text:
            return self.text
        return self.kind if _NO_REASON.fullmatch(self.text) else f"{self.kind}: {self.text}"

    def evidence(self, part: str) -> Evidence:
        """The evidence for a part of this text, or of its class and its text together."""
        own = part.removeprefix(f"{self.kind}: ") if self.kind and part not in self.text else part
        return Evidence(self.file, self.line, own or part)


def error_texts(run: Run) -> Iterator[ErrorText]:
    """The failure of each failed step, then that of the run itself."""
    for step in run.steps:
        if step.failure is not None:
            yield _told(step.failure, step.id, "step")
    if run.failure is not None:
        running = next((step.id for step in run.steps if step.status == "running"), None)
        yield _told(run.failure, running, run.failed_stage or ("step" if running else "finish"))


def _told(failure: StepFailure, step: str | None, stage: Stage) -> ErrorText:
    kind, traceback = (failure.type or "")[:120], (failure.traceback or "")[-MAX_TEXT:]
    return ErrorText(_shortened(failure.message), failure.file, failure.line, step, stage, kind, traceback)


@lru_cache(maxsize=64)
def _shortened(text: str) -> str:
    """The beginning and the end of a text that is too long: an error is named in its first lines or in its last."""
    half = MAX_TEXT // 2
    if len(text) <= MAX_TEXT:
        return text
    return f"{excerpt(text, half)}\n{excerpt(text, half, len(text) - half)}"


def matching_errors(
    run: Run, pattern: LazyRegex | re.Pattern[str]
) -> Iterator[tuple[ErrorText, re.Match[str]]]:
    """The failures that have the pattern in their own words, or a code that means the same; with what matched."""
    for told in error_texts(run):
        match = match_error(told, pattern)
        if match:
            yield told, match


def matching_log_lines(
    run: Run, pattern: LazyRegex | re.Pattern[str]
) -> Iterator[tuple[ErrorText, re.Match[str]]]:
    """The lines of text logs that have the pattern or a code that means the same, with what matched."""
    for line in run.log_lines:
        told = ErrorText(line.text, line.file, line.line, line.step)
        match = match_error(told, pattern)
        if match:
            yield told, match


def match_error(told: ErrorText, pattern: LazyRegex | re.Pattern[str]) -> re.Match[str] | None:
    """Where a text has the pattern. A code decides before any phrase: what means something else does not match."""
    cause = pattern.error_class if isinstance(pattern, LazyRegex) else ""
    texts = dict.fromkeys((told.text, told.searchable))
    match = next(filter(None, (search_own_text(text, pattern) for text in texts)), None)
    if match is None and not cause:
        return None
    code = find_error_code(told.searchable, told.kind, told.traceback)
    if code is None:
        return match
    if code.cause != cause:
        return None
    return match or code.match


def raised_at(failure: StepFailure) -> str:
    """Return the last line of code that a traceback names, in parentheses; empty without one."""
    places = _CODE.findall(failure.traceback or "")
    return f" (raised at {places[-1][0]}:{places[-1][1]})" if places else ""
