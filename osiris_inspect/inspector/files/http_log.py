"""Reads the HTTP responses that libraries report in text logs."""

from typing import Final
from urllib.parse import urlsplit

from osiris_inspect.inspector.run.http_response import HttpResponse
from osiris_inspect.inspector.run.step_times import logged_time
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.redaction import mask_by_pattern

MARK: Final = b"HTTP/"
"""Contained in each line that reports a response."""
MAX_QUOTE: Final = 200

_METHOD = "(?P<method>GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)"
_VERSION = r"HTTP/\d(?:\.\d)?"
_HTTPX = LazyRegex(
    rf"\b{_METHOD} (?P<url>https?://[^\s\"]{{1,2000}}) \"{_VERSION} (?P<status>[1-5]\d\d)(?: (?P<reason>[^\"\n]{{0,60}}))?\""
)
_URLLIB3 = LazyRegex(rf"\"{_METHOD} (?P<url>[^\s\"]{{1,2000}}) {_VERSION}\" (?P<status>[1-5]\d\d)\b")


def parse_response(file: str, line: int, text: str) -> HttpResponse | None:
    """Return the response that a line reports, as httpx, urllib3 and access logs write it; else None."""
    match = _HTTPX.search(text) or _URLLIB3.search(text)
    if match is None:
        return None
    status = int(match["status"])
    return HttpResponse(
        method=match["method"],
        path=_path(match["url"]),
        status=status,
        reason=match.groupdict().get("reason") or _reason(status),
        file=file,
        line=line,
        quote=match[0] if len(match[0]) <= MAX_QUOTE else match[0][match.start("status") - match.start() :],
        time=logged_time(text),
    )


def _path(url: str) -> str:
    try:
        return mask_by_pattern(urlsplit(url).path)
    except ValueError:
        return ""


def _reason(status: int) -> str:
    from http import HTTPStatus  # few logs record a response

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
