"""Joins that look up columns, and figures that leave out rows or fractions: queries that hit, and near misses."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.runtime.driving import STORAGES, context, drive, handed
from tests.runtime.test_query_checks import checks

BADGES = pd.DataFrame({"badge": range(100), "full_name": [f"P {n}" for n in range(100)]})
DIRECTORY = pd.DataFrame(
    {
        "full_name": [f"P {n}" for n in range(100)] + ["P 1", "P 2"],
        "unit": ["u"] * 102,
        "badge": [*range(100), 1, 2],
    }
)
CLIENTS = pd.DataFrame({"id": range(1, 41), "segment": ["a", "b"] * 20})
ORDERS = pd.DataFrame(
    {
        "id": range(21, 81),
        "client_id": [1 + n % 40 for n in range(60)],
        "net": [1.0 + n % 7 for n in range(60)],
    }
)
DOCTORS = pd.DataFrame({"doctor": range(20), "ward": ["w"] * 20})
WARDS = pd.DataFrame({"id": range(21, 75), "ward": ["w"] * 54})
VISITS = pd.DataFrame({"doctor": [0, 0, 1, 2, 3, 4], "at": range(6), "fee": [1.5, 2.5, 2.5, 3.0, 4.0, 5.0]})
DEALS = pd.DataFrame({"deal": range(30), "team": [f"t{n % 6}" for n in range(30)]})
TEAMS = pd.DataFrame({"team": ["t0", "t1", "t2"], "title": ["A", "B", "C"]})
SCREWS = pd.DataFrame(
    {"article": range(12), "price": [0.25, 1.5, 3.0] * 4, "pieces": [10] * 12, "size": [2.0] * 12}
)
GIFTS = pd.DataFrame({"donor": [1, 1, 2, 2, 3, 4], "amount": [50, 50, 20, 30, 50, 20]})
MONTHS = pd.DataFrame(
    {
        "month": [f"2026-{n}" for n in range(1, 13)],
        "padded": [f"2026-{n:02}" for n in range(1, 13)],
        "code": [f"{n}-2026-x" for n in range(1, 13)],
    }
)
LIVE = pd.DataFrame({"order_no": range(50, 100), "net": range(50)})
ARCHIVED = pd.DataFrame({"order_no": range(60), "net": range(100, 160)})
TABLES = {
    "badges": BADGES, "directory": DIRECTORY, "clients": CLIENTS, "people": CLIENTS, "orders": ORDERS, "doctors": DOCTORS, "wards": WARDS, "visits": VISITS,
    "deals": DEALS, "teams": TEAMS, "screws": SCREWS, "gifts": GIFTS, "months": MONTHS, "live": LIVE, "archived": ARCHIVED,
}  # fmt: skip
BY_NAME = "FROM badges b LEFT JOIN directory d ON d.full_name = b.full_name"
PER_DOCTOR = "FROM doctors d LEFT JOIN visits v ON v.doctor = d.doctor"
TEAM = "FROM deals d LEFT JOIN teams t USING (team)"


def found(folder: Path, query: str) -> list[Any]:
    used = {name: frame for name, frame in TABLES.items() if f" {name}" in query}
    return checks(folder, query, **used)


@pytest.mark.parametrize(
    ("check", "query"),
    [
        ("lookup-repeats-rows", f"SELECT b.badge, d.unit {BY_NAME}"),
        ("lookup-repeats-rows", f"SELECT b.badge, d.unit {BY_NAME}".replace("LEFT JOIN", "JOIN")),
        ("join-uses-other-key", "SELECT o.net, c.segment FROM orders o JOIN clients c ON o.id = c.id"),
        ("join-uses-other-key", "SELECT o.net, c.segment FROM clients c JOIN orders o ON c.id = o.id"),
        ("join-uses-other-key", "SELECT o.net, p.segment FROM orders o JOIN people p ON o.id = p.id"),
        ("count-of-missing-partner", f"SELECT d.doctor, d.ward, count(*) AS visits {PER_DOCTOR} GROUP BY d.doctor, d.ward"),
        ("count-of-missing-partner", f"SELECT d.doctor, count(*) AS n {PER_DOCTOR} GROUP BY 1"),
        ("keys-unknown-to-lookup", f"SELECT deal, coalesce(t.title, 'Unknown') AS title {TEAM}"),
        ("keys-unknown-to-lookup", f"SELECT deal, upper(coalesce(t.title, 'n/a')) AS title {TEAM}"),
        ("sum-of-distinct-values", "SELECT donor, sum(DISTINCT amount) AS a FROM gifts GROUP BY donor"),
        ("sum-of-distinct-values", "SELECT avg(DISTINCT amount) FROM gifts"),
        ("fractions-cut", "SELECT article, CAST(price AS INTEGER) * pieces AS total FROM screws"),
        ("fractions-cut", "SELECT sum(price::BIGINT) AS total FROM screws"),
        ("days-compared-as-text", "SELECT * FROM months WHERE month >= '2026-9'"),
        ("days-compared-as-text", "SELECT * FROM months WHERE month BETWEEN '2026-01' AND '2026-11'"),
        ("union-repeats-rows", "SELECT * FROM live UNION ALL SELECT * FROM archived_and_live"),
    ],
)  # fmt: skip
def test_lookup_or_figure_that_is_wrong_is_found(tmp_path: Path, check: str, query: str) -> None:
    shared = pd.concat([ARCHIVED[:50], LIVE[:10]], ignore_index=True)
    used = {name: frame for name, frame in TABLES.items() if f" {name}" in query}
    if "archived_and_live" in query:
        used = {"live": LIVE, "archived_and_live": shared}
    assert check in [one["check"] for one in checks(tmp_path, query, **used)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT b.badge, d.unit FROM badges b LEFT JOIN directory d USING (badge)",
        f"SELECT DISTINCT b.badge, d.unit {BY_NAME}",
        f"SELECT b.badge, max(d.unit) {BY_NAME} GROUP BY 1",
        "SELECT v.at, d.ward FROM visits v JOIN doctors d ON d.doctor = v.doctor",
        "SELECT d.ward, v.at FROM doctors d JOIN visits v ON d.doctor = v.doctor",
        "SELECT o.net, c.segment FROM orders o JOIN clients c ON o.client_id = c.id",
        "SELECT o.net, d.ward FROM orders o JOIN wards d ON o.id = d.id",
        f"SELECT d.doctor, count(v.at) AS visits {PER_DOCTOR} GROUP BY d.doctor",
        f"SELECT d.ward, count(*) AS n {PER_DOCTOR} GROUP BY d.ward",
        f"SELECT d.doctor, count(*) AS doctors {PER_DOCTOR} GROUP BY d.doctor",
        f"SELECT d.doctor, count(*) AS n {PER_DOCTOR} WHERE v.at > 1 GROUP BY d.doctor".replace("LEFT ", ""),
        "SELECT v.doctor, count(*) AS n FROM visits v LEFT JOIN doctors d ON v.doctor = d.doctor GROUP BY 1",
        f"SELECT deal, coalesce(t.title, d.team) AS title {TEAM}",
        f"SELECT deal, coalesce(t.title, 'Other') AS title {TEAM}",
        "SELECT deal, coalesce(t.title, 'Unknown') AS title FROM (SELECT * FROM deals WHERE team < 't3') d LEFT JOIN teams t USING (team)",
        "SELECT deal, coalesce(t.title, 'Unknown') AS title FROM deals d LEFT JOIN teams t ON t.team = nullif(d.team, 't5') WHERE d.team IN ('t0', 't1', 't2', 't5')",
        "SELECT donor, sum(amount) AS a FROM gifts GROUP BY donor",
        "SELECT donor, sum(DISTINCT amount) AS a FROM gifts WHERE donor > 1 GROUP BY donor",
        "SELECT count(DISTINCT amount) AS a FROM gifts",
        "SELECT sum(DISTINCT donor) AS a FROM gifts WHERE donor > 2",
        "SELECT article, CAST(price * pieces AS INTEGER) AS total FROM screws",
        "SELECT article, CAST(price AS INTEGER) AS price FROM screws",
        "SELECT article, CAST(size AS INTEGER) * pieces AS total FROM screws",
        "SELECT article, CAST(floor(price) AS INTEGER) * pieces AS total FROM screws",
        "SELECT * FROM months WHERE padded >= '2026-09'",
        "SELECT * FROM months WHERE code >= '2026-9'",
        "SELECT * FROM months WHERE month = '2026-9'",
        "SELECT * FROM live UNION ALL SELECT * FROM archived",
        "SELECT order_no, net FROM live WHERE order_no > 59 UNION ALL SELECT * FROM archived",
        "SELECT * FROM visits UNION ALL SELECT * FROM visits v WHERE v.at > 1",
    ],
)  # fmt: skip
def test_lookup_or_figure_that_is_right_is_no_mistake(tmp_path: Path, query: str) -> None:
    assert found(tmp_path, query) == []


LINES = pd.DataFrame(
    {"sku": [f"P-{n % 30:03}" for n in range(90)], "product_id": [n % 30 for n in range(90)]}
)


def newer(folder: Path, query: str, products: pd.DataFrame, lines: pd.DataFrame = LINES) -> list[Any]:
    counts: list[Any] = []
    ctx = replace(context(folder), describe_join=counts.append)
    inputs = {
        name: handed(folder, frame, STORAGES["memory"], step=name)
        for name, frame in {"lines": lines, "products": products}.items()
    }
    drive("duckdb.processor", {"query": query}, ctx, **inputs)
    return [one.get("left_newer", one.get("right_newer")) for one in counts]


def products(count: int, *, skus: str = "P-{:03}") -> pd.DataFrame:
    return pd.DataFrame(
        {"sku": [skus.format(n) for n in range(count)], "product_id": range(count), "price": 1.0}
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT l.sku, price FROM lines l JOIN products p USING (sku)",
        "SELECT l.sku, price FROM products p JOIN lines l USING (sku)",
        "SELECT l.sku, price FROM lines l JOIN products p ON l.product_id = p.product_id",
    ],
)
def test_rows_with_a_newer_key_are_counted(tmp_path: Path, query: str) -> None:
    assert newer(tmp_path, query, products(25)) == [15]


@pytest.mark.parametrize(
    ("query", "table"),
    [
        ("SELECT l.sku, price FROM lines l JOIN products p USING (sku)", products(30)),
        ("SELECT l.sku, price FROM lines l LEFT JOIN products p USING (sku)", products(25)),
        ("SELECT l.sku, price FROM lines l JOIN products p USING (sku)", products(29)),
        ("SELECT l.sku, price FROM lines l JOIN products p USING (sku)", products(25, skus="Q-{:03}")),
        ("SELECT l.sku, price FROM lines l JOIN products p USING (sku)", pd.concat([products(25)] * 2)),
        (
            "SELECT l.sku, price FROM lines l JOIN products p ON l.product_id = p.order_id",
            products(25).rename(columns={"product_id": "order_id"}),
        ),
    ],
)
def test_rows_of_other_joins_have_no_newer_key(tmp_path: Path, query: str, table: pd.DataFrame) -> None:
    assert newer(tmp_path, query, table) == [None]


MONEY = pd.DataFrame(
    {
        "shop": ["a", "b"] * 30,
        "account": [f"A{n % 3}" for n in range(60)],
        "currency": ["EUR", "CZK", "HUF"] * 20,
        "amount": [1.5] * 60,
        "amount_eur": [1.5] * 60,
        "rate": [0.5] * 60,
        "pieces": [1] * 60,
        "uom": ["kg", "pcs"] * 30,
        "quantity": [2.0] * 60,
        "unit": ["Sales North", "Sales South"] * 30,
    }
)
NO_UNIT = MONEY.drop(columns="unit")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT shop, sum(amount) AS revenue FROM m GROUP BY shop", ("sum(amount)", "currency", 3, 2, 2)),
        ("SELECT sum(amount) AS revenue FROM m", ("sum(amount)", "currency", 3, 1, 1)),
        ("SELECT shop, avg(m.amount * quantity) AS v FROM m WHERE rate > 0 GROUP BY 1", ("avg(amount, quantity)", "currency", 3, 2, 2)),
        ("SELECT shop, sum(amount) AS v FROM (SELECT shop, amount FROM m) GROUP BY shop", ("sum(amount)", "currency", 3, 2, 2)),
        ("WITH p AS (SELECT * FROM m WHERE pieces > 0) SELECT sum(amount) AS v FROM p", ("sum(amount)", "currency", 3, 1, 1)),
        ("SELECT account, sum(quantity) AS v FROM m GROUP BY account", ("sum(quantity)", "uom", 2, 3, 3)),
    ],
)  # fmt: skip
def test_sum_over_several_units_is_found(tmp_path: Path, query: str, expected: Any) -> None:
    found = [one for one in checks(tmp_path, query, m=NO_UNIT) if one["check"] == "sum-over-units"]
    assert [
        tuple(one[key] for key in ("aggregate", "column", "units", "mixed", "groups")) for one in found
    ] == [expected]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT shop, currency, sum(amount) AS v FROM m GROUP BY ALL",
        "SELECT currency, sum(amount) AS v FROM m GROUP BY 1",
        "SELECT account, sum(amount) AS v FROM m GROUP BY account",
        "SELECT shop, sum(amount) AS v FROM m WHERE currency = 'EUR' GROUP BY shop",
        "SELECT shop, sum(amount_eur) AS v FROM m GROUP BY shop",
        "SELECT shop, sum(amount * rate) AS v FROM m GROUP BY shop",
        "SELECT shop, sum(CASE WHEN currency = 'EUR' THEN amount ELSE 0 END) AS v FROM m GROUP BY shop",
        "SELECT shop, count(amount) AS n, sum(pieces) AS v FROM m GROUP BY shop",
        "SELECT shop, max(amount) AS v FROM m GROUP BY shop",
        "SELECT shop, sum(quantity) AS v FROM m GROUP BY shop",
    ],
)
def test_sum_of_one_unit_is_no_mistake(tmp_path: Path, query: str) -> None:
    assert [one for one in checks(tmp_path, query, m=MONEY) if one["check"] == "sum-over-units"] == []


def test_sum_over_organizational_units_is_no_mistake(tmp_path: Path) -> None:
    query = "SELECT shop, sum(quantity) AS v FROM m GROUP BY shop"
    assert checks(tmp_path, query, m=MONEY.drop(columns="uom")) == []
