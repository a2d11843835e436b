"""Pairs with which the ranking was tuned: a shop."""

from tests.inspector.diff_pairs import Pair

ORDERS = "id,person,amount,day\n" + "".join(
    f"{n},{('Ana', 'Mei', 'Jon', 'Ivo')[n % 4]},{(n * 37) % 100},2026-01-{1 + n % 28:02}\n" for n in range(40)
)
PEOPLE = "person,city\nAna,Oslo\nMei,Rome\nJon,Oslo\nIvo,Bern\n"
FILES = {
    "orders.csv": ORDERS,
    "people.csv": PEOPLE,
    "few.csv": "".join(ORDERS.splitlines(keepends=True)[:20]),
}
PIPELINE = """\
oml_version: "0.1.0"
name: shop
params: {least: {type: integer, default: 0}}
steps:
  - id: orders
    component: filesystem.csv_extractor
    config: {path: orders.csv}
  - id: people
    component: filesystem.csv_extractor
    config: {path: people.csv}
  - id: joined
    component: duckdb.processor
    needs: [orders, people]
    config:
      query: SELECT o.id, o.person, p.city, o.amount, o.day FROM df_orders o JOIN df_people p ON o.person = p.person ORDER BY o.id
  - id: marked
    component: shop.custom
    needs: [joined]
    config: {limit: 5}
  - id: totals
    component: duckdb.processor
    needs: [marked]
    config: {query: "SELECT city, sum(amount) AS total FROM df WHERE amount >= ${params.least} GROUP BY city ORDER BY city"}
  - id: write
    component: filesystem.csv_writer
    needs: [totals]
    config: {path: totals.csv}
  - id: audit
    component: duckdb.processor
    needs: [people]
    config: {query: SELECT count(*) AS n FROM df}
  - id: write-audit
    component: filesystem.csv_writer
    needs: [audit]
    config: {path: audit.csv}
"""
AUDIT = ("SELECT count(*) AS n FROM df}", "SELECT count(*) AS n FROM df -- each day\n}")
TARGET = ("path: totals.csv", "path: totals_2.csv")
COMMENT = ("ORDER BY o.id\n", "ORDER BY o.id /* by id */\n")
CI = (("EDITOR",), ("GITHUB_SHA", "GITHUB_REF", "RUNNER_NAME", "RUNNER_OS"))
SPILL = {"E2B_FORCE_SPILL": "1"}
RENAMED = (
    ("- id: joined", "- id: merged"),
    ("needs: [joined]", "needs: [merged]"),
)

PAIRS = (
    Pair("text amount", "one amount is text", ("orders",), ("data of orders",), files={"orders.csv": ORDERS.replace("0,Ana,0,", "0,Ana,n/a,")}, noise=(AUDIT,), variables=CI),
    Pair("one cell", "one amount has another value", ("orders",), ("data of orders",), files={"orders.csv": ORDERS.replace("7,Ivo,59,", "7,Ivo,-5,")}, noise=(TARGET,), env=SPILL),
    Pair("middle cell", "one amount changed within the range", ("orders",), ("data of orders",), files={"orders.csv": ORDERS.replace("7,Ivo,59,", "7,Ivo,58,")}, noise=(COMMENT,), variables=CI),
    Pair("no amount", "the column amount is gone", ("orders",), ("data of orders",), files={"orders.csv": ORDERS.replace("amount", "sum_of_order")}, noise=(COMMENT, AUDIT)),
    Pair("person twice", "a person occurs twice, so that orders are multiplied", ("people",), ("data of people",), files={"people.csv": PEOPLE + "Ana,Rome\n"}, noise=(TARGET,), variables=CI),
    Pair("town", "the column city has another name", ("people",), ("data of people",), files={"people.csv": PEOPLE.replace("city", "town")}, noise=(AUDIT,), env=SPILL),
    Pair("wrong column", "a query names a column that does not exist", ("totals",), ("configuration query of totals",), edits=(("SELECT city, sum(amount)", "SELECT city, sum(amounts)"),), noise=(COMMENT, AUDIT), variables=CI),
    Pair("filter", "a query leaves out rows", ("joined",), ("configuration query of joined",), edits=(("p.person ORDER BY", "p.person WHERE o.amount > 5 ORDER BY"),), noise=(TARGET, AUDIT), env=SPILL),
    Pair("delimiter", "a file is read with a wrong delimiter", ("orders",), ("configuration delimiter of orders",), edits=(("{path: orders.csv}", "{path: orders.csv, delimiter: ';'}"),), noise=(COMMENT,), variables=CI),
    Pair("missing file", "a path names a file that does not exist", ("orders",), ("configuration path of orders",), edits=(("path: orders.csv", "path: orders_old.csv"),), noise=(AUDIT, TARGET)),
    Pair("other file", "a path names another file", ("orders",), ("configuration path of orders",), edits=(("path: orders.csv", "path: few.csv"),), noise=(COMMENT,), variables=CI),
    Pair("parameter", "a parameter leaves out rows", ("totals",), ("parameter least", "configuration query of totals"), params={"least": "50"}, noise=(COMMENT, TARGET)),
    Pair("code", "the code of a driver changed and drops rows", ("marked",), ("code *",), code=("pass", "df = df.head(10)"), noise=(AUDIT, TARGET), variables=CI),
    Pair("code fails", "the code of a driver changed and raises", ("marked",), ("code *",), code=("pass", "df['price']"), noise=(AUDIT,), env=SPILL),
    Pair("variable", "an environment variable is not set", ("marked",), ("variable SHOP_REGION",), code=("os.environ['SHOP_REGION']", "os.environ['SHOP_REGION']"), variables=(("SHOP_REGION", "EDITOR"), ("GITHUB_SHA", "RUNNER_OS")), noise=(COMMENT,)),
    Pair("target is a folder", "the target of the writer is a folder, which nothing records", ("write",), (), folders=("totals.csv",), noise=(AUDIT,), variables=CI),
    Pair("added step", "a step that filters was added", ("cheap",), ("step cheap*",), edits=(("needs: [marked]", "needs: [cheap]"), ("  - id: totals\n", "  - id: cheap\n    component: duckdb.processor\n    needs: [marked]\n    config: {query: SELECT * FROM df WHERE amount < 50}\n  - id: totals\n")), noise=(AUDIT,), variables=CI),
    Pair("other input", "a step takes the frame of another step", ("totals",), ("inputs of totals",), edits=(("needs: [marked]", "needs: [orders]"),), noise=(AUDIT, TARGET)),
    Pair("renamed", "a step has another name", (), (), edits=RENAMED, noise=(AUDIT, TARGET), variables=CI),
    Pair("nothing, spilled", "nothing differs but the storage", (), (), noise=(AUDIT,), env=SPILL, variables=CI),
    Pair("nothing, process", "nothing differs but the place", (), (), noise=(COMMENT,), on="process"),
    Pair("nothing, texts", "nothing differs but comments and targets", (), (), noise=(COMMENT, TARGET, AUDIT)),
)  # fmt: skip
