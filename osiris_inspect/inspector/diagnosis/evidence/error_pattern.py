"""A rule that is one pattern: an error whose text says by itself what is wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from osiris_inspect.inspector.diagnosis.evidence.error_text import (
    ErrorText,
    match_error,
    matching_errors,
    matching_log_lines,
)
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model.finding import Confidence, Domain, Finding, Severity

LONGEST = 240
"""Characters of an error that a message repeats."""


_OWN_STEP = re.compile(r"^(?:\w{1,80}: |Driver error: )?[Ss]tep '?[\w.\-]{1,200}'?:\s+")


@dataclass(frozen=True, slots=True)
class ErrorPattern:
    """What an error looks like and what is to be said of it.

    Attributes:
        rule: the rule's id.
        pattern: searched in the text of each failure.
        message, fix: may name groups of the pattern in braces, and ``{said}``: the line of the error that has it. A
            message that names nothing ends with what was said.
        domain: where the fault lies.
        in_logs: whether lines of text logs are searched as well; they count for the step they name.
        about: a further name for the message: whichever of the pattern's groups matched.
        hint: searched in the whole error; its group ``hint`` is what the error itself proposes, told with the fix.
    """

    rule: str
    pattern: LazyRegex | re.Pattern[str]
    message: str
    fix: str
    domain: Domain
    confidence: Confidence = Confidence.HIGH
    search_text_logs: bool = False
    name_group: str = ""
    suggestion_pattern: LazyRegex | None = None

    def find_all(self, run: Run) -> Iterator[Finding]:
        """One finding for each failure that has the pattern."""
        for told, match in matching_errors(run, self.pattern):
            yield self._finding(told, match)
        yield from self._from_truncated_log(run)
        if self.search_text_logs:
            failed = {step.id for step in run.steps if step.status == "failed"}
            for told, match in matching_log_lines(run, self.pattern):
                if told.step in failed:
                    yield self._finding(told, match)

    def _from_truncated_log(self, run: Run) -> Iterator[Finding]:
        """What a log that was cut off says in its last error; where no line calls it the end, that is one inference."""
        for line, is_stated in run.truncated_errors:
            told = ErrorText(line.text, line.file, line.line, line.step)
            match = match_error(told, self.pattern)
            if match:
                finding = self._finding(told, match)
                yield (
                    finding
                    if is_stated
                    else replace(finding, confidence=_lower_confidence(finding.confidence))
                )

    def _finding(self, told: ErrorText, match: re.Match[str]) -> Finding:
        groups = {name: excerpt_of(match, 160, name).strip() for name in match.groupdict()}
        if self.name_group:
            groups[self.name_group] = next(
                (repr(value.strip("[]'\"")) for value in groups.values() if value), ""
            )
        groups["said"] = matching_line(match.string, match)
        message = self.message if "{" in self.message else f"{self.message}: {{said}}"
        return Finding(
            rule=self.rule,
            severity=Severity.ERROR,
            confidence=self.confidence,
            domain=self.domain,
            message=" ".join(message.format(**groups).split()),
            evidence=(told.evidence(match[0][:200]),),
            step=told.step,
            stage=told.stage,
            fix=self.fix.format(**groups) + self._hint(told),
        )

    def _hint(self, told: ErrorText) -> str:
        found = self.suggestion_pattern.search(told.text) if self.suggestion_pattern else None
        hint = " ".join(excerpt_of(found, 120, "hint").split()) if found else ""
        return f"; the error itself proposes {hint}" if found else ""


def _lower_confidence(confidence: Confidence) -> Confidence:
    return Confidence.MEDIUM if confidence == Confidence.HIGH else confidence


def matching_line(text: str, match: re.Match[str]) -> str:
    """The line of an error that has the match, cut around it where it is long."""
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    end = len(text) if end < 0 else end
    if end - start > LONGEST:
        before = text.rfind(": ", max(start, match.start() - 80), match.start())
        start = before + 2 if before >= 0 else match.start()
    line = _OWN_STEP.sub("", " ".join(excerpt(text, min(end - start, LONGEST), start).split()))
    return line or excerpt_of(match, LONGEST)
