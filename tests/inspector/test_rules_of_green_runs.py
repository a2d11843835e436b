"""Rules about runs that succeeded with a wrong result, in both dialects: runs that must hit, and near misses."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.run.report import Report
from tests.inspector.making import local, native, run_dir, worker

Made = tuple[Sequence[Any], Sequence[Any], Mapping[str, Any]]
"""Events, steps of the manifest, further files."""
Step = Mapping[str, Any]


def step(
    name: str,
    driver: str,
    *needs: str,
    rows: int | None = None,
    out: Mapping[str, Any] | None = None,
    **config: Any,
) -> Step:
    """A step with its rows, its counts (``out``) and its configuration."""
    return {"id": name, "driver": driver, "needs": needs, "rows": rows, "out": out or {}, "config": config}


def ours(*steps: Step, files: Mapping[str, Any] | None = None) -> Made:
    """A run of our own runtime with these steps."""
    lines: list[tuple[str, dict[str, Any]]] = [("run_start", {"mode": "local"})]
    rows = {one["id"]: one["rows"] for one in steps}
    for one in steps:
        lines += [("step_start", {"step_id": one["id"], "driver": one["driver"]})]
        lines += [
            (
                "inputs_resolved",
                {
                    "step_id": one["id"],
                    "name": f"df_{need}",
                    "from_step": need,
                    "rows": rows[need],
                    "from_memory": True,
                },
            )
            for need in one["needs"]
        ]
        lines += _end(one)
    lines += [("run_complete", {}), ("run_end", {"status": "success"})]
    events = [native(name, seq, **fields) for seq, (name, fields) in enumerate(lines)]
    return events, _manifest(steps), {**_configs(steps), **(files or {})}


def _end(one: Step) -> list[tuple[str, dict[str, Any]]]:
    end: dict[str, Any] = {"step_id": one["id"], "driver": one["driver"], "rows_processed": one["rows"]}
    if _is_writer(one):
        stored: dict[str, Any] = {"rows": None, "storage": "none", "columns": []}
        end["rows_written"] = one["rows"]
    else:
        stored = {"rows": one["rows"], "storage": "memory", **one["out"]}
    return [("output_stored", {"step_id": one["id"], **stored}), ("step_complete", end)]


def theirs(*steps: Step, files: Mapping[str, Any] | None = None) -> Made:
    """A run of the original's worker with these steps."""
    rows = {one["id"]: one["rows"] for one in steps}
    events: list[Any] = [worker("run_start", 0, pipeline_id="demo")]
    for number, one in enumerate(steps, start=1):
        events += [
            worker(
                "inputs_resolved",
                number,
                step_id=one["id"],
                from_step=need,
                key="df",
                rows=rows[need],
                from_memory=True,
            )
            for need in one["needs"]
        ]
        events += [
            worker("step_start", number, step_id=one["id"], driver=one["driver"]),
            worker(
                "step_complete",
                number + 0.5,
                step_id=one["id"],
                rows_processed=0 if _is_writer(one) else one["rows"],
            ),
        ]
    events.append(worker("cleanup_complete", 20, steps_executed=len(steps), total_rows=0))
    return (
        events,
        _manifest(steps),
        {**_configs(steps), "status.json": {"ok": True, "exit_code": 0}, **(files or {})},
    )


def _is_writer(one: Step) -> bool:
    return str(one["driver"]).endswith("writer") or one["config"].get("mode") == "write"


def _manifest(steps: Sequence[Step]) -> list[tuple[str, str, list[str]]]:
    return [(one["id"], one["driver"], list(one["needs"])) for one in steps]


def _configs(steps: Sequence[Step]) -> dict[str, Any]:
    return {f"cfg/{one['id']}.json": one["config"] for one in steps if one["config"]}


def counted(rows: int, **nulls: int) -> dict[str, Any]:
    """The counts of a frame with these columns."""
    return {"rows": rows, "columns": [*nulls], "dtypes": ["float64"] * len(nulls), "nulls": [*nulls.values()]}


SRC = step("src", "x.extractor", rows=200)
SAVE = step("save", "x.csv_writer", "src", rows=200, path="out/o.csv")
REPEATED = {
    "columns": ["order_no", "amount"], "dtypes": ["string", "double"], "distinct": ["many", "many"],
    "repeated": {"rows": 120, "repeated": 20},
}  # fmt: skip


def orders(
    key: str = "order_no",
    *,
    more: Sequence[str] = (),
    repeated: int = 0,
    unique: Sequence[str] = (),
    **config: Any,
) -> Step:
    """A source of 120 orders: 20 of its rows repeat another, unless a column is unique."""
    out: dict[str, Any] = {**REPEATED, "columns": [key, "amount", *more], "unique": list(unique)}
    out["repeated"] = {} if unique else {"rows": 120, "repeated": repeated or 20}
    return step("orders", "x.extractor", rows=120, out=out, **config)


def copied(*paths: str, rows: Sequence[int] = (60, 60), repeated: int | None = 60) -> Made:
    """A source of two files, of whose rows some repeat another; None if that was not counted."""
    files = [{"path": f"in/{path}", "rows": count} for path, count in zip(paths, rows, strict=True)]
    out: dict[str, Any] = {"columns": ["shop", "amount"], "dtypes": ["string", "double"]}
    out["source"] = {"files_read": 2, "files": files}
    if repeated is not None:
        out["repeated"] = {"rows": sum(rows), "repeated": repeated}
    return ours(step("src", "x.extractor", rows=sum(rows), out=out))


def emptied(query: str, rows: int = 40, total: int = 40, **nulls: int) -> Made:
    """A source without e-mail addresses, and a join with a table that has them."""
    people = step("p", "x.extractor", rows=rows, out=counted(rows, id=0, email=rows, **nulls))
    segments = step("s", "x.extractor", rows=9, out=counted(9, mail=0, seg=0))
    return ours(people, segments, step("j", "duckdb.processor", "p", "s", rows=total, query=query))


def united_orders(unique: Sequence[str] = ("order_no",)) -> Made:
    """A union of the orders of two months, of which 20 rows repeat another."""
    months = [
        step(month, "x.extractor", rows=60, out={**REPEATED, "repeated": {}, "unique": list(names)})
        for month, names in (("january", ["order_no"]), ("february", unique))
    ]
    query = "SELECT * FROM df_january UNION ALL SELECT * FROM df_february"
    return ours(
        *months, step("u", "duckdb.processor", "january", "february", rows=120, out=REPEATED, query=query)
    )


def keys_of_left(*, uses: str = "left", left_duplicates: int = 0) -> dict[str, Any]:
    """The counts of a join in which rows of the first table have several partners."""
    return {
        "left_rows": 100, "right_rows": 120, "matched": 100, "right_matched": 120, "kind": "left", "uses": uses,
        "left_duplicates": left_duplicates, "right_duplicates": 20,
    }  # fmt: skip


def joined_orders(counts: Mapping[str, Any], *after: Step) -> Made:
    """A join of orders with their payments, of which 20 rows repeat another."""
    source = step("o", "x.extractor", rows=100, out={**REPEATED, "repeated": {}, "unique": ["order_no"]})
    query = "SELECT o.order_no, o.amount FROM df_o o LEFT JOIN df_p p USING (order_no)"
    out = {**REPEATED, "join": counts}
    payments = step("p", "x.extractor", rows=120, out={"columns": ["order_no", "paid"]})
    return ours(
        source, payments, step("j", "duckdb.processor", "o", "p", rows=120, out=out, query=query), *after
    )


def described(query: str) -> tuple[Step, Step]:
    """A step that describes its input: DuckDB returns empty columns beside the names and types."""
    out = {"columns": ["column_name", "key"], "dtypes": ["str", "null"], "nulls": [0, 4]}
    return SRC, step("columns", "duckdb.processor", "src", rows=4, out=out, query=query)


LOOKUP = {
    "left_rows": 200, "right_rows": 900, "matched": 200, "right_matched": 200, "left_duplicates": 0,
    "right_duplicates": 0, "uses": "both",
}  # fmt: skip
"""The counts of a join in which each row of FROM has a partner in a larger table."""


def staged(writer_needs: tuple[str, ...] = ("stock",), read: str = "out/stage.csv", **config: Any) -> Made:
    """A source, and a writer after it that writes the file that the source reads."""
    return ours(
        step("mapped", "filesystem.csv_extractor", rows=180, path=read),
        step("stock", "filesystem.csv_extractor", rows=190, path="in/stock.csv"),
        step("stage", "filesystem.csv_writer", *writer_needs, rows=190, path="./out/stage.csv", **config),
    )


def merged(
    rows: int = 11, more: str = "updated_at", out: Sequence[str] = ("emp", "dept", "updated_at", "salary")
) -> Made:
    """A step without a query that takes two inputs of 420 rows."""
    return ours(
        step("hr", "x.extractor", rows=420, out={"columns": ["emp", "dept", "updated_at"]}),
        step("pay", "x.extractor", rows=420, out={"columns": ["emp", "salary", more]}),
        step("merged", "demo.merge", "hr", "pay", rows=rows, out={"columns": out}),
    )


def upserted(key: Any, mode: str = "upsert", **nulls: int) -> Made:
    """A writer that updates rows by a key."""
    return ours(
        step("src", "x.extractor", rows=240, out=counted(240, sku=0, **nulls)),
        step("save", "x.writer", "src", rows=240, table="goods", write_mode=mode, primary_key=key),
    )


def cumulated(*sizes: int, repeated: int = 360) -> Made:
    """A step that reads files of these sizes, of which rows repeat another one."""
    out = {
        "columns": ["entry"], "dtypes": ["int64"], "repeated": {"rows": sum(sizes), "repeated": repeated},
        "source": {"files_read": len(sizes), "files": [{"path": f"in/{n}.csv", "rows": n} for n in sizes]},
    }  # fmt: skip
    return ours(step("src", "filesystem.csv_extractor", rows=sum(sizes), out=out, path="in/*.csv"))


def with_ids(name: str, high: str | None, dtype: str = "float64") -> Made:
    """A source with ids of a type and a largest value."""
    out = {
        "columns": [name],
        "dtypes": [dtype],
        "nulls": [1],
        "distinct": ["many"],
        "min": ["1"],
        "max": [high],
    }
    return ours(step("src", "x.extractor", rows=330, out=out))


JOIN_SQL = "SELECT * FROM df_a JOIN df_b USING (id)"
A, B = step("a", "x.extractor", rows=1000), step("b", "x.extractor", rows=200)


def joined(rows: int, query: str = JOIN_SQL, **out: Any) -> tuple[Step, Step, Step]:
    return A, B, step("j", "duckdb.processor", "a", "b", rows=rows, out=out, query=query)


def keys(left: int, right: int, matched: int = 1000, right_matched: int = 200) -> dict[str, int]:
    return {
        "left_rows": 1000, "right_rows": 200, "matched": matched, "right_matched": right_matched,
        "left_duplicates": left, "right_duplicates": right,
    }  # fmt: skip


def cast(query: str, nulls: int = 300, before: int = 0) -> tuple[Step, Step]:
    source = step("src", "x.extractor", rows=300, out=counted(300, id=0, email=before))
    return source, step(
        "shape", "duckdb.processor", "src", rows=300, out=counted(300, id=0, amount=nulls), query=query
    )


def blank(query: str, before: Sequence[str] = ()) -> tuple[Step, Step]:
    """A step that returns a column of empty text."""
    columns = {"columns": ["id", "city"], "dtypes": ["int64", "str"], "nulls": [0, 0]}
    source = step("src", "x.extractor", rows=300, out={**columns, "blank_columns": list(before)})
    out = {**columns, "blank_columns": ["city"]}
    return source, step("shape", "duckdb.processor", "src", rows=300, out=out, query=query)


def csv(columns: Mapping[str, str], rows: int = 50, **config: Any) -> Made:
    """A step that reads a CSV file with columns of these types."""
    out = {"columns": [*columns], "dtypes": [*columns.values()]}
    return ours(step("src", "filesystem.csv_extractor", rows=rows, out=out, path="in/a.csv", **config))


def signed(config: Mapping[str, Any] | None = None, **source: Any) -> Made:
    """A step that reads a CSV file with these signs."""
    out = {"columns": ["id", "name"], "dtypes": ["int64", "str"], "source": source}
    return ours(step("src", "filesystem.csv_extractor", rows=50, out=out, path="in/a.csv", **(config or {})))


def odd(column: str, value: str, count: int = 1, decimals: int = 0) -> Made:
    """A step that reads a CSV file in which a column of numbers has another value."""
    entry = {
        "column": column,
        "value": value,
        "count": count,
        "values": 400,
        "decimals": decimals,
        "line": 79,
    }
    return signed(odd_values=[entry])


def missing(value: str = "NA", form: str = "code", count: int = 5) -> Made:
    """A step that reads a CSV file in which a word was read as missing."""
    return signed(
        words_as_missing=[{"column": "country", "value": value, "count": count, "values": 20, "form": form}]
    )


def shortened(count: int = 12, different: int = 1) -> Made:
    """A step that reads a CSV file with long numbers as spreadsheets show them."""
    entry = {
        "column": "ean",
        "value": "1.23457E+12",
        "count": count,
        "values": 12,
        "different": different,
    }
    return signed(scientific=[entry])


def month_first(form: str = "%m/%d/%Y", dates: int = 36, **signs: int) -> Made:
    """A step that reads a CSV file whose dates have no day above 12."""
    entry = {"column": "day", "dates": dates, "format": form, **signs}
    return signed({"parse_dates": ["day"]}, days_read_as_months=[entry])


def same_day(day: int, year: int = 2025) -> Made:
    """The same with dates of one day of each month; the run is of September 2025."""
    return month_first(dates=11, day=day, first=1, last=11, year=year)


def queried(query: str, **source: Any) -> Made:
    """A step that reads a CSV file with these signs, and a query over its rows."""
    out = {"columns": ["id", "name"], "dtypes": ["int64", "str"], "source": source}
    read = step("src", "filesystem.csv_extractor", rows=50, out=out, path="in/a.csv")
    return ours(read, step("shape", "duckdb.processor", "src", rows=50, query=query))


def ranged(
    *columns: tuple[str, str | None, str | None],
    rows: int = 2000,
    nulls: int = 0,
    repeated: int = 500,
    **config: Any,
) -> Step:
    """A source with columns of these names, smallest and largest values."""
    names, low, high = zip(*columns, strict=True)
    out = {
        "columns": names,
        "dtypes": ["int64"] * len(names),
        "nulls": [nulls] * len(names),
        "min": low,
        "max": high,
    }
    out["repeated"] = {"rows": 1000, "repeated": repeated}
    return step("src", "x.extractor", rows=rows, out=out, **config)


def timed(name: str, low: str | None, high: str | None) -> Made:
    return ours(ranged(("n", "1", "2000"), (name, low, high)))


def converted(query: str | None, nulls: int) -> tuple[Step, Step]:
    source = step("src", "x.extractor", rows=300, out=counted(300, id=0, amount=3))
    config = {"query": query} if query else {}
    return source, step("shape", "x.y", "src", rows=300, out=counted(300, id=0, amount=nulls), **config)


def limited(rows: int, query: str) -> Step:
    return step("src", "mysql.extractor", rows=rows, query=query)


def log(*lines: str) -> dict[str, Any]:
    """A text log of the original's worker, written while ``enrich`` ran."""
    first = "2026-01-01 00:00:00,000 - osiris.remote.proxy_worker - INFO - Executing step enrich with driver x.filter"
    rest = [f"2026-01-01 00:00:00,000 - x.drivers - {line}" for line in lines]
    return {"worker_stderr.log": "\n".join([first, *rest, ""])}


def enriched(rows: int = 50, driver: str = "x.filter", **config: Any) -> tuple[Step, Step]:
    return SRC, step("enrich", driver, "src", rows=rows, **config)


def written(rows: int, driver: str = "demo.load", **config: Any) -> tuple[Step, Step]:
    return SRC, step("load", driver, "src", rows=rows, mode="write", **config)


def keeping_last(
    written: int, *columns: str, repeated: int = 0, dtype: str = "int64", **config: Any
) -> tuple[Step, Step]:
    """A source with 200 rows of these columns and a writer that keeps the last row of each order."""
    names = ["order_id", *columns]
    out = {"columns": names, "dtypes": [dtype] * len(names), "nulls": [0] * len(names)}
    source = step("src", "x.extractor", rows=200, out=out | {"repeated": {"rows": 200, "repeated": repeated}})
    keys = {"primary_key": "order_id", "on_duplicate_keys": "last", "write_mode": "upsert", **config}
    return source, step("load", "postgres.writer", "src", rows=written, table="lines", **keys)


def metric(name: str, value: int) -> dict[str, Any]:
    return {"metrics.jsonl": f'{{"metric": "{name}", "value": {value}, "tags": {{"step": "enrich"}}}}\n'}


def replacing(rows: int, **config: Any) -> tuple[Step, Step]:
    source = step("src", "x.extractor", rows=rows)
    return source, step(
        "load", "postgres.writer", "src", rows=rows, table="stats", connection="@postgres.dwh", **config
    )


def two_writers(**config: Any) -> tuple[Step, ...]:
    other = step("other", "x.extractor", rows=50)
    return SRC, other, SAVE, step("save2", "x.csv_writer", "other", rows=50, **config)


def optional(query: str = "SELECT * FROM df_src UNION ALL SELECT 2") -> tuple[Step, ...]:
    source = step("src", "x.extractor", rows=0)
    union = step("u", "duckdb.processor", "src", rows=1, query=query)
    return source, union, step("save", "x.writer", "u", rows=1)


def bypassed(query: str, *needs: str, kept: int = 193) -> tuple[Step, ...]:
    """A step that aggregates rows, beside one that filters them."""
    columns = {"columns": ["id", "k"], "dtypes": ["int64", "str"]}
    return (
        step("src", "x.extractor", rows=200, out=columns),
        step(
            "clean", "duckdb.processor", "src", rows=kept, out=columns, query="SELECT * FROM df WHERE id > 7"
        ),
        step("stats", "duckdb.processor", *needs, rows=20, query=query),
        step("save", "x.csv_writer", "stats", rows=20, path="out/o.csv"),
    )


def collapsed(
    name: str = "shape",
    *,
    rows: int = 300,
    before: str = "many",
    dtype: str = "float64",
    columns: tuple[str, str] = ("id", "id"),
    was: str = "",
    ends: tuple[str | None, str | None, str | None] = (None, None, None),
    **config: Any,
) -> tuple[Step, Step]:
    """A step after which a column has one value; ``ends`` are its ends before, and its value."""
    low, high, value = ends
    first = {"columns": [columns[0]], "dtypes": [was or dtype], "nulls": [0], "min": [low], "max": [high]}
    second = {"columns": [columns[1]], "dtypes": [dtype], "nulls": [0], "min": [value], "max": [value]}
    source = step("src", "x.extractor", rows=rows, out={**first, "distinct": [before]})
    return source, step(name, "x.y", "src", rows=rows, out={**second, "distinct": [1]}, **config)


NOW = "2026-11-29 19:18:38.441845"
YEAR = "2026-01-01 10:00:00", "2026-11-01 09:30:00"
DAY = "2026-11-28 10:00:00", "2026-11-28 11:00:00"
TIME = "datetime64[us]"


def equal_inputs(
    query: str | None, rows: int = 100, total: int = 200, second: str = "f1"
) -> tuple[Step, ...]:
    """A step with two inputs, the second of which has this fingerprint."""
    config = {"query": query} if query else {}
    return (
        step(
            "jan",
            "filesystem.csv_extractor",
            rows=rows,
            out={"columns": ["id"], "fingerprint": "f1"},
            path="jan.csv",
        ),
        step(
            "feb",
            "filesystem.csv_extractor",
            rows=rows,
            out={"columns": ["id"], "fingerprint": second},
            path="jan.csv",
        ),
        step("all", "x.processor", "jan", "feb", rows=total, **config),
    )


def appended(table: str, **config: Any) -> tuple[Step, ...]:
    """Two writers of equal frames."""
    jan, feb, _ = equal_inputs(None)
    into = {"connection": "@mysql.db", "write_mode": "append", **config}
    one = step("save1", "mysql.writer", "jan", rows=100, table="stats", **into)
    return jan, feb, one, step("save2", "mysql.writer", "feb", rows=100, table=table, **into)


CLEAN = step("clean", "x.filter", "src", rows=193)
HEADER = {"rows": 3, "dtypes": ["str"], "columns": ["id;name;amount"]}

HITS: Sequence[tuple[str, Made]] = (
    ("column-all-null", ours(*cast("SELECT id, TRY_CAST(email AS DOUBLE) AS amount FROM df"))),
    ("column-all-null", ours(*blank("SELECT id, trim(city, 'a-z') AS city FROM df"))),
    ("text-garbled", ours(step("src", "x.extractor", rows=20, out={"garbled": {"column": "a", "double_encoded": 9}}))),
    ("text-garbled", ours(step("src", "x.extractor", rows=20, out={"garbled": {"column": "a", "byte_order_marks": 1}}))),
    ("text-garbled", ours(SRC, step("t", "x.y", "src", rows=200, out={"garbled": {"column": "a", "replacement_characters": 3}}))),
    ("column-all-null", emptied("SELECT p.id, s.seg FROM df_p p LEFT JOIN df_s s ON p.email = s.mail")),
    ("column-all-null", emptied("SELECT id FROM df_p WHERE email LIKE '%@a.cz'", total=0)),
    ("column-all-null", emptied("SELECT sum(CAST(email AS DOUBLE)) AS x, avg(p.email) FROM df_p p", total=1)),
    ("header-misread", csv({"1042": "int64", "Ada": "str", "19.90": "float64", "2024-03-01": "str"})),
    ("header-misread", csv({"5.1": "float64", "3.5": "float64", "1.4": "float64", "0.2": "float64", "Iris-setosa": "str"})),
    ("header-misread", csv({"1": "int64", "Ada": "str", "Lovelace": "str", "ada@example.org": "str"})),
    ("header-misread", csv({"ada@example.org": "object"})),
    ("header-misread", csv({"7": "int64", "Ada": "str", "Lovelace": "str", "ada@example.org": "str", "+420 601 000": "str"})),
    ("header-misread", csv({"7": "int64", "Ada": "str", "Lovelace": "str", "Brno": "str", "2024-03-01": "str"})),
    ("header-misread", csv({"1000": "int64", "Brno": "str", "67,12": "str"})),
    ("header-misread", csv({"17": "int64", "Lamp": "str", "$1,299.00": "str"})),
    ("header-misread", csv({"https://example.org/a": "str", "200": "int64"})),
    ("header-misread", csv({"17": "int64", "9.99": "float64", "9.99.1": "float64", "Brno": "str"}, skip_rows=1)),
    ("header-misread", csv({"2024-03-01 10:00:00": "datetime64[us]", "4.5": "float64"})),
    (
        "header-misread",
        theirs(step("src", "filesystem.csv_extractor", rows=3), files={"artifacts/src/schema.json": {"7": "int64", "2024-03-01": "object", "1.5": "float64"}, "artifacts/src/output.parquet": b"PAR1\x15\x00\x00\x00\x00PAR1"}),
    ),
    ("header-misread", csv({"0.10": "object", "0.90": "object", "1.00": "object", "0.10.1": "object"}, rows=0)),
    ("header-misread", signed({"header": False}, header_rows=1)),
    ("header-misread", signed(header_rows=2)),
    ("text-garbled", signed({"encoding": "latin-1"}, encoding_found="utf-8", encoding="latin-1")),
    ("text-garbled", signed({"encoding": "latin-1"}, encoding_found="cp1252", encoding="latin-1")),
    ("text-garbled", signed(replacement_characters=3)),
    ("text-garbled", signed(double_encoded=40)),
    ("comment-cuts-values", signed({"comment": "#"}, lines_cut=12)),
    ("column-name-repeated", signed(repeated_name="amount")),
    ("lines-too-short", signed(short_lines=120, broken_lines=120, checked_lines=480)),
    ("lines-too-short", signed(short_lines=1, broken_lines=1, checked_lines=480)),
    ("lines-too-short", signed(short_lines=1, cut_lines=1, checked_lines=480)),
    ("lines-too-short", signed(short_lines=1, footer_lines=1, checked_lines=480)),
    ("header-repeated", signed(header_repeats=1, header_repeat_line=102)),
    ("header-repeated", signed(header_repeats=3, header_repeat_row=101)),
    ("title-as-header", csv({"Sales report 11/2026": "str", "Unnamed: 1": "str", "Unnamed: 2": "str"})),
    ("title-as-header", csv({"Unnamed: 0": "str", "Report": "str", "Unnamed: 2": "str", "Unnamed: 3": "str"})),
    ("total-line-loaded", signed(total_line=122, total_label="TOTAL")),
    ("total-line-loaded", signed(total_row=121, total_label="")),
    ("numbers-as-text", odd("qty", "12 pcs")),
    ("numbers-as-text", odd("qty", "12pcs")),
    ("numbers-as-text", odd("price", "1,250.00")),
    ("numbers-as-text", odd("price", "12,5")),
    ("numbers-as-text", odd("amount", "-")),
    ("numbers-as-text", odd("amount", "n/a ", count=3)),
    ("numbers-as-text", odd("account", "TOTAL")),
    ("numbers-as-text", odd("account", "Grand total:")),
    ("numbers-as-text", odd("weight", "~5 kg", count=2)),
    ("numbers-as-text", odd("weight", "1O5", decimals=200)),
    ("numbers-as-text", odd("invoice_no", "#REF!")),
    ("numbers-as-text", odd("qty", "see note")),
    ("numbers-as-text", odd("price", "€ 12")),
    ("time-out-of-range", timed("created_at", "1970-01-20 17:24:32", "1970-01-20 18:01:05")),
    ("time-out-of-range", timed("ts", "1970-01-01 00:00:01.700000", "1970-01-01 00:00:01.712346")),
    ("time-out-of-range", timed("ts", "1970-01-01 00:28:20.100000+00:00", "1970-01-01 00:28:32.345678+00:00")),
    ("time-out-of-range", timed("shipped_at", "1970-01-01 00:00:00", "2026-05-01 00:00:00")),
    ("time-out-of-range", timed("when", "1970-01-01 00:00:00", "2026-05-01 11:02:37")),
    ("time-out-of-range", timed("created_at", "55840-11-08 22:13:20.000000", "56247-03-15 01:00:00")),
    ("time-out-of-range", timed("order_date", "2024-01-02", "2925-03-11")),
    ("time-out-of-range", timed("order_date", "1900-01-01 00:00:00", "2026-03-01 00:00:00")),
    ("time-out-of-range", timed("last_login", "0001-01-01", "2026-03-01")),
    ("time-out-of-range", timed("paid_at", "1899-12-30 00:00:00", "2026-03-01 09:10:00")),
    ("time-out-of-range", timed("order_date", "2024-01-02", "9999-12-31")),
    ("time-out-of-range", timed("at", "1970-01-20 16:13:20", "2026-03-01 09:10:00")),
    ("time-out-of-range", timed("created_at", "1700000001", "1700000055000")),
    ("time-out-of-range", timed("createdAt", "1700000001", "1700000055000000")),
    ("word-read-as-missing", missing()),
    ("word-read-as-missing", missing(count=1)),
    ("digits-lost", shortened()),
    ("digits-lost", shortened(count=1)),
    ("digits-lost", shortened(different=7)),
    ("day-read-as-month", month_first()),
    ("day-read-as-month", month_first("%m.%d.%Y %H:%M")),
    ("day-read-as-month", same_day(9)),
    ("day-read-as-month", same_day(8)),
    ("rows-delivered-twice", signed(repeated_blocks=2)),
    ("rows-delivered-twice", signed(repeated_blocks=3, header_repeats=2)),
    ("rows-delivered-twice", ours(ranged(("id", "1", "1000"), ("amount", None, None)))),
    ("rows-delivered-twice", ours(ranged(("ID", "501", "2300"), ("order_date", "2024-01-01", "2024-09-01")))),
    (
        "rows-delivered-twice",
        ours(ranged(("order_no", "1", "1000")), step("load", "postgres.writer", "src", rows=2000, primary_key=["order_no"], write_mode="upsert")),
    ),
    ("join-explosion", ours(*joined(2000))),
    ("join-explosion", theirs(*joined(2000))),
    ("join-explosion", ours(*joined(2000, join=keys(900, 100)))),
    ("join-explosion", ours(*joined(40, "SELECT c, sum(v) FROM df_a JOIN df_b USING (id) GROUP BY 1", join=keys(900, 100)))),
    ("join-explosion", ours(*joined(1300, "SELECT * FROM df_a LEFT JOIN df_b USING (id)"))),
    ("join-explosion", ours(SRC, step("j", "duckdb.processor", "src", rows=300, query="SELECT a.* FROM df a JOIN df b ON a.k = b.k"))),
    ("rows-delivered-twice", ours(orders("order_no"))),
    ("rows-delivered-twice", ours(orders("uuid"))),
    ("rows-delivered-twice", ours(orders("order_no", repeated=10))),
    ("rows-delivered-twice", ours(orders("order_no"), step("sum", "duckdb.processor", "orders", rows=3, query="SELECT city, sum(amount) FROM df GROUP BY city"))),
    ("rows-delivered-twice", ours(orders("transaction_id", path="in/transactions.csv"))),
    ("rows-delivered-twice", ours(orders("category_id", path="in/categories.csv"))),
    ("rows-delivered-twice", copied("orders.csv", "orders (1).csv")),
    ("rows-delivered-twice", copied("orders.csv", "orders - Copy.csv", repeated=None)),
    ("rows-delivered-twice", copied("orders_1.csv", "Copy of orders_1.csv")),
    ("rows-delivered-twice", copied("orders.csv", "orders.csv.1")),
    ("rows-delivered-twice", ours(orders("OrderNumber", path="in/orders.csv"))),
    ("rows-multiplied", ours(orders(unique=["order_no"]), step("shape", "demo.shape", "orders", rows=120, out=REPEATED))),
    ("rows-multiplied", united_orders()),
    ("rows-multiplied", joined_orders(keys_of_left())),
    ("rows-multiplied", ours(SRC, step("enrich", "demo.merge", "src", rows=5716))),
    ("rows-multiplied", theirs(SRC, step("enrich", "demo.merge", "src", rows=5716))),
    ("join-hardly-matches", ours(*joined(0, join=keys(0, 0, 0, 0)))),
    ("join-hardly-matches", ours(*joined(12, join=keys(0, 0, 12, 12)))),
    ("join-hardly-matches", ours(*joined(700, join=keys(800, 0, 700) | {"uses": "both"}))),
    ("join-hardly-matches", ours(*joined(700, join=keys(800, 0, 700) | {"uses": "right"}))),
    ("join-hardly-matches", ours(*joined(40, join=keys(800, 0, 700) | {"uses": "both", "filtered": True, "whole": True}))),
    ("join-hardly-matches", ours(*joined(900, join=keys(800, 0, 900) | {"uses": "both", "left_newer": 95}))),
    ("join-hardly-matches", ours(*joined(940, join=keys(800, 0, 940) | {"uses": "right", "left_newer": 60}))),
    ("join-hardly-matches", ours(*joined(900, join=keys(0, 150, 800, 120) | {"uses": "both", "right_newer": 80}))),
    ("join-hardly-matches", ours(*joined(180, "SELECT a.net, b.segment FROM df_a a JOIN df_b b ON a.id = b.id", join=keys(0, 0, 200) | {"uses": "both"}))),
    ("target-overwritten", ours(*two_writers(path="./out/o.csv"))),
    ("target-overwritten", theirs(*two_writers(path="out/o.csv"))),
    (
        "target-overwritten",
        ours(*replacing(200), step("again", "postgres.writer", "src", rows=200, table="stats", connection="@postgres.dwh", write_mode="replace")),
    ),
    ("target-emptied", ours(*replacing(0, write_mode="replace"))),
    ("target-emptied", theirs(*replacing(0, write_mode="replace"))),
    ("result-unused", ours(SRC, CLEAN, SAVE)),
    ("result-unused", theirs(SRC, CLEAN, SAVE)),
    ("same-data-united", ours(*equal_inputs("SELECT * FROM df_jan UNION ALL SELECT * FROM df_feb"))),
    ("same-data-united", ours(*equal_inputs("SELECT * FROM df_jan UNION SELECT * FROM df_feb", total=100))),
    ("same-data-united", ours(*appended("stats"))),
    ("values-lost-in-column", ours(*collapsed())),
    ("values-lost-in-column", ours(*collapsed(before="few", dtype="bool", was="str"))),
    ("values-lost-in-column", ours(*collapsed(before="few", dtype="int64", was="str", columns=("active", "is_active")))),
    ("values-lost-in-column", ours(*collapsed(dtype="float64", was="str", columns=("amount", "amount_num")))),
    ("values-lost-in-column", ours(*collapsed(dtype=TIME, was="str", columns=("joined", "joined"), ends=(None, None, NOW)))),
    ("values-lost-in-column", ours(*collapsed(dtype=TIME, columns=("order_date",) * 2, ends=(*YEAR, "2026-11-29 00:00:00")))),
    ("result-unused", ours(*bypassed("SELECT k, count(*) AS n FROM df_src GROUP BY k", "src", "clean"))),
    ("result-unused", theirs(*bypassed("SELECT k, count(*) AS n FROM df_src GROUP BY k", "src", "clean"))),
    ("result-unused", ours(*bypassed("SELECT k, count(*) AS n FROM df_src GROUP BY k", "src"))),
    ("limit-reached", ours(limited(1000, "SELECT * FROM records LIMIT 1000"))),
    ("limit-reached", theirs(limited(1000, "SELECT TOP 1000 * FROM records"))),
    ("limit-reached", ours(limited(1000, "SELECT * FROM records ORDER BY id FETCH FIRST 1000 ROWS ONLY"))),
    ("limit-reached", ours(step("src", "x.extractor", rows=50, max_rows=50))),
    ("file-read-before-written", staged()),
    ("join-hardly-matches", merged()),
    ("key-without-value", upserted(["sku", "variant"], variant=90)),
    ("key-without-value", upserted("variant", mode="merge", variant=1)),
    ("files-contain-each-other", cumulated(60, 120, 180, 240)),
    ("files-contain-each-other", cumulated(300, 310, repeated=300)),
    ("rows-without-values", ours(step("src", "x.extractor", rows=1000, out=counted(1000, a=700, b=700, c=700)))),
    ("id-rounded", with_ids("post_id", "1.79e+18")),
    ("id-rounded", with_ids("tweetId", "1790000000000000000.0")),
    ("limit-reached", ours(step("head_offices", "x.extractor", rows=50, max_rows=50))),
    ("limit-reached", ours(step("stop_events", "x.extractor", rows=50, max_rows=50))),
    ("limit-reached", ours(limited(500, "SELECT id, row_number() OVER (ORDER BY id) AS n FROM orders LIMIT 500"))),
    ("limit-reached", ours(limited(500, "SELECT * FROM (SELECT * FROM orders ORDER BY id) o LIMIT 500"))),
    ("limit-reached", ours(limited(250, "WITH o AS (SELECT * FROM orders FETCH FIRST 250 ROWS ONLY) SELECT * FROM o"))),
    ("limit-reached", theirs(limited(500, "(SELECT * FROM orders LIMIT 500)"))),
    ("delimiter-in-column-name", ours(step("src", "x.extractor", rows=3, out=HEADER))),
    ("delimiter-in-column-name", ours(step("src", "x.extractor", rows=3, out={"columns": ["\ufeffid", "name"]}))),
    ("delimiter-in-column-name", ours(step("src", "x.extractor", rows=3, out={"columns": ["c0"], "original_names": {"c0": "id\tcity\tday"}}))),
    (
        "delimiter-in-column-name",
        theirs(step("src", "x.onecol", rows=3), files={"artifacts/src/schema.json": {"id|name|amount": "str"}, "artifacts/src/output.parquet": b"PAR1\x15\x00\x00\x00\x00PAR1"}),
    ),
    ("failure-logged", theirs(*enriched(), files=log("ERROR - insert failed for batch 2: no answer"))),
    ("failure-logged", theirs(*enriched(), files=log("WARNING - rate limited, giving up after page 3 of 12"))),
    ("rows-skipped", theirs(*enriched(), files=log("ERROR - row skipped: could not parse row 1"))),
    ("rows-skipped", theirs(*enriched(), files=log("WARNING - Skipping line 5: expected 3 fields, saw 4"))),
    ("rows-skipped", theirs(*enriched(), files=log("INFO - 12 records were rejected by the schema"))),
    ("rows-skipped", ours(*enriched(), files=metric("lines_left_out", 3))),
    ("rows-skipped", ours(*enriched(), files={"worker.log": "dropping row 7: bad date\n"})),
    ("rows-skipped", ours(*enriched(), files=metric("rejected_records", 1))),
    (
        "write-repeated",
        theirs(SRC, step("enrich", "x.writer", "src", rows=200, write_mode="append"), files=log("WARNING - batch 3 failed, retrying in 2 s")),
    ),
    (
        "write-repeated",
        theirs(SRC, step("enrich", "x.writer", "src", rows=200), files=log("WARNING - INSERT of batch 3 failed, retrying")),
    ),
    ("values-lost-in-column", ours(*converted("SELECT id, TRY_CAST(amount AS DOUBLE) AS amount FROM df", 120))),
    ("values-lost-in-column", ours(*converted(None, 120))),
    ("row-count-changed", theirs(*enriched(0, "acme.loader"), files=metric("rows_written", 150))),
    ("row-count-changed", theirs(*enriched(0, "acme.csv_writer"), files=metric("rows_written", 150))),
    ("row-count-changed", ours(*written(100))),
    ("row-count-changed", ours(*written(100, "demo.half_writer"))),
    ("row-count-changed", ours(*keeping_last(90, "line_no", "sku"))),
    ("row-count-changed", ours(*keeping_last(90, "line_no", "sku", "updated_at"))),
    ("row-count-changed", ours(*keeping_last(150, "sku", "quantity"))),
    ("row-count-changed", ours(*keeping_last(150, "sku", "quantity", primary_key=["order_id", "shop"]))),
    ("zero-rows-from-source", theirs(step("src", "x.extractor", rows=0), step("save", "x.writer", "src", rows=0))),
)  # fmt: skip
NEAR_MISSES: Sequence[tuple[str, Made]] = (
    ("failure-logged", theirs(*enriched(), files=log("WARNING - request failed, retrying (attempt 2 of 3)"))),
    ("failure-logged", theirs(*enriched(), files=log("INFO - insert failed 0 times"))),
    ("column-all-null", ours(*cast("SELECT id, NULL AS amount FROM df"))),
    ("text-garbled", ours(step("src", "x.extractor", rows=20, out={"columns": ["a"]}))),
    ("text-garbled", ours(step("src", "x.extractor", rows=20, out={"garbled": {"column": "a"}}))),
    ("text-garbled", ours(step("src", "x.extractor", rows=20, out={"garbled": {"double_encoded": 9}}))),
    ("column-all-null", emptied("SELECT id, email FROM df_p")),
    ("column-all-null", emptied("SELECT id, email FROM df_p WHERE email IS NULL")),
    ("column-all-null", emptied("SELECT id FROM df_p WHERE email > 'x' OR id > 3")),
    ("column-all-null", emptied("SELECT id, sum(coalesce(email, 0)) FROM df_p GROUP BY id")),
    ("column-all-null", emptied("SELECT id, count(email) FROM df_p GROUP BY id")),
    ("column-all-null", emptied("SELECT id FROM df_p LEFT JOIN df_s ON id = mail", rows=5)),
    (
        "column-all-null",
        ours(
            step("src", "x.extractor", rows=200, out=counted(200, note=3)),
            step("anonymise", "acme.privacy", "src", rows=200, out=counted(200, note=200)),
        ),
    ),
    ("column-all-null", ours(*cast("SELECT id, TRY_CAST(email AS DOUBLE) AS amount FROM df", nulls=299))),
    ("column-all-null", ours(*blank("SELECT id, '' AS city FROM df"))),
    ("header-misread", csv({"id": "int64", "name": "str", "amount": "float64"})),
    ("header-misread", csv({"country": "str", "2019": "float64", "2020": "float64", "2021": "float64"})),
    ("header-misread", csv({"shop": "str", "2024-01-01": "float64", "2024-01-08": "float64"})),
    ("header-misread", csv({"person": "str", "2024-01-01": "str", "2024-01-02": "str"})),
    ("header-misread", csv({"sample": "str", "400.0": "float64", "400.5": "float64", "401.0": "float64"})),
    ("header-misread", csv({"name": "str", "0.05": "float64", "0.95": "float64"})),
    ("header-misread", csv({"question": "str", "a@x.org": "str", "b@x.org": "str", "c@x.org": "str"})),
    ("header-misread", csv({"0": "int64", "1": "str", "2": "float64"}, header=False)),
    ("header-misread", csv({"c0": "int64", "c1": "str", "v1.0": "float64"})),
    ("header-misread", csv({"id": "int64", "name": "str", "city": "str", "address": "str", "2024-03-01": "str"})),
    ("header-misread", csv({"item": "str", "$10": "str", "$20": "str"})),
    ("header-misread", csv({"item": "str", "5%": "float64", "50%": "float64", "95%": "float64"})),
    ("header-misread", csv({"10": "int64", "20": "int64", "30": "int64"})),
    ("header-misread", ours(step("src", "mysql.extractor", rows=5, out={"columns": ["7", "9.5"], "dtypes": ["int64", "float64"]}, query="SELECT 7, 9.5"))),
    ("header-misread", signed({"header": False})),
    ("header-misread", csv({"id": "object", "2024-01-01": "object", "2024-01-08": "object"}, rows=0)),
    ("text-garbled", signed({"encoding": "latin-1"})),
    ("text-garbled", signed(lines_cut=1)),
    ("comment-cuts-values", signed({"comment": "#"})),
    ("column-name-repeated", signed(repeated_name="")),
    ("comment-cuts-values", signed({"comment": "#"}, lines_cut=0)),
    ("lines-too-short", signed(short_lines=40, checked_lines=480)),
    ("lines-too-short", signed(short_lines=0, broken_lines=0, checked_lines=480)),
    ("header-repeated", signed(header_repeats=0)),
    ("header-repeated", signed(header_rows=1)),
    ("title-as-header", csv({"Unnamed: 0": "int64", "name": "str"})),
    ("title-as-header", csv({"id": "int64", "name": "str", "city": "str", "Unnamed: 3": "str"})),
    ("title-as-header", ours(step("src", "filesystem.csv_extractor", rows=50, out={"columns": ["id", "Unnamed: 1", "Unnamed: 2"], "dtypes": ["int64", "float64", "float64"], "nulls": [0, 50, 50]}))),
    ("title-as-header", ours(SRC, step("shape", "duckdb.processor", "src", rows=50, out={"columns": ["a", "Unnamed: 1"], "dtypes": ["str", "str"]}))),
    ("total-line-loaded", signed(header_rows=1)),
    ("total-line-loaded", queried("SELECT * FROM df WHERE name <> 'Total'", total_line=122, total_label="TOTAL")),
    ("numbers-as-text", odd("house_no", "12a")),
    ("numbers-as-text", odd("houseNumber", "12 a")),
    ("numbers-as-text", odd("room", "Lobby")),
    ("numbers-as-text", odd("product_code", "A1003", count=3)),
    ("numbers-as-text", odd("zip", "unknown")),
    ("numbers-as-text", odd("model", "X5")),
    ("numbers-as-text", odd("mark", "101B")),
    ("numbers-as-text", odd("result", "W", count=3)),
    ("numbers-as-text", odd("years", "present", count=9)),
    ("numbers-as-text", signed(odd_values=[{"column": "cylinders", "value": "rotary", "count": 1, "values": 93, "line": 58}])),
    ("numbers-as-text", signed()),
    ("numbers-as-text", odd("Unnamed: 2", "receipts")),
    ("numbers-as-text", signed(total_line=122, total_label="TOTAL", odd_values=[{"column": "name", "value": "TOTAL", "count": 1, "values": 121, "line": 122}])),
    ("numbers-as-text", queried("SELECT TRY_CAST(qty AS INT) AS qty FROM df", odd_values=[{"column": "qty", "value": "12 pcs", "count": 1, "values": 121, "line": 9}])),
    ("numbers-as-text", queried("SELECT qty FROM df WHERE qty <> '-'", odd_values=[{"column": "qty", "value": "-", "count": 1, "values": 121, "line": 9}])),
    ("numbers-as-text", signed(odd_values="qty")),
    ("time-out-of-range", timed("birth_date", "1900-01-01", "2004-03-05")),
    ("time-out-of-range", timed("valid_from", "1900-01-01 00:00:00", "2026-03-05 00:00:00")),
    ("time-out-of-range", timed("date", "1900-01-01", "2026-03-05")),
    ("time-out-of-range", timed("created_at", "1901-06-01 00:00:00", "2026-03-05 00:00:00")),
    ("time-out-of-range", timed("day", "1970-01-20 00:00:00", "2026-03-05 00:00:00")),
    ("time-out-of-range", timed("deleted_at", "2024-01-01 10:00:00", "9999-12-31 00:00:00")),
    ("time-out-of-range", timed("created_at", "1700000000", "1760000000")),
    ("time-out-of-range", timed("phone", "1700000000", "1760000000000")),
    ("time-out-of-range", timed("updated_at", "1700000000000", "1760000000000")),
    ("time-out-of-range", timed("birth_date", "1970-01-01 00:00:00", "2004-03-05 00:00:00")),
    ("time-out-of-range", timed("born", "1925-04-01", "2004-03-05")),
    ("time-out-of-range", timed("month", "1970-01-01 00:00:00", "2020-12-01 00:00:00")),
    ("time-out-of-range", timed("time", "1970-01-01 00:00:00", "2020-12-31 23:00:00")),
    ("time-out-of-range", timed("opens", "1970-01-01 08:00:00", "1970-01-01 22:30:00")),
    ("time-out-of-range", timed("opens_at", "1970-01-01 00:20:00", "1970-01-01 00:40:00")),
    ("time-out-of-range", timed("closed_at", "2024-01-01 10:00:00", "9999-12-31 23:59:59")),
    ("time-out-of-range", timed("removed_at", "2024-01-01", "2999-12-31")),
    ("time-out-of-range", timed("removed_at", "2024-01-01", "2262-04-11 23:47:16.854775")),
    ("time-out-of-range", timed("lease_end", "2024-01-01", "2921-06-24")),
    ("time-out-of-range", timed("valid_from", "1970-01-01 00:00:00", "2024-06-24 10:11:12")),
    ("time-out-of-range", timed("created_at", "1969-12-31 23:00:00", "2024-06-24 10:11:12")),
    ("time-out-of-range", timed("created_at", None, None)),
    ("time-out-of-range", timed("paid_at", "1970-01-01 00:00:00", None)),
    ("word-read-as-missing", signed({"keep_default_na": False})),
    ("word-read-as-missing", missing(count=0)),
    ("word-read-as-missing", signed(words_as_missing="country")),
    ("digits-lost", signed(dtype_inferred={"ean": "text: digits with an E"})),
    ("digits-lost", shortened(count=0)),
    ("day-read-as-month", signed({"parse_dates": ["day"]})),
    ("day-read-as-month", month_first("%Y-%m-%d")),
    ("day-read-as-month", same_day(5)),
    ("day-read-as-month", same_day(10)),
    ("day-read-as-month", same_day(9, 2024)),
    ("rows-delivered-twice", signed(repeated_blocks=1)),
    ("rows-delivered-twice", signed(header_repeats=1)),
    ("rows-delivered-twice", ours(ranged(("id", "1", "2000"), ("amount", None, None)))),
    ("rows-delivered-twice", ours(ranged(("id", "1", "1900"), ("amount", None, None)))),
    ("rows-delivered-twice", ours(ranged(("id", "1", "1000"), ("valid_from", None, None)))),
    ("rows-delivered-twice", ours(ranged(("id", "1", "1000"), ("version", "1", "2")))),
    ("rows-delivered-twice", ours(ranged(("id", "1", "1000"), ("updated_at", None, None)))),
    ("rows-delivered-twice", ours(ranged(("id", "1", "40"), ("date", "2024-01-01", "2024-02-19")))),
    ("rows-delivered-twice", ours(ranged(("id", "1", "10"), ("variable", None, None)))),
    ("rows-delivered-twice", ours(ranged(("customer_id", "1", "100")))),
    ("rows-delivered-twice", ours(ranged(("id", "1", "1000"), ("amount", None, None), repeated=0))),
    ("rows-delivered-twice", ours(ranged(("id", "1", "1000"), nulls=1000))),
    ("rows-delivered-twice", ours(ranged(("id", "1", "1000"), query="SELECT o.id, l.n FROM orders o JOIN parts l USING (id)"))),
    (
        "rows-delivered-twice",
        ours(ranged(("order_no", "1", "1000")), step("load", "postgres.writer", "src", rows=2000, primary_key=["order_no", "part"], write_mode="upsert")),
    ),
    ("join-explosion", ours(*joined(1000))),
    ("join-explosion", theirs(*joined(1000))),
    ("join-explosion", ours(*joined(200_000, "SELECT * FROM df_a CROSS JOIN df_b"))),
    ("join-explosion", ours(*joined(1200, "SELECT * FROM df_a FULL JOIN df_b USING (id)"))),
    ("join-explosion", ours(*joined(1200, "SELECT * FROM df_a UNION ALL SELECT * FROM df_b"))),
    ("join-explosion", ours(*joined(4900, "SELECT * FROM df_a a JOIN df_b b ON a.day >= b.day"))),
    ("join-explosion", ours(*joined(1000, join=keys(800, 0)))),
    ("join-explosion", ours(*joined(40, "SELECT c, sum(v) FROM df_a JOIN df_b USING (id) GROUP BY 1", join=keys(800, 0)))),
    ("join-explosion", ours(SRC, step("j", "duckdb.processor", "src", rows=900, query="SELECT unnest(tags) FROM df"))),
    ("rows-delivered-twice", ours(orders("order_no", repeated=5))),
    ("rows-delivered-twice", ours(orders("order_no"), step("one", "duckdb.processor", "orders", rows=100, query="SELECT DISTINCT * FROM df"))),
    (
        "rows-delivered-twice",
        ours(
            orders("order_no"),
            step("typed", "duckdb.processor", "orders", rows=120, query="SELECT order_no, amount::INT AS amount FROM df"),
            step("one", "duckdb.processor", "typed", rows=100, query="SELECT * FROM df QUALIFY row_number() OVER (PARTITION BY order_no) = 1"),
        ),
    ),
    ("rows-delivered-twice", ours(orders("order_no"), step("one", "acme.deduplicate", "orders", rows=100, drop_duplicates=True))),
    ("rows-delivered-twice", ours(orders("order_no", path="in/event_log.csv"))),
    ("rows-delivered-twice", copied("orders_1.csv", "orders_2.csv", repeated=0)),
    ("rows-delivered-twice", copied("orders.csv", "orders (1).csv", repeated=0)),
    ("rows-delivered-twice", copied("orders.csv", "orders (1).csv", rows=(100, 60))),
    ("rows-delivered-twice", copied("part-1.csv", "part-2.csv", repeated=None)),
    ("rows-delivered-twice", copied("2026.01.csv", "2026.02.csv", repeated=None)),
    ("rows-delivered-twice", ours(orders("customer_no"))),
    ("rows-delivered-twice", ours(orders("order_no", path="in/order_lines.csv"))),
    ("rows-delivered-twice", ours(orders("order_no", more=("price_date",)))),
    ("rows-delivered-twice", ours(orders("order_no", more=("valid_from",)))),
    ("rows-multiplied", ours(orders(unique=["phone"]), step("shape", "demo.shape", "orders", rows=120, out=REPEATED))),
    ("rows-multiplied", ours(orders(unique=["order_no"]), step("bootstrap", "demo.shape", "orders", rows=120, out=REPEATED))),
    ("rows-multiplied", united_orders(unique=())),
    ("rows-multiplied", joined_orders(keys_of_left(uses="both"))),
    ("rows-multiplied", joined_orders(keys_of_left(left_duplicates=30))),
    ("rows-multiplied", joined_orders(keys_of_left(), step("g", "duckdb.processor", "j", rows=9, query="SELECT order_no, count(*) FROM df_j GROUP BY 1"))),
    ("rows-multiplied", ours(SRC, step("enrich", "demo.merge", "src", rows=201))),
    ("rows-multiplied", theirs(SRC, step("enrich", "duckdb.processor", "src", rows=900, query="SELECT unnest(tags) FROM df"))),
    ("join-hardly-matches", ours(*joined(950, join=keys(0, 0, 950, 180)))),
    ("join-hardly-matches", ours(*joined(180))),
    ("join-hardly-matches", ours(*joined(200, join=LOOKUP))),
    ("join-hardly-matches", ours(*joined(200, join=LOOKUP | {"filtered": True, "whole": True}))),
    ("join-hardly-matches", ours(*joined(200, join=LOOKUP | {"right_rows": 9000}))),
    ("column-all-null", ours(*described("DESCRIBE df_src"))),
    ("column-all-null", ours(*described("SHOW TABLES"))),
    ("column-all-null", ours(*described("  summarize SELECT * FROM df_src"))),
    ("join-hardly-matches", ours(*joined(40, join=keys(800, 0, 700) | {"uses": "both", "filtered": True}))),
    ("join-hardly-matches", ours(*joined(40, join=keys(800, 0, 700) | {"uses": "left", "filtered": True, "whole": True}))),
    ("target-overwritten", ours(*two_writers(path="out/o2.csv"))),
    ("target-overwritten", theirs(*two_writers(path="out/o.csv", append=True))),
    ("target-overwritten", ours(*two_writers(path="out/o.csv", bucket="other"))),
    (
        "target-overwritten",
        ours(*replacing(200, write_mode="replace"), step("again", "postgres.writer", "src", rows=200, table="stats", connection="@postgres.dwh", write_mode="append")),
    ),
    ("target-emptied", ours(*replacing(0, write_mode="upsert"))),
    ("target-emptied", theirs(*replacing(5, write_mode="replace"))),
    ("result-unused", ours(SRC, CLEAN, step("save", "x.writer", "clean", rows=193))),
    ("result-unused", theirs(SRC, CLEAN)),
    ("same-data-united", ours(*equal_inputs("SELECT * FROM df_jan UNION ALL SELECT * FROM df_feb", second="f2"))),
    ("same-data-united", ours(*equal_inputs("SELECT * FROM df_jan UNION ALL SELECT * FROM df_feb", rows=9))),
    ("same-data-united", ours(*equal_inputs("SELECT * FROM df_jan a JOIN df_feb b ON a.id = b.parent"))),
    ("same-data-united", ours(*equal_inputs("(TABLE df_jan EXCEPT TABLE df_feb) UNION (TABLE df_feb EXCEPT TABLE df_jan)", total=0))),
    ("same-data-united", ours(*equal_inputs(None))),
    ("same-data-united", ours(*appended("other"))),
    ("values-lost-in-column", ours(*collapsed("mask-emails"))),
    ("values-lost-in-column", ours(*collapsed(rows=19))),
    ("values-lost-in-column", ours(*collapsed(before="few"))),
    ("values-lost-in-column", ours(*collapsed(dtype="datetime64[us]"))),
    ("values-lost-in-column", ours(*collapsed(query="SELECT 7 AS id FROM df"))),
    ("values-lost-in-column", ours(*collapsed(before="few", dtype="str", was="str"))),
    ("values-lost-in-column", ours(*collapsed(before="few", dtype="str", was="int64"))),
    ("values-lost-in-column", ours(*collapsed(before="few", dtype="bool", was="str", columns=("active", "is_customer")))),
    ("values-lost-in-column", ours(*collapsed(dtype=TIME, columns=("updated_at",) * 2, ends=(*YEAR, NOW)))),
    ("values-lost-in-column", ours(*collapsed(dtype=TIME, columns=("created_at",) * 2, ends=(*DAY, "2026-11-28 00:00:00")))),
    ("values-lost-in-column", ours(*collapsed(dtype=TIME, was="str", columns=("created_at",) * 2, ends=(None, None, "2026-11-28 00:00:00")))),
    ("same-data-united", ours(*appended("stats", on_conflict="ignore"))),
    ("result-unused", ours(*bypassed("SELECT k, count(*) AS n FROM df_clean GROUP BY k", "src", "clean"))),
    ("result-unused", ours(*bypassed("SELECT k, count(*) AS n FROM df GROUP BY k", "src", kept=7))),
    ("result-unused", ours(*bypassed("SELECT k, count(*) AS n FROM df_clean GROUP BY k", "clean"))),
    ("limit-reached", ours(limited(999, "SELECT * FROM records LIMIT 1000"))),
    ("file-read-before-written", staged(("stock", "mapped"))),
    ("join-hardly-matches", merged(rows=400)),
    ("join-hardly-matches", merged(more="paid_at", out=("emp", "dept", "updated_at", "salary", "paid_at"))),
    ("join-hardly-matches", merged(out=("emp", "salary"))),
    ("key-without-value", upserted(["sku"], variant=90)),
    ("key-without-value", upserted(["sku", "variant"], mode="append", variant=90)),
    ("key-without-value", upserted(["sku", "variant"], variant=0)),
    ("files-contain-each-other", cumulated(60, 120, 180, 240, repeated=20)),
    ("files-contain-each-other", cumulated(150, 150, 150, 150, repeated=450)),
    ("files-contain-each-other", cumulated(600, repeated=360)),
    ("file-read-before-written", staged(read="out/other.csv")),
    ("file-read-before-written", staged(append=True)),
    ("rows-without-values", ours(step("src", "x.extractor", rows=1000, out=counted(1000, a=700, b=700, c=701)))),
    ("rows-without-values", ours(step("src", "x.extractor", rows=1000, out=counted(1000, a=700, b=700)))),
    ("rows-without-values", ours(step("src", "x.extractor", rows=1000, out=counted(1000, a=0, b=0, c=0)))),
    ("rows-without-values", ours(step("src", "x.extractor", rows=1000, out=counted(1000, a=12, b=12, c=12)))),
    ("id-rounded", with_ids("post_id", "1790000000000000000", "int64")),
    ("id-rounded", with_ids("post_id", "330")),
    ("id-rounded", with_ids("energy", "1.79e+18")),
    ("id-rounded", with_ids("post_id", None)),
    ("limit-reached", ours(step("preview", "x.extractor", rows=50, max_rows=50))),
    ("limit-reached", ours(step("orders_sample", "x.extractor", rows=50, max_rows=50))),
    ("limit-reached", ours(limited(500, "SELECT * FROM r LIMIT 500"), step("w", "x.writer", "src", rows=500, path="out/preview.csv"))),
    ("limit-reached", theirs(limited(10, "SELECT * FROM records ORDER BY stars DESC LIMIT 10"))),
    ("limit-reached", ours(limited(1000, "SELECT * FROM (SELECT * FROM r LIMIT 1000) x JOIN y USING (k)"))),
    ("limit-reached", ours(limited(1000, "SELECT * FROM r -- LIMIT 1000"))),
    ("limit-reached", ours(limited(500, "SELECT * FROM (SELECT * FROM r ORDER BY n DESC LIMIT 500) x WHERE n > 1"))),
    ("limit-reached", ours(limited(500, "SELECT * FROM r WHERE k IN (SELECT k FROM s LIMIT 400)"))),
    ("delimiter-in-column-name", ours(step("src", "x.extractor", rows=3, out={"columns": ["amount (EUR; net)"]}))),
    ("delimiter-in-column-name", ours(step("src", "x.extractor", rows=3, out={"columns": ["city, country", "id"]}))),
    ("delimiter-in-column-name", ours(step("src", "x.extractor", rows=3, out={"columns": ["lat,lon"]}, query="SELECT 1"))),
    ("rows-skipped", theirs(*enriched(), files=log("WARNING - skipping the header line"))),
    ("rows-skipped", theirs(*enriched(), files=log("ERROR - 0 rows rejected"))),
    ("rows-skipped", theirs(*enriched(), files=log("WARNING - ignoring unknown entries of the configuration"))),
    ("rows-skipped", theirs(*enriched(), files=log("INFO - dropped 3 duplicate rows"))),
    ("rows-skipped", ours(*enriched(), files=metric("lines_left_out", 0))),
    (
        "write-repeated",
        theirs(SRC, step("enrich", "x.writer", "src", rows=200, write_mode="upsert"), files=log("WARNING - batch 3 failed, retrying in 2 s")),
    ),
    (
        "write-repeated",
        theirs(SRC, step("enrich", "x.writer", "src", rows=200), files=log("WARNING - retrying the login")),
    ),
    ("values-lost-in-column", ours(*converted("SELECT id, nullif(amount, 0) AS amount FROM df", 120))),
    ("values-lost-in-column", ours(*converted(None, 20))),
    ("row-count-changed", theirs(*enriched(0, "acme.loader"), files=metric("rows_written", 200))),
    (
        "row-count-changed",
        theirs(*enriched(50, "duckdb.processor", query="SELECT * FROM df WHERE a"), files=metric("rows_written", 50)),
    ),
    ("row-count-changed", ours(*written(200))),
    ("row-count-changed", ours(*written(100, write_mode="upsert"))),
    ("row-count-changed", ours(*keeping_last(195, "sku", "quantity"))),
    ("row-count-changed", ours(*keeping_last(90, "city", "changed_at"))),
    ("row-count-changed", ours(*keeping_last(90, "city", dtype="datetime64[us]"))),
    ("row-count-changed", ours(*keeping_last(90, "city", "version"))),
    ("row-count-changed", ours(*keeping_last(90, "sku", repeated=110))),
    ("row-count-changed", ours(*keeping_last(200, "line_no"))),
    ("row-count-changed", ours(*keeping_last(90, "sku", on_duplicate_keys="error"))),
    ("row-count-changed", ours(*keeping_last(90, "sku", primary_key=None))),
    (
        "row-count-changed",
        (
            [
                local("step_start", 1, step_id="today", driver="x.extractor"),
                local("step_complete", 2, step_id="today", driver="x.extractor"),
                local("step_start", 3, step_id="all", driver="x.extractor"),
                local("inputs_resolved", 3, step_id="all", from_step="today", key="df", rows=0, from_memory=True),
                local("step_complete", 4, step_id="all", driver="x.extractor"),
                local("run_end", 5),
            ],
            [("today", "x.extractor", []), ("all", "x.extractor", ["today"])],
            {"metrics.jsonl": '{"ts": "2026-01-01T00:00:03+00:00", "metric": "rows_read", "value": 2500}\n'},
        ),
    ),
    ("zero-rows-from-source", ours(*optional())),
    ("zero-rows-from-source", theirs(*optional())),
    ("zero-rows-from-source", ours(*optional("SELECT * FROM df_src s FULL JOIN (VALUES (1)) v ON s.a = v.a"))),
)  # fmt: skip


def report(tmp_path: Path, made: Made) -> Report:
    events, steps, files = made
    return analyze(run_dir(tmp_path, events, steps=steps, files=files))


def messages(tmp_path: Path, made: Made) -> dict[str, str]:
    return {finding.id: finding.message for finding in report(tmp_path, made).findings}


def test_word_among_a_few_words_is_a_note(tmp_path: Path) -> None:
    (finding,) = [
        finding
        for finding in report(tmp_path, missing("None", "word")).findings
        if finding.rule == "word-read-as-missing"
    ]
    assert finding.severity == "note"


@pytest.mark.parametrize(
    ("made", "message", "fix"),
    [
        (
            missing(),
            "5 of 20 values of 'country' are 'NA' and were read as missing; the others are codes of the same form",
            "set keep_default_na: false to read 'NA' as text; if it means a missing value, set na_values: [NA]",
        ),
        (
            shortened(),
            "12 of 12 values of 'ean' are numbers in scientific notation with few digits, such as 1.23457E+12; they have only 1 different value",
            "export the file again from its source with this column formatted as text: a spreadsheet dropped the digits",
        ),
        (
            month_first("%m.%d.%Y %H:%M"),
            "'day' was read with the month first (%m.%d.%Y %H:%M), but none of its 36 different dates has a day above 12: the file probably has the day first",
            "remove 'day' from parse_dates, and convert its text in the next query: strptime(\"day\", '%d.%m.%Y %H:%M')",
        ),
        (
            odd("price", "1,250.00", decimals=300),
            "1 of 400 values of 'price' is not a number: '1,250.00' in line 79, a number with another separator; so the column became text",
            "set thousands: ',' in the step; if 'price' is text, set its dtype to str",
        ),
        (
            odd("price", "12,5"),
            "1 of 400 values of 'price' is not a number: '12,5' in line 79, a number with another separator; so the column became text",
            "set decimal: ',' in the step; if 'price' is text, set its dtype to str",
        ),
        (
            odd("price", "12,5", decimals=300),
            "1 of 400 values of 'price' is not a number: '12,5' in line 79, a number with another separator; so the column became text",
            "correct the value in the file; if 'price' is text, set its dtype to str",
        ),
        (
            signed(repeated_blocks=2),
            "the source has all of its rows twice, block after block: the first 25 rows come again in the same order",
            "have the file written once, from the beginning: it was appended to itself, or joined with its copy; if its rows repeat on purpose, allow this rule for the step",
        ),
    ],
)
def test_value_read_wrong_is_told_with_its_fix(tmp_path: Path, made: Made, message: str, fix: str) -> None:
    assert [(finding.message, finding.fix) for finding in report(tmp_path, made).findings] == [(message, fix)]


@pytest.mark.parametrize(("rule", "made"), HITS)
def test_finding_of_a_green_run_is_a_warning_with_a_fix(tmp_path: Path, rule: str, made: Made) -> None:
    findings = [finding for finding in report(tmp_path, made).findings if finding.rule == rule]
    assert [(finding.severity, bool(finding.fix)) for finding in findings] == [("warning", True)]


@pytest.mark.parametrize("uses", ["left", "", None])
def test_inner_join_that_only_filters_is_a_note(tmp_path: Path, uses: str | None) -> None:
    findings = report(tmp_path, ours(*joined(700, join=keys(800, 0, 700) | {"uses": uses}))).findings
    found = [finding for finding in findings if finding.step == "j"]
    assert [(finding.id, finding.severity) for finding in found if finding.step == "j"] == [
        ("join-hardly-matches@j", "note")
    ]
    assert found[0].message == (
        "the inner join dropped 300 of 1,000 rows of the table in FROM, which have no partner"
    )


@pytest.mark.parametrize(
    ("query", "severity"),
    [
        ("SELECT a.* FROM df_a a LEFT JOIN df_b b ON a.id = b.id WHERE b.id IS NULL", "note"),
        (
            "SELECT a.* FROM df_a a LEFT OUTER JOIN df_b AS r USING (id) WHERE a.v > 1 AND r.id IS NULL",
            "note",
        ),
        ("SELECT * FROM df_a a WHERE NOT EXISTS (SELECT 1 FROM df_b b WHERE b.id = a.id)", "note"),
        ("SELECT * FROM df_a WHERE id NOT IN (SELECT id FROM df_b)", "note"),
        ("SELECT * FROM df_a ANTI JOIN df_b USING (id)", "note"),
        ("SELECT id FROM df_a EXCEPT SELECT id FROM df_b", "note"),
        ("(SELECT id FROM df_a) EXCEPT ALL (SELECT id FROM df_b)", "note"),
        ("SELECT id FROM df_a GROUP BY id HAVING count(*) > 1", "note"),
        ("DESCRIBE df_a", "warning"),
        ("SELECT a.* FROM df_a a LEFT JOIN df_b b ON a.id = b.id WHERE a.closed_at IS NULL", "warning"),
        ("SELECT a.* FROM df_a a LEFT JOIN df_b b ON a.id = b.id WHERE b.id IS NOT NULL", "warning"),
        ("SELECT a.* FROM df_a a JOIN df_b b ON a.id = b.id WHERE b.closed_at IS NULL", "warning"),
        ("SELECT * FROM df_a WHERE status NOT IN ('new', 'paid')", "warning"),
        ("SELECT * EXCEPT (id) FROM df_a JOIN df_b USING (id)", "warning"),
        ("SELECT id FROM df_a GROUP BY id HAVING count(*) > 10", "warning"),
    ],
)
def test_no_difference_between_inputs_is_a_note(tmp_path: Path, query: str, severity: str) -> None:
    findings = report(tmp_path, ours(*joined(0, query))).findings
    assert [finding.severity for finding in findings if finding.id == "all-rows-lost@j"] == [severity]


@pytest.mark.parametrize(
    ("query", "sought"),
    [
        ("SELECT id FROM df_a EXCEPT SELECT id FROM df_b", "rows that differ"),
        (
            "SELECT a.* FROM df_a a LEFT JOIN df_b b ON a.id = b.id WHERE b.id IS NULL",
            "rows without a partner",
        ),
        ("SELECT id FROM df_a WHERE id NOT IN (SELECT id FROM df_b)", "rows without a partner"),
        ("SELECT id FROM df_a GROUP BY id HAVING count(*) > 1", "keys that occur more than once"),
    ],
)
def test_query_without_rows_says_what_it_sought(tmp_path: Path, query: str, sought: str) -> None:
    message = messages(tmp_path, ours(*joined(0, query)))["all-rows-lost@j"]
    assert (
        message == f"received 1,200 rows and produced 0: the query returns only {sought}, and there were none"
    )


def test_empty_source_names_a_sentence_as_header(tmp_path: Path) -> None:
    out = {"columns": ["Your export is being prepared"], "dtypes": ["str"]}
    made = ours(
        step("src", "x.extractor", rows=0, out=out), step("save", "x.writer", "src", rows=0, path="o.csv")
    )
    assert messages(tmp_path, made)["zero-rows-from-source@src"] == (
        "produced 0 rows, and so did 'save' after it; its only column is named 'Your export is being prepared'"
    )


@pytest.mark.parametrize("columns", [["id"], ["net amount in EUR", "day"], ["Total amount EUR"]])
def test_empty_source_with_usual_columns_names_none(tmp_path: Path, columns: list[str]) -> None:
    out = {"columns": columns, "dtypes": ["str"] * len(columns)}
    found = messages(tmp_path, ours(step("src", "x.extractor", rows=0, out=out)))
    assert found["zero-rows-from-source@src"] == "produced 0 rows"


def test_empty_source_names_the_empty_steps(tmp_path: Path) -> None:
    steps = (
        step("src", "x.extractor", rows=0),
        step("u", "x.y", "src", rows=0),
        step("save", "x.writer", "u", rows=0),
    )
    assert messages(tmp_path, ours(*steps))["zero-rows-from-source@src"] == (
        "produced 0 rows, and so did 'u' and 'save' after it"
    )


def test_writer_that_wrote_half_says_how_many_are_missing(tmp_path: Path) -> None:
    found = messages(tmp_path, ours(*written(100)))
    assert found["row-count-changed@load"] == "received 200 rows and wrote 100: 100 are missing"


def test_file_that_was_delivered_twice_is_named(tmp_path: Path) -> None:
    found = messages(tmp_path, copied("orders.csv", "orders (1).csv"))
    assert found["rows-delivered-twice@src"] == (
        "60 of 120 rows are duplicates: each repeats another row as a whole; 'in/orders (1).csv' seems to be a copy of 'in/orders.csv', so its 60 rows come twice"
    )


def test_writer_that_keeps_one_row_of_each_key_names_the_missing_column(tmp_path: Path) -> None:
    found = messages(tmp_path, ours(*keeping_last(90, "line_no", "sku")))
    assert found["row-count-changed@load"] == (
        "received 200 rows and wrote 90: 110 rows were left out, because the key 'order_id' occurs more than once and only "
        "the last row of each key is kept; 'line_no' is not in the key"
    )


def test_column_lost_in_a_step_names_its_input(tmp_path: Path) -> None:
    source = step("src", "x.extractor", rows=3, out=counted(3, id=0, city=0))
    joined_step = step(
        "j", "duckdb.processor", "src", rows=3, out=counted(3, id=0, city=3), query="SELECT * FROM df"
    )
    assert messages(tmp_path, ours(source, joined_step)) == {
        "column-all-null@j": "'city' had no values in any of 3 rows, although the input had some"
    }


@pytest.mark.parametrize("sign", ["replacement_characters", "double_encoded"])
def test_one_garbled_character_is_a_note(tmp_path: Path, sign: str) -> None:
    findings = report(tmp_path, signed(**{sign: 1})).findings
    assert [(finding.id, finding.severity) for finding in findings] == [("text-garbled@src", "note")]


def test_blank_column_of_a_source_is_a_note(tmp_path: Path) -> None:
    findings = report(tmp_path, ours(*blank("SELECT id, city FROM df", before=["city"]))).findings
    assert [(finding.id, finding.severity, finding.message) for finding in findings] == [
        ("column-all-null@src", "note", "'city' had only blank text in all of 300 rows")
    ]


def test_column_empty_at_the_source_is_no_finding(tmp_path: Path) -> None:
    assert messages(tmp_path, ours(*cast("SELECT id, email AS amount FROM df", before=300))) == {}


def test_column_of_an_empty_optional_input_is_no_finding(tmp_path: Path) -> None:
    orders = step("orders", "x.extractor", rows=3, out=counted(3, id=0))
    none = step("none", "x.extractor", rows=0, out=counted(0, id=0, name=0))
    query = "SELECT o.*, n.name FROM df_orders o LEFT JOIN df_none n USING (id)"
    made = step("j", "duckdb.processor", "orders", "none", rows=3, out=counted(3, id=0, name=3), query=query)
    assert messages(tmp_path, ours(orders, none, made)) == {}


def test_count_of_an_empty_source_does_not_hide_it(tmp_path: Path) -> None:
    made = ours(*optional("SELECT count(*) AS n FROM df_src"))
    assert messages(tmp_path, made) == {
        "zero-rows-from-source@src": "produced 0 rows; 'u' and 'save' have rows nevertheless"
    }


@pytest.mark.parametrize("values", [[None, None], [float("nan"), float("nan")]])
def test_nulls_of_an_old_run_come_from_the_footer(tmp_path: Path, values: list[float | None]) -> None:
    events, steps, files = ours(SRC, step("shape", "x.filter", "src", rows=2))
    run = run_dir(tmp_path, events, steps=steps, files=files)
    table = pa.table(
        {"id": [1, 2], "amount": pa.array(values, pa.float64()), "city": pa.array([None] * 2, pa.string())}
    )
    (run / "artifacts" / "shape").mkdir(parents=True)
    pq.write_table(table, run / "artifacts" / "shape" / "output.parquet", write_statistics=["id", "amount"])
    (run / "artifacts" / "shape" / "schema.json").write_text(
        '{"id": "int64",\n "amount": "float64",\n "city": "str"}'
    )
    findings = [finding for finding in analyze(run).findings if finding.rule == "column-all-null"]
    assert [finding.message for finding in findings] == ["'amount' had no values in any of 2 rows"]
    assert findings[0].evidence[0].file == "artifacts/shape/schema.json"


CLAIMS = {"left_rows": 500, "right_rows": 320, "matched": 239, "right_matched": 320, "uses": "both"}
"""The counts of a join of policies with their claims."""


@pytest.mark.parametrize(
    ("counts", "severity"),
    [
        (CLAIMS | {"left_duplicates": 0, "right_duplicates": 81}, None),
        (CLAIMS | {"left_duplicates": 0, "right_duplicates": 81, "right_matched": 280}, "note"),
        (CLAIMS | {"left_duplicates": 0, "right_duplicates": 0, "right_rows": 239, "right_matched": 239}, "note"),
        (CLAIMS | {"left_duplicates": 90, "right_duplicates": 0, "right_rows": 239, "right_matched": 239}, "warning"),
        (keys(800, 0, 900) | {"uses": "both", "left_newer": 50}, "note"),
        (keys(800, 0, 900) | {"uses": "left", "left_newer": 100}, "note"),
        (keys(800, 0, 960) | {"uses": "both", "left_newer": 40}, None),
        (keys(0, 0, 900, 180) | {"uses": "both", "left_newer": 100}, "note"),
    ],
)  # fmt: skip
def test_rows_that_an_inner_join_may_drop_are_no_warning(
    tmp_path: Path, counts: Mapping[str, Any], severity: str | None
) -> None:
    findings = report(tmp_path, ours(*joined(900, join=counts))).findings
    assert [one.severity for one in findings if one.rule == "join-hardly-matches"] == (
        [severity] if severity else []
    )
