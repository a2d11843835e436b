"""Error codes of servers and drivers, and their meaning.

Numbers are MySQL codes, five characters are an SQLSTATE, ``PGRST`` codes come from PostgREST, and words are psycopg
exception classes. Codes with several possible causes are not listed; ``error_kind`` falls back to the class of a code.

Source: the error appendices of the MySQL, MariaDB, PostgreSQL and PostgREST manuals.
"""

from collections.abc import Mapping
from typing import NamedTuple

ERROR_CODES: Mapping[str, str] = {
    "credentials": "1045 1698 28P01 InvalidPassword",
    "locked account": "1820 1862 3118",
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
    "syntax": "1064 1149 42601 SyntaxError",
    "ambiguous": "1052 42702 AmbiguousColumn PGRST201 PGRST203",
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
    "memory of the server": "1037 1038 1041 53200",
    "service without database": "PGRST000 PGRST001 PGRST002 PGRST003",
    "one row": "PGRST116",
    "raised in the database": "1644 P0001 RaiseException",
}
"""Error class to its codes. PostgreSQL uses ``21000`` for an upsert that contains the same key twice."""


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
    "22012": CodeFamily("value", "query-failed"),
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

_MYSQL_DIGITS = 4


def error_kind(code: str) -> str:
    """Return the kind of a server error: by its code, else by the class of the code, else ``query-failed``."""
    if code in CLASS_OF_CODE:
        return ERROR_KINDS_BY_CLASS[CLASS_OF_CODE[code]]
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
