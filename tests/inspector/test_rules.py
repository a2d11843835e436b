import json
import re
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.diagnosis.engine import FALLBACK_RULE, builtin_rules
from osiris_inspect.inspector.diagnosis.rule import Rule
from osiris_inspect.inspector.run.report import Report
from tests.inspector.making import (
    CHAIN,
    NONETYPE,
    failing_locally,
    local,
    native,
    run_dir,
    succeeding_locally,
    worker,
)

HEADINGS = ("What it finds:", "Why it matters:", "How to fix:", "Example:")
ALL = builtin_rules()


def told(report_: Report) -> dict[str, str]:
    """Rule by address, with the severity."""
    return {finding.id: str(finding.severity) for finding in report_.findings}


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_manual_has_its_headings_in_order(rule: Rule) -> None:
    lines = [line for line in rule.rule_manual.splitlines() if line in HEADINGS]
    assert tuple(lines) == HEADINGS
    assert rule.rule_manual.splitlines()[0].endswith(".")


def test_name_of_a_rule_is_words_with_hyphens() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id) for rule in ALL)


ERRORS = [
    ("authentication-failed", "(1045, \"Access denied for user 'a'@'h' (using password: YES)\")"),
    ("authentication-failed", 'FATAL: password authentication failed for user "reader"'),
    ("connection-refused", "(2003, \"Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)\")"),
    ("connection-refused", 'connection to server at "10.0.0.1", port 5432 failed: Connection refused'),
    ("host-not-found", "[Errno -2] Name or service not known"),
    ("host-not-found", 'could not translate host name "db.invalid" to address'),
    ("connection-failed", "Execution failed: MySQL connection failed for step extract"),
    ("permission-denied", "(1142, \"INSERT command denied to user 'a'@'h' for table 'x'\")"),
    ("permission-denied", "permission denied for table stats"),
    ("table-missing", "(1146, \"Table 'movies.moviez' doesn't exist\")"),
    ("table-missing", 'relation "public.moviez" does not exist'),
    ("table-missing", "Supabase write failed: Table stats does not exist and create_if_missing is false"),
    ("column-missing", "(1054, \"Unknown column 'nope' in 'field list'\")"),
    ("column-missing", 'Binder Error: Referenced column "nope" not found in FROM clause!'),
    ("column-missing", "Usecols do not match columns, columns expected but not found: ['nope']"),
    ("sql-syntax", '(1064, "You have an error in your SQL syntax; check the manual")'),
    ("sql-syntax", 'DuckDB transformation failed: Parser Error: syntax error at or near "SELEC"'),
    ("percent-in-sql", "%i format: a real number is required, not dict"),
    ("query-failed", "Conversion Error: Could not convert string 'n/a' to INT32"),
    ("file-missing", "Step extract: CSV file not found: /data/nope.csv"),
    ("file-missing", 'IO Error: No files found that match the pattern "/data/nope.csv"'),
    ("path-is-directory", "Path is not a file: /data"),
    ("encoding-wrong", "'utf-8' codec can't decode byte 0xe9 in position 12: invalid continuation byte"),
    ("csv-ragged", "Error tokenizing data. C error: Expected 4 fields in line 17, saw 5"),
    ("frame-without-columns", "Invalid Input Error: Need a DataFrame with at least one column"),
    ("out-of-memory", "Out of Memory Error: failed to allocate data of size 32.0 MiB"),
    ("disk-full", "[Errno 28] No space left on device"),
    ("too-many-open-files", "[Errno 24] Too many open files: 'out.csv'"),
    ("path-not-writable", "Cannot save file into a non-existent directory: 'out'"),
    ("connection-unresolved", "Connection alias 'nope' not found in family 'mysql'. Available aliases: main"),
    ("connection-unresolved", "Connection family mismatch: step uses mysql, ref is supabase"),
    ("config-value-missing", "Step extract: 'query' is required in config"),
    ("config-key-unknown", "Unknown configuration keys: batchsize"),
    ("driver-not-registered", "Driver 'postgres.extractor' not registered. Available drivers: mysql.extractor"),
    ("dependency-missing", "No module named 'pymysql'"),
    ("package-incompatible", "ImportError: cannot import name 'x' from 'pandas' (/lib/pandas/__init__.py)"),
    ("delimiter-wrong", 'Referenced column "day" not found in FROM clause!\nCandidate bindings: "id;day"'),
    ("file-format-wrong", "Parquet magic bytes not found in footer. Either the file is corrupted or no parquet file."),
    ("file-system-failed", "Execution failed: [Errno 116] Stale file handle"),
    ("frame-refused", "assignment destination is read-only"),
    ("time-zone-wrong", "Cannot compare tz-naive and tz-aware datetime-like objects"),
    ("value-not-serialisable", "Object of type int64 is not JSON serializable"),
    ("driver-context-incomplete", "Context must provide get_db_connection() method"),
    ("constraint-violated", "duplicate key value violates unique constraint"),
    ("table-creation-failed", "Table creation failed: psycopg2 channel not configured"),
    ("write-failed", "Batch write failed after retry: 503"),
    ("rate-limited", "Client error '429 Too Many Requests'"),
    ("connection-lost", "(2013, 'Lost connection to MySQL server during query')"),
    ("network-timeout", "(2013, 'Lost connection to MySQL server during query (timed out)')"),
    ("database-file-unusable", "Serialization Error: Failed to deserialize: field id mismatch, expected: 100, got: 200"),
    ("worker-killed", "the worker is gone: killed by SIGKILL"),
    ("step-timeout", "step 'extract' exceeded its time limit of 3 s"),
    ("environment-variable-missing", "Environment variable 'X' not set for password in mysql.main"),
    ("authentication-failed", "GraphQL request failed: 401 Client Error: Unauthorized for url: https://x"),
    ("permission-denied", "403 Client Error: Forbidden for url: https://x"),
    ("connection-refused", "(1040, 'Too many connections')"),
    ("host-not-found", "psycopg2 IPv4 resolution failed for host db.x.supabase.co"),
    ("encoding-wrong", "CSV parsing failed: 'utf-8' codec can't decode byte 0xe9 in position 3"),
    ("tls-failed", "SSLCertVerificationError: certificate verify failed: unable to get local issuer certificate"),
    ("tls-failed", 'connection to server at "x" failed: SSL error: sslmode value "require" invalid'),
    ("service-failed", "500 Server Error: Internal Server Error for url: https://x"),
    ("service-failed", "Batch write failed after retry: 503 Service Unavailable"),
    ("endpoint-missing", "404 Client Error: Not Found for url: https://x/y"),
    ("database-missing", 'FATAL:  database "nope" does not exist'),
    ("database-missing", "(1049, \"Unknown database 'nope'\")"),
    ("lock-conflict", "(1205, 'Lock wait timeout exceeded; try restarting transaction')"),
    ("lock-conflict", "deadlock detected"),
    ("value-refused", "(1406, \"Data too long for column 'name' at row 1\")"),
    ("value-refused", 'invalid input syntax for type integer: "abc"'),
    ("csv-ragged", "/x.csv is no table: Expected 2 fields in line 3, saw 4"),
    ("path-is-directory", "/x is a folder, not a CSV file"),
    ("frame-without-columns", "/x.csv is empty; there is not even a header"),
    ("config-missing", "step 'extract': its configuration is not there: cfg/extract.json"),
    ("driver-exited", "the driver called sys.exit(3)"),
    ("sandbox-unavailable", "E2B_API_KEY not found in environment"),
    ("sandbox-lost", "the sandbox was terminated at its time limit"),
    ("unexplained-failure", "something nobody has seen before"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "error"), ERRORS)
def test_error_text_is_explained_by_its_rule(tmp_path: Path, rule: str, error: str) -> None:
    cause = analyze(run_dir(tmp_path, failing_locally(error), steps=CHAIN)).root_cause
    assert cause is not None
    assert (cause.rule, cause.step, cause.stage) == (rule, "extract", "step")


@pytest.mark.parametrize(("rule", "error"), ERRORS)
def test_same_words_in_a_run_that_went_well_raise_nothing(tmp_path: Path, rule: str, error: str) -> None:
    lines = [*succeeding_locally()[:7], local("note", 7, text=error), succeeding_locally()[7]]
    assert analyze(run_dir(tmp_path, lines, steps=CHAIN)).findings == ()


COMPILE_ERRORS = [
    ("unknown-component", "Components missing runtime drivers: a (component: unknown)"),
    ("config-key-unknown", "Unknown configuration key 'sqlx' for component 'mysql.extractor'"),
    ("parameter-unresolved", "Unresolved parameters: ['params.table']"),
    ("secret-inline", "Inline secret detected at steps[0]"),
    ("pipeline-unreadable", "Missing oml_version in OML"),
    ("unexplained-failure", "the compiler stumbled"),
]


@pytest.mark.parametrize(("rule", "error"), COMPILE_ERRORS)
def test_compile_error_is_explained_at_its_stage(tmp_path: Path, rule: str, error: str) -> None:
    lines = [local("compile_start"), local("compile_error", 1, error=error), local("run_end", 2)]
    cause = analyze(run_dir(tmp_path, lines)).root_cause
    assert cause is not None
    assert (cause.rule, cause.step, cause.stage) == (rule, None, "compile")


def starving(
    complete: dict[str, Any], *, log: str = "", error: str = NONETYPE, **more: Any
) -> tuple[list[Any], dict[str, str]]:
    lines = [
        worker("step_start", 1, step_id="extract", driver="mysql.extractor"),
        worker("step_complete", 2, step_id="extract", **complete),
        worker("step_start", 3, step_id="stats", driver="duckdb.processor"),
        worker("step_failed", 4, step_id="stats", driver="duckdb.processor", error=error, **more),
        worker("cleanup_complete", 5),
    ]
    return lines, {"worker.log": f"Loaded config from cfg/stats.json\n{log}\n"} if log else {}


@pytest.mark.parametrize("steps", [CHAIN, ()], ids=["manifest", "no manifest"])
def test_frame_that_was_given_and_kept_nowhere_is_the_fault_of_its_step(tmp_path: Path, steps: Any) -> None:
    lines, _ = starving({"rows_processed": 14})
    said = analyze(run_dir(tmp_path, lines, steps=steps))
    assert said.root_cause is not None
    assert said.root_cause.id == "frame-dropped-from-cache@extract"
    assert [finding.id for finding in said.consequences(said.root_cause)] == ["input-not-found@stats"]


def test_step_that_gave_nothing_is_the_fault(tmp_path: Path) -> None:
    lines, _ = starving({"rows_processed": 0})
    cause = analyze(run_dir(tmp_path, lines, steps=CHAIN)).root_cause
    assert cause is not None
    assert cause.id == "output-missing@extract"


@pytest.mark.parametrize(
    ("log", "address"),
    [
        (
            "WARNING - Key 'df' not found in outputs from step 'extract' (available: ['data'])",
            "output-key-wrong@extract",
        ),
        (
            "WARNING - Key 'data' not found in outputs from step 'extract' (available: ['df'])",
            "input-key-wrong@stats",
        ),
        (
            "ERROR - Failed to cache DataFrame for step extract: Duplicate column names",
            "spill-write-failed@extract",
        ),
        (
            "ERROR - Failed to load input DataFrame from artifacts/extract/output.parquet",
            "spill-file-unreadable@extract",
        ),
    ],
)
def test_text_log_tells_causes_apart_that_look_alike_in_events(
    tmp_path: Path, log: str, address: str
) -> None:
    lines, files = starving({"rows_processed": 14}, log=log)
    cause = analyze(run_dir(tmp_path, lines, steps=CHAIN, files=files)).root_cause
    assert cause is not None
    assert cause.id == address


@pytest.mark.parametrize("content", [None, b"cut off"])
def test_spilled_frame_that_is_gone_or_damaged_is_the_cause(tmp_path: Path, content: bytes | None) -> None:
    lines, _ = starving({"rows_processed": 14})
    file = "artifacts/extract/output.parquet"
    lines.insert(1, worker("artifact_created", 1.5, step_id="extract", artifact_type="parquet", path=file))
    files = {} if content is None else {file: content}
    cause = analyze(run_dir(tmp_path, lines, steps=CHAIN, files=files)).root_cause
    assert cause is not None
    assert cause.id == "spill-file-unreadable@extract"


@pytest.mark.parametrize(
    "error",
    [
        NONETYPE,
        "Catalog Error: Table with name df_extract does not exist!",
        "Catalog Error: Table with name input_df does not exist!",
    ],
)
def test_input_that_was_there_under_another_name(tmp_path: Path, error: str) -> None:
    lines, _ = starving({"rows_processed": 14}, error=error)
    lines.insert(
        2,
        worker(
            "inputs_resolved", 2.5, step_id="stats", from_step="extract", key="df", rows=14, from_memory=True
        ),
    )
    cause = analyze(run_dir(tmp_path, lines, steps=CHAIN)).root_cause
    assert cause is not None
    assert cause.id == "input-name-mismatch@stats"


def test_failed_source_explains_everything_behind_it(tmp_path: Path) -> None:
    lines = [
        worker(
            "step_failed",
            1,
            step_id="extract",
            driver="mysql.extractor",
            error="Access denied for user 'a'@'b'",
        ),
        worker("step_failed", 2, step_id="stats", driver="duckdb.processor", error=NONETYPE),
        worker("cleanup_complete", 3),
    ]
    said = analyze(run_dir(tmp_path, lines, steps=CHAIN))
    assert [(finding.id, finding.caused_by) for finding in said.findings] == [
        ("authentication-failed@extract", None),
        ("input-not-found@stats", "authentication-failed@extract"),
    ]


def test_independent_failures_are_two_causes(tmp_path: Path) -> None:
    lines = [
        worker(
            "step_failed", 1, step_id="a", driver="mysql.extractor", error="Access denied for user 'a'@'b'"
        ),
        worker("step_failed", 2, step_id="b", driver="mysql.extractor", error="CSV file not found: /x"),
        worker("cleanup_complete", 3),
    ]
    said = analyze(run_dir(tmp_path, lines, steps=[("a", "mysql.extractor", []), ("b", "csv.extractor", [])]))
    assert [finding.caused_by for finding in said.findings] == [None, None]


OWN_ERRORS = [
    ("No module named 'supabase'", "dependency-missing@stats", None),
    ("Access denied for user 'x'@'y'", "authentication-failed@stats", None),
    ("Access denied for user 'a'@'b'", "authentication-failed@stats", "authentication-failed@extract"),
    (NONETYPE, "input-not-found@stats", "authentication-failed@extract"),
    ("'NoneType' object has no attribute 'groupby'", "driver-raised@stats", "authentication-failed@extract"),
]


@pytest.mark.parametrize(("error", "address", "because"), OWN_ERRORS)
def test_step_behind_a_failed_one_has_a_cause_of_its_own_unless_it_missed_the_frame(
    tmp_path: Path, error: str, address: str, because: str | None
) -> None:
    first = "Access denied for user 'a'@'b'"
    lines = [
        worker("step_failed", 1, step_id="extract", driver="mysql.extractor", error=first),
        worker("step_failed", 2, step_id="stats", driver="duckdb.processor", error=error),
        worker("cleanup_complete", 3),
    ]
    said = analyze(run_dir(tmp_path, lines, steps=CHAIN))
    assert (address, because) in [(finding.id, finding.caused_by) for finding in said.findings]
    stats = said.run.step("stats")
    assert stats is not None
    assert stats.skipped_because == (None if because is None else "extract")


CARD_ERRORS = [
    "MySQL query failed: (1045, \"Access denied for user 'a'\")",
    "Access denied for user 'a'\nsecond line",
    "Access denied for user 'jürgen'",
    'something nobody has\n\t"seen" before',
]


@pytest.mark.parametrize("error", CARD_ERRORS)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_failure_that_only_the_card_tells_is_the_cause(tmp_path: Path, error: str, ascii_only: bool) -> None:
    failed = {"step_id": "extract", "status": "failed", "error": error}
    starved = {"step_id": "stats", "status": "failed", "error": NONETYPE}
    card = json.dumps({"steps": [failed, starved]}, ensure_ascii=ascii_only, indent=2)
    said = analyze(run_dir(tmp_path, [], steps=CHAIN, files={"artifacts/_system/run_card.json": card}))
    assert said.root_cause is not None
    assert said.root_cause.step == "extract"
    assert '"error"' in card.splitlines()[said.root_cause.evidence[0].line - 1]


def test_finding_whose_quote_is_nowhere_is_shown_where_its_step_is_named(tmp_path: Path) -> None:
    needing = [("extract", "x.y", []), ("stats", "x.y", [["not", "a name"]])]
    said = analyze(run_dir(tmp_path, failing_locally("boom"), steps=needing))  # type: ignore[arg-type]  # needs of a wrong type
    unknown = next(finding for finding in said.findings if finding.id == "need-unknown@stats")
    assert "stats" in unknown.evidence[0].quote


@pytest.mark.parametrize(
    ("error", "before", "fix"),
    [
        (
            "Table with name df_extract does not exist!",
            (),
            "before 0.5 use 'input_df' in the query; with 0.5 run the pipeline locally, where the input is called "
            "df_extract",
        ),
        (
            "Table with name df does not exist!",
            ("filesystem.csv_extractor",),
            "run the pipeline locally, where the input is called df_extract, or use a version whose runner passes "
            "such names; another table name does not help",
        ),
        (
            "Table with name input_df does not exist!",
            (),
            "run the pipeline locally, where the input is called df_extract, or use a version whose runner passes "
            "such names; another table name does not help",
        ),
        (
            "Table with name df_other does not exist!",
            (),
            "add 'other' to the needs of the step, and run it where each need is passed under its own name",
        ),
    ],
)
def test_advice_names_a_table_only_if_the_driver_registers_it(
    tmp_path: Path, error: str, before: tuple[str, ...], fix: str
) -> None:
    lines = [
        *(worker("driver_registration_failed", driver=driver, error="no") for driver in before),
        worker("step_complete", 1, step_id="extract", rows_processed=14),
        worker("step_complete", 1, step_id="other", rows_processed=3),
        worker(
            "inputs_resolved", 2, step_id="stats", from_step="extract", key="df", rows=14, from_memory=True
        ),
        worker("step_failed", 3, step_id="stats", driver="duckdb.processor", error=error),
        worker("cleanup_complete", 4),
    ]
    cause = analyze(run_dir(tmp_path, lines, steps=[*CHAIN, ("other", "x.extractor", [])])).root_cause
    assert cause is not None
    assert (cause.rule, cause.fix) == ("input-name-mismatch", fix)


def test_bound_name_that_is_requested_is_never_the_advice(tmp_path: Path) -> None:
    lines = [
        worker("step_complete", 1, step_id="extract", rows_processed=14),
        worker(
            "inputs_resolved", 2, step_id="stats", from_step="extract", key="df", rows=14, from_memory=True
        ),
        worker(
            "step_failed",
            3,
            step_id="stats",
            driver="duckdb.processor",
            error="Catalog Error: Table with name df_extract does not exist!",
        ),
        worker("cleanup_complete", 4),
    ]
    command = {
        "cmd": "exec_step",
        "step_id": "stats",
        "inputs": {"df_extract": {"from_step": "extract", "key": "df"}},
    }
    run = run_dir(tmp_path, lines, steps=CHAIN, files={"commands.jsonl": json.dumps(command) + "\n"})
    cause = analyze(run).root_cause
    assert cause is not None
    assert cause.rule == "input-name-mismatch"
    assert "registers only an input called 'df'" in cause.message
    assert "instead of" not in (cause.fix or "")


def test_good_end_in_the_status_file_says_that_the_file_was_cut(tmp_path: Path) -> None:
    ended = {"ok": True, "exit_code": 0, "steps_completed": 2, "steps_total": 2}
    run = run_dir(tmp_path, succeeding_locally()[:2], steps=CHAIN, files={"status.json": ended})
    cause = analyze(run).root_cause
    assert cause is not None
    assert (cause.rule, cause.step, str(cause.confidence)) == ("run-truncated", None, "medium")
    assert "the file was truncated, not the run" in cause.message


def test_line_that_could_not_be_read_may_be_the_end_of_a_step(tmp_path: Path) -> None:
    lines = [*succeeding_locally()[:2], b"no JSON\n", local("note", 3)]
    cause = analyze(run_dir(tmp_path, lines, steps=CHAIN)).root_cause
    assert cause is not None
    assert (cause.rule, cause.step, str(cause.confidence)) == ("run-truncated", "extract", "low")
    assert "line 3 could not be read" in cause.message


@pytest.mark.parametrize(
    ("before", "after"), [(20_000, 0), (500, 20_000), (20_000, 500), (1_000, 1_000)], ids=str
)
def test_both_ends_of_a_long_error_are_searched(tmp_path: Path, before: int, after: int) -> None:
    lines = "  at x\n"
    error = f"boom\n{lines * before}(1146, \"Table 'm.t' doesn't exist\")\n{lines * after}"
    cause = analyze(run_dir(tmp_path, failing_locally(error), steps=CHAIN)).root_cause
    assert cause is not None
    assert cause.rule == "table-missing"


def test_last_resort_stays_only_where_nothing_else_explains_the_step(tmp_path: Path) -> None:
    said = analyze(run_dir(tmp_path, failing_locally("CSV file not found: /x"), steps=CHAIN))
    assert FALLBACK_RULE not in {finding.rule for finding in said.findings}


def test_step_that_failed_before_the_run_was_cut_off_is_told(tmp_path: Path) -> None:
    lines = [
        local("run_start"),
        local("step_start", 1, step_id="extract", driver="mysql.extractor"),
        local("step_error", 2, step_id="extract", error="something new"),
        local("step_start", 3, step_id="stats", driver="duckdb.processor"),
    ]
    found = told(analyze(run_dir(tmp_path, lines, steps=CHAIN)))
    assert found == {f"{FALLBACK_RULE}@extract": "error", "run-truncated@stats": "error"}


@pytest.mark.parametrize(("rows", "found"), [(0, {"zero-rows-from-source@extract": "warning"}), (14, {})])
def test_source_without_rows_is_a_warning(tmp_path: Path, rows: int, found: dict[str, str]) -> None:
    lines = succeeding_locally()
    lines[4]["rows"] = rows
    assert told(analyze(run_dir(tmp_path, lines, steps=CHAIN))) == found


def test_worker_that_counts_no_row_of_a_writer_raises_nothing(tmp_path: Path) -> None:
    lines = [
        worker("step_start", 1, step_id="write", driver="filesystem.csv_writer"),
        worker("step_complete", 2, step_id="write", rows_processed=0),
        worker("cleanup_complete", 3),
    ]
    assert analyze(run_dir(tmp_path, lines)).findings == ()


def test_join_without_a_match_is_a_warning(tmp_path: Path) -> None:
    lines = succeeding_locally()
    metric = {"ts": "2026-01-01T00:00:05.500000+00:00", "metric": "rows_written", "value": 0}
    assert told(analyze(run_dir(tmp_path, lines, metrics=[metric], steps=CHAIN))) == {
        "all-rows-lost@stats": "warning"
    }


def test_run_cut_off_names_the_step_that_was_running(tmp_path: Path) -> None:
    cause = analyze(run_dir(tmp_path, succeeding_locally()[:4], steps=CHAIN)).root_cause
    assert cause is not None
    assert (cause.id, cause.stage) == ("run-truncated@stats", "step")


def test_run_cut_off_between_steps_has_no_guilty_step(tmp_path: Path) -> None:
    cause = analyze(run_dir(tmp_path, succeeding_locally()[:3], steps=CHAIN)).root_cause
    assert cause is not None
    assert (cause.id, cause.stage) == ("run-truncated", "finish")


@pytest.mark.parametrize(
    ("steps", "address"),
    [
        (
            [("extract", "mysql.extractor", []), ("stats", "duckdb.processor", ["extracts"])],
            "need-unknown@stats",
        ),
        (
            [("extract", "mysql.extractor", []), ("extract", "mysql.extractor", [])],
            "duplicate-step-id@extract",
        ),
        (
            [("stats", "duckdb.processor", ["extract"]), ("extract", "mysql.extractor", [])],
            "steps-out-of-order@stats",
        ),
        ([("extract", "x.y", ["stats"]), ("stats", "x.y", ["extract"])], "pipeline-cycle@extract"),
        ([("load-a", "x.y", []), ("load_a", "x.y", [])], "step-ids-collide@load_a"),
    ],
)
def test_manifest_that_cannot_be_right_is_a_warning(tmp_path: Path, steps: Any, address: str) -> None:
    said = told(analyze(run_dir(tmp_path, succeeding_locally(), steps=steps)))
    assert said.get(address) == "warning"


def test_secret_in_a_configuration_is_shown_by_its_key_alone(tmp_path: Path) -> None:
    cfg = {"resolved_connection": {"password": "hunter2"}}
    said = analyze(run_dir(tmp_path, succeeding_locally(), steps=CHAIN, files={"cfg/extract.json": cfg}))
    assert told(said) == {"secret-in-artifact@extract": "warning"}
    assert said.findings[0].evidence[0].quote == '"password"'


def test_quote_ends_before_a_secret(tmp_path: Path) -> None:
    said = analyze(
        run_dir(tmp_path, failing_locally("cannot use mysql://reader:hunter2@db/movies today"), steps=CHAIN)
    )
    assert said.findings
    assert "hunter2" not in str([finding.evidence for finding in said.findings])


def test_wrong_key_of_our_own_run_is_the_fault_of_who_asks(tmp_path: Path) -> None:
    lines = [
        native("output_stored", 0, step_id="extract", storage="memory", rows=14, driver="x.extractor"),
        native("step_complete", 1, step_id="extract"),
        native("input_not_found", 2, step_id="stats", name="df", from_step="extract", key="data", tried=[]),
        native("step_failed", 3, step_id="stats", error="no", error_type="InputNotFound"),
        native("run_end", 4, status="failed"),
    ]
    cause = analyze(run_dir(tmp_path, lines, steps=CHAIN)).root_cause
    assert cause is not None
    assert cause.id == "input-key-wrong@stats"


def test_rules_about_failures_do_not_matter_in_a_success(tmp_path: Path) -> None:
    from tests.inspector.test_rules_of_green_runs import ours, step

    events, steps, files = ours(step("src", "x.extractor", rows=5), step("save", "x.writer", "src", rows=5))
    report = analyze(run_dir(tmp_path, events, steps=steps, files=files))
    names = {entry.rule for entry in report.skipped_rules_that_matter}
    assert names < {entry.rule for entry in report.not_checked}
    assert not names & {"column-missing", "disk-full", "type-changed-by-spill"}


def test_no_skipped_rule_matters_once_the_cause_is_found(tmp_path: Path) -> None:
    report = analyze(run_dir(tmp_path, failing_locally(NONETYPE), steps=CHAIN))
    assert report.root_cause is not None
    assert report.not_checked
    assert report.skipped_rules_that_matter == ()


def test_rule_whose_events_a_run_does_not_record_is_listed_as_not_checked(tmp_path: Path) -> None:
    said = analyze(run_dir(tmp_path, failing_locally("boom")))
    reasons = {entry.rule: entry.reason for entry in said.not_checked}
    assert reasons["need-unknown"] == "this run does not record manifest"
    assert reasons["nothing-written"] == "this run does not record table.ddl_planned"


def test_lost_artifact_names_the_logged_reason(tmp_path: Path) -> None:
    lost = native("artifact_lost", 6, step_id="extract", path="artifacts/extract/a.csv", error="too large")
    (finding,) = analyze(run_dir(tmp_path, [*succeeding_locally(), lost], steps=CHAIN)).findings
    assert finding.message == "artifacts/extract/a.csv was not downloaded: too large"


def test_refused_files_of_a_sandbox_are_counted(tmp_path: Path) -> None:
    reason = "no step of the pipeline writes it"
    refused = [native("artifact_refused", 6, path=path, reason=reason) for path in (".env", "p.yaml")]
    rest = native("artifacts_refused", 6, count=7, invalid_lines=0)
    lines = [*succeeding_locally(), *refused, rest]
    (finding,) = analyze(run_dir(tmp_path, lines, steps=CHAIN)).findings
    assert finding.message == f"refused 9 files of the sandbox, among them '.env': {reason}"


def test_run_that_ended_failed_names_its_error(tmp_path: Path) -> None:
    run = run_dir(tmp_path, [native("run_start"), native("run_end", status="failed", error="boom")])
    failure = analyze(run).run.failure
    assert failure is not None
    assert failure.message == "boom"
