"""Findings of the rules, with their evidence."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Literal, NamedTuple

Domain = Literal["code", "data", "config", "infra"]
Stage = Literal["compile", "prepare", "step", "finish"]


class _RankedEnum(StrEnum):
    @property
    def rank(self) -> int:
        """The position in the enumeration: 0 for the most severe or the most certain."""
        return list(type(self)).index(self)


class Severity(_RankedEnum):
    """Severity of a finding: an error explains a failure, a warning predicts one, a note is informative."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Confidence(_RankedEnum):
    """Confidence of a finding: high, the log states it; medium, it takes one inference; low, a guess."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Evidence(NamedTuple):
    """Quote from a file of the run.

    ``file`` is relative to the run directory, ``line`` counts from 1, ``quote`` is a verbatim part of that line. The
    evidence of a missing file is the line that names it.
    """

    file: str
    line: int
    quote: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Problem or observation that a rule reports about a run.

    Attributes:
        step: the step concerned, None for the whole run.
        caused_by: the id of the finding that explains this one, None for a cause; set by the engine, never by a rule.
        in_baseline: whether a baseline lists the finding; it is then shown but does not fail a check.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    domain: Domain
    message: str
    evidence: tuple[Evidence, ...]
    step: str | None = None
    stage: Stage = "step"
    fix: str | None = None
    caused_by: str | None = None
    in_baseline: bool = False

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"finding {self.rule!r} has no evidence; cite a line of the log")

    @property
    def id(self) -> str:
        """The identifier that other findings use: ``rule@step``, or ``rule`` for the whole run."""
        return f"{self.rule}@{self.step}" if self.step else self.rule


@cache
def _variable_parts() -> tuple[re.Pattern[str], ...]:
    return (  # compiled on first use: most commands compute no fingerprint
        re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),
        re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b", re.IGNORECASE),
        re.compile(r"(?<![\w.])/(?:[^\s/'\":,;()]+/)+"),
        re.compile(r"\d+(?:[.,:]\d+)*"),
    )


def message_template(message: str) -> str:
    """Return a message with ``#`` in place of what varies between runs: ids, hashes, folders and numbers."""
    for pattern in _variable_parts():
        message = pattern.sub("#", message)
    return " ".join(message.split())


def fingerprint(finding: Finding, pipeline: str | None) -> str:
    """Return 32 hexadecimal digits that identify a finding across runs.

    They depend on rule, pipeline, step and the quoted log line without what varies, not on the words of the rule.
    """
    from hashlib import sha256

    parts = (finding.rule, pipeline or "", finding.step or "", message_template(finding.evidence[0].quote))
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


class SkippedRule(NamedTuple):
    """Rule that could not be evaluated, and the reason.

    Attributes:
        could_matter: False if the run lacks what the rule is about, such as a failure, and not only a record of it.
    """

    rule: str
    reason: str
    could_matter: bool = True
