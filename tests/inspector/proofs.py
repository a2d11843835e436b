"""For each rule a run that must hit and one that comes near and must not: built, or an error a run fails with."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.inspector import test_rules, test_rules_of_frames, test_rules_of_the_original
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

Made = tuple[Sequence[Any], Sequence[Any], Mapping[str, Any]]
"""Events, steps of the manifest, further files."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A run for one rule."""

    rule: str
    what: str
    make: Callable[[Path], Path]

    def __str__(self) -> str:
        return f"{self.rule}: {self.what[:60]}"


NEAR_ERRORS: Mapping[str, str] = {
    "authentication-failed": "(1054, \"Unknown column 'authentication_failed' in 'field list'\")",
    "column-missing": 'Binder Error: column "id" must appear in the GROUP BY clause',
    "config-key-unknown": "the key of the configuration file has expired",
    "config-missing": "the configuration of the server is read-only",
    "config-value-invalid": "Invalid date at row 3",
    "config-value-missing": "the value 'query' of the config was ignored by the server",
    "connection-failed": "MySQL connection failed over to the second node, whose disk is slow",
    "connection-refused": "the owner refused the connection plan",
    "connection-unresolved": "the connection family of this component is mysql",
    "constraint-violated": "the column 'violates' holds text",
    "csv-ragged": "Expected 3 fields, and they were found",
    "database-missing": "Unknown character set 'x' of the database",
    "dependency-missing": "the module 'pricing' holds no price",
    "disk-full": "the column space_left_on_device is no number",
    "driver-code-differs": "the driver of the lorry differs",
    "driver-context-incomplete": "Context: provide a better query",
    "driver-exited": "the customer exited; see sys.exits",
    "driver-not-registered": "the driver is registered with another licence",
    "driver-raised": "the customer object has no attribute table",
    "encoding-wrong": "the codec of the film is listed twice",
    "endpoint-missing": "404 rows were rejected",
    "environment-variable-missing": "the variable 'X' of the environment is no number",
    "file-missing": "the file holds no header",
    "frame-without-columns": "the frame has one column too many",
    "host-not-found": "the service knows no such customer",
    "lock-conflict": "the table has a column named deadlock",
    "network-timeout": "the column timed_out_at holds text",
    "out-of-memory": "the memory table is read-only",
    "path-is-directory": "the directory of the company lists no such person",
    "path-not-writable": "the directory 'out' holds a link",
    "percent-in-sql": "5% of the rows are of another format",
    "permission-denied": "the permission was granted to somebody else",
    "query-failed": "the query was not asked",
    "rate-limited": "the rate of exchange has a limit of 4 digits",
    "sandbox-lost": "a table named sandbox_gone holds text",
    "sandbox-unavailable": "E2B_API_KEY was read; the rest was not",
    "service-failed": "500 rows are over the limit",
    "sql-syntax": "the parser of dates stopped at row 3",
    "step-timeout": "the column timeout holds text",
    "table-creation-failed": "the creation of the table is not dated",
    "table-missing": "(1050, \"Table 'stats' already exists\")",
    "tls-failed": "the number of the certificate is unknown",
    "unexplained-failure": "[Errno 28] No space left on device",
    "value-not-serialisable": "Object of type invoice has no number",
    "value-refused": "the value of the house is out of date",
    "worker-killed": "the worker bee is unknown",
    "write-failed": "batch 3 was written after one retry; the commit was not",
}
"""Errors that share words with those a rule is for."""

NEAR_COMPILE_ERRORS: Mapping[str, str] = {
    "parameter-unresolved": "a conflict in line 3 is unresolved",
    "pipeline-unreadable": "the pipeline holds no step",
    "secret-inline": "the secret of the component is unknown",
    "unknown-component": "the component is listed twice",
}

VARIANTS: Sequence[tuple[str, str]] = (
    ("authentication-failed", "(pymysql.err.OperationalError) (1045, \"Access denied for user 'etl'@'10.2.0.9' (using password: NO)\")"),
    ("authentication-failed", "{'message': 'Invalid API key', 'hint': 'Double check your API key.'}"),
    ("column-missing", "\"None of [Index(['missing_col'], dtype='str')] are in the [columns]\""),
    ("column-missing", "\"['a', 'b'] not in index\""),
    ("column-missing", "{'code': 'PGRST204', 'message': \"Could not find the 'extra' column of 'stats' in the schema cache\"}"),
    ("column-missing", 'column "nope" of relation "stats" does not exist'),
    ("config-value-invalid", "Step w: Invalid ddl_channel 'rest'. Expected auto, http_sql, or psycopg2"),
    ("config-value-invalid", "Unsupported write mode: merge"),
    ("config-value-missing", "Step w: 'primary_key' must be provided for replace mode"),
    ("config-value-missing", "Missing api_key or project_id in resolved_connection"),
    ("connection-failed", "Execution failed: MySQL connection failed for step extract"),
    ("connection-refused", "psycopg2 IPv4 connect failed (addresses tried: 10.0.0.4). Last error: timeout"),
    ("connection-refused", "[Errno 113] No route to host"),
    ("connection-unresolved", "Driver error: Invalid connection reference format: '@mysql'"),
    ("connection-unresolved", "Step e: Invalid connection format: 'local'. Expected '@filesystem.alias'"),
    ("constraint-violated", "{'code': '23502', 'message': 'null value in column \"name\" violates not-null constraint'}"),
    ("csv-ragged", "Execution failed: CSV parsing failed: Error tokenizing data. C error: Expected 2 fields in line 9, saw 7"),
    ("dependency-missing", "psycopg2 not installed"),
    ("driver-raised", "'NoneType' object has no attribute 'groupby'"),
    ("driver-raised", "expected str, bytes or os.PathLike object, not int"),
    ("encoding-wrong", "CSV extraction failed: LookupError: unknown encoding: klingon"),
    ("file-missing", "IO Error: Cannot open file \"/data/x.parquet\": No such file or directory"),
    ("frame-without-columns", "CSV extraction failed: EmptyDataError: No columns to parse from file"),
    ("host-not-found", "[Errno -3] Temporary failure in name resolution"),
    ("network-timeout", "timed out"),
    ("network-timeout", "(3024, 'Query execution was interrupted, maximum statement execution time exceeded')"),
    ("path-not-writable", "[Errno 17] File exists: '/data/orders.csv'"),
    ("path-not-writable", "[Errno 20] Not a directory: '/data/orders.csv/x.csv'"),
    ("percent-in-sql", "unsupported format character 'Y' (0x59) at index 24"),
    ("permission-denied", "(1142, \"SELECT command denied to user 'r'@'h' for table `db`.`t`\")"),
    ("permission-denied", "{'code': '42501', 'message': 'new row violates row-level security policy for table \"stats\"'}"),
    ("query-failed", "(pymysql.err.OperationalError) (1242, 'Subquery returns more than 1 row')"),
    ("query-failed", "GraphQL errors: [{'message': 'no field x'}]"),
    ("rate-limited", "Batch write failed after retry: {'message': 'Too Many Requests', 'code': None}"),
    ("service-failed", "Batch write failed after retry: {'message': 'service unavailable'}"),
    ("sql-syntax", "DuckDB transformation failed: Parser Error: syntax error at or near \"FORM\""),
    ("table-missing", "{'code': 'PGRST205', 'message': \"Could not find the table 'public.stats' in the schema cache\"}"),
    ("value-refused", "{'code': '22P02', 'message': 'invalid input syntax for type integer: \"abc\"'}"),
    ("write-failed", "Supabase write failed: Replace cleanup failed: psycopg2 channel not configured"),
)  # fmt: skip
"""Other words for the same causes, as other versions and other databases say them."""


def starving(log: str = "", error: str = NONETYPE, rows: int = 14, found: str = "") -> Made:
    """A worker whose second step fails for want of a frame."""
    got = {"from_memory": found == "memory", "from_spill": found == "spill"}
    resolved = worker(
        "inputs_resolved", 2.5, step_id="stats", from_step="extract", key="df", rows=rows, **got
    )
    lines = [
        worker("step_start", 1, step_id="extract", driver="mysql.extractor"),
        worker("step_complete", 2, step_id="extract", rows_processed=rows),
        *([resolved] if found else []),
        worker("step_start", 3, step_id="stats", driver="duckdb.processor"),
        worker("step_failed", 4, step_id="stats", driver="duckdb.processor", error=error),
        worker("cleanup_complete", 5),
    ]
    return lines, CHAIN, {"worker.log": f"Loaded config from cfg/stats.json\n{log}\n"} if log else {}


def _planned(*steps: tuple[str, str, list[str]]) -> Made:
    return succeeding_locally(), steps, {}


def _metric(name: str, value: int) -> dict[str, Any]:
    line = {"ts": "2026-01-01T00:00:05.5+00:00", "metric": name, "value": value}
    return {"metrics.jsonl": json.dumps(line) + "\n"}


def _rows(rows: int) -> Made:
    lines = succeeding_locally()
    lines[4]["rows"] = rows
    return lines, CHAIN, {}


def _replacing(*more: Mapping[str, Any]) -> Made:
    lines = succeeding_locally()
    start = local("write.start", 6, step_id="stats", table="t", mode="replace", rows=3)
    return [*lines[:5], start, *more, *lines[5:]], CHAIN, {}


def _replacing_unseen(connection: Mapping[str, str]) -> Made:
    lines = [
        worker("step_start", 1, step_id="write", driver="supabase.writer"),
        worker("step_complete", 2, step_id="write", rows_processed=5),
        worker("cleanup_complete", 3),
    ]
    config = {"write_mode": "replace", "resolved_connection": connection}
    return lines, (("write", "supabase.writer", []),), {"cfg/write.json": config}


def _ended(**totals: int) -> Made:
    lines = failing_locally("boom")
    return [*lines[:4], local("cleanup_complete", 3, **totals), lines[4]], CHAIN, {}


def _typed(kind: str) -> Made:
    lines = [
        native("run_start", 0, mode="local"),
        native("output_stored", 1, step_id="a", storage="memory", rows=3, columns=["id", "x"], dtypes=["int64", "float64"]),
        native("step_complete", 2, step_id="a", driver="x.extractor"),
        native("inputs_resolved", 3, step_id="b", name="df", key="df", from_step="a", rows=3, from_memory=True),
        native("output_stored", 4, step_id="b", storage="memory", rows=3, columns=["id", "x"], dtypes=["int64", kind]),
        native("step_complete", 5, step_id="b", driver="duckdb.processor"),
        native("run_end", 6, status="success"),
    ]  # fmt: skip
    return lines, (("a", "x.extractor", []), ("b", "duckdb.processor", ["a"])), {}


def _unreachable(host: str) -> Made:
    said = f"(2003, \"Can't connect to MySQL server on '{host}' ([Errno -2] Name or service not known)\")"
    cfg = {"cfg/extract.json": {"resolved_connection": {"host": "127.0.0.1"}}}
    return failing_locally(said), CHAIN, cfg


def _said_verbosely(details: str) -> Made:
    """A driver that hides why it could not connect, and a text log for whoever searches faults that tells it."""
    log = (
        "x - INFO - Testing MySQL connection for step extract: reader@127.0.0.1:3306/movies\n"
        "x - ERROR - MySQL connection failed for step extract\n"
        f"x - DEBUG - Connection error details: (pymysql.err.OperationalError) {details}\n"
    )
    return failing_locally("MySQL connection failed for step extract"), CHAIN, {"osiris.log": log}


def _asked(**inputs: Any) -> Made:
    lines, steps, files = starving()
    wanted = {name: {"from_step": step, "key": "df"} for name, step in inputs.items()} or None
    asked = {"cmd": "exec_step", "step_id": "stats", "driver": "duckdb.processor", "inputs": wanted}
    return lines, steps, {**files, "commands.jsonl": json.dumps(asked) + "\n"}


def _skipped_over(step: str) -> Made:
    lines = [
        worker("step_start", 1, step_id="extract", driver="mysql.extractor"),
        worker("step_complete", 2, step_id="extract", rows_processed=14),
        worker("cleanup_complete", 5),
    ]
    asked = [{"cmd": "exec_step", "step_id": name} for name in ("extract", step)]
    return lines, (), {"commands.jsonl": "".join(json.dumps(line) + "\n" for line in asked)}


def _told(event: Mapping[str, Any]) -> Made:
    lines = succeeding_locally()
    return [*lines[:6], event, *lines[6:]], CHAIN, {}


def _paused(seconds: int) -> Made:
    lines = succeeding_locally()
    return [*lines[:6], *(local(line["event"], 6 + seconds) for line in lines[6:])], CHAIN, {}


def _fell_short(step: str) -> Made:
    lines = [
        worker("step_start", 1, step_id="extract", driver="mysql.extractor"),
        worker("step_complete", 2, step_id="extract", rows_processed=14),
        worker("cleanup_complete", 5),
    ]
    status = {
        "ok": False,
        "steps_completed": 1,
        "steps_total": 2,
        "exit_code": 1,
        "reason": "Completed 1/2 steps",
    }
    planned = [entry for entry in CHAIN if entry[0] in ("extract", step)]
    return lines, planned, {"status.json": status}


_KEY = "WARNING - Key '{}' not found in outputs from step 'extract' (available: ['df'])"
BUILT_HITS: Sequence[tuple[str, Made]] = (
    ("artifact-lost", _told(local("artifact_lost", 6, step_id="stats", path="artifacts/stats/output.parquet", error="too large"))),
    ("data-sample-in-log", (failing_locally("DETAIL: Failing row contains (7, Ada)"), CHAIN, {})),
    ("data-sample-in-log", (failing_locally("no such customer: ada@example.org"), CHAIN, {})),
    ("idle-gap", _paused(30)),
    ("step-not-run", _fell_short("stats")),
    ("all-rows-lost", (succeeding_locally(), CHAIN, _metric("rows_written", 0))),
    ("zero-rows-from-source", _rows(0)),
    ("column-all-null", _typed("null")),
    ("config-missing", _skipped_over("stats")),
    ("duplicate-step-id", _planned(("extract", "x.y", []), ("extract", "x.y", []))),
    ("frame-dropped-from-cache", starving()),
    ("input-key-wrong", starving(_KEY.format("data"))),
    ("input-name-mismatch", starving(found="memory")),
    ("input-not-found", starving()),
    ("markup-in-log", (failing_locally("no table <img src=x onerror=alert(1)>"), CHAIN, {})),
    ("need-not-passed", _asked()),
    ("need-unknown", _planned(("extract", "x.y", []), ("stats", "x.y", ["extracts"]))),
    ("password-not-escaped", _unreachable("rest-of-it@127.0.0.1")),
    ("password-not-escaped", _unreachable("rest-of-it")),
    ("password-not-escaped", _said_verbosely("(2003, \"Can't connect to MySQL server on 'rest-of-it' (timed out)\")")),
    ("authentication-failed", _said_verbosely("(1045, \"Access denied for user 'reader'@'10.0.0.7' (using password: ***")),
    ("database-missing", _said_verbosely("(1049, \"Unknown database 'nope'\")")),
    ("host-not-found", _said_verbosely("(2003, \"Can't connect to MySQL server on '127.0.0.1' ([Errno -2] Name or service not known)\")")),
    ("pipeline-cycle", _planned(("extract", "x.y", ["stats"]), ("stats", "x.y", ["extract"]))),
    ("query-reads-files", (succeeding_locally(), CHAIN, {"cfg/stats.json": {"query": "SELECT * FROM read_csv('/etc/passwd')"}})),
    ("run-truncated", (succeeding_locally()[:4], CHAIN, {})),
    ("secret-in-artifact", (succeeding_locally(), CHAIN, {"cfg/extract.json": {"password": "hunter2"}})),
    ("spill-write-failed", starving("ERROR - Failed to cache DataFrame for step extract: Duplicate column names")),
    ("stale-rows-kept", _replacing()),
    ("stale-rows-kept", _replacing_unseen({"url": "http://x"})),
    ("stray-output", (succeeding_locally(), CHAIN, {"osiris.log": "x - WARNING - Invalid JSON from batch runner: progress: 50%\n"})),
    ("step-ids-collide", _planned(("load-a", "x.y", []), ("load_a", "x.y", []))),
    ("steps-out-of-order", _planned(("stats", "x.y", ["extract"]), ("extract", "x.y", []))),
    ("totals-disagree", _ended(steps_executed=2)),
)  # fmt: skip
BUILT_NEAR: Sequence[tuple[str, Made]] = (
    ("artifact-lost", _told(local("artifact_fetched", 6, step_id="stats", path="artifacts/stats/output.parquet"))),
    ("data-sample-in-log", (failing_locally("cannot reach mysql://reader@db.example.org:3306/x"), CHAIN, {})),
    ("idle-gap", _paused(3)),
    ("idle-gap", ([*succeeding_locally()[:2], local("run_end", 59)], CHAIN, {})),
    ("step-not-run", _fell_short("")),
    ("all-rows-lost", (succeeding_locally(), CHAIN, _metric("rows_written", 3))),
    ("zero-rows-from-source", _rows(14)),
    ("column-all-null", _typed("float64")),
    ("config-missing", _skipped_over("extract")),
    ("duplicate-step-id", _planned(("extract", "x.y", []), ("extract-b", "x.y", []))),
    ("frame-dropped-from-cache", starving(rows=0)),
    ("frame-dropped-from-cache", _asked()),
    ("input-key-wrong", starving(_KEY.format("data").replace("['df']", "['data']"))),
    ("input-name-mismatch", starving()),
    ("input-not-found", starving(found="memory")),
    ("markup-in-log", (failing_locally("no rows where a < b and b > on_hand = 3"), CHAIN, {})),
    ("need-not-passed", _asked(df="extract")),
    ("need-unknown", _planned(("extract", "x.y", []), ("stats", "x.y", ["extract"]))),
    ("password-not-escaped", _unreachable("127.0.0.1")),
    ("password-not-escaped", _said_verbosely("(2003, \"Can't connect to MySQL server on '127.0.0.1' (timed out)\")")),
    ("pipeline-cycle", _planned(("extract", "x.y", []), ("left", "x.y", ["extract"]), ("right", "x.y", ["extract", "left"]))),
    ("query-reads-files", (succeeding_locally(), CHAIN, {"cfg/stats.json": {"query": "SELECT '/etc/passwd' FROM df"}})),
    ("run-truncated", (succeeding_locally(), CHAIN, {})),
    ("secret-in-artifact", (succeeding_locally(), CHAIN, {"cfg/extract.json": {"password": "${MYSQL_PASSWORD}"}})),
    ("spill-write-failed", starving("ERROR - Failed to load input DataFrame from artifacts/extract/output.parquet")),
    ("stale-rows-kept", _replacing_unseen({"url": "http://x", "pg_dsn": "postgresql://x"})),
    ("stale-rows-kept", _replacing(local("ddl_attempt", 6, step_id="stats", operation="anti_delete"))),
    ("step-ids-collide", _planned(("load-a", "x.y", []), ("load-b", "x.y", []))),
    ("stray-output", (succeeding_locally(), CHAIN, {"osiris.log": "x - WARNING - Invalid JSON in the file of prices\n"})),
    ("steps-out-of-order", _planned(("extract", "x.y", []), ("stats", "x.y", ["extract"]))),
    ("totals-disagree", _ended(steps_executed=0)),
)  # fmt: skip


def _failing(rule: str, error: str) -> Proof:
    return Proof(rule, error, lambda folder: run_dir(folder, failing_locally(error), steps=CHAIN))


def _uncompiled(rule: str, error: str) -> Proof:
    lines = [local("compile_start"), local("compile_error", 1, error=error), local("run_end", 2)]
    return Proof(rule, error, lambda folder: run_dir(folder, lines))


def _built(rule: str, made: Made) -> Proof:
    events, steps, files = made
    return Proof(rule, "built", lambda folder: run_dir(folder, events, steps=steps, files=files))


def hits() -> Iterator[Proof]:
    """Runs in which the rule must find something."""
    yield from (_failing(*entry) for entry in (*test_rules.ERRORS, *VARIANTS))
    yield from (_uncompiled(*entry) for entry in test_rules.COMPILE_ERRORS)
    tables = (test_rules_of_frames.HITS.items(), test_rules_of_the_original.HITS.items(), BUILT_HITS)
    yield from (_built(*entry) for table in tables for entry in table)


def near_misses() -> Iterator[Proof]:
    """Runs that come near, and in which the rule must find nothing."""
    yield from (_failing(*entry) for entry in NEAR_ERRORS.items())
    yield from (_uncompiled(*entry) for entry in NEAR_COMPILE_ERRORS.items())
    tables = (
        test_rules_of_frames.NEAR_MISSES.items(),
        test_rules_of_the_original.NEAR_MISSES.items(),
        BUILT_NEAR,
    )
    yield from (_built(*entry) for table in tables for entry in table)
