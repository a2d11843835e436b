"""Dialect of a CSV file: how its fields are separated and quoted, and the delimiter that its first lines show."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.drivers.interface.frame_columns import delimiter_setting

AUTO: Final = "auto"
"""Setting of ``delimiter`` that takes the delimiter from the first lines."""
NO_QUOTE: Final = "none"
WHITE_SPACE: Final = r"\s+"
_CANDIDATES: Final = ("\t", ";", "|", ",")
"""Of delimiters that fit equally well, a comma is used, then the first."""
_COMMA_OF_TEXT: Final = re.compile(r",(?= )|(?<=\d),(?=\d)")
MIN_SHARE: Final = 0.5
"""Share of the first rows that a delimiter must split like the header."""
_SYMBOL: Final = re.compile(r"[!-/:-@\[-`{-~]")
_SPACES: Final = " \u00a0\u2009\u202f"
"""Spaces between the digits of a number; ``thousands: " "`` means any of them."""


class Head(NamedTuple):
    """First lines of a file, from the header on; not all of them if ``is_whole`` is False."""

    lines: Sequence[str]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class FieldSyntax:
    """Quoting, escaping and comments of a file."""

    quote: str | None
    escape: str | None
    comment: str | None

    @classmethod
    def of_config(cls, config: Config) -> "FieldSyntax":
        """Return the syntax that a step requests."""
        quote = config.get("quote", '"')
        return cls(None if quote == NO_QUOTE else quote, config.get("escape"), config.get("comment"))

    @property
    def pandas_options(self) -> dict[str, Any]:
        """The options of ``pandas.read_csv``."""
        return {**self._quoting, "escapechar": self.escape, "comment": self.comment}

    def rows(self, lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
        """Yield the fields of each row; a quoted line break joins two lines, and an empty line has no fields."""
        yield from csv.reader(
            self._without_comments(lines), delimiter=delimiter, escapechar=self.escape, **self._quoting
        )

    @property
    def _quoting(self) -> Mapping[str, Any]:
        """The options of quotes, which pandas has from the csv module."""
        return {"quoting": csv.QUOTE_NONE} if self.quote is None else {"quotechar": self.quote}

    def _without_comments(self, lines: Iterable[str]) -> Iterator[str]:
        if self.comment is None:
            yield from lines
            return
        is_quoted = False
        for line in lines:
            kept: list[str] = []
            for part in line.split(self.comment):
                kept.append(part)
                is_quoted ^= self.quote is not None and part.count(self.quote) % 2 == 1
                if not is_quoted:
                    break
            yield self.comment.join(kept)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """The form of numbers; pandas reads the decimal separator, not the one between thousands.

    pandas removes a separator between thousands wherever it is: it would read ``1,5`` as 15 and ``01.02.2024`` as 1022024.
    """

    decimal: str
    thousands: str | None

    @classmethod
    def of_config(cls, config: Config) -> "NumberFormat":
        """Return the format that a step requests."""
        return cls(config.get("decimal", "."), config.get("thousands"))

    def plain_texts(self, texts: "pd.Series[Any]") -> "pd.Series[Any] | None":
        """Return numbers as Python writes them; None if one of the texts is not a number in this format."""
        if self.thousands is None or not texts.dropna().str.fullmatch(self._pattern).all():
            return None
        plain = texts.str.replace(f"[{self._separators}]", "", regex=True)
        return plain.str.replace(self.decimal, ".", regex=False)

    def odd_text(self, texts: "pd.Series[Any]") -> str | None:
        """Return the first text that is not a number in this format."""
        present = texts.dropna()
        odd = present[~present.str.fullmatch(self._pattern)]
        return str(odd.iloc[0]) if len(odd) else None

    @property
    def _separators(self) -> str:
        return re.escape(_SPACES if self.thousands == " " else self.thousands or "")

    @property
    def _pattern(self) -> str:
        grouped = f"[1-9][0-9]{{0,2}}(?:[{self._separators}][0-9]{{3}})+"
        return rf"\s*[+-]?(?:{grouped}|[0-9]+)(?:{re.escape(self.decimal)}[0-9]*)?\s*"


def check_dialect(config: Config) -> None:
    """Check the delimiter, the quote, the escape and the separators of numbers.

    Raises:
        DriverError: one of them is invalid, or two of them are the same character.
    """
    delimiter = config["delimiter"]
    is_character = isinstance(delimiter, str) and delimiter.isascii() and len(delimiter) == 1
    if not is_character and delimiter not in (AUTO, WHITE_SPACE):
        raise _invalid(
            "delimiter",
            delimiter,
            rf"takes one ASCII character, {WHITE_SPACE} for any white space, or {AUTO}",
        )
    for key in ("quote", "escape"):
        value = config.get(key)
        if value is not None and not (isinstance(value, str) and _SYMBOL.fullmatch(value)):
            if key == "quote" and value == NO_QUOTE:
                continue
            raise _invalid(key, value, "takes one ASCII sign")
    for key in ("decimal", "thousands"):
        value = config.get(key)
        if value is not None and not (isinstance(value, str) and len(value) == 1 and not value.isalnum()):
            raise _invalid(key, value, "takes one character between digits")
    for first, second in (
        ("decimal", "thousands"),
        ("quote", "delimiter"),
        ("escape", "delimiter"),
        ("escape", "quote"),
    ):
        value = config.get(first, {"decimal": ".", "quote": '"'}.get(first))
        if value is not None and value == config.get(second):
            raise DriverError(
                f"{first} and {second} are both {value!r}",
                kind="config-value-invalid",
                fix=f"set {first} to another character than {second}",
                setting=first,
                value=value,
            )


def _invalid(setting: str, value: Any, expected: str) -> DriverError:
    return DriverError(
        f"{setting} is {value!r}; it {expected}",
        kind="config-value-invalid",
        fix=f"correct {setting}",
        setting=setting,
        value=value,
    )


def sniffed_delimiter(head: Head, config: Config) -> str:
    """Return the delimiter of a file by its first lines; of one column, a character that its numbers do not contain."""
    return header_delimiter(head, config) or (";" if config.get("decimal") == "," else ",")


def header_delimiter(head: Head, config: Config) -> str | None:
    """Return the delimiter that splits the header, and at least half of the first rows like it; None without one.

    Only a delimiter in the header counts, so that a column of lists such as ``a;b`` stays one column. Of several, the
    one that splits most rows like the header is used, then the one with most fields; a comma wins over signs as in ``a; b``.
    """
    syntax = FieldSyntax.of_config(config)
    text = "\n".join(head.lines)
    fits = {candidate: _fit(head, candidate, syntax) for candidate in _CANDIDATES if candidate in text}
    possible = [name for name, fit in fits.items() if fit.fields > 1 and fit.share >= MIN_SHARE]
    if len(possible) > 1 and "," in possible and not _belongs_to_text(",", text):
        others = [name for name in possible if name != "," and not _belongs_to_text(name, text)]
        possible = [",", *others]
    return max(possible, key=fits.__getitem__, default=None)  # the first of equals


def _belongs_to_text(candidate: str, text: str) -> bool:
    """Return True if a space follows each of the signs, or if commas are between digits."""
    pattern = _COMMA_OF_TEXT if candidate == "," else re.compile(rf"{re.escape(candidate)}(?= )")
    return len(pattern.findall(text)) == text.count(candidate)


class _Fit(NamedTuple):
    share: float
    fields: int


def _fit(head: Head, delimiter: str, syntax: FieldSyntax) -> _Fit:
    """Return the share of the rows that a delimiter splits into as many fields as the header, and their number."""
    try:
        rows = [row for row in syntax.rows(head.lines, delimiter) if len(row) > 1 or any(map(str.strip, row))]
    except csv.Error:  # a field that is too long, or a NUL
        return _Fit(0, 0)
    if not head.is_whole and len(rows) > 1:
        rows.pop()
    if not rows:
        return _Fit(0, 0)
    width, below = len(rows[0]), rows[1:]
    fitting = sum(len(row) == width or (len(row) == width + 1 and not row[-1]) for row in below)
    return _Fit(fitting / len(below) if below else 1.0, width)


def probable_delimiter(head: Head, config: Config) -> str | None:
    """Return the other delimiter that splits all lines into equally many fields, more than the step's their first."""
    syntax, delimiter = FieldSyntax.of_config(config), config["delimiter"]
    now = _fit(head, delimiter, syntax).fields if len(delimiter) == 1 else 1
    for candidate in (";", "\t", "|", ","):
        fit = _fit(head, candidate, syntax)
        if candidate != delimiter and len(head.lines) > 1 and fit.share == 1 and fit.fields > max(now, 1):
            return candidate
    return None


def wrong_delimiter_error(path: Path, config: Config, delimiter: str, head: Head) -> DriverError:
    """Return the error for a file whose lines are separated by ``delimiter`` instead of the requested one."""
    fields = _fit(head, delimiter, FieldSyntax.of_config(config)).fields
    return DriverError(
        f"{path} is separated by {delimiter!r}, not {config['delimiter']!r}: its header has {fields} fields that way",
        kind="delimiter-wrong",
        fix=f"set {delimiter_setting(delimiter)}, or {AUTO}",
        path=str(path),
        delimiter=config["delimiter"],
        found_delimiter=delimiter,
        fields=fields,
    )
