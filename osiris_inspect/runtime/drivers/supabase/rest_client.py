"""Requests to PostgREST, the REST API of a Supabase database, with retries.

The postgrest library builds requests and parses responses. Its errors have no HTTP status, which decides whether a request
can be retried, so our HTTP client raises first and the retries of the library are off.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import httpx
from postgrest import APIResponse, SyncPostgrestClient, SyncRequestBuilder, SyncSelectRequestBuilder

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import connection_name
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.drivers.supabase.rest_errors import (
    RequestFailed,
    RequestRejected,
    is_permanent,
    raise_if_rejected,
    response_lost,
    unreachable,
)

_FIRST_WAIT_S: Final = 0.25
_MAX_WAIT_S: Final = 10.0
_Response = TypeVar("_Response")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Number of retries of a request, and the wait before the first one."""

    times: int
    first_wait_s: float = _FIRST_WAIT_S


class Query(Protocol):
    """Request built by the postgrest library."""

    def execute(self) -> APIResponse:
        """Send the request and return the response."""


@dataclass(frozen=True, slots=True)
class _RequestWithBody:
    """Request of the postgrest library with a body of bytes, which the library itself cannot send."""

    query: SyncSelectRequestBuilder
    body: bytes

    def execute(self) -> APIResponse:
        request = self.query.request
        response = request.session.request(
            request.http_method,
            str(request.path),
            content=self.body,
            params=request.params,
            headers={**request.headers, "Content-Type": "application/json"},
            auth=request.auth,
        )
        return APIResponse.from_http_request_response(response)


def with_body(query: SyncSelectRequestBuilder, body: bytes) -> Query:
    """Return a request that sends ``body``, JSON text, instead of the rows that it was built with."""
    return _RequestWithBody(query, body)


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
        http = httpx.Client(timeout=timeout, event_hooks={"response": [raise_if_rejected]})
        try:
            self._client = SyncPostgrestClient(
                url, schema=schema, headers=credentials, http_client=http, retry_enabled=False
            )
        except ValueError as error:
            raise _setting_error(
                f"{self._name}: url is invalid: {error}", "url", "correct url", kind="config-value-invalid"
            ) from error

    def close(self) -> None:
        """Close the connections; calling it twice is safe."""
        self._client.aclose()

    def table(self, name: str) -> SyncRequestBuilder:
        """Return a builder of requests for a table.

        Raises:
            DriverError: the name cannot be part of a URL.
        """
        if "/" in name or name in (".", ".."):
            raise DriverError(
                f"table {name!r} cannot be addressed over REST",
                kind="config-value-invalid",
                fix="write over SQL, with pg_dsn",
                setting="table",
                table=name,
                rows_written=0,
            )
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
        may_have_been_applied = False
        for left in range(self._retries.times, -1, -1):
            try:
                return send()
            except RequestRejected as refused:
                failure: RequestFailed = refused
                wait = max(wait, refused.retry_after_s)
                can_retry = refused.is_not_processed or (is_idempotent and refused.is_of_gateway)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                failure, can_retry = (
                    _caused_by(error, unreachable(error, self._name)),
                    not is_permanent(error),
                )
            except (httpx.TransportError, httpx.DecodingError) as error:
                failure, can_retry = _caused_by(error, response_lost(error)), is_idempotent
            except (httpx.InvalidURL, UnicodeError) as error:
                failure, can_retry = _caused_by(error, unreachable(error, self._name)), False
            failure.may_have_been_applied |= may_have_been_applied
            may_have_been_applied = failure.may_have_been_applied
            if not left or not can_retry:
                raise failure
            time.sleep(min(wait, _MAX_WAIT_S))
            wait *= 2
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover  guaranteed by the loop


def _caused_by(error: BaseException, failure: RequestFailed) -> RequestFailed:
    failure.__cause__ = error
    return failure


def _setting_error(message: str, key: str, fix: str, *, kind: str) -> DriverError:
    return DriverError(message, kind=kind, fix=fix, setting=key)


def _url_of(connection: Config) -> str:
    if connection.get("rest_url"):
        return str(connection["rest_url"]).rstrip("/")
    url = str(connection.get("url") or "").rstrip("/")
    if not url.startswith(("http://", "https://")):
        kind = "config-value-invalid" if url else "config-value-missing"
        message = f"{_name_of(connection, url)} needs url: https://<project>.supabase.co, or pg_dsn"
        raise _setting_error(message, "url", "set url or pg_dsn of the connection", kind=kind)
    return url if url.endswith("/rest/v1") else f"{url}/rest/v1"


def _name_of(connection: Config, url: str) -> str:
    return f"{connection_name(connection)} ({url})"


def _credentials(connection: Config, name: str) -> dict[str, str]:
    key = connection.get("key") or connection.get("service_role_key") or connection.get("anon_key")
    if not key:
        fix = "set key of the connection"
        raise _setting_error(f"{name} has no 'key'", "key", fix, kind="config-value-missing")
    key = str(key).strip()
    if not key.isascii() or not key.isprintable():
        message = f"{name}: key contains invalid characters"
        raise _setting_error(message, "key", "copy it again", kind="config-value-invalid")
    # new keys are not JWTs and would be rejected as bearer tokens
    return {"apikey": key} | ({} if key.startswith("sb_") else {"Authorization": f"Bearer {key}"})
