"""For each rule a run that must hit and one that comes near and must not: built, or an error a run fails with."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.inspector import (
    test_cluster_logs,
    test_earlier_runs,
    test_query_rules,
    test_rules,
    test_rules_of_driver_logs,
    test_rules_of_failed_inputs,
    test_rules_of_frames,
    test_rules_of_green_runs,
    test_rules_of_history,
    test_rules_of_the_original,
    test_rules_of_values,
    test_sandbox_denied,
)
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

Made = tuple[Sequence[Any] | None, Sequence[Any], Mapping[str, Any]]
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
    "delimiter-wrong": 'Referenced column "day" not found in FROM clause! Candidate bindings: "id", "days"',
    "frame-refused": "the frame was refused by the reviewer: column names are not documented",
    "file-format-wrong": "the format of the file is described in the contract",
    "file-system-failed": "the file system of the archive is described in row 5",
    "package-incompatible": "the package has no attribute in the price list",
    "library-error": "the host was not found in the list of known shops",
    "time-zone-wrong": "the zone of the time sheet is wrong",
    "authentication-failed": "(1054, \"Unknown column 'authentication_failed' in 'field list'\")",
    "column-missing": 'Binder Error: column "id" must appear in the GROUP BY clause',
    "config-key-unknown": "the key of the configuration file has expired",
    "config-missing": "the configuration of the server is read-only",
    "config-value-invalid": "Invalid date at row 3",
    "config-value-missing": "the value 'query' of the config was ignored by the server",
    "connection-failed": "MySQL connection failed over to the second node, whose disk is slow",
    "connection-refused": "the owner refused the connection plan",
    "connection-unresolved": "the connection family of this component is mysql",
    "connection-lost": "the server closed the connection to the archive on purpose",
    "constraint-violated": "the column 'violates' holds text",
    "csv-ragged": "Expected 3 fields, and they were found",
    "database-missing": "Unknown character set 'x' of the database",
    "dependency-missing": "the module 'pricing' holds no price",
    "database-file-unusable": "the file of the database holds another version of the customer",
    "database-read-only": "the database is read by everybody",
    "too-many-open-files": "too many files are open for the column limit",
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
    "join-refused": "the merge of the two companies was refused",
    "lock-conflict": "the table has a column named deadlock",
    "network-timeout": "the column timed_out_at holds text",
    "out-of-memory": "the memory table is read-only",
    "path-is-directory": "the directory of the company lists no such person",
    "path-not-writable": "the directory 'out' holds a link",
    "percent-in-sql": "5% of the rows are of another format",
    "permission-denied": "the permission was granted to somebody else",
    "query-failed": "the query was not asked",
    "rate-limited": "the rate of exchange has a limit of 4 digits",
    "request-refused": "400 clients made errors",
    "sandbox-lost": "a table named sandbox_gone holds text",
    "sandbox-unavailable": "E2B_API_KEY was read; the rest was not",
    "service-failed": "500 rows are over the limit",
    "sql-syntax": "the parser of dates stopped at row 3",
    "step-timeout": "the column timeout holds text",
    "table-creation-failed": "the creation of the table is not dated",
    "table-missing": "(1050, \"Table 'stats' already exists\")",
    "tls-failed": "the number of the certificate is unknown",
    "unexplained-failure": "[Errno 28] No space left on device",
    "value-not-convertible": "the string was converted to float and is 3.5",
    "value-not-serialisable": "Object of type invoice has no number",
    "value-refused": "the value of the house is out of date",
    "worker-killed": "the worker bee is unknown",
    "write-failed": "batch 3 was written after one retry; the commit was not",
}
"""Errors that share words with those a rule is for."""

NEAR_VARIANTS: Sequence[tuple[str, str]] = (
    ("step-timeout", "This error is likely due to sandbox timeout. You can modify the sandbox timeout by passing 'timeout'"),
    ("authentication-failed", "(1044, \"Access denied for user 'r'@'%' to database 'm'\")"),
    ("authentication-failed", "(1146, \"Table 'm.authentication failed' doesn't exist\")"),
    ("column-missing", "DuckDB transformation failed: KeyError: 'password'"),
    ("connection-failed", "connection to server at \"db\" failed: Connection refused"),
    ("connection-lost", "(2013, 'Lost connection to MySQL server during query (timed out)')"),
    ("network-timeout", "(2013, 'Lost connection to MySQL server during query')"),
    ("network-timeout", "(2006, \"MySQL server has gone away (BrokenPipeError(32, 'Broken pipe'))\")"),
    ("connection-refused", "invalid input syntax for type integer: \"Connection refused\""),
    ("constraint-violated", "(1146, \"Table 'm.Duplicate entry' doesn't exist\")"),
    ("csv-ragged", "CSV parsing failed: No columns to parse from file"),
    ("dependency-missing", "the package 'gift' is required at the door"),
    ("dependency-missing", "Table creation failed: psycopg2 channel not configured"),
    ("driver-context-incomplete", "tidy() got an unexpected keyword argument 'tags'"),
    ("disk-full", "Execution failed on sql 'SELECT 1 FROM a WHERE k = \"no space left on device\"': (1054, \"Unknown column 'k'\")"),
    ("endpoint-missing", "Invalid URL of the film 'x'"),
    ("environment-variable-missing", "KeyError: 'MYSQL_PASSWORD'"),
    ("file-missing", "connection to server on socket \"/run/.s.PGSQL.5432\" failed: No such file or directory"),
    ("network-timeout", "canceling statement due to user request"),
    ("out-of-memory", "Conversion Error: Could not convert string 'out of memory' to INT32"),
    ("permission-denied", "(1356, \"View 'v' references invalid table(s) or definer/invoker of view lack rights to use them\")"),
    ("query-failed", "(pymysql.err.OperationalError) (2026, 'SSL connection error: unknown error number')"),
    ("rate-limited", "{'code': '23505', 'details': 'Key (msg)=(Rate limit exceeded) already exists.'}"),
    ("sandbox-lost", "SandboxException: 400: Timeout cannot be greater than 1 hours"),
    ("sandbox-unavailable", "The sandbox was not found: The sandbox was killed or reached its timeout."),
    ("service-failed", "Client error '404 Not Found' for url 'https://x'"),
    ("table-missing", "{'code': '42501', 'message': 'relation \"a\" does not exist for you'}"),
    ("value-refused", "(1062, \"Duplicate entry 'Data too long for column' for key 'p'\")"),
)  # fmt: skip
"""Errors with the very words of a rule, which are a part of the data or belong to another cause."""

NEAR_COMPILE_ERRORS: Mapping[str, str] = {
    "parameter-unresolved": "a conflict in line 3 is unresolved",
    "pipeline-unreadable": "the pipeline holds no step",
    "secret-inline": "the secret of the component is unknown",
    "unknown-component": "the component is listed twice",
}

VARIANTS: Sequence[tuple[str, str]] = (
    ("step-timeout", "E2B execution failed: context deadline exceeded: This error is likely due to exceeding 'timeout' \u2014 the total time a request can be active"),
    ("authentication-failed", "(pymysql.err.OperationalError) (1045, \"Access denied for user 'etl'@'10.2.0.9' (using password: NO)\")"),
    ("authentication-failed", "{'message': 'Invalid API key', 'hint': 'Double check your API key.'}"),
    ("authentication-failed", "FATAL:  Tenant or user not found"),
    ("authentication-failed", 'connection to server at "db", port 5432 failed: FATAL:  role "osirs" does not exist'),
    ("authentication-failed", "{'code': 'PGRST301', 'details': None, 'hint': None, 'message': 'JWT expired'}"),
    ("authentication-failed", "GraphQL errors: [{'message': 'no', 'extensions': {'code': 'UNAUTHENTICATED'}}]"),
    ("column-missing", "\"None of [Index(['missing_col'], dtype='str')] are in the [columns]\""),
    ("column-missing", "\"['a', 'b'] not in index\""),
    ("column-missing", "{'code': 'PGRST204', 'message': \"Could not find the 'extra' column of 'stats' in the schema cache\"}"),
    ("column-missing", 'column "nope" of relation "stats" does not exist'),
    ("config-value-invalid", "Step w: Invalid ddl_channel 'rest'. Expected auto, http_sql, or psycopg2"),
    ("config-value-invalid", "Unsupported write mode: merge"),
    ("config-value-missing", "Step w: 'primary_key' must be provided for replace mode"),
    ("config-value-missing", "Missing api_key or project_id in resolved_connection"),
    ("connection-failed", "Execution failed: MySQL connection failed for step extract"),
    ("connection-failed", 'connection to server at "db" (10.0.0.5), port 5432 failed: FATAL:  Passwort-Authentifizierung fehlgeschlagen'),
    ("connection-lost", "server closed the connection unexpectedly"),
    ("connection-lost", "SSL connection has been closed unexpectedly"),
    ("connection-lost", "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"),
    ("connection-lost", "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"),
    ("connection-refused", "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"),
    ("connection-refused", "FATAL:  the database system is starting up"),
    ("connection-refused", 'FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "osiris", database "movies", no encryption'),
    ("connection-refused", "(1129, \"Host '10.0.0.4' is blocked because of many connection errors\")"),
    ("connection-refused", 'connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory'),
    ("connection-refused", "(Caused by ProxyError('Unable to connect to proxy', OSError('Tunnel connection failed: 407')))"),
    ("connection-refused", "psycopg2 IPv4 connect failed (addresses tried: 10.0.0.4). Last error: timeout"),
    ("connection-refused", "[Errno 113] No route to host"),
    ("connection-unresolved", "Driver error: Invalid connection reference format: '@mysql'"),
    ("connection-unresolved", "Step e: Invalid connection format: 'local'. Expected '@filesystem.alias'"),
    ("constraint-violated", "{'code': '23502', 'message': 'null value in column \"name\" violates not-null constraint'}"),
    ("constraint-violated", "{'code': '23503', 'message': 'insert violates foreign key constraint \"f\"'}"),
    ("constraint-violated", "{'code': '23514', 'message': 'new row violates check constraint \"c\"'}"),
    ("constraint-violated", "{'code': '21000', 'message': 'ON CONFLICT DO UPDATE command cannot affect row a second time'}"),
    ("constraint-violated", "{'code': '42P10', 'message': 'there is no unique or exclusion constraint matching the ON CONFLICT'}"),
    ("constraint-violated", 'Constraint Error: PRIMARY KEY or UNIQUE constraint violation: duplicate key "1"'),
    ("database-missing", 'schema "stagin" does not exist'),
    ("database-missing", "{'code': 'PGRST106', 'message': 'The schema must be one of the following: public'}"),
    ("database-read-only", "cannot execute INSERT in a read-only transaction"),
    ("database-read-only", "(1290, 'The MySQL server is running with the --read-only option so it cannot execute this statement')"),
    ("disk-full", "Out of Memory Error: failed to offload data block of size 256.0 KiB (512.0 MiB/512.0 MiB used)."),
    ("csv-ragged", "Execution failed: CSV parsing failed: Error tokenizing data. C error: Expected 2 fields in line 9, saw 7"),
    ("dependency-missing", "psycopg2 not installed"),
    ("dependency-missing", "'cryptography' package is required for sha256_password or caching_sha2_password auth methods"),
    ("package-incompatible", "version `GLIBC_2.34' not found (required by duckdb.so)"),
    ("dependency-missing", "automatically install the required extension 'httpfs:"),
    ("driver-raised", "'<' not supported between instances of 'str' and 'int'"),
    ("driver-raised", "'NoneType' object has no attribute 'groupby'"),
    ("driver-raised", "expected str, bytes or os.PathLike object, not int"),
    ("encoding-wrong", "CSV extraction failed: LookupError: unknown encoding: klingon"),
    ("encoding-wrong", "'charmap' codec can't encode character '\\u0159' in position 12: character maps to <undefined>"),
    ("endpoint-missing", "Invalid URL 'nope': No scheme supplied. Perhaps you meant https://nope?"),
    ("file-missing", "IO Error: Cannot open file \"/data/x.parquet\": No such file or directory"),
    ("frame-without-columns", "CSV extraction failed: EmptyDataError: No columns to parse from file"),
    ("host-not-found", "[Errno -3] Temporary failure in name resolution"),
    ("host-not-found", "[Errno -5] No address associated with hostname"),
    ("join-refused", "You are trying to merge on int64 and str columns for key 'id'"),
    ("join-refused", "cannot reindex on an axis with duplicate labels"),
    ("network-timeout", "(Caused by ConnectTimeoutError(<urllib3.connection.HTTPSConnection object at 0x7f>))"),
    ("network-timeout", "{'code': '57014', 'message': 'canceling statement due to statement timeout'}"),
    ("network-timeout", "timed out"),
    ("network-timeout", "(3024, 'Query execution was interrupted, maximum statement execution time exceeded')"),
    ("path-not-writable", "[Errno 17] File exists: '/data/orders.csv'"),
    ("path-not-writable", "[Errno 20] Not a directory: '/data/orders.csv/x.csv'"),
    ("percent-in-sql", "unsupported format character 'Y' (0x59) at index 24"),
    ("permission-denied", "(1142, \"SELECT command denied to user 'r'@'h' for table `db`.`t`\")"),
    ("permission-denied", "{'code': '42501', 'message': 'new row violates row-level security policy for table \"stats\"'}"),
    ("query-failed", "(pymysql.err.OperationalError) (1242, 'Subquery returns more than 1 row')"),
    ("query-failed", "GraphQL errors: [{'message': 'no field x'}]"),
    ("query-failed", 'Binder Error: Ambiguous reference to column name "id" (use: "a.id" or "b.id")'),
    ("query-failed", "function date_trunk(unknown, timestamp without time zone) does not exist"),
    ("query-failed", "(1317, 'Query execution was interrupted')"),
    ("request-refused", "Client error '413 Request Entity Too Large' for url 'https://x'"),
    ("request-refused", "400 Client Error: Bad Request for url: https://x"),
    ("sandbox-lost", "The sandbox was not found: The sandbox was killed or reached its timeout."),
    ("sandbox-unavailable", "Failed to create sandbox: 429: you have reached the maximum number of concurrent E2B sandboxes (20)"),
    ("sandbox-unavailable", "SandboxException: 400: Timeout cannot be greater than 1 hours"),
    ("service-failed", "Client error '540 ' for url 'https://x'"),
    ("service-failed", "Expecting value: line 1 column 1 (char 0)"),
    ("rate-limited", "Batch write failed after retry: {'message': 'Too Many Requests', 'code': None}"),
    ("service-failed", "Batch write failed after retry: {'message': 'service unavailable'}"),
    ("sql-syntax", "DuckDB transformation failed: Parser Error: syntax error at or near \"FORM\""),
    ("table-missing", "{'code': 'PGRST205', 'message': \"Could not find the table 'public.stats' in the schema cache\"}"),
    ("tls-failed", "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"),
    ("tls-failed", "FATAL:  SSL connection is required"),
    ("tls-failed", "(2026, 'SSL connection error: unknown error number')"),
    ("value-not-convertible", "invalid literal for int() with base 10: 'N/A'"),
    ("value-not-convertible", "Cannot convert non-finite values (NA or inf) to integer"),
    ("frame-refused", "(\"Could not convert 'x' with type str: tried to convert to int64\", 'Conversion failed for column a')"),
    ("frame-refused", "parquet must have string column names"),
    ("frame-refused", "offset overflow while concatenating arrays"),
    ("package-incompatible", "module 'numpy' has no attribute 'float'"),
    ("library-error", "SSHException: Server '[10.0.0.5]:22' not found in known_hosts"),
    ("package-incompatible", "'DataFrame' object has no attribute 'append'"),
    ("package-incompatible", "cannot import name 'Sentinel' from 'typing_extensions' (/lib/typing_extensions.py)"),
    ("file-system-failed", "Execution failed: [Errno 5] Input/output error: '/mnt/nas/in.csv'"),
    ("worker-killed", "Command exited with code 137 and error:"),
    ("worker-killed", "ProxyWorker process exited with code 139"),
    ("worker-killed", "ProxyWorker process exited with code 143"),
    ("config-value-invalid", "Missing column provided to 'parse_dates': 'created_at'"),
    ("sandbox-lost", "The sandbox was paused"),
    ("file-format-wrong", "BadZipFile: File is not a zip file"),
    ("config-value-missing", "'table' is a required property"),
    ("config-key-unknown", "Additional properties are not allowed ('tabel' was unexpected)"),
    ("value-not-convertible", "Can only use .str accessor with string values!"),
    ("package-incompatible", "to_csv() got an unexpected keyword argument 'line_terminator'"),
    ("package-incompatible", "No module named 'pandas.core.indexes.numeric'"),
    ("time-zone-wrong", "can't compare offset-naive and offset-aware datetimes"),
    ("time-zone-wrong", "invalid value for parameter \"TimeZone\": \"Europe/Prag\""),
    ("driver-context-incomplete", "RunnerContext.log_metric() got an unexpected keyword argument 'tags'"),
    ("value-not-serialisable", "Supabase write failed: Object of type Timestamp is not JSON serializable"),
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


def _cut(log: str = "", torn: str = "", status: Mapping[str, Any] | None = None) -> Made:
    """A run whose log stops while its first step is running: in a torn line, beside a text log or a status file."""
    lines = failing_locally("boom")[:2]
    line = json.dumps(local("step_error", 2, step_id="extract", driver="mysql.extractor", error=torn))
    files = {"osiris.log": f"{log}\n"} if log else {}
    return (
        [*lines, *([line[:-4].encode()] if torn else [])],
        CHAIN,
        files | ({"status.json": status} if status else {}),
    )


def _closed(reason: str) -> Made:
    """A run whose log is no file at all."""
    return None, CHAIN, {"events.jsonl/x": "", "status.json": {"ok": False, "reason": reason}}


def _by_card(error: str) -> Made:
    """A run without events, of which the card tells how it failed."""
    steps = [
        {"step_id": "extract", "driver": "mysql.extractor", "status": "failed", "error": error},
        {"step_id": "stats", "driver": "duckdb.processor", "status": "failed", "error": NONETYPE},
    ]
    return [], CHAIN, {"artifacts/_system/run_card.json": {"steps": steps}}


def _joining(error: str, asked: Sequence[str] = (), second: str = "succeeded") -> Made:
    """A sandbox in which a step that needs two frames was given the first one."""
    end = worker("step_complete", 2, step_id="b", rows_processed=20)
    lines = [
        worker("step_start", 0, step_id="a", driver="mysql.extractor"),
        worker("step_complete", 1, step_id="a", rows_processed=10),
        worker("step_start", 1, step_id="b", driver="mysql.extractor"),
        end if second == "succeeded" else worker("step_failed", 2, step_id="b", error="boom"),
        worker("inputs_resolved", 3, step_id="j", from_step="a", key="df", rows=10, from_memory=True),
        worker("step_start", 3, step_id="j", driver="duckdb.processor"),
        worker("step_failed", 4, step_id="j", driver="duckdb.processor", error=error),
        worker("cleanup_complete", 5),
    ]
    steps = (
        ("a", "mysql.extractor", []),
        ("b", "mysql.extractor", []),
        ("j", "duckdb.processor", ["a", "b"]),
    )
    inputs = {"df": {"from_step": asked[0], "key": "df"}} if asked else {}
    request = json.dumps({"cmd": "exec_step", "step_id": "j", "driver": "duckdb.processor", "inputs": inputs})
    return lines, steps, {"commands.jsonl": f"{request}\n"} if asked else {}


def _no_table(name: str) -> str:
    return f"DuckDB transformation failed: Catalog Error: Table with name {name} does not exist!"


def _writing(got: int, wrote: int, mode: str = "append") -> Made:
    """A local run that ends with a writer, which counts the rows it wrote."""
    lines = succeeding_locally()
    ending = [
        local("step_start", 7, step_id="write", driver="x.writer"),
        local(
            "inputs_resolved",
            7,
            step_id="write",
            from_step="stats",
            key="df_stats",
            rows=got,
            from_memory=True,
        ),
        local("step_complete", 9, step_id="write", driver="x.writer", duration=2.0),
        local("run_end", 9, duration_seconds=9.0),
    ]
    counted = {"ts": "2026-01-01T00:00:08+00:00", "metric": "rows_written", "value": wrote}
    files = {"metrics.jsonl": json.dumps(counted) + "\n", "cfg/write.json": {"write_mode": mode}}
    return [*lines[:6], *ending], (*CHAIN, ("write", "x.writer", ["stats"])), files


def _read(rows: int) -> Made:
    counted = {"ts": "2026-01-01T00:00:02+00:00", "metric": "rows_read", "value": rows}
    return succeeding_locally(), CHAIN, {"metrics.jsonl": json.dumps(counted) + "\n"}


def _clocks(hours: int) -> Made:
    """A run whose steps were told by somebody whose clock is ahead."""
    lines = [dict(line) for line in succeeding_locally()]
    for line in lines[1:6]:
        line["ts"] = line["ts"].replace("T00:", f"T{hours:02d}:")
    return lines, CHAIN, {}


def _checked(**result: Any) -> Made:
    """A run of our own whose extractor declares checks."""
    whole = {
        "check": "not_null",
        "columns": ["id"],
        "rows": 100,
        "failed_rows": 0,
        "status": "passed",
        "on_failure": "warn",
    }
    lines = [
        native("run_start", 0, mode="local"),
        native("output_stored", 1, step_id="extract", storage="memory", rows=100),
        native("check_result", 2, step_id="extract", **{**whole, **result}),
        native("step_complete", 3, step_id="extract", driver="mysql.extractor", rows_processed=100),
        native("step_complete", 4, step_id="stats", driver="duckdb.processor", rows_processed=100),
        native("run_end", 5, status="success"),
    ]
    return lines, CHAIN, {}


_KEY = "WARNING - Key '{}' not found in outputs from step 'extract' (available: ['df'])"
BUILT_HITS: Sequence[tuple[str, Made]] = (
    ("check-failed", _checked(failed_rows=3, status="failed")),
    ("check-failed", _checked(check="rows", columns=[], expected={"min": 101}, failed_rows=None, status="failed")),
    ("check-failed", _checked(check="sql", columns=[], expected="SELECT 1", failed_rows=7, status="failed", on_failure="fail")),
    ("artifact-lost", _told(local("artifact_lost", 6, step_id="stats", path="artifacts/stats/output.parquet", error="too large"))),
    ("artifact-refused", _told(local("artifact_refused", 6, path=".git/hooks/pre-commit", reason="no step of the pipeline writes it"))),
    ("step-waiting", _told(local("step_waiting", 6, step_id="stats", idle_s=300.0, frame="acquire (threading.py:320)"))),
    ("entry-planted", _told(local("entry_planted", 6, path="artifacts/_system", kind="symbolic link", moved_to="x.moved"))),
    ("entry-planted", _told(local("entry_planted", 6, path="events.jsonl", kind="replaced", moved_to=None))),
    ("data-sample-in-log", (failing_locally("DETAIL: Failing row contains (7, Ada)"), CHAIN, {})),
    ("data-sample-in-log", (failing_locally("no such customer: ada@example.org"), CHAIN, {})),
    ("idle-gap", _paused(30)),
    ("authentication-failed", _by_card("MySQL connection failed: (1045, \"Access denied for user 'etl'@'10.0.0.7'\")\nsee above")),
    ("authentication-failed", _cut("x - ERROR - Step failed event: (1045, \"Access denied for user 'a'@'b'\")")),
    ("authentication-failed", _cut(torn="(1045, \"Access denied for user 'a'@'b' (using password: YES)\")")),
    ("too-many-open-files", _cut("OSError: [Errno 24] Too many open files: 'a.csv'")),
    ("disk-full", _cut("x - ERROR - Step extract execution failed: [Errno 28] No space left on device", torn="?")),
    ("worker-killed", _cut("x - ERROR - ProxyWorker process exited with code -9")),
    ("unreadable-lines", _closed("execution_failed")),
    ("run-truncated", _cut(status={"ok": True, "exit_code": 0, "steps_completed": 2, "steps_total": 2})),
    ("need-not-passed", _joining(_no_table("df_b"))),
    ("need-not-passed", _joining(_no_table("df_b"), asked=("a",))),
    ("input-name-mismatch", _joining(_no_table("df_a"))),
    ("input-not-found", _joining(_no_table("df_b"), second="failed")),
    ("all-rows-lost", _writing(5, 0)),
    ("row-count-changed", _writing(5000, 4500)),
    ("row-count-changed", _read(9)),
    ("clock-skew", _clocks(3)),
    ("step-not-run", _fell_short("stats")),
    ("all-rows-lost", (succeeding_locally(), CHAIN, _metric("rows_written", 0))),
    ("zero-rows-from-source", _rows(0)),
    ("column-all-null", _typed("null")),
    ("sentinel-value", test_rules_of_green_runs.ours(test_rules_of_green_runs.ranged(("temperature", "-9999", "41")))),
    ("sentinel-value", test_rules_of_green_runs.ours(test_rules_of_green_runs.ranged(("amount", "0", "999999999")))),
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
    ("run-interrupted", (failing_locally("KeyboardInterrupt"), CHAIN, {})),
    ("run-truncated", (succeeding_locally()[:4], CHAIN, {})),
    ("secret-in-artifact", (succeeding_locally(), CHAIN, {"cfg/extract.json": {"password": "hunter2"}})),
    ("spill-write-failed", starving("ERROR - Failed to cache DataFrame for step extract: Duplicate column names")),
    ("mixed-sources", _told(local("source_changed", 6, step_id="extract", run="run_1759170586030", expected="a", fingerprint="b"))),
    ("stale-rows-kept", _replacing()),
    ("stale-rows-kept", _replacing_unseen({"url": "http://x"})),
    ("stray-output", (succeeding_locally(), CHAIN, {"osiris.log": "x - WARNING - Invalid JSON from batch runner: progress: 50%\n"})),
    ("step-ids-collide", _planned(("load-a", "x.y", []), ("load_a", "x.y", []))),
    ("steps-out-of-order", _planned(("stats", "x.y", ["extract"]), ("extract", "x.y", []))),
    ("totals-disagree", _ended(steps_executed=2)),
)  # fmt: skip
BUILT_NEAR: Sequence[tuple[str, Made]] = (
    ("artifact-lost", _told(local("artifact_fetched", 6, step_id="stats", path="artifacts/stats/output.parquet"))),
    ("artifact-refused", _told(local("artifact_left", 6, path="artifacts/stats/a.csv", reason="no artifacts were requested"))),
    ("step-waiting", _told(local("heartbeat", 6, step_id="stats", cpu_s=0.1, frame="acquire (threading.py:320)"))),
    ("entry-planted", _told(local("leftovers_removed", 6, paths=["artifacts/.a.0123456789abcdef.part"]))),
    ("data-sample-in-log", (failing_locally("cannot reach mysql://reader@db.example.org:3306/x"), CHAIN, {})),
    ("idle-gap", _paused(3)),
    ("idle-gap", ([*succeeding_locally()[:2], local("run_end", 59)], CHAIN, {})),
    ("check-failed", _checked()),
    ("check-failed", _checked(check="rows", columns=[], expected={"min": 100}, failed_rows=None)),
    ("check-failed", _checked(check="of another version", failed_rows=3, status="failed")),
    ("check-failed", _checked(rows="many", failed_rows=3, status="failed")),
    ("step-not-run", _fell_short("")),
    ("authentication-failed", _cut("x - WARNING - Access denied for user 'a'@'b', trying the next one")),
    ("authentication-failed", _cut("x - ERROR - Step other execution failed: Access denied for user 'a'@'b'")),
    ("disk-full", _cut("x - ERROR - the column space_left_on_device is no number")),
    ("worker-killed", _cut("x - ERROR - ProxyWorker process exited with code 1")),
    ("need-not-passed", _joining(_no_table("df_b"), second="failed")),
    ("need-not-passed", _joining(_no_table("df_a"))),
    ("input-name-mismatch", _joining(_no_table("df_b"))),
    ("input-not-found", _joining(_no_table("df_b"))),
    ("all-rows-lost", _writing(5, 5)),
    ("row-count-changed", _writing(5000, 5000)),
    ("row-count-changed", _writing(5000, 4500, mode="upsert")),
    ("row-count-changed", _read(14)),
    ("clock-skew", _clocks(0)),
    ("idle-gap", _clocks(3)),
    ("all-rows-lost", (succeeding_locally(), CHAIN, _metric("rows_written", 3))),
    ("zero-rows-from-source", _rows(14)),
    ("column-all-null", _typed("float64")),
    ("sentinel-value", test_rules_of_green_runs.ours(test_rules_of_green_runs.ranged(("temperature", "-20", "41")))),
    ("sentinel-value", test_rules_of_green_runs.ours(test_rules_of_green_runs.ranged(("account_id", "-9999", "41")))),
    ("sentinel-value", test_rules_of_green_runs.ours(test_rules_of_green_runs.ranged(("depth", "-9999", "41"), nulls=7))),
    ("sentinel-value", test_rules_of_green_runs.ours(test_rules_of_green_runs.ranged(("phone", "100000000", "999999999")))),
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
    ("run-interrupted", (failing_locally("the shipment was interrupted"), CHAIN, {})),
    ("run-truncated", (succeeding_locally(), CHAIN, {})),
    ("secret-in-artifact", (succeeding_locally(), CHAIN, {"cfg/extract.json": {"password": "${MYSQL_PASSWORD}"}})),
    ("spill-write-failed", starving("ERROR - Failed to load input DataFrame from artifacts/extract/output.parquet")),
    ("mixed-sources", _told(local("step_reused", 6, step_id="extract", from_run="run_1759170586030", fingerprint="a", rows=1))),
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


def _much_fewer_rows(folder: Path) -> Path:
    for number in range(3):
        test_earlier_runs.run(folder, number, 1000)
    return test_earlier_runs.run(folder, 4, 100)


def _compared(histories: Mapping[str, Mapping[str, Sequence[test_rules_of_history.Day]]]) -> Iterator[Proof]:
    """The last run of each history."""
    for rule, cases in histories.items():
        for what, days in cases.items():
            yield Proof(rule, what, lambda folder, days=days: test_rules_of_history.history(folder, days))


def hits() -> Iterator[Proof]:
    """Runs in which the rule must find something."""
    yield Proof("differs-from-earlier-runs", "fewer rows", _much_fewer_rows)
    yield from _compared(test_rules_of_history.HITS)
    yield from (_failing(*entry) for entry in (*test_rules.ERRORS, *VARIANTS))
    yield from (_uncompiled(*entry) for entry in test_rules.COMPILE_ERRORS)
    yield _built("sandbox-denied", test_sandbox_denied.made("[Errno 111] Connection refused"))
    tables = (
        test_rules_of_frames.HITS.items(),
        test_rules_of_the_original.HITS.items(),
        BUILT_HITS,
        test_rules_of_green_runs.HITS,
        test_rules_of_driver_logs.HITS,
        test_query_rules.HITS,
        test_rules_of_values.HITS,
        test_cluster_logs.HITS,
        test_rules_of_failed_inputs.HITS,
    )
    yield from (_built(*entry) for table in tables for entry in table)


def near_misses() -> Iterator[Proof]:
    """Runs that come near, and in which the rule must find nothing."""
    yield Proof("differs-from-earlier-runs", "no runs", lambda folder: test_earlier_runs.run(folder, 4, 100))
    yield from _compared(test_rules_of_history.NEAR_MISSES)
    yield from (_failing(*entry) for entry in (*NEAR_ERRORS.items(), *NEAR_VARIANTS))
    yield from (_uncompiled(*entry) for entry in NEAR_COMPILE_ERRORS.items())
    refused = test_sandbox_denied.made("[Errno 111] Connection refused", network=True)
    yield _built("sandbox-denied", refused)
    tables = (
        test_rules_of_frames.NEAR_MISSES.items(),
        test_rules_of_the_original.NEAR_MISSES.items(),
        BUILT_NEAR,
        test_rules_of_green_runs.NEAR_MISSES,
        test_rules_of_driver_logs.NEAR_MISSES,
        test_query_rules.NEAR_MISSES,
        test_rules_of_values.NEAR_MISSES,
        test_cluster_logs.NEAR_MISSES,
        test_rules_of_failed_inputs.NEAR_MISSES,
    )
    yield from (_built(*entry) for table in tables for entry in table)
