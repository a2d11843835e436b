"""Rules about numbers and texts that cannot be right: runs that hit, and near misses."""

from collections.abc import Sequence
from typing import Any

from tests.inspector.test_rules_of_green_runs import Made, Step, ours, step


def source(rows: int = 240, driver: str = "x.extractor", **out: Any) -> Step:
    """A source with the counts of its frame."""
    return step("src", driver, rows=rows, out=out, table="orders")


def clean(rows: int = 240, driver: str = "x.transform", **out: Any) -> Step:
    """A step that takes the rows of the source."""
    return step("clean", driver, "src", rows=rows, out=out)


def column(name: str, dtype: str = "str", nulls: int = 0, **odd: int) -> dict[str, Any]:
    """The counts of a frame with one column."""
    return {
        "columns": [name],
        "dtypes": [dtype],
        "nulls": [nulls],
        **({"odd_values": {name: odd}} if odd else {}),
    }


def ranged(name: str, low: Any, high: Any, dtype: str = "int64") -> dict[str, Any]:
    """The counts of a frame with one column of numbers."""
    return {**column(name, dtype), "min": [str(low)], "max": [str(high)]}


def repeated(name: str, ends: tuple[str, str], value: str, following: str, nulls: int = 0) -> dict[str, Any]:
    """A column of numbers with a number in 72 rows at an end of its range, and the next number."""
    sentinel = {"value": value, "rows": 72, "next": following}
    return ranged(name, *ends, "float64") | {"nulls": [nulls], "sentinels": {name: sentinel}}


def old(path: str = "exports/open_invoices_2025-09.csv", query: str = "SELECT 1", **ends: str) -> Made:
    """A run of September 2025 that reads a file whose dates end there."""
    newest = ends or {"invoice_date": "2024-08-30"}
    count = len(newest)
    out = {
        "columns": [*newest],
        "dtypes": ["datetime64[us]"] * count,
        "nulls": [0] * count,
        "min": ["2020-01-01 00:00:00"] * count,
        "max": [f"{day} 00:00:00" for day in newest.values()],
    }
    read = step("src", "filesystem.csv_extractor", rows=240, out=out, path=path)
    return ours(read, step("aging", "duckdb.processor", "src", rows=20, out=column("x"), query=query))


AGING = "SELECT customer, max(date_diff('day', invoice_date, current_date)) AS days FROM src GROUP BY 1"


def gap(unit: str = "month", missing: str = "2025-08", periods: int = 12) -> dict[str, Any]:
    """A column of dates with a period without rows."""
    found = {"unit": unit, "missing": missing, "periods": periods, "fewest": 350}
    return column("passed_on") | {"gaps": {"passed_on": found}}


def files(*names: str) -> dict[str, Any]:
    """A source that read these files."""
    entries = [{"path": f"toll/{name}.csv", "rows": 20} for name in names]
    return column("fee") | {"source": {"files_read": len(names), "files": entries}}


def months(*numbers: int) -> list[str]:
    return [f"2025-{number:02}" for number in numbers]


def of_source(out: dict[str, Any]) -> Made:
    return ours(source(**out))


def grouped(**out: Any) -> dict[str, Any]:
    """The counts of a small frame of one row per city."""
    return {
        "columns": ["city", "amount"],
        "dtypes": ["str", "float64"],
        "nulls": [0, 0],
        "unique": ["city"],
        **out,
    }


ORDERS = {"columns": ["id", "city", "amount"], "dtypes": ["int64", "str", "float64"], "nulls": [0, 60, 0]}
FULL_ORDERS = ORDERS | {"nulls": [0, 0, 0]}

HITS: Sequence[tuple[str, Made]] = (
    ("data-out-of-date", old()),
    ("data-out-of-date", old("in/sales_20250828.csv", day="2024-08-27")),
    ("data-out-of-date", old("in/open_invoices.csv", AGING)),
    ("data-out-of-date", old(paid_at="2024-10-01", birth_date="2003-05-01")),
    ("period-without-rows", of_source(gap())),
    ("period-without-rows", of_source(gap("day", "2025-03-11", 90))),
    ("period-without-rows", of_source(files(*months(1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12)))),
    ("period-without-rows", of_source(files(*[f"export_{name.replace('-', '')}_final" for name in months(1, 2, 3, 5, 6, 7)]))),
    ("sentinel-value", of_source(repeated("temperature", ("-999.0", "29.0"), "-999.0", "17.1"))),
    ("sentinel-value", of_source(repeated("humidity_raw", ("41.5", "9999.0"), "9999.0", "87.3", nulls=3))),
    ("null-as-text", ours(source(**column("city", nulls=60)), clean(**column("city", nan=60)))),
    ("null-as-text", ours(source(**column("city", nulls=60)), clean(**column("city") | {"odd_values": {"city": {"None": 60}}}))),
    ("null-as-text", of_source(column("city", NaT=4))),
    ("error-as-value", of_source(column("margin") | {"odd_values": {"margin": {"#DIV/0!": 8}}})),
    ("error-as-value", ours(source(**column("tags")), clean(**column("tags") | {"odd_values": {"tags": {"[object Object]": 8}}}))),
    ("number-with-decimal-point", ours(source(**column("phone", "float64")), clean(**column("phone") | {"odd_values": {"phone": {".0": 200}}}))),
    ("number-with-decimal-point", of_source(column("customer_id") | {"odd_values": {"customer_id": {".0": 200}}})),
    ("entities-in-text", of_source(column("company") | {"odd_values": {"company": {"&amp;": 3}}})),
    ("value-out-of-range", of_source(ranged("age", -3, 69))),
    ("value-out-of-range", of_source(ranged("customer_age", 18, 245))),
    ("value-out-of-range", of_source(ranged("lat", 120.5, 121.1, "float64"))),
    ("value-out-of-range", of_source(ranged("birth_month", 1, 13))),
    ("value-out-of-range", of_source(ranged("unit_price", -4.5, 120.0, "float64"))),
    ("value-out-of-range", of_source(ranged("delivery_duration_min", -60, 240))),
    ("value-out-of-range", ours(source(**ranged("visits", 0, 9)), clean(**ranged("share_pct", 2.0, 7246.0, "float64")))),
    ("value-out-of-range", ours(source(**ranged("conv", 0.1, 2.0, "float64")), clean(**ranged("conv", 0.1, "inf", "float64")))),
    ("value-out-of-range", ours(source(**ranged("bytes", 5, 4 * 10**9)), clean(**ranged("bytes", -(2**31), 2**31 - 9, "int32")))),
    ("group-without-value-lost", ours(source(**ORDERS), clean(2, **grouped()))),
    ("limit-reached", ours(source(65_535))),
    ("limit-reached", ours(source(**ranged("id", 1, 240)), clean(100, **ranged("id", 1, 100)))),
    ("limit-reached", ours(source(1_048_576, "filesystem.csv_extractor"))),
)  # fmt: skip
NEAR_MISSES: Sequence[tuple[str, Made]] = (
    ("data-out-of-date", old("exports/open_invoices_2024-08.csv")),
    ("data-out-of-date", old("exports/open_invoices.csv")),
    ("data-out-of-date", old("history/invoices_2025-09.csv")),
    ("data-out-of-date", old(invoice_date="2025-08-30")),
    ("data-out-of-date", old(invoice_date="2024-08-30", paid_at="2025-09-01")),
    ("data-out-of-date", old("staff_2025-09.csv", hired_on="2023-04-01")),
    ("data-out-of-date", old("in/customers.csv", AGING.replace("invoice_date", "birth_date"), birth_date="2004-01-01")),
    ("data-out-of-date", old("in/invoices.csv", "SELECT invoice_date, current_date AS loaded_on FROM src")),
    ("period-without-rows", of_source(gap("day", "2025-12-25", 90))),
    ("period-without-rows", of_source(gap("day", "2025-04-20", 90))),
    ("period-without-rows", of_source(column("passed_on"))),
    ("period-without-rows", of_source(files(*months(*range(1, 13))))),
    ("period-without-rows", of_source(files(*months(1, 3, 5, 7, 9, 11)))),
    ("period-without-rows", of_source(files(*months(1, 2, 4, 5, 6)))),
    ("period-without-rows", of_source(files(*months(1, 2, 3, 4, 5), "2025-07-01"))),
    ("period-without-rows", of_source(files("2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "north-2025-07"))),
    ("sentinel-value", of_source(repeated("balance", ("-999.0", "4800.0"), "-999.0", "-870.0", nulls=3))),
    ("sentinel-value", of_source(repeated("direction", ("-1.0", "1.0"), "-1.0", "0.0"))),
    ("sentinel-value", of_source(repeated("max_uses", ("1", "99999"), "99999", "40"))),
    ("sentinel-value", of_source(repeated("discount_pct", ("0", "99"), "99", "20"))),
    ("null-as-text", of_source(column("tier") | {"odd_values": {"tier": {"None": 80}}})),
    ("null-as-text", ours(source(**column("tier") | {"odd_values": {"tier": {"None": 80}}}), clean(**column("tier") | {"odd_values": {"tier": {"None": 80}}}))),
    ("error-as-value", of_source(column("state") | {"odd_values": {"state": {"null": 8}}})),
    ("error-as-value", of_source(column("company") | {"odd_values": {"company": {"&amp;": 3}}})),
    ("number-with-decimal-point", of_source(column("version") | {"odd_values": {"version": {".0": 60}}})),
    ("number-with-decimal-point", ours(source(**column("phone")), clean(**column("phone")))),
    ("number-with-decimal-point", ours(source(**column("release")), clean(**column("release") | {"odd_values": {"release": {".0": 9}}}))),
    ("entities-in-text", of_source(column("body_html") | {"odd_values": {"body_html": {"&amp;": 3}}})),
    ("entities-in-text", of_source(column("landing_url") | {"odd_values": {"landing_url": {"&amp;": 3}}})),
    ("entities-in-text", of_source(column("company", nan=3))),
    ("value-out-of-range", of_source(ranged("age", 0, 104))),
    ("value-out-of-range", of_source(ranged("age", 192.2, 211.6, "float64"))),
    ("value-out-of-range", of_source(ranged("account_age", 0, 2400))),
    ("value-out-of-range", of_source(ranged("lat", 491230000, 501230000))),
    ("value-out-of-range", of_source(ranged("month", 202401, 202412))),
    ("value-out-of-range", of_source(ranged("month", "2024-01-01", "2024-12-01", "datetime64[ns]"))),
    ("value-out-of-range", of_source(ranged("amount", -50.0, 900.0, "float64"))),
    ("value-out-of-range", of_source(ranged("price_change", -5.0, 9.0, "float64"))),
    ("value-out-of-range", of_source(ranged("growth_pct", -20.0, 350.0, "float64"))),
    ("value-out-of-range", of_source(ranged("upper_bound", 10.0, "inf", "float64"))),
    ("value-out-of-range", ours(source(**ranged("amount", 0, 9)), clean(**ranged("amount", -9, 9)))),
    ("group-without-value-lost", ours(source(**FULL_ORDERS), clean(2, **grouped()))),
    ("group-without-value-lost", ours(source(**ORDERS), clean(3, **grouped(nulls=[1, 0], unique=[])))),
    ("group-without-value-lost", ours(source(**ORDERS), clean(200, **grouped(unique=[])))),
    ("group-without-value-lost", ours(source(**ORDERS | {"unique": ["city"]}), clean(100, **grouped()))),
    ("limit-reached", ours(source(65_534))),
    ("limit-reached", ours(source(200, **ranged("id", 1, 200)), clean(100, **ranged("id", 2, 200)))),
    ("limit-reached", ours(source(**ranged("id", 1, 240)), clean(117, **ranged("id", 1, 117)))),
    ("limit-reached", ours(source(**column("city")), clean(100, **column("city")))),
)  # fmt: skip
