"""Types of CSV columns, inferred from all lines of all files, so that no integer is rounded.

pandas infers types per chunk and reads integers with gaps as floats. Where that could have changed a value, the type is
inferred from the texts: 64-bit integers stay integers, also with gaps; a column with larger integers, or with fractions
and integers that a float cannot represent, stays text. So does a column with codes that look like numbers.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.drivers.csv.number_like_codes import code_reason
from osiris_inspect.runtime.drivers.csv.syntax.dialect import NumberFormat

_Column = pd.Series
_INTEGER: Final = r"\s*[+-]?[0-9]+\s*"
_BOOLEANS: Final = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_MAX_EXACT_FLOAT: Final = 2**53
_MAX_FLOAT_DIGITS: Final = 309


def unify_types(
    parts: Sequence[pd.DataFrame],
    read_texts: Callable[[list[Any]], list[pd.DataFrame]],
    requested: Mapping[Hashable, Any],
    null_values: Sequence[str],
    number_format: NumberFormat,
    *,
    may_have_codes: bool,
) -> dict[Any, str]:
    """Convert the columns of ``parts`` to the types of a single file that contains all their lines.

    Return the columns that stay text because their numbers are codes, and why.

    Args:
        parts: the frame of each file as pandas read it; changed in place.
        read_texts: reads columns again as text, and returns one frame per file.
        requested: the types that the step requests, by column; they are kept.
        null_values: the texts that mean a missing value.
        number_format: the format of numbers with a separator between thousands.
        may_have_codes: False if no value begins with a zero before a digit or is digits with an ``E``.
    """
    if not any(map(len, parts)):
        return {}
    names = [
        name
        for name in parts[0].columns
        if _needs_reinference([part[name] for part in parts], null_values, is_requested=name in requested)
    ]
    numbers = [
        name
        for name in parts[0].columns
        if may_have_codes and name not in requested and _are_numbers([part[name] for part in parts])
    ]
    grouped = [
        name
        for name in parts[0].columns
        if name not in requested and _may_be_grouped([part[name] for part in parts], number_format)
    ]
    checked = [name for name in parts[0].columns if name in {*names, *numbers, *grouped}]
    if not checked:
        return {}
    texts = read_texts(checked)
    kept: dict[Any, str] = {}
    for name in checked:
        columns = [part[name] for part in parts]
        joint = pd.concat([text[name] for text in texts], ignore_index=True)
        plain = number_format.plain_texts(joint) if name in grouped else None
        is_number = name in numbers or plain is not None
        reason = code_reason(joint.dropna()) if is_number else None
        if reason is not None:
            kept[name] = reason
            _split_to_parts(joint, name, parts)
        elif plain is not None:
            _split_to_parts(_infer_grouped(joint, plain), name, parts)
        elif name in names:
            column = _infer_column(joint, columns)
            _split_to_parts(column.astype(requested[name]) if name in requested else column, name, parts)
    return kept


def _are_numbers(columns: Sequence["_Column[Any]"]) -> bool:
    """Return True if the columns contain numbers only, and at least one."""
    return all(column.dtype.kind in "iuf" for column in columns) and any(
        column.notna().any() for column in columns
    )


def _split_to_parts(joint: "_Column[Any]", name: Any, parts: Sequence[pd.DataFrame]) -> None:
    start = 0
    for part in parts:
        part[name] = joint.iloc[start : start + len(part)].array
        start += len(part)


def _needs_reinference(
    columns: Sequence["_Column[Any]"], null_values: Sequence[str], *, is_requested: bool
) -> bool:
    if is_requested:
        return len({column.dtype for column in columns}) > 1  # categories differ from file to file
    kinds = {str(column.dtype) for column in columns}
    if kinds in ({"int64"}, {"uint64"}, {"bool"}):
        return False
    if kinds <= {"int64", "float64"}:
        return _may_be_rounded(columns)
    # a null value that is still text: pandas found integers beyond 64 bits half way and stopped looking for nulls
    return len(kinds) > 1 or "object" in kinds or any(column.isin(null_values).any() for column in columns)


def _may_be_rounded(columns: Sequence["_Column[Any]"]) -> bool:
    present = [column.dropna() for column in columns]
    if not any(map(len, present)):
        return False
    if sum(map(len, present)) < sum(map(len, columns)) and all((some % 1 == 0).all() for some in present):
        return True
    return any(((some >= _MAX_EXACT_FLOAT) | (some <= -_MAX_EXACT_FLOAT)).any() for some in present)


def _infer_column(texts: "_Column[Any]", columns: Sequence["_Column[Any]"]) -> "_Column[Any]":
    """Return the column of ``texts`` in its inferred type; ``columns`` are its parts as pandas read them."""
    present = texts.dropna()
    if present.empty:
        return texts.astype("float64")
    is_integer = present.str.fullmatch(_INTEGER)
    if is_integer.all():
        return _parse_integers(texts)
    if present.isin(list(_BOOLEANS)).all():
        truth = texts.map(_BOOLEANS).astype("boolean")
        return truth if truth.hasnans else truth.astype("bool")
    if all(column.dtype.kind in "iuf" for column in columns) and not any(
        map(_loses_precision, present[is_integer])
    ):
        return pd.concat([column.astype("float64") for column in columns], ignore_index=True)
    return texts


def _may_be_grouped(columns: Sequence["_Column[Any]"], number_format: NumberFormat) -> bool:
    """Return True if the columns may contain numbers with separators between thousands."""
    if number_format.thousands is None or all(column.dtype.kind in "iufb" for column in columns):
        return False
    firsts = [column.dropna().iloc[:1].astype("str") for column in columns if column.dtype.kind not in "iufb"]
    return all(number_format.plain_texts(first) is not None for first in firsts)


def _infer_grouped(texts: "_Column[Any]", plain: "_Column[Any]") -> "_Column[Any]":
    """Return integers or floats; the texts if a number would lose digits."""
    present = plain.dropna()
    is_integer = present.str.fullmatch(_INTEGER)
    if is_integer.all():
        numbers = _parse_integers(plain)
        return texts if numbers is plain else numbers
    return texts if any(map(_loses_precision, present[is_integer])) else plain.astype("float64")


def _parse_integers(texts: "_Column[Any]") -> "_Column[Any]":
    """Return 64-bit integers, or the texts if one is larger."""
    array = pa.array(texts.str.strip().str.removeprefix("+"), pa.large_string(), from_pandas=True)
    for arrow_type, with_gaps in ((pa.int64(), pd.Int64Dtype()), (pa.uint64(), pd.UInt64Dtype())):
        try:
            numbers = array.cast(arrow_type)
        except pa.ArrowInvalid:
            continue  # a number exceeds this type; try the larger one
        types = {arrow_type: with_gaps} if numbers.null_count else {}
        column: pd.Series[Any] = numbers.to_pandas(types_mapper=types.get)
        return column
    return texts


def _loses_precision(text: str) -> bool:
    digits = text.strip()
    return len(digits) > _MAX_FLOAT_DIGITS or float(digits) != int(digits)
