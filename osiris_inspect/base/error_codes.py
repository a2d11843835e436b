"""Error codes of servers and drivers, and their meaning.

Numbers are MySQL codes, five characters are an SQLSTATE, ``PGRST`` codes come from PostgREST, and words are psycopg
exception classes. ``error_kind`` falls back to the class of a code that is not listed. Where one code has several
causes, the words of the message decide, see ``CLASSES_BY_WORDS``.

Source: the error appendices of the MySQL, MariaDB, PostgreSQL and PostgREST manuals.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

ERROR_CODES: Mapping[str, str] = {
    "credentials": "1045 1698 28P01 InvalidPassword",
    "locked account": "1820 1862 3118 3955 4150 4151",
    "authentication method": "1251 1275 1524 2049 2054 2059 2061",
    "token": "PGRST300 PGRST301 PGRST302 PGRST303",
    "rights": "1044 1142 1143 1227 1370 42501 InsufficientPrivilege",
    "read-only": "1792 1836 25006 ReadOnlySqlTransaction",
    "no database": "1049 3D000 InvalidCatalogName",
    "no schema": "3F000 InvalidSchemaName PGRST106",
    "no table": "1051 1109 1146 42P01 UndefinedTable",
    "no table in cache": "PGRST205",
    "no column": "1054 42703 UndefinedColumn",
    "no column in cache": "PGRST204",
    "no function": "1305 42883 PGRST202 UndefinedFunction",
    "no key in cache": "PGRST200",
    "several keys": "PGRST201",
    "several functions": "PGRST203",
    "syntax": "1064 1149 42601 SyntaxError",
    "ambiguous": "1052 42702 AmbiguousColumn",
    "grouping": "1055 1140 42803 GroupingError",
    "name twice": "1060 1110 42701 DuplicateColumn 1066 42712 DuplicateAlias",
    "name taken": "1007 1050 42P07 42P06 42P04 42710 DuplicateTable DuplicateSchema DuplicateDatabase DuplicateObject",
    "broken view": "1356",
    "duplicate": "1062 1586 23505 UniqueViolation",
    "null": "1048 1364 23502 NotNullViolation",
    "foreign key": "1216 1217 1451 1452 23503 ForeignKeyViolation",
    "check": "3819 4025 23514 CheckViolation",
    "twice in one write": "21000 CardinalityViolation",
    "no matching key": "42P10 InvalidColumnReference",
    "generated": "3105 1906 428C9 GeneratedAlways",
    "division": "1365 22012 DivisionByZero",
    "sequence": "1467 2200H SequenceGeneratorLimitExceeded",
    "nul character": "22P05 22021 UntranslatableCharacter CharacterNotInRepertoire",
    "value": "1264 1265 1292 1366 1406 1411 1690 22001 22003 22007 22008 22P02 StringDataRightTruncation "
    "NumericValueOutOfRange InvalidDatetimeFormat DatetimeFieldOverflow InvalidTextRepresentation",
    "type": "42804 DatatypeMismatch",
    "setting": "1115 1193 1231 1273",
    "prepared statement": "1243 26000 42P05 InvalidSqlStatementName DuplicatePreparedStatement",
    "lock": "1205 1213 3572 40P01 55P03 55006 DeadlockDetected LockNotAvailable ObjectInUse",
    "serialization": "40001 SerializationFailure",
    "statement timeout": "1969 3024 25P04 TransactionTimeout",
    "interrupted": "1317",
    "failed transaction": "25P02 InFailedSqlTransaction",
    "too many connections": "1040 1203 53300 TooManyConnections",
    "starting": "57P03 CannotConnectNow",
    "client not allowed": "1130",
    "client blocked": "1129",
    "connection lost": "1053 1077 1080 1152 1158 1160 1184 1927 3169 4031 57P01 57P02 57P04 57P05 25P03 08003 08006 08007 "
    "AdminShutdown CrashShutdown DatabaseDropped IdleSessionTimeout IdleInTransactionSessionTimeout ConnectionFailure "
    "ConnectionDoesNotExist TransactionResolutionUnknown",
    "out of step": "2014 2027",
    "encryption": "2026 3159",
    "too large": "1153",
    "disk": "1021 53100 DiskFull",
    "memory of the server": "1037 1038 1041 53200 OutOfMemory",
    "service without database": "PGRST000 PGRST001 PGRST002 PGRST003",
    "one row": "PGRST116",
    "raised in the database": "1644 P0001 RaiseException",
}
"""Error class to its codes. PostgreSQL uses ``21000`` for an upsert that contains the same key twice."""

CLASSES_BY_WORDS: Mapping[str, tuple[str, str]] = {
    "no password": ("credentials", r"using password: NO|no password supplied|empty password returned"),
    "token time": ("token", r"JWT issued at future"),
    "no table in query": (
        "no table",
        r"FROM-clause entry for table|Unknown table [^\n]{1,120} in (?:field list|\w{1,20} clause)",
    ),
    "no operator": ("no function", r"operator does not exist"),
    "no comparison": ("no function", r"could not identify an (?:equality|ordering|hash)"),
    "number of columns": ("syntax", r"INSERT has more |must have the same number of columns"),
    "several statements": ("syntax", r"cannot insert multiple commands"),
    "misplaced aggregate": ("grouping", r"(?:aggregate|window) function(?:s are| calls can)"),
    "created at once": ("duplicate", r"unique constraint \\{0,2}\"pg_"),
    "still referenced": (
        "foreign key",
        r"(?:update or delete on table|still referenced from table|delete or update a parent row)",
    ),
    "no partition": ("check", r"no partition of relation"),
    "other partition": ("check", r"violates partition constraint"),
    "several rows": ("twice in one write", r"more than one row returned by a subquery"),
    "order of rows": ("no matching key", r"ORDER BY"),
    "characters": (
        "nul character, value",
        r"invalid byte sequence for encoding [^\n]{1,24}: 0x(?!00)|has no equivalent in encoding|Incorrect string value",
    ),
    "number from text": ("value", r"Truncated incorrect \w{1,20} value"),
    "calculation": ("value", r"value is out of range in '"),
    "own use of table": ("lock", r"active queries in this session|pending trigger events"),
    "shared memory": ("disk", r"could not resize shared memory segment"),
}
"""Error class to the words that distinguish it, and the general classes of its codes, separated by commas."""


class CodeFamily(NamedTuple):
    """Meaning of the codes with a common beginning.

    Attributes:
        error_class: a class that a rule claims; empty if only the wording tells the cause.
        kind: the kind of an error of our drivers, a key of ``model.error_info.ERROR_KINDS``.
    """

    error_class: str
    kind: str


CODE_FAMILIES: Mapping[str, CodeFamily] = {
    "08": CodeFamily("connection rejected", "connection-lost"),
    "08001": CodeFamily("connection rejected", "connection-failed"),
    "08004": CodeFamily("connection rejected", "connection-refused"),
    "22": CodeFamily("value", "value-refused"),
    "23": CodeFamily("integrity", "constraint-violated"),
    "28": CodeFamily("connection rejected", "authentication-failed"),
    "3D": CodeFamily("no database", "database-missing"),
    "3F": CodeFamily("no schema", "database-missing"),
    "40": CodeFamily("lock", "lock-conflict"),
    "42": CodeFamily("statement", "query-failed"),
    "44": CodeFamily("integrity", "constraint-violated"),
    "53": CodeFamily("server limit", "service-failed"),
    "54": CodeFamily("server limit", "query-failed"),
    "57": CodeFamily("", "connection-lost"),
    "57014": CodeFamily("interrupted", "query-cancelled"),
    "57P": CodeFamily("connection lost", "connection-lost"),
    "58": CodeFamily("server fault", "service-failed"),
    "F0": CodeFamily("server fault", "service-failed"),
    "P0": CodeFamily("raised in the database", "query-failed"),
    "XX": CodeFamily("server fault", "service-failed"),
    "1226": CodeFamily("", "connection-refused"),
    "2006": CodeFamily("", "connection-lost"),
    "2012": CodeFamily("connection lost", "connection-lost"),
    "2013": CodeFamily("", "connection-lost"),
    "2055": CodeFamily("connection lost", "connection-lost"),
    "PGRST0": CodeFamily("service without database", "service-failed"),
    "PGRST1": CodeFamily("request", "request-refused"),
    "PGRST2": CodeFamily("statement", "query-failed"),
    "PGRST3": CodeFamily("token", "authentication-failed"),
    "PGRSTX": CodeFamily("server fault", "service-failed"),
    "DataError": CodeFamily("value", "value-refused"),
    "IntegrityError": CodeFamily("integrity", "constraint-violated"),
    "InvalidAuthorizationSpecification": CodeFamily("connection rejected", "authentication-failed"),
    "InvalidParameterValue": CodeFamily("value", "value-refused"),
    "NotSupportedError": CodeFamily("statement", "query-failed"),
    "ProgrammingError": CodeFamily("statement", "query-failed"),
    "QueryCanceled": CodeFamily("interrupted", "query-cancelled"),
}
"""First characters of a code to its meaning, unless ``ERROR_CODES`` lists the code; the longest match counts.

For rules, the wording comes first. The first two characters of an SQLSTATE are its class; ``DataError`` and its like are
the classes of PEP 249. A class belongs to a rule that does not refine a rule for the words of its members.
"""

CLASS_OF_CODE: Mapping[str, str] = {
    code: name for name, codes in ERROR_CODES.items() for code in codes.split()
}
"""Error code to its error class."""

ERROR_KINDS_BY_CLASS: Mapping[str, str] = {
    "credentials": "authentication-failed",
    "locked account": "authentication-failed",
    "authentication method": "authentication-failed",
    "token": "authentication-failed",
    "rights": "permission-denied",
    "read-only": "database-read-only",
    "no database": "database-missing",
    "no schema": "database-missing",
    "no table": "table-missing",
    "no table in cache": "table-missing",
    "no column": "column-missing",
    "no column in cache": "column-missing",
    "no function": "query-failed",
    "no key in cache": "query-failed",
    "several keys": "query-failed",
    "several functions": "query-failed",
    "syntax": "sql-syntax",
    "ambiguous": "query-failed",
    "grouping": "query-failed",
    "name twice": "query-failed",
    "name taken": "query-failed",
    "broken view": "query-failed",
    "duplicate": "constraint-violated",
    "null": "constraint-violated",
    "foreign key": "constraint-violated",
    "check": "constraint-violated",
    "twice in one write": "constraint-violated",
    "no matching key": "constraint-missing",
    "generated": "value-refused",
    "division": "query-failed",
    "sequence": "value-refused",
    "nul character": "value-refused",
    "value": "value-refused",
    "type": "query-failed",
    "setting": "query-failed",
    "prepared statement": "query-failed",
    "lock": "lock-conflict",
    "serialization": "lock-conflict",
    "statement timeout": "query-timeout",
    "interrupted": "query-cancelled",
    "failed transaction": "query-failed",
    "too many connections": "connection-refused",
    "starting": "connection-refused",
    "client not allowed": "connection-refused",
    "client blocked": "connection-refused",
    "connection lost": "connection-lost",
    "out of step": "connection-lost",
    "encryption": "tls-failed",
    "too large": "request-refused",
    "disk": "disk-full",
    "memory of the server": "out-of-memory",
    "service without database": "service-failed",
    "one row": "request-refused",
    "raised in the database": "query-failed",
}
"""Error class to the kind of an error of our drivers, a key of ``model.error_info.ERROR_KINDS``."""

_KINDS_BY_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("no table in query", "number of columns", "several statements", "several rows"), "query-failed"
    ),
    **dict.fromkeys(("order of rows", "calculation", "own use of table"), "query-failed"),
}
"""Class of ``CLASSES_BY_WORDS`` to the kind, where it differs from that of the code."""

_MYSQL_DIGITS = 4


def refine_class(error_class: str, message: str) -> str:
    """Return the class of an error by the words of its message, where its code has several causes."""
    for name, (bases, words) in CLASSES_BY_WORDS.items():
        if error_class in bases.split(", ") and re.search(words, message):
            return name
    return error_class


def error_kind(code: str, message: str = "") -> str:
    """Return the kind of a server error: by its code and words, else by the class of the code, else ``query-failed``."""
    if code in CLASS_OF_CODE:
        error_class = CLASS_OF_CODE[code]
        kind = _KINDS_BY_WORDS.get(refine_class(error_class, message))
        return kind or ERROR_KINDS_BY_CLASS[error_class]
    if code.isdigit() and len(code) == _MYSQL_DIGITS:  # its first digits do not form a class
        by_group = "connection-failed" if code.startswith("20") else "query-failed"
        family = CODE_FAMILIES.get(code)
        return family.kind if family is not None else by_group
    prefixes = (code[:length] for length in range(len(code), 1, -1))
    return next(
        (CODE_FAMILIES[prefix].kind for prefix in prefixes if prefix in CODE_FAMILIES), "query-failed"
    )


_KINDS_BY_STATUS: Mapping[int, str] = {
    401: "authentication-failed",
    403: "permission-denied",
    404: "endpoint-missing",
    407: "authentication-failed",
    408: "network-timeout",
    410: "endpoint-missing",
    429: "rate-limited",
    504: "network-timeout",
    507: "disk-full",
    522: "network-timeout",
    524: "network-timeout",
}


def http_error_kind(status: int) -> str:
    """Return the kind of an HTTP error: by its status, else by the class of the status."""
    return _KINDS_BY_STATUS.get(status, "service-failed" if status >= 500 else "request-refused")
