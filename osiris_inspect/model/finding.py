"""What a rule says of a run: findings, with the lines that prove them."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Literal, NamedTuple

Domain = Literal["code", "data", "config", "infra"]
Stage = Literal["compile", "prepare", "step", "finish"]


class Severity(StrEnum):
    """How bad it is: an error explains a failure, a warning will hurt, a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Confidence(StrEnum):
    """How sure it is: high, the log states it; medium, one inference away; low, a guess worth a look."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return list(Confidence).index(self)


class Evidence(NamedTuple):
    """A place in a file of the run, and what stands there.

    ``file`` is relative to the run directory, ``line`` counts from 1, ``quote`` is a part of that line, word for word.
    A file that should be there and is not is shown by the line that names it.
    """

    file: str
    line: int
    quote: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a run.

    ``step`` is the step it is about, None for the whole run. ``because`` is the address of the finding that explains
    this one (``rule@step``, or ``rule``), None for a cause; the engine fills it in, a rule never does. ``known`` says
    that a baseline lists it: it is shown and fails nothing.
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
            raise ValueError(
                f"finding {self.rule!r} has no evidence; a claim without a line of the log is not made"
            )

    @property
    def id(self) -> str:
        """What other findings call this one."""
        return f"{self.rule}@{self.step}" if self.step else self.rule


@cache
def _varying() -> tuple[re.Pattern[str], ...]:
    """Compiled when a fingerprint is asked for: most who know of findings never do."""
    return (
        re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),
        re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b", re.IGNORECASE),
        re.compile(r"(?<![\w.])/(?:[^\s/'\":,;()]+/)+"),
        re.compile(r"\d+(?:[.,:]\d+)*"),
    )


def message_template(message: str) -> str:
    """A message without what differs from run to run: ids, hashes, folders and numbers become ``#``."""
    for varying in _varying():
        message = varying.sub("#", message)
    return " ".join(message.split())


def fingerprint(finding: Finding, pipeline: str | None) -> str:
    """What makes two findings of different runs the same one: rule, pipeline, step and the template of the message.

    32 hexadecimal digits. Line numbers and times are not in it, so it stays when the log around it changes.
    """
    from hashlib import sha256

    parts = (finding.rule, pipeline or "", finding.step or "", message_template(finding.message))
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


class SkippedRule(NamedTuple):
    """A rule that could not be asked, and why."""

    rule: str
    reason: str
