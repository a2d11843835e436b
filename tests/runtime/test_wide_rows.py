"""Rows of a megabyte: writers and the spill take them in slices of a few megabytes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.frames import memory
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from tests.runtime.driving import STORAGES, context, drive, handed
from tests.runtime.faulty import REPO
from tests.runtime.servers.postgres import Postgres
from tests.runtime.servers.postgrest import PostgRest

ROWS = 200
MAX_EXTRA_MB = 64
CHILD = """
import json, sys
from tests.runtime.test_wide_rows import write_over_rest
write_over_rest(*json.loads(sys.argv[1]))
"""


def _texts() -> list[str]:
    return [f"{number:06d}" + "0123456789" * 100_000 for number in range(ROWS)]


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Fail if the block needs much more memory than this process has at its beginning."""
    memory.release_free_memory()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _status("VmRSS")
    yield
    assert _status("VmHWM") - before <= MAX_EXTRA_MB


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def _row(folder: Path) -> ResolvedInput:
    return handed(folder, pa.table({"id": [-1], "t": ["x"]}), step="first")


def write_over_rest(folder: str, storage: str, config: dict[str, Any]) -> None:
    ctx = context(Path(folder))
    drive("supabase.writer", config, ctx, df=_row(Path(folder)))
    rows = handed(Path(folder), pa.table({"id": range(ROWS), "t": _texts()}), STORAGES[storage])
    with _bounded_memory():
        assert drive("supabase.writer", config, ctx, df=rows) == {"rows_written": ROWS}


@pytest.fixture
def wide(tmp_path: Path, storage: str) -> ResolvedInput:
    return handed(tmp_path, pa.table({"id": range(ROWS), "t": _texts()}), STORAGES[storage])


@pytest.mark.parametrize(
    "make",
    [
        lambda: pa.table({"id": range(ROWS), "t": _texts()}),
        lambda: pd.DataFrame({"id": range(ROWS), "t": pd.Series(_texts(), dtype=object)}),
        lambda: pd.DataFrame({"id": range(ROWS), "t": pd.Series(_texts(), dtype="str")}),
    ],
    ids=["arrow", "object", "str"],
)
def test_spill_of_wide_rows_is_sliced_by_bytes(tmp_path: Path, make: Callable[[], Any]) -> None:
    frame = make()
    store = FrameStore(tmp_path, SpillPolicy(force_spill=True))
    with _bounded_memory():
        store.put("a", {"df": frame})
    del frame
    assert store.resolve("b", "df", InputRef("a")).to_pandas()["t"].tolist() == _texts()


def test_stream_of_wide_rows_is_spilled_as_it_arrives(tmp_path: Path) -> None:
    schema = pa.schema([("t", pa.string())])
    batches = (pa.RecordBatch.from_pylist([{"t": f"{n:06d}" + "x" * 999_994}], schema) for n in range(ROWS))
    store = FrameStore(tmp_path, SpillPolicy(stream_bytes=8 << 20))
    with _bounded_memory():
        stored = store.put("a", {"df": pa.RecordBatchReader.from_batches(schema, batches)})
    assert (stored.rows, stored.storage) == (ROWS, "spill")


@pytest.mark.parametrize("storage", ["memory", "spill"])
@pytest.mark.parametrize("component", ["filesystem.csv_writer", "filesystem.parquet_writer"])
def test_file_of_wide_rows_is_written_in_slices(tmp_path: Path, wide: ResolvedInput, component: str) -> None:
    drive(component, {"path": "out"}, context(tmp_path), df=_row(tmp_path))  # imports what it needs
    with _bounded_memory():
        assert drive(component, {"path": "out"}, context(tmp_path), df=wide) == {"rows_written": ROWS}


@pytest.mark.parametrize("storage", ["memory", "spill"])
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_table_of_wide_rows_is_written_in_slices(
    tmp_path: Path, wide: ResolvedInput, postgres: Postgres, mode: str
) -> None:
    postgres.run("DROP TABLE IF EXISTS wide", "CREATE TABLE wide (id bigint PRIMARY KEY, t text)")
    config: dict[str, Any] = {"table": "wide", "write_mode": mode, "primary_key": "id"}
    config |= {"resolved_connection": postgres.connection}
    drive("postgres.writer", config, context(tmp_path), df=_row(tmp_path))
    with _bounded_memory():
        assert drive("postgres.writer", config, context(tmp_path), df=wide) == {"rows_written": ROWS}
    query = "SELECT count(*), min(length(t)), max(length(t)), max(left(t, 6)) FROM wide WHERE id >= 0"
    assert postgres.rows(query) == [(ROWS, 1_000_006, 1_000_006, f"{ROWS - 1:06d}")]
    postgres.run("DROP TABLE wide")


@pytest.mark.sampled(8)
@pytest.mark.parametrize("storage", ["memory", "spill"])
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_rest_requests_of_wide_rows_are_small(
    tmp_path: Path, storage: str, postgres: Postgres, postgrest: PostgRest, mode: str
) -> None:
    postgres.run("DROP TABLE IF EXISTS wide", "CREATE TABLE wide (id bigint PRIMARY KEY, t text)")
    postgrest.look()
    config: dict[str, Any] = {"table": "wide", "write_mode": mode, "primary_key": "id"}
    config |= {"resolved_connection": dict(postgrest.connection)}
    # a process of its own, as a worker is, because the stand-in for the server is in this one
    child = [sys.executable, "-c", CHILD, json.dumps([str(tmp_path), storage, config])]
    subprocess.run(child, cwd=REPO, env={**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}, check=True)
    assert max(rows for method, _, rows in postgrest.requests if method == "POST") <= 5
    assert postgres.rows("SELECT count(*), max(left(t, 6)) FROM wide WHERE id >= 0") == [
        (ROWS, f"{ROWS - 1:06d}")
    ]
    postgres.run("DROP TABLE wide")
