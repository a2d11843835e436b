"""Mistakes that the tree of a query shows together with the rows of its inputs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.runtime.driving import STORAGES, context, drive, handed

ORDERS = pd.DataFrame(
    {
        "id": range(1, 21),
        "customer_id": [1, 2, 3, 4, 5] * 4,
        "amount": [10.0] * 20,
        "code": [f"C{n}" for n in range(1, 21)],
    }
)
CUSTOMERS = pd.DataFrame({"customer_id": [1, 2, 3], "name": ["Ada", "Bo", None], "region": ["n", "s", "s"]})
ITEMS = pd.DataFrame({"order_id": [1, 1, 2, 3, 4, 5], "fee": [1.0] * 6, "sku": list("abcdef")})
PAYMENTS = pd.DataFrame({"order_id": [1, 2, 3], "paid": [5.0, 6.0, 7.0]})
TABLES = {"orders": ORDERS, "customers": CUSTOMERS, "items": ITEMS, "payments": PAYMENTS}


def checks(folder: Path, query: str, storage: str = "memory", **tables: pd.DataFrame) -> list[Any]:
    found: list[Any] = []
    ctx = replace(context(folder), describe_query=found.extend)
    policy = STORAGES[storage]
    inputs = {name: handed(folder, frame, policy, step=name) for name, frame in (tables or TABLES).items()}
    drive("duckdb.processor", {"query": query}, ctx, **inputs)
    return found


def names(folder: Path, query: str, **tables: pd.DataFrame) -> list[str]:
    return [check["check"] for check in checks(folder, query, **tables)]


def keyed(*values: Any) -> pd.DataFrame:
    return pd.DataFrame({"k": values, "v": range(len(values))})


def test_keys_of_other_form_are_counted_by_form(tmp_path: Path) -> None:
    right = keyed("A1", "B2", "C3")
    assert checks(
        tmp_path, "SELECT * FROM l LEFT JOIN r USING (k)", l=keyed(*("a1", "b2") * 2, "D"), r=right
    ) == [
        {
            "check": "join-keys-differ-in-form",
            "table": "l",
            "partner": "r",
            "rows": 5,
            "unmatched": 5,
            "keys": 3,
            "unmatched_would_match": {"case": 2},
        }
    ]


@pytest.mark.parametrize(
    ("form", "left", "right"),
    [
        ("spaces", ["a ", "b ", "c\u00a0"], ["a", "b", "c"]),
        ("invisible characters or the kind of spaces", ["a\u200b", "b\u200b", "c\ufeff"], ["a", "b", "c"]),
        (
            "invisible characters or the kind of spaces",
            ["New\u00a0Y", "Old\u202fY", "c"],
            ["New Y", "Old Y", "c"],
        ),
        ("leading zeros", ["007", "008", "009"], ["7", "8", "9"]),
        ("form of the numbers", ["7.0", "8.0", "9.0"], ["7", "8", "9"]),
        (
            "time of day",
            ["2024-01-01 10:00", "2024-01-02 11:00", "2024-01-03 12:00"],
            ["2024-01-01", "2024-01-02", "2024-01-03"],
        ),
        ("punctuation", ["A-1", "A-2", "A-3"], ["A1", "A2", "A3"]),
        ("accents", ["Plzen", "Brno", "Decin"], ["Plzeň", "Brno", "Děčín"]),
    ],
)
@pytest.mark.parametrize("kind", ["LEFT JOIN", "JOIN"])
def test_form_that_differs_is_named(tmp_path: Path, form: str, left: Any, right: Any, kind: str) -> None:
    query = f"SELECT * FROM l {kind} r ON l.k = r.k"
    (check,) = checks(tmp_path, query, l=keyed(*left, *left), r=keyed(*right))
    assert next(iter(check["unmatched_would_match"])) == form


def test_keys_that_really_differ_are_no_mistake(tmp_path: Path) -> None:
    assert (
        checks(tmp_path, "SELECT * FROM l LEFT JOIN r USING (k)", l=keyed("a", "b", "c"), r=keyed("d", "e"))
        == []
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT sum(o.amount) FROM orders o JOIN items i ON i.order_id = o.id",
        "SELECT o.customer_id, avg(amount) FROM orders o LEFT JOIN items i ON i.order_id = o.id GROUP BY 1",
        "WITH i AS (SELECT * FROM items WHERE fee > 0) SELECT o.id, sum(o.amount) FROM orders o JOIN i ON i.order_id = o.id GROUP BY o.id",
        "SELECT * FROM (SELECT sum(o.amount * 2) s FROM df_orders o JOIN df_items i ON i.order_id = o.id) x",
        "SELECT sum(p.paid) FROM orders o JOIN items i ON i.order_id = o.id JOIN payments p ON p.order_id = o.id",
        "SELECT sum(CASE WHEN fee > 0 THEN amount ELSE 0 END) FROM orders o, items i WHERE i.order_id = o.id",
        "SELECT count(o.id) FROM orders o JOIN items i ON i.order_id = o.id WHERE o.amount > 1",
        "WITH x AS (SELECT o.id, o.amount, i.sku FROM orders o JOIN items i ON i.order_id = o.id) SELECT sum(amount) FROM x",
        "SELECT k, sum(amount) FROM (SELECT o.code k, o.*, i.sku FROM orders o JOIN items i ON i.order_id = o.id) x GROUP BY k",
        "SELECT o.customer_id, count(o.id) AS n_orders FROM orders o JOIN items i ON i.order_id = o.id GROUP BY 1",
    ],
)
def test_sum_of_repeated_rows_is_found(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query) == ["aggregate-repeats-rows"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT sum(i.fee) FROM orders o JOIN items i ON i.order_id = o.id",
        "SELECT o.id, count(*), max(o.amount), count(DISTINCT o.id) FROM orders o JOIN items i ON i.order_id = o.id GROUP BY 1",
        "SELECT o.id, avg(o.amount), sum(i.fee) FROM orders o JOIN items i ON i.order_id = o.id GROUP BY 1",
        "SELECT sum(o.amount) FROM items i JOIN orders o ON i.order_id = o.id",
        "SELECT sum(i.fee * o.amount) FROM orders o JOIN items i ON i.order_id = o.id",
        "WITH x AS (SELECT o.id, i.fee amount FROM orders o JOIN items i ON i.order_id = o.id) SELECT sum(amount) FROM x",
        "WITH x AS (SELECT DISTINCT o.id, o.amount FROM orders o JOIN items i ON i.order_id = o.id) SELECT sum(amount) FROM x",
        "WITH x AS (SELECT o.id, max(o.amount) a FROM orders o JOIN items i ON i.order_id = o.id GROUP BY 1) SELECT sum(a) FROM x",
        "SELECT sum(amount) FROM (SELECT * FROM orders o JOIN items i ON i.order_id = o.id WHERE i.sku = 'a')",
        "SELECT o.code, count(o.id) AS items FROM orders o JOIN items i ON i.order_id = o.id GROUP BY 1",
        "SELECT o.id k, avg(o.amount) FROM orders o JOIN items i ON i.order_id = o.id GROUP BY ALL",
        "SELECT c.region, sum(o.amount) FROM orders o JOIN customers c USING (customer_id) GROUP BY 1",
        "SELECT c.name, sum(o.amount) FROM customers c JOIN orders o USING (customer_id) GROUP BY 1",
        "SELECT sum(o.amount) FROM orders o JOIN (SELECT order_id, sum(fee) f FROM items GROUP BY 1) i ON i.order_id = o.id",
        "SELECT sum(o.amount) FROM orders o JOIN items i ON i.order_id = o.id AND i.sku = 'a'",
        "SELECT sum(o.amount) FROM orders o JOIN items i ON i.order_id = o.id WHERE i.sku = 'a'",
        "SELECT sum(CASE WHEN o.amount > 3 THEN 1 ELSE 0 END) FROM orders o JOIN items i ON i.order_id = o.id",
    ],
)
def test_sum_of_rows_that_occur_once_is_no_mistake(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query) == []


SAME = pd.DataFrame({"a": [1], "b": [2], "c": [3]})
OTHER = pd.DataFrame({"a": [1], "c": [3], "b": [2]})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM s UNION ALL SELECT * FROM o",
        "SELECT a, b FROM s UNION SELECT b, a FROM o",
        "WITH x AS (SELECT * FROM o) SELECT * FROM s UNION ALL SELECT * FROM x ORDER BY 1",
        "SELECT count(*) FROM (SELECT * FROM s UNION ALL SELECT * FROM o) u",
        "SELECT * FROM s EXCEPT SELECT * FROM o",
        "WITH u AS (SELECT * FROM s UNION ALL SELECT * FROM o) SELECT * FROM u",
    ],
)
def test_union_in_another_order_is_found(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query, s=SAME, o=OTHER) == ["union-columns-swapped"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM s UNION ALL BY NAME SELECT * FROM o",
        "SELECT a, b, c FROM s UNION ALL SELECT a, b, c FROM o",
        "SELECT a, b AS x FROM s UNION ALL SELECT a, c AS y FROM o",
        "SELECT a, b FROM s UNION ALL SELECT a, c FROM o",
    ],
)
def test_union_in_one_order_is_no_mistake(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query, s=SAME, o=OTHER) == []


@pytest.mark.parametrize(
    ("check", "query"),
    [
        (
            "left-join-drops-rows",
            "SELECT * FROM orders o LEFT JOIN customers c USING (customer_id) WHERE c.region = 's'",
        ),
        (
            "left-join-drops-rows",
            "SELECT * FROM orders o LEFT JOIN customers c USING (customer_id) WHERE region IN ('s', 'n') AND amount > 1",
        ),
        ("comparison-with-null", "SELECT * FROM customers WHERE name = NULL"),
        ("comparison-with-null", "SELECT CASE WHEN name <> NULL THEN 1 ELSE 2 END FROM customers"),
        ("not-in-with-null", "SELECT * FROM orders WHERE code NOT IN (SELECT name FROM customers)"),
        ("period-cuts-last-day", "SELECT * FROM events WHERE ts BETWEEN '2024-01-01' AND '2024-01-02'"),
        ("period-cuts-last-day", "SELECT * FROM events e WHERE e.ts <= DATE '2024-01-02'"),
        ("numbers-compared-as-text", "SELECT max(n) FROM events"),
        ("numbers-compared-as-text", "SELECT max(price) FROM events"),
        ("numbers-compared-as-text", "SELECT * FROM events WHERE n > '5'"),
        ("numbers-compared-as-text", "SELECT * FROM events ORDER BY n DESC LIMIT 3"),
    ],
)
def test_condition_that_cannot_hold_is_found(tmp_path: Path, check: str, query: str) -> None:
    assert names(tmp_path, query, **TABLES, events=EVENTS) == [check]


EVENTS = pd.DataFrame(
    {
        "ts": pd.to_datetime(["2024-01-01", "2024-01-02 09:00", "2024-01-03"] * 3, format="ISO8601"),
        "n": ["9", "10", "7", "8", "11", "3", "4", "5", "6"],
        "price": ["9.50", "1,000.00", "20.00", "30.00", "1,250.50", "3.00", "4.00", "5.00", "6.00"],
        "year": ["2020", "2021", "2022"] * 3,
    }
)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM orders o LEFT JOIN customers c USING (customer_id) WHERE c.region = 's' OR c.region IS NULL",
        "SELECT * FROM orders o LEFT JOIN customers c USING (customer_id) WHERE c.region IS NULL",
        "SELECT * FROM orders o LEFT JOIN customers c USING (customer_id) WHERE o.customer_id < 3 AND c.region = 's'",
        "SELECT * FROM orders o LEFT JOIN customers c USING (customer_id) WHERE coalesce(c.region, 's') = 's'",
        "SELECT * FROM orders o JOIN customers c USING (customer_id) WHERE c.region = 's'",
        "SELECT * FROM customers WHERE name IS NULL",
        "SELECT * FROM orders WHERE code NOT IN (SELECT name FROM customers WHERE name IS NOT NULL)",
        "SELECT * FROM orders WHERE id NOT IN (SELECT order_id FROM payments)",
        "SELECT * FROM events WHERE ts BETWEEN '2024-01-01' AND '2024-01-03'",
        "SELECT * FROM events WHERE ts < '2024-01-02'",
        "SELECT * FROM events WHERE CAST(ts AS DATE) BETWEEN '2024-01-01' AND '2024-01-02'",
        "SELECT max(year), min(year) FROM events WHERE year > '2020'",
        "SELECT * FROM events ORDER BY n",
        "SELECT max(CAST(n AS INTEGER)) FROM events",
    ],
)
def test_condition_that_holds_is_no_mistake(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query, **TABLES, events=EVENTS) == []


WIDE = pd.DataFrame(
    {"id": range(200), "amount": range(200), "unit": ["eur"] * 200, "status": ["New", "Paid"] * 100}
)
NAMED = pd.DataFrame({"id": range(1000, 1003), "name": ["Ada", "Bo", "Cy"]})


@pytest.mark.parametrize(
    ("check", "query"),
    [
        (
            "fallback-in-all-rows",
            "SELECT w.id, coalesce(n.name, 'unknown') AS name FROM w LEFT JOIN n USING (id)",
        ),
        (
            "fallback-in-all-rows",
            "SELECT upper(coalesce(n.name, 'unknown')) AS name FROM w LEFT JOIN n USING (id)",
        ),
        (
            "fallback-in-all-rows",
            "SELECT CASE WHEN n.name IS NULL THEN '?' ELSE n.name END AS name FROM w LEFT JOIN n USING (id)",
        ),
        (
            "fallback-in-all-rows",
            "WITH j AS (SELECT w.id, coalesce(n.name, 'unknown') AS name FROM w LEFT JOIN n USING (id)) SELECT * FROM j",
        ),
        ("fallback-in-all-rows", "SELECT ifnull(TRY_CAST(status AS INTEGER), 0) AS status FROM w"),
        (
            "case-has-one-result",
            "SELECT CASE WHEN status = 'settled' THEN 1 WHEN status = 'open' THEN 2 ELSE 0 END AS s FROM w",
        ),
        (
            "case-has-one-result",
            "SELECT CASE WHEN amount < 100000 THEN 'low' WHEN amount < 9 THEN 'tiny' ELSE 'high' END AS s FROM w",
        ),
    ],
)
def test_column_with_one_value_is_found(tmp_path: Path, check: str, query: str) -> None:
    assert names(tmp_path, query, w=WIDE, n=NAMED) == [check]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT w.id, coalesce(n.name, 'walk-in') AS name FROM w LEFT JOIN n ON w.id + 1000 = n.id",
        "SELECT coalesce(unit, 'czk') AS unit FROM w",
        "SELECT CASE WHEN n.name IS NULL THEN 'new' ELSE 'known' END AS s FROM w LEFT JOIN n ON w.id + 1000 = n.id",
        "WITH j AS (SELECT coalesce(status, '-') AS s FROM w) SELECT * FROM j WHERE s = 'New'",
        "SELECT CASE WHEN unit = 'eur' THEN 1 ELSE 2 END AS u FROM w",
        "SELECT CASE WHEN status = 'Paid' THEN 1 ELSE 2 END AS u FROM w",
        "SELECT CASE WHEN status = 'settled' THEN 1 ELSE 2 END AS u FROM w LIMIT 50",
        "SELECT CASE WHEN status = 'settled' THEN amount ELSE 2 END AS u FROM w",
        "SELECT 'x' AS u FROM w",
    ],
)
def test_column_with_several_values_is_no_mistake(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query, w=WIDE, n=NAMED) == []


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("check", "query"),
    [
        ("join-keys-differ-in-form", "SELECT * FROM l JOIN r USING (k)"),
        ("union-columns-swapped", "SELECT * FROM l UNION ALL SELECT v, k FROM r"),
        ("not-in-with-null", "SELECT * FROM l WHERE k NOT IN (SELECT nullif(k, 'A') FROM r)"),
        ("numbers-compared-as-text", "SELECT max(n) FROM e"),
        ("period-cuts-last-day", "SELECT * FROM e WHERE ts BETWEEN '2024-01-01' AND '2024-01-02'"),
    ],
)
def test_input_in_a_file_is_checked_alike(tmp_path: Path, check: str, query: str, storage: str) -> None:
    tables = {"l": keyed(*"abcdef"), "r": keyed(*"ABCDEF"), "e": EVENTS}
    assert [one["check"] for one in checks(tmp_path, query, storage, **tables)] == [check]


@pytest.mark.parametrize(
    "query",
    [
        "WITH src AS (SELECT * FROM w LIMIT 50) SELECT status, count(*) AS n FROM src GROUP BY status",
        "SELECT count(*) AS n FROM (SELECT * FROM w LIMIT 50) x",
        "SELECT status, count(*) AS n FROM w GROUP BY status USING SAMPLE 10 PERCENT",
        "SELECT status FROM w TABLESAMPLE 10%",
    ],
)
def test_query_of_a_sample_is_found(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query, w=WIDE) == ["rows-sampled"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM w LIMIT 50",
        "WITH top AS (SELECT * FROM w ORDER BY amount DESC LIMIT 50) SELECT status, count(*) AS n FROM top GROUP BY status",
        "SELECT id, (SELECT max(amount) FROM w LIMIT 1) AS top FROM w",
    ],
)
def test_query_of_the_first_rows_is_no_sample(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query, w=WIDE) == []


RATES = pd.DataFrame({"orders": range(1, 41), "visits": range(1000, 1040)})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT orders // visits AS rate FROM r", ["quotient-is-zero"]),
        ("SELECT 100 * (orders // visits) AS rate FROM r", ["quotient-is-zero"]),
        ("SELECT orders / visits AS rate FROM r", []),
        ("SELECT visits // orders AS rate FROM r", []),
        ("SELECT visits // 1000 AS thousands FROM r", []),
    ],
)
def test_quotient_that_is_always_zero_is_found(tmp_path: Path, query: str, found: list[str]) -> None:
    assert names(tmp_path, query, r=RATES) == found


STATES = pd.DataFrame({"id": range(20), "status": ["new", "paid", "cancelled", None] * 5})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT * FROM s WHERE status <> 'cancelled'", ["nulls-left-out"]),
        ("SELECT * FROM s WHERE status != 'cancelled' AND id > 3", ["nulls-left-out"]),
        ("SELECT * FROM s WHERE status <> 'cancelled' OR status IS NULL", []),
        ("SELECT * FROM s WHERE status <> 'cancelled' AND status IS NOT NULL", []),
        ("SELECT * FROM s WHERE status IS DISTINCT FROM 'cancelled'", []),
        ("SELECT * FROM s WHERE id <> 3", []),
        ("SELECT * FROM s WHERE status = 'paid'", []),
    ],
)
def test_inequality_that_leaves_out_nulls_is_found(tmp_path: Path, query: str, found: list[str]) -> None:
    assert names(tmp_path, query, s=STATES) == found


@pytest.mark.parametrize("error", [TypeError, duckdb.CatalogException])
def test_check_that_fails_does_not_fail_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: Any) -> Any:
        raise error("unknown node")

    monkeypatch.setattr("osiris_inspect.runtime.drivers.duckdb.check_query", fail)
    assert checks(tmp_path, "SELECT * FROM l", l=keyed("a")) == [
        {"check": "not-checked", "reason": f"{error.__name__}: unknown node"}
    ]


def test_query_that_cannot_be_taken_apart_still_succeeds(tmp_path: Path) -> None:
    query = (
        "CREATE TEMP TABLE t AS SELECT * FROM orders; "
        "SELECT * FROM t JOIN customers USING (customer_id) WHERE amount > (SELECT avg(amount) FROM t)"
    )
    assert checks(tmp_path, query) == []
    assert checks(tmp_path, "PIVOT orders ON customer_id USING sum(amount) GROUP BY id") == []
    assert (
        checks(
            tmp_path,
            "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
        )
        == []
    )


PRICES = pd.DataFrame(
    {
        "price": ["1.5"] * 6 + ["2,5"] * 3 + ["n/a"],
        "note": ["n/a"] * 4 + ["1"] * 6,
        "day": ["2024-01-01"] * 5 + ["01.02.2024"] * 5,
        "kind": ["number"] * 6 + ["text"] * 4,
    }
)


@pytest.mark.parametrize(
    ("query", "lost"),
    [
        ("SELECT TRY_CAST(price AS DOUBLE) AS price FROM p", [("price", 9, 3)]),
        ("SELECT sum(TRY_CAST(p.price AS DOUBLE) * 2) AS total FROM p GROUP BY kind", [("price", 9, 3)]),
        (
            "WITH c AS (SELECT try_cast(trim(price) AS DECIMAL(9, 2)) AS v FROM p) SELECT sum(v) AS v FROM c",
            [("price", 9, 3)],
        ),
        ("SELECT CAST(try_strptime(day, '%Y-%m-%d') AS DATE) AS d FROM p", [("day", 10, 5)]),
        (
            "SELECT coalesce(try_strptime(day, '%Y-%m-%d'), try_strptime(day, '%Y/%m/%d')) AS d FROM p",
            [("day", 10, 5)],
        ),
        (
            "SELECT coalesce(try_strptime(day, '%Y-%m-%d'), try_strptime(day, '%d.%m.%Y')) AS d FROM p",
            [],
        ),
        ("SELECT TRY_CAST(replace(price, ',', '.') AS DOUBLE) AS price FROM p", []),
        ("SELECT TRY_CAST(note AS INTEGER) AS note FROM p", []),
        ("SELECT TRY_CAST(price AS DOUBLE) AS price FROM p WHERE kind = 'number'", []),
        ("SELECT CASE WHEN kind = 'number' THEN TRY_CAST(price AS DOUBLE) END AS price FROM p", []),
        ("SELECT price FROM p WHERE TRY_CAST(price AS DOUBLE) IS NULL", []),
        ("SELECT sum(TRY_CAST(price AS DOUBLE)) FILTER (WHERE kind = 'number') AS total FROM p", []),
    ],
)
def test_values_that_a_conversion_loses_are_counted(
    tmp_path: Path, query: str, lost: list[tuple[str, int, int]]
) -> None:
    found = [one for one in checks(tmp_path, query, p=PRICES) if one["check"] == "values-lost"]
    assert [(one["column"], one["values"], one["lost"]) for one in found] == lost


def in_form(*values: str) -> pd.DataFrame:
    """Values of which those given are a tenth."""
    return pd.DataFrame({"v": [*values, *["12.50", "2026-12-01"] * 5 * len(values)]})


@pytest.mark.parametrize(
    ("form", "kind", "values"),
    [
        ("thousands separator", "DECIMAL(12, 2)", ["1,234.50", "12,000", "1,234,567.89"]),
        ("thousands separator", "DOUBLE", ["1.234,50", "12.000,00", "-1.234,5"]),
        ("thousands separator", "DOUBLE", ["1 234,50", "12\u00a0000", "1'234.50"]),
        ("decimal comma", "DOUBLE", ["12,50", "-3,1", "1234,5"]),
        ("currency", "DOUBLE", ["€ 12.50", "12,50 Kč", "USD 1,200"]),
        ("percent sign", "DOUBLE", ["12 %", "3.5%", "-1%"]),
        ("parentheses", "DOUBLE", ["(12.50)", "(3)", "(1,200.00)"]),
        ("minus sign at the end", "DOUBLE", ["12.50-", "3-", "1,200-"]),
        ("unit", "INTEGER", ["12 kg", "3.5 kg", "4 pcs"]),
        ("day or month first", "DATE", ["31.12.2026", "1/12/2026", "31-12-2026 10:00"]),
        ("name of the month", "TIMESTAMP", ["31 Dec 2026", "Dec 31, 2026", "31. prosince 2026"]),
    ],
)
def test_form_of_a_few_lost_values_is_recognized(
    tmp_path: Path, form: str, kind: str, values: list[str]
) -> None:
    is_number = kind not in ("DATE", "TIMESTAMP")
    frame = in_form(*values)
    frame = frame[(frame["v"] != "2026-12-01") if is_number else (frame["v"] != "12.50")]
    found = checks(tmp_path, f"SELECT TRY_CAST(v AS {kind}) AS v FROM p", p=frame)
    assert [(one.get("form"), one.get("of_form")) for one in found] == [(form, 3)]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("DOUBLE", ["above", "see note", "A12"]),
        ("INTEGER", ["12a", "7 b", "1/2"]),
        ("DOUBLE", ["n/a", "-", ""]),
        ("DATE", ["soon", "Q3", "week 12"]),
        ("DOUBLE", ["1,234.50", "1,234.50"]),
        ("BOOLEAN", ["1,5", "12,50", "3,1"]),
    ],
)
def test_few_lost_values_without_a_form_are_not_reported(
    tmp_path: Path, kind: str, values: list[str]
) -> None:
    usual = {"DATE": "2026-12-01", "BOOLEAN": "true"}.get(kind, "12.50")
    frame = pd.DataFrame({"v": [*values, *[usual] * 30]})
    assert checks(tmp_path, f"SELECT TRY_CAST(v AS {kind}) AS v FROM p", p=frame) == []


SALES = pd.DataFrame({"day": [1, 1, 2, 3], "sku": list("aabc"), "qty": [1, 1, 1, 1], "price": [2.0] * 4})
MORE_SALES = pd.DataFrame({"day": [3, 4], "sku": list("cd"), "qty": [1, 1], "price": [2.0] * 2})


@pytest.mark.parametrize(
    ("query", "removed"),
    [
        ("SELECT * FROM s UNION SELECT * FROM m", [("s", 4, 1)]),
        ("SELECT * FROM m UNION SELECT * FROM s", [("s", 4, 1)]),
        ("SELECT day, sku, qty, price FROM s UNION SELECT day, sku, qty, price FROM m", [("s", 4, 1)]),
        (
            "WITH u AS (SELECT * FROM s UNION SELECT * FROM m) SELECT sum(qty * price) AS total FROM u",
            [("s", 4, 1)],
        ),
        ("WITH x AS (SELECT * FROM s) SELECT * FROM x WHERE day < 3 UNION SELECT * FROM m", [("x", 3, 1)]),
        ("SELECT * FROM s UNION ALL SELECT * FROM m", []),
        ("SELECT * FROM m UNION SELECT * FROM m", []),
        ("SELECT day, sku FROM s UNION SELECT day, sku FROM m", []),
        ("SELECT DISTINCT * FROM s UNION SELECT * FROM m", []),
        ("SELECT *, 7 AS id FROM s UNION SELECT *, 8 AS id FROM m", []),
        ("SELECT * FROM s EXCEPT SELECT * FROM m", []),
        ("WITH x AS (SELECT *, 7 AS id FROM s) SELECT * FROM x UNION SELECT * FROM x", []),
    ],
)
def test_equal_rows_that_a_union_removes_are_counted(
    tmp_path: Path, query: str, removed: list[tuple[str, int, int]]
) -> None:
    found = [
        one for one in checks(tmp_path, query, s=SALES, m=MORE_SALES) if one["check"] == "union-removes-rows"
    ]
    assert [(one["table"], one["rows"], one["removed"]) for one in found] == removed


BANDS = pd.DataFrame({"low": [0, 100, 200], "high": [100, 200, 900], "band": list("abc")})
SOLD = pd.DataFrame({"sku": [f"s{n}" for n in range(40)], "amount": range(0, 400, 10)})
SHARED = {"check": "ranges-share-bounds", "table": "s", "partner": "b", "rows": 40, "repeated": 2}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    "condition",
    [
        "JOIN bands b ON s.amount BETWEEN b.low AND b.high",
        "LEFT JOIN bands b ON b.low <= s.amount AND s.amount <= b.high",
        "JOIN bands b ON s.amount >= low AND amount <= high",
        ", bands b WHERE s.amount BETWEEN b.low AND b.high",
    ],
)
def test_value_in_two_ranges_is_counted(tmp_path: Path, storage: str, condition: str) -> None:
    query = f"SELECT b.band, sum(s.amount) AS total FROM sales s {condition} GROUP BY 1"
    assert checks(tmp_path, query, storage, sales=SOLD, bands=BANDS) == [SHARED]


@pytest.mark.parametrize(
    ("condition", "bands"),
    [
        ("s.amount >= b.low AND s.amount < b.high", BANDS),
        ("s.amount BETWEEN b.low AND b.high - 1", BANDS),
        ("s.amount BETWEEN b.low AND b.high", BANDS.assign(high=[99, 199, 900])),
        ("s.amount BETWEEN b.low AND b.high", BANDS.assign(low=[0, 95, 190])),
        ("s.amount BETWEEN b.low AND b.high", BANDS.assign(low=[0, 105, 205], high=[105, 205, 900])),
        ("s.sku = b.band AND s.amount BETWEEN b.low AND b.high", BANDS),
        ("s.amount BETWEEN b.low AND b.high AND b.band <> 'b'", BANDS),
    ],
)
def test_value_in_one_range_is_no_check(tmp_path: Path, condition: str, bands: pd.DataFrame) -> None:
    query = f"SELECT s.sku, b.band FROM sales s JOIN bands b ON {condition}"
    assert checks(tmp_path, query, sales=SOLD, bands=bands) == []


def test_distinct_rows_of_two_ranges_are_no_check(tmp_path: Path) -> None:
    query = "SELECT DISTINCT s.sku FROM sales s JOIN bands b ON s.amount BETWEEN b.low AND b.high"
    assert checks(tmp_path, query, sales=SOLD, bands=BANDS) == []


def test_ranges_are_compared_by_key(tmp_path: Path) -> None:
    prices = pd.DataFrame(
        {"sku": ["s1", "s1", "s2", "s2"], "start": [0, 10, 0, 30], "end": [10, 50, 30, 50], "price": range(4)}
    )
    query = "SELECT s.*, p.price FROM sales s JOIN prices p ON s.sku = p.sku AND s.amount BETWEEN p.start AND p.end"
    (check,) = checks(tmp_path, query, sales=SOLD, prices=prices)
    assert (check["check"], check["repeated"]) == ("ranges-share-bounds", 1)


CITIES = pd.DataFrame(
    {
        "id": range(60),
        "city": ["Brno", "brno", "Plzen ", "Plzen", "Praha", "Cheb"] * 10,
        "status": ["paid"] * 50 + ["Paid", "canceled"] * 5,
        "token": ["aB3", "AB3"] * 30,
        "team": ["team A", "team C"] * 30,
        "email": ["ada1@x.org", "ADA1@X.ORG", "bo2@x.org"] * 20,
        "amount": [1.0] * 60,
        "discount": [2.0, None, None] * 20,
        "rate": [25.0, 24.0, None] * 20,
        "middle": ["x", None] * 30,
        "opened": pd.Timestamp("2026-01-01"),
        "closed": [pd.Timestamp("2026-01-02"), None] * 30,
    }
)
FX = pd.DataFrame({"city": ["Brno", "Praha"], "fx": [25.0, 26.0]})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM c WHERE status = 'paid'", ("paid", ["Paid"], 5, 50)),
        ("SELECT * FROM c WHERE status <> 'cancelled'", ("cancelled", ["canceled"], 5, 0)),
        (
            "SELECT sum(amount) FILTER (WHERE city IN ('Brno', 'brno', 'Prhaa')) FROM c",
            ("Prhaa", ["Praha"], 10, 0),
        ),
        ("SELECT CASE WHEN lower(status) = 'Paid' THEN 1 END AS p FROM c", ("Paid", ["paid"], 55, 0)),
        ("SELECT CASE city WHEN 'Cheb ' THEN 1 END AS p FROM c", ("Cheb ", ["Cheb"], 10, 0)),
        ("SELECT count(*) FROM c WHERE city LIKE 'pra%' OR city LIKE '%brno'", ("pra%", [], 10, 0)),
    ],
)
def test_text_in_another_spelling_is_found(tmp_path: Path, query: str, expected: Any) -> None:
    (check,) = checks(tmp_path, query, c=CITIES)
    assert check["check"] == "value-spelled-differently"
    assert (check["value"], check["others"], check["rows"], check["matched"]) == expected


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM c WHERE status IN ('paid', 'Paid', 'refunded')",
        "SELECT * FROM c WHERE lower(status) = 'paid'",
        "SELECT * FROM c WHERE token = 'aB3'",
        "SELECT * FROM c WHERE team IN ('team A', 'team B')",
        "SELECT * FROM c WHERE status IN ('cancelled', 'canceled')",
        "SELECT CASE WHEN status = 'Paid' THEN 'paid' ELSE status END AS s FROM c",
        "SELECT * FROM c WHERE city = 'Bern'",
        "SELECT * FROM c WHERE city LIKE 'brno%' OR city LIKE 'Z%' OR city ILIKE 'pra%'",
    ],
)
def test_text_that_rows_lack_is_no_mistake(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query, c=CITIES) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT city, count(*) FROM c GROUP BY city", (["case", "spaces"], 2, 20)),
        ("SELECT city AS town, count(*) FROM c GROUP BY 1", (["case", "spaces"], 2, 20)),
        ("SELECT DISTINCT city FROM c WHERE city <> 'brno'", (["spaces"], 1, 10)),
        ("SELECT count(DISTINCT email) FROM c", (["case"], 1, 20)),
    ],
)
def test_groups_of_one_word_are_counted(tmp_path: Path, query: str, expected: Any) -> None:
    (check,) = [one for one in checks(tmp_path, query, c=CITIES) if one["check"].startswith("groups")]
    assert (check["differ_in"], check["groups"], check["rows"]) == expected


@pytest.mark.parametrize(
    "query",
    [
        "SELECT lower(trim(city)) AS city, count(*) FROM c GROUP BY 1",
        "SELECT token, count(*) FROM c GROUP BY token",
        "SELECT team, count(*) FROM c GROUP BY team",
        "SELECT DISTINCT city, id FROM c",
        "SELECT city, count(*) FROM c WHERE city = upper(city) GROUP BY city",
    ],
)
def test_groups_of_different_words_are_no_mistake(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query, c=CITIES) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT id, amount - discount AS net FROM c", ("net", "discount", 40)),
        ("SELECT id, round(amount + discount + 5, 2) AS net FROM c", ("net", "discount", 40)),
        ("SELECT city || ' ' || middle AS name FROM c", ("name", "middle", 30)),
        ("SELECT sum(amount * rate) AS czk FROM c", ("czk", "rate", 20)),
        (
            "SELECT sum(c.amount * r.fx) AS czk FROM c LEFT JOIN r ON r.city = c.city",
            ("czk", "fx", 40),
        ),
        (
            "WITH j AS (SELECT c.*, r.fx FROM c LEFT JOIN r ON r.city = c.city) SELECT sum(amount * fx) AS czk FROM j",
            ("czk", "fx", 40),
        ),
    ],
)
def test_operand_without_value_is_found(tmp_path: Path, query: str, expected: Any) -> None:
    found = [one for one in checks(tmp_path, query, c=CITIES, r=FX) if one["check"].startswith("operand")]
    assert [(one["column"], one["operand"], one["lost"]) for one in found] == [expected]


TAX = pd.DataFrame({"city": ["Brno", "Plzen", "Praha", "Cheb", "brno"], "rate": [0.2] * 5, "pct": [5] * 5})
SOLD_IN_CITIES = CITIES.drop(columns="rate")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT id, round(amount * (1 + t.rate), 2) AS gross FROM c LEFT JOIN t USING (city)", "rate"),
        ("SELECT id, amount * t.rate AS tax FROM c LEFT JOIN t USING (city)", "rate"),
        ("SELECT sum(amount * (1 - pct / 100)) AS net FROM c LEFT JOIN t ON t.city = c.city", "pct"),
        ("SELECT id, CAST(amount / t.rate AS DECIMAL(9, 2)) AS eur FROM c LEFT JOIN t USING (city)", "rate"),
    ],
)
def test_product_without_partner_is_found(tmp_path: Path, query: str, expected: str) -> None:
    (found,) = (
        one for one in checks(tmp_path, query, c=SOLD_IN_CITIES, t=TAX) if one["check"].startswith("operand")
    )
    assert (found["operand"], found["lost"], found["rows"], found["partner"]) == (expected, 10, 60, "t")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, amount * coalesce(t.rate, 0) AS tax FROM c LEFT JOIN t USING (city)",
        "SELECT id, amount * t.rate AS tax FROM c JOIN t USING (city)",
        "SELECT id, amount * pct AS points FROM c LEFT JOIN t USING (city)",
        "SELECT id, amount * t.rate AS bonus FROM c LEFT JOIN t USING (city)",
        "SELECT id, amount / pct AS per_visit FROM c LEFT JOIN t USING (city)",
        "SELECT id, amount * t.rate AS tax FROM c LEFT JOIN t USING (city) WHERE t.rate IS NOT NULL",
        "SELECT id, CASE WHEN t.rate > 0 THEN amount * t.rate END AS tax FROM c LEFT JOIN t USING (city)",
        "SELECT id, t.rate * pct AS tax FROM c LEFT JOIN t USING (city)",
        "SELECT id, amount * t.rate AS tax FROM c LEFT JOIN (SELECT * FROM t WHERE city = 'Brno') t USING (city)",
    ],
)
def test_product_that_may_lack_is_no_mistake(tmp_path: Path, query: str) -> None:
    found = names(tmp_path, query, c=SOLD_IN_CITIES, t=TAX)
    assert "operand-without-value" not in found


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, amount - coalesce(discount, 0) AS net FROM c",
        "SELECT id, closed - opened AS open_for FROM c",
        "SELECT id, amount - rate AS gap FROM c",
        "SELECT id, amount * rate AS czk FROM c",
        "SELECT id, amount / rate AS share FROM c",
        "SELECT concat(city, ' ', middle) AS name FROM c",
        "SELECT coalesce(city || middle, city) AS name FROM c",
        "SELECT id, amount + discount AS net FROM c WHERE discount IS NOT NULL",
        "SELECT discount + 5 AS net FROM c",
    ],
)
def test_operand_that_may_lack_is_no_mistake(tmp_path: Path, query: str) -> None:
    assert names(tmp_path, query, c=CITIES) == []


@pytest.mark.parametrize(
    ("query", "lost"),
    [
        ("SELECT status, count(discount) AS customers FROM c GROUP BY 1", 40),
        ("SELECT count(middle) AS n FROM c WHERE id >= 20", 20),
        ("SELECT count(middle) AS with_middle FROM c", None),
        ("SELECT count(discount) AS discounts FROM c", None),
        ("SELECT count(*) AS n, count(middle) AS total FROM c", None),
        ("SELECT count(middle) AS n FROM c WHERE middle <> ''", None),
        ("SELECT count(id) AS orders FROM c", None),
        ("SELECT count(r.fx) AS n FROM c LEFT JOIN r USING (city)", None),
    ],
)
def test_count_of_values_is_no_count_of_rows(tmp_path: Path, query: str, lost: int | None) -> None:
    found = [one for one in checks(tmp_path, query, c=CITIES, r=FX) if one["check"].startswith("count-")]
    assert [one["lost"] for one in found] == ([] if lost is None else [lost])


def filters(folder: Path, query: str, **tables: pd.DataFrame) -> list[Any]:
    found: list[Any] = []
    ctx = replace(context(folder), describe_filters=found.extend)
    inputs = {
        name: handed(folder, frame, STORAGES["memory"], step=name)
        for name, frame in (tables or TABLES).items()
    }
    drive("duckdb.processor", {"query": query}, ctx, **inputs)
    return found


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM orders WHERE customer_id = 1",
        "SELECT count(*) AS n FROM orders WHERE customer_id = 1 AND amount > 0",
        "SELECT customer_id, sum(amount) AS s FROM orders o WHERE o.customer_id = 1 GROUP BY customer_id",
        "SELECT c.region, sum(orders.amount) AS s FROM orders JOIN customers c USING (customer_id) WHERE orders.code IN ('C1', 'C6', 'C11', 'C16') GROUP BY 1",
        "SELECT sum(amount) FILTER (WHERE customer_id = 1) AS s FROM orders",
        "SELECT sum(CASE WHEN customer_id = 1 THEN amount ELSE 0 END) AS s FROM orders",
        "WITH mine AS (SELECT * FROM orders WHERE customer_id = 1) SELECT count(*) AS n FROM mine",
    ],
)
def test_rows_that_a_condition_keeps_are_counted(tmp_path: Path, query: str) -> None:
    assert [(one["rows"], one["kept"]) for one in filters(tmp_path, query)] == [(20, 4)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM orders",
        "SELECT id FROM orders WHERE customer_id IN (SELECT customer_id FROM customers)",
        "SELECT id FROM (SELECT id FROM orders LIMIT 5) WHERE id = 1",
        "SELECT o.id FROM orders o, customers c WHERE o.customer_id = c.customer_id",
    ],
)
def test_conditions_on_other_tables_are_not_counted(tmp_path: Path, query: str) -> None:
    assert not filters(tmp_path, query)


WRITTEN = pd.DataFrame(
    {
        "price": [f"{number},{50 + number}" for number in range(30)],
        "thousands": [f"1,{number:03}.50" for number in range(30)],
        "point": [f"{number}.5" for number in range(30)],
        "day": [f"{1 + number % 11:02}/11/2026" for number in range(30)],
    }
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT CAST(replace(price, ',', '') AS DOUBLE) AS price FROM f", [("price", ",", 30)]),
        ("SELECT replace(price, ',', '')::DECIMAL(10, 2) AS p FROM f", [("price", ",", 30)]),
        ("SELECT sum(regexp_replace(price, '[^0-9]', '', 'g')::DOUBLE) AS p FROM f", [("price", ",", 30)]),
        (
            "SELECT CAST(replace(replace(point, '.', ''), ',', '.') AS DOUBLE) AS p FROM f",
            [("point", ".", 30)],
        ),
        ("SELECT replace(price, ',', '')::DOUBLE / 100 AS p FROM f", []),
        ("SELECT replace(price, ',', '')::INTEGER AS cents FROM f", []),
        ("SELECT CAST(replace(thousands, ',', '') AS DOUBLE) AS p FROM f", []),
        ("SELECT CAST(replace(price, ',', '.') AS DOUBLE) AS p FROM f", []),
        ("SELECT CAST(replace(point, ',', '') AS DOUBLE) AS p FROM f", []),
    ],
)
def test_removed_decimal_separator_is_found(
    tmp_path: Path, query: str, found: list[tuple[str, str, int]]
) -> None:
    facts = [one for one in checks(tmp_path, query, f=WRITTEN) if one["check"] == "separator-removed"]
    assert [(one["column"], one["separator"], one["changed"]) for one in facts] == found


@pytest.mark.parametrize(
    ("query", "dates"),
    [
        ("SELECT strptime(day, '%m/%d/%Y')::DATE AS day FROM f", [11]),
        ("SELECT coalesce(try_strptime(day, '%m/%d/%Y'), now()) AS day FROM f", [11]),
        ("SELECT strptime(day, '%d/%m/%Y') AS day FROM f", []),
        ("SELECT strptime('01/11/2026', '%m/%d/%Y') AS day FROM f", []),
    ],
)
def test_dates_read_with_the_month_first_are_found(tmp_path: Path, query: str, dates: list[int]) -> None:
    facts = [one for one in checks(tmp_path, query, f=WRITTEN) if one["check"] == "days-read-as-months"]
    assert [one["dates"] for one in facts] == dates
