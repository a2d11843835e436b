"""Rules about the query of a step, which a worker checks with the rows of its inputs: runs that hit, and near misses."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from tests.inspector.making import run_dir
from tests.inspector.test_rules_of_green_runs import (
    JOIN_SQL,
    A,
    B,
    Made,
    joined,
    keys,
    messages,
    ours,
    report,
    step,
    theirs,
)
from tests.runtime.runs import make_run

KEYS = {
    "check": "join-keys-differ-in-form", "table": "a", "partner": "b", "rows": 1000, "unmatched": 800, "keys": 90,
    "unmatched_would_match": {"leading zeros": 88, "case, spaces and zeros": 88},
}  # fmt: skip
AGGREGATE = {
    "check": "aggregate-repeats-rows", "aggregate": "sum(amount)", "table": "a", "partner": "b", "rows": 40,
}  # fmt: skip
UNION = {"check": "union-columns-swapped", "into": ["b", "c"], "values_of": ["c", "b"]}
LEFT = {"check": "left-join-drops-rows", "table": "b", "column": "region", "rows": 12}
NOT_IN = {"check": "not-in-with-null", "column": "id", "nulls": 3}
NULL = {"check": "comparison-with-null", "column": "name"}
TEXT = {"check": "numbers-compared-as-text", "column": "version", "use": "max"}
RANGES = {"check": "ranges-share-bounds", "table": "a", "partner": "b", "rows": 60, "repeated": 5}
DAY = {"check": "period-cuts-last-day", "column": "at", "day": "2024-01-31", "rows": 310}
FALLBACK = {"check": "fallback-in-all-rows", "column": "name", "rows": 1000}
NULLS = {"check": "nulls-left-out", "column": "status", "nulls": 300, "rows": 900}
SAMPLE = {"check": "rows-sampled", "part": "LIMIT 200"}
SEPARATOR = {"check": "separator-removed", "column": "price", "separator": ",", "values": 310, "changed": 310}
SWAPPED = {"check": "days-read-as-months", "column": "day", "format": "%m/%d/%Y", "dates": 36}
ZERO = {"check": "quotient-is-zero", "column": "rate", "rows": 40}
REMOVED = {"check": "union-removes-rows", "table": "a", "rows": 1000, "removed": 12}
LOST = {"check": "values-lost", "column": "price", "values": 1000, "lost": 300}
SPELLING = {
    "check": "value-spelled-differently", "column": "status", "value": "paid", "others": ["Paid"], "rows": 85, "matched": 0,
}  # fmt: skip
GROUPS = {
    "check": "groups-split-by-spelling",
    "column": "city",
    "differ_in": ["case"],
    "groups": 2,
    "rows": 40,
}
COUNTED = {"check": "count-leaves-out-nulls", "column": "phone", "name": "customers", "lost": 58, "rows": 400}
OPERAND = {
    "check": "operand-without-value", "column": "net", "operand": "discount", "operator": "-", "lost": 300, "rows": 900,
}  # fmt: skip
UNITS = {
    "check": "sum-over-units", "aggregate": "sum(amount)", "column": "currency", "units": 3, "mixed": 2, "groups": 3,
}  # fmt: skip
REPEATED = {
    "check": "lookup-repeats-rows", "table": "a", "partner": "b", "column": "full_name", "keys": 6, "rows": 250, "repeated": 6,
}  # fmt: skip
OTHER_KEY = {"check": "join-uses-other-key", "table": "a", "partner": "b", "column": "b_id"}
MISSING = {"check": "count-of-missing-partner", "table": "a", "partner": "b", "unmatched": 70, "rows": 110}
UNKNOWN = {
    "check": "keys-unknown-to-lookup", "table": "a", "partner": "b", "column": "name", "word": "Unknown", "unmatched": 150, "rows": 414,
}  # fmt: skip
DISTINCT = {
    "check": "sum-of-distinct-values",
    "aggregate": "sum(DISTINCT amount)",
    "rows": 400,
    "left_out": 120,
}
CUT = {"check": "fractions-cut", "column": "price", "type": "INTEGER", "values": 400, "cut": 300}
DAYS = {"check": "days-compared-as-text", "column": "month", "example": "2026-9"}
SHARED = {
    "check": "union-repeats-rows", "table": "a", "partner": "b", "column": "order_no", "repeated": 140, "rows": 760,
}  # fmt: skip
CASE = {"check": "case-has-one-result", "column": "state", "rows": 1000}


def checked(*checks: Any, **out: Any) -> Made:
    return ours(*joined(1000, checks=list(checks), **out))


def united(
    query: str, *, left: Sequence[str] = ("id", "a", "b"), right: Sequence[str] = ("id", "b", "a")
) -> Made:
    steps = (
        step("a", "x.extractor", rows=20, out={"columns": left}),
        step("b", "x.extractor", rows=20, out={"columns": right}),
        step("u", "duckdb.processor", "a", "b", rows=40, query=query),
    )
    return ours(*steps)


def summed(
    query: str = "SELECT customer, sum(amount) AS revenue FROM df_j GROUP BY customer",
    before: str = "SELECT * FROM df_o o LEFT JOIN df_p p USING (order_no)",
    **counts: Any,
) -> Made:
    """A step that adds up the rows of a join of 60 orders with 90 payments."""
    join = {
        "left_rows": 60, "right_rows": 90, "matched": 60, "right_matched": 90, "kind": "left", "uses": "both",
        "left_duplicates": 0, "right_duplicates": 30,
    }  # fmt: skip
    return ours(
        step("o", "x.extractor", rows=60, out={"columns": ["order_no", "customer", "amount", "unit_price"]}),
        step("p", "x.extractor", rows=90, out={"columns": ["order_no", "paid"]}),
        step("j", "duckdb.processor", "o", "p", rows=90, out={"join": {**join, **counts}}, query=before),
        step("s", "duckdb.processor", "j", rows=7, query=query),
    )


def starred(
    query: str,
    names: Sequence[str] = ("id", "state", "c2"),
    distinct: Sequence[Any] = ("many", 1, "few"),
    rows: int = 300,
) -> Made:
    """A step that selects all columns of a join of two tables that have a column ``state``, and one after it."""
    both = {
        "columns": names, "dtypes": ["int64", "str", "str"], "nulls": [0, 0, 0], "distinct": distinct,
        "original_names": {"c2": "state"},
    }  # fmt: skip
    return ours(
        A, B, step("j", "duckdb.processor", "a", "b", rows=300, out=both, query=JOIN_SQL),
        step("after", "duckdb.processor", "j", rows=rows, query=query),
    )  # fmt: skip


LATEST = (
    "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY sku ORDER BY {}) AS rn FROM df) WHERE rn = 1"
)
QUALIFY = "SELECT * FROM df QUALIFY row_number() OVER (PARTITION BY sku ORDER BY {}) = 1"


def named(name: str, query: str) -> Made:
    """A query of a step with a name."""
    return ours(
        step("src", "x.extractor", rows=20), step(name, "duckdb.processor", "src", rows=9, query=query)
    )


def queried(query: str) -> Made:
    return theirs(step("src", "mysql.extractor", rows=20, query=query))


UNGROUPED = (
    "status = 'paid' OR status = 'open' AND amount > 100",
    "day BETWEEN '2026-01-01' AND '2026-01-31' AND t.kind = 1 OR t.kind = 2 OR t.kind = 3",
    "id IN (SELECT id FROM u WHERE a = 'x' OR a = 'y' AND b IS NULL)",
)
GROUPED = (
    "(status = 'paid' OR status = 'open') AND amount > 100",
    "status = 'paid' OR (status = 'open' AND amount > 100)",
    "country = 'CZ' AND plan = 'pro' OR country = 'SK' AND plan = 'basic'",
    "status = 'paid' OR amount > 100 AND kind = 'gift'",
    "day BETWEEN 1 AND 3 OR day = 7",
    "note = 'a = 1 OR a = 2 AND b = 3' -- a = 1 OR a = 2 AND b = 3",
)
FOR_TESTS = (
    "WHERE customer_id < 20 -- TODO remove, only for testing",
    "LIMIT 500 /* debug */",
    "  AND region = 'x -- y' -- temporary",
)
NOT_FOR_TESTS = (
    "WHERE id > 20 -- refunds are loaded elsewhere",
    "-- debug: see the wiki",
    "WHERE kind = '-- for testing'",
    "WHERE is_test = false -- rows of test accounts are left out",
    "WHERE id > 5 -- TODO: use an index",
    "WHERE day > '2026-01-01' -- before this day, prices had no tax",
)


def divided(
    query: str,
    *,
    name: str = "rate",
    high: str = "0",
    rows: int = 240,
    dtype: str = "int32",
    returned: tuple[str, str] = ("0", "19"),
) -> Made:
    """A source whose query makes a column of the numbers from 0 to ``high``."""
    low, most = returned
    out = {
        "columns": ["returned", name],
        "dtypes": ["int32", dtype],
        "nulls": [0, 0],
        "min": [low, "0"],
        "max": [most, high],
    }
    return ours(step("src", "postgres.extractor", rows=rows, out=out, query=query))


HITS: Sequence[tuple[str, Made]] = (
    ("join-keys-differ-in-form", checked(KEYS)),
    ("aggregate-repeats-rows", checked(AGGREGATE)),
    ("union-columns-swapped", checked(UNION)),
    ("union-columns-swapped", united("SELECT * FROM df_a UNION ALL SELECT * FROM df_b")),
    (
        "union-columns-swapped",
        united("SELECT id, a, b FROM df_a x UNION SELECT * FROM df_b y WHERE y.id > 2;"),
    ),
    (
        "union-columns-swapped",
        queried("SELECT id, t.fee, max(x) AS net FROM t UNION ALL SELECT id, net, fee FROM u"),
    ),
    ("comparison-with-null", queried("SELECT id FROM t WHERE t.deleted_at = NULL")),
    ("left-join-drops-rows", checked(LEFT)),
    ("comparison-with-null", checked(NULL)),
    ("comparison-with-null", checked(NOT_IN)),
    ("numbers-compared-as-text", checked(TEXT)),
    ("period-cuts-last-day", checked(DAY)),
    ("ranges-share-bounds", checked(RANGES)),
    ("query-contradicts-name", named("latest-prices", LATEST.format("updated_at"))),
    ("query-contradicts-name", named("most_recent_orders", QUALIFY.format("p.order_date ASC"))),
    (
        "query-contradicts-name",
        named("orders-without-cancelled", "SELECT * FROM df WHERE status = 'cancelled'"),
    ),
    ("query-contradicts-name", named("active-customers", "SELECT * FROM df c WHERE c.state <> 'Active'")),
    ("aggregate-repeats-rows", summed()),
    ("aggregate-repeats-rows", summed("SELECT avg(j.amount) FROM df_j j")),
    ("fallback-in-all-rows", checked(FALLBACK)),
    ("case-has-one-result", checked(CASE)),
    ("rows-sampled", checked(SAMPLE)),
    ("nulls-left-out", checked(NULLS)),
    ("separator-removed", checked(SEPARATOR)),
    ("separator-removed", checked(SEPARATOR | {"separator": "."})),
    ("day-read-as-month", checked(SWAPPED)),
    ("quotient-is-zero", checked(ZERO)),
    ("quotient-is-zero", divided("SELECT product, sold, returned, returned / sold AS rate FROM t")),
    (
        "quotient-is-zero",
        divided("SELECT product, s.returned / NULLIF(s.sold, 0) rate_of, t1.a / t1.b AS rate, sold FROM t"),
    ),
    (
        "quotient-is-zero",
        divided(
            'WITH a AS (SELECT 1) SELECT region, sum(returned) / sum(sold) AS "rate" FROM t GROUP BY 1',
            rows=5,
        ),
    ),
    (
        "quotient-is-zero",
        divided("SELECT count(*) FILTER (WHERE won) DIV count(*) AS rate FROM t GROUP BY team", high="1"),
    ),
    ("quotient-is-zero", divided("SELECT 100 * (won / seen) AS won_of_seen FROM t", name="won_of_seen")),
    ("values-lost-in-column", checked(LOST)),
    ("values-lost-in-column", checked(LOST | {"lost": 20, "form": "currency", "of_form": 18})),
    ("union-removes-rows", checked(REMOVED)),
    ("value-spelled-differently", checked(SPELLING)),
    ("groups-split-by-spelling", checked(GROUPS)),
    ("operand-without-value", checked(OPERAND)),
    ("operand-without-value", checked(OPERAND | {"operator": "*", "partner": "b"})),
    ("count-leaves-out-nulls", checked(COUNTED)),
    ("lookup-repeats-rows", checked(REPEATED)),
    ("join-uses-other-key", checked(OTHER_KEY)),
    ("count-of-missing-partner", checked(MISSING)),
    ("keys-unknown-to-lookup", checked(UNKNOWN)),
    ("sum-of-distinct-values", checked(DISTINCT)),
    ("fractions-cut", checked(CUT)),
    ("sum-over-units", checked(UNITS)),
    ("numbers-compared-as-text", checked(DAYS)),
    ("union-repeats-rows", checked(SHARED)),
    ("column-from-wrong-table", starred("SELECT id FROM df_j WHERE state = 'open'")),
    ("column-from-wrong-table", starred("SELECT * FROM df_j j WHERE j.State = 'done'", rows=0)),
    *(("conditions-not-grouped", queried(f"SELECT * FROM t WHERE {text}")) for text in UNGROUPED),
    *(("condition-for-tests", queried(f"SELECT * FROM t\n{text}\nORDER BY 1")) for text in FOR_TESTS),
)
NEAR_MISSES: Sequence[tuple[str, Made]] = (
    ("join-keys-differ-in-form", checked(KEYS | {"unmatched_would_match": {}})),
    ("join-hardly-matches", checked(KEYS, join=keys(0, 0, 200, 20))),
    ("join-hardly-matches", checked(join=keys(0, 0, 200, 20) | {"filtered": True})),
    ("aggregate-repeats-rows", checked(UNION)),
    ("union-columns-swapped", checked(KEYS)),
    ("union-columns-swapped", united("SELECT * FROM df_a UNION ALL BY NAME SELECT * FROM df_b")),
    (
        "union-columns-swapped",
        united("SELECT * FROM df_a UNION ALL SELECT * FROM df_b", right=("id", "a", "b")),
    ),
    (
        "union-columns-swapped",
        united("SELECT * FROM df_a UNION ALL SELECT * FROM df_b", right=("id", "c", "a")),
    ),
    ("union-columns-swapped", united("SELECT * FROM df_a UNION ALL SELECT * FROM df_b JOIN df_a USING (id)")),
    ("union-columns-swapped", queried("SELECT id, fee, net FROM t UNION ALL SELECT id, fee x, net FROM u")),
    ("union-columns-swapped", queried("SELECT a, b FROM t UNION ALL SELECT b + c AS a, b FROM u")),
    (
        "comparison-with-null",
        queried("SELECT id FROM t WHERE deleted_at IS NULL AND a = 'x = NULL' AND b <=> NULL"),
    ),
    ("left-join-drops-rows", checked(KEYS)),
    ("comparison-with-null", checked(LEFT)),
    ("numbers-compared-as-text", checked(DAY)),
    ("period-cuts-last-day", checked(TEXT)),
    ("fallback-in-all-rows", checked(CASE)),
    ("case-has-one-result", checked(FALLBACK)),
    ("rows-sampled", checked(ZERO)),
    ("ranges-share-bounds", checked(DAY)),
    ("query-contradicts-name", named("latest-prices", LATEST.format("updated_at DESC"))),
    ("query-contradicts-name", named("latest-prices", LATEST.format("priority"))),
    ("query-contradicts-name", named("latest-prices", LATEST.format("days_since_update"))),
    (
        "query-contradicts-name",
        named("latest-prices", LATEST.format("updated_at").replace("rn = 1", "rn > 1")),
    ),
    ("query-contradicts-name", named("first-prices", LATEST.format("updated_at"))),
    (
        "query-contradicts-name",
        named("orders-without-cancelled", "SELECT * FROM df WHERE status <> 'cancelled'"),
    ),
    ("query-contradicts-name", named("remove-cancelled", "SELECT * FROM df WHERE status != 'cancelled'")),
    ("query-contradicts-name", named("filter-cancelled", "SELECT * FROM df WHERE status <> 'cancelled'")),
    ("query-contradicts-name", named("active-customers", "SELECT * FROM df WHERE state = 'active'")),
    ("query-contradicts-name", named("active-customers", "SELECT * FROM df WHERE state <> 'deleted'")),
    ("query-contradicts-name", named("no-cancelled", "SELECT * FROM df WHERE NOT (status = 'cancelled')")),
    ("aggregate-repeats-rows", summed("SELECT customer, sum(paid) AS paid FROM df_j GROUP BY customer")),
    ("aggregate-repeats-rows", summed("SELECT customer, max(amount) AS most FROM df_j GROUP BY customer")),
    ("aggregate-repeats-rows", summed("SELECT sum(unit_price) AS total FROM df_j")),
    (
        "aggregate-repeats-rows",
        summed("SELECT sum(amount) FROM (SELECT DISTINCT order_no, amount FROM df_j)"),
    ),
    ("aggregate-repeats-rows", summed(right_duplicates=0)),
    ("aggregate-repeats-rows", summed(filtered=True)),
    ("ranges-share-bounds", checked()),
    ("nulls-left-out", checked(NULL)),
    (
        "rows-sampled",
        ours(
            step("a", "x.extractor", rows=20),
            step("qa_sample", "duckdb.processor", "a", rows=2, out={"checks": [SAMPLE]}),
        ),
    ),
    ("separator-removed", checked(SAMPLE)),
    ("day-read-as-month", checked(SWAPPED | {"day": 4, "first": 1, "last": 7, "year": 2025})),
    ("quotient-is-zero", checked(SAMPLE)),
    ("quotient-is-zero", divided("SELECT returned::numeric / sold AS rate FROM t")),
    ("quotient-is-zero", divided("SELECT 100.0 * returned / sold AS rate FROM t")),
    ("quotient-is-zero", divided("SELECT age_days / 7 AS weeks FROM t", name="weeks")),
    ("quotient-is-zero", divided("SELECT returned / sold AS rate FROM t", returned=("0", "0"))),
    ("quotient-is-zero", divided("SELECT returned / sold AS rate FROM t", dtype="float64")),
    ("quotient-is-zero", divided("SELECT rate, returned / sold AS share FROM t")),
    ("quotient-is-zero", divided("SELECT stock / pack AS full_packs FROM t", name="full_packs", high="1")),
    ("quotient-is-zero", divided("SELECT stock / pack AS full_packs FROM t", name="full_packs", rows=4)),
    ("quotient-is-zero", divided("SELECT 'a / b' AS rate FROM t")),
    ("values-lost-in-column", checked(ZERO)),
    ("union-removes-rows", checked(UNION)),
    ("value-spelled-differently", checked(GROUPS)),
    ("groups-split-by-spelling", checked(OPERAND)),
    ("operand-without-value", checked(COUNTED)),
    ("count-leaves-out-nulls", checked(SPELLING)),
    ("lookup-repeats-rows", checked(OTHER_KEY)),
    ("join-uses-other-key", checked(REPEATED)),
    ("join-hardly-matches", checked(OTHER_KEY, join=keys(0, 0, 200, 20))),
    ("count-of-missing-partner", checked(UNKNOWN)),
    ("keys-unknown-to-lookup", checked(MISSING)),
    ("sum-of-distinct-values", checked(CUT)),
    ("fractions-cut", checked(DISTINCT)),
    ("sum-over-units", checked(DISTINCT)),
    ("union-repeats-rows", checked(REMOVED)),
    ("column-from-wrong-table", starred("SELECT id FROM df_j WHERE id > 3 -- state")),
    ("column-from-wrong-table", starred("SELECT id FROM df_j WHERE c2 = 'open'")),
    ("column-from-wrong-table", starred("SELECT id FROM df_j WHERE state = 'open'", rows=120)),
    ("column-from-wrong-table", starred("SELECT id, state FROM df_j")),
    (
        "column-from-wrong-table",
        starred("SELECT id FROM df_j WHERE state > ''", distinct=("many", "few", "few")),
    ),
    (
        "column-from-wrong-table",
        starred("SELECT id FROM df_j WHERE state > ''", names=("id", "state", "status")),
    ),
    *(("conditions-not-grouped", queried(f"SELECT * FROM t WHERE {text}")) for text in GROUPED),
    *(("condition-for-tests", queried(f"SELECT * FROM t\n{text}\nORDER BY 1")) for text in NOT_FOR_TESTS),
)


@pytest.mark.parametrize(("rule", "made"), HITS)
def test_finding_of_a_query_has_a_fix(tmp_path: Path, rule: str, made: Made) -> None:
    findings = [finding for finding in report(tmp_path, made).findings if finding.rule == rule]
    assert [(finding.severity, bool(finding.fix)) for finding in findings] == [("warning", True)]


def test_keys_of_other_form_name_what_differs(tmp_path: Path) -> None:
    found = messages(tmp_path, checked(KEYS))["join-keys-differ-in-form@j"]
    assert found == (
        "800 of 1,000 rows of 'a' found no partner in 'b'; 88 of 90 keys would match if they did not differ in leading zeros"
    )


PIPELINE = """
oml_version: "0.1.0"
name: shop
steps:
  - {id: orders, component: filesystem.csv_extractor, mode: read, config: {path: orders.csv}}
  - {id: items, component: filesystem.csv_extractor, mode: read, config: {path: items.csv}}
  - id: report
    component: duckdb.processor
    mode: transform
    needs: [orders, items]
    config: {query: "QUERY"}
  - {id: save, component: filesystem.csv_writer, mode: write, needs: [report], config: {path: report.csv}}
"""


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "SELECT sum(o.total) AS s FROM df_orders o JOIN df_items i ON i.order_id = o.id",
            ["aggregate-repeats-rows"],
        ),
        ("SELECT sum(i.total) AS s FROM df_orders o JOIN df_items i ON i.order_id = o.id", []),
        (
            "SELECT o.id, i.sku FROM df_orders o LEFT JOIN df_items i ON i.code = o.code",
            ["join-keys-differ-in-form"],
        ),
        ("SELECT o.id, i.sku FROM df_orders o LEFT JOIN df_items i ON lower(i.code) = o.code", []),
        (
            "SELECT id, total FROM df_orders UNION ALL SELECT total, id FROM df_orders",
            ["union-columns-swapped"],
        ),
        ("SELECT id, total FROM df_orders UNION ALL SELECT order_id, total FROM df_items", []),
    ],
)
def test_query_of_a_real_run_is_checked(tmp_path: Path, query: str, expected: list[str]) -> None:
    orders = [f"{number},{10 * number},k{number}" for number in range(1, 31)]
    items = [f"{number // 2 + 1},{number},s{number},K{number // 2 + 1}" for number in range(60)]
    (tmp_path / "orders.csv").write_text("\n".join(["id,total,code", *orders, ""]))
    (tmp_path / "items.csv").write_text("\n".join(["order_id,total,sku,code", *items, ""]))
    made = make_run(tmp_path, text=PIPELINE.replace("QUERY", query))
    rules = {rule for rule, _ in HITS}
    assert [finding.rule for finding in analyze(made.path).findings if finding.rule in rules] == expected


@pytest.mark.parametrize(
    ("more", "end", "remedy"),
    [
        ({}, "", "convert all forms of the values"),
        (
            {"form": "thousands separator", "of_form": 290},
            "; 290 of them have a separator of thousands, as in 1,234.50",
            "remove the separators of thousands",
        ),
        ({"form": "in mirror writing", "of_form": 290}, "", "convert all forms of the values"),
    ],
)
def test_message_of_lost_values_names_their_form(
    tmp_path: Path, more: Mapping[str, Any], end: str, remedy: str
) -> None:
    events, steps, files = checked(LOST | more)
    report = analyze(run_dir(tmp_path, events, steps=steps, files=files))
    (finding,) = (one for one in report.findings if one.rule == "values-lost-in-column")
    assert finding.message == f"converted 300 of 1,000 values of 'price' to NULL{end}"
    assert (finding.fix or "").startswith(remedy)


def test_message_of_product_names_the_table_without_partner(tmp_path: Path) -> None:
    events, steps, files = checked(OPERAND | {"operator": "*", "operand": "rate", "partner": "b"})
    found = analyze(run_dir(tmp_path, events, steps=steps, files=files)).findings
    assert [one.message for one in found if one.rule == "operand-without-value"] == [
        "'net' is NULL in 300 of 900 rows, which have no 'rate': the left join found none for them in 'b', and a sum "
        "leaves them out"
    ]


@pytest.mark.parametrize(("groups", "end"), [(3, ", in 2 of 3 groups"), (1, "")])
def test_message_of_sum_counts_the_units(tmp_path: Path, groups: int, end: str) -> None:
    events, steps, files = checked(UNITS | {"groups": groups})
    found = analyze(run_dir(tmp_path, events, steps=steps, files=files)).findings
    assert [one.message for one in found if one.rule == "sum-over-units"] == [
        f"sum(amount) adds values of different 'currency' without conversion: the rows have 3 different ones{end}"
    ]


def test_note_beside_a_list_with_null_is_left_out(tmp_path: Path) -> None:
    query = "SELECT * FROM df_a WHERE id NOT IN (SELECT id FROM df_b)"
    found = report(tmp_path, ours(*joined(0, query, checks=[NOT_IN]))).findings
    assert [one.rule for one in found if one.step == "j"] == ["comparison-with-null"]


def causes(path: Path, made: Made) -> dict[str, str | None]:
    """The warnings about step ``j`` and its second input, each with its cause."""
    findings = report(path, made).findings
    return {one.id: one.caused_by for one in findings if one.step in ("b", "j") and one.severity == "warning"}


def test_warnings_of_one_cause_at_one_step_are_linked(tmp_path: Path) -> None:
    lost = {"columns": ["id", "name"], "dtypes": ["int64", "str"], "nulls": [0, 1000]}
    steps = joined(1000, "SELECT * FROM df_a LEFT JOIN df_b USING (id)", checks=[KEYS], **lost)
    assert causes(tmp_path, ours(*steps)) == {
        "join-keys-differ-in-form@j": None,
        "column-all-null@j": "join-keys-differ-in-form@j",
    }


@pytest.mark.parametrize("blocks", [2, 1])
def test_join_of_rows_delivered_twice_is_linked(tmp_path: Path, blocks: int) -> None:
    out = {"columns": ["id", "name"], "source": {"repeated_blocks": blocks}}
    result = step("j", "duckdb.processor", "a", "b", rows=1800, out={"join": keys(800, 40)}, query=JOIN_SQL)
    found = causes(tmp_path, ours(A, step("b", "x.extractor", rows=200, out=out), result))
    twice = "rows-delivered-twice@b"
    assert found == ({twice: None, "join-explosion@j": twice} if blocks > 1 else {"join-explosion@j": None})
