"""A run as tables: what may be asked, what is answered, and what is refused with its place."""

import io
import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.tables import sql_console as console
from osiris_inspect.inspector.tables.sql_console import SqlConsole
from osiris_inspect.inspector.tables.sql_types import SqlError, SqlResult
from osiris_inspect.model.redaction import mask_by_pattern
from tests.samples import SAMPLES


@pytest.fixture
def tables() -> Iterator[SqlConsole]:
    (run,) = (SAMPLES / "all_spilled").glob("run_*")
    opened = SqlConsole(analyze(run, now=1.0))
    yield opened
    opened.close()


def answered(tables: SqlConsole, query: str) -> SqlResult:
    answer = tables.run_query(query)
    assert not isinstance(answer, SqlError), answer.text
    return answer


def refused(tables: SqlConsole, query: str) -> SqlError:
    answer = tables.run_query(query)
    assert isinstance(answer, SqlError)
    return answer


def test_every_run_has_four_tables_and_one_for_each_frame(tables: SqlConsole) -> None:
    assert [table.name for table in tables.tables() if not table.is_frame] == [
        "events",
        "metrics",
        "steps",
        "findings",
    ]
    assert [table.name for table in tables.tables() if table.is_frame] == ["extract-movies", "compute-stats"]


@pytest.mark.parametrize(
    ("query", "cells"),
    [
        ("select step, rows_out from steps order by 1 limit 1", [("compute-stats", "3")]),
        ("select count(*) from events where event = 'step_start'", [("3",)]),
        ('select count(*), min(title) is not null from "extract-movies"', [("14", "True")]),
        ("select count(*) from metrics where metric is null", [("0",)]),
        ("select count(*) from findings", [("0",)]),
        ("select s.step from steps s join events e using (step) group by 1 having count(*) > 1000", []),
        ("select null, 1 as a, 2 as a", [(None, "1", "2")]),
        ("select '\\xAB'::blob, date '10000-01-01'", [("\\xAB", "10000-01-01")]),
        ("select 1 -- a remark", [("1",)]),
        (
            "select timestamp '2026-01-03 00:16:39.999' - timestamp '2026-01-01', interval 14 months, -interval 90 minutes",
            [("2 days 00:16:39.999", "1 year 2 months", "-01:30:00")],
        ),
        ("select interval 0 seconds, null::interval", [("00:00:00", None)]),
    ],
)
def test_a_question_is_answered(tables: SqlConsole, query: str, cells: list[tuple[str, ...]]) -> None:
    assert answered(tables, query).read_page(0, 10) == cells


def test_a_long_answer_is_paged_and_its_end_is_there(tables: SqlConsole) -> None:
    answer = answered(tables, "from range(25000)")
    assert answer.info.rows == 25_000
    assert answer.is_complete
    assert answer.read_page(24_999, 10) == [("24999",)]


def test_of_an_endless_answer_only_so_much_is_kept_and_that_is_told(
    tables: SqlConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "MAX_ROWS", 30_000)
    answer = answered(tables, "from range(10000000)")
    assert not answer.is_complete
    assert 30_000 <= answer.info.rows < 50_000


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("select foo from events", 7),
        ("selec 1", 0),
        ("select *\nfrom events\nwhere bar = 1", 27),
        ("select 'open", 7),
        ("select " + "1 + " * 60 + "foo from events", 247),
        ("select 'x'::int from range(1)", 10),
    ],
)
def test_what_is_no_question_is_refused_with_its_place(tables: SqlConsole, query: str, at: int) -> None:
    assert refused(tables, query).position == at


@pytest.mark.parametrize(
    "query",
    [
        "drop table steps",
        "select 1; select 2",
        "copy events to '/tmp/stolen.csv'",
        "set enable_external_access = true",
        "select * from read_csv('/etc/passwd')",
        "attach '/tmp/other.db'",
        "install httpfs",
        "",
    ],
)
def test_nothing_is_written_and_nothing_beyond_the_run_is_read(tables: SqlConsole, query: str) -> None:
    assert refused(tables, query).text
    assert answered(tables, "select count(*) from steps").read_page(0, 1) == [("3",)]


def test_a_question_can_be_ended_and_the_next_one_is_answered(tables: SqlConsole) -> None:
    ended = threading.Timer(0.05, tables.cancel)
    ended.start()
    answer = tables.run_query(
        "select count(*) from range(100000000) a, range(100000) b where a.range * b.range = 7"
    )
    ended.join()
    assert answer == SqlError("stopped")
    assert answered(tables, "select 1").read_page(0, 1) == [("1",)]


def test_cancel_after_close_does_nothing(tables: SqlConsole) -> None:
    tables.close()
    tables.cancel()


def test_what_goes_wrong_far_into_an_answer_is_a_refusal(tables: SqlConsole) -> None:
    assert (
        "Could not convert"
        in refused(tables, "select if(i = 90000, 'x', '1')::int from range(100000) t(i)").text
    )


def test_row_longer_than_limit_is_an_error(tables: SqlConsole) -> None:
    text = refused(tables, "select 1 as b, repeat('x', 20000000) as a").text
    assert text.startswith("a row of the result has 20.0 MB, 20.0 MB of them in 'a'; select a part of it")


def test_large_rows_arrive_in_small_pieces(tables: SqlConsole) -> None:
    answer = answered(tables, "select repeat('x', 1000000) from range(30)")
    assert answer.to_arrow().num_rows == 30
    assert answer.info.row_groups > 5


def test_rows_that_do_not_fit_into_memory_are_sorted_on_disk(tables: SqlConsole) -> None:
    query = (
        "select max(n) from (select range as n, random() as r from range(10000000) order by r limit 9000000)"
    )
    assert answered(tables, query).info.rows == 1


def test_close_removes_scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with SqlConsole(analyze(next((SAMPLES / "all_spilled").glob("run_*")), now=1.0)):
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not list(tmp_path.iterdir())


def test_an_answer_becomes_csv_without_its_secrets(tables: SqlConsole) -> None:
    out = io.StringIO()
    answered(
        tables, "select 'a,b' as text, 'hunter2' as password, 'mysql://u:hunter2@h/d' as url, null as n"
    ).csv(out)
    heading, row = out.getvalue().splitlines()
    assert heading == "text,password,url,n"
    assert row.startswith('"a,b",')
    assert "hunter2" not in row


def test_what_a_log_holds_is_masked_in_the_tables(tmp_path: Path) -> None:
    run = tmp_path / "run_1"
    run.mkdir()
    told = {"event": "step_failed", "step_id": "a", "error": "mysql://u:hunter2@h/d", "password": "hunter2"}
    (run / "events.jsonl").write_text(json.dumps(told) + "\n")
    tables = SqlConsole(analyze(run, now=1.0))
    shown = answered(tables, "select * from events").read_page(0, 10)
    tables.close()
    assert "step_failed" in str(shown)
    assert "hunter2" not in str(shown)


def test_long_sql_cell_with_secret_across_cut_is_masked(tables: SqlConsole) -> None:
    asked = "select repeat('x', n::int) || ' mysql://root:Zq7kTrv9PxLm@db' from range(1970, 2000) t(n)"
    cells = [cell or "" for (cell,) in answered(tables, asked).read_page(0, 30)]
    assert len(cells) == 30
    assert "root:Z" not in mask_by_pattern("\n".join(cells))


@pytest.mark.parametrize(
    ("value", "missing"),
    [
        ("repeat('x', 30_000)", "28,000"),
        ("[repeat('x', 30_000)]", "28,004"),
        ("repeat('x', 30_000)::blob", "28,000"),
    ],
)
def test_long_sql_cell_ends_with_missing_count(tables: SqlConsole, value: str, missing: str) -> None:
    ((cell,),) = answered(tables, f"select {value} as c").read_page(0, 1)
    assert cell is not None
    assert cell.endswith(f"x… {missing} more characters")
    assert len(cell) == 2_000 + len(f"… {missing} more characters")
