"""Errors of connections, services and files whose remedy depends on one part of their words."""

from pathlib import Path

import pytest

from tests.inspector.test_misleading_words import cause_of

OPENSSL = "requests.exceptions.SSLError: HTTPSConnectionPool(host='h.example.org', port=443): Max retries exceeded with url: /v1 (Caused by SSLError(SSLError(1, '[SSL: {0}] {1} (_ssl.c:1006)')))"
MYSQL = "(pymysql.err.OperationalError) (2026, 'SSL connection error: error:0A00018A:SSL routines::{0}')"
PROXY = "HTTPSConnectionPool(host='api.acme.org', port=443): Max retries exceeded with url: /v1 (Caused by ProxyError('Unable to connect to proxy', {0}))"
POSTGRES = 'connection to server at "10.0.0.5", port 5432 failed: FATAL:  {0}'

# the rule, words that the explanation or the remedy has, words that they do not have, the error
TEXTS = [
    ("tls-failed", "unsafe way", "certificate", OPENSSL.format("UNSAFE_LEGACY_RENEGOTIATION_DISABLED", "unsafe legacy renegotiation disabled")),
    ("tls-failed", "2048", "install", OPENSSL.format("DH_KEY_TOO_SMALL", "dh key too small")),
    ("tls-failed", "2048", "install", MYSQL.format("dh key too small")),
    ("tls-failed", "2048", "install", OPENSSL.format("EE_KEY_TOO_SMALL", "ee key too small")),
    ("tls-failed", "port answers without TLS", "certificate", MYSQL.format("wrong version number")),
    ("tls-failed", "port answers without TLS", "certificate", OPENSSL.format("WRONG_VERSION_NUMBER", "wrong version number")),
    ("tls-failed", "port offers TLS", "certificate", MYSQL.format("unexpected eof while reading")),
    ("tls-failed", "a cipher", "certificate", OPENSSL.format("SSLV3_ALERT_HANDSHAKE_FAILURE", "sslv3 alert handshake failure")),
    ("tls-failed", "a cipher", "certificate", OPENSSL.format("NO_SHARED_CIPHER", "no shared cipher")),
    ("tls-failed", "both support", "certificate", OPENSSL.format("UNSUPPORTED_PROTOCOL", "unsupported protocol")),
    ("tls-failed", "a cipher", "certificate", OPENSSL.format("BAD_SIGNATURE", "bad signature")),
    ("tls-failed", "install the certificate", "cipher", OPENSSL.format("CERTIFICATE_VERIFY_FAILED", "certificate verify failed: self-signed certificate in certificate chain")),
    ("tls-failed", "install the certificate", "cipher", MYSQL.format("certificate verify failed")),
    ("tls-failed", "of the client", "install", OPENSSL.format("TLSV13_ALERT_CERTIFICATE_REQUIRED", "tlsv13 alert certificate required")),
    ("database-file-unusable", "local disk", "other process", 'duckdb.duckdb.IOException: IO Error: Could not set lock on file "/Volumes/homefolder/test1.db": Operation not supported'),
    ("database-file-unusable", "local disk", "other process", 'IO Error: Could not set lock on file "/mnt/nfs/a.duckdb": No locks available'),
    ("database-file-unusable", "local disk", "another process", "OSError: [Errno 37] No locks available"),
    ("lock-conflict", "another process", "local disk", 'IO Error: Could not set lock on file "/data/a.duckdb": Conflicting lock is held in /usr/bin/python3.11 (PID 4711)'),
    ("lock-conflict", "another process", "local disk", 'IO Error: Could not set lock on file "/data/No locks available.db": Resource temporarily unavailable'),
    ("connection-refused", "that the proxy runs", "login", PROXY.format("NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')")),
    ("authentication-failed", "user and password of the proxy", "that the proxy runs", PROXY.format("OSError('Tunnel connection failed: 407 Proxy Authentication Required')")),
    ("connection-refused", "NO_PROXY", "login", PROXY.format("OSError('Tunnel connection failed: 403 Forbidden')")),
    ("connection-refused", "service itself", "login", PROXY.format("OSError('Tunnel connection failed: 502 Bad Gateway')")),
    ("connection-refused", "that the proxy runs", "login", "(Caused by ProxyError('Cannot connect to proxy.', timeout('timed out')))"),
    ("tls-failed", "with http://", "certificate", PROXY.format("SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)'))")),
    ("connection-refused", "allow the host", "runs and that", "httpx.ProxyError: 403 Forbidden"),
    ("connection-refused", "allow the host", "that the proxy runs", "curl: (56) Received HTTP code 403 from proxy after CONNECT"),
    ("connection-refused", "that the proxy runs", "server is running", "aiohttp.client_exceptions.ClientProxyConnectionError: Cannot connect to host proxy.corp:3128 ssl:default [Connect call failed ('10.0.0.1', 3128)]"),
    ("connection-refused", "complete address of the proxy", "that the proxy runs", "requests.exceptions.InvalidProxyURL: Please check proxy URL. It is malformed and could be missing the host."),
    ("host-not-found", "host of the proxy", "spelling", PROXY.format("NameResolutionError(\"Failed to resolve 'proxy.corp' ([Errno -2] Name or service not known)\")")),
    ("tls-failed", "of the client", "cipher", OPENSSL.format("TLSV1_ALERT_UNKNOWN_CA", "tlsv1 alert unknown ca")),
    ("connection-lost", "port offers TLS", "administrator", "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1006)"),
    ("service-failed", "dashboard", "run again later", "{'code': 503, 'message': 'Your project is paused. Restore it from the dashboard.'}"),
    ("authentication-failed", "unlock the account", "environment variable", "Login failed for user 'etl' because the account is currently locked out. The system administrator can unlock it. (18486)"),
    ("authentication-failed", "ALTER ROLE", "unlock", POSTGRES.format('role "etl" is not permitted to log in')),
    ("request-refused", "loop", "URL that the service redirects to", "requests.exceptions.TooManyRedirects: Exceeded 30 redirects."),
    ("request-refused", "loop", "URL that the service redirects to", "httpx.TooManyRedirects: Exceeded maximum allowed redirects."),
    ("request-refused", "loop", "URL that the service redirects to", "urllib.error.HTTPError: HTTP Error 302: The HTTP server returned a redirect error that would lead to an infinite loop.\nThe last 30x error message was:\nFound"),
    ("request-refused", "login page", "URL that the service redirects to", "TooManyRedirects: Exceeded 30 redirects (last: https://acme.org/login?next=/v1)"),
    ("request-refused", "URL that the service redirects to", "loop", "httpx.HTTPStatusError: Redirect response '301 Moved Permanently' for url 'http://acme.org/v1'\nRedirect location: 'https://acme.org/v1'"),
    ("connection-refused", "ALLOW_CONNECTIONS", "user, password", POSTGRES.format('database "shop" is not currently accepting connections')),
    ("connection-refused", "when the server is up", "ALLOW", POSTGRES.format("the database system is not yet accepting connections\nDETAIL:  Consistent recovery state has not been yet reached.")),
    ("connection-refused", "when the server is up", "ALLOW", POSTGRES.format("the database system is not accepting connections\nDETAIL:  Hot standby mode is disabled.")),
    ("database-missing", "create the database", "ALLOW", POSTGRES.format('database "shop" does not exist')),
    ("authentication-failed", "ACCOUNT UNLOCK", "correct the query", "(pymysql.err.OperationalError) (4151, 'Access denied, this account is locked')"),
    ("authentication-failed", "ACCOUNT UNLOCK", "new password", "(pymysql.err.OperationalError) (3118, \"Access denied for user 'etl'@'%'. Account is locked.\")"),
    ("authentication-failed", "earlier logins", "new password", "(3955, \"Access denied for user 'etl'@'%'. Account is blocked for 2 day(s) (2 day(s) remaining) due to 3 consecutive failed logins.\")"),
    ("authentication-failed", "earlier logins", "new password", "(4150, 'User is blocked because of too many credential errors; unblock with \\'ALTER USER / FLUSH PRIVILEGES\\'')"),
    ("authentication-failed", "new password", "UNLOCK", "(1862, 'Your password has expired. To log in you must change it using a client that supports expired passwords.')"),
    ("authentication-failed", "check the user", "nlock", "(1045, \"Access denied for user 'etl'@'%' (using password: YES)\")"),
    ("service-failed", "dashboard", "run again later", "HTTP 540: Project paused"),
    ("service-failed", "dashboard", "run again later", "postgrest.exceptions.APIError: {'message': 'Project is paused', 'code': None}"),
    ("host-not-found", "dashboard", "paused for", "httpx.ConnectError: [Errno -2] Name or service not known (abcdefgh.supabase.co)"),
    ("host-not-found", "spelling", "dashboard", "httpx.ConnectError: [Errno -2] Name or service not known"),
    ("unexplained-failure", "paused", "dashboard", "ValueError: column 'project paused_at' has no date"),
    ("connection-lost", "in parts", "administrator", "http.client.IncompleteRead: IncompleteRead(1048576 bytes read, 4194304 more expected)"),
    ("connection-lost", "in parts", "some work", "requests.exceptions.ChunkedEncodingError: ('Connection broken: IncompleteRead(512 bytes read, 99 more expected)', IncompleteRead(512 bytes read, 99 more expected))"),
    ("connection-lost", "in parts", "administrator", "urllib.error.ContentTooShortError: <urlopen error retrieval incomplete: got only 4096 out of 90000 bytes>"),
    ("connection-lost", "in parts", "administrator", "httpx.RemoteProtocolError: peer closed connection without sending complete message body (received 10 bytes, expected 20)"),
    ("connection-lost", "administrator", "in parts", "psycopg2.OperationalError: server closed the connection unexpectedly"),
    ("file-system-failed", "refer to each other", "disk", "OSError: [Errno 40] Too many levels of symbolic links: '/data/orders.csv'"),
    ("file-missing", "was not found", "symbolic", "FileNotFoundError: [Errno 2] No such file or directory: '/data/too_many_links/orders.csv'"),
    ("query-failed", "sqlite_all_varchar", "TRY_CAST", 'duckdb.duckdb.TypeMismatchException: Mismatch Type Error: Invalid type in column "price": column was declared as integer, found "n/a" of type "text" instead.\n* SET sqlite_all_varchar=true to load all columns as VARCHAR and skip type conversions'),
    ("query-failed", "contains the header", "TRY_CAST", 'Mismatch Type Error: Invalid type in column "album_id": column was declared as integer, found "album_id" of type "text" instead.'),
    ("query-failed", "TRY_CAST", "sqlite_all_varchar", "Conversion Error: Could not convert string 'n/a' to INT32"),
    ("time-zone-wrong", "abbreviation", "tzdata", "zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key CEST'"),
    ("time-zone-wrong", "name of Windows", "tzdata", "pytz.exceptions.UnknownTimeZoneError: 'Central European Standard Time'"),
    ("time-zone-wrong", "tzdata", "abbreviation", "zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key Europe/Praha'"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "right", "wrong", "error"), TEXTS)
def test_remedy_fits_the_words_of_an_error(
    tmp_path: Path, rule: str, right: str, wrong: str, error: str
) -> None:
    cause = cause_of(tmp_path, error)
    explanation = cause.message.rpartition("\N{EM DASH}")[2]
    assert cause.rule == rule
    assert right in f"{cause.message} {cause.fix}"
    assert wrong not in f"{explanation} {cause.fix}"
