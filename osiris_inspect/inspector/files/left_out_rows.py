"""Messages that report rows left out: skipped, rejected, or written elsewhere."""

from osiris_inspect.inspector.files.driver_messages import message_text
from osiris_inspect.inspector.run.run import LogLine
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.zero_counts import without_zero_counts
from osiris_inspect.model import run_layout as layout

MAX_TEXT = 1_000
_UNIT = r"(?:rows?|lines?|records?|documents?|\d[\d,]{0,12} (?:entries|items|values|cells|messages))"
_LOST = r"(?:skipp(?:ed|ing)|dropp(?:ed|ing)|ignor(?:ed|ing)|reject(?:ed|ing)|discard(?:ed|ing)|omitt(?:ed|ing)|left out|leaving out)"
_TEXT = LazyRegex(
    rf"\b{_UNIT}\b[^\n]{{0,40}}?\b{_LOST}\b|\b{_LOST}\b[^\n]{{0,40}}?\b{_UNIT}\b"
    rf"|\b(?:could not|cannot|failed to|unable to) (?:parse|convert|decode|load|insert|write) [^\n]{{0,20}}?\b{_UNIT}\b",
    2,
)
_HARMLESS = LazyRegex(
    r"\b(?:0|no|zero) (?:rows?|lines?|records?|documents?|entries|items|values|cells|messages)\b"
    r"|\b(?:header|heading|blank|empty|comment|duplicates?|footer|line endings?)\b",
    2,
)
_SKIPPED = LazyRegex(
    r"\bskipp(?:ed|ing)\b[^\n]{0,80}\b(?:invalid|malformed|corrupt(?:ed)?|broken|bad|unparse?able|unreadable|unknown|unexpected|missing|null|empty"
    r"|no [a-z]{2,20}|not a|could not|cannot|failed|error|out of range|too (?:long|large))\b",
    2,
)
"""A warning that something was skipped, with the reason."""
_NOT_ROWS = LazyRegex(
    r"\b(?:check\w{0,3}|validation|verification|tests?|index\w{0,4}|analy[sz]e|vacuum|optional|cache|compression|ssl|tls|certificates?|schema|migrations?"
    r"|optimi[sz]ation|steps?|hooks?|plugins?|telemetry|backup|notifications?|already|unchanged|up to date|not modified|exists|no (?:new|change|update)\w{0,2}"
    r"|retry|directory|folder|config\w{0,9}|options?|settings?)\b",
    2,
)
_LOST_COUNT = (
    r"(?:errors|errored|failed|failures|rejects|rejected|invalid|malformed|dropped|discarded|lost|skipped)"
)
_RESULT = LazyRegex(
    rf"\b{_LOST_COUNT}\b[\"']?(?: {{0,2}}[=:] {{0,2}}| )(\d[\d,]{{0,12}})\b(?! ?(?:times|attempts|retries|requests|seconds|ms|s|%|logins|tests|checks|pages|rows unchanged))"
    rf"|(?<![\w.,-])(\d(?:[\d,]{{0,12}}\d)?) (?:\w{{2,15}} )?{_LOST_COUNT}\b(?! (?:attempts|requests|logins|tests|checks|retries|jobs))",
    2,
)
_DONE = LazyRegex(
    r"\b(?:ok|succeeded|success(?:ful|es)?|indexed|inserted|written|wrote|accepted|loaded|created|bulk|imported|sent|processed|upserted|parsed|fetched|stored|saved|ingested)\b",
    2,
)
"""The other part of a count of results: `176 ok, 24 errors`."""
_ON_PURPOSE = LazyRegex(
    r"\b(?:unchanged|already|up to date|not modified|exist(?:s|ing)|no changes?|duplicates?|retry|retrying|retried|attempt|filter\w{0,3}|on purpose|old versions?)\b",
    2,
)
_COUNT = r"(?<![\w.,-])[1-9][\d,]{0,12}"
_MOVED = r"(?:sent|sending|moved|moving|rout(?:ed|ing)|went|wrote|written|put|publish(?:ed|ing)|forward(?:ed|ing)|push(?:ed|ing)|redirect(?:ed|ing)|divert(?:ed|ing))"
_QUEUE = r"(?:dead[ _-]?letters?(?:[ _-](?:queue|topic|table|exchange))?|dlq)(?! (?:is |was |stays |remains |still )?empty)"
_ELSEWHERE = LazyRegex(
    rf"\b{_MOVED}\b[^\n]{{0,60}}\b(?:to|in|into|on)\b[^\n,;]{{0,40}}(?<![a-z])(?:{_QUEUE}|quarantine)\b"
    rf"|{_COUNT} (?:[\w-]{{2,20}} ){{0,3}}(?:to|in|into|on) [^\n,;]{{0,20}}(?<![a-z])(?:{_QUEUE}|quarantine)\b"
    rf"|{_COUNT} (?:\w{{2,20}} )?dead[ -]?letter(?:s|ed)?\b(?![ -](?:queue|topic|table|exchange))|\bdead[ -]?lettered\b"
    r"|(?<![a-z])(?:dead[ _-]?letters?(?:[ _-]queue)?|dlq|quarantine)(?:[ _](?:size|count|depth|rows|messages))?[\"']? {0,2}[=:] {0,2}[1-9]"
    r"|\bquarantin(?:ed|ing)\b|\brejected to\b|\brout(?:ed|ing) to (?:the )?(?:errors?|rejects?)\b"
    rf"|{_COUNT} (?:[\w-]{{2,20}} ){{0,4}}{_MOVED} to (?:the )?(?:errors?|rejects?)\b|\b{_MOVED} {_COUNT} (?:\w{{2,20}} )?to (?:the )?(?:errors?|rejects?)\b"
    rf"|{_COUNT} (?:\w{{2,20}} )?(?:(?:were|are|was|is) )?(?:still )?(?:unresolved|undelivered|undeliverable|left behind|not delivered)\b"
    r"|\b(?:unresolved|undelivered|left behind)[\"']? {0,2}[=:] {0,2}[1-9]"
    r"|\b(?:could not|couldn't|cannot|can't) be (?:matched|delivered|assigned|mapped)\b|\b(?:was|were|is|are) (?:left behind|not delivered)\b",
    2,
)
"""Rows that are not in the result, but in a queue, a table or a file for rejects, or nowhere."""
_OF = LazyRegex(r"(?<![\w.,-])(\d[\d,]{0,12}) (?:of|out of) (\d[\d,]{0,12})\b")
_THROWN_OUT = LazyRegex(
    r"(?<![\w.,-])(\d[\d,]{0,12}) (?:[a-z]{2,15} )?(?:discarded|rejected|invalid|refused|thrown (?:out|away))\b",
    2,
)
"""The other part of ``kept 463 of 500``, if the numbers add up."""
_REFUSED = LazyRegex(
    r"\b(?:400|413|422)\b[^\n]{0,200}\b(?:reject(?:ed|s)|refus(?:ed|es)|unprocessable|not accepted)\b", 2
)
"""A service refused what a driver sent."""
_NOTHING = LazyRegex(
    r"(?<![\w.,-])(?:0|nothing|none|no (?:rows?|records?|messages?|lines?|items|entries|events|documents?))\b",
    2,
)
_NOT_MEANT = LazyRegex(
    r"\b(?:no|not|never|nothing|none|0|without|if|unless|would|will|can|may|when|avoid\w{0,3}|instead of)\b[^\n]{0,16}$",
    2,
)


def reports_rows_left_out(line: LogLine) -> bool:
    """Return True if a line of a text log reports rows that are not in the result."""
    text = without_zero_counts(message_text(line)[:MAX_TEXT])
    match = _TEXT.search(text)
    is_left_out = match is not None and not _HARMLESS.search(
        text[max(0, match.start() - 12) : match.end() + 12]
    )
    return (
        is_left_out
        or _is_elsewhere(line, text)
        or _reports_lost_rows(line, text)
        or _counts_thrown_out(line, text)
        or _is_refused(line, text)
    )


def _counts_thrown_out(line: LogLine, text: str) -> bool:
    """Return True if a driver counted rows that it kept and those that it discarded, and the numbers add up."""
    kept, discarded = _OF.search(text), _THROWN_OUT.search(text)
    if not _is_of_driver(line) or kept is None or discarded is None or _ON_PURPOSE.search(text):
        return False
    part, whole, rest = (int(number.replace(",", "")) for number in (kept[1], kept[2], discarded[1]))
    return rest > 0 and part + rest == whole and not _HARMLESS.search(text)


def _is_refused(line: LogLine, text: str) -> bool:
    """Return True for a warning or an error that a service refused a record, which is not sent again."""
    is_problem = line.level in ("WARNING", "ERROR")
    return is_problem and _REFUSED.search(text) is not None and not _ON_PURPOSE.search(text)


def _is_of_driver(line: LogLine) -> bool:
    return bool(line.level) or line.file == layout.WORKER_LOG


def _is_elsewhere(line: LogLine, text: str) -> bool:
    """Return True if a driver wrote rows elsewhere, or left them at the source."""
    match = _ELSEWHERE.search(text) if _is_of_driver(line) else None
    if match is None or _NOTHING.search(match[0]):
        return False
    return not _NOT_MEANT.search(text[: match.start()])


def _reports_lost_rows(line: LogLine, text: str) -> bool:
    """Return True if a driver gave a reason for skipping something, or a count of failures beside one of successes."""
    if line.level and _SKIPPED.search(text) and not (_NOT_ROWS.search(text) or _HARMLESS.search(text)):
        return True
    if (
        not _is_of_driver(line)
        or _ON_PURPOSE.search(text)
        or _HARMLESS.search(text)
        or not _DONE.search(text)
    ):
        return False
    counts = [match[1] or match[2] for match in _RESULT.finditer(text)]
    return any(int(count.replace(",", "")) > 0 for count in counts)
