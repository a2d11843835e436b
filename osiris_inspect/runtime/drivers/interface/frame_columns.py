"""Columns of a frame whose names a database cannot use: a header read as one name, a name that occurs twice."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from osiris_inspect.base.text.text_formats import TextFormat, text_format
from osiris_inspect.model.errors import DriverError

_DELIMITERS: Final = ";\t|,"


def delimiter_of_header(names: Sequence[str], expected: Collection[str] | None = None) -> str | None:
    """Return the delimiter that splits the only name into names, one of which is expected; None without one.

    Without ``expected``, any names count.
    """
    if len(names) != 1:
        return None
    for delimiter in _DELIMITERS:
        parts = [part.strip(' "').lower() for part in names[0].split(delimiter)]
        if len(parts) > 1 and (expected is None or not {name.lower() for name in expected}.isdisjoint(parts)):
            return delimiter
    return None


def delimiter_setting(delimiter: str) -> str:
    """Return the setting of a delimiter as a pipeline file has it."""
    return "delimiter: " + (r'"\t"' if delimiter == "\t" else repr(delimiter))


def check_column_names(names: Sequence[str]) -> None:
    """Check that a database can have columns of these names, the ones in the driver's frame.

    Raises:
        DriverError: the first name is of another kind of text, the only name is a header with tabs, or a name is
            empty or occurs twice.
    """
    text = text_format(names[0]) if names else None
    if text is not None:
        raise _not_a_table_error(names[0], text)
    if len(names) == 1 and "\t" in names[0]:
        raise header_error(names[0], "\t")
    check_unique_names(names)
    if "" in names:
        raise DriverError(
            f"column {names.index('') + 1} of the frame has no name",
            kind="frame-refused",
            fix="name it in the step that makes the frame",
            columns=list(names),
            rows_written=0,
        )


def check_unique_names(names: Sequence[str]) -> None:
    """Check that no two columns have the same name.

    Raises:
        DriverError: a name occurs twice.
    """
    name, count = next(iter(Counter(names).most_common(1)), ("", 0))
    if count > 1:
        raise DriverError(
            f"the frame has {count} columns named {name!r}",
            kind="frame-refused",
            fix="give each column its own name in the step that makes the frame; "
            "if one is the index of a pandas frame, set index: drop to leave it out",
            column=name,
            columns=list(names),
            rows_written=0,
        )


def header_error(name: str, delimiter: str) -> DriverError:
    """Return the error for a frame whose only column has a whole header as its name."""
    return DriverError(
        f"the frame has one column, {name!r}: its file was read with another delimiter",
        kind="delimiter-wrong",
        fix=f"set {delimiter_setting(delimiter)} in the step that reads the file",
        columns=[name],
        found_delimiter=delimiter,
        rows_written=0,
    )


def _not_a_table_error(name: str, text: TextFormat) -> DriverError:
    return DriverError(
        f"the first column of the frame is named {name!r}: its file is {text.description}, not a table",
        kind="file-format-wrong",
        fix=text.fix,
        columns=[name],
        format=text.name,
        rows_written=0,
    )
