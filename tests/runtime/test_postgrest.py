"""The stand-in for PostgREST answers its client library as PostgREST 12.2.12 was recorded to; a real one, where it is named."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from postgrest import APIError, CountMethod, ReturnMethod, SyncPostgrestClient

from tests.runtime.driving import context, drive, handed
from tests.runtime.servers import postgrest_real
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import PostgRest
from tests.runtime.servers.postgrest_real import RealPostgRest

TABLE = """
    CREATE TABLE director_stats (director_id bigint PRIMARY KEY, name text NOT NULL, n int, avg_rating float8,
        total numeric, active bool DEFAULT true, meta jsonb, d date)
"""
MINIMAL, SHOWN = ReturnMethod.minimal, ReturnMethod.representation


@dataclass(frozen=True)
class Answer:
    """What came back: a status, and either data with a count or an error of the library."""

    status: int
    data: Any = None
    count: int | None = None
    error: tuple[str | None, str | None] | None = None


class Asking:
    """The client library as anybody would use it, and the status that its errors do not show."""

    def __init__(self, connection: Any, **more: Any) -> None:
        base = connection.get("rest_url") or f"{connection['url']}/rest/v1"
        key = more.pop("key", connection["key"])
        self._status = 0
        http = httpx.Client(event_hooks={"response": [self._note]}, timeout=20)
        headers = {"apikey": key, "Authorization": f"Bearer {key}"}
        self.client = SyncPostgrestClient(base, headers=headers, http_client=http, **more)

    def _note(self, answer: httpx.Response) -> None:
        self._status = answer.status_code

    def close(self) -> None:
        self.client.aclose()

    def answer(self, ask: Callable[[SyncPostgrestClient], Any]) -> Answer:
        try:
            found = ask(self.client).execute()
        except APIError as error:
            return Answer(self._status, error=(error.code, error.message))
        return Answer(self._status, found.data, found.count)


@dataclass(frozen=True)
class Rest:
    """A PostgREST, stand-in or real, and the database behind it."""

    connection: Any
    run: Callable[..., None]
    rows: Callable[[str], list[tuple[Any, ...]]]
    look: Callable[[], None]


@pytest.fixture(params=["stand-in", "real"])
def rest(request: pytest.FixtureRequest) -> Iterator[Rest]:
    if request.param == "real":
        real: RealPostgRest = postgrest_real.named()
        rest = Rest(real.connection, real.run, real.rows, lambda: real.look("director_stats"))
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        stand_in: PostgRest = request.getfixturevalue("postgrest")
        rest = Rest(stand_in.connection, postgres.run, postgres.rows, stand_in.look)
    rest.run(
        "DROP TABLE IF EXISTS director_stats",
        TABLE,
        "INSERT INTO director_stats (director_id, name, n) VALUES (3, 'n3', 3)",
        "GRANT ALL ON director_stats TO PUBLIC",
    )
    rest.look()
    yield rest
    rest.run("DROP TABLE director_stats")


def row(number: Any, **more: Any) -> dict[str, Any]:
    return {"director_id": number, "name": f"n{number}", "n": 1, **more}


Ask = Callable[[SyncPostgrestClient], Any]
RECORDED: dict[str, tuple[Ask, Answer]] = {
    "a row that is added": (
        lambda c: c.from_("director_stats").insert([row(4)], returning=MINIMAL),
        Answer(201, []),
    ),
    "a row that is added and shown": (
        lambda c: c.from_("director_stats").insert([row(4, avg_rating=7.125)], returning=SHOWN),
        Answer(201, [{"director_id": 4, "name": "n4", "n": 1, "avg_rating": 7.125, "total": None, "active": True, "meta": None, "d": None}]),
    ),
    "rows that are counted": (
        lambda c: c.from_("director_stats").insert([row(4), row(5)], returning=MINIMAL, count=CountMethod.exact),
        Answer(201, [], 2),
    ),
    "a key that is there": (
        lambda c: c.from_("director_stats").insert([row(3)], returning=MINIMAL),
        Answer(409, error=("23505", 'duplicate key value violates unique constraint "director_stats_pkey"')),
    ),
    "rows of keys that are there and that are not": (
        lambda c: c.from_("director_stats").upsert([row(3), row(4)], returning=MINIMAL, on_conflict="director_id", count=CountMethod.exact),
        Answer(201, [], 2),
    ),
    "the same, shown": (
        lambda c: c.from_("director_stats").upsert([row(3), row(4)], returning=SHOWN, on_conflict='"director_id"').select('"director_id"::text'),
        Answer(200, [{"director_id": "3"}, {"director_id": "4"}]),
    ),
    "one key twice in a batch": (
        lambda c: c.from_("director_stats").upsert([row(4), row(4)], returning=MINIMAL, on_conflict="director_id"),
        Answer(500, error=("21000", "ON CONFLICT DO UPDATE command cannot affect row a second time")),
    ),
    "a key that is not unique": (
        lambda c: c.from_("director_stats").upsert([row(4)], returning=MINIMAL, on_conflict="name"),
        Answer(400, error=("42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification")),
    ),
    "nothing where there must be something": (
        lambda c: c.from_("director_stats").insert([{"director_id": 30}], returning=MINIMAL),
        Answer(400, error=("23502", 'null value in column "name" of relation "director_stats" violates not-null constraint')),
    ),
    "text for a number": (
        lambda c: c.from_("director_stats").insert([row(4, n="abc")], returning=MINIMAL),
        Answer(400, error=("22P02", 'invalid input syntax for type integer: "abc"')),
    ),
    "a number that is too large": (
        lambda c: c.from_("director_stats").insert([row(4, n=2147483648)], returning=MINIMAL),
        Answer(400, error=("22003", 'value "2147483648" is out of range for type integer')),
    ),
    "a column that is not there": (
        lambda c: c.from_("director_stats").insert([row(4, nope=1)], returning=MINIMAL),
        Answer(400, error=("PGRST204", "Could not find the 'nope' column of 'director_stats' in the schema cache")),
    ),
    "a row for a table that is not there": (
        lambda c: c.from_("nope").insert([{"a": 1}], returning=MINIMAL),
        Answer(404, error=("404", "Not Found")),
    ),
    "rows of a table that is not there": (
        lambda c: c.from_("nope").select("count").limit(0),
        Answer(404, error=("42P01", 'relation "public.nope" does not exist')),
    ),
    "no row": (
        lambda c: c.from_("director_stats").insert([], returning=MINIMAL),
        Answer(201, []),
    ),
    "how many there are": (
        lambda c: c.from_("director_stats").select("*", count=CountMethod.exact, head=True),
        Answer(200, [], 1),
    ),
    "what is shown, by key": (
        lambda c: c.from_("director_stats").select('"director_id"::text', "name").order('"director_id"').limit(10).offset(0),
        Answer(200, [{"director_id": "3", "name": "n3"}]),
    ),
    "rows that go": (
        lambda c: c.from_("director_stats").delete(returning=MINIMAL).or_('"director_id".eq."3","director_id".eq."4"'),
        Answer(204, []),
    ),
}  # fmt: skip
OF_CONNECTIONS: dict[str, tuple[dict[str, Any], Answer]] = {
    "a key of somebody else": (
        {"key": "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.d3Jvbmc"},
        Answer(401, error=("PGRST301", "JWSError JWSInvalidSignature")),
    ),
    "a schema that is not shown": (
        {"schema": "private"},
        Answer(406, error=("PGRST106", "The schema must be one of the following: public")),
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_the_library_is_answered_as_was_recorded(rest: Rest, name: str) -> None:
    ask, recorded = RECORDED[name]
    with closing(Asking(rest.connection)) as asking:
        assert asking.answer(ask) == recorded


@pytest.mark.parametrize("name", OF_CONNECTIONS)
def test_who_may_not_ask_is_answered_as_was_recorded(rest: Rest, name: str) -> None:
    change, recorded = OF_CONNECTIONS[name]
    with closing(Asking(rest.connection, **change)) as asking:
        assert asking.answer(lambda c: c.from_("director_stats").select("*")) == recorded


def test_a_batch_is_all_or_nothing(rest: Rest) -> None:
    with closing(Asking(rest.connection)) as asking:
        answer = asking.answer(
            lambda c: c.from_("director_stats").insert([row(10), row(3)], returning=MINIMAL)
        )
    assert answer.status == 409
    assert rest.rows("SELECT director_id FROM director_stats") == [(3,)]


def test_an_upsert_leaves_the_columns_it_does_not_name(rest: Rest) -> None:
    with closing(Asking(rest.connection)) as asking:
        asking.answer(
            lambda c: c.from_("director_stats").upsert(
                [{"director_id": 3, "name": "only"}], returning=MINIMAL, on_conflict="director_id"
            )
        )
    assert rest.rows("SELECT name, n, active FROM director_stats") == [("only", 3, True)]


def test_a_page_holds_a_thousand_rows_and_what_was_written_is_shown_whole(rest: Rest) -> None:
    many = [row(number) for number in range(100, 2600)]
    with closing(Asking(rest.connection)) as asking:
        written = asking.answer(
            lambda c: c.from_("director_stats").upsert(many, returning=SHOWN, on_conflict="director_id")
        )
        page = asking.answer(lambda c: c.from_("director_stats").select("director_id"))
    assert (written.status, len(written.data)) == (200, 2500)
    assert (page.status, len(page.data)) == (200, 1000)


@pytest.mark.parametrize(
    ("mode", "there"), [("append", [3, 7, 8]), ("upsert", [3, 7, 8]), ("replace", [7, 8])]
)
def test_the_driver_writes_what_it_says(rest: Rest, tmp_path: Path, mode: str, there: list[int]) -> None:
    frame = pa.table({"director_id": [7, 8], "name": ["sept", "huit"], "avg_rating": [0.1, None]})
    config = {"table": "director_stats", "write_mode": mode, "primary_key": "director_id"}
    told = {**config, "resolved_connection": rest.connection}
    assert drive("supabase.writer", told, context(tmp_path), df=handed(tmp_path, frame)) == {
        "rows_written": 2
    }
    assert [found for (found,) in rest.rows("SELECT director_id FROM director_stats ORDER BY 1")] == there


def test_the_driver_sees_which_columns_hold_json(rest: Rest, tmp_path: Path) -> None:
    frame = pa.table({"director_id": [7], "name": ['{"a": 1}'], "meta": ['{"a": 1}']})
    told = {"table": "director_stats", "resolved_connection": rest.connection}
    drive("supabase.writer", told, context(tmp_path), df=handed(tmp_path, frame))
    found = rest.rows("SELECT jsonb_typeof(meta), name FROM director_stats WHERE director_id = 7")
    assert found == [("object", '{"a": 1}')]
