"""Rules that compare a run with earlier runs of its pipeline: histories that must hit, and near misses."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import without_dates
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from tests.inspector.making import local, native, run_dir
from tests.inspector.test_rules_of_green_runs import ours, step

HOUR_MS = 3_600_000
FIRST_MS = 1767225600000  # 2026-01-01 00:00 UTC
OUT: Mapping[str, Any] = {"columns": ["id"], "dtypes": ["int64"], "nulls": [0]}
Day = Mapping[str, Any]
"""What is special about a run: see ``run``."""
STORES = "abcdef"
COLUMNS: Mapping[str, tuple[str, int, Any, str | None]] = {
    "id": ("int64", 0, "many", "100"),
    "name": ("str", 0, "many", None),
    "day": ("datetime64[us]", 0, "few", None),
}
"""Type, nulls, number of distinct values and largest value of each column."""


def run(folder: Path, hour: float, day: Day) -> Path:
    """A run of a source and a writer, ``hour`` hours after the first.

    Keys of ``day``: ``data`` (the fingerprint), ``rows``, ``columns``, ``newest`` (of ``day``), ``query``, ``writer``
    (its configuration), ``server``, ``source`` (of the plan), ``metrics``, ``events``, ``names`` (of the steps), ``driver``,
    ``period`` (of ``day``), ``ranges`` (smallest and largest value of each column), ``result`` (of a step between them), ``files`` (with their rows) and what is ``described`` beside them, other ``facts`` of the source's frame, ``ok`` (None for a run without a status and a run card), ``failed`` (steps).
    """
    rows, columns = day.get("rows", 100), {**COLUMNS, **day.get("columns", {})}
    if "newest" in day:
        columns["day"] = ("datetime64[us]", 0, "few", day["newest"])
    columns = {name: values for name, values in columns.items() if values is not None}
    dtypes, nulls, distinct, high = (list(each) for each in zip(*columns.values(), strict=True))
    out = {"columns": [*columns], "dtypes": dtypes, "nulls": nulls, "distinct": distinct, "max": high}
    if "negatives" in day:
        out["negatives"] = day["negatives"]
    if "unique" in day:
        out["unique"] = day["unique"]
    if "period" in day:
        out["min"] = [day["period"][0] if name == "day" else None for name in columns]
        out["max"] = [day["period"][1] if name == "day" else None for name in columns]
    if "ranges" in day:
        out["min"], out["max"] = ([ends[number] for ends in day["ranges"]] for number in (0, 1))
    if "files" in day:
        out["source"] = source_of(day["files"]) | day.get("described", {})
    out |= day.get("facts", {})
    query = day.get("query", "SELECT * FROM t")
    source, target = day.get("names", ("src", "save"))
    middle = [result_of(day["result"])] if "result" in day else []
    last = "recent" if middle else source
    written = day["result"]["rows"] if middle else rows
    steps = (
        step(
            source,
            day.get("driver", "x.extractor"),
            rows=rows,
            out={**out, "fingerprint": day.get("data", f"data of {hour}")},
            **({"query": query} if query else {}),
        ),
        *middle,
        step(target, "x.writer", last, rows=written, **day.get("writer", {"table": "stats"})),
    )
    events, planned, files = ours(*steps)
    plan = native(
        "plan", 0, steps=[], source=day.get("source", {"text": "sha256:1", "profile": None, "params": {}})
    )
    cards = [
        {
            "step_id": one["id"],
            "driver": one["driver"],
            "status": "failed" if one["id"] in day.get("failed", ()) else "succeeded",
            "rows_out": one["rows"],
            "duration_ms": 9,
        }
        for one in steps
    ]
    status = {
        "ok": day.get("ok", True),
        "pipeline": "demo",
        "steps_completed": len(steps),
        "steps_total": len(steps),
    }
    ended = {"artifacts/_system/run_card.json": {"steps": cards}, "status.json": json.dumps(status)}
    cleaned = {"resolved_connection": day["server"]} if "server" in day else {}
    files = {
        **files,
        **(ended if status["ok"] is not None else {}),
        f"artifacts/{target}/cleaned_config.json": cleaned,
    }
    said = [{**native("", 20), **fields} for fields in day.get("events", ())]
    name = f"run_{FIRST_MS + int(hour * HOUR_MS)}"
    return run_dir(
        folder,
        [plan, *events[:-2], *said, *events[-2:]],
        steps=planned,
        files=files,
        name=name,
        metrics=day.get("metrics", ()),
    )


def result_of(result: Day) -> dict[str, Any]:
    """A step ``recent`` between the source and the writer: its ``rows``, ``data`` and, if it has one, ``query``."""
    config = {"query": result["query"]} if "query" in result else {"code": "recent"}
    kept_keys = ("filters", "unique", "join", "columns", "dtypes", "nulls", "value_counts")
    more = {key: result[key] for key in kept_keys if key in result}
    out = {**OUT, "fingerprint": result["data"], **more}
    return step("recent", "x.processor", "src", rows=result["rows"], out=out, **config)


def source_of(files: Mapping[str, int]) -> dict[str, Any]:
    """The facts that an extractor records of files with their rows."""
    empty = sum(not rows for rows in files.values())
    return {
        "files_read": len(files),
        "files": [{"path": path, "rows": rows} for path, rows in files.items()],
        **({"files_without_rows": empty} if 0 < empty < len(files) else {}),
    }


def history(folder: Path, days: Sequence[Day], *, hours: float = 24, last_after: float | None = None) -> Path:
    """One run a day, oldest first; return the last, which may begin at another time after the one before it."""
    for number, day in enumerate(days[:-1]):
        run(folder, number * hours, day)
    return run(folder, (len(days) - 2) * hours + (hours if last_after is None else last_after), days[-1])


def appending(data: str, **more: Any) -> Day:
    return {"data": data, "writer": {"table": "stats", "write_mode": "append"}, **more}


def asked(day: int, **more: Any) -> Day:
    return {"query": f"SELECT * FROM t WHERE day = '2026-01-0{day}'", **more}


def columns(**changed: Any) -> Day:
    return {"columns": changed}


def to_server(database: str, host: str = "db1", **more: Any) -> Day:
    writer = {"table": "stats", "connection": "@mysql.dwh"}
    return {"server": {"host": host, "port": "3306", "database": database}, "writer": writer, **more}


def source(text: str = "sha256:1", profile: str | None = None, **params: str) -> Day:
    return {"text": text, "profile": profile, "params": params}


def to_file(path: str, **more: Any) -> Day:
    return {"writer": {"path": path}, **more}


APPENDED = {"metric": "rows_appended", "value": 100, "tags": {"step": "save"}}
NEWEST = [{"newest": f"2026-01-0{number} 08:00:00"} for number in range(1, 6)]


def largest(number: int, name: str = "id") -> Day:
    return columns(**{"id": None, "day": None, name: ("int64", 0, "many", str(number))})


IDS = [largest(number) for number in (100, 200, 300, 400, 500)]


def measured(weight: tuple[str, str], pieces: tuple[str, str] = ("1", "9"), name: str = "weight") -> Day:
    """A run with the ranges of two columns of numbers."""
    numbers = {name: ("float64", 0, "many", None), "pieces": ("float64", 0, "many", None)}
    return {"columns": {"id": None, "name": None, "day": None, **numbers}, "ranges": [weight, pieces]}


def sensed(
    ends: tuple[str, str],
    sentinel: tuple[str, int, str] | None = None,
    *,
    nulls: int = 0,
    name: str = "temperature",
) -> Day:
    """A run with the range of a column, and with a number at its end, its rows and the next number."""
    described = {
        "columns": {"id": None, "name": None, "day": None, name: ("float64", nulls, "many", None)},
        "ranges": [ends],
        "rows": 960,
    }
    found = [dict(zip(("value", "rows", "next"), sentinel, strict=True))] if sentinel else []
    return {**described, "facts": {"sentinels": dict.fromkeys([name], *found)}} if found else described


def booked(
    negatives: int | None, lows: str = "-59000", *, name: str = "amount", rows: int = 200, high: str = "60000"
) -> Day:
    """A run with a number of negative amounts; None if they were not counted."""
    described = {
        "columns": {"id": None, "name": None, "day": None, name: ("int64", 0, "many", None)},
        "ranges": [(lows, high)],
    }
    return {**described, "rows": rows, **({} if negatives is None else {"negatives": [negatives]})}


OLDER = [booked(None, low) for low in ("-58000", "-59900", "-57000", "-59000")]
KILOGRAMS, GRAMS = measured(("0.2", "29")), measured(("210", "29900"))


def upserting(*rows: int, mode: str = "upsert", **more: Any) -> list[Day]:
    return [{"rows": number, "writer": {"table": "stats", "write_mode": mode}, **more} for number in rows]


def counted(*rows: int) -> list[Day]:
    return [{"rows": number} for number in rows]


def reading(*names: str, **rows: int) -> Day:
    """A run that reads these files, of 20 rows unless ``rows`` says how many."""
    return {"files": {f"in/{name}.csv": rows.get(name, 20) for name in names}}


def dated(first: int, last: int, month: int = 1) -> Day:
    return reading(*(f"2026-{month:02}-{day:02}" for day in range(first, last + 1)))


def growing(
    number: int, data: str = "r", rows: int = 80, query: str | None = "SELECT * FROM df", by: int = 20
) -> Day:
    """A run with more input than the one before, and a step ``recent``."""
    asked_for = {} if query is None else {"query": query}
    return {"rows": 100 + by * number, "result": {"rows": rows, "data": data, **asked_for}}


def kept(
    rows: int, of: int = 800, *, query: str | None = "SELECT id FROM df WHERE status = 'paid'", **more: Any
) -> Day:
    """A run with a step ``recent`` that keeps some rows of its input."""
    asked_for = {} if query is None else {"query": query}
    result = {"rows": rows, "data": f"{rows} of {of}", **asked_for, **more}
    return {"rows": of, "result": result, **({"unique": ["id"]} if query is None else {})}


def counting(kept_rows: int, of: int = 800) -> Day:
    """A run with a step ``recent`` of one row, whose condition was counted."""
    query = "SELECT count(*) AS id FROM df WHERE status = 'paid'"
    return kept(1, of, query=query, filters=[{"table": "df", "rows": of, "kept": kept_rows}])


PAID = [
    kept(rows, of)
    for rows, of in ((640, 800), (700, 870), (600, 760), (655, 810), (590, 740), (610, 780), (650, 820))
]


GROUPED = "SELECT city AS id, sum(a) AS a FROM df GROUP BY city"


def covering(first: str, last: str | None = None, **more: Any) -> Day:
    """A run that appends the rows of some days of January 2026."""
    period = (f"2026-01-{first} 00:10:00", f"2026-01-{last or first} 23:50:00")
    return {"period": period, "writer": {"table": "stats", "write_mode": "append"}, **more}


def windows(*ends: tuple[str, str], form: str = "at >= '{}' AND at < '{}'", **more: Any) -> list[Day]:
    """Runs that append the rows of a period of January 2026."""
    return [
        appending(
            f"data of {first}",
            query=f"SELECT * FROM t WHERE {form.format(f'2026-01-{first}', f'2026-01-{last}')}",
            **more,
        )
        for first, last in ends
    ]


DAYS = (("05", "06"), ("06", "07"), ("07", "08"))
LATER = ("08 06:00:00", "09 06:00:00")


def of_stores(day: int | None = None, **rows: int) -> Day:
    """A run that reads a file of each store, perhaps with the day in its name, of 150 rows unless ``rows`` says how many."""
    date = "" if day is None else f"-2026-01-0{day}"
    files = {f"in/{name}{date}.csv": rows.get(name, 150) for name in STORES}
    return {"files": files, "rows": sum(files.values())}


def emptied(texts: int, nulls: int = 0) -> Day:
    """A run with empty texts among the names."""
    return {**columns(name=("str", nulls, "many", None)), "facts": {"odd_values": {"name": {"": texts}}}}


def loading(rows: int, low: int = 1, first: str = "ab12cd", **more: Any) -> Day:
    """A run that appends products with an id and a code."""
    kept = {"id": None, "name": None, "day": None}
    ids = {
        "product_id": ("int64", 0, "many", None),
        "sku": ("str", 0, "many", None),
        **more.pop("others", {}),
    }
    ends = [(str(low), str(low + rows - 1)), (None, None), *more.pop("ends", [])]
    unique = more.pop("unique", ["product_id", "sku"])
    facts = {"unique": unique, "first_keys": {"sku": first} if "sku" in unique else {}}
    return {
        "rows": rows,
        "columns": {**kept, **ids},
        "ranges": ends,
        "facts": facts,
        "writer": APPENDS,
        **more,
    }


def valued(counts: Mapping[str, int], name: str = "country", dtype: str = "str", **more: Any) -> Day:
    """A run whose source has so many rows with each value of a column; others have none."""
    rows = more.pop("rows", sum(counts.values()))
    nulls = max(0, rows - sum(counts.values()))
    column = {"id": ("int64", 0, "many", None), "day": None, name: (dtype, nulls, "few", None)}
    facts = {"value_counts": {name: sorted([value, count] for value, count in counts.items())}}
    return {"rows": rows, "columns": column, "facts": facts, **more}


def selling(*counts: int, **more: Any) -> Day:
    """A run with these rows of countries."""
    names = ("CZ", "DE", "AT", "PL", "SK", "HU", "IT", "FR", "ES")
    return valued({name: rows for name, rows in zip(names, counts, strict=False) if rows}, **more)


def in_markets(counts: Mapping[str, int], dropped: str = "", **more: Any) -> Day:
    """A run with a step that keeps the countries of a list."""
    kept_counts = {name: rows for name, rows in counts.items() if name not in dropped.split()}
    query = more.pop("query", "SELECT country FROM df WHERE country IN ('CZ', 'SK', 'PL')")
    counted = {
        "columns": ["country"],
        "dtypes": ["str"],
        "nulls": [0],
        "value_counts": {"country": sorted([name, rows] for name, rows in kept_counts.items())},
    }
    kept_rows = sum(kept_counts.values())
    result = {"rows": kept_rows, "data": f"{counts}", "query": query, **(more.pop("counted", counted))}
    return valued(counts, result=result, **more)


def in_sites(counts: Mapping[str, int], dropped: str = "") -> Day:
    """A run with a step that keeps the sites of a list of numbers."""
    kept_rows = sum(rows for name, rows in counts.items() if name != dropped)
    filters = [{"table": "df", "rows": sum(counts.values()), "kept": kept_rows}]
    result = {
        "rows": 1,
        "data": f"{counts}",
        "query": "SELECT count(*) AS id FROM df WHERE site_id IN (1, 2, 3)",
        "filters": filters,
    }
    return valued(counts, name="site_id", dtype="int64", result=result)


def counted_markets(counts: Mapping[str, int], kept_rows: int) -> Day:
    """The same with a step of one row, whose condition was counted."""
    filters = [{"table": "df", "rows": sum(counts.values()), "kept": kept_rows}]
    query = "SELECT count(*) AS id FROM df WHERE country IN ('CZ', 'SK', 'PL')"
    return in_markets(counts, query=query, counted={"rows": 1, "filters": filters})


def filed(other: int, rows: int = 1000, query: str | None = None, value: str = "Other") -> Day:
    """A run with a step that assigns regions, of which some rows get a word for others."""
    asked_for = query or "SELECT id, coalesce(m.region, 'Other') AS region FROM df LEFT JOIN m USING (id)"
    counts = {"North": (rows - other) // 2, "South": (rows - other) - (rows - other) // 2, value: other}
    found = sorted([name, count] for name, count in counts.items() if count)
    more = {"columns": ["region"], "dtypes": ["str"], "nulls": [0], "value_counts": {"region": found}}
    return {"rows": rows, "result": {"rows": rows, "data": f"{counts}", "query": asked_for, **more}}


WEEK = [
    selling(310, 260, 170, 240, 120),
    selling(300, 250, 180, 251, 118),
    selling(322, 270, 166, 229, 126),
] * 2
MARKETS = [
    {"CZ": 270, "SK": 140, "PL": 132},
    {"CZ": 280, "SK": 130, "PL": 131},
    {"CZ": 268, "SK": 138, "PL": 135},
] * 2
NEW_MARKET = {"CZ": 275, "SK": 133, "PL": 130, "HU": 186}
SHOPS = [valued({f"{shop}": 60 + shop % 40 for shop in range(101, 110)}, name="store", dtype="int64")] * 6

APPENDS = {"table": "stats", "write_mode": "append"}
CREATED = {"created_at": ("str", 0, "many", None)}
DAY_OF_LOAD = {"load_date": ("str", 0, 1, None)}


def created(rows: int, last: str, first: str = "2026-01-01 08:00:00") -> Day:
    """A run that appends events without a key, which were created in a period."""
    return loading(rows, low=rows, unique=[], others=CREATED, ends=[(first, f"2026-01-{last} 08:00:00")])


def covering_each(*days: int, **more: Any) -> list[Day]:
    return [covering(f"{day:02}", **more) for day in days]


DEV, PROD = source(profile="dev"), source(profile="prod")

HITS: Mapping[str, Mapping[str, Sequence[Day]]] = {
    "rows-appended-again": {
        "as in the last run": [appending("a"), appending("a")],
        "as in an older run": [appending("a"), appending("b"), appending("a")],
        "the period of the last run, with a changed row": covering_each(1, 2, 3, 3),
        "two periods of which one was written": [*covering_each(1, 2, 3), covering("03", "04", rows=200)],
        "an older period, with a changed row": covering_each(1, 2, 3, 4, 2),
        "all periods": [*covering_each(1, 2, 3), covering("01", "04", rows=400)],
        "the period of a run that failed later": [*covering_each(1, 2, 3), {**covering("04"), "ok": False}, covering("04")],
        "after a run that failed later": [appending("a", ok=False), appending("a")],
        "after an older run that failed later": [appending("a", ok=False), appending("b"), appending("a")],
        "after a run that was killed": [appending("a", ok=None), appending("a")],
        "by insert": [{"data": "a", "writer": {"table": "t", "write_mode": "insert"}}] * 2,
        "to a file": [{"data": "a", "writer": {"path": "o.csv", "append": True}}] * 2,
        "all rows of a table that grows": [loading(rows) for rows in (100, 102, 102, 105)],
        "all rows with a code, and other ids": [loading(100, low, unique=["sku"]) for low in (1, 2, 3, 4, 5)],
        "all rows with the time of their creation": [loading(rows, others=CREATED, ends=[("2026-01-01", f"2026-01-{rows - 80}")]) for rows in (100, 101, 102, 103)],
        "all events since the first": [created(100 + day, f"{day:02}") for day in (2, 3, 4, 5)],
        "said by a metric": [{"data": "a", "metrics": [APPENDED]}] * 2,
        "said by an event": [{"data": "a", "events": [{"event": "write.start", "step_id": "save", "mode": "append"}]}] * 2,
        "with a mode of Spark": [{"data": "a", "writer": {"table": "t", "save_mode": "append"}}] * 2,
        "after a first full load": [{"data": "a", "writer": {"table": "stats", "write_mode": "replace"}}, appending("a")],
    },
    "no-new-data": {
        "the rows of the last run": [{}, {}, {"data": "c"}, {"data": "c"}],
        "the rows of an older run": [{}, {"data": "b"}, {}, {}, {"data": "b"}],
        "for another day": [*(asked(day) for day in (1, 2)), *(asked(day, data="c") for day in (3, 4))],
        "the newest day of the last run": [*NEWEST, NEWEST[-1]],
        "the newest day of rows with the time of their reading": [
            {**day, **columns(read_at=("timestamp[us]", 0, 1, f"2026-02-0{number} 09:00:00"))}
            for number, day in enumerate([*NEWEST, NEWEST[-1]], start=1)
        ],
        "an older newest day as text": [
            {**columns(day=None, ordered_on=("str", 0, "many", None)), "ranges": [(None, None), (None, None), ("2026-01-01", f"2026-02-{last}")]}
            for last in ("10", "11", "13", "14", "12")
        ],
        "the newest time of the last run as text": [
            {**columns(day=None, ordered_at=("str", 0, "many", None)), "ranges": [(None, None), (None, None), ("2026-01-01T08:00:00Z", f"2026-02-{last}T08:00:00Z")]}
            for last in ("10", "11", "13", "14", "14")
        ],
        "an older newest day": [*NEWEST, NEWEST[1]],
        "the rows of the last three runs": [{}, {}, *[{"data": "c"}] * 4],
        "the rows of the last five runs": [{}, {}, *[{"data": "c"}] * 6],
        "the rows of the last run, and a run between that failed before reading": [{}, {}, {"data": "c"}, {"ok": False, "failed": ("src", "save")}, {"data": "c"}],
        "the rows of a run that failed a day before": [{}, {}, {}, {"data": "c", "ok": False, "failed": ("save",)}, {"data": "c"}],
        "the newest day of the last two runs": [*NEWEST, NEWEST[-1], NEWEST[-1]],
        "an older newest day for the second time": [*NEWEST, NEWEST[1], NEWEST[1]],
        "a smaller id": [*IDS, largest(250)],
        "a smaller id for the second time": [*IDS, largest(250), largest(250)],
    },
    "period-missing": {
        "a day": covering_each(1, 2, 3, 5),
        "two days": covering_each(6, 7, 8, 11),
        "a day of dates only": [{**covering("01"), "period": (f"2026-01-0{day}", f"2026-01-0{day}")} for day in (5, 6, 7, 9)],
        "a day whose run failed": [*covering_each(1, 2, 3), {**covering("04"), "ok": False, "failed": ("save",)}, covering("05")],
        "a weekend of daily data": covering_each(10, 11, 12, 13, 14, 15, 16, 19),
        "with upsert": covering_each(1, 2, 3, 5, writer={"table": "stats", "write_mode": "upsert"}),
        "six hours that no query asks for": windows(*DAYS, LATER),
        "a day that no query asks for": windows(*[(day, day) for day in ("05", "06", "07", "09")], form="day BETWEEN DATE '{}' AND DATE '{}'"),
        "after periods that overlap": windows(("03", "06"), ("04", "07"), ("05", "08"), ("09", "12")),
        "a Friday that no query asks for": windows(("06", "07"), ("07", "08"), ("08", "09"), ("12", "13")),
        "of another writer that failed": [*windows(*DAYS), windows(("08", "09"))[0] | {"ok": False, "failed": ("save",)}, *windows(("09", "10"))],
        "with types": windows(*DAYS, LATER, form="at > TIMESTAMP '{}' AND at <= TIMESTAMP '{}'"),
    },
    "result-stays-equal": {
        "rows of a fixed period": [growing(number, query="SELECT * FROM df WHERE day < '2026-01-01'") for number in range(4)],
        "the first rows of an order": [growing(number, query="SELECT * FROM df ORDER BY id LIMIT 80") for number in range(5)],
        "after other results": [growing(0, "q"), *[growing(number) for number in range(1, 5)]],
        "without a query": [growing(number, query=None, by=10) for number in range(5)],
        "a round number of other rows": [growing(number, f"r{number}", 100, None, 100) for number in range(5)],
    },
    "files-missing": {
        "of equally many": [*[reading(*STORES)] * 3, reading(*"abcef")],
        "the first of equally many": [*[reading(*STORES)] * 3, reading(*"bcdef")],
        "of files of the day": [*(reading(*(f"{name}-2026-01-0{day}" for name in "abcd")) for day in (1, 2, 3)), reading(*(f"{name}-2026-01-04" for name in "abd"))],
        "of files with other names each day": [*(reading(*(f"part-{day}{part}" for part in range(4))) for day in "xyz"), reading("part-u1", "part-u2", "part-u3")],
        "of a growing folder": [*(dated(1, last) for last in (3, 4, 5)), reading(*(f"2026-01-0{day}" for day in (1, 2, 4, 5, 6)))],
        "replaced by another": [*[reading(*"abc")] * 3, reading(*"abx")],
    },
    "file-without-rows": {
        "as never before": [*[reading(*STORES)] * 3, reading(*STORES, c=0)],
        "without earlier runs": [reading(*STORES), reading(*STORES, c=0)],
        "of the day": [*(dated(1, last) for last in (3, 4, 5)), {"files": {**dated(1, 5)["files"], "in/2026-01-06.csv": 0}}],
    },
    "file-form-differs": {
        "number format": [{**reading(*STORES), "described": {"other_format": [{"path": "c.csv", "column": "amount", "how": "number format"}]}}] * 2,
        "order": [{**reading(*STORES), "described": {"other_format": [{"path": "c.csv", "column": "0", "how": "order"}] * 2}}] * 2,
    },
    "source-columns-changed": {
        "missing": [{}, {}, columns(name=None)],
        "renamed": [{}, {}, columns(name=None, title=("str", 0, "many", None))],
        "of runs without configurations": [{"query": None}, {"query": None}, columns(name=None)],
        "text instead of numbers": [{}, {}, columns(id=("str", 0, "many", None))],
        "fractions": [{}, {}, columns(id=("float64", 0, "many", None))],
        "exchanged whole numbers and fractions in a text file": [*[{"driver": "filesystem.csv_extractor", **columns(price=("float64", 0, "many", None))}] * 2, {"driver": "filesystem.csv_extractor", **columns(id=("float64", 0, "many", None), price=("int64", 0, "many", None))}],
        "numbers instead of text": [{}, {}, columns(name=("Int64", 0, "many", None))],
    },
    "target-changed": {
        "another database": [to_server("dwh"), to_server("dwh"), to_server("test")],
        "another host": [to_server("dwh"), to_server("dwh"), to_server("dwh", "db2")],
        "another host of an edited pipeline": [to_server("dwh"), to_server("dwh"), to_server("dwh", "db2", source=source("sha256:2"))],
        "another profile": [*[to_file("out/dev.csv", source=DEV)] * 2, to_file("out/prod.csv", source=PROD)],
        "a table for tests in an edited pipeline": [{}, {}, {"writer": {"table": "stats_test"}, "source": source("sha256:2")}],
        "another path": [to_file("out/a-20260101.csv"), to_file("out/a-20260102.csv"), to_file("tmp/a-20260103.csv")],
    },
    "parameter-not-given": {
        "a day": [*({"source": source(day=f"2026-01-0{day}")} for day in (1, 2, 3)), {"source": source()}],
        "one of two": [*[{"source": source(day="2026-01-01", country="cz")}] * 3, {"source": source(country="cz")}],
    },
    "deleted-rows-kept": {
        "a fifth": upserting(300, 300, 300, 240),
        "of nearly equal counts": upserting(300, 301, 303, 270),
        "with merge": upserting(300, 300, 300, 240, mode="merge"),
    },
    "rows-stop-at-round-number": {
        "for the second time": counted(9412, 9806, 10_000, 10_000),
        "for the first time": counted(9412, 9640, 9806, 10_000),
        "a smaller number": counted(930, 964, 981, 1000),
    },
    "rows-delivered-twice": {
        "a key that was unique": [*[{"unique": ["id"]}] * 4, {"unique": []}],
        "a key beside another unique column": [*[{"unique": ["id", "day"]}] * 5, {"unique": ["day"]}],
    },
    "sentinel-value": {
        "instead of no value": [*[sensed(("17", "29"), nulls=72)] * 5, sensed(("-999", "29"), ("-999", 72, "17"))],
        "beside rows without a value": [*[sensed(("17", "29"))] * 3, sensed(("9999", "29"), ("9999", 40, "29"), nulls=7) | {"ranges": [("17", "9999")]}],
        "within a wide range": [*[sensed(("0", "5000"), name="power")] * 4, sensed(("-999", "5000"), ("-999", 3, "0"), name="power")],
        "-1 instead of no value": [*[sensed(("0", "80"), nulls=70, name="age_group")] * 4, sensed(("-1", "80"), ("-1", 72, "0"), name="age_group")],
    },
    "values-missing-or-new": {
        "a country": [*WEEK, selling(305, 0, 171, 238, 121)],
        "a country on the first Sunday, and the others as usual": [*WEEK[:3], selling(305, 0, 171, 238, 121)],
        "nearly a country": [*WEEK, selling(305, 2, 171, 238, 121)],
        "three stores of nine, which are numbers": [*SHOPS, valued({f"{shop}": 90 for shop in range(101, 107)}, name="store", dtype="int64")],
        "three hashes": [*[valued({f"#0000a{n}": 60 for n in range(9)}, name="agent")] * 4, valued({f"#0000a{n}": 60 for n in range(6)}, name="agent")],
        "a status that takes a third of the rows": [*[valued({"paid": 700, "open": 290, "failed": 10 + n}, name="status") for n in range(5)], valued({"paid": 400, "open": 260, "failed": 340}, name="status")],
        "unknown codes under a word": [*[filed(number) for number in (10, 16, 12, 9, 14)], filed(340)],
        "unknown codes under a word without rows before": [*[filed(0)] * 5, filed(340)],
        "a new country that a list drops": [*map(in_markets, MARKETS), in_markets(NEW_MARKET, "HU")],
        "a new number that a list drops": [
            *[in_sites({"1": 270, "2": 140, "3": 132})] * 6, in_sites({"1": 275, "2": 133, "3": 130, "4": 186}, "4"),
        ],
        "a new country that a counted list drops": [*[counted_markets(each, sum(each.values())) for each in MARKETS], counted_markets(NEW_MARKET, 538)],
    },
    "values-changed-scale": {
        "grams instead of kilograms": [KILOGRAMS, measured(("0.3", "28")), KILOGRAMS, GRAMS],
        "grams instead of whole kilograms": [*[measured(("1", "29"))] * 3, measured(("100", "29900"))],
        "euros instead of cents": [*[measured(("120", "9900"), name="price")] * 3, measured(("1.1", "98"), name="price")],
        "refunds without a sign": [*[booked(20)] * 7, booked(0, "300")],
        "refunds without a sign on a new day": [*[booked(30)] * 3, booked(0, "300")],
        "refunds without a sign in older runs": [*OLDER, booked(None, "300")],
        "costs with a sign": [*[booked(0, "3", name="cost")] * 7, booked(60, name="cost")],
        "all with a sign": [*[booked(0, "3", name="quantity")] * 4, booked(200, name="quantity", high="-2")],
        "all with a sign in older runs": [*[booked(None, "3", name="quantity")] * 4, booked(None, name="quantity", high="-2")],
        "the other sign": [*[booked(20)] * 7, booked(180)],
        "exchanged whole numbers of other units": [*[measured(("1", "40"), ("900", "45000"))] * 3, measured(("1122", "44925"), ("1", "39"))],
        "exchanged columns": [*[measured(("500", "1490"))] * 3, measured(("1", "9"), ("500", "1490"))],
    },
    "differs-from-earlier-runs": {
        "a condition that keeps less": [*PAID, kept(210)],
        "a condition that keeps much less on a new day": [*PAID[:3], kept(150)],
        "a condition that keeps half on a new day": [*PAID[:3], kept(360)],
        "a condition that keeps more": [*[kept(rows, 800) for rows in (160, 150, 170, 155, 165, 150, 160)], kept(560)],
        "a condition of an aggregate": [*[counting(rows) for rows in (640, 610, 660, 640, 650, 630, 620)], counting(330)],
        "a condition that keeps nothing": [*[counting(rows) for rows in (640, 610, 660)], counting(0)],
        "a driver that keeps less": [*[kept(rows, query=None, unique=["id"]) for rows in (640, 610, 660, 640, 650, 630, 620)], kept(300, query=None, unique=["id"])],
        "new nulls": [{}, {}, columns(name=("str", 40, "many", None))],
        "first nulls": [{}, {}, {}, columns(name=("str", 12, "many", None))],
        "no values any more": [{}, {}, columns(id=("float64", 100, 0, None))],
        "one file of several": [*[of_stores()] * 3, of_stores(c=60)],
        "one file of the day": [*(of_stores(day=day) for day in (1, 2, 3)), of_stores(day=4, c=60)],
        "empty texts in place of nulls": [*[columns(name=("str", 20, "many", None))] * 2, emptied(18)],
        "constant": [{}, {}, columns(name=("str", 0, 1, None))],
        "one of several values": [*[columns(name=("str", 0, "few", None))] * 2, columns(name=("str", 0, 1, None))],
        "several values or many": [columns(name=("str", 0, "few", None)), {}, columns(name=("str", 0, 1, None))],
    },
}  # fmt: skip
NEAR_MISSES: Mapping[str, Mapping[str, Sequence[Day]]] = {
    "rows-appended-again": {
        "other rows": [appending("a"), appending("b")],
        "replaced": [{"data": "a", "writer": {"table": "stats", "write_mode": "replace"}}] * 2,
        "upserted": [{"data": "a", "writer": {"table": "stats", "write_mode": "upsert"}}] * 2,
        "upserted, and counted": [{"data": "a", "metrics": [APPENDED], "writer": {"table": "t", "write_mode": "upsert"}}] * 2,
        "no mode": [{"data": "a"}] * 2,
        "another table": [appending("a", writer={"table": "other", "write_mode": "append"}), appending("a")],
        "another file a day": [{"data": "a", "writer": {"path": f"o-2026010{day}.csv", "mode": "append"}} for day in (1, 2)],
        "another server": [{**to_server(name), "data": "a", "writer": {"table": "t", "write_mode": "append"}} for name in "ab"],
        "replaced since": [appending("a"), {"data": "b", "writer": {"table": "stats", "write_mode": "replace"}}, appending("a")],
        "the writer of the earlier run failed": [appending("a", ok=False, failed=("save",)), appending("a")],
        "the earlier run failed, and was replaced since": [appending("a", ok=False), {"data": "a", "writer": {"table": "stats", "write_mode": "replace"}}, appending("b")],
        "an upsert of a run that failed later": [{"data": "a", "ok": False, "writer": {"table": "stats", "write_mode": "upsert"}}, appending("b")],
        "the next period": covering_each(1, 2, 3, 4),
        "a period that overlaps as always": [covering(f"0{day}", f"0{day + 1}") for day in (1, 2, 3, 4)],
        "a late row": [*covering_each(1, 2, 3), covering("03", "04", rows=101)],
        "late rows only": [*covering_each(1, 2, 3), covering("03", rows=3)],
        "an older period that is loaded later": covering_each(5, 6, 7, 2),
        "the period of a run whose writer failed": [*covering_each(1, 2, 3), {**covering("04"), "ok": False, "failed": ("save",)}, covering("04")],
        "the period again, with upsert": covering_each(1, 2, 3, 3, writer={"table": "stats", "write_mode": "upsert"}),
        "other rows in the run that failed": [appending("a", ok=False), appending("b")],
        "duplicates left out": [{"data": "a", "writer": {"table": "t", "write_mode": "insert", "on_conflict": "ignore"}}] * 2,
        "emptied before by SQL": [{"data": "a", "writer": {"table": "t", "write_mode": "append", "pre_sql": "TRUNCATE TABLE t"}}] * 2,
        "one row": [appending("a", rows=1)] * 2,
        "all rows, with the day of the load": [loading(rows, others=DAY_OF_LOAD, ends=[(None, None)]) for rows in (100, 102, 102, 105)],
        "all rows, replaced": [loading(rows, writer={**APPENDS, "write_mode": "replace"}) for rows in (100, 102, 102, 105)],
        "all rows of two earlier runs": [loading(rows) for rows in (100, 102, 105)],
        "new ids": [loading(100, low, first=f"{low}") for low in (1, 101, 201, 301)],
        "the codes of a batch that varies": [loading(rows, rows) for rows in (100, 90, 110, 95)],
        "a code that begins otherwise": [loading(100, low, first=f"{low}") for low in (1, 1, 2, 3)],
        "a measurement of each product a day": [
            loading(100, others={"measured_at": ("datetime64[us]", 0, "many", None)}, ends=[(f"2026-01-0{day} 00:10:00", f"2026-01-0{day} 23:50:00")])
            for day in (1, 2, 3, 4)
        ],
        "a measurement at an unknown time": [loading(100, others={"measured_at": ("str", 0, "many", None)}, ends=[(None, None)])] * 3 + [loading(101, others={"measured_at": ("str", 0, "many", None)}, ends=[(None, None)])],
        "events of the last days": [created(100 + day, f"{day + 2:02}", f"2026-01-0{day} 08:00:00") for day in (2, 3, 4, 5)],
        "renamed steps": [appending("a", names=("s", "w")), appending("a")],
    },
    "parameter-not-given": {
        "given": [{"source": source(day=f"2026-01-0{day}")} for day in (1, 2, 3, 4)],
        "never given": [{}] * 4,
        "given now and then": [{"source": source()}, *({"source": source(day=f"2026-01-0{day}")} for day in (1, 2, 3)), {"source": source()}],
        "two earlier runs": [*({"source": source(day=f"2026-01-0{day}")} for day in (1, 2)), {"source": source()}],
        "an edited pipeline": [*({"source": source(day=f"2026-01-0{day}")} for day in (1, 2, 3)), {"source": source("sha256:2")}],
    },
    "deleted-rows-kept": {
        "replaced": upserting(300, 300, 300, 240, mode="replace"),
        "appended": upserting(300, 300, 300, 240, mode="append"),
        "counts that vary": upserting(300, 280, 310, 240),
        "changed rows only": upserting(300, 300, 300, 240, query="SELECT * FROM t WHERE changed > now() - 1"),
        "a few rows fewer": upserting(300, 300, 300, 291),
        "more rows": upserting(300, 300, 300, 340),
        "two earlier runs": upserting(300, 300, 240),
    },
    "rows-stop-at-round-number": {
        "always as many": counted(1000, 1000, 1000, 1000),
        "by chance, after fewer": counted(9806, 9412, 9700, 10_000),
        "more before": counted(9412, 10_204, 10_000, 10_000),
        "after a jump": counted(300, 400, 500, 1000),
        "a limit of the query": [{**day, "query": "SELECT * FROM t LIMIT 10000"} for day in counted(9412, 9640, 9806, 10_000)],
    },
    "rows-delivered-twice": {
        "three earlier runs": [*[{"unique": ["id"]}] * 3, {"unique": []}],
        "a key that was repeated before": [*[{"unique": ["id"]}] * 4, {"unique": []}, {"unique": []}],
        "a name": [*[{"unique": ["name"]}] * 5, {"unique": []}],
        "a key with missing values": [*[{"unique": ["id"]}] * 5, {"unique": [], **columns(id=("int64", 2, "many", None))}],
        "more rows than are compared": [*[{"unique": ["id"]}] * 5, {"unique": [], "rows": 5_001}],
        "a writer that merges by the key": [*[{"unique": ["id"]}] * 5, {"unique": [], "writer": {"table": "stats", "write_mode": "upsert", "primary_key": ["id"]}}],
    },
    "sentinel-value": {
        "in each run": [sensed(("-1", "29"), ("-1", 72, "0"))] * 5,
        "a first -1 without nulls before": [*[sensed(("0", "29"))] * 4, sensed(("-1", "29"), ("-1", 72, "0"))],
        "fewer nulls than before": [*[sensed(("0", "29"), nulls=700)] * 4, sensed(("-1", "29"), ("-1", 3, "0"))],
        "refunds of 999": [*[sensed(("1", "4999"), name="amount")] * 4, sensed(("-999", "4999"), ("-999", 3, "1"), name="amount", nulls=2)],
        "a price of 9999": [*[sensed(("1", "8999"), name="price")] * 4, sensed(("1", "9999"), ("9999", 3, "8999"), name="price")],
        "no limit": [*[sensed(("1", "40"), name="max_uses")] * 4, sensed(("1", "99999"), ("99999", 90, "40"), name="max_uses")],
    },
    "values-missing-or-new": {
        "two earlier runs": [*WEEK[:2], selling(305, 0, 171, 238, 121)],
        "a country that was absent before": [*WEEK[:3], selling(310, 0, 170, 240, 120), *WEEK[:2], selling(305, 0, 171, 238, 121)],
        "stores that are closed on the first Sunday, and another day for the others": [*WEEK[:3], selling(160, 0, 80, 118, 50)],
        "a country of few rows": [*[selling(310, 8, 170, 240, 120)] * 6, selling(305, 0, 171, 238, 121)],
        "a country of a small share": [*[selling(3100, 90, 1700, 2400, 1200)] * 6, selling(3050, 0, 1710, 2380, 1210)],
        "a small sample": [*[selling(20, 16, 11, 15, 8)] * 6, selling(19, 0, 12, 14, 9)],
        "a line that was phased out": [*[selling(310, rows, 170, 240, 120) for rows in (260, 200, 120, 60, 40)], selling(305, 0, 171, 238, 121)],
        "a country that another one replaces": [*WEEK, selling(305, 0, 171, 238, 121, 255)],
        "a month that has passed": [*[valued({"October": 200, "November": 300}, name="booked")] * 5, valued({"November": 250, "December": 260}, name="booked")],
        "months as codes": [*[valued({"2026-08": 90, "2026-09": 300, "2026-10": 200}, name="booked")] * 5, valued({"2026-09": 300, "2026-10": 250}, name="booked")],
        "a batch that has ended": [*[valued({"B-17": 200, "B-18": 300, "B-19": 100}, name="batch_code")] * 5, valued({"B-18": 250, "B-19": 260}, name="batch_code")],
        "a campaign that has ended": [*[valued({"autumn": 200, "vip": 300, "none": 900}, name="promo")] * 5, valued({"vip": 250, "none": 900}, name="promo")],
        "quantities": [*[valued({"1": 500, "2": 300, "5": 60}, name="qty", dtype="int64")] * 5, valued({"1": 500, "2": 300}, name="qty", dtype="int64")],
        "files": [*[valued({"a.csv": 200, "b.csv": 300, "c.csv": 300}, name="source_file")] * 5, valued({"a.csv": 200, "b.csv": 310}, name="source_file")],
        "sets that change with each run": [valued({f"C{n}": 200, f"C{n + 1}": 150, f"C{n + 2}": 100}, name="site") for n in range(6)],
        "other settings of the step": [*WEEK, selling(305, 0, 171, 238, 121, query="SELECT * FROM t WHERE country <> 'DE'")],
        "another parameter": [*[{**day, "source": source(region="EU")} for day in WEEK], selling(305, 0, 171, 238, 121, source=source(region="EAST"))],
        "values that are empty now": [*WEEK, selling(305, 0, 171, 238, 121, rows=1100)],
        "a share that grows slowly": [*[filed(number) for number in (20, 40, 60, 90, 130)], filed(180)],
        "a share that varies": [*[filed(number) for number in (10, 300, 12, 90, 14)], filed(340)],
        "a larger share of a small part": [*[filed(10)] * 5, filed(60)],
        "a day of a campaign with more rows": [*[valued({"web": 700, "shop": 290, "app": 12}, name="channel")] * 5, valued({"web": 720, "shop": 300, "app": 500}, name="channel")],
        "a kind of invoice at the end of a month": [*[valued({"order": 700, "refund": 290, "monthly": 12}, name="kind")] * 30, valued({"order": 480, "refund": 160, "monthly": 360}, name="kind")],
        "a new store of a chain": [*WEEK, selling(310, 260, 170, 240, 120, 200)],
        "a new country that the list names": [*[in_markets(each, query="SELECT country FROM df WHERE country IN ('CZ', 'SK', 'PL', 'HU')") for each in MARKETS], in_markets(NEW_MARKET, query="SELECT country FROM df WHERE country IN ('CZ', 'SK', 'PL', 'HU')")],
        "a new test market that the condition excludes": [*[in_markets(each, query="SELECT country FROM df WHERE country <> 'HU' AND country <> 'SKX'") for each in MARKETS], in_markets(NEW_MARKET, "HU", query="SELECT country FROM df WHERE country <> 'HU' AND country <> 'SKX'")],
        "a new country beside others that a list drops": [*[in_markets({**each, "DE": 90}, "DE") for each in MARKETS], in_markets({**NEW_MARKET, "DE": 95}, "DE HU")],
        "new test orders that a list drops": [*map(in_markets, MARKETS), in_markets({**MARKETS[0], "TEST": 160}, "TEST")],
        "a channel of weekends on the first Sunday": [*[valued({"web": 700, "shop": 290, "app": 12}, name="channel")] * 3, valued({"web": 480, "shop": 160, "app": 360}, name="channel")],
        "a new country of few rows that a list drops": [*map(in_markets, MARKETS), in_markets({**MARKETS[0], "HU": 6}, "HU")],
    },
    "values-changed-scale": {
        "few refunds": [*[booked(number) for number in (3, 2, 5, 1, 4, 2, 3)], booked(0, "300")],
        "few refunds in older runs": [*[booked(None, low) for low in ("-5800", "-59900", "-900", "-20000")], booked(None, "300")],
        "a first refund": [*[booked(0, "3")] * 7, booked(2)],
        "fewer refunds": [*[booked(20)] * 7, booked(4)],
        "no frost any more": [*[booked(80, name="temperature")] * 7, booked(0, "2", name="temperature")],
        "changes above 0": [*[booked(80, name="price_change")] * 7, booked(0, "2", name="price_change")],
        "refunds of few rows on a new day": [*[booked(20)] * 3, booked(0, "300", rows=101)],
        "a constant deduction in older runs": [*[booked(None, "-500")] * 4, booked(None, "300")],
        "one large value": [*[KILOGRAMS] * 3, measured(("0.2", "29000"))],
        "ten times as much": [*[KILOGRAMS] * 3, measured(("2", "290"))],
        "two earlier runs": [KILOGRAMS, KILOGRAMS, GRAMS],
        "values that vary": [KILOGRAMS, measured(("2", "400")), KILOGRAMS, GRAMS],
        "ids": [*[measured(("1", "29"), name="item_no")] * 3, measured(("1000", "29000"), name="item_no")],
        "ranges that overlap": [*[measured(("1", "12"))] * 3, measured(("1", "9"), ("1", "12"))],
        "one column of two": [*[measured(("500", "1490"))] * 3, measured(("1", "9"))],
    },
    "no-new-data": {
        "two earlier runs": [{}, {"data": "b"}, {"data": "b"}],
        "an equal pair before, as on a weekend": [{"data": "s"}, {"data": "s"}, {}, {}, {}, {}, {"data": "c"}, {"data": "c"}],
        "always the same": [{"data": "a"}] * 5,
        "new rows": [{}] * 5,
        "other parameters": [*({"source": source(country=name)} for name in "abc"), *[{"data": "x", "source": source(country=name)} for name in "de"]],
        "an edited query": [*[{}] * 3, {"data": "x"}, {"data": "x", "query": "SELECT a FROM t"}],
        "the newest day advanced": NEWEST,
        "another date advanced": [
            {**day, **columns(at=("timestamp[us]", 0, "few", f"2026-02-0{number} 09:00:00"))}
            for number, day in enumerate([*NEWEST, NEWEST[-1]], start=1)
        ],
        "an older due date": [
            {**columns(day=None, due_date=("str", 0, "many", None)), "ranges": [(None, None), (None, None), ("2026-01-01", f"2026-02-{last}")]}
            for last in ("10", "11", "13", "14", "12")
        ],
        "an older date of another column": [
            {**columns(day=None, paid_on=("str", 0, "many", None), ordered_on=("str", 0, "many", None)), "ranges": [(None, None), (None, None), ("2026-01-01", f"2026-02-{last}"), ("2026-01-01", f"2026-02-{20 + number}")]}
            for number, last in enumerate(("10", "11", "13", "14", "12"))
        ],
        "the newest day stayed before": [*NEWEST[:3], *NEWEST[2:], NEWEST[-1]],
        "always the same after a first load": [{}, *[{"data": "a"}] * 5],
        "changed now and then": [{"data": "a"}, {"data": "a"}, {"data": "b"}, {"data": "b"}, {"data": "b"}],
        "the same since long": [{}, *[{"data": "a"}] * 7],
        "the rows of a run that is older than an equal pair": [{"data": "s"}, {"data": "s"}, {}, {}, {"data": "s"}],
        "the last rows were deleted": [*IDS, largest(450)],
        "the largest amount": [largest(number, "amount") for number in (100, 200, 300, 400, 500, 50)],
        "an id that went down before": [*IDS[:2], *IDS[:2], *IDS[2:], largest(50)],
        "few runs with an id": [*IDS[:3], largest(50)],
        "ids of an earlier day that was asked for": [{**IDS[day], **asked(day)} for day in (0, 1, 2, 3, 4, 1)],
        "an earlier day was asked for": [{**NEWEST[day], **asked(day)} for day in (0, 1, 2, 3, 4, 1)],
    },
    "period-missing": {
        "periods that follow each other": windows(*DAYS, ("08", "09")),
        "a period that overlaps": windows(*DAYS, ("07 18:00:00", "09")),
        "a weekend that no query asks for": windows(("07", "08"), ("08", "09"), ("09", "10"), ("12", "13")),
        "two earlier runs with a period": windows(*DAYS[1:], LATER),
        "another period for a repair": windows(*DAYS, ("01", "02"), ("08", "09")),
        "days of which the last is included": windows(*[(day, day) for day in ("05", "06", "07", "08")], form="day BETWEEN '{}' AND '{}'"),
        "periods for a target that is replaced": windows(*DAYS, LATER, writer={"table": "stats", "write_mode": "replace"}),
        "a period of two columns": windows(*DAYS, LATER, form="at >= '{}' AND made < '{}'"),
        "a period as one of two": windows(*DAYS, LATER, form="is_open OR at >= '{}' AND at < '{}'"),
        "a failed run that had written": [*windows(*DAYS), windows(("08", "09"))[0] | {"ok": False, "failed": ("src",)}, *windows(("09", "10"))],
        "each day": covering_each(1, 2, 3, 4),
        "working days": covering_each(7, 8, 9, 12),
        "two earlier runs": covering_each(1, 2, 4),
        "a gap before": covering_each(1, 2, 4, 6),
        "replaced": covering_each(1, 2, 3, 5, writer={"table": "stats", "write_mode": "replace"}),
        "to a file a day": [covering(f"{day:02}", writer={"path": f"o-2026010{day}.csv"}) for day in (1, 2, 3, 5)],
        "overlapping periods": [covering(f"0{day}", f"0{day + 1}") for day in (1, 2, 3, 5)],
        "all days since the first": [covering("01", f"0{day}") for day in (1, 2, 3, 5)],
        "a day without rows": [*covering_each(1, 2, 3), {**covering("04"), "rows": 0, "period": (None, None)}, covering("05")],
        "a day written by a run that failed later": [*covering_each(1, 2, 3), {**covering("04"), "ok": False}, covering("05")],
        "an earlier day again": covering_each(1, 2, 3, 4, 2),
        "a little later than usual": [*covering_each(1, 2, 3), {**covering("04"), "period": ("2026-01-04 09:00:00", "2026-01-04 23:50:00")}],
    },
    "result-stays-equal": {
        "grows": [growing(number, f"r{number}", 80 + number) for number in range(5)],
        "other values": [growing(number, f"r{number}", 80) for number in range(5)],
        "other values of another number without a query": [growing(number, f"r{number}", 130, None, 100) for number in range(5)],
        "groups": [growing(number, query="SELECT city FROM df GROUP BY city") for number in range(5)],
        "distinct values": [growing(number, query="SELECT DISTINCT city FROM df") for number in range(5)],
        "a limit": [growing(number, query="SELECT * FROM df LIMIT 80") for number in range(5)],
        "a short list": [growing(number, rows=40, query="SELECT * FROM df ORDER BY amount DESC LIMIT 40") for number in range(5)],
        "few rows": [growing(number, rows=5) for number in range(5)],
        "an input that hardly grows": [growing(number, by=1) for number in range(5)],
        "an input that stays": [growing(0) for _ in range(5)],
        "an input that shrank": [growing(number) for number in (0, 1, 2, 1, 3)],
        "two earlier runs": [growing(number) for number in range(3)],
        "groups without a query": [growing(number, query=None, rows=30, by=100) for number in range(5)],
        "an edited query": [*[growing(number) for number in range(4)], growing(4, query="SELECT id FROM df")],
    },
    "files-missing": {
        "as many": [reading(*STORES)] * 4,
        "one more": [*[reading(*STORES)] * 3, reading(*STORES, "g")],
        "two earlier runs": [*[reading(*STORES)] * 2, reading(*"abc")],
        "another number each time": [reading(*STORES), reading("a"), reading(*"abc"), reading("a", "b")],
        "a growing folder": [dated(1, last) for last in (3, 4, 5, 6)],
        "the last week": [dated(first, first + 6) for first in (1, 2, 3, 4)],
        "a retention that removed more": [*(dated(1, last) for last in (5, 6, 7)), dated(6, 8)],
        "the first day of a month": [*(dated(1, last) for last in (29, 30, 31)), dated(1, 1, month=2)],
        "the first weekend": [{}, {}, {}, *[reading(*STORES)] * 6, reading("a", "b")],
        "another pattern": [*[reading(*STORES)] * 3, {**reading(*"abc"), "query": "SELECT 1"}],
        "no files recorded": [{}] * 4,
    },
    "file-without-rows": {
        "rows in all": [reading(*STORES)] * 4,
        "all without rows": [*[reading(*STORES)] * 3, reading("a", "b", a=0, b=0)],
        "as before": [reading(*STORES), reading(*STORES, c=0), reading(*STORES), reading(*STORES, c=0)],
        "another file before": [reading(*STORES), reading(*STORES, a=0), reading(*STORES), reading(*STORES, c=0)],
    },
    "file-form-differs": {
        "the same form": [reading(*STORES)] * 2,
        "unknown difference": [{**reading(*STORES), "described": {"other_format": [{"path": "c.csv", "column": "a", "how": "new"}]}}] * 2,
        "damaged entries": [{**reading(*STORES), "described": {"other_format": ["c.csv", 3]}}] * 2,
    },
    "source-columns-changed": {
        "one earlier run": [{}, columns(name=None)],
        "a new column": [{}, {}, columns(city=("str", 0, "many", None))],
        "missing before": [{}, columns(name=None), columns(name=None)],
        "another width": [{}, {}, columns(id=("int32", 0, "many", "100"))],
        "nullable": [{}, {}, columns(id=("Int64", 0, "many", "100"), name=("large_string", 0, "many", None))],
        "integers with nulls in pandas": [{}, {}, columns(id=("float64", 3, "many", None))],
        "no values": [{}, {}, columns(id=("str", 100, 0, None))],
        "no rows": [{}, {}, {"rows": 0, **columns(id=("object", 0, 0, None))}],
        "whole numbers in a text file": [
            *[{"driver": "filesystem.csv_extractor", **columns(id=("float64", 0, "many", None))}] * 2,
            {"driver": "filesystem.csv_extractor"},
        ],
        "fractions in a text file": [
            *[{"driver": "filesystem.csv_extractor"}] * 2,
            {"driver": "filesystem.csv_extractor", **columns(id=("float64", 0, "many", None))},
        ],
        "fractions in two columns of a text file": [*[{"driver": "filesystem.csv_extractor", **columns(price=("int64", 0, "many", None))}] * 2, {"driver": "filesystem.csv_extractor", **columns(id=("float64", 0, "many", None), price=("float64", 0, "many", None))}],
        "an edited query": [{}, {}, {**columns(name=None), "query": "SELECT id FROM t"}],
    },
    "target-changed": {
        "the same": [to_server("dwh")] * 3,
        "another table in an edited pipeline": [{}, {}, {"writer": {"table": "figures"}, "source": source("sha256:2")}],
        "a table for tests before": [*[{"writer": {"table": "stats_test"}}] * 2, {"source": source("sha256:2")}],
        "one earlier run": [to_server("dwh"), to_server("test")],
        "both before": [to_server("dwh"), to_server("test"), to_server("dwh")],
        "a date": [to_file(f"out/2026-01-0{day}/o.csv") for day in (1, 2, 3)],
        "a folder a month": [to_file(f"out/year=2026/month={month}/o.csv") for month in (1, 2, 3)],
        "an edited pipeline": [to_file("a.csv"), to_file("a.csv"), to_file("b.csv", source=source("sha256:2"))],
        "other parameters": [*[to_file("a.csv", source=source(name="a"))] * 2, to_file("b.csv", source=source(name="b"))],
        "unknown text": [*[to_file("a.csv", source={})] * 2, to_file("b.csv", source={})],
        "a port for each run": [to_server("dwh", server={"host": "127.0.0.1", "port": str(port)}) for port in (4001, 4002, 4003)],
    },
    "differs-from-earlier-runs": {
        "a condition that keeps nearly as much": [*PAID, kept(560)],
        "a condition that keeps less of fewer rows": [*[kept(rows, 60) for rows in (48, 46, 50, 47, 45, 49, 50)], kept(30, 60)],
        "a condition whose share varies": [*[kept(rows) for rows in (640, 410, 560, 300, 650, 530, 620)], kept(240)],
        "a condition on the time, on a new day": [*[kept(rows, query="SELECT id FROM df WHERE paid_on = today()") for rows in (640, 610, 660)], kept(250, query="SELECT id FROM df WHERE paid_on = today()")],
        "a condition whose share varies, on a new day": [*[kept(rows) for rows in (640, 580, 610)], kept(330)],
        "a condition that keeps a little less on a new day": [*PAID[:3], kept(430)],
        "rare rows": [*[counting(rows) for rows in (24, 27, 21, 25, 26, 22, 24)], counting(9)],
        "an edited condition": [*PAID, kept(410, query="SELECT id FROM df WHERE status = 'sent'")],
        "groups of fewer rows": [*[kept(60, of, query=GROUPED) for of in (800, 900, 720, 850, 760, 810, 880)], kept(70, 410, query=GROUPED)],
        "groups of a driver": [*[kept(100, of, query=None) for of in (800, 900, 720, 850, 760, 810, 880)], kept(110, 410, query=None)],
        "two earlier runs with a condition": [*PAID[:2], kept(150)],
        "few first nulls": [{}, {}, {}, columns(name=("str", 9, "many", None))],
        "nulls as before": [*[columns(name=("str", 40, "many", None))] * 3],
        "few nulls": [{}, {}, columns(name=("str", 10, "many", None))],
        "a file with a few rows fewer": [*[of_stores()] * 3, of_stores(c=90)],
        "most files": [*[of_stores()] * 3, of_stores(a=60, b=60, c=60)],
        "a file that varies": [*(of_stores(c=rows) for rows in (150, 400, 90)), of_stores(c=60)],
        "one file of two earlier runs": [*[of_stores()] * 2, of_stores(c=60)],
        "a small file": [*[of_stores(c=30)] * 3, of_stores(c=10)],
        "the first file of a growing folder": [dated(1, last) for last in (3, 4, 5, 6)],
        "empty texts as before": [*[emptied(18)] * 3],
        "a few empty texts beside nulls": [*[columns(name=("str", 20, "many", None))] * 2, emptied(5, nulls=15)],
        "empty texts in a column that was filled": [*[columns(name=("str", 0, "many", None))] * 2, emptied(4)],
        "empty texts beside nulls before": [*[emptied(4, nulls=20)] * 2, emptied(22)],
        "constant before": [*[columns(name=("str", 0, 1, None))] * 3],
        "few rows of few values": [*[columns(name=("str", 0, "few", None))] * 2, {"rows": 19, **columns(name=("str", 0, 1, None))}],
        "constant in one earlier run": [columns(name=("str", 0, "few", None)), *[columns(name=("str", 0, 1, None))] * 2],
        "several values in one earlier run": [columns(name=("str", 0, "few", None)), columns(name=("str", 0, 1, None))],
        "a flag": [*[columns(flag=("bool", 0, "few", None))] * 2, columns(flag=("bool", 0, 1, None))],
        "a day": [{}, {}, columns(day=("datetime64[us]", 0, 1, None))],
        "other parameters": [*[{"source": source(city="a")}] * 2, {"source": source(city="b"), **columns(name=("str", 0, 1, None))}],
    },
}  # fmt: skip


def messages(path: Path, rule: str) -> list[str]:
    return [finding.message for finding in analyze(path).findings if finding.rule == rule]


def test_message_of_appended_rows_names_the_run(tmp_path: Path) -> None:
    path = history(tmp_path, [appending("a"), appending("a"), appending("a")])
    assert messages(path, "rows-appended-again") == [
        "appended the same 100 rows to 'stats' as the run of 2026-01-02 00:00 UTC, so they are in it at least 3 times"
    ]


def test_message_of_rows_appended_before_a_failure_says_so(tmp_path: Path) -> None:
    path = history(tmp_path, [appending("a", ok=False), appending("a")])
    assert messages(path, "rows-appended-again") == [
        "appended the same 100 rows to 'stats' as the run of 2026-01-01 00:00 UTC, which failed after that, "
        "so they are in it twice"
    ]


def test_message_of_period_appended_again_names_both(tmp_path: Path) -> None:
    assert messages(history(tmp_path, covering_each(1, 2, 3, 3)), "rows-appended-again") == [
        "appended 100 rows of 'day' from 2026-01-03 00:10:00 to 2026-01-03 23:50:00; the run of 2026-01-03 00:00 UTC "
        "had appended those from 2026-01-03 00:10:00 to 2026-01-03 23:50:00, so rows are in 'stats' twice"
    ]


def test_message_of_shorter_file_names_it(tmp_path: Path) -> None:
    path = history(tmp_path, [*[of_stores()] * 3, of_stores(c=60)])
    assert messages(path, "differs-from-earlier-runs") == [
        "'in/c.csv' has fewer rows than usual, 60; in the last 3 runs it had 150"
    ]


def test_message_of_appended_table_names_its_key(tmp_path: Path) -> None:
    path = history(tmp_path, [loading(rows) for rows in (100, 102, 102, 105)])
    assert messages(path, "rows-appended-again") == [
        "appended all 105 rows to 'stats' again, the old and the new ones, as in the last 3 runs: 'product_id' begins at 1 "
        "in each run, so most rows are in it 4 times"
    ]


def failing_after(written: object) -> Day:
    """A run whose writer failed, and reported how many rows it had written."""
    info = {"kind": "service-failed", "facts": {"rows_written": written}}
    event = {"event": "step_failed", "step_id": "save", "error": "HTTP 502", "error_info": info}
    return appending("a", ok=False, failed=("save",), events=[event])


@pytest.mark.parametrize(("written", "is_found"), [(40, True), (0, False), ("unknown", False), (None, False)])
def test_rows_of_a_writer_that_failed_halfway_are_twice_in_the_target(
    tmp_path: Path, written: object, is_found: bool
) -> None:
    path = history(tmp_path, [failing_after(written), appending("a")])
    assert messages(path, "rows-appended-again") == is_found * [
        "appended 100 rows to 'stats'; in the run of 2026-01-01 00:00 UTC the writer failed after 40 of the same rows, "
        "so these are in it twice"
    ]


def test_message_of_old_data_says_since_when(tmp_path: Path) -> None:
    path = history(tmp_path, [{}, {}, {"data": "c"}, {"data": "c"}])
    assert messages(path, "no-new-data") == [
        "returned the same 100 rows as the last run, so there is no new data since 2026-01-03 00:00 UTC; "
        "the last 3 runs all differed from one another"
    ]


@pytest.mark.parametrize(
    ("hours", "last_after", "is_found"), [(24, 1, False), (24, 20, True), (0.01, 0.001, True)]
)
def test_run_that_is_repeated_at_once_may_be_equal(
    tmp_path: Path, hours: float, last_after: float, is_found: bool
) -> None:
    path = history(tmp_path, [{}, {}, {"data": "c"}, {"data": "c"}], hours=hours, last_after=last_after)
    assert bool(messages(path, "no-new-data")) == is_found


def test_message_of_old_data_counts_the_runs(tmp_path: Path) -> None:
    path = history(tmp_path, [{}, {}, *[{"data": "c"}] * 3])
    assert messages(path, "no-new-data") == [
        "returned the same 100 rows as the last 2 runs, so there is no new data since 2026-01-03 00:00 UTC; "
        "the earlier 2 runs all differed from one another"
    ]


def test_old_data_is_reported_after_a_run_that_was_repeated(tmp_path: Path) -> None:
    for hour in (0, 24, 48, 48.2):
        run(tmp_path, hour, {"data": f"data of {int(hour)}"})
    assert messages(run(tmp_path, 72, {"data": "data of 48"}), "no-new-data")


@pytest.mark.parametrize(("hours", "is_found"), [(8, False), (24, True)])
def test_run_after_a_failure_may_read_the_same_rows(tmp_path: Path, hours: int, is_found: bool) -> None:
    failed: Day = {"data": "c", "ok": False, "failed": ("save",)}
    for number, day in enumerate([{}, {}, {}, failed]):
        run(tmp_path, 24 * number, day)
    assert bool(messages(run(tmp_path, 72 + hours, {"data": "c"}), "no-new-data")) == is_found


def test_message_of_missing_files_names_them(tmp_path: Path) -> None:
    path = history(tmp_path, [*[reading(*STORES)] * 3, reading(*"abcef")])
    assert messages(path, "files-missing") == [
        "read 5 files, and 6 in each of the last 3 runs; 'in/d.csv' is missing"
    ]


@pytest.mark.parametrize(("runs", "severity"), [(3, "warning"), (1, "note")])
def test_file_without_rows_is_a_note_without_history(tmp_path: Path, runs: int, severity: str) -> None:
    path = history(tmp_path, [*[reading(*STORES)] * runs, reading(*STORES, c=0)])
    found = [finding for finding in analyze(path).findings if finding.rule == "file-without-rows"]
    assert [(finding.severity.value, finding.message.split(";")[0]) for finding in found] == [
        (severity, "1 of 6 files has no rows: 'in/c.csv'")
    ]


def test_message_of_missing_period_names_its_ends(tmp_path: Path) -> None:
    assert messages(history(tmp_path, covering_each(1, 2, 3, 5)), "period-missing") == [
        "'day' begins at 2026-01-05 00:10:00, and ended at 2026-01-03 23:50:00 in the run of 2026-01-03 00:00 UTC: "
        "the rows between are missing"
    ]


def test_message_of_result_that_stays_names_the_growth(tmp_path: Path) -> None:
    path = history(tmp_path, [growing(number) for number in range(5)])
    assert messages(path, "result-stays-equal") == [
        "returned the same 80 rows as in the last 4 runs, while its input grew from 100 to 180 rows"
    ]


def test_message_of_changed_columns_names_old_and_new(tmp_path: Path) -> None:
    path = history(
        tmp_path, [{}, {}, columns(name=None, title=("str", 0, "many", None), id=("str", 0, "many", None))]
    )
    assert messages(path, "source-columns-changed") == [
        "has no column 'name' but a new one, 'title'; 'id' is text and was integer, unlike in the last 2 runs"
    ]


@pytest.mark.parametrize(
    ("rows", "found"),
    [(50, ["differs-from-earlier-runs@src"]), (5000, ["differs-from-earlier-runs@src"]), (60, []), (300, [])],
)
def test_step_with_other_settings_is_compared_by_large_differences(
    tmp_path: Path, rows: int, found: list[str]
) -> None:
    usual: Day = {"rows": 500}
    path = history(
        tmp_path, [usual, usual, usual, {"rows": rows, "query": "SELECT * FROM t WHERE NOT active"}]
    )
    assert [one.id for one in analyze(path).findings if one.rule == "differs-from-earlier-runs"] == found


def test_message_of_changed_target_names_both(tmp_path: Path) -> None:
    path = history(tmp_path, [to_server("dwh"), to_server("dwh"), to_server("test", "db2")])
    assert messages(path, "target-changed") == [
        "wrote to host 'db2', database 'test'; the last 2 runs wrote to host 'db1', database 'dwh'"
    ]


def originals_run(
    folder: Path, number: int, database: str = "prod", mode: str = "upsert", frame: pa.Table | None = None
) -> Path:
    """A local run of the original, which has no run card, with the spilled frame of its source."""
    card = {"source": "mysql.extractor", "load": "supabase.writer"}
    lines: list[Any] = [local("run_start", 0, pipeline="p.yaml", profile=None, params={})]
    for step_id, driver in card.items():
        lines += [local("step_start", 1, step_id=step_id, driver=driver)]
        if step_id == "load":
            lines += [
                local(
                    "inputs_resolved",
                    1,
                    step_id="load",
                    from_step="source",
                    key="df",
                    rows=9,
                    from_memory=True,
                )
            ]
            lines += [local("write.start", 1, step_id="load", table="stats", mode=mode, rows=9)]
        lines += [local("step_complete", 2, step_id=step_id, driver=driver, duration=1.0)]
    lines += [local("run_complete", 3, steps_executed=2), local("run_end", 4)]
    server = {"resolved_connection": {"url": f"https://{database}.supabase.co", "key": "***MASKED***"}}
    files = {
        "status.json": {"ok": True, "exit_code": 0, "steps_completed": 2, "steps_total": 2},
        "compiled/meta.json": {"fingerprints": {"oml_fp": "sha256:1"}},
        "cfg/load.json": {"connection": "@supabase.main", "table": "stats", "write_mode": mode},
        "artifacts/load/cleaned_config.json": server,
    }
    if frame is not None:
        sink = pa.BufferOutputStream()
        pq.write_table(frame, sink)
        files |= {
            "artifacts/source/output.parquet": sink.getvalue().to_pybytes(),
            "artifacts/source/schema.json": {field.name: str(field.type) for field in frame.schema},
        }
    steps = [("source", card["source"], []), ("load", card["load"], ["source"])]
    return run_dir(folder, lines, steps=steps, files=files, name=f"run_{FIRST_MS + number * 24 * HOUR_MS}")


def test_local_runs_of_the_original_record_their_target(tmp_path: Path) -> None:
    originals_run(tmp_path, 0, "prod")
    originals_run(tmp_path, 1, "prod")
    assert messages(originals_run(tmp_path, 2, "test"), "target-changed") == [
        "wrote to host 'test.supabase.co'; the last 2 runs wrote to host 'prod.supabase.co'"
    ]


@pytest.mark.parametrize(("mode", "is_found"), [("append", True), ("upsert", False)])
def test_equal_spilled_frames_of_the_original_were_appended_again(
    tmp_path: Path, mode: str, is_found: bool
) -> None:
    originals_run(tmp_path, 0, mode=mode, frame=pa.table({"id": [1, 2]}))
    path = originals_run(tmp_path, 1, mode=mode, frame=pa.table({"id": [1, 2]}))
    assert bool(messages(path, "rows-appended-again")) == is_found


def test_spilled_frames_of_the_original_show_a_changed_column(tmp_path: Path) -> None:
    for number in range(2):
        originals_run(tmp_path, number, frame=pa.table({"id": [number, 2]}))
    path = originals_run(tmp_path, 2, frame=pa.table({"id": ["a", "b"]}))
    assert messages(path, "source-columns-changed") == [
        "'id' is text and was integer, unlike in the last 2 runs"
    ]


@pytest.mark.parametrize("file", ["events.jsonl", "cfg/save.json", "artifacts/save/cleaned_config.json"])
def test_damaged_file_of_an_earlier_run_is_passed_over(tmp_path: Path, file: str) -> None:
    for number in range(3):
        damaged = run(tmp_path, number, to_server("dwh")) / file
        damaged.write_bytes(b"{torn\xff\n" + damaged.read_bytes()[:50])
    assert analyze(run(tmp_path, 3, to_server("dwh"))).findings == ()


@pytest.mark.parametrize("first", ["replace", "append"])
def test_rows_after_a_writer_that_replaced_them_are_not_repeated(tmp_path: Path, first: str) -> None:
    source_step = step("src", "x.extractor", rows=9, out={**OUT, "fingerprint": "a"})
    writers = [
        step(name, "x.writer", "src", rows=9, table="t", write_mode=mode)
        for name, mode in (("first", first), ("second", "append"))
    ]
    events, planned, files = ours(source_step, *writers)
    files = {**files, "status.json": {"ok": True, "steps_completed": 3, "steps_total": 3}}
    for number in range(2):
        path = run_dir(tmp_path, events, steps=planned, files=files, name=f"run_{FIRST_MS + number}")
    assert bool(messages(path, "rows-appended-again")) == (first == "append")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int64", "Int32"), ("uint8", "int64"), ("str", "large_string"), ("object", "string"), ("float64", "double"),
        ("datetime64[ns]", "timestamp[us, tz=UTC]"), ("bool", "boolean"), ("decimal128(38, 0)", "decimal128(9, 2)"),
    ],
)  # fmt: skip
def test_kind_does_not_depend_on_width_or_library(one: str, other: str) -> None:
    assert kind_of(one) == kind_of(other) != ""


def test_kinds_of_different_types_differ() -> None:
    dtypes = [
        "int64",
        "float64",
        "decimal128(38, 0)",
        "bool",
        "datetime64[ns]",
        "str",
        "interval",
        "struct<a: int64>",
    ]
    assert len({kind_of(dtype) for dtype in dtypes}) == len(dtypes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("out/2026-01-05/a.csv", "out/<date>/a.csv"),
        ("out/20260105.csv", "out/<date>.csv"),
        ("o/2026/01/05/x", "o/<date>/x"),
        ("o_2026-01-05T10:20:30", "o_<date>"),
        ("o_20260105_1020", "o_<date>"),
        ("a/year=2026/month=1/x", "a/<date>/<date>/x"),
        ("a 5.1.2026", "a <date>"),
        ("2026-W05", "<date>"),
        ("LIMIT 2000", "LIMIT 2000"),
        ("v1.2026", "v1.2026"),
        ("dwh_2", "dwh_2"),
    ],
)
def test_dates_in_a_text_are_replaced(text: str, expected: str) -> None:
    assert without_dates(text) == expected


@pytest.mark.parametrize(
    ("counts", "severity"), [([100, 0, 120, 0], "note"), ([100, 110, 120, 0], "warning")]
)
def test_source_that_was_empty_before_is_a_note(tmp_path: Path, counts: list[int], severity: str) -> None:
    path = history(tmp_path, [{"rows": rows} for rows in counts])
    found = [one for one in analyze(path).findings if one.rule == "zero-rows-from-source"]
    assert [one.severity for one in found] == [severity]
    assert ("in 1 of the last 3 runs, too" in found[0].message) == (severity == "note")


@pytest.mark.parametrize(
    ("kept", "severity"), [([2, 0, 1, 0], "note"), ([2, 3, 1, 0], "warning"), ([2, 0, 1, 1], None)]
)
def test_step_that_kept_no_row_before_is_a_note(
    tmp_path: Path, kept: list[int], severity: str | None
) -> None:
    days = [{"rows": 600, "result": {"rows": rows, "data": f"result {day}"}} for day, rows in enumerate(kept)]
    found = [one for one in analyze(history(tmp_path, days)).findings if one.rule == "all-rows-lost"]
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(("in 1 of the last 3 runs, too" in one.message) == (severity == "note") for one in found)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ([*PAID, kept(210)], "keeps 210 of 800 rows, 26%; in the last 7 runs 78% to 81%"),
        (
            [*[counting(640)] * 7, counting(330)],
            "its condition keeps 330 of 800 rows, 41%; in the last 7 runs 80%",
        ),
        (
            [{}, {}, {}, columns(name=("str", 12, "many", None))],
            "'name' has no value in 12% of the rows; in the last 3 runs it had one in every row",
        ),
        (
            [*[columns(name=("str", 4, "many", None))] * 3, columns(name=("str", 40, "many", None))],
            "'name' has no value in 40% of the rows; in the last 3 runs it had none in at most 4%",
        ),
    ],
)
def test_message_of_difference_names_both_shares(tmp_path: Path, days: Sequence[Day], message: str) -> None:
    assert messages(history(tmp_path, days), "differs-from-earlier-runs") == [message]


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (
            [*[booked(20)] * 7, booked(0, "300")],
            "'amount' has no negative value; in the last 7 runs 10% of its values were negative",
        ),
        (
            [*OLDER, booked(None, "300")],
            "'amount' is 300 to 60,000, and was -59,000 to 60,000 in the last run: it has no negative value, and had some in "
            "each of the last 4 runs",
        ),
        (
            [*[measured(("1", "40"), ("900", "45000"))] * 3, measured(("1122", "44925"), ("1", "39"))],
            "'weight' is 1,122 to 44,925 and 'pieces' 1 to 39, and they were 1 to 40 and 900 to 45,000 in the last 3 runs: "
            "their values seem to be exchanged (swapped columns)",
        ),
    ],
)
def test_message_of_changed_values_names_the_change(
    tmp_path: Path, days: Sequence[Day], message: str
) -> None:
    assert messages(history(tmp_path, days), "values-changed-scale") == [message]


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (
            [*WEEK, selling(305, 0, 171, 238, 121)],
            "a value of 'country' is missing: 'DE' (1 of 5); it was in each of the last 6 runs, in 23% to 24% of the rows",
        ),
        (
            [*[filed(0)] * 5, filed(340)],
            "'Other' has 34% of the rows in 'region', 340 of 1,000; in the last 5 runs it had 0%",
        ),
        (
            [*map(in_markets, MARKETS), in_markets(NEW_MARKET, "HU")],
            "the condition drops the 186 rows with 'HU' in 'country', a value that none of the last 6 runs had; it kept all "
            "values of 'country' in them",
        ),
    ],
)
def test_message_of_values_names_them(tmp_path: Path, days: Sequence[Day], message: str) -> None:
    assert messages(history(tmp_path, days), "values-missing-or-new") == [message]


@pytest.mark.parametrize(
    "damaged",
    [
        "CZ",
        {"country": "CZ"},
        {"country": {"CZ": 310}},
        {"country": [["CZ", 310], ["AT"]]},
        {"country": [["CZ", "many"], ["AT", 170]]},
        {"country": [["CZ", -1], ["AT", 170]]},
        {"country": [[None, 310], [["AT"], 170], 7]},
        {"land": [["CZ", 310]]},
    ],
)
def test_damaged_value_counts_are_unknown(tmp_path: Path, damaged: Any) -> None:
    day = {**selling(305, 0, 171, 238, 121), "facts": {"value_counts": damaged}}
    assert messages(history(tmp_path, [*WEEK, day]), "values-missing-or-new") == []


def test_missing_values_explain_fewer_rows(tmp_path: Path) -> None:
    days = [
        *[valued({f"s{shop}": 100 for shop in range(9)}, name="store")] * 6,
        valued({"s0": 100, "s1": 100, "s2": 100}, name="store"),
    ]
    found = analyze(history(tmp_path, days)).findings
    causes = {each.rule: each.caused_by for each in found if each.severity == "warning"}
    assert causes["values-missing-or-new"] is None
    assert causes["differs-from-earlier-runs"] is not None


def test_message_of_exchanged_kinds_says_swapped(tmp_path: Path) -> None:
    path = history(tmp_path, [{}, {}, columns(id=("str", 0, "many", None), name=("int64", 0, "many", None))])
    assert messages(path, "source-columns-changed") == [
        "'id' is text and was integer; 'name' is integer and was text, unlike in the last 2 runs; their values seem to be "
        "exchanged (swapped columns)"
    ]


def numbered(*kinds: str) -> Day:
    """A run of a file without a header."""
    names = {str(number): (kind, 0, "many", None) for number, kind in enumerate(kinds)}
    return columns(id=None, name=None, day=None, **names)


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (
            ("str", "str", "str", "int64", "float64"),
            "there is a new column, and the columns from number 3 on, or from before it, are shifted by one",
        ),
        (
            ("int64", "str", "str", "int64", "float64"),
            "there is a new column, and the columns from number 1 on, or from before it, are shifted by one",
        ),
        (
            ("str", "int64", "float64"),
            "a column is gone, and the columns from number 2 on, or from before it, are shifted by one",
        ),
        (("str", "int64", "int64", "float64", "str"), ""),
        (("int64", "str", "int64", "float64"), ""),
    ],
)
def test_message_says_that_columns_without_names_are_shifted(
    tmp_path: Path, now: Sequence[str], text: str
) -> None:
    path = history(tmp_path, [*[numbered("str", "str", "int64", "float64")] * 3, numbered(*now)])
    (message,) = messages(path, "source-columns-changed")
    *_, end = message.split("; ")
    assert end == text if text else "shifted" not in message


def joining(matched: int, **more: Any) -> Day:
    """A run with a step ``recent`` that looks up its 1,000 rows in another table, and finds some of them."""
    join = {
        "left_rows": 1000,
        "right_rows": 200,
        "matched": matched,
        "left_duplicates": 800,
        "right_duplicates": 0,
    }
    query = "SELECT df.id, o.name FROM df JOIN o USING (id)"
    counts = {**join, "right_matched": 180, "uses": "both", **more}
    return {"rows": 1000, "result": {"rows": matched, "data": str(matched), "query": query, "join": counts}}


@pytest.mark.parametrize(
    ("matched", "severity"),
    [
        ((980, 970, 985, 860), "warning"),
        ((1000, 1000, 1000, 940), "warning"),
        ((940, 950, 945, 860), "note"),
        ((1000, 1000, 1000, 960), None),
        ((980, 880, 985, 860), "note"),
        ((980, 970, 860), "note"),
    ],
)
def test_join_that_drops_more_than_before_is_a_warning(
    tmp_path: Path, matched: Sequence[int], severity: str | None
) -> None:
    path = history(tmp_path, [joining(number) for number in matched])
    found = [one for one in analyze(path).findings if one.rule == "join-hardly-matches"]
    assert [one.severity.value for one in found] == ([severity] if severity else [])
    if severity == "warning":
        share, usual = 1 - matched[-1] / 1000, 1 - min(matched[:-1]) / 1000
        assert found[0].message.endswith(f", {share:.0%}; in the last 3 runs at most {usual:.1%}")
