"""Error codes in the text of an error.

A code is the same in every language and version, so it overrides the wording of an error.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from osiris_inspect.base.error_codes import CLASS_OF_CODE, CODE_FAMILIES, refine_class
from osiris_inspect.inspector.diagnosis.evidence.echoed_text import without_echoed_text
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

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
    start: family.error_class for start, family in CODE_FAMILIES.items() if family.error_class
}
_STATEMENT = "statement"
"""Class of an SQLSTATE, or of an exception named after one, that no family contains."""
_SQLSTATE_LENGTH = 5
_NUMBER_LENGTH = 4
"""Digits of a MySQL code, which has no class."""
_GROUPS = (1, 3, 4, 5, 6, 7)
"""The groups that contain a code; the named groups contain the quoted name after it."""
_EXCEPTION_CLASSES = LazyRegex(r"^[A-Za-z_][\w.]{0,200}: [^\n]{0,2000}", re.MULTILINE)
_HANDLING = "During handling of the above exception"


class ErrorCode(NamedTuple):
    """A known code and its match; the named groups contain the quoted name after the code."""

    error_class: str
    match: re.Match[str]


@lru_cache(maxsize=1024)
def find_error_code(text: str, error_type: str = "", traceback: str = "") -> ErrorCode | None:
    """Return the first known code of an error: in its text, its class or its traceback.

    Exceptions that the driver handled before are not part of the error. The words decide where a code has several
    causes.
    """
    code = _find_code(text, error_type, traceback)
    if code is None:
        return None
    return code._replace(error_class=refine_class(code.error_class, without_echoed_text(text)))


def _find_code(text: str, error_type: str, traceback: str) -> ErrorCode | None:
    for code in _known_codes(text):
        return code
    type_match = re.fullmatch(r"\w+", error_type)
    if type_match and error_type in CLASS_OF_CODE and error_type != "SyntaxError":  # also a class of Python
        return ErrorCode(CLASS_OF_CODE[error_type], type_match)
    raised = [line[0] for line in _EXCEPTION_CLASSES.finditer(traceback.rpartition(_HANDLING)[2])]
    return next((code for line in reversed(raised) for code in _known_codes(line)), None)


@lru_cache(maxsize=64)
def find_code_family(text: str) -> ErrorCode | None:
    """Return the class that the first code of an error belongs to by its beginning."""
    for own in _FAMILY_PATTERNS.finditer(without_echoed_text(text)):
        code = next(group for group in own.groups() if group)
        starts = [code] if len(code) == _NUMBER_LENGTH else [code[:end] for end in range(len(code), 1, -1)]
        is_of_server = len(code) == _SQLSTATE_LENGTH or not (code.isdigit() or code.startswith("PGRST"))
        default = _STATEMENT if is_of_server else None
        family = next((_FAMILIES[start] for start in starts if start in _FAMILIES), default)
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
            if code in CLASS_OF_CODE:
                yield ErrorCode(CLASS_OF_CODE[code], match)
