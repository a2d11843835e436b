"""The codes by which servers and drivers say what went wrong, and what they mean.

A code is meant for programs: it is the same in every language and in every version, and it decides where a phrase could
be a part of the data. Numbers are MySQL's, five characters are an SQLSTATE, ``PGRST`` is PostgREST's, and a word is the
class that psycopg raises. A code that may have several causes is left to the words beside it.

Source: the appendices on errors of the manuals of MySQL, MariaDB, PostgreSQL and PostgREST.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.echoed_text import without_echoed_text
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

ERROR_CODES: Mapping[str, str] = {
    "credentials": "1045 1698 1820 1862 3118 28P01 28000 InvalidPassword InvalidAuthorizationSpecification",
    "token": "PGRST300 PGRST301 PGRST302 PGRST303",
    "rights": "1044 1142 1143 1227 1370 42501 InsufficientPrivilege",
    "read-only": "1792 1836 25006 ReadOnlySqlTransaction",
    "no database": "1049 3D000 InvalidCatalogName",
    "no schema": "3F000 InvalidSchemaName PGRST106",
    "no table": "1051 1146 42P01 PGRST205 UndefinedTable",
    "no column": "1054 42703 PGRST204 UndefinedColumn",
    "no function": "1305 42883 PGRST202 UndefinedFunction",
    "syntax": "1064 1149 42601 SyntaxError",
    "ambiguous": "1052 42702 AmbiguousColumn",
    "grouping": "1055 1140 42803 GroupingError",
    "name twice": "1060 42701 DuplicateColumn 1066 42712 DuplicateAlias",
    "broken view": "1356",
    "duplicate": "1062 1586 23505 UniqueViolation",
    "null": "1048 1364 23502 NotNullViolation",
    "foreign key": "1216 1217 1451 1452 23503 ForeignKeyViolation",
    "check": "3819 4025 23514 CheckViolation",
    "twice in one write": "21000 CardinalityViolation",
    "no matching key": "42P10 InvalidColumnReference",
    "value": "1264 1265 1292 1366 1406 22001 22003 22007 22008 22P02 StringDataRightTruncation "
    "NumericValueOutOfRange InvalidDatetimeFormat DatetimeFieldOverflow InvalidTextRepresentation",
    "type": "42804 DatatypeMismatch",
    "lock": "1205 1213 3572 40001 40P01 55P03 DeadlockDetected SerializationFailure LockNotAvailable",
    "statement timeout": "1969 3024",
    "interrupted": "1317",
    "failed transaction": "25P02 InFailedSqlTransaction",
    "too many connections": "1040 1203 53300 TooManyConnections",
    "starting": "57P03 CannotConnectNow",
    "client not allowed": "1130",
    "client blocked": "1129",
    "connection lost": "1927 2006 57P01 57P02 08006 08003 AdminShutdown CrashShutdown ConnectionFailure",
    "encryption": "2026 3159",
    "too large": "1153",
    "disk": "1021 1114 53100 DiskFull",
    "memory of the server": "1037 1038 1041 53200",
    "service without database": "PGRST000 PGRST001 PGRST002 PGRST003",
}
"""What is wrong, and the codes that say so. ``21000`` is PostgreSQL's for rows that meet themselves in one upsert."""

_MEANING: Mapping[str, str] = {code: cause for cause, codes in ERROR_CODES.items() for code in codes.split()}
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
_GROUPS = (1, 3, 4, 5, 6, 7)
"""Those that hold a code; the others, which have names, hold what the text names after it."""
_EXCEPTION_CLASSES = re.compile(r"^[A-Za-z_][\w.]{0,200}: [^\n]{0,2000}", re.MULTILINE)
_HANDLING = "During handling of the above exception"


class ErrorCode(NamedTuple):
    """A code that is known: what it means and where it stands.

    The named groups of ``match`` hold the name in quotes with which the text goes on, where it does.
    """

    cause: str
    match: re.Match[str]


@lru_cache(maxsize=64)
def find_error_code(text: str, kind: str = "", traceback: str = "") -> ErrorCode | None:
    """The first known code of an error: in its text, else as its class, else in what its traceback says was raised.

    What a driver met before and dealt with is no part of the error, so only the end of a traceback counts.
    """
    spoken = next(_known(without_echoed_text(text), text), None)
    if spoken is not None:
        return spoken
    if kind in _MEANING and kind != "SyntaxError":  # Python has a class of that name as well
        match = re.match(r"\w+", kind)
        return ErrorCode(_MEANING[kind], match) if match else None
    raised = _EXCEPTION_CLASSES.findall(traceback.rpartition(_HANDLING)[2])
    return next((code for line in reversed(raised) for code in _known(without_echoed_text(line), line)), None)


def _known(own: str, text: str) -> Iterator[ErrorCode]:
    """The known codes of a text's own words, as they stand in the text."""
    for place in _CODE_PATTERNS.finditer(own):
        match = _CODE_PATTERNS.match(text, place.start())
        if match is None:
            continue
        said = next(match[group] for group in _GROUPS if match[group])
        if said in _MEANING:
            yield ErrorCode(_MEANING[said], match)
