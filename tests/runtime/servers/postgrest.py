"""A stand-in for PostgREST: a loopback server before a real PostgreSQL that runs the same statements.

It answers as PostgREST 12.2 was recorded to: statuses, error bodies, ``Content-Range``, pages of 1,000 rows, an empty body
for a table it does not know, and a picture of the schema that is taken again only when told to.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg import sql

from tests.runtime.servers.postgres import Postgres

KEY = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"
NEW_KEY = "sb_secret_0123456789abcdef"
MAX_ROWS = 1000

_STATUS = {
    "23505": 409, "23503": 409, "42501": 403, "42P01": 404, "42883": 404, "57014": 500, "21000": 500,
    "PGRST204": 400, "PGRST301": 401, "PGRST106": 406,
}  # fmt: skip


class Failed(Exception):
    def __init__(self, code: str, message: str, details: str | None = None, hint: str | None = None) -> None:
        self.status = _STATUS.get(code, 500 if code[:2] in ("XX", "57", "53") else 400)
        self.body = {"code": code, "details": details, "hint": hint, "message": message}
        super().__init__(message)


@dataclass
class PostgRest:
    """A running stand-in.

    Attributes:
        faults: what the next requests that write meet instead of an answer, in turn: a status, or ``drop`` to do the
            work and close the connection, or ``refuse`` to close it before, ``uncounted`` to keep the count back,
            ``elsewhere`` to send them to another address; anything else is none.
        requests: method, path and number of rows of every request.
        is_asleep: whether a new table is never seen.
    """

    server: Postgres
    port: int = 0
    faults: list[int | str] = field(default_factory=list)
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    is_asleep: bool = False
    schema: dict[str, dict[str, str]] = field(default_factory=dict)
    longest_ms: int | None = None

    @property
    def connection(self) -> Mapping[str, Any]:
        """What a connections file would say."""
        return {"url": f"http://127.0.0.1:{self.port}", "key": KEY}

    def look(self) -> None:
        """Take a picture of the schema."""
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in self.server.rows(
            "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
            "JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace "
            "AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v')"
        ):
            found.setdefault(table, {})[column] = kind
        self.schema = found


@contextmanager
def serve(server: Postgres) -> Iterator[PostgRest]:
    """The stand-in, until the block ends."""
    state = PostgRest(server)
    state.look()

    class Handler(_Handler):
        rest = state

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    state.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    stop = threading.Event()
    listener = threading.Thread(target=_listen, args=(state, stop))
    listener.start()
    try:
        yield state
    finally:
        stop.set()
        http.shutdown()
        http.server_close()
        thread.join()
        listener.join()


def _listen(state: PostgRest, stop: threading.Event) -> None:
    with state.server.session() as session:
        session.execute("LISTEN pgrst")
        while not stop.is_set():
            for notice in session.notifies(timeout=0.1, stop_after=1):
                if notice.payload == "reload schema" and not state.is_asleep:
                    stop.wait(0.2)  # the real one takes as long
                    state.look()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rest: PostgRest

    def log_message(self, *_: Any) -> None:
        """Say nothing on stderr."""

    def do_GET(self) -> None:
        self._answer(self._select)

    def do_HEAD(self) -> None:
        self._answer(self._select)

    def do_POST(self) -> None:
        self._answer(self._insert)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    # --- around every request

    def _answer(self, do: Any) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        self.table = unquote(parts.path.removeprefix("/rest/v1").strip("/"))
        self.params = dict(parse_qsl(parts.query, keep_blank_values=True))
        rows = body.count(b"},{") + 1 if len(body) > 2 else 0
        self.rest.requests.append((self.command, self.path, rows))
        fault = self.rest.faults.pop(0) if self.rest.faults and self.command in ("POST", "DELETE") else None
        if isinstance(fault, int):
            return self._send(
                fault, b'{"message":"fault"}' if fault != 502 else b"<html>Bad Gateway</html>", {}
            )
        if fault == "refuse":
            self.close_connection = True
            return None
        if fault == "elsewhere":
            return self._send(301, b"", {"Location": f"http://127.0.0.1:{self.rest.port}/rest/v1/elsewhere"})
        try:
            self._check()
            status, content, headers = do(body)
        except Failed as failed:
            status, content, headers = failed.status, json.dumps(failed.body).encode(), {}
        except psycopg.Error as error:
            diag = error.diag
            failed = Failed(
                error.sqlstate or "XX000", diag.message_primary or "", diag.message_detail, diag.message_hint
            )
            status, content, headers = failed.status, json.dumps(failed.body).encode(), {}
        except _NoTable:
            status, content, headers = 404, b"", {}
        if fault == "uncounted":
            headers.pop("Content-Range", None)
        if fault == "drop":
            self.close_connection = True
            return None
        return self._send(status, content, headers)

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(content)),
            "Content-Type": "application/json",
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _check(self) -> None:
        bearer = self.headers.get("Authorization")
        if self.headers.get("apikey") == NEW_KEY and bearer is None:
            pass
        elif bearer != f"Bearer {KEY}" or self.headers.get("apikey") != KEY:
            raise Failed("PGRST301", "JWSError JWSInvalidSignature")
        profile = self.headers.get(
            "Content-Profile" if self.command in ("POST", "DELETE") else "Accept-Profile"
        )
        if profile not in (None, "public"):
            raise Failed("PGRST106", "The schema must be one of the following: public")

    @property
    def _prefer(self) -> dict[str, str]:
        words = [word.strip() for word in self.headers.get("Prefer", "").split(",") if "=" in word]
        return dict(word.split("=", 1) for word in words)  # type: ignore[misc]

    def _columns(self) -> dict[str, str]:
        if self.table not in self.rest.schema:
            raise _NoTable
        return self.rest.schema[self.table]

    def _session(self) -> psycopg.Connection[Any]:
        session = self.rest.server.session()
        if self.rest.longest_ms is not None:
            session.execute(f"SET statement_timeout = {self.rest.longest_ms}")
        return session

    # --- what is asked

    def _insert(self, rows: bytes) -> tuple[int, bytes, dict[str, str]]:
        known = self._columns()
        if "columns" not in self.params:  # the client names the columns of the rows, where there are any
            return 201, b"", {}
        names = _names(self.params["columns"])
        for name in names:
            if name not in known:
                raise Failed(
                    "PGRST204", f"Could not find the '{name}' column of '{self.table}' in the schema cache"
                )
        target = _id("public", self.table)
        listed = sql.SQL(", ").join(map(_id, names))
        typed = sql.SQL(", ").join(sql.SQL("{} {}").format(_id(n), sql.SQL(known[n])) for n in names)
        query = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM json_to_recordset(%s::json) AS _({})").format(
            target, listed, listed, typed
        )
        if "resolution" in self._prefer:
            key = sql.SQL(", ").join(map(_id, _names(self.params["on_conflict"])))
            sets = sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(_id(n)) for n in names)
            query = sql.SQL("{} ON CONFLICT ({}) DO UPDATE SET {}").format(query, key, sets)
        shown = _shown(self.params.get("select", "*"), known)
        is_shown = self._prefer.get("return") == "representation"
        body_of = sql.SQL("coalesce(json_agg(s), '[]')::text" if is_shown else "''")
        full = sql.SQL("WITH s AS ({} RETURNING {}) SELECT count(*), {} FROM s")
        with self._session() as session:
            count, body = session.execute(full.format(query, shown, body_of), [rows.decode()]).fetchone() or (
                0,
                "",
            )
        headers = {"Content-Range": f"*/{count}"} if self._prefer.get("count") == "exact" else {}
        return (200 if is_shown and "resolution" in self._prefer else 201), body.encode(), headers

    def _select(self, _: Any) -> tuple[int, bytes, dict[str, str]]:
        if self.table == "":
            return 200, b"{}", {}
        if self.table not in self.rest.schema:
            raise Failed("42P01", f'relation "public.{self.table}" does not exist')
        known = self._columns()
        where, values = _where(self.params)
        query = sql.SQL("SELECT {} FROM {} {}").format(
            _shown(self.params.get("select", "*"), known), _id("public", self.table), where
        )
        if "order" in self.params:
            table = _id("public", self.table)  # the column, not what is shown under its name
            order = [
                sql.SQL("{}.{} {}").format(table, _id(name), sql.SQL(way))
                for name, way in _order(self.params["order"])
            ]
            query = sql.SQL("{} ORDER BY {}").format(query, sql.SQL(", ").join(order))
        limit = min(int(self.params.get("limit", MAX_ROWS)), MAX_ROWS)
        page = sql.SQL("{} LIMIT {} OFFSET {}").format(query, limit, int(self.params.get("offset", 0)))
        with self._session() as session:
            (body,) = session.execute(
                sql.SQL("SELECT coalesce(json_agg(s), '[]')::text FROM ({}) s").format(page), values
            ).fetchone() or ("[]",)
            total: int | str = "*"
            if self._prefer.get("count") == "exact":
                (total,) = session.execute(
                    sql.SQL("SELECT count(*) FROM ({}) s").format(query), values
                ).fetchone() or (0,)
        return 200, body.encode(), {"Content-Range": f"0-{limit}/{total}"}

    def _delete(self, _: Any) -> tuple[int, bytes, dict[str, str]]:
        self._columns()
        where, values = _where(self.params)
        with self._session() as session:
            cursor = session.execute(
                sql.SQL("DELETE FROM {} {}").format(_id("public", self.table), where), values
            )
        headers = {"Content-Range": f"*/{cursor.rowcount}"} if self._prefer.get("count") == "exact" else {}
        return 204, b"", headers


class _NoTable(Exception):
    """A table that is not in the picture."""


def _id(*names: str) -> sql.Identifier:
    """A name for a statement that has values: there a percent sign is written twice."""
    return sql.Identifier(*(name.replace("%", "%%") for name in names))


def _names(text: str) -> list[str]:
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,"]+)', text)
    return [re.sub(r"\\(.)", r"\1", quoted) if quoted else plain for quoted, plain in found]


def _order(text: str) -> list[tuple[str, str]]:
    """``"a".asc,b.desc`` as names and ways."""
    found = re.findall(r'(?:"((?:[^"\\]|\\.)*)"|([^,".]+))(?:\.(asc|desc))?', text)
    return [
        (re.sub(r"\\(.)", r"\1", quoted) if quoted else plain, way.upper() or "ASC")
        for quoted, plain, way in found
    ]


def _shown(selected: str, known: Mapping[str, str]) -> sql.Composable:
    """``select="a","b"::text`` as SQL."""
    if selected == "*":
        return sql.SQL(", ").join(map(_id, known))
    casts = re.findall(r'"(?:[^"\\]|\\.)*"(::text)?|[^,"]+', selected)
    shown = []
    for name, cast in zip(_names(selected.replace("::text", "")), casts, strict=True):
        if name not in known:
            raise Failed("42703", f"column {name} does not exist")
        shown.append(sql.SQL("{}{} AS {}").format(_id(name), sql.SQL(cast), _id(name)))
    return sql.SQL(", ").join(shown)


_FILTER = re.compile(r'"((?:[^"\\]|\\.)*)"\.eq\."((?:[^"\\]|\\.)*)"')


def _where(params: Mapping[str, str]) -> tuple[sql.Composable, list[str]]:
    """``or=("a"."eq"."1",and("b".eq."2","c".eq."3"))``, the one filter that is needed here."""
    if "or" not in params:
        return sql.SQL(""), []
    values: list[str] = []
    parts: list[sql.Composable] = []
    inner = params["or"].strip()[1:-1]
    for match in re.finditer(r"and\(((?:" + _FILTER.pattern + r",?)+)\)|" + _FILTER.pattern, inner):
        some = []
        for one in _FILTER.finditer(match[0]):
            name, value = (re.sub(r"\\(.)", r"\1", text) for text in one.groups())
            some.append(sql.SQL("{} = {}").format(_id(name), sql.Placeholder()))
            values.append(value)
        parts.append(sql.SQL("({})").format(sql.SQL(" AND ").join(some)))
    return sql.SQL("WHERE {}").format(sql.SQL(" OR ").join(parts)), values
