"""A driver logged that it has only a part of the rows.

What it finds:
    A successful step whose text log reports fewer rows than there are: `fetched 100 of 1342`, `page 1 of 14` and no
    further page, `total_count=1342` or `cursor.rowcount=1342` where 100 rows were returned, `has_more=True` in the last answer, or `only the first
    page`. Numbers decide: `fetched 1342 of 1342` is complete, and so are messages about progress up to the end.

Why it matters:
    The other rows are missing from the result, and the run succeeds.

How to fix:
    Let the driver read all pages. If the step takes a part on purpose, set its `limit`, or allow this rule for it.

Example:
    `GET /v2/invoices page=1 per_page=100 total_count=1342`, and 100 rows were returned.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import LIMIT_KEYS
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.driver_messages import (
    DriverMessage,
    messages_of_successful_steps,
)
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("text logs",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "let the driver read all pages; if the step takes a part on purpose, set its limit, or allow this rule for the step",
    Confidence.MEDIUM,
)
_ROWS = "rows?|records?|items?|entries|documents?|results?|objects?|messages?|lines?|elements?|events?"
_PAGES = "pages?|batch(?:es)?|chunks?|parts?|partitions?|shards?|windows?|segments?|files?|sheets?"
_PART = LazyRegex(
    r"(?<![\w.,/:-])(\d[\d,_]{0,14})(?: ([a-z]{1,15}))? {0,2}(?:of|out of|/) {0,2}(?:a total of |about |~)?(\d[\d,_]{0,14})(?![\w./:-]{0,20}\d)(?: ([a-z]{2,20}))?",
    2,
)
_WORD_BEFORE = LazyRegex(r"([a-z]{2,20})\W{0,3}$", 2)
_PAGE_WORD = LazyRegex(_PAGES, 2)
_ROW_WORD = LazyRegex(_ROWS, 2)
_VERB = LazyRegex(
    r"\b(?:fetch|read|load|receiv|got|retriev|wrote|writ|insert|process|import|export|return|pars|download|sync|copi|upload"
    r"|sav|stor|sent|upsert|collect|extract|ingest|deliver|pull)\w{0,4}\b",
    2,
)
_OTHER_UNIT = LazyRegex(
    r"(?:bytes?|[kmg]i?b|ms|s|secs?|seconds?|minutes?|hours?|days?|percent|threads?|workers?|attempts?|retr(?:y|ies)|tries|times|steps?"
    r"|tests?|checks?|columns?|fields?|keys?|cores?|connections?|credits?|requests?|calls?|tokens?|points?|try|level|phase|epoch"
    r"|iteration|task|job|stage|node|host|replica|quota|memory|disk|used|score|version|tables?|schemas?|endpoints?|accounts?)",
    2,
)
_CHOSEN = LazyRegex(
    r"\b(?:kept|keep(?:ing)?|match(?:ed|ing|es)?|select(?:ed|ing)|chang(?:ed|es)|updat(?:ed|es)|modified|filter(?:ed|ing)?|new|valid|active"
    r"|unchanged|eligible|sampl(?:e[ds]?|ing)|uniques?|distinct|duplicates?|deduplicated|dedup\w{0,4}|up[ -]to[ -]date|already|top|best|passed|skipp(?:ed|ing)"
    r"|cached|dry[ -]run|preview|estimated?|progress|since|incremental|delta|unread|remaining|left to)\b",
    2,
)
_TOTAL = LazyRegex(
    r"\b(?:total[_ ]?(?:count|results|records|rows|items|size|hits|elements|entries|documents|objects)|(?:results|records|rows|items|count|documents)[_ ]?total"
    r"|num[_ ]?found|full_count|x-total-count)\b[\"']? {0,2}[=:] {0,2}[\"']?(\d[\d,_]{0,14})(?![\w.])",
    2,
)
_BARE_TOTAL = LazyRegex(
    r"\btotal[\"']? {0,2}[=:] {0,2}[\"']?(\d[\d,_]{0,14})(?![\w.%])(?! {0,2}(?:ms|s|sec|seconds|bytes|[kmg]b)\b)",
    2,
)
_ROW_COUNT = LazyRegex(r"\b(?:cursor[._]?)?row_?count[\"']? {0,2}[=:] {0,2}(\d[\d,_]{0,14})(?![\w.])", 2)
"""The rows of a cursor, of which a driver may fetch some."""
ROUND = 100
_PAGING = LazyRegex(r"\b(?:page|per_page|page_size|limit|offset|cursor|fetched|received|returned|got)\b", 2)
_MORE = LazyRegex(
    r"\b(?:has[_ ]?more|has[_ ]?next(?:[_ ]?page)?|is[_ ]?truncated|more[_ ]?available|incomplete[_ ]?results)\b[\"']? {0,2}[=:] {0,2}[\"']?(\w{1,10})",
    2,
)
_NEXT = LazyRegex(
    r"\bnext[_ ]?(?:page|cursor|token|link|url|offset)(?:[_ ]?token)?\b[\"']? {0,2}[=:] {0,2}[\"']?([^\s\"',}]{1,80})",
    2,
)
_NO = ("false", "no", "none", "null", "0", "-", "end", "nan", "-1")
_PAGE_NUMBER = LazyRegex(r"\b(?:page|offset|cursor|batch)\b[ =:#]{1,3}(\d{1,9})", 2)
_FOLLOWS = LazyRegex(r"\b(?:following|fetching|requesting|reading|continuing|going to|loading|getting)\b", 2)
_ALL_READ = LazyRegex(
    r"\ball (?:\w{1,15} )?(?:pages|rows|records|items|results)\b|\bno (?:more|further|next)\b|\blast page\b|\breached the end\b|\bend of (?:the )?(?:list|results|pages|data)\b",
    2,
)
_PARTIAL = LazyRegex(
    r"\bpartial (?:result|response|data|content|page|read|download|export)s?\b|\bonly (?:the )?first (?:page\b|\d[\d,]{0,9} (?:"
    + _ROWS
    + r"|pages)\b)"
    r"|\bfirst page only\b|\b(?:results?|response|rows|records) (?:is |are |was |were )?(?:limited|capped|truncated) (?:to|at)\b"
    r"|\b(?:limited|capped) (?:to|at) (?:the )?(?:first )?\d[\d,]{0,9} (?:" + _ROWS + r")\b"
    r"|\bmore (?:rows|records|results|pages|items|data) (?:is |are |was |were )?available\b|\bnot all (?:rows|records|results|pages|items)\b"
    r"|\bmax(?:imum)?[_ ](?:number of )?(?:pages|rows|results|records)\b[^\n]{0,20}\breached\b"
    r"|\bstopp(?:ed|ing) (?:after|at) (?:page \d|\d[\d,]{0,9} (?:" + _ROWS + r"|pages|batches|requests)\b)"
    r"|\b(?:page|row|result|record)s?[_ ]limit\b[^\n]{0,20}\b(?:reached|hit|exceeded)\b|\bstopp(?:ed|ing)\b[^\n]{0,30}\b(?:page|row|result|record)s?[_ ]limit\b"
    r"|\b(?:reached|hit|exceeded) (?:the |its |our )?(?:(?:page|row|result|record)s?[_ ]limit|(?:max(?:imum)?|limit)(?: number)?(?: of|_)? ?(?:\d[\d,]{0,9} )?(?:pages|rows|results|records))\b"
    r"|\b(?:result[ _]?sets?|results?|responses?|answers?) (?:(?:is|are|was|were|has been|have been|got) )?(?:limited|capped|truncated|cut off)\b"
    r"(?! (?:by|(?:for|in) (?:the )?(?:log|display)))",
    2,
)
_DENIED = LazyRegex(
    r"\b(?:no|not|never|without|0|allow\w{0,3}|if|unless|avoid\w{0,3}|false)\b[^\n]{0,12}$", 2
)


class _Count(NamedTuple):
    """One message of ``part`` out of ``whole``."""

    part: int
    whole: int
    message: DriverMessage


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find successful steps that logged that rows are missing."""
    for step, messages in messages_of_successful_steps(run).values():
        if _is_limited(step):
            continue
        reason = next(_reasons(step, messages), None)
        if reason is not None:
            text, message, confidence = reason
            yield TEMPLATE.finding(
                f"its text log reports {text}: {message.quote}",
                message.evidence,
                step=step.id,
                confidence=confidence,
            )


def _is_limited(step: StepState) -> bool:
    """Return True if the configuration of a step limits its rows or pages."""
    keys = (*LIMIT_KEYS, "max_pages", "page_limit", "pages", "sample", "top")
    return any(isinstance(step.config.get(key), int) and step.config[key] for key in keys)


def _reasons(
    step: StepState, messages: Sequence[DriverMessage]
) -> Iterator[tuple[str, DriverMessage, Confidence]]:
    """Yield what shows that rows are missing, the surest first."""
    rows, pages = _counts(step, messages)
    is_complete = any(count.part >= count.whole > 0 for count in (*rows, *pages)) or any(
        _ALL_READ.search(message.text) for message in messages
    )
    missing = _stopped(rows, step.rows_out)
    if missing is not None:
        is_exact = step.rows_out == missing.part
        yield (
            f"{missing.part:,} of {missing.whole:,} rows",
            missing.message,
            Confidence.HIGH if is_exact else Confidence.MEDIUM,
        )
    if is_complete:
        return
    yield from _below_total(step, messages)
    last_page = _stopped(pages, None)
    if last_page is not None:
        yield (
            f"part {last_page.part:,} of {last_page.whole:,} and none after it",
            last_page.message,
            Confidence.MEDIUM,
        )
    last_answer = _last_answer_with_more(messages)
    if last_answer is not None:
        yield "that there are more rows, and none were read after it", last_answer, Confidence.MEDIUM
    for message in messages:
        claims = message.claims
        match = _PARTIAL.search(claims)
        if match is not None and not _DENIED.search(claims[: match.start()]):
            yield "that it has only a part of the rows", message, Confidence.MEDIUM


def _counts(step: StepState, messages: Sequence[DriverMessage]) -> tuple[list[_Count], list[_Count]]:
    """Return the counts of rows and the counts of pages in messages."""
    rows, pages = [], []
    for message in messages:
        if _CHOSEN.search(message.text):
            continue
        for match in _PART.finditer(message.text):
            count = _Count(_int(match[1]), _int(match[3]), message)
            before = _WORD_BEFORE.search(message.text[: match.start()][-30:])
            words = [word for word in (before[1] if before else None, match[2], match[4]) if word]
            is_slash = "/" in match[0]
            if any(map(_OTHER_UNIT.fullmatch, words)):
                continue
            if any(map(_PAGE_WORD.fullmatch, words)):
                pages.append(count)
            elif any(map(_ROW_WORD.fullmatch, words)) or (
                not is_slash
                and (_VERB.search(message.text[: match.start()][-40:]) or count.part == step.rows_out)
            ):
                rows.append(count)
    return rows, pages


def _stopped(counts: Sequence[_Count], rows: int | None) -> _Count | None:
    """Return the last count of a series that does not reach its whole; None if all do."""
    series: dict[int, list[_Count]] = {}
    for count in counts:
        series.setdefault(count.whole, []).append(count)
    for whole, members in series.items():
        parts = sorted({count.part for count in members})
        last = max(members, key=lambda count: count.part)
        if rows is not None and rows >= whole:
            continue
        reached = last.part + (parts[0] == 0)  # pages may be counted from 0
        step = max(after - before for before, after in pairwise([0, *parts])) if len(parts) > 1 else 0
        is_end = rows is not None and last.part == rows
        if reached < whole and (is_end or len(parts) == 1 or last.part + step <= whole):
            return last
    return None


def _below_total(
    step: StepState, messages: Sequence[DriverMessage]
) -> Iterator[tuple[str, DriverMessage, Confidence]]:
    if step.is_writer or step.inputs or step.rows_out is None:
        return
    totals: dict[int, DriverMessage] = {}
    for message in messages:
        match = _TOTAL.search(message.text) or (
            _BARE_TOTAL.search(message.text) if _PAGING.search(message.text) else None
        )
        if match is None and step.rows_out and step.rows_out % ROUND == 0:
            match = _ROW_COUNT.search(message.text)
        if match is not None:
            totals[_int(match[1])] = message
    if not totals or step.rows_out in totals or any(_CHOSEN.search(message.text) for message in messages):
        return
    most = max(totals)
    if step.rows_out < most:
        yield (
            f"{most:,} rows in total, and {step.rows_out:,} were returned",
            totals[most],
            Confidence.HIGH if len(totals) == 1 else Confidence.MEDIUM,
        )


def _last_answer_with_more(messages: Sequence[DriverMessage]) -> DriverMessage | None:
    """Return the last answer if it says that more rows follow; None if further pages were read."""
    answers: list[tuple[int, bool, bool]] = []
    for number, message in enumerate(messages):
        more, follows = _MORE.search(message.text), _NEXT.search(message.text)
        if follows is not None and _FOLLOWS.search(message.text):
            return None
        if more is not None or follows is not None:
            has_more = (more is None or more[1].lower() not in _NO) and (
                more is not None or (follows is not None and follows[1].lower() not in _NO)
            )
            answers.append((number, has_more, more is None))
    if not answers or not answers[-1][1]:
        return None
    number, _, is_address = answers[-1]
    if is_address and len(answers) > 1:  # addresses of next pages may be logged only while there is one
        return None
    page = _PAGE_NUMBER.search(messages[number].text)
    later = [_PAGE_NUMBER.search(message.text) for message in messages[number + 1 :]]
    if any(match is not None and (page is None or match[1] != page[1]) for match in later):
        return None
    return messages[number]


def _int(text: str) -> int:
    return int(text.replace(",", "").replace("_", "") or 0)
