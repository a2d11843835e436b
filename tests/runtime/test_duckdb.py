"""duckdb.processor: the tables SQL finds, what it may not do, and where its mistakes are."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from tests.runtime.driving import STORAGES, context, drive, handed

FRAME = pd.DataFrame({"director": ["Ana", "Mei", "Ana"], "rating": [1.0, 2.0, 3.0]})


def run(folder: Path, query: str, inputs: dict[str, ResolvedInput] | None = None, **config: Any) -> pa.Table:
    given = inputs if inputs is not None else {"df": handed(folder, FRAME, step="extract-movies")}
    return drive("duckdb.processor", {"query": query, **config}, context(folder), **given)["df"]


def refused(folder: Path, query: str, inputs: dict[str, ResolvedInput] | None = None, **config: Any) -> str:
    with pytest.raises(DriverError) as caught:
        run(folder, query, inputs, **config)
    return str(caught.value)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("name", ["input_df", "df", "df_extract_movies", "DF_EXTRACT_MOVIES"])
def test_one_input_is_a_table_by_every_documented_name(tmp_path: Path, name: str, storage: str) -> None:
    inputs = {"df": handed(tmp_path, FRAME, STORAGES[storage], "extract-movies")}
    assert run(tmp_path, f"SELECT count(*) AS n FROM {name}", inputs)["n"].to_pylist() == [3]


@pytest.mark.parametrize("storage", STORAGES)
def test_several_inputs_are_a_table_each_by_name_and_by_step(tmp_path: Path, storage: str) -> None:
    inputs = {
        "movies": handed(tmp_path, pd.DataFrame({"d": [1]}), STORAGES[storage], "step-1"),
        "df_step_2": handed(tmp_path, pd.DataFrame({"d": [2]}), STORAGES[storage], "step-2"),
    }
    query = "SELECT a.d AS a, b.d AS b, c.d AS c FROM movies a, df_step_1 b, df_step_2 c"
    assert run(tmp_path, query, inputs).to_pylist() == [{"a": 1, "b": 1, "c": 2}]
    assert "Table with name input_df does not exist" in refused(tmp_path, "SELECT * FROM input_df", inputs)


def test_a_name_that_was_given_is_never_taken_by_another_input(tmp_path: Path) -> None:
    inputs = {
        "df_b": handed(tmp_path, pd.DataFrame({"v": ["from a"]}), step="a"),
        "other": handed(tmp_path, pd.DataFrame({"v": ["from b"]}), step="b"),
    }
    assert run(tmp_path, "SELECT v FROM df_b", inputs)["v"].to_pylist() == ["from a"]


def test_several_statements_end_with_the_one_that_gives_the_frame(tmp_path: Path) -> None:
    query = "CREATE TABLE best AS SELECT max(rating) AS r FROM input_df;\n-- then\nSELECT director FROM input_df, best WHERE rating = r;"
    assert run(tmp_path, query)["director"].to_pylist() == ["Ana"]


def test_a_pivot_gives_its_rows(tmp_path: Path) -> None:
    assert run(tmp_path, "PIVOT input_df ON director USING sum(rating)").to_pylist() == [
        {"Ana": 4.0, "Mei": 2.0}
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT *\nFROM imput_df", "step 's': DuckDB transformation failed: in line 2 of its query, Catalog Error: Table with name imput_df does not exist!"),
        ("SELECT * FROM imput_df", "; tables here: df, df_extract_movies, input_df\nLINE 1: SELECT * FROM imput_df"),
        ("SELECT directr FROM input_df", 'Candidate bindings: "director"'),
        ("SELECT 1;\nSELECT 2;\n\nSELECT directr\nFROM input_df", "in line 4 of its query, Binder Error"),
        ("SELECT 1;\nSELECT nope", "in line 2 of its query"),
        ("SELECT 1, round(sum(upper(director)), 2) FROM input_df", "The call is sum(upper(director))\nLINE 1:"),
        ("SELECT * FROM input-df", "; write 'input_df' in place of 'input-df': the name of a table has _ for each -"),
        ("SELECT\nFROM WHERE", "in line 2 of its query, Parser Error: syntax error"),
        ("SELECT CAST(director AS INT) FROM input_df", "Conversion Error: Could not convert string 'Ana' to INT32"),
        ("CREATE TABLE x AS SELECT 1", "the last statement of query returns no rows; end with a SELECT"),
        (" -- nothing", "query has no statement"),
        ("SELECT * FROM read_csv('/etc/passwd')", "set allow_external: true if this SQL is to read or write files"),
        ("COPY input_df TO 'out.csv'; SELECT 1", "set allow_external: true"),
        ("INSTALL httpfs; SELECT 1", "DuckDB transformation failed: "),
        ("SET memory_limit = '99GB'; SELECT 1", "configuration has been locked"),
        ("ATTACH 'x.db'; SELECT 1", "set allow_external: true"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line_and_what_there_is(
    tmp_path: Path, query: str, expected: str
) -> None:
    assert expected in refused(tmp_path, query)
    assert not (tmp_path / "out.csv").exists()


def test_files_are_read_where_the_step_allows_it(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n5\n")
    assert run(tmp_path, f"SELECT a FROM read_csv('{tmp_path}/x.csv')", {}, allow_external=True)[
        "a"
    ].to_pylist() == [5]


def test_the_variables_of_this_program_are_no_tables(tmp_path: Path) -> None:
    assert "Table with name FRAME does not exist" in refused(tmp_path, "SELECT * FROM FRAME")


def test_more_than_the_memory_it_may_use_is_an_error_that_says_so(tmp_path: Path) -> None:
    query = "SELECT list(r) AS l FROM (SELECT range AS r FROM range(20000000))"
    said = refused(tmp_path, query, {}, memory_limit="50MB", threads=1)
    assert "DuckDB transformation failed: Out of Memory Error" in said
    assert said.endswith("; raise memory_limit, or read less in one statement")


def test_it_uses_as_many_threads_and_as_much_memory_as_its_step_says(tmp_path: Path) -> None:
    query = "SELECT current_setting('threads') AS threads, current_setting('memory_limit') AS memory"
    assert run(tmp_path, query, {}, threads=3, memory_limit="512MiB").to_pylist() == [
        {"threads": 3, "memory": "512.0 MiB"}
    ]


@pytest.mark.parametrize("config", [{"memory_limit": "much"}])
def test_a_limit_that_is_none_is_named(tmp_path: Path, config: dict[str, Any]) -> None:
    assert "step 's': DuckDB transformation failed: " in refused(tmp_path, "SELECT 1", **config)


def test_what_does_not_fit_in_memory_goes_through_files_that_are_gone_afterwards(tmp_path: Path) -> None:
    query = "SELECT r % 3000000 AS k, count(*) AS n FROM (SELECT range AS r FROM range(6000000)) GROUP BY k"
    assert run(tmp_path, query, {}, memory_limit="120MB", threads=1).num_rows == 3_000_000
    assert not list((tmp_path / "artifacts").rglob("*.tmp"))


@pytest.mark.parametrize("storage", STORAGES)
def test_the_folders_a_run_lies_in_are_no_columns(tmp_path: Path, storage: str) -> None:
    """A folder called ``day=3`` says something of the files below it only where somebody partitioned a table."""
    folder = tmp_path / "rating=9" / "day=3"
    folder.mkdir(parents=True)
    inputs = {"df": handed(folder, FRAME, STORAGES[storage])}
    assert run(folder, "SELECT * FROM df", inputs).to_pylist() == FRAME.to_dict("records")


def test_error_shows_the_query_as_written(tmp_path: Path) -> None:
    text = refused(tmp_path, "SELECT directr FROM input_df")
    assert "LINE 1: SELECT directr FROM input_df\n               ^" in text
    assert "EXPLAIN" not in text


def failed(folder: Path, query: str, *other_steps: str) -> DriverError:
    ctx = replace(context(folder), other_steps=other_steps)
    with pytest.raises(DriverError) as caught:
        drive("duckdb.processor", {"query": query}, ctx, df=handed(folder, FRAME, step="orders"))
    return caught.value


@pytest.mark.parametrize("table", ["df_our_customers", "our-customers", "DF_OUR_CUSTOMERS"])
def test_forgotten_need_is_named(tmp_path: Path, table: str) -> None:
    error = failed(tmp_path, f'SELECT * FROM "{table}"', "orders", "our-customers")
    assert error.fix == "add 'our-customers' to needs of the step"
    assert (error.kind, error.facts["missing_need"]) == ("table-missing", "our-customers")
    assert "step 'our-customers' exists, but is not in needs; tables here: df, " in error.message


def test_table_of_no_step_names_the_tables(tmp_path: Path) -> None:
    error = failed(tmp_path, "SELECT * FROM df_customers", "orders", "regions")
    assert "missing_need" not in error.facts
    assert "does not exist!; tables here: df, df_orders, input_df\nLINE 1: " in error.message


def test_unknown_alias_points_to_from_clause(tmp_path: Path) -> None:
    error = failed(tmp_path, "SELECT x.rating FROM df_orders o")
    assert (error.kind, error.fix) == ("table-missing", "use a table or an alias of the FROM clause")


def test_header_with_tabs_is_shown_as_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id\tcity": ["1\tBrno"]})
    with pytest.raises(DriverError) as caught:
        run(tmp_path, "SELECT city FROM df", {"df": handed(tmp_path, frame, step="orders")})
    error = caught.value
    assert error.fix == r"""set delimiter: "\t" in step 'orders', which read its file as one column"""
    assert "the only column of step 'orders' is 'id\\tcity'" in error.message


@pytest.mark.parametrize("storage", STORAGES)
def test_renamed_column_is_shown_with_both_names(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame([[1, 2]], columns=["id", "id"])
    text = refused(tmp_path, "SELECT city FROM df", {"df": handed(tmp_path, frame, STORAGES[storage])})
    assert "step 'up' has id, c1 (in the frame: 'id')" in text


def test_text_in_double_quotes_gets_single_quotes(tmp_path: Path) -> None:
    error = failed(tmp_path, 'SELECT rating FROM df WHERE director = "Zoe"')
    assert error.fix == "write 'Zoe' in single quotes if it is a text, or use a column of the tables"


@pytest.mark.parametrize(
    ("query", "kind", "fix", "absent"),
    [
        ("SELECT sum(director) FROM df", "query-failed", "cast the arguments", "Candidate functions"),
        ("SELECT strptime(director, '%d') FROM df", "value-not-convertible", "correct the format", "SET "),
        ("SELECT (SELECT rating FROM df)", "query-failed", "make the subquery return one row", "SET "),
        ("SELECT * FROM df WHERE director > 5", "query-failed", "cast one side", "Possible"),
    ],
)
def test_error_has_no_list_of_remedies(tmp_path: Path, query: str, kind: str, fix: str, absent: str) -> None:
    error = failed(tmp_path, query)
    assert error.kind == kind
    assert error.fix is not None
    assert error.fix.startswith(fix)
    assert absent not in error.message


def test_columns_without_names_are_named_as_the_cause(tmp_path: Path) -> None:
    frame = pd.DataFrame([["Brno", 1], ["Praha", 2]])
    with pytest.raises(DriverError) as caught:
        drive(
            "duckdb.processor",
            {"query": "SELECT city FROM df"},
            context(tmp_path),
            df=handed(tmp_path, frame),
        )
    assert "have no names, only numbers: c0" in caught.value.message
    assert caught.value.fix.startswith("set header: true in step")
