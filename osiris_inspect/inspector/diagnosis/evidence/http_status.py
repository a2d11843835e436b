"""HTTP statuses: what they mean, and where errors state them.

A status that is not listed has the meaning of its class.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from osiris_inspect.base.error_pages import PAGE_FIXES, PAGE_STATUSES, PageSender, page_sender
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors
from osiris_inspect.inspector.diagnosis.evidence.library_errors.docker import docker_fix
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Domain, Finding, Severity


class StatusMeaning(NamedTuple):
    """The meaning of a status for a failed request.

    Attributes:
        rule: id of the rule that reports it.
        explanation: past tense, with the service as subject.
        fix: one remedy.
    """

    rule: str
    domain: Domain
    explanation: str
    fix: str


_LATER: Final = "run again later; some work may have been done"
_REFUSED: Final = "request-refused"
_FAILED: Final = "service-failed"
_TIMEOUT: Final = "network-timeout"
_CLASSES: Mapping[int, StatusMeaning] = {
    4: StatusMeaning(
        _REFUSED, "config", "the service refused the request", "correct the request; the same one fails again"
    ),
    5: StatusMeaning(_FAILED, "infra", "the service reported an internal error", _LATER),
}
_STATUSES: Mapping[int, StatusMeaning] = {
    400: StatusMeaning(
        _REFUSED, "config", "the service refused the request as invalid",
        "correct the query, the body or the headers that the step sends",
    ),
    401: StatusMeaning(
        "authentication-failed", "config", "the service rejected the credentials",
        "check the key or password of the connection and the environment variable that it reads",
    ),
    402: StatusMeaning(
        _REFUSED, "config", "the service requires a payment", "check the plan and the billing of the account"
    ),
    403: StatusMeaning(
        "permission-denied", "config", "the service denied access",
        "grant the missing permission or use a key that has it, unless the response states another reason",
    ),
    404: StatusMeaning(
        "endpoint-missing", "config", "the service did not find the URL or what it names",
        "correct the URL, or the name in it, in the connection or the step",
    ),
    405: StatusMeaning(
        _REFUSED, "config", "the service does not support this method at this URL",
        "correct the URL; it often belongs to another API",
    ),
    406: StatusMeaning(
        _REFUSED, "config", "the service cannot answer in the requested form",
        "check the schema and the Accept header of the request; PostgREST serves only exposed schemas",
    ),
    407: StatusMeaning(
        "authentication-failed", "config", "the proxy requires a login",
        "set user and password of the proxy in HTTPS_PROXY, or list the host in NO_PROXY, where the step runs",
    ),
    408: StatusMeaning(
        "network-timeout", "infra", "the service did not receive the request in time",
        "run again; send less data at once",
    ),
    409: StatusMeaning(
        _REFUSED, "data", "the request conflicted with what the service holds",
        "compare what the step writes with what the target contains",
    ),
    410: StatusMeaning(
        "endpoint-missing", "config", "the service no longer offers the URL", "use the current version of the API"
    ),
    413: StatusMeaning(_REFUSED, "config", "the request was too large", "send smaller batches or smaller files"),
    414: StatusMeaning(
        _REFUSED, "config", "the URL of the request was too long", "use fewer columns or keys in one request"
    ),
    423: StatusMeaning(_REFUSED, "infra", "the target was locked", "run again when the lock is released"),
    429: StatusMeaning(
        "rate-limited", "infra", "the service rejected requests because of its rate limit",
        "run again later or send fewer, larger batches",
    ),
    431: StatusMeaning(
        _REFUSED, "config", "the headers or the URL of the request were too large", "send fewer or shorter headers"
    ),
    502: StatusMeaning(_FAILED, "infra", "the gateway received no valid response from the service", _LATER),
    503: StatusMeaning(_FAILED, "infra", "the service was unavailable", _LATER),
    504: StatusMeaning(
        _TIMEOUT, "infra", "the gateway received no response from the service in time",
        "run again later with less data at once; some work may have been done",
    ),
    507: StatusMeaning(
        "disk-full", "infra", "the service had no disk space left",
        "free disk space there, write less, or use a larger disk",
    ),
    521: StatusMeaning(_FAILED, "infra", "the server behind the gateway was down", _LATER),
    522: StatusMeaning(_TIMEOUT, "infra", "the gateway could not connect to the server in time", _LATER),
    523: StatusMeaning(_FAILED, "infra", "the gateway could not reach the server", _LATER),
    524: StatusMeaning(
        _TIMEOUT, "infra", "the server did not respond to the gateway in time",
        "run again later with less data at once; some work may have been done",
    ),
    525: StatusMeaning(_FAILED, "infra", "the gateway could not agree on TLS with the server", _LATER),
    526: StatusMeaning(_FAILED, "infra", "the certificate of the server was invalid for the gateway", _LATER),
    530: StatusMeaning(
        _FAILED, "infra", "the gateway could not find the server", "check in its dashboard that the project is not paused, then run again"
    ),
    540: StatusMeaning(_FAILED, "config", "the project was paused",
        "restore the project in the dashboard of the service, then run again",
   ),
}  # fmt: skip


def status_meaning(status: int) -> StatusMeaning:
    """Return what a status of 400 or more means: its own meaning, else that of its class."""
    return _STATUSES.get(status) or _CLASSES.get(status // 100) or _CLASSES[4]


_STATUS: Final = r"([45]\d\d)"
_OTHER_PHRASES: Final = (
    (408, "Request Time-out"), (413, "Payload Too Large"), (413, "Content Too Large"), (413, "Request Entity Too Large"),
    (414, "URI Too Long"), (422, "Unprocessable Content"), (422, "Unprocessable Entity"), (503, "Service Temporarily Unavailable"),
    (504, "Gateway Time-out"), (520, "Web server is returning an unknown error"), (521, "Web server is down"),
    (522, "Connection timed out"), (523, "Origin is unreachable"), (524, "A timeout occurred"),
)  # fmt: skip
_PHRASES: Final = "|".join(
    rf"{status}:? \(?(?i:{re.escape(phrase)})"
    for status, phrase in (
        *((status.value, status.phrase) for status in HTTPStatus if status >= 400), *_OTHER_PHRASES
    )
)  # fmt: skip
_BEFORE_STATUS: Final = (
    "an?|answer(?:ed)?|caused|code|error|failed|gave|got|http|HTTP|is|of|received|respon(?:ded|se)|return(?:ed|s)"
    "|status|the|via|was|with"
)
"""Words before a status; after others, such as ``order``, the number counts something else."""
HTTP_STATUS: Final = LazyRegex(
    rf"\b{_STATUS} (?:Client|Server) Error\b[^\n]{{0,160}}"
    rf"|\b(?:[Cc]lient|[Ss]erver|HTTP|http) [Ee]rror:? {{0,2}}'?{_STATUS}\b[^\n]{{0,160}}"
    rf"|\bHTTP(?:/\d(?:\.\d)?)?[ -]{_STATUS}\b[^\n]{{0,80}}"
    rf"|\b[Ss]tatus(?:[ _-]?[Cc]ode)?['\"]?(?: ?[:=] ?| )['\"(]{{0,2}}{_STATUS}\b[^\n]{{0,80}}"
    rf"|['\"]code['\"]: ?['\"]?{_STATUS}['\"]?[,}}]"
    rf"|(?:^|(?<=[\n:( ])){_STATUS} (?:GET|HEAD|POST|PUT|PATCH|DELETE) https?://[^\n]{{0,160}}"
    rf"|<Response \[{_STATUS}\]>|\bResponse {_STATUS}: [^\n]{{0,120}}|\bexceptions\.\w{{1,40}}: {_STATUS} [^\n]{{0,120}}"
    rf"|(?:(?:^|(?<=[\n:(\[{{\"'=>;] )|(?<=[\n:(\[{{\"=>;])|\b(?:{_BEFORE_STATUS}) ))(?=(?:{_PHRASES})\b){_STATUS}[^\n]{{0,80}}"
    rf"|\b(?i:failed|invalid api key|forbidden|unauthorized|not found|too many requests) \({_STATUS}\)[^\n]{{0,80}}"
    rf"|(?:failed|[Ee]xception|[Ee]rror|rejected): {_STATUS}: [^\n]{{0,120}}"
    rf"|\bAn error occurred \({_STATUS}\) when calling [^\n]{{1,80}}"
    rf"|(?<!EncodingError: )(?<!LengthError: )(?<![\w.]){_STATUS}, message='(?!Got more than)[^\n]{{0,120}}"
    rf"|\btoo many {_STATUS} error responses\b"
)
"""A status as requests, httpx, urllib, aiohttp, PostgREST, botocore, gateways and DuckDB write it."""


_OF_RATE: Final = LazyRegex(r"\b(?:userRateLimitExceeded|rateLimitExceeded)\b|(?i:\brate limit exceeded\b)")
"""Google and GitHub respond with 403 to too many requests."""


def states_status(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
    """Return True if an error states a status, which says more than its words."""
    return HTTP_STATUS.search(text.text) is not None


def stated_status(match: re.Match[str]) -> int:
    """Return the status in a match of ``HTTP_STATUS``."""
    return int(next(group for group in match.groups() if group))


def _states_one_status(text: ErrorText) -> bool:
    """Return True if an error states no other status, such as that of an earlier attempt or of a response inside."""
    match = HTTP_STATUS.search(text.text)
    while match is not None:
        first = stated_status(match)
        match = HTTP_STATUS.search(text.text, match.end(match.lastindex or 0))
        if match is not None and stated_status(match) != first:
            return False
    return True


_SENDERS: Final = {
    PageSender.FIREWALL: "a firewall in front of the service blocked the request",
    PageSender.PROXY: "a proxy or web filter of the network blocked the request",
    PageSender.UNKNOWN: "the response was an HTML page, which a program in front of the service may have sent",
}


def _meaning(status: int, text: ErrorText) -> tuple[StatusMeaning, Confidence]:
    """Return what a status means together with the body of the response, and how certain that is."""
    confidence = Confidence.HIGH if _states_one_status(text) else Confidence.MEDIUM
    meaning = status_meaning(429 if status == 403 and _OF_RATE.search(text.text) else status)
    fix = docker_fix(text.text)
    if fix is not None and meaning.domain == "infra":
        return meaning._replace(explanation="the Docker daemon reported an error", fix=fix), confidence
    sender = page_sender(text.text) if status in PAGE_STATUSES else None
    if sender is None:
        return meaning, confidence
    if sender is PageSender.UNKNOWN:
        fix = f"{PAGE_FIXES[sender]}; if the service sent it, {meaning.fix}"
        return meaning._replace(explanation=_SENDERS[sender], fix=fix), Confidence.MEDIUM
    meaning = _STATUSES[403]._replace(domain="infra", explanation=_SENDERS[sender], fix=PAGE_FIXES[sender])
    return meaning, confidence


def status_findings(run: Run, rule: str) -> Findings:
    """Yield a finding for each error that states a status which this rule reports."""
    for text, match in matching_errors(run, HTTP_STATUS):
        status = stated_status(match)
        meaning, confidence = _meaning(status, text)
        if meaning.rule == rule:
            yield Finding(
                rule=rule,
                severity=Severity.ERROR,
                confidence=confidence,
                domain=meaning.domain,
                message=f"{text.headline(match[0][:120])}{SEPARATOR}{meaning.explanation}",
                evidence=(text.evidence(match[0][:200]),),
                step=text.step,
                stage=text.stage,
                fix=meaning.fix,
            )
