"""Checks of a step: lint, runs in memory, spilled and in a sandbox, the artifact and the meaning of each check."""

import json
import re
import uuid
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pandas as pd
import pytest

from osiris_inspect.base.near_names import Suggestions
from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model import manifest
from osiris_inspect.model.errors import DriverError, PipelineError
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.drivers.step_checks.checker import MAX_SAMPLE_ROWS, CheckedFrame, check_frame
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.lint import lint
from osiris_inspect.runtime.pipeline.step_checks import read_checks
from osiris_inspect.runtime.protocol.cancellation import CancelToken
from tests.runtime.clouds import in_the
from tests.runtime.driving import STORAGES, context, drive, handed
from tests.runtime.frames_of_every_kind import FRAMES
from tests.runtime.pipelines import compiled
from tests.runtime.runs import NAMES, make_run

if TYPE_CHECKING:
    from tests.runtime.fake_e2b.cloud import Cloud

pytestmark = pytest.mark.sampled(3)

SPILLED = {"memory": "0", "spill": "1"}
HEAD = 'oml_version: "0.1.0"\nname: p\nsteps:\n'
READ = f"{HEAD}  - id: movies\n    component: filesystem.csv_extractor\n    config: {{path: movies.csv}}\n"
WRITE = (
    "  - id: write\n    component: filesystem.csv_writer\n    needs: [movies]\n    config: {path: out.csv}\n"
)


def checked(folder: Path, frame: Any, checks: Mapping[str, Any], storage: str = "memory") -> CheckedFrame:
    """A frame, checked as the worker does it."""
    normalized, problems = read_checks(checks, Suggestions())
    assert not problems
    resolved = handed(folder, frame, STORAGES[storage])
    return check_frame(normalized, resolved, folder / "temp", CancelToken())


def failed_rows(folder: Path, frame: Any, checks: Mapping[str, Any], storage: str = "memory") -> list[Any]:
    return [result.failed_rows for result in checked(folder, frame, checks, storage).results]


def events(run: Path, name: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (run / "events.jsonl").read_text().splitlines())
    return [line for line in lines if line["event"] == name]


@pytest.fixture(params=sorted(STORAGES))
def storage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# what each check means


@pytest.mark.parametrize(
    ("values", "checks", "expected"),
    [
        ([1, None, 3], {"not_null": ["a"]}, 1),
        ([1.5, float("nan"), 3.0], {"not_null": ["a"]}, 1),
        (["x", None, "y"], {"not_null": ["a"]}, 1),
        ([[1], None, []], {"not_null": ["a"]}, 1),
        ([pd.Timestamp("2024-01-01"), pd.NaT], {"not_null": ["a"]}, 1),
        ([Decimal("1.5"), None, Decimal("NaN")], {"not_null": ["a"]}, 2),
        ([1, 2, 2, 2, 3, 3], {"unique": ["a"]}, 5),
        ([1, None, None], {"unique": ["a"]}, 0),
        ([1.0, float("nan"), float("nan")], {"unique": ["a"]}, 0),
        (["a", "A", "a "], {"unique": ["a"]}, 0),
        ([[1, 2], [1, 2], [2, 1]], {"unique": ["a"]}, 2),
        ([1, 5, None, 10], {"values": {"a": {"min": 2}}}, 1),
        ([1, 5, None, 10], {"values": {"a": {"max": 5}}}, 1),
        ([1.5, float("nan"), float("inf")], {"values": {"a": {"max": 2}}}, 1),
        ([0.1, 0.2], {"values": {"a": {"max": 0.1}}}, 1),
        ([Decimal("0.10"), Decimal("0.11")], {"values": {"a": {"max": 0.1}}}, 1),
        ([2**63 - 1, 2**62], {"values": {"a": {"max": 2**63 - 2}}}, 1),
        (["a", "b", None], {"values": {"a": {"in": ["a"]}}}, 1),
        (["it's", "b"], {"values": {"a": {"in": ["it's", "b"]}}}, 0),
        ([True, False, None], {"values": {"a": {"in": [True]}}}, 1),
        ([1, 2, 3], {"values": {"a": {"in": [1, 2.0]}}}, 1),
        (["AB", "ABC", "ab", None], {"values": {"a": {"regex": "[A-Z]{2}"}}}, 2),
        (["a", "b"], {"values": {"a": {"min": "b"}}}, 1),
        ([pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02"), pd.NaT], {"values": {"a": {"min": "2024-01-02"}}}, 1),
        ([pd.Timestamp("2024-01-01", tz="Asia/Tokyo")], {"values": {"a": {"min": "2023-12-31 15:00:01"}}}, 1),
        ([pd.Timedelta("1s"), pd.Timedelta("3s")], {"values": {"a": {"max": "2 seconds"}}}, 1),
        (pd.Categorical(["u", "v", None]), {"values": {"a": {"in": ["u"]}}}, 1),
        ([uuid.UUID(int=1), None], {"values": {"a": {"in": ["00000000-0000-0000-0000-000000000002"]}}}, 1),
        ([None, None], {"values": {"a": {"min": 1, "regex": "x", "in": ["y"]}}}, 0),
        ([1, 2, 3], {"sql": "SELECT * FROM df WHERE a > 1"}, 2),
        ([1, 2, 3], {"sql": "SELECT x.a FROM df AS x JOIN df AS y ON x.a = y.a + 1; -- pairs"}, 2),
    ],
)  # fmt: skip
def test_check_counts_rows_that_do_not_meet_it(
    tmp_path: Path, storage: str, values: Any, checks: Mapping[str, Any], expected: int
) -> None:
    frame = pd.DataFrame({"a": values})
    assert set(failed_rows(tmp_path, frame, checks, storage)) == {expected}


@pytest.mark.parametrize(
    ("rows", "limits", "passed"),
    [(3, {"min": 3}, True), (3, {"min": 4}, False), (3, {"max": 3}, True), (3, {"max": 2}, False), (0, {"min": 1}, False)],
)  # fmt: skip
def test_rows_are_held_against_limits(
    tmp_path: Path, storage: str, rows: int, limits: Mapping[str, int], passed: bool
) -> None:
    result = checked(tmp_path, pd.DataFrame({"a": range(rows)}), {"rows": limits}, storage).results[0]
    assert (result.passed, result.rows, result.failed_rows) == (passed, rows, None)


def test_rows_of_frame_without_columns_are_counted(tmp_path: Path, storage: str) -> None:
    result = checked(tmp_path, pd.DataFrame(index=range(3)), {"rows": {"max": 2}}, storage).results[0]
    assert (result.passed, result.rows) == (False, 3)


def test_key_of_several_columns_is_compared_as_whole(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame({"a": [1, 1, 1, 2, 2], "b": ["x", "y", "x", None, None]})
    assert failed_rows(tmp_path, frame, {"unique": [["a", "b"], ["a"]]}, storage) == [2, 5]


def test_columns_have_names_of_the_frame(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame([[1, None, 2]], columns=["a", "A", "b c"])
    results = checked(tmp_path, frame, {"not_null": ["a", "A", "b c"]}, storage).results
    assert [(result.columns, result.failed_rows) for result in results] == [
        (("a",), 0), (("A",), 1), (("b c",), 0)
    ]  # fmt: skip


def test_frame_without_rows_meets_checks_of_values(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame({"a": pd.Series([], dtype=object)})
    checks = {"not_null": ["a"], "unique": ["a"], "values": {"a": {"min": 1}}}
    assert failed_rows(tmp_path, frame, checks, storage) == [0, 0, 0]


def test_column_without_natural_form_can_be_checked_for_nulls(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame({"a": [object(), None], "b": [1, 2]})
    report = checked(tmp_path, frame, {"not_null": ["a"], "values": {"b": {"max": 0}}}, storage)
    assert [result.failed_rows for result in report.results] == [1, 2]
    sample = json.loads(report.failures_json(Redactor()))["checks"][1]["offending_rows"]
    assert [row["values"]["a"] for row in sample] == ["<object>", None]


# what cannot be checked


@pytest.mark.parametrize(
    ("values", "checks", "kind", "words"),
    [
        ([1], {"not_null": ["aa"]}, "column-missing", "the check not_null names column 'aa', which the frame lacks; did you mean 'a'?"),
        (["x"], {"values": {"a": {"min": 1}}}, "config-value-invalid", "its type is VARCHAR, and min is 1"),
        ([1], {"values": {"a": {"min": "1"}}}, "config-value-invalid", "its type is BIGINT, and min is '1'"),
        ([1], {"values": {"a": {"in": [1, True]}}}, "config-value-invalid", "and in is True"),
        ([1], {"values": {"a": {"regex": "1"}}}, "config-value-invalid", "its type is BIGINT, and regex needs text"),
        ([True], {"values": {"a": {"max": 1}}}, "config-value-invalid", "max needs numbers, text or times"),
        ([[1]], {"values": {"a": {"in": [1]}}}, "config-value-invalid", "in needs numbers, text, times or booleans"),
        ([pd.Timestamp("2024-01-01")], {"values": {"a": {"min": "soon"}}}, "value-not-convertible", "soon"),
        ([1], {"sql": "SELECT nope FROM df"}, "column-missing", "cannot run sql check 1: in line 1 of its query"),
        ([1], {"sql": "SELECT *\nFROM df\nWHERE nope"}, "column-missing", "in line 3 of its query"),
        ([1], {"sql": "SELECT * FROM df WHERE a IN (SELECT 1 FROM read_text('/etc/passwd'))"}, "query-reads-files", "disabled"),
    ],
)  # fmt: skip
def test_check_that_cannot_be_carried_out_fails(
    tmp_path: Path, storage: str, values: Any, checks: Mapping[str, Any], kind: str, words: str
) -> None:
    with pytest.raises(DriverError) as error:
        checked(tmp_path, pd.DataFrame({"a": values}), {**checks, "on_failure": "warn"}, storage)
    assert error.value.kind == kind
    assert words in error.value.message
    assert error.value.fix


def test_column_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match="which the frame has 2 times"):
        checked(tmp_path, pd.DataFrame([[1, 2]], columns=["x", "x"]), {"not_null": ["x"]})


# offending rows


@pytest.mark.sampled(9)
@pytest.mark.parametrize("name", FRAMES)
def test_every_kind_of_column_can_be_checked(tmp_path: Path, name: str) -> None:
    documents = []
    for storage in sorted(STORAGES):
        (tmp_path / storage).mkdir()
        resolved = handed(tmp_path / storage, FRAMES[name](), STORAGES[storage])
        own = [label.encode("utf-8", "backslashreplace").decode() for label in resolved.column_names.values()]
        columns = [label for label in own if own.count(label) == 1]
        checks = {"rows": {"min": 10**6}, "not_null": columns, "unique": [[label] for label in columns]}
        report = check_frame(checks, resolved, tmp_path / "temp", CancelToken())
        assert len(report.results) == 1 + 2 * len(columns)
        documents.append(re.sub(rb"0x[0-9a-f]+", b"0x", report.failures_json(Redactor())))
    assert documents[0] == documents[1]


def test_frame_of_a_query_is_checked_by_its_sql_types(tmp_path: Path, storage: str) -> None:
    query = """SELECT gen_random_uuid() AS u, '{"a": [1, NaN]}'::VARCHAR AS broken, 3::HUGEINT AS h, DATE '2024-02-01' AS d,
        TIME '12:00' AS t, 1.50::DECIMAL(9,2) AS p, {'k': 1} AS s, 'x'::ENUM('x', 'y') AS e FROM range(2)"""
    ctx = context(tmp_path)
    frame = drive("duckdb.processor", {"query": query}, ctx, df=handed(tmp_path, pd.DataFrame({"a": [1]})))[
        "df"
    ]
    checks = {
        "unique": [["h"], ["s", "d"]],
        "values": {
            "u": {"regex": "none"},
            "broken": {"in": ["x"]},
            "h": {"min": 4},
            "d": {"max": "2024-01-31"},
            "t": {"max": "11:59:59"},
            "p": {"max": 1.49},
            "e": {"in": ["y"]},
        },
    }
    report = checked(tmp_path, frame, checks, storage)
    assert [result.failed_rows for result in report.results] == [2] * 9
    (values,) = (row["values"] for row in report.samples[0][:1])
    assert orjson.loads(orjson.dumps({**values, "u": None})) == {
        "u": None, "broken": '{"a": [1, NaN]}', "h": 3, "d": "2024-02-01", "t": "12:00:00", "p": 1.5, "s": {"k": 1}, "e": "x",
    }  # fmt: skip


def test_first_offending_rows_are_kept_in_order(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame({"id": range(300_000), "even": [n % 2 == 0 for n in range(300_000)]})
    report = checked(tmp_path, frame, {"values": {"even": {"in": [True]}}}, storage)
    assert report.results[0].failed_rows == 150_000
    assert [row["row"] for row in report.samples[0]] == list(range(2, 2 * MAX_SAMPLE_ROWS + 1, 2))


def test_offending_rows_are_equal_in_memory_and_spilled(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": [1, 1],
            "text": ["é\"'\n", "x" * 5_000],
            "real": [float("nan"), float("inf")],
            "exact": [Decimal("12345678901234567890.12"), None],
            "big": np.array([2**64 - 1, 0], dtype="uint64"),
            "items": [[1, 2], None],
            "mixed": [1, "a"],
            "time": pd.to_timedelta([1, None], unit="ns"),
            "bytes": [b"\xff", b""],
        }
    )
    texts = []
    for storage in sorted(STORAGES):
        (tmp_path / storage).mkdir()
        texts.append(
            checked(tmp_path / storage, frame, {"unique": ["id"]}, storage).failures_json(Redactor())
        )
    assert texts[0] == texts[1]
    first, second = json.loads(texts[0], parse_float=str)["checks"][0]["offending_rows"]
    assert first["values"] == {
        "id": 1, "text": "é\"'\n", "real": None, "exact": "12345678901234567890.12", "big": 2**64 - 1,
        "items": [1, 2], "mixed": "1", "time": "1 ns", "bytes": "\\xFF",
    }  # fmt: skip
    assert second["values"]["real"] == "Infinity"
    assert second["values"]["text"].endswith("… (4,000 more characters)")


# lint and compile


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ("[a]", "7:13: checks must be a mapping with rows, not_null, unique, values, sql, on_failure"),
        ("{}", "7:13: checks must be a mapping"),
        ("{on_failure: warn}", "7:13: checks has no check; add one"),
        ("{not_nul: [a]}", "7:14: unknown key 'not_nul' in checks; did you mean 'not_null'?"),
        ("{rows: 3}", "7:20: rows must be a mapping with min, max or both"),
        ("{rows: {min: -1}}", "7:26: min of rows must be an integer >= 0"),
        ("{rows: {min: 2, max: 1}}", "7:26: min of rows is larger than max"),
        ("{rows: {least: 1}}", "7:21: unknown key 'least' in rows; use one of min, max"),
        ("{not_null: id}", "7:24: not_null must be a list of column names"),
        ("{not_null: [1]}", "7:25: not_null must be a list of column names: [<column>, …]; 1 is not text, put it in quotes"),
        ("{not_null: [a, a]}", "7:28: not_null contains 'a' twice; remove one"),
        ("{unique: [a, [b]]}", "7:22: unique must be one key"),
        ("{unique: [[a], [b, 2]]}", "7:32: a key of unique must be a list of column names"),
        ("{values: {a: 3}}", "7:26: values of 'a' must be a mapping with in, min, max, regex"),
        ("{values: {a: {mim: 3}}}", "7:27: unknown key 'mim' in values of 'a'; did you mean 'min'?"),
        ("{values: {a: {in: 3}}}", "7:31: in of 'a' must be a list of values"),
        ("{values: {a: {min: [3]}}}", "7:32: min of 'a' must be a number or text"),
        ("{values: {a: {max: .inf}}}", "7:32: 'max' is inf, which is not a finite number"),
        ("{values: {a: {regex: '('}}}", "7:34: regex of 'a' is not a valid regular expression: missing ): (; DuckDB uses the syntax of RE2"),
        ("{sql: 3}", "7:19: sql must be a query of df"),
        ("{sql: SELEC 1}", "7:19: cannot parse the SQL of a check: Parser Error: syntax error at or near \"SELEC\""),
        ("{sql: [SELECT 1 FROM df, SELECT 2 FROM x]}", "7:38: the SQL of a check reads table 'x'; it can read only df"),
        ("{sql: CREATE TABLE x AS SELECT 1}", "7:19: the SQL of a check must be one SELECT"),
        ("{sql: SELECT 1 FROM df; SELECT 2}", "7:19: the SQL of a check must be one SELECT"),
        ("{not_null: [a], on_failure: stop}", "7:41: on_failure must be 'fail' or 'warn'"),
        ("{not_null: }", "7:24: 'not_null' is empty"),
    ],
)  # fmt: skip
def test_lint_names_place_of_invalid_check(checks: str, expected: str) -> None:
    text = f"{READ}    checks: {checks}\n{WRITE}"
    messages = [str(message).replace(": error", "") for message in lint(text, "p", all_components())]
    assert any(message.startswith(f"p:{expected}") for message in messages), messages
    with pytest.raises(PipelineError):
        compiled(text)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("component: filesystem.csv_extractor\n    config: {path: movies.csv, columns: [id, title]}", "8:24: error: checks of step 's' name column 'titel', which its frame lacks; did you mean 'title'?"),
        ("component: duckdb.processor\n    needs: [movies]\n    config: {query: 'SELECT id, m.x AS title FROM df AS m'}", "11:24: error: checks of step 's' name column 'titel', which its frame lacks; did you mean 'title'?"),
    ],
)  # fmt: skip
def test_lint_reports_column_that_frame_lacks(step: str, expected: str) -> None:
    before = READ if "needs" in step else HEAD + "  # movies\n"
    text = f"{before}  - id: s\n    {step}\n    checks: {{unique: [[id], [titel, ID]]}}\n"
    messages = [str(message) for message in lint(text, "p", all_components()) if message.severity == "error"]
    assert len(messages) == 1
    assert messages[0].partition(": error")[2] == expected.partition(": error")[2]


def test_lint_checks_input_columns_of_writer() -> None:
    read = READ.replace("movies.csv}", "movies.csv, columns: [id]}")
    messages = lint(f"{read}{WRITE}    checks: {{values: {{ida: {{min: 1}}}}}}\n", "p", all_components())
    assert [str(message) for message in messages] == [
        "p:11:23: error: checks of step 'write' name column 'ida', which its frame lacks; did you mean 'id'?"
    ]


def test_lint_refuses_checks_of_writer_with_two_inputs() -> None:
    other = READ.removeprefix(HEAD).replace("id: movies", "id: other")
    write = WRITE.replace("[movies]", "[movies, other]").replace(
        "out.csv", "out.csv, on_several_inputs: append"
    )
    messages = lint(f"{READ}{other}{write}    checks: {{not_null: [id]}}\n", "p", all_components())
    assert [str(message) for message in messages] == [
        "p:14:5: error: step 'write' produces no frame and has 2 inputs, so checks have no frame to check; "
        "move them to the steps that it needs"
    ]


def test_checks_are_in_the_manifest() -> None:
    text = f"{READ}    checks: {{unique: [id], values: {{id: {{min: 2024-01-01}}}}, sql: SELECT 1 FROM df}}\n{WRITE}"
    plan = compiled(text).manifest
    expected = {
        "unique": [["id"]],
        "values": {"id": {"min": "2024-01-01"}},
        "sql": ["SELECT 1 FROM df"],
    }
    assert plan.steps[0].checks == expected
    assert manifest.parse(manifest.to_dict(plan)).steps == plan.steps
    assert "checks" not in manifest.to_dict(plan)["steps"][1]


# runs

FAILING = f"""{READ}    checks:
      rows: {{min: 10}}
      not_null: [title]
      values: {{rating: {{max: 7.0}}}}
{WRITE}"""
WARNING = FAILING.replace("      rows:", "      on_failure: warn\n      rows:")
OF_WRITER = f"{READ}{WRITE}    checks: {{sql: SELECT id FROM df WHERE rating > 7}}\n"


@pytest.mark.parametrize("on", NAMES)
def test_failed_check_fails_step_and_nothing_is_written(tmp_path: Path, on: str, storage: str) -> None:
    result = make_run(tmp_path, on, text=FAILING, env={"E2B_FORCE_SPILL": SPILLED[storage]})
    assert result.status == "failed"
    assert not list(tmp_path.rglob("out.csv"))
    info = events(result.path, "step_failed")[0]["error_info"]
    assert info["kind"] == "check-failed"
    assert info["message"] == (
        "step 'movies' failed 1 of 3 checks: 3 of 14 rows had a value in 'rating' above 7.0"
    )
    assert info["fix"].startswith("look at the rows in artifacts/movies/failed_checks.json")
    assert info["facts"] == {
        "check": "max", "column": "rating", "failed_rows": 3, "rows": 14, "checks_failed": 1,
        "path": "artifacts/movies/failed_checks.json",
    }  # fmt: skip
    assert [event["because"] for event in events(result.path, "step_skipped")] == ["movies"]
    checks = events(result.path, "check_result")
    assert [(check["check"], check["column"], check["status"]) for check in checks] == [
        ("rows", None, "passed"), ("not_null", "title", "passed"), ("max", "rating", "failed")
    ]  # fmt: skip
    artifact = json.loads((result.path / "artifacts/movies/failed_checks.json").read_text())
    rows = artifact["checks"][0]["offending_rows"]
    assert [(row["row"], row["values"]["rating"]) for row in rows] == [(12, 7.1), (13, 7.2), (14, 7.3)]
    card = json.loads((result.path / "artifacts/_system/run_card.json").read_text())
    assert card["steps"][0]["checks"] == {"passed": 2, "failed": 1}
    assert "checks" not in card["steps"][1]


@pytest.mark.parametrize("on", NAMES)
def test_failed_check_of_writer_leaves_target_as_it_was(tmp_path: Path, on: str) -> None:
    (tmp_path / "out.csv").write_text("old\n")
    result = make_run(tmp_path, on, text=OF_WRITER)
    assert result.status == "failed"
    assert [path.read_text() for path in tmp_path.rglob("out.csv")] == ["old\n"]
    assert events(result.path, "check_result")[0]["failed_rows"] == 3


def test_checks_in_e2b_have_the_results_of_a_local_run(tmp_path: Path, cloud: "Cloud") -> None:
    runs = [
        make_run(tmp_path / "local", text=WARNING).path,
        make_run(tmp_path / "e2b", text=WARNING, transport=in_the(cloud)).path,
    ]
    place = {"ts", "seq", "session", "mono"}
    local, remote = (
        [
            {key: value for key, value in event.items() if key not in place}
            for event in events(run, "check_result")
        ]
        for run in runs
    )
    assert len(local) == 3
    assert remote == local
    files = [(run / "artifacts/movies/failed_checks.json").read_bytes() for run in runs]
    assert files[0] == files[1]


def test_warning_check_keeps_run_green_and_is_found(tmp_path: Path, storage: str) -> None:
    result = make_run(tmp_path, text=WARNING, env={"E2B_FORCE_SPILL": SPILLED[storage]})
    assert result.status == "success"
    assert list(tmp_path.rglob("out.csv"))
    report = analyze(result.path)
    finding = next(finding for finding in report.findings if finding.rule == "check-failed")
    assert (str(finding.severity), finding.step) == ("warning", "movies")
    assert finding.message == "failed 1 of 3 checks: 3 of 14 rows had a value in 'rating' above 7.0"
    assert "artifacts/movies/failed_checks.json" in finding.fix
    line = (result.path / "events.jsonl").read_text().splitlines()[finding.evidence[0].line - 1]
    assert json.loads(line)["check"] == "max"


def test_failed_check_is_the_root_cause(tmp_path: Path) -> None:
    report = analyze(make_run(tmp_path, text=FAILING).path)
    assert report.root_cause is not None
    assert (report.root_cause.rule, report.root_cause.step) == ("check-failed", "movies")
    assert sum(finding.rule == "check-failed" for finding in report.findings) == 1


def test_values_of_offending_rows_are_not_in_the_log(tmp_path: Path) -> None:
    result = make_run(tmp_path, text=FAILING)
    log = (result.path / "events.jsonl").read_text() + (result.path / "worker.log").read_text()
    assert "Film 12" in (result.path / "artifacts/movies/failed_checks.json").read_text()
    assert "Film 12" not in log


def test_secret_in_a_check_is_masked_in_all_files(tmp_path: Path) -> None:
    secret = "s3cret-of-the-run"
    text = WARNING.replace("not_null", f"sql: \"SELECT '{secret}' AS s FROM df\"\n      not_null")
    result = make_run(tmp_path, text=text, secrets=(secret,))
    assert events(result.path, "check_result")[-1]["expected"] == "SELECT '***' AS s FROM df"
    artifact = json.loads((result.path / "artifacts/movies/failed_checks.json").read_text())
    assert artifact["checks"][-1]["expected"] == "SELECT '***' AS s FROM df"
    others = [path for path in result.path.rglob("*") if path.is_file() and path.name != "failed_checks.json"]
    assert not [path for path in others if secret in path.read_text(errors="replace")]


def test_checks_leave_no_temporary_files(tmp_path: Path) -> None:
    result = make_run(tmp_path, text=WARNING)
    names = sorted(path.name for path in (result.path / "artifacts/movies").iterdir())
    assert names == ["cleaned_config.json", "failed_checks.json"]
