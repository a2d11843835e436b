"""Errors whose words suggest another cause than they state."""

from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model.finding import Finding
from tests.inspector.making import CHAIN, failing_locally, run_dir


def cause_of(folder: Path, error: str) -> Finding:
    cause = analyze(run_dir(folder, failing_locally(error, "acme.extractor"), steps=CHAIN)).root_cause
    assert cause is not None
    return cause


# the rule, its confidence, words that must appear, words that must not, the error
MISLEADING = [
    # five kinds of timeout, and names that contain the word
    ("network-timeout", "medium", "could not open", "server did not respond", "psycopg_pool.PoolTimeout: couldn't get a connection after 30.00 sec"),
    ("network-timeout", "high", "pooler", "was ended", "psycopg2.OperationalError: FATAL:  query_wait_timeout\nserver closed the connection unexpectedly"),
    ("network-timeout", "high", "pool of the client", "server did not respond", "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"),
    ("lock-conflict", "high", "lock", "time", "oracledb.exceptions.DatabaseError: ORA-00054: resource busy and acquire with NOWAIT specified or timeout expired"),
    ("lock-conflict", "high", "lock", "respond", "('42000', '[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Lock request time out period exceeded. (1222)')"),
    ("table-missing", "high", "request_timeout", "respond", 'psycopg.errors.UndefinedTable: relation "request_timeout" does not exist\nLINE 1: SELECT * FROM request_timeout'),
    ("query-failed", "high", "function or trigger", "respond", "{'code': 'P0001', 'details': None, 'hint': None, 'message': 'quota exceeded: connection timeout must be set for tenant 7'}"),
    ("unexplained-failure", "low", "must be positive", "respond", "ValueError: timeout must be positive"),
    # locks and transactions
    ("lock-conflict", "high", "replica", "administrator", "canceling statement due to conflict with recovery\nDETAIL:  User query might have needed to see row versions that must be removed."),
    ("lock-conflict", "high", "changes", "held a lock", "{'code': '40001', 'message': 'could not serialize access due to concurrent update'}"),
    ("lock-conflict", "high", "changes", "fault", "{'S': 'ERROR', 'C': 'XX000', 'M': '1023', 'D': 'Serializable isolation violation on table - 104404, transactions forming the cycle are: 1, 2'}"),
    ("query-failed", "medium", "stl_load_errors", "fault of its own", "{'S': 'ERROR', 'C': 'XX000', 'M': \"Load into table 'timeouts' failed.  Check 'stl_load_errors' system table for details.\"}"),
    # connections and who ended them
    ("connection-lost", "high", "was closed before", "server log", "asyncpg.exceptions._base.InterfaceError: connection is closed"),
    ("connection-lost", "high", "was closed before", "two threads", "(pymysql.err.InterfaceError) (0, '')"),
    ("connection-lost", "high", "response", "invalid", "Response payload is not completed: <TransferEncodingError: 400, message='Not enough data for satisfy transfer length header.'>"),
    ("connection-refused", "high", "proxy", "rejected", "(Caused by ProxyError('Cannot connect to proxy.', timeout('timed out')))"),
    ("connection-refused", "medium", "local port", "route", "[Errno 99] Cannot assign requested address"),
    ("connection-refused", "high", "limit on the number", "firewall", "redis.exceptions.ConnectionError: max number of clients reached"),
    # disk, memory and files: of which machine
    ("disk-full", "high", "disk of the database", "another disk", "(1021, 'Disk full (/tmp/#sql_1_0.MAI); waiting for someone to free some space... (errno: 28 \"No space left on device\")')"),
    ("out-of-memory", "high", "max_locks_per_transaction", "give", "psycopg2.errors.OutOfMemory: out of shared memory\nHINT:  You might need to increase max_locks_per_transaction."),
    ("database-read-only", "high", "file", "primary", "sqlite3.OperationalError: attempt to write a readonly database"),
    # statuses: paired with their own phrase, with what the body says, and with what was addressed
    ("endpoint-missing", "high", "name in it", "unavailable", "order 503 not found (HTTP 404): {\"error\":\"order 503 not found\"}"),
    ("rate-limited", "high", "rate limit", "permission", "403 Client Error: rate limit exceeded for url: https://api.github.com/repos/a/b/issues"),
    ("rate-limited", "high", "limit", "permission", "google.api_core.exceptions.Forbidden: 403 Quota exceeded: Your project exceeded quota for free query bytes scanned."),
    ("rate-limited", "high", "account", "was ended", "Account suspended: monthly limit of 1000000 rows reached; connection closed by host"),
    ("permission-denied", "high", "firewall", "grant", "HTTP 403: <html><title>Attention Required! | Cloudflare</title><body>Sorry, you have been blocked</body></html>"),
    ("file-missing", "high", "object", "URL", "botocore.exceptions.ClientError: An error occurred (404) when calling the HeadObject operation: Not Found"),
    ("file-missing", "high", "bucket", "URL", "{'statusCode': '404', 'error': 'Bucket not found', 'message': 'Bucket not found'}"),
    ("request-refused", "high", "one row", "did not understand", "{'code': 'PGRST116', 'details': 'The result contains 0 rows', 'hint': None, 'message': 'JSON object requested, multiple (or no) rows returned'}"),
    ("service-failed", "high", "unavailable", "rate", "Max retries exceeded with url: /v1/orders (Caused by ResponseError('too many 503 error responses'))"),
    ("query-failed", "medium", "answered", "field or argument", "GraphQL errors: [{'message': 'Timeout on validation of query', 'extensions': {'code': 'GRAPHQL_VALIDATION_FAILED'}}]"),
    ("query-failed", "high", "field or argument", "respond", "GraphQL errors: [{'message': \"Cannot query field 'timeout' on type 'Order'.\"}]"),
    ("endpoint-missing", "high", "name in it", "respond", "aiohttp.client_exceptions.ClientResponseError: 404, message='Not Found', url='https://api.example.com/v1/timeouts'"),
    ("connection-refused", "high", "did not accept", "respond", 'StatusCode.UNAVAILABLE\n\tdetails = "failed to connect to all addresses; last error: Connection refused"'),
    # certificates
    ("tls-failed", "high", "host name", "install", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'api.example.com'. (_ssl.c:1006)"),
    ("tls-failed", "high", "clock", "install", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid (_ssl.c:1006)"),
    ("tls-failed", "high", "version of TLS", "install", "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1006)"),
    # loose words in names, paths and values
    ("unexplained-failure", "low", "NULL in row 3", "rejected", "Rate limit for exchange table 'rate_limits' is NULL in row 3"),
    ("unexplained-failure", "low", "not in frame", "rejected", "column rate limit not in frame: ['id', 'rate limit']"),
    ("unexplained-failure", "low", "no header", "limit of", "file '/exports/quota exceeded/2024.csv' has no header"),
    ("config-value-invalid", "medium", "invalid value", "lists", "400 POST https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs: Invalid value for type: TIMEOUT is not a valid value"),
    ("rate-limited", "medium", "401", "lists", "After 3 retries (last: 429 Too Many Requests) got 401 Unauthorized: token expired"),
    ("service-failed", "medium", "Validation failed", "timeout", 'HTTP 500: {"title":"Validation failed","status":422,"detail":"field \'timeout\' is required"}'),
    ("unexplained-failure", "low", "no mapping", "renew", "no mapping for status 'JWT expired'"),
    ("unexplained-failure", "low", "contains", "reported an", "assert failed: status column contains 'Internal Server Error' for 3 rows"),
    ("unexplained-failure", "low", "Template", "service", "Template 'Service Unavailable' not found in folder"),
    ("unexplained-failure", "low", "illegal header", "was ended", "httpx.RemoteProtocolError: illegal header line: bytearray(b'timeout')"),
    ("endpoint-missing", "high", "connection string", "respond", 'psycopg2.ProgrammingError: invalid dsn: invalid connection option "connection timeout"'),
    ("config-value-invalid", "high", "statement_timeout_ms", "MySQL", 'unrecognized configuration parameter "statement_timeout_ms"'),
    # accounts
    ("authentication-failed", "high", "unlock", "check the user", '(3118, "Access denied for user \'etl\'@\'%\'. Account is locked.")'),
    ("authentication-failed", "high", "unlock", "lock that", "oracledb.exceptions.DatabaseError: ORA-28000: The account is locked."),
    ("connection-refused", "high", "account", "firewall", 'psycopg2.errors.TooManyConnections: FATAL:  too many connections for role "etl"'),
    ("request-refused", "high", "replace", "rows", "StorageApiError: {'statusCode': 409, 'error': Duplicate, 'message': The resource already exists}"),
    ("endpoint-missing", "high", "driver://", "https", "sqlalchemy.exc.ArgumentError: Could not parse SQLAlchemy URL from string 'postgres://x:404'"),
    ("disk-full", "high", "quota of disk", "free disk", "OSError: [Errno 122] Disk quota exceeded: '/home/etl/out.csv'"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "confidence", "right", "wrong", "error"), MISLEADING)
def test_misleading_word_is_not_the_cause(
    tmp_path: Path, rule: str, confidence: str, right: str, wrong: str, error: str
) -> None:
    cause = cause_of(tmp_path, error)
    assert (cause.rule, str(cause.confidence)) == (rule, confidence)
    assert right in f"{cause.message} {cause.fix}"
    explanation = cause.message.rpartition("\N{EM DASH}")[2]
    assert wrong not in f"{explanation} {cause.fix}"
