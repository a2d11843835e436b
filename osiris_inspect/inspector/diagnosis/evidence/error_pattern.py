"""Rules made of error patterns: the text of the error states the cause."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from osiris_inspect.inspector.diagnosis.evidence.error_text import (
    ErrorText,
    find_matches,
    log_text,
    matching_errors,
    matching_log_lines,
)
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.run.step_times import logged_time, steps_at
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt_of
from osiris_inspect.model.finding import Confidence, Domain, Finding, Severity

SEPARATOR = " \N{EM DASH} "
"""Between the error and its explanation in the message of a finding."""

_LOG_PREFIX = LazyRegex(
    r"[^\n]{0,200}?\b(?:DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\b[\s:\-]{1,4}(?=\S)"
)
_SUGGESTION = LazyRegex(
    r"(?:(?:Candidate (?:bindings|tables|functions)|Did you mean)[: ]+|Perhaps you meant to reference the \w{1,20}(?: alias)? )"
    r"(?P<names>[^\s:?][^\n?]{0,159})"
)
_OF_CATALOG = LazyRegex(
    r"[\"']?(?:temp\.|main\.|system\.)?(?:pg_|duckdb_|sqlite_|information_schema\b|pragma_)"
)
"""DuckDB suggests tables of its catalog if it knows no others."""


Condition = Callable[[Run, ErrorText, re.Match[str]], bool]
FixFor = Callable[[Run, ErrorText, re.Match[str]], str]


@dataclass(frozen=True)
class ErrorPattern:
    """A regular expression for the text of an error, and the finding to report.

    The message of the finding is the error itself, followed by the explanation.

    Attributes:
        pattern: searched in the text of each failure and of its causes.
        message: the explanation; may contain the pattern's groups in braces, and ``{name}`` (the first group that
            matched, quoted). ``{error_line}`` stands for the error where the message must not begin with it.
        fix: may contain the same placeholders; or a function that checks the remedy against the facts of the run.
        confidence: high only if the text can have no other cause.
        error_class: a key of ``ERROR_CODES``; an error with one of these codes matches as well.
        search_text_logs: also search the lines that text logs contain about failed steps.
        unless: returns True if a fact of the run contradicts the finding, which is then not reported.
    """

    pattern: str
    message: str
    fix: str | FixFor
    domain: Domain
    confidence: Confidence = Confidence.HIGH
    error_class: str = ""
    search_text_logs: bool = False
    unless: Condition | None = None

    @cached_property
    def regex(self) -> LazyRegex:
        """The pattern, compiled on first use."""
        return LazyRegex(self.pattern)

    def find_all(self, run: Run) -> Findings:
        """Yield a finding for each error that matches."""
        for text, match in matching_errors(run, self.regex, self.error_class):
            yield from self.findings_for(run, text, match)
        for line, names_step in run.truncated_errors:
            for text, match in find_matches([log_text(line)], self.regex, self.error_class):
                for finding in self.findings_for(run, text, match):
                    # without the name of the step, that the last error belongs to it is one inference
                    least = Confidence.HIGH if names_step else Confidence.MEDIUM
                    confidence = max(finding.confidence, least, key=lambda each: each.rank)
                    yield replace(finding, confidence=confidence)
        if self.search_text_logs:
            for text, match in matching_log_lines(run, self.regex, self.error_class):
                step = _failed_step(run, text)
                if step is None:
                    continue
                for finding in self.findings_for(run, _without_prefix(text, match, step), match):
                    # a line that only its time relates to the step may report a request that was repeated
                    least = Confidence.MEDIUM if text.step is None else Confidence.HIGH
                    confidence = max(finding.confidence, least, key=lambda each: each.rank)
                    yield replace(finding, confidence=confidence)

    def findings_for(self, run: Run, text: ErrorText, match: re.Match[str]) -> Findings:
        """Yield the finding for a match, unless a fact contradicts it."""
        if self.unless is not None and self.unless(run, text, match):
            return
        values = {name: excerpt_of(match, 160, name).strip() for name in match.groupdict()}
        values["name"] = next((repr(value.strip("[]'\"")) for value in values.values() if value), "")
        values["error_line"] = text.headline(match[0])
        message = (
            self.message if "{error_line}" in self.message else f"{{error_line}}{SEPARATOR}{self.message}"
        )
        suggestion = _SUGGESTION.search(text.text)
        names = " ".join(excerpt_of(suggestion, 120, "names").split()) if suggestion else ""
        names = "" if _OF_CATALOG.match(names) else names
        fix = (
            self.fix
            if isinstance(self.fix, str)
            else self.fix(run, text, match).replace("{", "{{").replace("}", "}}")
        )
        yield Finding(
            rule="",
            severity=Severity.ERROR,
            confidence=self.confidence,
            domain=self.domain,
            message=" ".join(message.format(**values).split()),
            evidence=(text.evidence(match[0][:200]),),
            step=text.step,
            stage=text.stage,
            fix=fix.format(**values) + (f"; the error message suggests {names}" if names else ""),
        )


def _failed_step(run: Run, text: ErrorText) -> str | None:
    """Return the failed step that a line of a text log belongs to: the one it names, else the one at its time."""
    failed = [step.id for step in run.steps if step.status == "failed"]
    if text.step is not None:
        return text.step if text.step in failed else None
    running = [step for step in steps_at(logged_time(text.text), run.steps) if step in failed]
    return running[0] if len(running) == 1 else None


def _without_prefix(text: ErrorText, match: re.Match[str], step: str) -> ErrorText:
    """Return a line of a text log as an error of a step, without its time, logger and level."""
    prefix = _LOG_PREFIX.match(text.text)
    start = prefix.end() if prefix is not None and prefix.end() <= match.start() else 0
    return text._replace(step=step, text=text.text[start:])
