"""Requests to PostgREST, the REST face of a Supabase database: what may be tried again is, what failed says why.

The client library for PostgREST puts requests together and reads answers. Under it lies an HTTP client of ours, which says
no before the library would: its errors carry no HTTP status, and what may be tried again hangs on that. For the same reason
the library's own tries again are off.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, Final, Protocol, TypeVar

import httpx
import orjson
from postgrest import APIResponse, SyncPostgrestClient, SyncRequestBuilder

from osiris_inspect.model.errors import DriverError

_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 10.0
_Answer = TypeVar("_Answer")
_NOT_PROCESSED_STATUS: Final = frozenset({429, 503})
"""Statuses of a request that the database never saw."""
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
    """The server answered that it will not: ``code`` of PostgreSQL or PostgREST, empty where it gave none."""

    log_name = "Refused"

    def __init__(self, status: int, code: str, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after_s = status, code, message, retry_after_s

    @property
    def is_missing_table(self) -> bool:
        """Whether there is no such table; PostgREST up to 12 says so with an empty body."""
        return self.code in ("42P01", "PGRST205") or (
            self.status == 404 and not self.code and not self.message
        )

    def __str__(self) -> str:
        advice = _ADVICE.get(self.code) or ("check key of the connection" if self.status == 401 else None)
        named = f"({self.code}) " if self.code else f"(HTTP {self.status}) "
        return named + (self.message or "no reason given") + (f"; {advice}" if advice else "")


class ResponseLost(Exception):
    """The request went out and no answer came back: it may have been carried out or not."""

    log_name = "AnswerLost"


class Unreachable(Exception):
    """The server cannot be reached: the request never went out."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request that may pass is sent again."""

    times: int
    first_wait_s: float = _FIRST_WAIT_S


class Query(Protocol):
    """A request that the client library has put together."""

    def execute(self) -> APIResponse:
        """Send it and give the answer."""


class PostgrestClient:
    """Requests with one key to one server.

    A request that never reached the database is sent again; one whose answer was lost only where it is idempotent.
    """

    def __init__(
        self, connection: Mapping[str, Any], schema: str, timeout: float, retries: RetryPolicy
    ) -> None:
        url = _url_of(connection)
        self._retries = retries
        self._name = _name_of(connection, url)
        credentials = _credentials(connection, self._name)
        # a redirect is not followed: HTTP would make a GET of an insert, which writes nothing and succeeds
        http = httpx.Client(timeout=timeout, event_hooks={"response": [_refuse]})
        try:
            self._client = SyncPostgrestClient(
                url, schema=schema, headers=credentials, http_client=http, retry_enabled=False
            )
        except ValueError as error:
            raise DriverError(f"{self._name}: url is no address: {error}") from error

    def close(self) -> None:
        """Let go of the connections; a second time does nothing."""
        self._client.aclose()

    def table(self, name: str) -> SyncRequestBuilder:
        """Where requests about a table begin.

        Raises:
            DriverError: no address can hold the name.
        """
        if "/" in name or name in (".", ".."):
            raise DriverError(f"table {name!r} has no address over REST; write to it over SQL, with pg_dsn")
        return self._client.from_(name)

    def run(self, query: Query, *, is_idempotent: bool = True) -> APIResponse:
        """The answer to a request that succeeded.

        Raises:
            Refused: the server said no.
            ResponseLost: a request that is not idempotent went out, and nothing came back.
            Unreachable: the server cannot be reached.
        """
        return self._with_retries(query.execute, is_idempotent=is_idempotent)

    def check_access(self) -> None:
        """See that the server answers and takes the key.

        Raises:
            Refused: it does not.
            Unreachable: it cannot be reached.
        """
        client = self._client
        self._with_retries(
            lambda: client.session.get(f"{client.base_url}/", headers=client.headers), is_idempotent=True
        )

    @property
    def name(self) -> str:
        """The connection as messages call it."""
        return self._name

    def _with_retries(self, send: Callable[[], _Answer], *, is_idempotent: bool) -> _Answer:
        wait = self._retries.first_wait_s
        for left in range(self._retries.times, -1, -1):
            try:
                return send()
            except RequestRejected as refused:
                self._check_may_try_again(refused, left, is_idempotent=is_idempotent)
                wait = max(wait, refused.retry_after_s)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                if not left or _is_permanent(error):
                    raise Unreachable(f"{self._name}: {_why(error)}") from error
            except (httpx.TransportError, httpx.DecodingError) as error:
                if not is_idempotent or not left:
                    raise ResponseLost(f"no answer came back ({_why(error)})") from error
            except (httpx.InvalidURL, UnicodeError) as error:
                raise Unreachable(f"{self._name}: {error}") from error
            time.sleep(min(wait, _LONGEST_WAIT_S))
            wait *= 2
        raise AssertionError("the last try returns or raises")  # pragma: no cover  the loop's own promise

    def _check_may_try_again(self, refused: RequestRejected, left: int, *, is_idempotent: bool) -> None:
        if not is_idempotent and _may_have_been_applied(refused):
            raise ResponseLost(f"what stands before the database answered {refused}") from refused
        if not left or not (refused.status in _NOT_PROCESSED_STATUS or _may_have_been_applied(refused)):
            raise refused


def _url_of(connection: Mapping[str, Any]) -> str:
    if connection.get("rest_url"):
        return str(connection["rest_url"]).rstrip("/")
    url = str(connection.get("url") or "").rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise DriverError(f"{_name_of(connection, url)} needs url: https://<project>.supabase.co, or pg_dsn")
    return url if url.endswith("/rest/v1") else f"{url}/rest/v1"


def _name_of(connection: Mapping[str, Any], url: str) -> str:
    called = (
        f"@{connection.get('family')}.{connection.get('alias')}"
        if connection.get("alias")
        else "the connection"
    )
    return f"{called} ({url})"


def _credentials(connection: Mapping[str, Any], name: str) -> dict[str, str]:
    key = next(
        (connection[name] for name in ("key", "service_role_key", "anon_key") if connection.get(name)), None
    )
    if key is None:
        raise DriverError(f"{name} has no 'key'")
    key = str(key).strip()
    if not key.isascii() or not key.isprintable():
        raise DriverError(f"{name}: key holds letters that no key has; was it cut or pasted twice")
    # keys of the new kind are no tokens: as a bearer they would be refused
    return {"apikey": key} | ({} if key.startswith("sb_") else {"Authorization": f"Bearer {key}"})


def _refuse(answer: httpx.Response) -> None:
    """Raise what an answer that is no success means, before the client library reads it."""
    if answer.is_success:
        return
    answer.read()
    raise _refused(answer)


def _refused(answer: httpx.Response) -> RequestRejected:
    if answer.has_redirect_location:
        words = f"the server is elsewhere, at {answer.headers['location']}; set url of the connection to that"
        return RequestRejected(answer.status_code, "", words)
    wait = _asked_wait(answer)
    try:
        told = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        # cut between words: a secret in it is masked later
        words = shorten(answer.text.strip().partition("\n")[0], 200, placeholder="…")
        return RequestRejected(answer.status_code, "", words, wait)
    parts = [str(told[key]).rstrip(".") for key in ("message", "details", "hint") if told.get(key)]
    words = "; ".join(parts) or answer.reason_phrase
    return RequestRejected(answer.status_code, str(told.get("code") or ""), words, wait)


def _may_have_been_applied(refused: RequestRejected) -> bool:
    """Whether the database may have done what was asked: something before it failed, and not it itself."""
    of_database = re.fullmatch(r"[0-9A-Z]{5}", refused.code) is not None
    return refused.status >= 500 and refused.status not in _NOT_PROCESSED_STATUS and not of_database


def _asked_wait(answer: httpx.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else 0.0


def _is_permanent(error: BaseException) -> bool:
    return "Name or service not known" in str(error) or "CERTIFICATE_VERIFY_FAILED" in str(error)


def _why(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    if "Connection refused" in text:
        return "connection refused; nothing listens there: check url"
    if "Name or service not known" in text or "No address associated" in text:
        return "the host is not known; check url"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return text
