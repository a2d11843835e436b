"""HTTP responses in text logs, and the causes that only they show."""

from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.base.error_codes import http_error_kind
from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.diagnosis.evidence.http_status import HTTP_STATUS, stated_status, status_meaning
from osiris_inspect.inspector.files.http_log import parse_response
from osiris_inspect.model.finding import Finding
from tests.inspector.making import CHAIN, failing_locally, local, run_dir

STEPS = (("write", "supabase.writer", []),)
MISSING = "Supabase write failed: Table stats does not exist and create_if_missing is false"


def requested(status: str, *, hour: int = 0, method: str = "GET", table: str = "stats") -> str:
    return (
        f"2026-01-01 {hour:02d}:00:03 - httpx - [s] - INFO - HTTP Request: {method} "
        f'https://x.supabase.co/rest/v1/{table}?select=count&limit=0 "HTTP/1.1 {status}"\n'
    )


def writing(folder: Path, error: str, log: str | None, **config: Any) -> Finding:
    """The root cause of a run of the original whose writer fails with an error beside a text log."""
    lines = [
        local("adapter_selected", adapter="local"),
        local("step_start", 2, step_id="write", driver="supabase.writer"),
        local("write.error", 4, step_id="write", error=error),
        local("step_error", 4, step_id="write", driver="supabase.writer", error=f"Execution failed: {error}"),
        local("run_error", 5, phase="execute", error=error),
        local("run_end", 5, duration_seconds=5.0),
    ]
    files: dict[str, Any] = {"cfg/write.json": config} if config else {}
    if log is not None:
        files["osiris.log"] = log
    cause = analyze(run_dir(folder, lines, steps=STEPS, files=files)).root_cause
    assert cause is not None
    return cause


@pytest.mark.parametrize(
    ("line", "method", "path", "status", "reason"),
    [
        (requested("406 Not Acceptable"), "GET", "/rest/v1/stats", 406, "Not Acceptable"),
        (
            'x - DEBUG - https://h:443 "POST /a?key=secret HTTP/1.1" 429 0',
            "POST",
            "/a",
            429,
            "Too Many Requests",
        ),
        ('127.0.0.1 - - "DELETE /a HTTP/1.0" 599 -', "DELETE", "/a", 599, ""),
    ],
)
def test_response_is_read_in_each_format(line: str, method: str, path: str, status: int, reason: str) -> None:
    response = parse_response("osiris.log", 1, line.strip())
    assert response is not None
    assert (response.method, response.path, response.status, response.reason) == (
        method,
        path,
        status,
        reason,
    )
    assert response.quote in line


@pytest.mark.parametrize("line", ["GET is not a request", 'the "HTTP/1.1" of RFC 9112', "HTTP/1.1 200 OK"])
def test_line_without_a_request_is_no_response(line: str) -> None:
    assert parse_response("osiris.log", 1, line) is None


CHECKS = [
    ("401 Unauthorized", "authentication-failed", "key"),
    ("403 Forbidden", "permission-denied", "permission"),
    ("406 Not Acceptable", "request-refused", "schema"),
    ("407 Proxy Authentication Required", "authentication-failed", "proxy"),
    ("408 Request Timeout", "network-timeout", "run again"),
    ("418 I'm a Teapot", "request-refused", "request"),
    ("429 Too Many Requests", "rate-limited", "later"),
    ("500 Internal Server Error", "service-failed", "later"),
    ("503 Service Unavailable", "service-failed", "later"),
    ("504 Gateway Timeout", "network-timeout", "less data"),
    ("507 Insufficient Storage", "disk-full", "disk"),
    ("521", "service-failed", "later"),
    ("524", "network-timeout", "less data"),
    ("540", "service-failed", "restore"),
    ("599", "service-failed", "later"),
]


@pytest.mark.parametrize("hour", [0, 2, 22])
@pytest.mark.parametrize(("status", "rule", "fix"), CHECKS)
def test_status_contradicts_a_missing_table(
    tmp_path: Path, status: str, rule: str, fix: str, hour: int
) -> None:
    cause = writing(tmp_path, MISSING, requested(status, hour=hour))
    assert (cause.rule, str(cause.confidence)) == (rule, "high")
    assert cause.message.startswith(f"HTTP {status}")
    assert "'stats'" in cause.message
    assert fix in f"{cause.fix} {cause.message}"
    assert cause.evidence[0].file == "osiris.log"


def test_status_404_confirms_a_missing_table(tmp_path: Path) -> None:
    cause = writing(tmp_path, MISSING, requested("404 Not Found"))
    assert (cause.rule, str(cause.confidence)) == ("table-missing", "high")
    assert "create" in (cause.fix or "")


@pytest.mark.parametrize("log", [None, requested("200 OK"), requested("401 Unauthorized", table="other")])
def test_missing_table_without_a_fact_names_both_causes(tmp_path: Path, log: str | None) -> None:
    cause = writing(tmp_path, MISSING, log)
    assert (cause.rule, str(cause.confidence)) == ("table-missing", "medium")
    assert "not reachable" in cause.message
    assert "is missing" in cause.message


def test_check_without_a_response_is_no_missing_table(tmp_path: Path) -> None:
    log = "2026-01-01 00:00:03 - client - [s] - INFO - Connected to Supabase project\n"
    cause = writing(tmp_path, MISSING, log)
    assert (cause.rule, str(cause.confidence)) == ("connection-failed", "medium")
    assert "may exist" in cause.message


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        ("ConnectError(ConnectionRefusedError(111, 'Connection refused'))", "connection-refused"),
        ("ConnectError(gaierror(-2, 'Name or service not known'))", "host-not-found"),
        ("ConnectTimeout(TimeoutError('timed out'))", "network-timeout"),
        ("ConnectError(SSLCertVerificationError(1, 'certificate verify failed'))", "tls-failed"),
        ("ReadError(ConnectionResetError(104, 'Connection reset by peer'))", "connection-lost"),
        ("RemoteProtocolError('Server disconnected without sending a response.')", "connection-lost"),
    ],
)
def test_failed_request_contradicts_a_missing_table(tmp_path: Path, error: str, rule: str) -> None:
    log = f"2026-01-01 00:00:03 - httpcore.connection - DEBUG - connect_tcp.failed exception={error}\n"
    cause = writing(tmp_path, MISSING, log)
    assert (cause.rule, str(cause.confidence)) == (rule, "high")
    assert "'stats'" in cause.message


@pytest.mark.parametrize(
    ("log", "words", "absent"),
    [
        (requested("404 Not Found"), "only planned", "may exist"),
        (requested("406 Not Acceptable"), "HTTP 406 Not Acceptable", "ddl_plan.sql"),
        (requested("599"), "HTTP 599", "ddl_plan.sql"),
        ("2026-01-01 00:00:03 - x - INFO - Connected\n", "did not respond", "ddl_plan.sql"),
    ],
)
def test_planned_table_names_the_response(tmp_path: Path, log: str, words: str, absent: str) -> None:
    lines = [
        local("adapter_selected", adapter="local"),
        local("step_start", 2, step_id="write", driver="supabase.writer"),
        local("table.ddl_planned", 4, step_id="write", table="stats", executed=False),
        local("step_complete", 4, step_id="write"),
        local("run_end", 5, duration_seconds=5.0),
    ]
    told = analyze(run_dir(tmp_path, lines, steps=STEPS, files={"osiris.log": log}))
    finding = next(finding for finding in told.findings if finding.rule == "nothing-written")
    assert words in finding.message
    assert absent not in f"{finding.message} {finding.fix}"


@pytest.mark.parametrize("status", range(400, 600))
def test_each_status_has_the_meaning_of_its_class(status: int) -> None:
    meaning = status_meaning(status)
    assert meaning.rule == http_error_kind(status)
    assert meaning.explanation
    assert meaning.fix


FORMS = (
    "{} Client Error: x for url: https://x",
    "{} Server Error: x for url: https://x",
    "Client error '{} x' for url 'https://x'",
    "HTTP Error {}: x",
    "the service answered (HTTP {})",
    '"HTTP/1.1 {} x"',
    "unexpected status code {}",
    "status_code={}",
    "{{'statusCode': {}, 'error': 'x'}}",
    "{{'message': 'JSON could not be generated', 'code': {}, 'hint': 'x'}}",
    "<Response [{}]>",
    "HTTP SQL request failed ({}): x",
    "SandboxException: {}: x",
    "An error occurred ({}) when calling the PutObject operation: x",
    "{}, message='x', url=URL('https://x')",
)


@pytest.mark.parametrize("form", FORMS)
def test_status_is_read_in_each_form(form: str) -> None:
    match = HTTP_STATUS.search(form.format(451))
    assert match is not None
    assert stated_status(match) == 451


@pytest.mark.parametrize(
    "text",
    [
        "500 rows are over the limit",
        "404 rows were rejected",
        "code 12.500",
        "order 503, 504",
        "took 0.502 s",
    ],
)
def test_number_that_is_no_status_is_left(text: str) -> None:
    assert HTTP_STATUS.search(text) is None


@pytest.mark.parametrize(("status", "rule", "fix"), CHECKS)
def test_stated_status_decides_the_cause(tmp_path: Path, status: str, rule: str, fix: str) -> None:
    code = status.split(maxsplit=1)[0]
    error = f"Batch write failed after retry: {{'message': 'JSON could not be generated', 'code': {code}, 'hint': 'x'}}"
    cause = analyze(run_dir(tmp_path, failing_locally(error), steps=CHAIN)).root_cause
    assert cause is not None
    assert cause.rule == rule
    assert fix in f"{cause.fix} {cause.message}"


def test_page_of_a_gateway_is_read_for_its_title(tmp_path: Path) -> None:
    page = "<!DOCTYPE html><html><head><title>x | 521: Web server is down</title></head><body>y</body></html>"
    error = f"Batch write failed after retry: {{'message': 'JSON could not be generated', 'code': 521, 'details': '{page}'}}"
    cause = analyze(run_dir(tmp_path, failing_locally(error), steps=CHAIN)).root_cause
    assert cause is not None
    assert cause.rule == "service-failed"
    assert "521: Web server is down" in cause.message
    assert "<html" not in cause.message


def test_reason_in_the_text_log_explains_an_error_without_one(tmp_path: Path) -> None:
    log = (
        "2026-01-01 00:00:03 - drivers - [s] - DEBUG - Connection error details: (pymysql.err.OperationalError) "
        "(2003, \"Can't connect to MySQL server on 'h' ([Errno 111] Connection refused)\")\n"
    )
    cause = writing(tmp_path, "MySQL connection failed for step write", log)
    assert (cause.rule, str(cause.confidence)) == ("connection-refused", "medium")
    assert "Connection refused" in cause.message
    assert "DEBUG" not in cause.message


def test_repeated_request_is_no_cause_beside_the_error(tmp_path: Path) -> None:
    log = "2026-01-01 00:00:03 - httpcore - WARNING - ReadError(ConnectionResetError(104, 'Connection reset by peer'))\n"
    error = "{'code': '23502', 'message': 'null value in column \"name\" violates not-null constraint'}"
    cause = writing(tmp_path, error, log)
    assert (cause.rule, str(cause.confidence)) == ("constraint-violated", "high")


def test_stated_reason_is_not_called_hidden(tmp_path: Path) -> None:
    cause = writing(tmp_path, "MySQL connection failed for step write: (1999, 'something new')", None)
    assert "hides" not in cause.message
    assert str(cause.confidence) != "high"


@pytest.mark.parametrize("key", ["ddl_failed", "table.ddl_failed"])
def test_failed_channel_explains_one_that_is_not_configured(tmp_path: Path, key: str) -> None:
    refused = (
        'connection to server at "h", port 5432 failed: server does not support SSL, but SSL was required'
    )
    error = "Supabase write failed: Table creation failed: HTTP SQL channel not configured"
    lines = [
        local("adapter_selected", adapter="local"),
        local("step_start", 2, step_id="write", driver="supabase.writer"),
        local("ddl_attempt", 3, step_id="write", channel="psycopg2"),
        local(key, 3, step_id="write", channel="psycopg2", error=refused),
        local("step_error", 4, step_id="write", driver="supabase.writer", error=error),
        local("run_error", 5, phase="execute", error=error),
        local("run_end", 5, duration_seconds=5.0),
    ]
    told = analyze(run_dir(tmp_path, lines, steps=STEPS))
    assert told.root_cause is not None
    assert told.root_cause.rule == "tls-failed"
    later = next(finding for finding in told.findings if finding.rule == "table-creation-failed")
    assert later.caused_by == told.root_cause.id
    assert "pg_dsn" not in (later.fix or "")


@pytest.mark.parametrize(
    ("status", "rule"),
    [("401 Unauthorized", "authentication-failed"), ("404 Not Found", "table-creation-failed")],
)
def test_refused_check_is_the_cause_of_a_table_not_created(tmp_path: Path, status: str, rule: str) -> None:
    error = "Supabase write failed: Table creation failed: psycopg2 channel not configured"
    cause = writing(tmp_path, error, requested(status), table="stats", create_if_missing=True)
    assert cause.rule == rule


def test_failure_in_the_text_log_is_of_the_step_that_was_running(tmp_path: Path) -> None:
    """The first step is named in an earlier line; the failure belongs to the second, which began after that."""
    lines = [
        local("adapter_selected", adapter="local"),
        local("step_start", 2, step_id="read", driver="mysql.extractor"),
        local("step_complete", 3, step_id="read", driver="mysql.extractor"),
        local("step_start", 3, step_id="write", driver="supabase.writer"),
        local("step_error", 6, step_id="write", driver="supabase.writer", error="Execution failed: batch 0"),
        local("run_error", 6, phase="execute", error="Execution failed: batch 0"),
    ]
    log = (
        "2026-01-01 00:00:02 - osiris.drivers.mysql - [s] - INFO - Executing MySQL query for step read\n"
        "2026-01-01 00:00:05 - osiris.drivers.supabase - [s] - ERROR - Failed to write batch 0\n"
    )
    steps = (("read", "mysql.extractor", []), ("write", "supabase.writer", ["read"]))
    report = analyze(run_dir(tmp_path, lines, steps=steps, files={"osiris.log": log}))
    assert [line.step for line in report.run.log_lines] == ["write"]
    assert "failure-logged" not in {finding.id for finding in report.findings}
