"""Messages that a source was not reached, and that the driver went on without it or with something else."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from osiris_inspect.inspector.files.driver_messages import DriverMessage
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

Outcome = Literal["without", "substitute"]
MAX_LINES_BETWEEN = 2
_SOURCE = r"(?:service|api|server|source|site|host|endpoint|database|db|feed|gateway|upstream|provider|system|shard|partition|node|region|station|warehouse|bucket|share)s?"
_REASON = LazyRegex(
    r"\b(?:could not|couldn't|cannot|can't|can not|failed to|unable to|failure to) (?:be )?(?:reach|connect|contact|fetch|download|retrieve|query|call|poll|read from)(?:ed)?\b"
    r"|\b(?:unreachable|not reachable|not responding|not answering|network (?:error|failure|is down)|name resolution)\b"
    r"|\b(?:did not|didn't|does not|doesn't) (?:respond|answer|reply)\b|\bno (?:response|answer|reply|connection|route)\b"
    r"|\btimed? ?out\b(?! ?[=:]? ?\d)|\bconnection (?:\S{1,30} ){0,4}(?:failed|refused|lost|reset|aborted|error)\b|\bconnectionerror\b"
    r"|\b(?:request|download|fetch|call|lookup|query) (?:\S{1,60} ){0,4}failed\b"
    r"|\b(?:http|status|code|returned|answered|got) ?[=:]? ?(?:code |status )?[45]\d\d\b|\b[45]\d\d (?:server|client) error\b|\bservice unavailable\b"
    rf"|\b{_SOURCE} (?:\S{{1,40}} ){{0,3}}(?:down|un?available|not available|offline|failed|error)\b",
    2,
)
_WITHOUT = LazyRegex(
    r"\b(?:continu|proceed|carry|go|mov)(?:ing|ed|es)? (?:on )?(?:without|anyway|regardless|with (?:the )?(?:rest|others|remaining|what))\b"
    r"|\b(?:skipp(?:ing|ed)|ignor(?:ing|ed)|omitt(?:ing|ed)|left out|leaving out|leav(?:ing|es)|dropp(?:ing|ed))\b"
    r"|\breturn(?:ing|ed|s) (?:an? )?(?:empty|no|0|zero|nothing|none|partial|\[\]|\{\})(?!\w)"
    r"|\b(?:using|assum(?:ing|ed)|treat(?:ing|ed) (?:it )?as|result(?:s)? (?:is|are)|will be|set to) (?:an? )?(?:empty|no (?:rows|data|orders)|0 rows|missing|incomplete|blank|nothing)\b",
    2,
)
SUBSTITUTE = LazyRegex(
    r"\b(?:us(?:ing|ed?)|serv(?:ing|ed)|read(?:ing)?|load(?:ing|ed)|tak(?:ing|en)|return(?:ing|ed)|re-?us(?:ing|ed)|fall(?:ing|s)? back (?:to|on)|fell back (?:to|on)"
    r"|fallback(?: to)?:?|default(?:ing|ed) to|revert(?:ing|ed) to|replaced (?:by|with)|instead) (?:the |an? |its |our |some )?(?:local(?:ly)? )?"
    r"(?:cached?|stale|previous|last|old|older|outdated|yesterday'?s?|archived|bundled|backup|snapshot|saved|stored|sample|fixture|mock|dummy|static|hard-?coded|built-?in"
    r"|fallback|defaults?|placeholder|copy|file|data|estimates?|approximat\w{1,6}|values?)\b",
    2,
)
NOT_DATA = LazyRegex(
    r"\b(?:tokens?|credentials?|sessions?|schemas?|metadata|settings?|config\w{0,9}|options?|plans?|certificates?|verification|dns|wheels?|packages?|plugins?|checkpoint|watermark|offset"
    r"|encoding|parser|engine|driver|protocol|http/[12]|ipv[46]|mirror|replica|secondary|standby|alternate|alternative|ports?|proxy|default time ?outs?|locale|time ?zone|(?:fallback|backup|other|default|second) (?:endpoint|host|server|url|region|node|site|address)"
    r"|telemetry|metrics|tracing|traces?|monitor\w{0,4}|sentry|statsd|prometheus|datadog|grafana|slack|e-?mails?|webhooks?|notif\w{0,10}|alerts?|heartbeats?|progress|lineage|audit"
    r"|updates? check|version check|update server|pypi|locks?|lock|caches?(?= (?:server|service|host|is|was|not|un))|caching|without (?:a |the )?cache|redis|memcached?|compression|keyring|optional|warm-?up|health ?check|license|logo|icons?|retry|retries"
    r"|retrying|attempts?|after (?:the )?(?:first|second)|next (?:try|server)|(?:first|next|second) (?:attempt|try|host|server|node)|already|duplicates?)\b",
    2,
)
"""Words of messages that are not about the data of a step."""


class UnreachedSource(NamedTuple):
    """Messages about one source that was not reached: one, or the reason and what the driver did."""

    outcome: Outcome
    messages: tuple[DriverMessage, ...]

    @property
    def quote(self) -> str:
        """The messages, quoted and shortened."""
        return " and ".join(message.quote for message in self.messages)


def unreached_sources(messages: Sequence[DriverMessage]) -> Iterator[UnreachedSource]:
    """Yield what a driver logged about sources that it did not reach; nothing if it retried or had another server."""
    before: DriverMessage | None = None
    for message in messages:
        text = message.claims
        outcome = _outcome(text)
        is_reason = _REASON.search(text) is not None
        cited = (message,) if is_reason else (before, message) if _is_next(before, message) else ()
        parts = tuple(part for part in cited if part is not None)
        if outcome and parts and not any(NOT_DATA.search(part.claims) for part in parts):
            yield UnreachedSource(outcome, parts)
        before = message if is_reason and not outcome else None


def _outcome(text: str) -> Outcome | None:
    if SUBSTITUTE.search(text):
        return "substitute"
    return "without" if _WITHOUT.search(text) else None


def _is_next(before: DriverMessage | None, message: DriverMessage) -> bool:
    if before is None:
        return False
    distance = message.line.line - before.line.line
    return before.line.file == message.line.file and 0 < distance <= MAX_LINES_BETWEEN
