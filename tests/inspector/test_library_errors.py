"""Errors of libraries and services with one known cause each."""

import re
from pathlib import Path

import pytest

from osiris_inspect.inspector.diagnosis.engine import rule_manual
from osiris_inspect.inspector.diagnosis.evidence.library_errors.databases import DATABASES
from osiris_inspect.inspector.diagnosis.evidence.library_errors.known_error import KnownError, Library
from osiris_inspect.inspector.diagnosis.evidence.library_errors.packages import PACKAGES
from osiris_inspect.inspector.diagnosis.evidence.library_errors.services import SERVICES
from tests.inspector.test_chains_of_exceptions import cause_of
from tests.patterns import Pattern, problems

LIBRARIES = (*DATABASES, *SERVICES, *PACKAGES)
ROWS = [(library, error) for library in LIBRARIES for error in library.errors]
SQL_SERVER = (
    "('{0}', \"[{0}] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]{1}. ({2}) (SQLExecDirectW)\")"
)
SALESFORCE = "Malformed request https://acme.my.salesforce.com/services/data/v59.0/sobjects/Account/. Response content: [{{'message': '{1}', 'errorCode': '{0}', 'fields': []}}]"
AMAZON = "An error occurred ({0}) when calling the {1} operation: {2}"

# the rule, words of the headline, words of the fix, class, text
ERRORS = [
    ("host-not-found", "resolved", "host", "OperationalError", "('08001', '[08001] [Microsoft][ODBC Driver 18 for SQL Server]TCP Provider: Error code 0x2AF9 (11001) (SQLDriverConnect)')"),
    ("environment-variable-missing", "placeholder", "set the environment variable", "OperationalError", 'could not translate host name "${DB_HOST}" to address: Name or service not known'),
    ("permission-denied", "denied", "permission", "Forbidden", "403 POST https://bigquery.googleapis.com/bigquery/v2/projects/a/jobs: Access Denied: Project a: User does not have bigquery.jobs.create permission in project a."),
    ("service-failed", "unavailable", "later", "ServiceUnavailable", "503 GET https://bigquery.googleapis.com/x: The service is currently unavailable."),
    ("out-of-memory", "database server", "server more memory", "OperationalError", "(psycopg2.errors.OutOfMemory) out of memory\nDETAIL:  Failed on request of size 1048576."),
    ("sql-syntax", "valid SQL", "points", "OperationalError", 'near "FORM": syntax error'),
    ("query-failed", "numbers of columns", "name the columns", "OperationalError", "table orders has 3 columns but 2 values were supplied"),
    ("authentication-failed", "has expired", "new secret", "ClientAuthenticationError", "Authentication failed: AADSTS7000222: The provided client secret keys for app 'x' are expired."),
    ("authentication-failed", "expired", "new signature", "ClientAuthenticationError", "Server failed to authenticate the request.\nErrorCode:AuthenticationFailed\nauthenticationerrordetail:Signature not valid in the specified time frame: Start x - Expiry y"),
    ("lock-conflict", "lease", "run again", "HttpResponseError", "There is currently a lease on the blob and no lease ID was specified in the request.\nErrorCode:LeaseIdMissing"),
    ("permission-denied", "scope", "new token", "SlackApiError", "The request to the Slack API failed.\nThe server responded with: {'ok': False, 'error': 'missing_scope', 'needed': 'chat:write'}"),
    ("authentication-failed", "id or secret", "client id", "HTTPError", "401 Client Error: Unauthorized for url: https://x/token {\"error\":\"invalid_client\"}"),
    ("network-timeout", "time limit", "raise the limit", "_InactiveRpcError", '<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.DEADLINE_EXCEEDED\n\tdetails = "Deadline Exceeded"\n>'),
    ("query-failed", "no data yet", "REFRESH", "ObjectNotInPrerequisiteState", 'materialized view "m" has not been populated'),
    ("query-failed", "transaction", "autocommit", "ActiveSqlTransaction", "VACUUM cannot run inside a transaction block"),
    ("config-value-invalid", "pooler", "ignore_startup_parameters", "OperationalError", "FATAL:  unsupported startup parameter: options"),
    ("config-value-missing", "no database was selected", "set the database", "OperationalError", "(1046, 'No database selected')"),
    ("query-failed", "collations", "COLLATE", "OperationalError", "(pymysql.err.OperationalError) (1267, \"Illegal mix of collations (utf8mb4_general_ci,IMPLICIT) and (latin1_swedish_ci,IMPLICIT) for operation '='\")"),
    ("query-failed", "longer than the server allows", "prefix", "OperationalError", "(pymysql.err.OperationalError) (1071, 'Specified key was too long; max key length is 3072 bytes')"),
    ("permission-denied", "secure_file_priv", "folder", "OperationalError", "(1290, 'The MySQL server is running with the --secure-file-priv option so it cannot execute this statement')"),
    ("database-read-only", "read-only", "primary", "OperationalError", "(1290, 'The MySQL server is running with the --read-only option so it cannot execute this statement')"),
    ("disk-full", "disk of the database", "server", "OperationalError", "(1030, 'Got error 28 from storage engine')"),
    ("authentication-failed", "no credentials", "set the key", "HTTPStatusError", "Client error '401 Unauthorized' for url 'https://x/y' {\"message\":\"Missing Authorization header\"}"),
    ("column-missing", "was not found", "single quotes", "UndefinedColumn", 'column "abc" does not exist\nLINE 1: SELECT * FROM a WHERE name = "abc"'),
    ("column-missing", "was not found", 'suggests "orders.amount"', "UndefinedColumn", 'column "amout" does not exist\nLINE 1: SELECT amout FROM orders\nHINT:  Perhaps you meant to reference the column "orders.amount".'),
    ("constraint-violated", "duplicate key", "existing key", "IntegrityError", "ORA-00001: unique constraint (SHOP.ORDERS_PK) violated"),
    ("constraint-violated", "no value", "default", "IntegrityError", 'ORA-01400: cannot insert NULL into ("SHOP"."ORDERS"."ID")'),
    ("constraint-violated", "missing rows", "referenced table", "IntegrityError", "ORA-02291: integrity constraint (SHOP.FK_CUSTOMER) violated - parent key not found"),
    ("value-refused", "too long", "widen", "DatabaseError", 'ORA-12899: value too large for column "SHOP"."ORDERS"."SKU" (actual: 12, maximum: 8)'),
    ("query-failed", "not a number", "correct the value", "DatabaseError", "ORA-01722: invalid number"),
    ("sql-syntax", "semicolon", "remove", "DatabaseError", "ORA-00911: invalid character"),
    ("sql-syntax", "valid SQL", "points", "DatabaseError", "ORA-00933: SQL command not properly ended"),
    ("database-missing", "listener", "service name", "OperationalError", "DPY-6001: cannot connect to database. Service \"shop\" is not registered with the listener at host \"db\" port 1521."),
    ("connection-lost", "ended", "log of the server", "DatabaseError", "ORA-03113: end-of-file on communication channel"),
    ("disk-full", "storage", "extend", "DatabaseError", "ORA-01653: unable to extend table SHOP.ORDERS by 128 in tablespace USERS"),
    ("package-incompatible", "Oracle Client", "Instant Client", "DatabaseError", 'DPI-1047: Cannot locate a 64-bit Oracle Client library: "libclntsh.so: cannot open shared object file"'),
    ("column-missing", "column", "correct the name", "ProgrammingError", SQL_SERVER.format("42S22", "Invalid column name 'amout'", 207)),
    ("constraint-violated", "duplicate key", "existing key", "IntegrityError", SQL_SERVER.format("23000", "Violation of PRIMARY KEY constraint 'PK_o'. Cannot insert duplicate key in object 'dbo.orders'", 2627)),
    ("constraint-violated", "constraint", "referenced", "IntegrityError", SQL_SERVER.format("23000", 'The INSERT statement conflicted with the FOREIGN KEY constraint "FK_c"', 547)),
    ("database-missing", "database does not exist", "database name", "InterfaceError", SQL_SERVER.format("42000", 'Cannot open database "shp" requested by the login. The login failed', 4060)),
    ("permission-denied", "privilege", "grant", "ProgrammingError", SQL_SERVER.format("42000", "The SELECT permission was denied on the object 'orders', database 'shop', schema 'dbo'", 229)),
    ("query-failed", "converted", "correct the value", "DataError", SQL_SERVER.format("22018", "Conversion failed when converting the varchar value 'n/a' to data type int", 245)),
    ("dependency-missing", "ODBC driver is not installed", "install", "Error", "('01000', \"[01000] [unixODBC][Driver Manager]Can't open lib 'ODBC Driver 17 for SQL Server' : file not found (0) (SQLDriverConnect)\")"),
    ("dependency-missing", "no ODBC data source", "exact name", "InterfaceError", "('IM002', '[IM002] [Microsoft][ODBC Driver Manager] Data source name not found and no default driver specified (0) (SQLDriverConnect)')"),
    ("permission-denied", "role", "another role", "DatabaseError", "250001 (08001): None: Failed to connect to DB: acme.snowflakecomputing.com:443. Role 'ETL' specified in the connect string is not granted to this user."),
    ("query-failed", "converted", "TRY_CAST", "ProgrammingError", "100038 (22018): 01b2c3: Numeric value 'n/a' is not recognized"),
    ("table-missing", "does not exist", "database", "DatabaseError", "Code: 60. DB::Exception: Table default.ordrs doesn't exist. (UNKNOWN_TABLE)"),
    ("column-missing", "does not exist", "columns of the table", "DatabaseError", "Code: 47. DB::Exception: Missing columns: 'amout' while processing query. (UNKNOWN_IDENTIFIER)"),
    ("out-of-memory", "memory", "max_memory_usage", "ServerException", "Code: 241.\nDB::Exception: Memory limit (for query) exceeded: would use 9.32 GiB"),
    ("query-failed", "types", "cast", "TrinoUserError", "TrinoUserError(type=USER_ERROR, name=TYPE_MISMATCH, message=\"line 1:8: Cannot apply operator: varchar = integer\", query_id=2024_x)"),
    ("network-timeout", "time limit", "simplify", "TrinoQueryError", "TrinoQueryError(type=INSUFFICIENT_RESOURCES, name=EXCEEDED_TIME_LIMIT, message=\"Query exceeded the maximum execution time limit of 5.00m\", query_id=2024_x)"),
    ("column-missing", "column", "columns of the table", "AnalysisException", "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column or function parameter with name `amout` cannot be resolved. Did you mean [`amount`]?"),
    ("constraint-violated", "unique key", "upsert", "DuplicateKeyError", "E11000 duplicate key error collection: shop.orders index: _id_ dup key: { _id: 7 }"),
    ("value-not-serialisable", "BSON", "Decimal128", "InvalidDocument", "cannot encode object: Decimal('1.50'), of type: <class 'decimal.Decimal'>"),
    ("connection-lost", "cursor", "smaller batches", "CursorNotFound", "cursor id 8246 not found, full error: {'ok': 0.0, 'errmsg': 'cursor id 8246 not found', 'code': 43}"),
    ("authentication-failed", "login", "set user", "AuthenticationError", "redis.exceptions: WRONGPASS invalid username-password pair or user is disabled."),
    ("rate-limited", "API requests", "Bulk", "SalesforceRefusedRequest", SALESFORCE.format("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")),
    ("column-missing", "no such field", "__c", "SalesforceMalformedRequest", SALESFORCE.format("INVALID_FIELD", "No such column on entity Account")),
    ("authentication-failed", "session", "log in again", "SalesforceExpiredSession", SALESFORCE.format("INVALID_SESSION_ID", "Session expired or invalid")),
    ("constraint-violated", "required field", "set the fields", "SalesforceMalformedRequest", SALESFORCE.format("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]")),
    ("lock-conflict", "another transaction", "fewer batches", "SalesforceMalformedRequest", SALESFORCE.format("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")),
    ("table-missing", "DynamoDB table", "region", "ResourceNotFoundException", AMAZON.format("ResourceNotFoundException", "Query", "Requested resource not found")),
    ("endpoint-missing", "resource does not exist", "region", "ResourceNotFoundException", AMAZON.format("ResourceNotFoundException", "GetSecretValue", "Secrets Manager can't find the specified secret.")),
    ("endpoint-missing", "resource does not exist", "region", "EntityNotFoundException", AMAZON.format("EntityNotFoundException", "GetTable", "Table orders not found.")),
    ("config-value-invalid", "another region", "region of the bucket", "ClientError", AMAZON.format("PermanentRedirect", "GetObject", "The bucket you are attempting to access must be addressed using the specified endpoint.")),
    ("constraint-violated", "condition", "exists already", "ConditionalCheckFailedException", AMAZON.format("ConditionalCheckFailedException", "PutItem", "The conditional request failed")),
    ("permission-denied", "API is not enabled", "enable", "APIError", "APIError: [403]: Google Sheets API has not been used in project 12345 before or it is disabled."),
    ("permission-denied", "document", "share", "APIError", "APIError: [403]: The caller does not have permission"),
    ("config-value-invalid", "sheet", "range", "APIError", "APIError: [400]: Unable to parse range: Oders!A1:Z"),
    ("request-refused", "outside of the sheet", "add rows", "APIError", "APIError: [400]: Range (Orders!A1001:C1001) exceeds grid limits. Max rows: 1000, max columns: 26"),
    ("authentication-failed", "no longer exists", "new key", "RefreshError", "('Invalid JWT Signature.', {'error_description': 'Invalid JWT Signature.'})"),
    ("table-missing", "does not exist", "project.dataset", "NotFound", "404 Not found: Table acme:shop.orders was not found in location EU"),
    ("column-missing", "no column", "column name", "BadRequest", "400 Unrecognized name: amout at [1:8]; reason: invalidQuery, location: query. bigquery"),
    ("table-missing", "index", "create it", "NotFoundError", "NotFoundError(404, 'index_not_found_exception', 'no such index [orders]', orders, index_or_alias)"),
    ("connection-refused", "no broker", "bootstrap", "NoBrokersAvailable", "NoBrokersAvailable"),
    ("authentication-failed", "method of login", "private key", "BadAuthenticationType", "Bad authentication type; allowed types: ['publickey']"),
    ("authentication-failed", "passphrase", "passphrase", "PasswordRequiredException", "Private key file is encrypted"),
    ("library-error", "host key", "known_hosts", "SSHException", "Server 'sftp.example.com' not found in known_hosts"),
    ("library-error", "another host key", "replaced", "BadHostKeyException", "Host key for server 'sftp.example.com' does not match: got 'AAAAC3', expected 'AAAAB3'"),
    ("connection-refused", "no address", "host and port", "NoValidConnectionsError", "[Errno None] Unable to connect to port 2222 on 10.0.0.5"),
    ("column-missing", "'amount'", "exists in the source", "ColumnNotFoundError", 'unable to find column "amount"; valid columns: ["amout"]'),
    ("join-refused", "different types", "one type", "SchemaError", "datatypes of join keys don't match - `a`: i64 on left does not match `a`: str on right"),
    ("value-not-convertible", "converted", "correct the value", "InvalidOperationError", "conversion from `str` to `i64` failed in column 'qty' for 1 out of 3 values: [\"n/a\"]"),
    ("query-failed", "'day'", "colon", "StatementError", "(sqlalchemy.exc.InvalidRequestError) A value is required for bind parameter 'day'"),
    ("package-incompatible", "plain text", "text(", "ObjectNotExecutableError", "Not an executable object: 'select 1'"),
    ("config-value-invalid", "kind of database", "postgresql://", "NoSuchModuleError", "Can't load plugin: sqlalchemy.dialects:postgres"),
    ("query-failed", "parameters", "one value", "InterfaceError", "the server expects 2 arguments for this query, 1 was passed"),
    ("value-refused", "Python value", "datetime", "DataError", "invalid input for query argument $1: '2024-01-01' (expected a datetime.date or datetime.datetime instance, got 'str')"),
    ("library-error", "model", "fields", "ValidationError", "1 validation error for Order\nqty\n  Input should be a valid integer [type=int_type, input_value=None, input_type=NoneType]"),
    ("library-error", "check of the schema", "drop the rows", "SchemaError", "Column 'amount' failed element-wise validator number 0: greater_than_or_equal_to(0) failure cases: -5.0"),
    ("library-error", "not JSON", "look at the response", "ContentTypeError", "200, message='Attempt to decode JSON with unexpected mimetype: text/html', url='https://api.example.com/x'"),
    ("tls-failed", "CA certificates", "REQUESTS_CA_BUNDLE", "OSError", "Could not find a suitable TLS CA certificate bundle, invalid path: /etc/ssl/x.pem"),
    ("file-format-wrong", "not XML", "look at the response", "XMLSyntaxError", "Start tag expected, '<' not found, line 1, column 1 (<string>, line 1)"),
    ("file-format-wrong", "empty", "look at the response", "ParseError", "no element found: line 1, column 0"),
    ("file-format-wrong", "not closed", "complete", "ParseError", "mismatched tag: line 1, column 11"),
    ("package-incompatible", "older", "update protobuf", "VersionError", "Detected incompatible Protobuf Gencode/Runtime versions when loading a.proto: gencode 6.32.1 runtime 5.29.6."),
    ("config-value-invalid", "another region", "set the region", "ClientError", AMAZON.format("301", "HeadBucket", "Moved Permanently")),
    ("config-value-invalid", "another region", "set the region", "OSError", "[Errno 5] The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
    ("config-value-invalid", "another region", "set the region", "OSError", "When getting information for key 'a' in bucket 'b': AWS Error UNKNOWN (HTTP status 301) during HeadObject operation: No response body. Looks like the configured region is '' while the bucket is located in 'eu-west-1'."),
    ("query-failed", "several foreign keys", "select", "APIError", "{'code': 'PGRST201', 'details': [], 'hint': \"Try changing 'a' to one of the following: 'a!x', 'a!y'\", 'message': \"Could not embed because more than one relationship was found for 'b' and 'a'\"}"),
    ("query-failed", "several functions", "rename", "APIError", "{'code': 'PGRST203', 'details': None, 'hint': None, 'message': 'Could not choose the best candidate function between: public.f(a => integer), public.f(a => text)'}"),
    ("value-not-convertible", "decimals", "round", "ArrowInvalid", "Float value 42.75 was truncated converting to int64"),
    ("value-not-convertible", "does not fit", "larger type", "ArrowInvalid", "Float value 1e+20 was truncated converting to int64"),
    ("value-not-convertible", "decimals", "round", "TypeError", "cannot safely cast non-equivalent float64 to int64"),
    ("value-not-convertible", "finer than the unit", "floor", "ArrowInvalid", "Casting from timestamp[ns, tz=UTC] to timestamp[us, tz=UTC] would lose data: 1700000000000000001"),
    ("value-not-convertible", "outside of the range", "microseconds", "ArrowInvalid", "Casting from timestamp[us] to timestamp[ns] would result in out of bounds timestamp: 253402214400000000"),
    ("frame-refused", "the text that the message names", "to_numeric", "ArrowInvalid", "('Could not convert \\'\\' with type str: tried to convert to double', 'Conversion failed for column amount with type object')"),
    ("frame-refused", "the text that the message names", "map", "ArrowInvalid", "Could not convert 'yes' with type str: tried to convert to boolean"),
    ("frame-refused", "different types", "astype('string')", "ArrowTypeError", "Expected bytes, got a 'int' object"),
    ("frame-refused", "several dimensions", "tolist", "ArrowInvalid", "('Can only convert 1-dimensional array values', 'Conversion failed for column vector with type object')"),
    ("frame-refused", "other fields", "same fields", "ArrowTypeError", "struct field names do not match: struct<a: int64> struct<b: int64>"),
    ("frame-refused", "other fields", "same fields", "ArrowNotImplementedError", "Unsupported cast from struct<a: int64> to struct using function cast_struct"),
    ("file-format-wrong", "several files", "zipfile", "ValueError", "Multiple files found in ZIP file. Only one file per ZIP: ['a.csv', 'b.csv']"),
    ("file-format-wrong", "no file", "fetch it again", "ValueError", "Zero files found in ZIP file /data/x.zip"),
    ("too-many-open-files", "select()", "poll()", "ValueError", "filedescriptor out of range in select()"),
    ("connection-lost", "ended", "offers TLS", "SSLEOFError", "EOF occurred in violation of protocol (_ssl.c:2427)"),
    ("config-value-missing", "configuration value", "secrets.toml", "ConfigFieldMissingException", "Missing 1 field in configuration: `api_key`"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "words", "fix", "kind", "text"), ERRORS)
def test_code_or_words_name_cause(
    tmp_path: Path, rule: str, words: str, fix: str, kind: str, text: str
) -> None:
    cause = cause_of(tmp_path, kind, text)
    assert (cause.rule, cause.confidence) == (rule, "high"), cause.message
    assert words in cause.message.rpartition("\N{EM DASH}")[2]
    assert fix in (cause.fix or "")


# the same words or numbers in an error of something else
OTHERS = [
    ("RuntimeError", "the region 'north' is wrong for order 7"),
    ("RuntimeError", "call (301) when calling the customer back"),
    ("ValueError", "multiple files found for day 3"),
    ("ValueError", "the file descriptor of the report is out of range"),
    ("ValueError", "a child process of the order was ended by the reviewer"),
    ("ValueError", "the struct of the contract does not match page 3"),
    ("RuntimeError", "order ORD-00942 has no customer"),
    ("ValueError", "unexpected status code 47 of the machine"),
    ("RuntimeError", "the report says INVALID_FIELD in line 7"),
    ("RuntimeError", "the order was rejected: 'errorCode': 'INVALID_FIELD'"),
    ("RuntimeError", "tag mismatch: expected v2, found v1"),
    ("ValueError", "Start tag expected, '<' not found in template"),
    ("ValidationError", "1 validation error for APIErrorFromJSON\n  Invalid JSON: expected value at line 1 column 1 [type=json_invalid, input_value=b'x', input_type=bytes]"),
    ("RuntimeError", "the job name=TYPE_MISMATCH was not found"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), OTHERS)
def test_words_of_other_error_are_not_explained(tmp_path: Path, kind: str, text: str) -> None:
    assert cause_of(tmp_path, kind, text).confidence != "high"


def test_ended_pool_has_several_causes(tmp_path: Path) -> None:
    text = "A child process terminated abruptly, the process pool is not usable anymore"
    cause = cause_of(tmp_path, "RuntimeError", text)
    assert (cause.rule, cause.confidence) == ("worker-killed", "medium")


def test_port_without_ssh_greeting_has_several_causes(tmp_path: Path) -> None:
    cause = cause_of(tmp_path, "SSHException", "Error reading SSH protocol banner")
    assert (cause.rule, cause.confidence) == ("library-error", "medium")


@pytest.mark.parametrize(("library", "error"), ROWS, ids=lambda each: getattr(each, "codes", "")[:60])
def test_row_has_known_rule_and_linear_pattern(library: Library, error: KnownError) -> None:
    assert rule_manual(error.rule) is not None
    pattern = Pattern(error.codes, library.form.replace("%s", error.codes), re.MULTILINE)
    assert problems(pattern) == []
    assert not error.fix.endswith(".")


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda each: each.mark[:40] or "any")
def test_mark_takes_linear_time(library: Library) -> None:
    assert problems(Pattern("mark", library.mark, re.MULTILINE)) == []
