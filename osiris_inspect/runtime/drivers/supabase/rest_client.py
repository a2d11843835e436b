"""Requests to PostgREST, the REST API of a Supabase database, with retries and error messages.

The postgrest library builds requests and parses responses. Its errors have no HTTP status, which decides whether a request
can be retried, so our HTTP client raises first and the retries of the library are off.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Final, Protocol, TypeVar

import httpx
import orjson
from postgrest import APIResponse, SyncPostgrestClient, SyncRequestBuilder

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import connection_name
from osiris_inspect.runtime.drivers.interface.driver import Config

_FIRST_WAIT_S: Final = 0.25
_MAX_WAIT_S: Final = 10.0
_Response = TypeVar("_Response")
_NOT_PROCESSED_STATUS: Final = frozenset({429, 503})
"""Statuses of a request that did not reach the database."""
_ADVICE: Final[Mapping[str, str]] = {
    "PGRST106": "expose the schema in the project's API settings",
    "PGRST204": "check the names of columns",
    "PGRST301": "check key of the connection",
    "PGRST302": "check key of the connection",
    "PGRST303": "check key of the connection",
    "42501": "the key's role lacks a privilege; GRANT it, or use the service role's key",
    "42P10": "the table has no unique constraint on primary_key",
    "42P01": "create the table, or set create_if_missing with a pg_dsn",
    "PGRST205": "create the table, or set create_if_missing with a pg_dsn",
}


class RequestRejected(Exception):
    """The server rejected a request. ``code`` is of PostgreSQL or PostgREST, empty if there is none."""

    log_name = "Refused"

    def __init__(self, status: int, code: str, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after_s = status, code, message, retry_after_s

    @property
    def is_missing_table(self) -> bool:
        """True if the table does not exist, which PostgREST up to 12 reports with an empty body."""
        is_empty_404 = self.status == 404 and not self.code and not self.message
        return is_empty_404 or self.code in ("42P01", "PGRST205")

    def __str__(self) -> str:
        advice = _ADVICE.get(self.code) or ("check key of the connection" if self.status == 401 else None)
        code = self.code or f"HTTP {self.status}"
        return f"({code}) {self.message or 'no reason given'}" + (f"; {advice}" if advice else "")


class ResponseLost(Exception):
    """A request was sent, but there was no response: it may have been executed or not."""

    log_name = "AnswerLost"


class Unreachable(Exception):
    """The server cannot be reached; the request was not sent."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Number of retries of a request, and the wait before the first one."""

    times: int
    first_wait_s: float = _FIRST_WAIT_S


class Query(Protocol):
    """Request built by the postgrest library."""

    def execute(self) -> APIResponse:
        """Send the request and return the response."""


class PostgrestClient:
    """Sends requests with one key to one server.

    Retries requests that did not reach the database; if the response was lost, only idempotent requests.
    """

    def __init__(self, connection: Config, schema: str, timeout: float, retries: RetryPolicy) -> None:
        url = _url_of(connection)
        self._retries = retries
        self._name = _name_of(connection, url)
        credentials = _credentials(connection, self._name)
        # redirects are not followed: an insert would become a GET, which writes nothing and succeeds
        http = httpx.Client(timeout=timeout, event_hooks={"response": [_raise_if_rejected]})
        try:
            self._client = SyncPostgrestClient(
                url, schema=schema, headers=credentials, http_client=http, retry_enabled=False
            )
        except ValueError as error:
            raise DriverError(f"{self._name}: url is invalid: {error}") from error

    def close(self) -> None:
        """Close the connections; calling it twice is safe."""
        self._client.aclose()

    def table(self, name: str) -> SyncRequestBuilder:
        """Return a builder of requests for a table.

        Raises:
            DriverError: the name cannot be part of a URL.
        """
        if "/" in name or name in (".", ".."):
            raise DriverError(f"table {name!r} cannot be addressed over REST; write over SQL, with pg_dsn")
        return self._client.from_(name)

    def run(self, query: Query, *, is_idempotent: bool = True) -> APIResponse:
        """Send a request and return the response.

        Raises:
            RequestRejected: the server rejected it.
            ResponseLost: it was sent, but there was no response and it cannot be retried.
            Unreachable: the server cannot be reached.
        """
        return self._with_retries(query.execute, is_idempotent=is_idempotent)

    def check_access(self) -> None:
        """Check that the server responds and accepts the key.

        Raises:
            RequestRejected: the server does not accept the key.
            Unreachable: the server cannot be reached.
        """
        client = self._client
        self._with_retries(
            lambda: client.session.get(f"{client.base_url}/", headers=client.headers), is_idempotent=True
        )

    @property
    def name(self) -> str:
        """The name of the connection for messages."""
        return self._name

    def _with_retries(self, send: Callable[[], _Response], *, is_idempotent: bool) -> _Response:
        wait = self._retries.first_wait_s
        for left in range(self._retries.times, -1, -1):
            try:
                return send()
            except RequestRejected as refused:
                _check_can_retry(refused, left, is_idempotent=is_idempotent)
                wait = max(wait, refused.retry_after_s)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                if not left or _is_permanent(error):
                    raise Unreachable(f"{self._name}: {_reason(error)}") from error
            except (httpx.TransportError, httpx.DecodingError) as error:
                if not is_idempotent or not left:
                    raise ResponseLost(f"no response arrived ({_reason(error)})") from error
            except (httpx.InvalidURL, UnicodeError) as error:
                raise Unreachable(f"{self._name}: {error}") from error
            time.sleep(min(wait, _MAX_WAIT_S))
            wait *= 2
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover  guaranteed by the loop


def _check_can_retry(refused: RequestRejected, left: int, *, is_idempotent: bool) -> None:
    if not is_idempotent and _may_have_been_applied(refused):
        raise ResponseLost(f"a proxy in front of the database answered {refused}") from refused
    if not left or not (refused.status in _NOT_PROCESSED_STATUS or _may_have_been_applied(refused)):
        raise refused


def _url_of(connection: Config) -> str:
    if connection.get("rest_url"):
        return str(connection["rest_url"]).rstrip("/")
    url = str(connection.get("url") or "").rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise DriverError(f"{_name_of(connection, url)} needs url: https://<project>.supabase.co, or pg_dsn")
    return url if url.endswith("/rest/v1") else f"{url}/rest/v1"


def _name_of(connection: Config, url: str) -> str:
    return f"{connection_name(connection)} ({url})"


def _credentials(connection: Config, name: str) -> dict[str, str]:
    key = connection.get("key") or connection.get("service_role_key") or connection.get("anon_key")
    if not key:
        raise DriverError(f"{name} has no 'key'")
    key = str(key).strip()
    if not key.isascii() or not key.isprintable():
        raise DriverError(f"{name}: key contains invalid characters; copy it again")
    # new keys are not JWTs and would be rejected as bearer tokens
    return {"apikey": key} | ({} if key.startswith("sb_") else {"Authorization": f"Bearer {key}"})


def _raise_if_rejected(response: httpx.Response) -> None:
    if response.is_success:
        return
    response.read()
    status, retry_after = response.status_code, response.headers.get("retry-after", "")
    wait = float(retry_after) if retry_after.isdigit() else 0.0
    if response.has_redirect_location:
        location = response.headers["location"]
        text = f"the server redirects to {location}; set url of the connection to that"
        raise RequestRejected(status, "", text)
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        # truncated between words, because a secret in it is masked later
        text = shorten(response.text.strip().partition("\n")[0], 200, placeholder="…")
        raise RequestRejected(status, "", text, wait)
    parts = [str(body[key]).rstrip(".") for key in ("message", "details", "hint") if body.get(key)]
    text = "; ".join(parts) or response.reason_phrase
    raise RequestRejected(status, str(body.get("code") or ""), text, wait)


def _may_have_been_applied(refused: RequestRejected) -> bool:
    """Return True if the database may have executed the request: the error is not the database's own."""
    is_database_error = re.fullmatch(r"[0-9A-Z]{5}", refused.code) is not None
    return refused.status >= 500 and refused.status not in _NOT_PROCESSED_STATUS and not is_database_error


def _is_permanent(error: BaseException) -> bool:
    return "Name or service not known" in str(error) or "CERTIFICATE_VERIFY_FAILED" in str(error)


def _reason(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    if "Connection refused" in text:
        return "connection refused; nothing listens there: check url"
    if "Name or service not known" in text or "No address associated" in text:
        return "the host is not known; check url"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return text
