"""Counts of 0 in messages: ``0 errors``, ``failed=0``, ``no rows rejected``."""

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_UNIT = r"(?:rows?|lines?|records?|documents?|entries|items?|values?|cells?|messages?|events?|files?|pages?|batch(?:es)?|requests?|orders?|invoices?)"
_NOUN = r"(?:errors?|failures?|duplicates?|rejects|rejections?|warnings?|issues?|problems?|exceptions?|loss(?:es)?|conflicts?|dead[ _-]?letters?|retries|gaps|truncations?)"
_STATE = (
    r"(?:skipped|dropped|ignored|rejected|discarded|omitted|failed|failing|failures|invalid|malformed|lost|errored|truncated|coerced|quarantined|unresolved"
    r"|unmatched|undelivered|bad|missing|corrupt(?:ed)?|left (?:out|behind|over)|dead[ -]?lettered|in (?:the )?(?:dead[ -]letter queue|dlq|quarantine))"
)
_ZERO = LazyRegex(
    rf"(?<![\w.,/-])(?:0|no|zero|none|nothing|without(?: any)?|not (?:a|one|any)(?: single)?)(?: of (?:[\d,]{{1,15}}|them|these|the))?(?: {_UNIT})?(?: (?:was|were|are|is|got|had|with))?"
    rf" (?:(?:\w{{2,15}} )?{_NOUN}|{_STATE}(?: {_UNIT})?)\b(?: n?or (?:{_NOUN}|{_STATE})\b(?: {_UNIT}\b)?)?"
    rf"|(?<![a-z])(?:{_NOUN}|{_STATE}|dlq)(?:[ _](?:{_UNIT}|counts?|total|size))?[\"']?(?: {{0,2}}[=:] {{0,2}}[\"']?| )(?:(?:0|none|zero)\b(?![.,%]\d)|\[\]|\{{\}})"
    rf"(?: of [\d,]{{1,15}})?(?: {_UNIT}\b)?",
    2,
)


def without_zero_counts(text: str) -> str:
    """Return a message without its counts of 0, which report that nothing went wrong."""
    return _ZERO.sub(lambda _match: ";", text)
