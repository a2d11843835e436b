"""The cells of a query are the same in the CLI and in the TUI."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.cli.inspect.sql import sql
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.tables.sql_console import SqlConsole
from osiris_inspect.inspector.tables.sql_types import SqlError
from tests.inspector.making import CHAIN, native, run_dir, succeeding_locally

SECRET = "Zq7kTrv9PxLm"
QUERIES = {
    "tables": "select * from events order by line",
    "frame": "select * from extract",
    "secrets": f"select 'hunter2' as password, '' as token, null as pwd, 42 as secret, 'mysql://u:{SECRET}@h/d' as url",
    "nested secrets": f"select {{'password': 'hunter2', 'n': 1}} as s, ['Bearer {SECRET}'] as l, map {{'token': 'x'}} as m",
    "nulls": "select null as a, null::varchar as b, null::timestamp as c, ''::varchar as d",
    "times": "select timestamp '2026-01-31 10:00:00' as a, timestamp '2026-01-31 10:00:00.12' as b,"
    " timestamptz '2026-01-31 10:00:00+01' as c, date '10000-01-01' as d, time '10:00' as e, interval 90 minutes as f",
    "numbers": "select 1.50::decimal(9, 2) as a, 0.1::double as b, true as c, 170141183460469231731::hugeint as d",
    "others": "select '\\xABa'::blob as a, uuid '00000000-0000-0000-0000-000000000001' as b, 'x'::enum('x', 'y') as c",
    "text": "select 'a,\"b' || chr(10) || 'c' as a, '\u200b' as b",
    "batches": f"select i, if(i % 9000 = 0, 'Bearer {SECRET}', 'high') as t from range(25000) r(i)",
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lines = [*succeeding_locally(), native("x", 99, error=f"mysql://u:{SECRET}@h/d", password="hunter2")]
    run = run_dir(tmp_path, lines, steps=CHAIN)
    frame = run / "artifacts" / "extract" / "output.parquet"
    frame.parent.mkdir(parents=True)
    columns = {"api_key": ["hunter2", None], "url": [f"mysql://u:{SECRET}@h/d", "a"], "n": [1, None]}
    pq.write_table(pa.table(columns), frame)
    return run


def console_cells(run: Path, query: str) -> list[tuple[str | None, ...]]:
    with SqlConsole(analyze(run, now=1.0)) as console:
        result = console.run_query(query)
        assert not isinstance(result, SqlError), result.text
        return result.read_page(0, result.info.rows)


def printed(run: Path, query: str, format_: str) -> bytes:
    file = run.parent / f"rows.{format_}"
    sql(run, query, format_=format_, output=file)  # type: ignore[arg-type]  # one of its formats
    return file.read_bytes()


def as_text(value: object) -> str | None:
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return value if value is None or isinstance(value, str) else str(value)


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_sql_formats_print_cells_of_console(run: Path, query: str) -> None:
    expected = console_cells(run, query)
    assert expected
    rows = list(csv.reader(io.StringIO(printed(run, query, "csv").decode(), newline="")))
    assert rows[1:] == [[cell or "" for cell in row] for row in expected]
    lines = printed(run, query, "json").decode().splitlines()
    assert [tuple(map(as_text, json.loads(line).values())) for line in lines] == expected


@pytest.mark.parametrize("format_", ["table", "csv", "json", "parquet"])
@pytest.mark.parametrize("name", ["tables", "frame", "secrets", "nested secrets"])
def test_sql_prints_no_secret(run: Path, name: str, format_: str) -> None:
    text = printed(run, QUERIES[name], format_)
    if format_ == "parquet":
        text = repr(pq.read_table(io.BytesIO(text)).to_pylist()).encode()
    assert text
    assert b"hunter2" not in text
    assert SECRET.encode() not in text


def test_sql_parquet_cannot_store_interval(run: Path) -> None:
    with pytest.raises(WrongUse, match=r"parquet cannot store the result: .*interval; cast"):
        printed(run, "select interval 1 day", "parquet")


def test_sql_keeps_long_text(run: Path) -> None:
    assert len(printed(run, "select repeat('x', 30000) as text", "csv")) == len("text\n") + 30_001
