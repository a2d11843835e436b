"""Rules made of error patterns: the text of the error states the cause."""

import re
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
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model.finding import Confidence, Domain, Finding, Severity

MAX_LINE = 240
"""Characters of an error line that a message repeats."""

_STEP_PREFIX = re.compile(r"^(?:\w{1,80}: |Driver error: )?[Ss]tep '?[\w.\-]{1,200}'?:\s+")
_SUGGESTION = LazyRegex(
    r"(?:Candidate (?:bindings|tables|functions)|Did you mean)[: ]+(?P<names>[^\s:?][^\n?]{0,159})"
)


@dataclass(frozen=True)
class ErrorPattern:
    """A regular expression for the text of an error, and the finding to report.

    Attributes:
        pattern: searched in the text of each failure.
        message: may contain the pattern's groups in braces, ``{name}`` (the first group that matched, quoted) and
            ``{error_line}``. Without any placeholder, the matching line is appended.
        fix: may contain the same placeholders.
        error_class: a key of ``ERROR_CODES``; an error with one of these codes matches as well.
        search_text_logs: also search the lines that text logs contain about failed steps.
    """

    pattern: str
    message: str
    fix: str
    domain: Domain
    confidence: Confidence = Confidence.HIGH
    error_class: str = ""
    search_text_logs: bool = False

    @cached_property
    def regex(self) -> LazyRegex:
        """The pattern, compiled on first use."""
        return LazyRegex(self.pattern)

    def find_all(self, run: Run) -> Findings:
        """Yield a finding for each error that matches."""
        for text, match in matching_errors(run, self.regex, self.error_class):
            yield self._finding(text, match)
        for line, names_step in run.truncated_errors:
            for text, match in find_matches([log_text(line)], self.regex, self.error_class):
                finding = self._finding(text, match)
                if not names_step:  # that the last error belongs to the step is one inference
                    confidence = max(finding.confidence, Confidence.MEDIUM, key=lambda each: each.rank)
                    finding = replace(finding, confidence=confidence)
                yield finding
        if self.search_text_logs:
            failed = {step.id for step in run.steps if step.status == "failed"}
            for text, match in matching_log_lines(run, self.regex, self.error_class):
                if text.step in failed:
                    yield self._finding(text, match)

    def _finding(self, text: ErrorText, match: re.Match[str]) -> Finding:
        values = {name: excerpt_of(match, 160, name).strip() for name in match.groupdict()}
        values["name"] = next((repr(value.strip("[]'\"")) for value in values.values() if value), "")
        values["error_line"] = _matching_line(match)
        message = self.message if "{" in self.message else f"{self.message}: {{error_line}}"
        suggestion = _SUGGESTION.search(text.text)
        names = " ".join(excerpt_of(suggestion, 120, "names").split()) if suggestion else ""
        return Finding(
            rule="",
            severity=Severity.ERROR,
            confidence=self.confidence,
            domain=self.domain,
            message=" ".join(message.format(**values).split()),
            evidence=(text.evidence(match[0][:200]),),
            step=text.step,
            stage=text.stage,
            fix=self.fix.format(**values) + (f"; the error message suggests {names}" if names else ""),
        )


def _matching_line(match: re.Match[str]) -> str:
    """Return the line of the error that contains the match; a long line starts shortly before the match."""
    text = match.string
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    end = len(text) if end < 0 else end
    if end - start > MAX_LINE:
        colon = text.rfind(": ", max(start, match.start() - 80), match.start())
        start = colon + 2 if colon >= 0 else match.start()
    line = " ".join(excerpt(text, min(end - start, MAX_LINE), start).split())
    return _STEP_PREFIX.sub("", line) or excerpt_of(match, MAX_LINE)
