"""Failures of requests to PostgREST: the kind by the code or the HTTP status, and what to do."""

import re
from collections.abc import Mapping
from textwrap import shorten
from typing import Any, Final

import httpx
import orjson

from osiris_inspect.base.error_codes import http_error_kind
from osiris_inspect.base.error_pages import PAGE_FIXES, PAGE_STATUSES, PageSender, page_sender
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.postgres.errors import ROW_LEVEL_SECURITY, sqlstate_fix, sqlstate_kind

STATEMENT_TIMEOUT: Final = "57014"
TOO_LARGE: Final = 413
_PAYMENT_REQUIRED: Final = 402
_TLS_REQUIRED: Final = "HTTP request was sent to HTTPS port"
_NOT_PROCESSED_STATUS: Final = frozenset({429, 503})
"""Statuses of a request that did not reach the database."""
_CREATE: Final = "create the table, or set create_if_missing with a pg_dsn"
_ADVICE: Final[Mapping[str, str]] = {
    "PGRST106": "expose the schema in the project's API settings",
    "PGRST204": "check the names of columns",
    "42P10": "add a unique constraint on primary_key, or name unique columns in it",
    "42703": "check the names of columns",
    "42P01": _CREATE,
    "PGRST205": _CREATE,
}
"""Code to what to do, where it is more than for its kind."""
_ADVICE_BY_KIND: Final[Mapping[str, str]] = {
    "authentication-failed": "check key of the connection",
    "endpoint-missing": "check url of the connection",
    "network-timeout": "set a smaller batch_size, or run the step again later",
    "permission-denied": "check key of the connection and the rights of its role",
    "rate-limited": "run the step again later, or raise retries",
    "request-refused": "check url of the connection and the settings of the service",
    "service-failed": "look at the status of the service, and run the step again when it works",
    "tls-failed": "check the certificate of the server",
    "connection-lost": "run the step again later",
    "connection-failed": "check url of the connection and the network",
}
_POLICY_FIX: Final = "add a policy that lets the key's role write these rows, or use the service role's key; GRANT does not help"
_SERVER_CODE: Final = re.compile(r"[0-9A-Z]{5}|PGRST\w{1,5}")
"""Codes of PostgreSQL and PostgREST; a gateway has others."""
_REDIRECT: Final = "the server redirects to"
_LOGIN_PAGE: Final = re.compile(
    r"[/.](?:log-?in|sign-?in|auth|oauth2?|sso|saml2?|accounts?|users/sign_in)\b", re.IGNORECASE
)
_TITLE: Final = re.compile(r"<title[^>]{0,100}>([^<]{1,300})", re.IGNORECASE)
_HTML: Final = re.compile(r"\s{0,20}(?:<!doctype html|<html|<head|<!--)", re.IGNORECASE)
_TAG: Final = re.compile(r"<(?:script|style)\b[^<]{0,5000}|<[^<>]{0,500}>", re.IGNORECASE)
_PAGE_CHARACTERS: Final = 20_000
"""Characters of a page that are searched for its title."""
_NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")
"""Errors of OpenSSL about an answer that is not TLS."""
_NOT_HTTP: Final = ("illegal status line", "illegal header line")
_HOST_UNKNOWN: Final = (
    "Name or service not known",
    "No address associated",
    "nodename nor servname",
    "Temporary failure in name resolution",
)


class RequestFailed(Exception):
    """Request that did not succeed.

    Attributes:
        kind: a key of ``ERROR_KINDS``.
        message: what failed, without what to do.
        fix: what to do.
        error_facts: ``code``, ``http_status``.
        may_have_been_applied: the database can have executed it, or an earlier attempt of it.
    """

    may_have_been_applied = False

    def __init__(self, message: str, *, kind: str, fix: str, **error_facts: Any) -> None:
        super().__init__(message)
        self.message, self.kind, self.fix, self.error_facts = message, kind, fix, error_facts


class RequestRejected(RequestFailed):
    """The server rejected a request.

    Attributes:
        code: of PostgreSQL or PostgREST, empty if there is none.
    """

    log_name = "Refused"

    def __init__(
        self,
        status: int,
        code: str,
        reason: str,
        retry_after_s: float = 0.0,
        sender: PageSender | None = None,
    ) -> None:
        self.status, self.code, self.reason, self.retry_after_s = status, code, reason, retry_after_s
        kind, fix = _kind_and_fix(status, code, reason)
        if sender is not None and status in PAGE_STATUSES:
            kind, fix = "permission-denied", PAGE_FIXES[sender]
        reason = reason.removeprefix(f"{status} ")
        message = f"({code or f'HTTP {status}'}) {reason or 'no reason given'}"
        if kind == "permission-denied" and code and ROW_LEVEL_SECURITY not in reason:
            message += "; the key's role lacks a privilege"
        super().__init__(message, kind=kind, fix=fix, http_status=status, **({"code": code} if code else {}))
        self.may_have_been_applied = self.is_of_gateway

    def name_column(self, column: str | None) -> None:
        """Add the column of the value that was rejected, if it is known."""
        if column is not None:
            self.message += f"; column {column!r} has this value"
            self.error_facts["column"] = column

    @property
    def is_missing_table(self) -> bool:
        """True if the table does not exist, which PostgREST up to 12 reports with an empty body."""
        return self.is_empty_404 or self.code in ("42P01", "PGRST205")

    @property
    def is_empty_404(self) -> bool:
        """True if the response is a 404 without any text."""
        return self.status == 404 and not self.code and not self.reason

    @property
    def is_of_gateway(self) -> bool:
        """True if a proxy in front of the database answered, so that the database may have executed the request."""
        is_database_error = re.fullmatch(r"[0-9A-Z]{5}", self.code) is not None
        return self.status >= 500 and self.status not in _NOT_PROCESSED_STATUS and not is_database_error

    @property
    def is_not_processed(self) -> bool:
        """True if the request did not reach the database and can be sent again."""
        return self.status in _NOT_PROCESSED_STATUS


class ResponseLost(RequestFailed):
    """A request was sent, but there was no response: it may have been executed or not."""

    log_name = "AnswerLost"
    may_have_been_applied = True


class Unreachable(RequestFailed):
    """The server cannot be reached; the request was not sent."""


def unreachable(error: BaseException, name: str) -> Unreachable:
    """Return the failure for a connection that could not be opened; ``name`` is the connection's."""
    text = str(error) or type(error).__name__
    kind, fix = "connection-failed", _ADVICE_BY_KIND["connection-failed"]
    if "Connection refused" in text:
        kind, text, fix = "connection-refused", "connection refused", "check url, and whether the server runs"
    elif any(words in text for words in _HOST_UNKNOWN):
        kind, text, fix = "host-not-found", "the host is not known", "check url"
    elif isinstance(error, httpx.TimeoutException):
        kind, text, fix = "network-timeout", "no answer in time", "check url and firewall"
    elif any(words in text for words in _NOT_TLS):
        kind, text = "config-value-invalid", f"the port answers without TLS: {text}"
        fix = "write http:// in url of the connection, or use the port that has TLS"
    elif "SSL" in text or "CERTIFICATE" in text:
        kind, fix = "tls-failed", _ADVICE_BY_KIND["tls-failed"]
    elif isinstance(error, httpx.InvalidURL | UnicodeError):
        kind, fix = "config-value-invalid", "correct url of the connection"
    return Unreachable(f"{name}: {text}", kind=kind, fix=fix)


def response_lost(error: BaseException) -> ResponseLost:
    """Return the failure for a request whose response did not arrive."""
    if isinstance(error, httpx.TimeoutException):
        fix = "raise timeout, or set a smaller batch_size"
        return ResponseLost("no response arrived (no answer in time)", kind="network-timeout", fix=fix)
    text, fix = str(error) or type(error).__name__, _ADVICE_BY_KIND["connection-lost"]
    if isinstance(error, httpx.RemoteProtocolError) and text.startswith(_NOT_HTTP):
        text = f"the port does not answer in HTTP: {text}"
        fix = "correct scheme, host and port of url in the connection"
        return ResponseLost(f"no response arrived ({text})", kind="config-value-invalid", fix=fix)
    return ResponseLost(f"no response arrived ({text})", kind="connection-lost", fix=fix)


def is_permanent(error: BaseException) -> bool:
    """Return True if the same request would fail again."""
    text = str(error)
    return "Name or service not known" in text or "CERTIFICATE_VERIFY_FAILED" in text


def connection_error(failure: RequestFailed, name: str) -> DriverError:
    """Return the error of a connection test."""
    message = failure.message if isinstance(failure, Unreachable) else f"{name}: {failure.message}"
    return DriverError(
        f"Supabase connection failed: {message}", kind=failure.kind, fix=failure.fix, **failure.error_facts
    )


def raise_if_rejected(response: httpx.Response) -> None:
    """Raise the rejection that a response states.

    Raises:
        RequestRejected: the response is not a success.
    """
    if response.is_success:
        return
    response.read()
    status, retry_after = response.status_code, response.headers.get("retry-after", "")
    wait = float(retry_after) if retry_after.isdigit() else 0.0
    if response.has_redirect_location:
        raise RequestRejected(status, "", f"{_REDIRECT} {response.headers['location']}")
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise RequestRejected(status, "", _page_text(response.text), wait, page_sender(response.text))
    parts = [str(body[key]).rstrip(".") for key in ("message", "details", "hint") if body.get(key)]
    text = "; ".join(parts) or response.reason_phrase
    raise RequestRejected(status, str(body.get("code") or ""), text, wait)


def _page_text(text: str) -> str:
    """Return the title of a page, or the first line of a text.

    Truncated between words, because a secret in it is masked later.
    """
    if _HTML.match(text):
        title = _TITLE.search(text[:_PAGE_CHARACTERS])
        page = text[:_PAGE_CHARACTERS]
        text = title[1] if title else " ".join(_TAG.sub(" ", page).split()) or "an HTML page without a text"
    return shorten(text.strip().partition("\n")[0], 200, placeholder="…")


def _kind_and_fix(status: int, code: str, reason: str) -> tuple[str, str]:
    if _SERVER_CODE.fullmatch(code) is None:
        return _status_kind_and_fix(status, reason)
    kind = sqlstate_kind(code, reason, "writing")
    if kind == "permission-denied":
        is_policy = ROW_LEVEL_SECURITY in reason
        return kind, _POLICY_FIX if is_policy else "GRANT it, or use the service role's key"
    by_code = _ADVICE.get(code)
    if code.startswith("PGRST"):
        return kind, by_code or _ADVICE_BY_KIND.get(kind, _ADVICE_BY_KIND["request-refused"])
    return kind, by_code or sqlstate_fix(code, kind, reason, "writing")


def _status_kind_and_fix(status: int, reason: str) -> tuple[str, str]:
    if status < 400:
        is_redirect = reason.startswith(_REDIRECT)
        fix = "set url of the connection to that" if is_redirect else "check url of the connection"
        if is_redirect and _LOGIN_PAGE.search(reason):
            return (
                "authentication-failed",
                "check url and key of the connection; the redirect leads to a login page",
            )
        return "config-value-invalid", fix
    kind = http_error_kind(status)
    if status == _PAYMENT_REQUIRED:
        return kind, "check plan, quota and unpaid invoices of the project at the service"
    if _TLS_REQUIRED in reason:
        return "config-value-invalid", "write https:// in url of the connection"
    return kind, "set a smaller batch_size" if status == TOO_LARGE else _ADVICE_BY_KIND[kind]
