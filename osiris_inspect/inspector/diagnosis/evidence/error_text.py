"""Error texts of a run, each with its position; rules search them for their patterns."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.echoed_text import search_own_text
from osiris_inspect.inspector.diagnosis.evidence.error_codes import find_code_family, find_error_code
from osiris_inspect.inspector.diagnosis.evidence.headline import error_headline
from osiris_inspect.inspector.files.retries import overcome_failures
from osiris_inspect.inspector.run.error_phrases import MAX_END, MAX_TEXT
from osiris_inspect.inspector.run.run import LogLine, Run, StepFailure
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.inspector.text.traceback_frames import raising_place
from osiris_inspect.model.finding import Evidence, Stage

UNKNOWN_KIND = "driver-raised"
"""Kind of an exception that the code of a driver raised: what it means, only its words tell."""

CAUSED_BY = " (caused by "
"""Before the exception that led to an error, in a headline that is about that exception."""
_NO_REASON = LazyRegex(r"\S{1,80} without a reason")


class ErrorText(NamedTuple):
    """A text that reports an error, with its file, line, step and stage.

    Attributes:
        error_type: the exception class, if it is logged beside the text; otherwise empty.
        traceback: the end of the traceback; empty if there is none.
        causes: the exceptions that led to the error, the next one first.
    """

    text: str
    file: str
    line: int
    step: str | None
    stage: Stage = "step"
    error_type: str = ""
    traceback: str = ""
    causes: tuple[str, ...] = ()

    @property
    def searchable(self) -> str:
        """The text, preceded by the exception class unless it contains that already."""
        if not self.error_type or self.error_type in self.text:
            return self.text
        return self.error_type if _NO_REASON.fullmatch(self.text) else f"{self.error_type}: {self.text}"

    def evidence(self, quote: str) -> Evidence:
        """Return the evidence for a part of ``text`` or of ``searchable``."""
        own = quote.removeprefix(f"{self.error_type}: ") if quote not in self.text else quote
        return Evidence(self.file, self.line, own or quote)

    def headline(self, focus: str = "") -> str:
        """Return the decisive words of the error, and of the cause that contains ``focus``, else of the first cause."""
        first = self.causes[-1] if self.causes else ""
        words = first.partition(": ")[2]
        if words and not focus:
            line = error_headline(self.text, self.error_type, words)
            return line if words in self.text else f"{line}{CAUSED_BY}{error_headline(first)})"
        line = error_headline(self.text, self.error_type, focus)
        cause = next((text for text in self.causes if focus and focus in text), None)
        if cause is None or focus in self.text or focus in self.searchable:
            return line
        return f"{line}{CAUSED_BY}{error_headline(cause, '', focus)})"


ErrorMatch = tuple[ErrorText, re.Match[str]]


def error_texts(run: Run) -> Iterator[ErrorText]:
    """Yield the errors that the failed steps logged before they failed, oldest first, then the final errors."""
    for step in run.steps_with_errors:
        if step.status != "interrupted":
            yield from (_failure_text(attempt, step.id, "step") for attempt in step.attempts)
    yield from final_errors(run)


def final_errors(run: Run) -> Iterator[ErrorText]:
    """Yield the failure of each failed step, then the failure of the run itself.

    An error that states its kind is left out: its words need no interpretation. So is an interrupt.
    """
    for step in run.steps_with_errors:
        if step.failure is not None and step.status != "interrupted" and not states_kind(step.failure):
            yield _failure_text(step.failure, step.id, "step")
    if run.failure is not None and run.status != "interrupted" and not states_kind(run.failure):
        running = next((step.id for step in run.steps if step.status == "running"), None)
        stage = run.failed_stage or ("step" if running else "finish")
        yield _failure_text(run.failure, running, stage)


def states_kind(failure: StepFailure) -> bool:
    """Return True if the runtime recorded the kind of the error."""
    return failure.info is not None and failure.info.kind != UNKNOWN_KIND


def _failure_text(failure: StepFailure, step: str | None, stage: Stage) -> ErrorText:
    error_type, traceback = (failure.type or "")[:120], (failure.traceback or "")[-MAX_TEXT:]
    text = _shorten(failure.message)
    causes = tuple(_shorten(cause) for cause in failure.causes)
    return ErrorText(text, failure.file, failure.line, step, stage, error_type, traceback, causes)


def log_text(line: LogLine) -> ErrorText:
    """Return a line of a text log as an error text."""
    return ErrorText(line.text, line.file, line.line, line.step)


@lru_cache(maxsize=64)
def _shorten(text: str) -> str:
    """Return a text without its middle if it is too long: errors name the cause at either end."""
    if len(text) <= MAX_TEXT:
        return text
    return f"{excerpt(text, MAX_END)}\n{excerpt(text, MAX_END, len(text) - MAX_END)}"


def matching_errors(
    run: Run, pattern: LazyRegex | re.Pattern[str], error_class: str = ""
) -> Iterator[ErrorMatch]:
    """Yield the failures that match, see ``find_matches``."""
    texts = (text for text in error_texts(run) if not _has_other_code(text, error_class))
    return find_matches(texts, pattern, error_class)


def _has_other_code(text: ErrorText, error_class: str) -> bool:
    """Return True if the code of an error excludes a match, so that the pattern need not be compiled."""
    code = find_error_code(text.searchable, text.error_type, text.traceback)
    return code is not None and code.error_class != error_class


def matching_log_lines(
    run: Run, pattern: LazyRegex | re.Pattern[str], error_class: str = ""
) -> Iterator[ErrorMatch]:
    """Yield the lines of text logs that match, see ``find_matches``, except failures that a retry overcame."""
    matches = list(find_matches(map(log_text, run.log_lines), pattern, error_class))
    overcome = overcome_failures(run) if matches else ()
    return ((text, match) for text, match in matches if (text.file, text.line) not in overcome)


def find_matches(
    texts: Iterable[ErrorText], pattern: LazyRegex | re.Pattern[str], error_class: str = ""
) -> Iterator[ErrorMatch]:
    """Yield the texts that match outside of echoed text, or that contain an error code of ``error_class``.

    A known error code overrides the pattern: a text whose code belongs to another class does not match. A code that is
    known only by its beginning adds a match and overrides nothing.
    """
    for text in texts:
        forms = dict.fromkeys((text.text, text.searchable, *text.causes))
        match = next(filter(None, (search_own_text(form, pattern) for form in forms)), None)
        if match is None and not error_class:
            continue
        code = find_error_code(text.searchable, text.error_type, text.traceback)
        if code is not None:
            match = (match or code.match) if code.error_class == error_class else None
        elif match is None:
            family = find_code_family(text.searchable)
            match = family.match if family is not None and family.error_class == error_class else None
        if match is not None:
            yield text, match


def raised_at(failure: StepFailure) -> str:
    """Return where an error was raised, as `` (raised at FILE:LINE)``; empty if the log does not say.

    A recorded place lies outside of installed packages; otherwise it is the last position of the traceback outside of
    the libraries that drivers call.
    """
    if failure.info is not None and failure.info.place is not None:
        return f" (raised at {failure.info.place})"
    place = raising_place(failure.traceback or "")
    return f" (raised at {place})" if place else ""
