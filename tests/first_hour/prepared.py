"""Preparations of breaks that are more than a text: they change the folder and return what differs in the call."""

import gzip
import os
import signal
import sqlite3
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.first_hour.program import Call, Program
from tests.runtime.servers.mariadb import MariaDb
from tests.runtime.servers.places import free_port
from tests.runtime.servers.postgres import Postgres

Change = Mapping[str, Any]
CONNECTIONS = """\
connections:
  mysql:
    movies: {host: 127.0.0.1, port: MYSQL_PORT, database: movies, user: osiris, password: "${MYSQL_PASSWORD}"}
  postgres:
    warehouse: {host: 127.0.0.1, port: PG_PORT, database: movies, user: osiris, password: "${PG_PASSWORD}"}
"""
PIPELINE = """\
oml_version: "0.1.0"
name: directors
steps:
  - id: extract-movies
    component: mysql.extractor
    config: {connection: "@mysql.movies", query: "SELECT director, title FROM movies"}
  - id: count
    component: duckdb.processor
    needs: [extract-movies]
    config: {query: "SELECT director, count(*) AS movies FROM df_extract_movies GROUP BY director"}
  - id: load
    component: postgres.writer
    needs: [count]
    config: {connection: "@postgres.warehouse", table: directors, write_mode: upsert, primary_key: director, create_if_missing: true}
"""


def starter(folder: Path, program: Program) -> None:
    """Write the files of ``init``."""
    assert program.call(Call(["init"], str(folder))).code == 0


def databases(folder: Path, mariadb: MariaDb, postgres: Postgres) -> None:
    """Write a pipeline from a MariaDB with three movies to a PostgreSQL without a table."""
    mariadb.run(
        "DROP TABLE IF EXISTS movies",
        "CREATE TABLE movies (director VARCHAR(50), title VARCHAR(50))",
        "INSERT INTO movies VALUES ('Tarkovsky', 'Solaris'), ('Tarkovsky', 'Stalker'), ('Varda', 'Vagabond')",
    )
    postgres.run("DROP TABLE IF EXISTS directors", user="root")
    (folder / "pipeline.yaml").write_text(PIPELINE)
    connections = CONNECTIONS.replace("MYSQL_PORT", str(mariadb.port)).replace("PG_PORT", str(postgres.port))
    (folder / "osiris_connections.yaml").write_text(connections)
    password = mariadb.connection["password"], postgres.connection["password"]
    (folder / ".env").write_text("MYSQL_PASSWORD='{}'\nPG_PASSWORD='{}'\n".format(*password))


def _edit(folder: Path, old: str, new: str, file: str = "pipeline.yaml") -> None:
    text = (folder / file).read_text()
    assert old in text, f"{file} does not contain {old!r}"
    (folder / file).write_text(text.replace(old, new))


def _restricted(closed: Path, mode: int) -> Change:
    closed.chmod(mode)
    return {"has_rights_of_root": False}


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _query(folder: Path, query: str) -> None:
    lines = (folder / "pipeline.yaml").read_text().splitlines()
    first = lines.index("      query: |")
    last = next(number for number in range(first + 1, len(lines)) if not lines[number].strip())
    lines[first:last] = [f"      query: {query}"]
    (folder / "pipeline.yaml").write_text("\n".join([*lines, ""]))


def pipeline_in_folder(folder: Path) -> Change:
    """Move the pipeline into a folder, but not its file."""
    (folder / "pipelines").mkdir()
    (folder / "pipeline.yaml").rename(folder / "pipelines/pipeline.yaml")
    return {"pipeline": "pipelines/pipeline.yaml"}


def utf_16(folder: Path) -> Change:
    """Write the file in UTF-16."""
    text = (folder / "orders.csv").read_text()
    (folder / "orders.csv").write_text(text, encoding="utf-16")
    return {}


def byte_order_mark(folder: Path) -> Change:
    """Begin the file with a byte order mark."""
    text = (folder / "orders.csv").read_text()
    (folder / "orders.csv").write_text(text, encoding="utf-8-sig")
    return {}


def windows_lines(folder: Path) -> Change:
    """Write both files with carriage returns."""
    for name in ("orders.csv", "pipeline.yaml"):
        (folder / name).write_text((folder / name).read_text(), newline="\r\n")
    return {}


def latin_pipeline(folder: Path) -> Change:
    """Write a comment that is not UTF-8."""
    text = (folder / "pipeline.yaml").read_text()
    (folder / "pipeline.yaml").write_text(f"# Dotaz na zákazníky\n{text}", encoding="latin-1")
    return {}


def excel(folder: Path) -> Change:
    """Write a workbook, which is a zip file."""
    with zipfile.ZipFile(folder / "orders.csv", "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("xl/workbook.xml", "<workbook/>")
    return {}


def gzip_file(folder: Path) -> Change:
    """Compress the file."""
    (folder / "orders.csv").write_bytes(gzip.compress((folder / "orders.csv").read_bytes(), mtime=0))
    return {}


def parquet(folder: Path) -> Change:
    """Write a Parquet file."""
    pq.write_table(pa.table({"country": ["CZ"], "amount": [1.0]}), folder / "orders.csv")
    return {}


def sqlite(folder: Path) -> Change:
    """Write a SQLite file with a table of orders."""
    database = sqlite3.connect(folder / "shop.db")
    database.execute("CREATE TABLE orders (order_id INTEGER, country TEXT, amount REAL)")
    database.commit()
    database.close()
    return {}


def read_only_out(folder: Path) -> Change:
    """Create a folder without the right to write into it."""
    return _restricted(_folder(folder / "out"), 0o555)


def unreadable_orders(folder: Path) -> Change:
    """Take the right to read the file."""
    return _restricted(folder / "orders.csv", 0o200)


def closed_folder(folder: Path) -> Change:
    """Create a folder without the right to write into it."""
    return _restricted(_folder(folder / "closed"), 0o555)


def full_disk(folder: Path) -> Change:
    """Put a disk of 64 kB in place of a folder."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    return {"small_disk": str(_folder(folder / "full"))}


def file_size_limit(_folder: Path) -> Change:
    """Limit the size of files to 200 kB."""
    return {"max_file_bytes": 200_000}


def outside_file(folder: Path) -> Change:
    """Put the file beside the folder of the pipeline."""
    outside = _folder(folder.parent / "outside")
    (folder / "orders.csv").rename(outside / "orders.csv")
    (folder / "orders.csv").write_text("order_id,amount\n1,2\n")
    return {"texts": {"OUTSIDE": str(outside)}}


def slow_query(folder: Path) -> Change:
    """Ask for a query that takes hours."""
    _query(
        folder,
        "SELECT count(*) AS n FROM df_read_orders, range(1_000_000_000) a, range(1_000_000) b WHERE a.range + b.range < 0",
    )
    return {}


def ctrl_c(folder: Path) -> Change:
    """Interrupt the program while the query runs."""
    return {**slow_query(folder), "signal_at": "sum-by-country", "signal_number": signal.SIGINT}


def killed_worker(folder: Path) -> Change:
    """Kill the worker while the query runs."""
    slow_query(folder)
    return {"signal_at": "sum-by-country", "signal_number": signal.SIGKILL, "words": ["--isolation", "none"]}


def succeeded_run(_folder: Path) -> Change:
    """Run the pipeline before."""
    return {"before": ["run", "pipeline.yaml"]}


def no_bubblewrap(folder: Path) -> Change:
    """Search programs in an empty folder."""
    return {"env": {"PATH": str(_folder(folder / "bin"))}}


def no_e2b_key(_folder: Path) -> Change:
    """Unset the key."""
    return {"env": {"E2B_API_KEY": ""}}


def closed_mysql_port(folder: Path) -> Change:
    """Name a port at which no server listens."""
    port = (folder / "osiris_connections.yaml").read_text().partition("port: ")[2].partition(",")[0]
    _edit(
        folder,
        f'port: {port}, database: movies, user: osiris, password: "${{MYSQL',
        f'port: {free_port()}, database: movies, user: osiris, password: "${{MYSQL',
        "osiris_connections.yaml",
    )
    return {}


def mysql_at_postgres_port(folder: Path) -> Change:
    """Name the port of PostgreSQL."""
    ports = [
        part.partition(",")[0]
        for part in (folder / "osiris_connections.yaml").read_text().split("port: ")[1:]
    ]
    _edit(folder, f"port: {ports[0]}", f"port: {ports[1]}", "osiris_connections.yaml")
    return {}


def table_without_count(_folder: Path) -> Change:
    """Create the table without a column of the result."""
    return {"postgres": ["CREATE TABLE directors (director text PRIMARY KEY)"]}


def table_with_date(_folder: Path) -> Change:
    """Create the table with a date in place of a number."""
    return {"postgres": ["CREATE TABLE directors (director text PRIMARY KEY, movies date)"]}


def table_of_other_owner(_folder: Path) -> Change:
    """Create the table as another user."""
    return {"postgres_as_root": ["CREATE TABLE directors (director text PRIMARY KEY, movies bigint)"]}


def no_pymysql(_folder: Path) -> Change:
    """Hide the package."""
    return {"hidden": "pymysql"}


PREPARATIONS: Mapping[str, Callable[[Path], Change]] = {
    **{function.__name__: function for function in (
        byte_order_mark, closed_folder, closed_mysql_port, ctrl_c, excel, file_size_limit, full_disk, killed_worker,
        latin_pipeline, mysql_at_postgres_port, no_bubblewrap, no_e2b_key, no_pymysql, outside_file, parquet,
        pipeline_in_folder, read_only_out, slow_query, sqlite, succeeded_run, table_of_other_owner, table_with_date,
        table_without_count, unreadable_orders, utf_16, windows_lines,
    )},
    "gzip": gzip_file,
}  # fmt: skip
