"""Memory of a worker with a limit: DuckDB spills, large results are streamed, and errors say what did not suffice."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pymysql
import pytest

from osiris_inspect.model.errors import DriverError, SpillFailed
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.drivers.duckdb_result import ConstantColumns
from osiris_inspect.runtime.drivers.mysql import errors as mysql_errors
from osiris_inspect.runtime.drivers.postgres import errors as postgres_errors
from osiris_inspect.runtime.files.memory_limit import MemoryLimit, cgroup_limit, current_limit
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from osiris_inspect.runtime.protocol import error_report
from osiris_inspect.runtime.proxy.proxy import RunResult
from osiris_inspect.runtime.sandbox.isolation import Level, ResourceLimits
from osiris_inspect.runtime.transport.stdio import Stdio
from tests.runtime.runs import ENVIRONMENT, events_of, make_run, needs

pytestmark = pytest.mark.sampled(3)

SQL = """oml_version: "0.1.0"
name: sql
steps:
  - id: pick
    component: duckdb.processor
    mode: transform
    config: {query: "%s"}
  - id: write
    component: filesystem.parquet_writer
    mode: write
    needs: [pick]
    config: {path: out.parquet}
"""
READ = """oml_version: "0.1.0"
name: read
steps:
  - {id: read, component: filesystem.parquet_extractor, mode: read, config: {path: %s}}
  - {id: write, component: filesystem.parquet_writer, mode: write, needs: [read], config: {path: out.parquet}}
"""
IN_A_CHILD = pytest.mark.parametrize("on", ["none", "landlock", "bwrap"])


def limited_run(folder: Path, on: Level, query: str, size: int = 800 << 20) -> RunResult:
    needs(on)
    return make_run(
        folder, on, text=SQL % query, transport=Stdio(ENVIRONMENT, on, ResourceLimits(memory_bytes=size))
    )


@IN_A_CHILD
def test_sort_above_memory_limit_spills(tmp_path: Path, on: Level) -> None:
    result = limited_run(
        tmp_path, on, "SELECT md5(i::text) AS s, i FROM range(5000000) t(i) ORDER BY s LIMIT 4000000"
    )
    assert result.status == "success"
    (stored,) = [
        each
        for each in events_of(result.path)
        if each["event"] == "output_stored" and each["step_id"] == "pick"
    ]
    assert (stored["storage"], stored["rows"], stored["nulls"]) == ("spill", 4_000_000, [0, 0])
    assert not list(result.path.rglob(".duckdb*"))
    keys = pq.read_table(result.path / stored["parquet"], columns=["s"]).column("s")
    firsts = keys.take(list(range(0, 4_000_000, 40_000))).to_pylist()
    assert firsts == sorted(firsts)


@IN_A_CHILD
def test_query_that_cannot_spill_names_the_limit(tmp_path: Path, on: Level) -> None:
    result = limited_run(tmp_path, on, "SELECT list(md5(i::text)) AS l FROM range(20000000) t(i)")
    (failed,) = [each for each in events_of(result.path) if each["event"] == "step_failed"]
    info = failed["error_info"]
    assert info["kind"] == "out-of-memory"
    assert (info["facts"]["limit"], info["facts"]["limit_bytes"]) == ("--memory-limit", 800 << 20)
    assert "839 MB (--memory-limit)" in info["message"]
    assert info["fix"].startswith("raise --memory-limit")
    assert not list(result.path.rglob(".duckdb*"))


def test_error_amid_large_result_has_its_kind_and_line(tmp_path: Path) -> None:
    query = (
        "SELECT md5(i::text) || md5((i + 1)::text) AS s,\\nCAST(CASE WHEN i = 2900000 THEN 'x' ELSE '1' END AS INT)"
        " AS n FROM range(3000000) t(i)"
    )
    result = limited_run(tmp_path, "none", query)
    (failed,) = [each for each in events_of(result.path) if each["event"] == "step_failed"]
    info = failed["error_info"]
    assert (info["kind"], info["facts"]["line"]) == ("value-not-convertible", 2)
    assert info["facts"]["rows"] < 2_900_000
    assert not list(result.path.rglob("output.parquet*"))


def test_checks_of_large_result_are_recorded(tmp_path: Path) -> None:
    query = (
        "WITH t AS (SELECT i, CASE WHEN i % 2 = 0 THEN NULL END AS gap FROM range(4000000) r(i)) "
        "SELECT i, md5(i::text) AS s, coalesce(gap, 0) AS gap FROM t WHERE i <> NULL OR i >= 0"
    )
    result = limited_run(tmp_path, "none", query)
    (stored,) = [
        each
        for each in events_of(result.path)
        if each["event"] == "output_stored" and each["step_id"] == "pick"
    ]
    assert stored["storage"] == "spill"
    assert "comparison-with-null" in [check["check"] for check in stored["checks"]]


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "900", "memory.max": "max"}, 900),
        ("0::/a", {"a/memory.max": "max"}, None),
        ("0::/not/mounted/here", {"memory.max": "700"}, 700),
        ("4:memory:/j", {"memory/j/memory.limit_in_bytes": "500", "memory.max": "1"}, 500),
        ("4:cpu,memory:/", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("3:cpu:/j", {"memory/j/memory.limit_in_bytes": "500"}, None),
        ("0::/", {}, None),
    ],
)
def test_cgroup_limit_is_the_smallest_above_process(
    tmp_path: Path, membership: str, files: dict[str, str], limit: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    (tmp_path / "membership").write_text(f"7:name=systemd:/x\n{membership}\n")
    assert cgroup_limit(tmp_path / "membership", tmp_path) == limit


def test_limit_of_cgroup_hidden_from_process_counts() -> None:
    assert current_limit(1 << 20) == MemoryLimit(1 << 20, "cgroup")
    assert current_limit(1 << 62).bytes <= current_limit().bytes


def test_constant_columns_are_those_with_one_value() -> None:
    constants = ConstantColumns(["a", "b", "c", "d"])
    for batch in ([1, 1], [], [1, 1], [1, 2]):
        numbers = pa.array(batch, pa.int64())
        constants.update(
            pa.RecordBatch.from_arrays(
                [
                    numbers,
                    pa.array([7] * len(batch)),
                    numbers.cast(pa.float64()),
                    pa.array([[0]] * len(batch), pa.list_(pa.int64())),
                ],
                ["a", "b", "c", "d"],
            )
        )
    assert [constants.only_value(name) for name in ("a", "b", "c", "d")] == [None, 7, None, None]


@IN_A_CHILD
def test_file_larger_than_limit_is_not_called_broken(tmp_path: Path, on: Level) -> None:
    needs(on)
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 3_000_000, pa.int32()), pa.array(["x" * 400]))
    with pq.ParquetWriter(
        tmp_path / "in.parquet", pa.schema([("s", pa.string())]), store_schema=False
    ) as file:
        file.write_table(pa.table({"s": words}).cast(pa.schema([("s", pa.string())])))
    text = READ % "in.parquet"
    result = make_run(tmp_path, on, text=text, transport=Stdio(ENVIRONMENT, on, ResourceLimits(800 << 20)))
    (failed,) = [each for each in events_of(result.path) if each["event"] == "step_failed"]
    info = failed["error_info"]
    assert info["kind"] == "out-of-memory"
    assert "the limit is 839 MB (--memory-limit), and the process used up to" in info["message"]
    assert info["facts"]["limit_bytes"] == 800 << 20


def _fail(*_: Any, **__: Any) -> None:
    raise pa.ArrowMemoryError("realloc of size 33554432 failed")


@pytest.mark.parametrize("error", [pa.ArrowMemoryError("realloc failed"), OSError(errno.ENOMEM, "mmap")])
def test_memory_error_of_spill_read_is_not_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    store = FrameStore(tmp_path, SpillPolicy(force_spill=True))
    store.put("a", {"df": pa.table({"n": range(10)})})
    spilled = store.resolve("b", "df", InputRef("a"))
    monkeypatch.setattr(pq, "read_table", fail)
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", fail)
    for read in (spilled.to_arrow, lambda: spilled.to_batches().read_all()):
        with pytest.raises(DriverError, match="out of memory: reading") as raised:
            read()
        assert raised.value.kind == "out-of-memory"


def test_frame_stays_if_memory_does_not_suffice_to_spill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    store = FrameStore(
        tmp_path, SpillPolicy(force_spill=True), lambda name, fields: events.append((name, fields))
    )
    monkeypatch.setattr(pq.ParquetWriter, "write_batch", _fail)
    assert store.put("a", {"df": pa.table({"n": range(10)})}).storage == "memory"
    ((name, fields),) = events
    assert (name, "out of memory: spilling step 'a'" in fields["error"]) == ("spill_failed", True)
    assert not list(tmp_path.rglob("*.parquet*"))


def test_stream_that_cannot_be_spilled_for_memory_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FrameStore(tmp_path, SpillPolicy(force_spill=True))
    monkeypatch.setattr(pq.ParquetWriter, "write_batch", _fail)
    with pytest.raises(SpillFailed) as raised:
        store.put("a", {"df": pa.table({"n": range(10)}).to_reader()})
    assert raised.value.kind == "out-of-memory"
    assert "free disk space" not in str(raised.value)


@pytest.mark.parametrize(
    "error", [pa.ArrowMemoryError("realloc failed"), MemoryError(), OSError(errno.ENOMEM, "x")]
)
def test_memory_error_in_stream_of_driver_keeps_its_kind(tmp_path: Path, error: Exception) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        raise error
        yield  # type: ignore[unreachable]  # a generator

    reader = pa.RecordBatchReader.from_batches(pa.schema([("n", pa.int64())]), batches())
    with pytest.raises(DriverError) as raised:
        FrameStore(tmp_path, SpillPolicy()).put("a", {"df": reader})
    assert raised.value.kind == "out-of-memory"
    assert raised.value.facts["limit"] == current_limit().source


@pytest.mark.parametrize(
    "error",
    [
        pymysql.OperationalError(2008, "MySQL client ran out of memory"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_memory_error_of_mysql_client_is_not_a_lost_connection(error: Exception) -> None:
    failure = mysql_errors.query_error(error, {"host": "h", "user": "u"})
    assert (failure.kind, failure.fix) == (
        "out-of-memory",
        f"{current_limit().fix}, or read fewer columns or rows",
    )


def test_memory_error_of_libpq_is_not_a_lost_connection() -> None:
    error = psycopg.OperationalError("out of memory for query result")
    assert postgres_errors.query_error(error).kind == "out-of-memory"


def test_memory_error_of_driver_names_limit_and_remedy() -> None:
    info = error_report.build_error_info(pa.ArrowMemoryError("malloc of size 8 failed"))
    assert info.kind == "out-of-memory"
    assert info.message.startswith("malloc of size 8 failed; the limit is ")
    assert info.fix == f"{current_limit().fix}, or process less data at once"
