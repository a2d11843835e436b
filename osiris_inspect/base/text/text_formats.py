"""Formats of texts that are often found in place of a table, by their first characters."""

import re
from typing import Final, NamedTuple


class TextFormat(NamedTuple):
    """Format of a text: a short name, a description with its article, and what to do where a table is expected."""

    name: str
    description: str
    fix: str


_FETCH_AGAIN: Final = "look at its text, solve the error that it reports, and fetch the file again"
_FORMATS: Final = (
    (
        r"(?:<!--[^>]{0,500}-->\s{0,20})?<(?:!doctype html|html|head|body)\b",
        TextFormat(
            "html",
            "an HTML page",
            "check the URL or program that delivers the file, and its login: it delivered a page, not the data",
        ),
    ),
    (
        r"<(?:\?xml\b|!doctype\b|error>\s{0,20}<code>|listbucketresult\b|soap)",
        TextFormat(
            "xml",
            "an XML document",
            f"{_FETCH_AGAIN}; if it is data, read it with a driver for XML",
        ),
    ),
    (
        r"version https?://(?:git-lfs\.github\.com|hawser\.github\.com)/spec",
        TextFormat("git-lfs", "a pointer of Git LFS", "run git lfs pull in the repository of the file"),
    ),
    (
        r"(?:\.git)?/annex/objects/",
        TextFormat("git-annex", "a pointer of git-annex", "run git annex get in the repository of the file"),
    ),
    (
        r"outs:\s{0,5}\n?\s{0,5}- (?:md5|hash|etag|path):",
        TextFormat("dvc", "a pointer of DVC", "run dvc pull in the repository of the file"),
    ),
    (
        r"-- (?:mysql|mariadb|postgresql|sqlite)\b|(?:create table|insert into) [^\n,;]{1,200}\(",
        TextFormat("sql", "a file of SQL statements", "export the table as CSV, or load the dump into a database"),
    ),
    (
        r"traceback \(most recent call last\)|curl: \(\d|an error occurred \(|total \d{1,9}\r?\n[d-][rwxsStT-]{9}"
        r"|[45]\d\d:? (?:not found|forbidden|unauthorized|bad gateway|internal server error|service unavailable)",
        TextFormat("output", "the output of a program, such as an error message", _FETCH_AGAIN),
    ),
)  # fmt: skip
_START: Final = r"\ufeff?\s{0,200}"
_JSON: Final = r"(?:\{\s{0,200}\"[^\"\n]{1,200}\"\s{0,10}:|\[\s{0,200}[\[{\"]|[\[{]\s{0,200}\Z)"
_JSON_FORMAT: Final = TextFormat(
    "json", "a JSON document", f"{_FETCH_AGAIN}; if it is data, read it with a driver for JSON"
)
_TITLE: Final = r"<title[^<>]{0,100}>([^<]{1,200})"


def text_format(start: str, *, is_first_line_header: bool = True) -> TextFormat | None:
    """Return the format of a text by its first characters; None if it may be a table.

    A cell may contain JSON, so that it counts only where a header is expected.
    """
    if start.isidentifier():
        return None  # such as the name of a column; each pattern requires other characters
    forms = (form for pattern, form in _FORMATS if re.match(f"{_START}(?:{pattern})", start, re.IGNORECASE))
    form = next(forms, None)
    if form is None and is_first_line_header and re.match(_START + _JSON, start):
        return _JSON_FORMAT
    title = re.search(_TITLE, start, re.IGNORECASE) if form is not None and form.name == "html" else None
    if form is None or title is None or not title[1].strip():
        return form
    return form._replace(description=f"{form.description} ({' '.join(title[1].split())!r})")
