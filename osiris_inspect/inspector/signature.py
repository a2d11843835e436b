"""A rule that is one pattern: an error whose text says by itself what is wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from osiris_inspect.inspector.failures import Told, complaints, matching
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Domain, Finding, Severity


@dataclass(frozen=True, slots=True)
class Signature:
    """What an error looks like and what is to be said of it.

    Attributes:
        rule: the rule's id.
        pattern: searched in the text of each failure.
        message, fix: may name groups of the pattern in braces.
        domain: where the fault lies.
        in_logs: whether lines of text logs are searched as well; they count for the step they name.
        about: a further name for the message: whichever of the pattern's groups matched.
    """

    rule: str
    pattern: re.Pattern[str]
    message: str
    fix: str
    domain: Domain
    confidence: Confidence = Confidence.HIGH
    in_logs: bool = False
    about: str = ""

    def findings(self, run: Run) -> Iterator[Finding]:
        """One finding for each failure that has the pattern."""
        for told, match in matching(run, self.pattern):
            yield self._finding(told, match)
        if self.in_logs:
            failed = {step.id for step in run.steps if step.status == "failed"}
            for told, match in complaints(run, self.pattern):
                if told.step in failed:
                    yield self._finding(told, match)

    def _finding(self, told: Told, match: re.Match[str]) -> Finding:
        groups = {name: (value or "").strip()[:160] for name, value in match.groupdict().items()}
        if self.about:
            groups[self.about] = next((repr(value) for value in groups.values() if value), "")
        return Finding(
            rule=self.rule,
            severity=Severity.ERROR,
            confidence=self.confidence,
            domain=self.domain,
            message=self.message.format(**groups),
            evidence=(told.cite(match[0][:200]),),
            step=told.step,
            stage=told.stage,
            fix=self.fix.format(**groups),
        )
