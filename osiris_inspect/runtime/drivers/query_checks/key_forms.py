"""Forms in which the keys of a join would match: written in one case, without spaces, zeros or a time of day."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

MAX_SAMPLE: Final = 500
"""Keys without a partner that are compared in other forms."""
MAX_PARTNERS: Final = 10_000
Form = Callable[[Any], Any]


def _number(texts: Any) -> Any:
    is_number = pc.match_substring_regex(texts, r"^[+-]?\d{1,15}(\.\d{1,9})?$")
    return pc.cast(pc.if_else(is_number, texts, None), pa.float64())


def _day(texts: Any) -> Any:
    is_time = pc.match_substring_regex(texts, r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d")
    return pc.if_else(is_time, pc.utf8_slice_codeunits(texts, 0, 10), None)


def _without_midnight(texts: Any) -> Any:
    return pc.replace_substring_regex(texts, r"[ T]00:00:00(\.0+)?$", "")


def _visible(texts: Any) -> Any:
    plain = pc.replace_substring_regex(texts, r"[\x{00AD}\x{200B}-\x{200F}\x{2060}\x{FEFF}]+", "")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"[\s\x{00A0}\x{202F}\x{2007}]+", " "))


def _words(texts: Any) -> Any:
    words = pc.replace_substring_regex(texts, r"[^\pL\pN]+", "")
    return pc.if_else(pc.equal(words, ""), None, words)


def _without_accents(texts: Any) -> Any:
    return pc.replace_substring_regex(pc.utf8_normalize(pc.utf8_lower(texts), "NFKD"), r"\p{Mn}+", "")


def _plain(texts: Any) -> Any:
    return pc.utf8_ltrim(pc.utf8_lower(pc.utf8_trim_whitespace(texts)), "0")


_FORMS: Final[Mapping[str, tuple[Form, Form]]] = {
    "case": (pc.utf8_lower, pc.utf8_lower),
    "spaces": (pc.utf8_trim_whitespace, pc.utf8_trim_whitespace),
    "invisible characters or the kind of spaces": (_visible, _visible),
    "leading zeros": (lambda texts: pc.utf8_ltrim(texts, "0"), lambda texts: pc.utf8_ltrim(texts, "0")),
    "form of the numbers": (_number, _number),
    "time of day": (_day, _without_midnight),
    "time of day of the partner": (_without_midnight, _day),
    "punctuation": (_words, _words),
    "accents": (_without_accents, _without_accents),
    "case, spaces and zeros": (_plain, _plain),
}
"""Forms in which a key and those of the other side are compared, the narrowest first."""


def match_in_other_form(alone: pa.Table, partners: pa.Table) -> tuple[int, str, int] | None:
    """Return how many keys were compared, the narrowest form in which most have a partner, and how many do.

    ``alone`` has the keys without a partner, ``partners`` the keys of the other side. None if there is no such form.

    Raises:
        pyarrow.ArrowException: the keys have no text.
    """
    kinds = {field.type for table in (alone, partners) for field in table.schema}
    if all(map(pa.types.is_integer, kinds)) or all(map(pa.types.is_date, kinds)):
        return None  # they have one form
    keys = [_texts(table.slice(0, rows)) for table, rows in ((alone, MAX_SAMPLE), (partners, MAX_PARTNERS))]
    if not all(map(len, keys)):
        return None
    for name, forms in _FORMS.items():
        own, others = (_join([form(part) for part in parts]) for form, parts in zip(forms, keys, strict=True))
        own, others = pc.unique(own), pc.drop_null(pc.unique(others))
        matching = pc.sum(pc.is_in(own, value_set=others)).as_py() or 0
        if matching and 2 * matching >= len(own):
            return len(own), name, matching
    return None


def _texts(keys: pa.Table) -> list[Any]:
    """Return the columns of the keys without a null, as text."""
    columns = [pc.cast(column.combine_chunks(), pa.string()) for column in keys.drop_null().columns]
    return columns if columns and len(columns[0]) else []


def _join(columns: list[Any]) -> Any:
    if len(columns) == 1:
        return columns[0]
    return pc.binary_join_element_wise(*(pc.cast(column, pa.string()) for column in columns), "\x01")
