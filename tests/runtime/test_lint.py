"""lint: what is wrong with a pipeline before it runs, each with its line."""

import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from osiris_inspect.cli.app import build_app
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.lint import lint
from osiris_inspect.runtime.pipeline.sql import tables as sql_tables
from tests.runtime.pipelines import STATS, TWO_BRANCHES

HEAD = 'oml_version: "0.1.0"\nname: p\nsteps:\n  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}}\n  - {id: b-2, component: filesystem.csv_extractor, config: {path: b.csv}}\n'
TAIL = "  - {id: w, component: filesystem.csv_writer, needs: [q], config: {path: w.csv}}\n"


def remarks(text: str) -> list[str]:
    return [str(remark) for remark in lint(text, "p.yaml", all_components())]


def with_query(query: str, needs: str = "[a, b-2]") -> str:
    block = "".join(f"        {line}\n" for line in query.splitlines())
    return f"{HEAD}  - id: q\n    component: duckdb.processor\n    needs: {needs}\n    config:\n      query: |\n{block}{TAIL}"


@pytest.mark.parametrize(
    "text", [STATS, TWO_BRANCHES, with_query("SELECT * FROM df_a JOIN df_b_2 USING (x)")]
)
def test_a_good_pipeline_gives_no_remark(text: str) -> None:
    assert remarks(text) == []


WRITERS = "  - {id: w2, component: filesystem.csv_writer, config: {path: v.csv}}\n"
JOIN = "  - {id: q, component: duckdb.processor, needs: [a, b-2], config: {query: FROM df_a JOIN df_b_2 USING (x)}}\n"


def test_step_that_takes_a_writer_is_an_error() -> None:
    (remark,) = remarks(HEAD + JOIN + TAIL + WRITERS)
    assert remark == (
        "p.yaml:8:5: error: step 'w2' has no needs, so it takes the output of the step above it, 'w', which is a writer "
        "and has none; add needs: [q]"
    )
    assert remarks(HEAD + JOIN + TAIL + WRITERS.replace("config", "needs: [q], config")) == []


@pytest.mark.parametrize("key", ["needs: [w]", "needs: [b-2, w]", "inputs: {df: w}"])
def test_named_need_of_a_writer_is_an_error(key: str) -> None:
    query = f"  - {{id: q2, component: duckdb.processor, {key}, config: {{query: SELECT 1}}}}\n"
    (remark,) = [each for each in remarks(HEAD + JOIN + TAIL + query) if ": error: " in each]
    assert remark.partition("error: ")[2] == (
        "step 'q2' needs 'w', which is a writer and has no output; write after: [w] to run after it, and name in needs "
        "or inputs only steps whose rows it takes, such as 'q'"
    )
    correct = remarks(HEAD + JOIN + TAIL + query.replace(key, "needs: [q], after: [w]"))
    assert not any(": error: " in each for each in correct)


def test_two_writers_of_one_file_are_a_warning() -> None:
    second = "  - {id: w2, component: filesystem.csv_writer, needs: [q], config: {path: ./x/../w.csv}}\n"
    column = second.index("./x") + 1
    assert remarks(HEAD + JOIN + TAIL + second) == [
        f"p.yaml:8:{column}: warning: step 'w2' overwrites ./x/../w.csv, which step 'w' writes; give it another path"
    ]
    other = second.replace("config: {", "config: {connection: '@filesystem.other', ")
    assert remarks(HEAD + JOIN + TAIL + other) == []


def test_writer_over_its_source_is_a_warning() -> None:
    column = TAIL.index("w.csv") + 1
    assert remarks(HEAD + JOIN + TAIL.replace("w.csv", "a.csv")) == [
        f"p.yaml:7:{column}: warning: step 'w' overwrites a.csv, which step 'a' reads, so a second run reads other rows; "
        "write to another path"
    ]


def test_file_that_is_written_before_it_is_read_is_no_remark() -> None:
    again = "  - {id: r, component: filesystem.csv_extractor, config: {path: w.csv}}\n"
    used = "  - {id: w2, component: filesystem.csv_writer, needs: [r], config: {path: v.csv}}\n"
    assert remarks(HEAD + JOIN + TAIL + again + used) == []


@pytest.mark.parametrize(
    ("name", "near"), [("utf8x", "utf-8"), ("latin2x", "iso8859-2"), ("hex", "utf-8"), ("a\\0b", "utf-8")]
)
def test_unknown_encoding_is_an_error(name: str, near: str) -> None:
    remark = remarks(HEAD.replace("path: a.csv", f'path: a.csv, encoding: "{name}"'))[0]
    assert "for 'encoding': expected an encoding of Python, such as " in remark
    assert remark.endswith(near)


@pytest.mark.parametrize("table", ["df_b-2", "b-2", "DF_B-2"])
def test_table_with_hyphen_names_the_table(table: str) -> None:
    (remark,) = remarks(with_query(f"SELECT * FROM df_a JOIN {table} USING (x)"))
    assert remark.endswith(f"; write 'df_b_2' in place of '{table}': the name of a table has _ for each -")


def test_output_that_a_query_lacks_has_one_message() -> None:
    (remark,) = remarks(with_query("SELECT * FROM df_a JOIN df_b_2 USING (x)", needs="[a]"))
    assert remark.endswith("which is not an input of the step; add 'b-2' to its needs")


def test_omitted_needs_with_an_unused_output_above_are_a_warning() -> None:
    assert remarks(HEAD + WRITERS)[1:] == [
        "p.yaml:6:10: warning: step 'w2' has no needs, so it takes the output of the step above it, 'b-2', and not that "
        "of 'a', which no step uses; add needs: [b-2], or the ids of other steps"
    ]


def test_omitted_needs_with_one_reading_are_no_remark() -> None:
    assert remarks(HEAD + JOIN + TAIL.replace("needs: [q], ", "")) == []


@pytest.mark.parametrize("needs", ["a, b-2", '["a,b-2"]', '"[a, b-2]"'])
def test_needs_in_one_string_suggest_a_list(needs: str) -> None:
    text = needs.strip('"').replace('["', "").replace('"]', "")
    (remark,) = remarks(f"{HEAD}{JOIN}{TAIL}".replace("needs: [a, b-2]", f"needs: {quoted(needs)}"))
    assert remark.endswith(f": error: needs contains {text!r}, which is one string; write a list: [a, b-2]")


def quoted(needs: str) -> str:
    return f'"{needs}"' if needs[0] not in '"[' else needs


@pytest.mark.parametrize(("line", "position"), [("\t- id: x", "4:1"), ("  - id: x\n  \tcomponent: y", "5:3")])
def test_tab_in_an_indent_is_named(line: str, position: str) -> None:
    expected = f"p.yaml:{position}: error: invalid YAML: the line is indented with a tab; use spaces"
    assert remarks(f'oml_version: "0.1.0"\nname: p\nsteps:\n{line}\n') == [expected]


def test_letter_beyond_ascii_in_an_id_names_the_range() -> None:
    assert (
        "p.yaml:4:10: error: step id 'čti' is invalid: use a-z, A-Z, 0-9"
        in remarks(HEAD.replace("id: a,", "id: čti,"))[0]
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT *\nFROM df_a\nJOIN df_b USING (x), df_b_2", "p.yaml:13:14: error: the SQL of step 'q' reads table 'df_b', which is not an input of the step; did you mean 'df_b_2'?; its inputs are df_a, df_b_2"),
        ("SELECT * FROM input_df", "p.yaml:11:23: error: the SQL of step 'q' reads table 'input_df', which is not an input of the step"),
        ("SELECT *\nFROM df_a WHERE FROM", "p.yaml:12:9: error: cannot parse the SQL of step 'q': Parser Error: syntax error at or near \"FROM\""),
        ("SELECT * FROM df_a", "p.yaml:8:12: warning: step 'q' needs 'b-2', but its SQL does not read df_b_2"),
        ("CREATE TABLE t AS SELECT * FROM nope;\nSELECT * FROM t, df_a, df_b_2", "p.yaml:11:41: error: the SQL of step 'q' reads table 'nope'"),
    ],
)  # fmt: skip
def test_what_sql_reads_is_held_against_the_inputs(query: str, expected: str) -> None:
    assert any(remark.startswith(expected) for remark in remarks(with_query(query))), remarks(
        with_query(query)
    )


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("WITH x AS (SELECT * FROM a) SELECT * FROM x JOIN b USING (i)", ["a", "b"]),
        ("SELECT * FROM a WHERE i IN (SELECT j FROM b)", ["a", "b"]),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", []),
        ("SELECT * FROM range(3), 'f.parquet', information_schema.tables, other.t", []),
        (
            "CREATE TEMP TABLE t AS SELECT * FROM a; INSERT INTO t SELECT * FROM b; SELECT * FROM t",
            ["a", "b"],
        ),
        ("CREATE TABLE t (i INT, j INT); INSERT INTO t (j) SELECT i FROM b ON CONFLICT DO NOTHING", ["b"]),
        ("CREATE TABLE t (i INT); INSERT INTO t BY NAME FROM b JOIN c ON b.i = c.i RETURNING i", ["b", "c"]),
        (
            "CREATE TABLE t (i INT); WITH x AS (SELECT * FROM a), y(i) AS NOT MATERIALIZED (FROM x) INSERT INTO t SELECT * FROM x, y, b",
            ["a", "b"],
        ),
        ("CREATE TABLE t (i INT); INSERT INTO t VALUES (1), ((SELECT max(i) FROM b))", ["b"]),
        (
            "CREATE TABLE t (i INT); UPDATE t SET i = (SELECT max(i) FROM b) FROM c WHERE t.i = c.i",
            ["b", "c"],
        ),
        ("CREATE TABLE t (i INT); DELETE FROM t USING b WHERE t.i = b.i", ["b"]),
        ("CREATE TABLE t (i INT); DELETE FROM t WHERE i IN (SELECT i FROM b)", ["b"]),
        ("CREATE TABLE t (i INT); MERGE INTO t USING b ON t.i = b.i WHEN MATCHED THEN DELETE", ["b"]),
        ("CREATE VIEW main.v AS (SELECT * FROM a); SELECT * FROM v", ["a"]),
        ("CREATE MACRO m(x) AS TABLE SELECT * FROM a WHERE i = x; SELECT * FROM m(1), b", ["a", "b"]),
        ("SET VARIABLE x = (SELECT max(i) FROM a); SELECT getvariable('x')", ["a"]),
        ("EXPLAIN SELECT * FROM a", ["a"]),
        ("PIVOT a ON x USING sum(y)", ["a"]),
        ("PIVOT a ON x IN ('p', 'q') USING sum(y) GROUP BY z ORDER BY z LIMIT 3", ["a"]),
        ("PIVOT (SELECT * FROM a JOIN b USING (i)) ON x USING sum(y)", ["a", "b"]),
        ("WITH p AS (PIVOT a ON x USING sum(y)) SELECT * FROM p JOIN b USING (i)", ["a", "b"]),
        ("SELECT * FROM (PIVOT a ON x USING sum(y)) p JOIN b ON p.i = b.i", ["a", "b"]),
        ("CREATE TABLE t AS PIVOT a ON x USING sum(y); SELECT * FROM t", ["a"]),
        ("FROM a PIVOT (sum(y) FOR x IN ('p', 'q'))", ["a"]),
        ("UNPIVOT a ON i, j INTO NAME n VALUE v", ["a"]),
        ("SELECT * FROM a UNPIVOT (v FOR n IN (i, j))", ["a"]),
        ("SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.i = a.i) l", ["a", "b"]),
        (
            "SELECT a.*, (SELECT count(*) FROM b WHERE b.i = a.i) FROM a WHERE EXISTS (FROM c)",
            ["a", "b", "c"],
        ),
        (
            "SELECT * FROM a ASOF JOIN b USING (t) UNION ALL BY NAME (VALUES (1)) EXCEPT FROM c",
            ["a", "b", "c"],
        ),
        ("WITH x AS (WITH y AS (FROM a) FROM y) SELECT * FROM x, y", ["a", "y"]),
        ("INSERT INTO t SELECT 'SELECT * FROM nope' -- FROM c\n FROM \"ž ; b\" /* FROM d */", ["ž ; b"]),
        ("FROM a SELECT count(*)", ["a"]),
        ('SELECT * FROM "Ünï" -- FROM c', ["Ünï"]),
        ("", []),
    ],
)
def test_the_tables_of_sql(sql: str, expected: list[str]) -> None:
    tables, fault = sql_tables.referenced_tables(sql)
    assert fault is None
    assert sorted(table.name for table in tables) == sorted(expected)
    for table in tables:
        assert sql[table.offset :].lstrip('"').startswith(table.name)


def test_all_that_compiling_finds_is_an_error_in_its_place() -> None:
    found = remarks(HEAD.replace("path: a.csv", "pth: a.csv"))
    assert found[0].startswith(
        "p.yaml:4:58: error: config of step 'a' lacks 'path', which filesystem.csv_extractor requires"
    )
    assert (
        found[1] == "p.yaml:4:59: error: unknown key 'pth' for filesystem.csv_extractor; did you mean 'path'?"
    )


def test_a_frame_that_nobody_takes_and_a_key_without_effect_are_warnings() -> None:
    found = remarks(HEAD.replace("path: a.csv", "path: a.csv, chunk_size: 5"))
    assert [remark.split(": ", 1)[1] for remark in found] == [
        "warning: output of step 'a' is never used",
        "warning: 'chunk_size' is ignored by filesystem.csv_extractor; remove it",
        "warning: output of step 'b-2' is never used",
    ]


@pytest.mark.parametrize(
    ("text", "options", "code"), [(STATS, [], 0), (HEAD, [], 0), (HEAD, ["--strict"], 1), ("a: [", [], 1)]
)
def test_the_exit_code_says_whether_there_is_an_error(
    tmp_path: Path, text: str, options: list[str], code: int
) -> None:
    (tmp_path / "p.yaml").write_text(text)
    done = CliRunner().invoke(build_app(), ["lint", str(tmp_path / "p.yaml"), *options])
    assert done.exit_code == code
    assert all(line.startswith(f"{tmp_path}/p.yaml:") for line in done.stdout.splitlines())


def test_lint_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.yaml").write_text(STATS)
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(build_app(), ["lint", "p.yaml"])
    assert [path.name for path in tmp_path.iterdir()] == ["p.yaml"]


def test_a_step_whose_id_is_a_parameter_is_looked_at_under_its_value() -> None:
    text = STATS.replace("id: extract-movies", "id: '${params.first}'") + "params: {first: extract-movies}\n"
    assert remarks(text) == []
    assert remarks(text.replace("FROM input_df", "FROM imput_df"))[0].startswith(
        "p.yaml:13:14: error: the SQL"
    )


def test_the_hook_for_pre_commit_names_a_command_that_takes_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hook,) = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
    program, *words = hook["entry"].split()
    assert (program, hook["language"]) == ("osiris-inspect", "python")
    assert re.search(hook["files"], "etl/pipelines/movies.yaml")
    (tmp_path / "good.yaml").write_text(STATS)
    (tmp_path / "bad.yaml").write_text(STATS.replace("input_df", "imput_df"))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(build_app(), [*words, "good.yaml", "bad.yaml"])
    assert done.exit_code == 1
    assert done.stdout.startswith(
        "bad.yaml:13:14: error: the SQL of step 'compute-stats' reads table 'imput_df'"
    )


@pytest.mark.parametrize("table", ["df_b_2", '"b-2"'])
def test_table_of_forgotten_need_names_the_step(table: str) -> None:
    (error,) = [
        text for text in remarks(with_query(f"SELECT * FROM df_a, {table}", "[a]")) if "error" in text
    ]
    assert error.endswith("which is not an input of the step; add 'b-2' to its needs")
