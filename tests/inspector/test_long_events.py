"""The table of the events of a long log: whatever is asked of it, the answer is that of the same log read as a whole."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.event_log import open_large_log as long_reading
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.tables import table_rows as run_rows
from osiris_inspect.inspector.tables.sql_console import SqlConsole
from osiris_inspect.inspector.tables.sql_types import SqlError, SqlResult
from osiris_inspect.model.event import Event
from tests.inspector import logs
from tests.inspector.making import native, run_dir
from tests.samples import runs

QUERIES = (
    "from events",
    *(f'select "{column}" from events' for column in run_rows.COLUMNS["events"]),
    "select count(*) from events",
    "select event, step, count(*) from events group by all order by all",
    "select line, ts, fields from events where event in ('step_start', 'rows_out', 'heartbeat')",
    "select line from events where step is null and ts is not null",
    "select line, rows from events where event = 'rows_out' and rows > 1",
    "select line, event from events where rows is null and event <> 'step_start'",
    "select line, session from events where seq between 2 and 5 or step = 'extract'",
    "select error from events where event like 'step_%' and line > 3",
    "select line, duration_s from events where ts >= (select min(ts) + interval 1 second from events)",
    "select a.line, b.line from events a join events b on a.step = b.step and a.line = b.line - 1 order by all",
    "select * from events order by line desc limit 2",
    "select fields->>'name' as name, count(*) from events group by 1 order by 1",
)


def read(run: Path, monkeypatch: pytest.MonkeyPatch, *, as_long: bool) -> Report:
    monkeypatch.setattr(long_reading, "LARGE_LOG_BYTES", -1 if as_long else 1 << 40)
    told = analyze(run, now=4e9)
    assert isinstance(told.run.events, LargeLog) is as_long or not told.run.events
    return told


@contextmanager
def opened(told: Report) -> Iterator[SqlConsole]:
    tables = SqlConsole(told)
    try:
        yield tables
    finally:
        tables.close()


def answers(told: Report) -> list[tuple[str, object]]:
    with opened(told) as tables:
        return [(query, whole(tables.run_query(query))) for query in QUERIES]


def whole(answer: SqlResult | SqlError) -> object:
    if isinstance(answer, SqlError):
        return answer
    return [(column.name, column.type) for column in answer.info.columns], answer.read_page(
        0, answer.info.rows
    )


def check(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short, long = (answers(read(run, monkeypatch, as_long=as_long)) for as_long in (False, True))
    for one, other in zip(short, long, strict=True):
        assert one == other


@pytest.mark.parametrize("run", runs(), ids=lambda run: run.parent.name)
def test_a_sample_is_the_same_table_read_as_a_long_log(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(run, monkeypatch)


def one_of_each_kind() -> list[Path]:
    """A run of the corpus for each version and each way of running it."""
    kinds = {
        run.name.partition("__")[0]: run / "run" if (run / "run").is_dir() else run
        for run in sorted(logs.CORPUS.glob("*__*"), reverse=True)
    }
    found = {kind: next(run.rglob("events.jsonl"), None) for kind, run in kinds.items()}
    return [file.parent for file in found.values() if file is not None]


@pytest.mark.skipif(not logs.CORPUS.is_dir(), reason="the corpus is not here")
@pytest.mark.parametrize("run", one_of_each_kind(), ids=lambda run: run.relative_to(logs.CORPUS).parts[0])
def test_a_real_run_is_the_same_table_read_as_a_long_log(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(run, monkeypatch)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(logs.line, min_size=1, max_size=30), end=st.sampled_from([b"\n", b"", b'\n{"event":"to'])
)
def test_any_lines_are_the_same_table_read_as_a_long_log(
    lines: list[bytes], end: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run_1"
    run.mkdir(exist_ok=True)
    (run / "events.jsonl").write_bytes(b"\n".join(lines) + end)
    check(run, monkeypatch)


@pytest.mark.parametrize(
    "ts",
    [
        "2026-01-31T10:00:00.123456+00:00",
        "2026-01-31T10:00:00.123456Z",
        "2026-01-31T10:00:00.123456",
        "2026-01-31T10:00:00.123456789+00:00",
        "2026-01-31T10:00:00.123+00:00",
        "2026-01-31T10:00:00+00:00",
        "2026-01-31T12:00:00.123456+02:00",
        "1969-12-31T23:59:59.999999+00:00",
        1769853600.123456,
        1e300,
        None,
    ],
)
def test_a_time_is_exact_however_it_is_written(
    ts: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [{"ts": "2026-01-31T10:00:00.000001+00:00", "event": "a"}, {"ts": ts, "event": "b"}]
    check(run_dir(tmp_path, lines), monkeypatch)


LONG_ONE = 20_000


@pytest.fixture
def long_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    """A run whose log is long enough to be stopped in."""
    middle = [native("heartbeat", 1, step_id="a", rows=number) for number in range(LONG_ONE)]
    lines = [native("run_start"), *middle, native("step_failed", 2, step_id="a", error="gone")]
    return read(run_dir(tmp_path, lines), monkeypatch, as_long=True)


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("select count(*) from events", 0),
        ("select event, step, count(*) from events group by all", 0),
        ("select min(ts), max(ts) from events", 0),
        ("select line from events where event = 'step_failed'", 0),
        ("select fields from events where event = 'step_failed'", 1),
        ("select error from events where step = 'a' and event <> 'heartbeat' and rows > 1", 2),
        ("select * from events limit 1", LONG_ONE // 2),
        ("select max(rows) from events", LONG_ONE + 2),
    ],
)
def test_no_more_lines_are_decoded_than_a_query_asks(
    query: str, most: int, long_one: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    whole_way = LargeLog.events

    def counted(log: LargeLog, lines: Any) -> Iterator[Event]:
        decoded.append(len(lines))
        return whole_way(log, lines)

    with opened(long_one) as tables:
        monkeypatch.setattr(LargeLog, "events", counted)
        assert not isinstance(tables.run_query(query), SqlError)
    assert sum(decoded) <= most


def test_a_query_over_a_long_log_is_ended_while_its_lines_are_read(long_one: Report) -> None:
    with opened(long_one) as tables:
        told = threading.Thread(target=lambda: _stop_when_it_reads(tables))
        told.start()
        answer = tables.run_query("select sum(a.rows * b.rows) from events a, events b where a.rows < b.rows")
        told.join()
        assert answer == SqlError("stopped")
        assert whole(tables.run_query("select count(*) from events where event = 'run_start'")) == (
            [("count_star()", "BIGINT")],
            [("1",)],
        )


def _stop_when_it_reads(tables: SqlConsole) -> None:
    while "lines of events read" not in tables.progress():
        threading.Event().wait(0.001)
    tables.cancel()


def test_lines_that_only_look_like_events_end_no_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [native("rows_out", number, step_id="a", rows=number) for number in range(30)]
    bad = json.dumps(native("rows_out", 1, step_id="a")).encode()[:-1] + b', "rows": nothing}\n'
    told = read(run_dir(tmp_path, [*good, bad, *good]), monkeypatch, as_long=True)
    with opened(told) as tables:
        assert whole(tables.run_query("select count(rows) from events")) == (
            [('count("rows")', "BIGINT")],
            [("60",)],
        )


def test_secrets_of_a_long_log_are_masked_in_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = native("step_failed", error="mysql://u:hunter2@h/d", password="hunter2")
    told = read(run_dir(tmp_path, [line]), monkeypatch, as_long=True)
    with opened(told) as tables:
        cells = str(whole(tables.run_query("from events")))
    assert "mysql://u:***@h/d" in cells
    assert "hunter2" not in cells
