"""Error codes of servers and drivers, and their meaning.

A code is the same in every language and version, so it overrides the wording of an error. Numbers are MySQL codes,
five characters are an SQLSTATE, ``PGRST`` codes come from PostgREST, and words are psycopg exception classes. Codes
with several possible causes are not listed; a code that is not listed belongs to the class that it begins with.

Source: the error appendices of the MySQL, MariaDB, PostgreSQL and PostgREST manuals.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.echoed_text import without_echoed_text
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

ERROR_CODES: Mapping[str, str] = {
    "credentials": "1045 1698 1820 1862 3118 28P01 InvalidPassword",
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
    "value": "1264 1265 1292 1366 1406 22001 22003 22007 22008 22P02 StringDataRightTruncation "
    "NumericValueOutOfRange InvalidDatetimeFormat DatetimeFieldOverflow InvalidTextRepresentation",
    "type": "42804 DatatypeMismatch",
    "setting": "1115 1193 1231 1273 1298",
    "prepared statement": "1243 26000 42P05 InvalidSqlStatementName DuplicatePreparedStatement",
    "lock": "1205 1213 3572 40001 40P01 55P03 55006 DeadlockDetected SerializationFailure LockNotAvailable "
    "ObjectInUse",
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
    "disk": "1021 1114 53100 DiskFull",
    "memory of the server": "1037 1038 1041 53200",
    "service without database": "PGRST000 PGRST001 PGRST002 PGRST003",
}
"""Error class to its codes. PostgreSQL uses ``21000`` for an upsert that contains the same key twice."""

CODE_FAMILIES: Mapping[str, str] = {
    "connection lost": "57P 2012 2055",
    "connection rejected": "08 28 InvalidAuthorizationSpecification",
    "token": "PGRST3",
    "service without database": "PGRST0",
    "request": "PGRST1",
    "value": "22 DataError InvalidParameterValue",
    "integrity": "23 44 IntegrityError",
    "lock": "40",
    "interrupted": "57014 QueryCanceled",
    "server limit": "53 54",
    "server fault": "58 XX F0 PGRSTX",
    "raised in the database": "P0 1644",
    "statement": "42 PGRST2 ProgrammingError NotSupportedError",
}
"""Error class to the beginnings of codes that belong to it unless ``ERROR_CODES`` lists them; the wording comes first.

The first two characters of an SQLSTATE are its class; ``DataError`` and its like are the classes of PEP 249. A class
belongs to a rule that does not refine a rule for the words of its members.
"""

_CLASSES: Mapping[str, str] = {code: name for name, codes in ERROR_CODES.items() for code in codes.split()}
_NAME = r"(?:[^'\"«»„“\n]{0,60}['\"«»„“] ?(?P<%s>[^'\"«»“”\n]{1,120}?) ?['\"«»“”])?"
_CODE_PATTERNS = LazyRegex(
    r"(?<![\w.])\(([1-4]\d{3}), [\"']"
    + _NAME % "n1"
    + r"|(?<![\w'\"])['\"](?:code|C)['\"]: ?['\"]([0-9A-Z]{5}|PGRST\d{3})['\"]"
    r"|\bSQLSTATE\b[ :=\[(]{0,3}([0-9A-Z]{5})\b"
    r"|^Error ([0-9A-Z]{5}|PGRST\d{3}):"
    r"|\b([1-4]\d{3}) \([0-9A-Z]{5}\): "
    r"|\bpsycopg2?\.errors\.([A-Z]\w{2,60})\b(?:[):] ?" + _NAME % "n2" + r")?",
    re.MULTILINE,
)
_FAMILY_PATTERNS = LazyRegex(
    r"(?<![\w.])\(([1-4]\d{3}), [\"']|(?<![\w'\"])['\"](?:code|C)['\"]: ?['\"]([0-9A-Z]{5}|PGRST[0-9X]\d{2})['\"]"
    r"|\bSQLSTATE\b[ :=\[(]{0,3}([0-9A-Z]{5})\b|\b[1-4]\d{3} \(([0-9A-Z]{5})\): |^Error ([0-9A-Z]{5}|PGRST[0-9X]\d{2}):"
    r"|\b(?:pymysql|MySQLdb|mysql|psycopg2?|asyncpg)(?:\.\w{1,40}){0,2}\.(DataError|IntegrityError|ProgrammingError|NotSupportedError)\b"
    r"|\bpsycopg2?\.errors\.([A-Z]\w{2,60})\b",
    re.MULTILINE,
)
_FAMILIES: Mapping[str, str] = {
    start: name for name, starts in CODE_FAMILIES.items() for start in starts.split()
}
_NUMBER_LENGTH = 4
"""Digits of a MySQL code, which has no class."""
_GROUPS = (1, 3, 4, 5, 6, 7)
"""The groups that contain a code; the named groups contain the quoted name after it."""
_EXCEPTION_CLASSES = re.compile(r"^[A-Za-z_][\w.]{0,200}: [^\n]{0,2000}", re.MULTILINE)
_HANDLING = "During handling of the above exception"


class ErrorCode(NamedTuple):
    """A known code and its match; the named groups contain the quoted name after the code."""

    error_class: str
    match: re.Match[str]


@lru_cache(maxsize=64)
def find_error_code(text: str, error_type: str = "", traceback: str = "") -> ErrorCode | None:
    """Return the first known code of an error: in its text, its class or its traceback.

    Exceptions that the driver handled before are not part of the error.
    """
    for code in _known_codes(text):
        return code
    type_match = re.fullmatch(r"\w+", error_type)
    if type_match and error_type in _CLASSES and error_type != "SyntaxError":  # also a class of Python
        return ErrorCode(_CLASSES[error_type], type_match)
    raised = _EXCEPTION_CLASSES.findall(traceback.rpartition(_HANDLING)[2])
    return next((code for line in reversed(raised) for code in _known_codes(line)), None)


@lru_cache(maxsize=64)
def find_code_family(text: str) -> ErrorCode | None:
    """Return the class that the first code of an error belongs to by its beginning."""
    for own in _FAMILY_PATTERNS.finditer(without_echoed_text(text)):
        code = next(group for group in own.groups() if group)
        starts = [code] if len(code) == _NUMBER_LENGTH else [code[:end] for end in range(len(code), 1, -1)]
        family = next((_FAMILIES[start] for start in starts if start in _FAMILIES), None)
        match = _FAMILY_PATTERNS.match(text, own.start())
        if family is not None and match is not None:
            return ErrorCode(family, match)
    return None


def _known_codes(text: str) -> Iterator[ErrorCode]:
    """Yield the known codes outside of echoed text."""
    for own in _CODE_PATTERNS.finditer(without_echoed_text(text)):
        match = _CODE_PATTERNS.match(text, own.start())
        if match is not None:
            code = next(match[group] for group in _GROUPS if match[group])
            if code in _CLASSES:
                yield ErrorCode(_CLASSES[code], match)
