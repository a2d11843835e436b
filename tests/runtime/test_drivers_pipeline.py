"""The pipeline of the original's documents, as it is written there, on real servers: equal rows however it runs."""

import os
import time
from pathlib import Path

import orjson
import pytest

from osiris_inspect.runtime import settings
from osiris_inspect.runtime.connections import connections
from osiris_inspect.runtime.connections.env_file import EnvironmentVariables
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.proxy.proxy import RunRequest, RunResult, run
from osiris_inspect.runtime.transport.transport import Transport
from tests.runtime.pipelines import compiled
from tests.runtime.runs import NAMES, TRANSPORTS, events_of
from tests.runtime.servers.mariadb import PASSWORD, MariaDb
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import KEY, PostgRest

pytestmark = pytest.mark.sampled(3)

PIPELINE = """\
oml_version: "0.1.0"
name: mysql-duckdb-supabase-demo
steps:
  - id: extract-movies
    component: mysql.extractor
    mode: read
    config:
      connection: "@mysql.db_movies"
      query: |
        SELECT
          m.movie_id,
          m.title,
          m.release_year,
          m.director_id,
          m.genre,
          m.runtime_minutes,
          m.budget_usd,
          m.box_office_usd,
          d.name as director_name,
          d.nationality as director_nationality
        FROM movies m
        JOIN directors d ON m.director_id = d.director_id
        WHERE m.director_id IS NOT NULL
  - id: compute-director-stats
    component: duckdb.processor
    mode: transform
    needs: [extract-movies]
    config:
      query: |
        SELECT
          director_id,
          director_name,
          director_nationality,
          COUNT(*) as movie_count,
          COUNT(DISTINCT genre) as unique_genres,
          ROUND(AVG(runtime_minutes), 1) as avg_runtime_minutes,
          MIN(release_year) as first_movie_year,
          MAX(release_year) as latest_movie_year,
          ROUND(AVG(budget_usd), 0) as avg_budget_usd,
          ROUND(SUM(box_office_usd), 0) as total_box_office_usd,
          ROUND(AVG(box_office_usd / NULLIF(budget_usd, 0)), 2) as avg_roi_ratio
        FROM input_df
        WHERE budget_usd IS NOT NULL
          AND box_office_usd IS NOT NULL
        GROUP BY director_id, director_name, director_nationality
        HAVING COUNT(*) >= 1
        ORDER BY total_box_office_usd DESC
  - id: write-director-stats
    component: supabase.writer
    mode: write
    needs: [compute-director-stats]
    config:
      connection: "@supabase.main"
      table: director_stats
      write_mode: replace
      primary_key: [director_id]
      create_if_missing: true
      batch_size: 100
      returning: minimal
"""
FILE = """\
connections:
  mysql:
    db_movies: {host: 127.0.0.1, port: "${MYSQL_PORT}", database: movies, user: osiris, password: "${MYSQL_PASSWORD}", default: true}
  supabase:
    main: {url: "${SUPABASE_URL}", service_role_key: "${SUPABASE_KEY}", pg_dsn: "${SUPABASE_PG_DSN:-}"}
"""
Targets = tuple[Postgres, PostgRest]
RANGES = {"memory": {}, "spill": {"E2B_FORCE_SPILL": "1"}}
EVERYWHERE = pytest.mark.parametrize("on", [*NAMES, "sandbox", "e2b"])


@pytest.fixture(scope="module")
def movies(mariadb: MariaDb) -> MariaDb:
    titles = ", ".join(
        f"({n}, 'Film {n}', {1990 + n}, {n % 3 + 1}, '{('Drama', 'Comedy')[n % 2]}', {90 + n}, {n * 1_000_000}.50, {n * 2_500_000}.25)"
        for n in range(1, 15)
    )
    mariadb.run(
        "CREATE OR REPLACE TABLE directors (director_id INT PRIMARY KEY, name VARCHAR(80), nationality VARCHAR(40))",
        "INSERT INTO directors VALUES (1, 'Ana Sol', 'España'), (2, 'Mei Tanaka', '日本'), (3, 'Jonas Brandt', NULL)",
        "CREATE OR REPLACE TABLE movies (movie_id INT PRIMARY KEY, title VARCHAR(100), release_year YEAR, director_id INT, genre VARCHAR(20), runtime_minutes SMALLINT UNSIGNED, budget_usd DECIMAL(15,2), box_office_usd DECIMAL(15,2))",
        f"INSERT INTO movies VALUES {titles}",
    )
    return mariadb


@pytest.fixture
def targets(postgres: Postgres, postgrest: PostgRest) -> Targets:
    return postgres, postgrest


def environment(mariadb: MariaDb, postgrest: PostgRest, dsn: str) -> dict[str, str]:
    return {
        "MYSQL_PORT": str(mariadb.port),
        "MYSQL_PASSWORD": PASSWORD,
        "SUPABASE_URL": f"http://127.0.0.1:{postgrest.port}",
        "SUPABASE_KEY": KEY,
        "SUPABASE_PG_DSN": dsn,
    }


def make(
    folder: Path, transport: Transport, env: dict[str, str], variables: dict[str, str], text: str = PIPELINE
) -> RunResult:
    (folder / connections.FILE).write_text(FILE)
    plan = compiled(text)
    book = connections.load_connections(folder / connections.FILE, EnvironmentVariables(variables))
    resolved = connections.resolve_connections(plan, all_components(), book)
    order = RunRequest(
        plan, settings.read(env), folder / "logs", folder, time.time, tuple(os.environ), connections=resolved
    )
    return run(order, transport)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("env", "channel"), [(env, channel) for env in RANGES for channel in ("sql", "rest")]
)
@EVERYWHERE
def test_the_documented_pipeline_writes_the_same_rows_however_it_runs(
    movies: MariaDb, targets: Targets, tmp_path: Path, transport: Transport, env: str, channel: str
) -> None:
    postgres, postgrest = targets
    postgres.run("DROP TABLE IF EXISTS director_stats")
    text = PIPELINE
    if channel == "rest":
        postgres.run(
            "CREATE TABLE director_stats (director_id int PRIMARY KEY, director_name text, director_nationality text, movie_count int, unique_genres int, avg_runtime_minutes float8, first_movie_year int, latest_movie_year int, avg_budget_usd float8, total_box_office_usd numeric(38,0), avg_roi_ratio float8)",
            "INSERT INTO director_stats (director_id) VALUES (99)",
        )
        postgrest.look()
        text = PIPELINE.replace("      create_if_missing: true\n", "")
    outcome = make(
        tmp_path,
        transport,
        RANGES[env],
        environment(movies, postgrest, postgres.dsn if channel == "sql" else ""),
        text,
    )
    assert (outcome.status, outcome.reason) == ("success", None)
    rows = postgres.rows(
        "SELECT director_id, director_name, director_nationality, movie_count, unique_genres, avg_runtime_minutes, first_movie_year, latest_movie_year, avg_budget_usd, total_box_office_usd::bigint, avg_roi_ratio FROM director_stats ORDER BY 1"
    )
    assert rows == [
        (1, "Ana Sol", "España", 4, 2, 97.5, 1993, 2002, 7500001, 75000001, 2.5),
        (2, "Mei Tanaka", "日本", 5, 2, 97.0, 1991, 2003, 7000001, 87500001, 2.5),
        (3, "Jonas Brandt", None, 5, 2, 98.0, 1992, 2004, 8000001, 100000001, 2.5),
    ]
    card = orjson.loads((outcome.path / "artifacts/_system/run_card.json").read_bytes())["steps"]
    assert [step["rows_out"] for step in card[:2]] == [14, 3]
    complete = [event for event in events_of(outcome.path) if event["event"] == "step_complete"]
    assert complete[-1]["rows_written"] == 3


@EVERYWHERE
def test_no_secret_stands_anywhere_in_a_run_directory(
    movies: MariaDb, postgres: Postgres, postgrest: PostgRest, tmp_path: Path, transport: Transport
) -> None:
    variables = environment(movies, postgrest, postgres.dsn) | {"MYSQL_PASSWORD": "wrong-p@ss:word"}
    outcome = make(tmp_path, transport, {}, variables)
    assert outcome.reason == "step 'extract-movies' failed"
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert "(1045) Access denied for user 'osiris'@'127.0.0.1' (using password: YES)" in failed["error"]
    assert "@mysql.db_movies" in failed["error"]
    for path in outcome.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in (b"wrong-p@ss:word", KEY.encode(), postgres.dsn.encode(), PASSWORD.encode()):
                assert secret not in content, path


@EVERYWHERE
def test_a_frame_too_large_for_memory_goes_to_disk_as_it_comes(
    movies: MariaDb, postgres: Postgres, postgrest: PostgRest, tmp_path: Path, transport: Transport
) -> None:
    before, _, _ = PIPELINE.partition("      query: |")
    text = f"{before}      query: SELECT seq AS n FROM seq_1_to_150000\n"
    outcome = make(tmp_path, transport, {}, environment(movies, postgrest, ""), text)
    (stored,) = [event for event in events_of(outcome.path) if event["event"] == "output_stored"]
    assert (stored["rows"], stored["storage"]) == (150_000, "spill")


def test_rows_so_far_are_told_while_a_driver_works(
    movies: MariaDb, postgrest: PostgRest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "_MAX_HEARTBEAT_INTERVAL_S", 0.02)
    before, _, _ = PIPELINE.partition("      query: |")
    text = f"{before}      query: SELECT seq AS n, REPEAT('x', 100) AS t FROM seq_1_to_1000000\n"
    outcome = make(tmp_path, TRANSPORTS["local"](), {}, environment(movies, postgrest, ""), text)
    assert outcome.status == "success"
    told = [event["rows"] for event in events_of(outcome.path) if event["event"] == "heartbeat"]
    rows = [count for count in told if count]
    assert len(set(rows)) > 1
    assert rows == sorted(rows)
    assert rows[-1] <= 1_000_000
