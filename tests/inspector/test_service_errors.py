"""Errors of databases, services and libraries: each names its cause and a remedy that helps."""

import json
from pathlib import Path

import pytest

from osiris_inspect.base.error_codes import CODE_FAMILIES, ERROR_CODES
from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.diagnosis.evidence.error_codes import find_code_family, find_error_code
from osiris_inspect.model.finding import Finding
from tests.inspector.making import CHAIN, failing_locally, run_dir

UNSEEN = (
    Path(__file__).parents[2]
    / ".."
    / "shared"
    / "cases"
    / "public_reports"
    / "unseen-error-texts"
    / "errors.jsonl"
)


def cause_of(folder: Path, error: str) -> Finding:
    driver = (
        "supabase.writer"
        if "Supabase" in error
        else "duckdb.processor"
        if "DuckDB" in error
        else "mysql.extractor"
    )
    cause = analyze(run_dir(folder, failing_locally(error, driver), steps=CHAIN)).root_cause
    assert cause is not None
    return cause


WORDS = {
    "my2006": ("was ended", "wait_timeout max_allowed_packet log"),
    "my_charset": ("utf8mb5 does not know", "utf8mb4"),
    "sb_428c9": ("column \"id\" generates", "leave BY DEFAULT"),
    "sb_prep": ("prepared pooler", "session prepared"),
    "dk_lock": ("PID 123 another process", "read-only"),
    "pq_dup": ("same name", "unique name"),
    "pq_offset": ("2 GB", "parts large_string"),
    "e2b_disk": ("disk full", "disk"),
    "pg_adaptd": ("dict no SQL type", "JSON"),
    "pg_seq": ("stats_id_seq exhausted", "bigint"),
    "sb_url": ("not a complete URL", "supabase.co"),
    "py_stale": ("network share", "local disk"),
    "my1251": ("authentication method", "upgrade"),
    "my_packet": ("out of step two threads", "own connection"),
    "sb_legacy": ("legacy keys", "secret key"),
    "sb_nul": ("NUL", "x00"),
    "dk_fatal": ("earlier fatal error", "first FATAL new process"),
    "pq_names": ("not text", "str"),
    "pd_read_only": ("read-only", "copy"),
    "pg_numpy": ("numpy", ".item()"),
    "pg_tz": ("Europe/Prag does not exist", "Europe/Prague"),
    "pg_dup_col": ("\"name\" twice", "rename or drop"),
    "csv_parse": ("created_at", "header"),
    "dk_ver": ("another version", "same version"),
}  # fmt: skip
"""For each text of the collection the words that its headline and its fix must contain."""


@pytest.mark.skipif(not UNSEEN.exists(), reason="the collection of error texts is not there")
def test_unseen_text_names_cause_and_fix(tmp_path: Path) -> None:
    wrong = []
    for number, line in enumerate(UNSEEN.read_text().splitlines()):
        entry = json.loads(line)
        cause = cause_of(tmp_path / str(number), entry["text"])
        in_message, in_fix = WORDS[entry["slug"]]
        missing = [word for word in in_message.split() if word not in cause.message]
        missing += [word for word in in_fix.split() if word not in (cause.fix or "")]
        if missing:
            wrong.append((entry["slug"], missing, cause.message, cause.fix))
    assert wrong == []


EXAMPLES = [
    # ended connections
    ("connection-lost", "(pymysql.err.OperationalError) (2013, 'Lost connection to MySQL server during query ([Errno 104] Connection reset by peer)')", "log"),
    ("connection-lost", "(1927, 'Connection was killed')", "log"),
    ("connection-lost", "(1053, 'Server shutdown in progress')", "log"),
    ("connection-lost", "(4031, 'The client was disconnected by the server because of inactivity.')", "idle"),
    ("connection-lost", "terminating connection due to administrator command", "log"),
    ("connection-lost", "terminating connection due to idle-in-transaction timeout", "idle"),
    ("connection-lost", "{'code': '57P05', 'message': 'connexion interrompue'}", "log"),
    ("connection-lost", "{'code': '57P09', 'message': 'x'}", "log"),
    ("connection-failed", "{'code': '08P02', 'message': 'x'}", "check"),
    ("connection-refused", "{'code': '08001', 'message': 'connection refused'}", "firewall"),
    ("connection-lost", "SSL SYSCALL error: EOF detected", "log"),
    ("connection-lost", "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:2580)", "log"),
    ("connection-lost", "('Connection aborted.', BrokenPipeError(32, 'Broken pipe'))", "log"),
    ("connection-lost", "httpx.RemoteProtocolError: Server disconnected without sending a response.", "log"),
    ("connection-lost", "Commands out of sync; you can't run this command now", "own connection"),
    ("connection-lost", "asyncpg.exceptions.InterfaceError: cannot perform operation: another operation is in progress", "own connection"),
    # timeouts
    ("network-timeout", "(2006, 'MySQL server has gone away (TimeoutError(110, \\'Connection timed out\\'))')", "run again"),
    ("network-timeout", "(2003, \"Can't connect to MySQL server on 'h' (timed out)\")", "run again"),
    ("network-timeout", "connection to server at \"h\", port 5432 failed: timeout expired", "run again"),
    ("network-timeout", "{'code': '57014', 'message': 'canceling statement due to statement timeout'}", "time limit"),
    # no connection
    ("host-not-found", "(2003, \"Can't connect to MySQL server on 'h' ([Errno -2] Name or service not known)\")", "host name"),
    ("host-not-found", "(2005, \"Unknown MySQL server host 'h' (-2)\")", "host name"),
    ("tls-failed", "psycopg2 IPv4 connect failed (addresses tried: 127.0.0.1). Last error: connection to server at \"127.0.0.1\", port 5432 failed: server does not support SSL, but SSL was required", "enable TLS"),
    ("tls-failed", "HTTPSConnectionPool(host='h', port=443): Max retries exceeded (Caused by SSLError(SSLCertVerificationError(1, 'certificate has expired')))", "renew"),
    ("endpoint-missing", "requests.exceptions.MissingSchema: Invalid URL 'h/x': No scheme supplied. Perhaps you meant https://h/x?", "https://"),
    ("endpoint-missing", "httpx.UnsupportedProtocol: Request URL is missing an 'http://' or 'https://' protocol.", "https://"),
    ("connection-refused", 'connection to server at "db.x.supabase.co" (2a05:d014:1c06:5f00::1), port 5432 failed: Network is unreachable', "IPv4"),
    ("connection-refused", "(2003, \"Can't connect to MySQL server on '10.0.0.1' (111)\")", "firewall"),
    ("connection-refused", "psycopg2.OperationalError: connection to server at \"h\", port 6543 failed: FATAL:  no more connections allowed (max_client_conn)", "connections"),
    ("connection-refused", "(1226, \"User 'etl' has exceeded the 'max_user_connections' resource (current value: 10)\")", "connections"),
    ("rate-limited", "(1226, \"User 'etl' has exceeded the 'max_questions' resource (current value: 10)\")", "later"),
    # accounts
    ("authentication-failed", "(2059, \"Authentication plugin 'caching_sha2_password' cannot be loaded\")", "upgrade"),
    ("authentication-failed", "authentication method 10 not supported", "upgrade"),
    ("connection-failed", "{'code': '28P99', 'message': 'x'}", "password"),
    ("time-zone-wrong", "{'code': '22023', 'message': 'invalid value for parameter \"TimeZone\": \"Europe/Prag\"'}", "Europe/Prague"),
    ("connection-refused", "psycopg.errors.InvalidAuthorizationSpecification: no pg_hba.conf entry for host \"h\", no encryption", "address"),
    ("permission-denied", "{'code': '42501', 'message': 'new row violates row-level security policy for table \"t\"'}", "policy"),
    ("permission-denied", "{'code': '42501', 'message': 'permission denied for table t'}", "grant"),
    # answers of PostgREST
    ("table-missing", "{'code': 'PGRST205', 'message': \"Could not find the table 'public.t' in the schema cache\"}", "NOTIFY pgrst"),
    ("column-missing", "{'code': 'PGRST204', 'message': \"Could not find the 'x' column of 't' in the schema cache\"}", "NOTIFY pgrst"),
    ("request-refused", "{'code': 'PGRST100', 'message': 'failed to parse filter (x)'}", "filter"),
    ("query-failed", "{'code': 'PGRST200', 'message': \"Could not find a relationship between 'a' and 'b' in the schema cache\"}", "foreign key"),
    ("query-failed", "{'code': 'P0001', 'message': 'no more orders'}", "function"),
    ("query-failed", "psycopg2.errors.DuplicateTable: relation \"stats\" already exists", "IF NOT EXISTS"),
    ("query-failed", "psycopg2.errors.ObjectNotInPrerequisiteState: lastval is not yet defined in this session", "correct"),
    ("query-failed", "{'code': '0A000', 'message': 'cross-database references are not implemented'}", "correct"),
    ("constraint-violated", "Constraint Error: Duplicate key \"id: 1\" violates primary key constraint.", "upsert"),
    ("authentication-failed", "httpx.LocalProtocolError: Illegal header value b'Bearer '", "line breaks"),
    ("authentication-failed", "('28000', \"[28000] [SQL Server]Login failed for user 'sa'. (18456)\")", "password"),
    ("connection-refused", "aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host x:443 ssl:default", "firewall"),
    ("permission-denied", "google.api_core.exceptions.Forbidden: 403 Access Denied: BigQuery: Permission denied", "permission"),
    ("service-failed", "SandboxException: Response 500: internal error", "later"),
    # stores of objects
    ("authentication-failed", "Unable to locate credentials", "credentials"),
    ("authentication-failed", "An error occurred (ExpiredToken) when calling the PutObject operation: The provided token has expired.", "renew"),
    ("permission-denied", "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied", "permission"),
    ("file-missing", "An error occurred (NoSuchBucket) when calling the GetObject operation: The specified bucket does not exist", "bucket"),
    ("rate-limited", "An error occurred (SlowDown) when calling the PutObject operation: Please reduce your request rate.", "later"),
    ("request-refused", "An error occurred (RequestTimeTooSkewed) when calling the GetObject operation: The difference is too large", "clock"),
    ("rate-limited", "Extraction failed: Max retries exhausted on rate limit", "later"),
    ("percent-in-sql", "the query has 2 placeholders but 1 parameters were passed", "placeholder"),
    ("query-failed", "extra data after last expected column", "delimiter"),
    # values
    ("value-refused", "can't adapt type 'numpy.int64'", "plain Python"),
    ("value-refused", "dict can not be used as parameter", "JSON"),
    ("value-refused", "function np.float64(numeric) does not exist", ".item()"),
    ("value-refused", "A string literal cannot contain NUL (0x00) characters.", "x00"),
    ("value-refused", "invalid byte sequence for encoding \"UTF8\": 0x00", "x00"),
    ("value-refused", "(1467, 'Failed to read auto-increment value from storage engine')", "bigint"),
    ("value-refused", "(3105, \"The value specified for generated column 'c' in table 't' is not allowed.\")", "leave"),
    ("value-refused", "(pymysql.err.DataError) (1690, 'BIGINT value is out of range in x')", "convert"),
    ("value-refused", "{'code': '22P99', 'message': 'x'}", "convert"),
    ("query-failed", "{'code': '23P01', 'message': 'conflicting key value violates exclusion constraint \"x\"'}", "correct"),
    # DuckDB, pandas and pyarrow
    ("lock-conflict", "IO Error: Could not set lock on file \"/x.db\": Conflicting lock is held in python (PID 7)", "read-only"),
    ("lock-conflict", "TransactionContext Error: Failed to commit: write-write conflict on key: \"1\"", "run again"),
    ("database-file-unusable", "IO Error: Trying to read a database file with version number 64, but we can only read version 51.", "same version"),
    ("database-file-unusable", "IO Error: The file \"/x.db\" exists, but it is not a valid DuckDB database file!", "path"),
    ("endpoint-missing", "HTTP Error: HTTP GET error on 'https://x/y.parquet' (HTTP 404)", "URL"),
    ("query-failed", "HTTP Error: Unable to connect to URL https://x/y.parquet: unknown", "URL"),
    ("frame-refused", "Duplicate names are not allowed.", "unique"),
    ("frame-refused", "array cannot contain more than 2147483646 bytes, have 3000000000", "parts"),
    ("frame-refused", "ValueError: output array is read-only", "copy"),
    ("time-zone-wrong", "(1298, \"Unknown or incorrect time zone: 'Europe/Prag'\")", "Europe/Prague"),
    ("time-zone-wrong", "zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key Europe/Prag'", "Europe/Prague"),
    ("disk-full", "SandboxException: 507: not enough disk space available: 0 bytes free", "disk"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "error", "fix"), EXAMPLES)
def test_error_names_its_cause_and_remedy(tmp_path: Path, rule: str, error: str, fix: str) -> None:
    cause = cause_of(tmp_path, error)
    assert cause.rule == rule
    assert fix in (cause.fix or "")


@pytest.mark.parametrize(
    ("suggested", "words"), [('"orders"', 'suggests "orders"'), ('"pg_enum"', ""), ('"duckdb_tables"', "")]
)
def test_table_of_the_catalog_is_no_suggestion(tmp_path: Path, suggested: str, words: str) -> None:
    error = f"Catalog Error: Table with name order does not exist!\nDid you mean {suggested}?"
    fix = cause_of(tmp_path, f"DuckDB transformation failed: {error}").fix or ""
    assert words in fix
    assert ("suggests" in fix) == bool(words)


@pytest.mark.parametrize("tag", sorted(ERROR_CODES))
def test_code_is_in_one_class(tag: str) -> None:
    others = {code for name, codes in ERROR_CODES.items() if name != tag for code in codes.split()}
    assert set(ERROR_CODES[tag].split()).isdisjoint(others)


CAUSE_OF_TAG = {
    "credentials": "authentication-failed", "locked account": "authentication-failed", "authentication method": "authentication-failed",
    "token": "authentication-failed", "rights": "permission-denied", "read-only": "database-read-only",
    "no database": "database-missing", "no schema": "database-missing", "no table": "table-missing",
    "connection rejected": "connection-failed", "no table in cache": "table-missing", "no column": "column-missing", "no column in cache": "column-missing", "syntax": "sql-syntax",
    "duplicate": "constraint-violated", "null": "constraint-violated", "foreign key": "constraint-violated",
    "check": "constraint-violated", "twice in one write": "constraint-violated",
    "no matching key": "constraint-violated", "generated": "value-refused", "sequence": "value-refused",
    "nul character": "value-refused", "value": "value-refused", "setting": "config-value-invalid",
    "lock": "lock-conflict", "serialization": "lock-conflict", "one row": "request-refused", "statement timeout": "network-timeout", "too many connections": "connection-refused",
    "starting": "connection-refused", "client not allowed": "connection-refused",
    "client blocked": "connection-refused", "connection lost": "connection-lost", "out of step": "connection-lost",
    "encryption": "tls-failed", "too large": "request-refused", "request": "request-refused", "disk": "disk-full",
    "memory of the server": "out-of-memory", "service without database": "service-failed",
}  # fmt: skip
"""Rule of each error class; those that are not listed are general faults of a query."""
CODES = [(tag, code) for tag, codes in ERROR_CODES.items() for code in codes.split()]


@pytest.mark.parametrize(("tag", "code"), CODES)
def test_code_alone_names_the_rule_of_its_class(tmp_path: Path, tag: str, code: str) -> None:
    known = code[:1].isdigit() and len(code) == 4
    error = (
        f'(pymysql.err.OperationalError) ({code}, "x")' if known else f"{{'code': '{code}', 'message': 'x'}}"
    )
    error = f"psycopg.errors.{code}: x" if code.isalpha() else error
    assert cause_of(tmp_path, error).rule == CAUSE_OF_TAG.get(tag, "query-failed")


CLAIMED = sorted((start, family.error_class) for start, family in CODE_FAMILIES.items() if family.error_class)


def text_of_code(start: str) -> str:
    """An error with an unknown code, or with the class of an exception, that begins so."""
    if start.endswith("Error"):
        return f'(pymysql.err.{start}) (4999, "x")'
    if start.isalpha() and len(start) > 8:
        return f"psycopg.errors.{start}: x"
    if start.isdigit() and len(start) == 4:
        return f'({start}, "x")'
    return f"{{'code': '{start.ljust(8 if start.startswith('PGRST') else 5, '9')}', 'message': 'x'}}"


@pytest.mark.parametrize(("start", "error_class"), CLAIMED)
def test_unknown_code_of_a_class_has_its_rule(tmp_path: Path, start: str, error_class: str) -> None:
    error = text_of_code(start)
    assert find_error_code(error) is None
    family = find_code_family(error)
    assert family is not None
    assert family.error_class == error_class
    assert cause_of(tmp_path, error).rule == CAUSE_OF_TAG.get(error_class, "query-failed")


def test_words_come_before_the_class_of_an_unknown_code(tmp_path: Path) -> None:
    assert (
        cause_of(tmp_path, "{'code': '42Z99', 'message': 'relation \"t\" does not exist'}").rule
        == "table-missing"
    )


@pytest.mark.parametrize(
    ("config", "fitting", "wrong"),
    [
        ({"write_mode": "append"}, "mode upsert", "already"),
        ({"write_mode": "upsert", "primary_key": ["id"]}, "email", "write with mode upsert"),
        ({"write_mode": "upsert", "primary_key": "email"}, "another job", "write with mode upsert"),
    ],
)  # fmt: skip
def test_duplicate_key_is_no_advice_that_is_followed(
    tmp_path: Path, config: dict[str, object], fitting: str, wrong: str
) -> None:
    error = "{'message': 'duplicate key value violates unique constraint \"t_email_key\"', 'code': '23505', 'details': 'Key (email)=(x) already exists.'}"
    run = run_dir(tmp_path, failing_locally(error), steps=CHAIN, files={"cfg/extract.json": config})
    cause = analyze(run).root_cause
    assert cause is not None
    assert fitting in (cause.fix or "")
    assert wrong not in (cause.fix or "")
