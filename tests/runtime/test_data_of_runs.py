"""Whole runs of the command line whose data is hard: it arrives exactly, or the run names the column."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.runtime.faulty import REPO
from tests.runtime.servers.postgres import PASSWORD, Postgres

pytestmark = pytest.mark.sampled(3)

HARD_FRAMES = """\
    import uuid
    import numpy as np
    import pandas as pd
    from osiris_inspect import Component, ConfigKey

    def odd():
        vectors = np.empty(2, dtype=object)
        vectors[0], vectors[1] = np.array([0.5, 1.5]), np.array([2.5, 3.5])
        codes = pd.Series(["A1", 7], dtype=object)
        months = pd.period_range("2024-01", periods=2, freq="M")
        ids = [uuid.UUID(int=1), uuid.UUID(int=2)]
        return pd.DataFrame({"id": ids, "code": codes, "vector": vectors, "month": months})

    def named_index():
        return pd.DataFrame({"v": [1, 2]}, index=pd.Index([7, 8], name="id"))

    def unnamed_index():
        return pd.DataFrame({"v": [1, 2]}, index=["x", "y"])

    def levels():
        return pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))

    def twice():
        return pd.DataFrame([[1, 2]], columns=["a", "a"])

    def other_names():
        return pd.DataFrame([[1, 2, 3]], columns=[2024, 0.5, "x y"])

    def texts():
        return pd.DataFrame({"tags": pd.Series([["x", "y, z", None]], dtype=object)})

    def wide():
        return pd.DataFrame({"text": [chr(97 + row % 26) * 1_000_000 for row in range(60)]})

    class Hard:
        def run(self, *, step_id, config, inputs, ctx):
            return {"df": globals()[config["frame"]]()}

    COMPONENT = Component(
        name="hard.extractor",
        summary="Makes a frame.",
        driver="hard_frames:Hard",
        modes=("read",),
        keys=(ConfigKey("frame", "text", "name of the frame", required=True),),
        inputs="none",
        produces_frame=True,
        requires=("pandas",),
        capabilities=(),
        example="- id: hard\\n  component: hard.extractor\\n  config: {frame: odd}\\n",
    )
"""
STORAGES = {"memory": "--no-force-spill", "spill": "--force-spill"}
each_storage = pytest.mark.parametrize("storage", STORAGES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for a pipeline, and a package with a driver."""
    info = tmp_path / "site/hard_frames-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "site/hard_frames.py").write_text(textwrap.dedent(HARD_FRAMES))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hard-frames\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[osiris_inspect.components]\nhard = hard_frames:COMPONENT\n")
    (tmp_path / "in.csv").write_text("id,a,b\n1,2024-01-01 00:00:00,2024-01-02 02:30:00.5\n")
    return tmp_path


def read_csv(query: str | None = None) -> list[dict[str, Any]]:
    """Return the steps that read the CSV file and query it."""
    read = {"id": "read", "component": "filesystem.csv_extractor", "config": {"path": "in.csv"}}
    return [read, query_step("read", query)] if query else [read]


def query_step(upstream: str, query: str) -> dict[str, Any]:
    return {"id": "pick", "component": "duckdb.processor", "needs": [upstream], "config": {"query": query}}


def hard(frame: str) -> dict[str, Any]:
    return {"id": "read", "component": "hard.extractor", "config": {"frame": frame}}


def write(form: str, upstream: str, **config: Any) -> dict[str, Any]:
    config = {"path": f"out.{form}", **config}
    return {
        "id": f"write-{form}",
        "component": f"filesystem.{form}_writer",
        "needs": [upstream],
        "config": config,
    }


def run(folder: Path, storage: str, *steps: Mapping[str, Any]) -> tuple[int, str, list[dict[str, Any]]]:
    """Run a pipeline; return the exit code, what was printed, and the events."""
    pipeline = {"oml_version": "0.1.0", "name": "hard", "steps": list(steps)}
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline))
    command = [
        sys.executable,
        "-m",
        "osiris_inspect",
        "run",
        "pipeline.yaml",
        "--base",
        ".",
        STORAGES[storage],
    ]
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'site'}:{REPO}", "PG_PASSWORD": PASSWORD}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    (log,) = folder.rglob("events.jsonl")
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return result.returncode, result.stdout + result.stderr, events


def stored(events: list[dict[str, Any]], step: str) -> dict[str, Any]:
    (event,) = [event for event in events if event["event"] == "output_stored" and event["step_id"] == step]
    return event


@each_storage
def test_long_list_is_complete_in_csv(folder: Path, storage: str) -> None:
    query = "SELECT range(2000) AS numbers, ['x', 'y, z'] AS texts, {'a': 1.5} AS record FROM input_df"
    code, output, _ = run(folder, storage, *read_csv(query), write("csv", "pick"))
    assert code == 0, output
    numbers = ",".join(map(str, range(2000)))
    expected = f'numbers,texts,record\n"[{numbers}]","[""x"",""y, z""]","{{""a"":""1.5""}}"\n'
    assert (folder / "out.csv").read_text() == expected


@each_storage
def test_interval_is_a_duration_in_files(folder: Path, storage: str) -> None:
    query = "SELECT b::TIMESTAMP - a::TIMESTAMP AS took FROM input_df"
    code, output, _ = run(folder, storage, *read_csv(query), write("csv", "pick"), write("parquet", "pick"))
    assert code == 0, output
    assert (folder / "out.csv").read_text() == "took\nP1DT2H30M0.5S\n"
    parts = {"months": 0, "days": 1, "nanoseconds": 9_000_500_000_000}
    assert pq.read_table(folder / "out.parquet").to_pylist() == [{"took": parts}]


@each_storage
def test_bignum_is_its_digits_in_csv(folder: Path, storage: str) -> None:
    query = "SELECT 123456789012345678901234567890123456789012345::BIGNUM AS v FROM input_df"
    code, output, _ = run(folder, storage, *read_csv(query), write("csv", "pick"))
    assert code == 0, output
    assert (folder / "out.csv").read_text() == "v\n123456789012345678901234567890123456789012345\n"


@each_storage
def test_mixed_cells_arrive_in_sql_and_files(folder: Path, storage: str) -> None:
    query = "SELECT id, code, vector, month FROM input_df WHERE code = 'A1'"
    steps = [hard("odd"), query_step("read", query), write("csv", "pick"), write("parquet", "read")]
    code, output, _ = run(folder, storage, *steps)
    assert code == 0, output
    assert (folder / "out.csv").read_text() == f'id,code,vector,month\n{UUID(int=1)},A1,"[0.5,1.5]",2024-01\n'
    assert pq.read_table(folder / "out.parquet").to_pylist() == [
        {"id": UUID(int=1), "code": "A1", "vector": [0.5, 1.5], "month": "2024-01"},
        {"id": UUID(int=2), "code": "7", "vector": [2.5, 3.5], "month": "2024-02"},
    ]


@each_storage
def test_named_index_becomes_a_column(folder: Path, storage: str) -> None:
    steps = [hard("named_index"), query_step("read", "SELECT sum(id)::INT AS s FROM input_df")]
    code, output, events = run(folder, storage, *steps, write("csv", "read"), write("parquet", "pick"))
    assert code == 0, output
    assert (folder / "out.csv").read_text() == "id,v\n7,1\n8,2\n"
    assert pq.read_table(folder / "out.parquet").to_pylist() == [{"s": 15}]
    assert stored(events, "read")["index_columns"] == ["id"]


def test_index_is_left_out_on_request(folder: Path) -> None:
    code, output, _ = run(folder, "memory", hard("named_index"), write("csv", "read", index="drop"))
    assert code == 0, output
    assert (folder / "out.csv").read_text() == "v\n1\n2\n"


@each_storage
def test_unnamed_index_is_reported(folder: Path, storage: str) -> None:
    code, output, events = run(folder, storage, hard("unnamed_index"), write("csv", "read"))
    assert code == 0, output
    assert (folder / "out.csv").read_text() == "v\n1\n2\n"
    assert stored(events, "read")["index_left_out"]


@each_storage
def test_names_that_differ_in_case_stay(folder: Path, storage: str) -> None:
    pq.write_table(pa.table({"id": [1], "A": [10], "a": [20]}), folder / "in.parquet")
    read = {"id": "read", "component": "filesystem.parquet_extractor", "config": {"path": "in.parquet"}}
    code, output, events = run(folder, storage, read, write("csv", "read"), write("parquet", "read"))
    assert code == 0, output
    assert (folder / "out.csv").read_text() == "id,A,a\n1,10,20\n"
    assert pq.read_table(folder / "out.parquet").to_pydict() == {"id": [1], "A": [10], "a": [20]}
    assert stored(events, "read")["original_names"] == {"c2": "a"}


@each_storage
def test_names_that_are_not_text_stay(folder: Path, storage: str) -> None:
    code, output, events = run(
        folder, storage, hard("other_names"), write("csv", "read"), write("parquet", "read")
    )
    assert code == 0, output
    assert (folder / "out.csv").read_text() == "2024,0.5,x y\n1,2,3\n"
    assert pq.read_table(folder / "out.parquet").to_pydict() == {"2024": [1], "0.5": [2], "x y": [3]}
    assert stored(events, "read")["original_names"] == {"c0": "2024", "c1": "0.5"}


@pytest.mark.parametrize(
    ("frame", "form", "words"),
    [("levels", "csv", "('a', 'b')"), ("levels", "parquet", "('a', 'b')"), ("twice", "parquet", "'a'")],
)
def test_names_that_no_target_has_are_refused(folder: Path, frame: str, form: str, words: str) -> None:
    code, output, events = run(folder, "memory", hard(frame), write(form, "read"))
    assert code != 0
    assert words in output
    assert '"frame-refused"' in json.dumps(events)
    assert not (folder / f"out.{form}").exists()


@each_storage
def test_wide_rows_are_complete(folder: Path, storage: str) -> None:
    code, output, _ = run(folder, storage, hard("wide"), write("parquet", "read"))
    assert code == 0, output
    texts = pq.read_table(folder / "out.parquet")["text"].to_pylist()
    assert [(len(text), text[0]) for text in texts] == [(1_000_000, chr(97 + row % 26)) for row in range(60)]


@each_storage
def test_lists_and_durations_arrive_in_postgresql(postgres: Postgres, folder: Path, storage: str) -> None:
    postgres.run("DROP TABLE IF EXISTS took", "CREATE TABLE took (took interval, tags text[])")
    server = {name: value for name, value in postgres.connection.items() if name != "password"}
    connections = {
        "version": 1,
        "connections": {"postgres": {"main": {**server, "password": "${PG_PASSWORD}"}}},
    }
    (folder / "osiris_connections.yaml").write_text(json.dumps(connections))
    query = "SELECT b::TIMESTAMP - a::TIMESTAMP AS took, ['x', 'y, z', NULL] AS tags FROM input_df"
    config = {"connection": "@postgres.main", "table": "took", "write_mode": "append"}
    target = {"id": "write", "component": "postgres.writer", "needs": ["pick"], "config": config}
    code, output, _ = run(folder, storage, *read_csv(query), target)
    assert code == 0, output
    assert postgres.rows("SELECT took, tags, tags::text FROM took") == [
        (timedelta(days=1, hours=2, minutes=30, milliseconds=500), ["x", "y, z", None], '{x,"y, z",NULL}')
    ]
