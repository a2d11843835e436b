"""Memory of a worker with a limit: DuckDB spills, large results are streamed, and errors say what did not suffice."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.runtime.drivers.duckdb_result import ConstantColumns
from osiris_inspect.runtime.files.memory_limit import MemoryLimit, cgroup_limit, current_limit
from osiris_inspect.runtime.proxy.proxy import RunResult
from osiris_inspect.runtime.sandbox.isolation import Level, ResourceLimits
from osiris_inspect.runtime.transport.stdio import Stdio
from tests.runtime.runs import ENVIRONMENT, events_of, make_run, needs

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
