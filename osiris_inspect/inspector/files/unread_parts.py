"""Messages that a part of the input was not read, such as a page that the service did not answer."""

from osiris_inspect.inspector.files.driver_messages import DriverMessage
from osiris_inspect.inspector.files.retries import GAVE_UP, RECOVERED, RETRY
from osiris_inspect.inspector.files.unreached_sources import NOT_DATA, SUBSTITUTE
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

MAX_VALUE = 60
_INPUT = r"(?:page|chunk|part|partition|shard|segment|file|sheet|slice|window|batch|bucket|object)"
_UNITS = rf"(?:{_INPUT}|month|day|week|region|store|branch|shop|tenant|account|customer|client|station|site|sensor|device|project|channel|topic|table|country|city|endpoint|feed|source)"
_PART = LazyRegex(
    rf"\b(?P<unit>{_UNITS}|offset|id)(?: ?[#=:] ?| |(?=\d))(?P<quote>['\"]?)(?P<value>[\w./-]{{1,{MAX_VALUE}}})",
    2,
)
_NUMBERED = LazyRegex(r"\d")
_FILE = (
    r"\w\.(?:csv|tsv|jsonl?|ndjson|parquet|avro|orc|xlsx?|ods|xml|gz|zip|bz2|zst|dat|html?|pdf|dbf|feather)\b"
)
_NAMED_FILE = LazyRegex(_FILE, 2)
_NAMED = rf"(?:{_INPUT}(?: ?[#=:] ?| )['\"]?[\w./-]{{1,{MAX_VALUE}}}['\"]?|[^\s'\":,]{{1,120}}{_FILE})"
_STATUS = r"[45]\d\d"
_CAUSE = LazyRegex(
    rf"\bhttp ?(?:error|status)?(?: code)?:? ?{_STATUS}\b|\b{_STATUS} (?:client|server) error\b"
    rf"|\b(?:status|code|returned|answered|got|with|error) ?(?:code|status)? ?[=:]? ?{_STATUS}\b"
    rf"|\b{_STATUS}[ :,]{{1,2}}(?:bad gateway|gateway time-?out|service unavailable|internal server error|too many requests|unauthorized|forbidden|not found)"
    r"|\b(?:bad gateway|gateway time-?out|service unavailable|internal server error|too many requests)\b"
    r"|\btime(?:d )?-?out(?:error)?\b(?! ?[=:]? ?\d| (?:of|is|was|set|argument|parameter|value|option|setting)\b)"
    r"|\bconnection (?:\w{1,12} ){0,2}(?:reset|refused|aborted|lost|broken|dropped|closed unexpectedly)\b|\blost connection\b|\bbroken pipe\b|\bremote end closed\b"
    r"|\bmax(?:imum)? retries\b|\bretr(?:y|ies) exhausted\b|\burlopen error\b|\bincomplete ?read\b|\bunreachable\b|\bquota exceeded\b"
    r"|\b(?:service|server|tenant|endpoint|source|api|shard|partition|node|region|station|host) (?:[^\s:]{1,30} )?(?:is |was )?unavailable\b"
    r"|\brate.?limit(?:ed| exceeded| reached| hit)\b|\b(?:access|permission) denied\b|\bno such (?:file|key|object)\b"
    r"|\b(?:bad|invalid|malformed|corrupt(?:ed)?|broken) (?:json|xml|response|answer|file|archive|page|magic)\b|\bexpecting value\b|\bunreadable\b"
    r"|(?-i:\b[A-Z][A-Za-z]{1,40}(?:Error|Exception|Timeout|Disconnected)\b)",
    2,
)
_READ = r"(?:read|open|pars|decod|decompress|unzip|load|fetch|download|list|retriev|extract|consum)\w{0,4}"
_STOPPED = (
    r"(?:stopp(?:ing|ed)|break(?:ing)? off|broke off|abort(?:ing|ed)|abandon(?:ing|ed)|cancel(?:ing|ed|ling|led)|skipp(?:ing|ed)"
    r"|giv(?:ing|en) up|gave up|exhausted)"
)
_LEFT_OUT = LazyRegex(
    rf"\b(?:{_STOPPED}|(?:could not|couldn't|cannot|can't|unable to|failed to|failure to) (?:be )?{_READ})(?: \w{{2,12}}){{0,2}} {_NAMED}"
    rf"|\b(?:{_NAMED}|\d{{1,6}} {_INPUT}s) (?:was |is |were |are )?not (?:read|consumed|loaded|fetched|downloaded|processed|found|available)\b",
    2,
)
"""A part of the input beside the words that it was not read."""
_PARTLY = LazyRegex(
    r"\bnot (?:all|every) \w{2,20} (?:was|were|could be) (?:read|consumed|loaded|fetched|downloaded|processed)\b"
    r"|\b(?:return|keep|us|continu)(?:ing|ed) (?:with )?(?:what (?:we|was|it|is)|the rows so far|partial|the partial|incomplete)\b"
    r"|\b(?:fetch|read|download|load|scan|import|export|query)\w{0,3} (?:was )?(?:aborted|cancell?ed|interrupted|stopped) (?:after|at) \d"
    r"|\b(?:cursor|connection|session|stream) (?:was )?(?:lost|closed|broken|reset) (?:after|at) \d",
    2,
)
_STOP = LazyRegex(rf"\b(?:{_STOPPED}|ignor(?:ing|ed)|leaving out)\b", 2)
_NOT_READ = LazyRegex(rf"\b(?:could not|cannot|unable to|failed to|not) (?:be )?{_READ}\b", 2)
_HARMLESS = LazyRegex(
    r"\b(?:wait(?:ing|ed)?|sleep(?:ing)?|back(?:ing|ed)?[ -]?off|again|refresh\w{0,4}|switch(?:ed|ing)|f[ae]ll(?:ing|s)? back|fallback|no more|last page|end of|remaining"
    r"|header|heading|footer|comment|blank|empty|temporary|hidden|duplicates?|already|up to date|unchanged|not modified|no changes?|deprecat\w{1,5}|will be|expires?|default"
    r"|close to|took|slow|optional|extension|module|library|package|uvloop|orjson|ujson|assum(?:ing|ed)|usage|statistics|analytics|idle|closing|creat(?:ed|ing)|yet|instead|would|if|unless)\b",
    2,
)
_END_OF_PAGES = LazyRegex(r"\b(?:404|410|not found)\b", 2)
_PAGED = frozenset({"page", "offset"})
_OFFSET = LazyRegex(r"\boffset(?= ?[=:]? ?\d)", 2)
_POOL = LazyRegex(r"ConnectionPool\([^()\n]{0,200}\)")
_TRIES = LazyRegex(r"\b(?:retries|retry|attempts?|tries)\b", 2)


def parts_of(text: str) -> frozenset[tuple[str, str]]:
    """Return the numbered parts of an input that a message names, such as page 3."""
    return frozenset(
        (match["unit"].lower(), match["value"].rstrip(".:,").lower())
        for match in _PART.finditer(text)
        if match["quote"] or _NUMBERED.search(match["value"])
    )


def reports_unread_part(message: DriverMessage) -> bool:
    """Return True if a message says that a part was not read, and not that it will be read again."""
    text = _POOL.sub(lambda _match: "", _OFFSET.sub(lambda _match: "part", message.claims))
    if _is_harmless(text):
        return False
    parts = parts_of(text)
    has_cause = _CAUSE.search(text) is not None
    if has_cause and {unit for unit, _ in parts} & _PAGED and _END_OF_PAGES.search(text):
        return False  # many services answer so to the page after the last
    if message.line.level:
        return has_cause or any(pattern.search(text) for pattern in (_LEFT_OUT, _PARTLY))
    has_part = bool(parts) or _NAMED_FILE.search(text) is not None
    return has_cause and (_STOP.search(text) is not None or (has_part and message.is_printed))


def reports_success(text: str) -> bool:
    """Return True if a message about a part reports no failure."""
    return not any(pattern.search(text) for pattern in (_CAUSE, _NOT_READ, _STOP))


def _is_harmless(text: str) -> bool:
    if GAVE_UP.search(text):
        text = _TRIES.sub(lambda _match: "", text)
    return any(pattern.search(text) for pattern in (RETRY, RECOVERED, NOT_DATA, SUBSTITUTE, _HARMLESS))
