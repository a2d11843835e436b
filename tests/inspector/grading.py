"""Grades of a diagnosis by an answer in words, which knows no rule of the inspector."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from osiris_inspect.model.finding import Finding
from tests.inspector.claims import CLAIMS

Grade = Literal["right", "partly", "none", "wrong"]
Groups = Sequence[Sequence[str]]
"""Regular expressions: of each group at least one must be found."""

LAST_RESORT = "unexplained-failure"
_SURE = ("high", "medium")
_STAGES = {
    "compile": "compile",
    "(worker start)": "prepare",
    "(preflight)": "prepare",
    "(prepare)": "prepare",
}
_OF_SECRETS = "secret-in-"
_HEDGE = re.compile(
    r"\b(may|might|could have|possibl\w+|perhaps|either|whether|if|cannot|can not|not known|unclear|unknown|probably"
    r"|likely|not (recorded|certain|proven|logged))\b|\bor (the|its|was|were|it|that|something|because)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The truth about one run.

    Attributes:
        roots: the steps or stages that may be called guilty.
        must_say: what the message must state.
        must_not_say: what neither message nor fix may state.
        must_not_claim: what they may state only with a hedge (may, might, or ...).
        may_warn: warnings that are justified in a run that went well.
        statuses: the right statuses of the run; empty: the truth itself.
        error_text: the text in which the cause stands; a message that quotes it names the cause.
        true_claims: the CLAIMS that are true; None if claims are not judged.
    """

    name: str
    truth: str
    roots: Sequence[str]
    must_say: Groups = ()
    must_not_say: Sequence[str] = ()
    must_not_claim: Sequence[str] = ()
    may_warn: Sequence[str] = ()
    statuses: Sequence[str] = ()
    error_text: str = ""
    true_claims: Sequence[str] | None = None

    def allows(self, status: str) -> bool:
        """Return True if the status of the run is right."""
        truth = "success" if self.truth == "success_but_wrong" else self.truth
        return status in (self.statuses or (truth,))


def grade(answer: Answer, finding: Finding | None) -> Grade:
    """Grade the root cause of a run that failed."""
    if finding is None:
        return "none"
    stated = count_stated(answer.must_say, finding.message)
    complete = stated == len(answer.must_say)
    if not is_guilty(answer, finding) or is_false(answer, finding, quotes_count=not complete):
        return "wrong"
    if finding.rule == LAST_RESORT and not answer.error_text:
        return "none"
    return "right" if complete else "partly" if stated else "none"


def is_sure(finding: Finding | None) -> bool:
    """Return True for a finding at high or medium confidence."""
    return finding is not None and finding.confidence in _SURE


def is_false(answer: Answer, finding: Finding, *, quotes_count: bool = True) -> bool:
    """Return True if message or fix state what is not true.

    A quotation of the error text in the message counts only with ``quotes_count``, and only in a finding that is sure.
    """
    message, fix = _flat(finding.message), _flat(finding.fix or "")
    if any(_finds(pattern, fix) for pattern in answer.must_not_say):
        return True
    for text in (message, fix):
        if not _HEDGE.search(text) and any(_finds(pattern, text) for pattern in answer.must_not_claim):
            return True
    raw = _letters(answer.error_text)
    quotes_count = quotes_count and is_sure(finding)
    for pattern in answer.must_not_say:
        for match in re.finditer(pattern, message, re.IGNORECASE):
            if quotes_count or _letters(match[0]) not in raw:
                return True
    return answer.true_claims is not None and bool(set(_claims(message, raw)) - set(answer.true_claims))


def is_guilty(answer: Answer, finding: Finding) -> bool:
    """Return True if the finding is at a guilty step or stage."""
    return any(_is_at(root, finding) for root in answer.roots)


def is_noticed(answer: Answer, findings: Iterable[Finding]) -> bool:
    """Return True if a warning at the guilty step states what is wrong with a run that calls itself a success."""
    return any(
        is_guilty(answer, finding) and count_stated(answer.must_say, finding.message) == len(answer.must_say)
        for finding in alarms(findings)
    )


def alarms(findings: Iterable[Finding]) -> list[Finding]:
    """Return errors and warnings, without those about secrets, which are true in most runs."""
    return [
        finding
        for finding in findings
        if finding.severity != "note" and not finding.rule.startswith(_OF_SECRETS)
    ]


def is_justified(answer: Answer, finding: Finding) -> bool:
    """Return True for a warning that is true in a run that went well."""
    return any(_finds(pattern, _flat(finding.message)) for pattern in answer.may_warn)


def count_stated(groups: Groups, text: str) -> int:
    """Return how many groups a text states."""
    return sum(any(_finds(pattern, _flat(text)) for pattern in group) for group in groups)


def _claims(message: str, raw: str) -> Iterator[str]:
    """The claims that a message makes in its own words."""
    clauses = [_letters(clause) for clause in re.split(r"\s+[—…]\s+", message)]
    own = [clause for clause in clauses if clause.rstrip(".:;") not in raw and clause[:60] not in raw]
    for claim, pattern in CLAIMS.items():
        for clause in own:
            yield from (claim for match in re.finditer(pattern, clause, re.IGNORECASE) if match[0] not in raw)


def _is_at(root: str, finding: Finding) -> bool:
    if root in _STAGES:
        return finding.stage == _STAGES[root]
    if root == "(every step)":
        return finding.step is not None
    if root.startswith("none"):
        return finding.step is None or finding.stage == "finish"
    step = finding.step or ""
    return step == root or re.fullmatch(re.escape(root) + r"[-_#.:@ (\[]?\d+[\])]?", step) is not None


def _finds(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


def _flat(text: str) -> str:
    return " ".join(text.split())


def _letters(text: str) -> str:
    """The text without quotes, in small letters."""
    return _flat(re.sub("[\"'`“”\u2018\u2019]", "", text)).lower()
