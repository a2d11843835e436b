"""The decisive words of an error, on one line.

A headline repeats the error itself, so that it is never worse than the raw text. A long text loses its middle: the
class and the code stand at its beginning, the reason often at its end. A sentence in the middle stays if it looks like
the reason.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from osiris_inspect.base.text.invisible_characters import INVISIBLE
from osiris_inspect.inspector.run.error_phrases import MAX_END
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.reasons import reason_weight
from osiris_inspect.inspector.text.sanitize import shorten_middle, single_ellipses
from osiris_inspect.model.redaction import mask_by_pattern

LIMIT: Final = 300
"""Characters of an error that a headline repeats."""

_STEP_PREFIX = LazyRegex(
    r"^(?:(?:Driver error|Execution failed|RuntimeError|Exception|Error): ?)?"
    r"(?:[Ss]tep '?[\w.\-]{1,200}'?(?: (?:execution )?failed)?: ?)?(?:\[[\w.\-]{1,80}\] )?"
)
_NOISE = LazyRegex(
    r"\(Background on this error at: [^)\n]{0,200}\)|^[^\S\n]*LINE \d{1,6}: [^\n]{0,4000}$|^[^\S\n]*\^[\s~^]{0,200}$",
    re.MULTILINE,
)
_QUERY = LazyRegex(
    r"\[SQL: (?:[^\[]|\[(?!SQL: )){0,16000}?\](?=\s{0,20}(?:\[parameters: |\(Background on|\Z))"
    r"|\[parameters: (?:[^\[]|\[(?!parameters: )){0,16000}?\](?=\s{0,20}(?:\(Background on|\Z))"
    r"|(?<=Execution failed on sql ')(?:[^E]|E(?!xecution failed on)){0,16000}?(?=': )"
)
_PAGE = LazyRegex(r"<(?:!doctype html|html|head|body)\b(?![^<>\n]{0,100}>[\"'`])", re.IGNORECASE)
"""The start of a page; not a tag in quotes, which is a name."""
_PAGE_END = LazyRegex(r"</html>\s{0,20}", re.IGNORECASE)
_TITLE = LazyRegex(r"<(title|h1)\b[^>]{0,200}>(?P<title>[^<]{1,300})</", re.IGNORECASE)
_EXCEPTION_LINE = LazyRegex(
    r"^(?:[A-Za-z_][\w.]{0,200}(?:Error|Exception|Interrupt|Exit|Warning)\b)", re.MULTILINE
)
_SENTENCE = LazyRegex(r"(?:[^.:;!?]|[.:;!?](?![\s'\"])){4,400}[.:;!?]?")
_TRACEBACK = "Traceback (most recent call last)"
_DETAIL = LazyRegex(r"\d|['\"`/=]|: [^:\n]{1,200}: ")
"""Signs of a value, a name or a path in an error."""
_UNINFORMATIVE = frozenset(
    [
        "Exception",
        "RuntimeError",
        "Error",
        "StepError",
        "StepExecutionError",
        "DriverError",
        "WorkerLost",
        "StepTimeout",
    ]
)


@lru_cache(maxsize=256)
def error_headline(text: str, error_type: str = "", focus: str = "") -> str:
    """Return an error on one line of about ``LIMIT`` characters, with secrets masked.

    Args:
        text: the error as logged.
        error_type: its class, which is put before a text that does not contain it.
        focus: a part of ``text`` that must stay.
    """
    line = _STEP_PREFIX.sub(lambda _: "", " ".join(_plain(text).split())).strip()
    if not line:
        return error_type or "an error without a text"
    name = error_type.rpartition(".")[2]
    if name and name not in _UNINFORMATIVE and name not in line:
        line = f"{name}: {line}"
    short = _shorten(line, " ".join(mask_by_pattern(focus).split()))
    return single_ellipses(short).rstrip(".,;: ")


def _shorten(line: str, focus: str) -> str:
    """Return a line without its middle, with its focus and, if there is room for both, the reason."""
    short = shorten_middle(line, LIMIT, focus)
    reason = _reason(line) if len(line) > LIMIT and focus in shorten_middle(line, LIMIT) else ""
    with_reason = shorten_middle(line, LIMIT, reason) if reason else short
    return with_reason if focus in with_reason else short


def _reason(line: str) -> str:
    """Return the sentence in the middle of a long line that most probably states the reason; empty if none does."""
    spaced = line.replace("\\n", ". ")  # an escaped line break ends a sentence
    sentences = [match[0].strip() for match in _SENTENCE.finditer(spaced)]
    best = max(sentences, key=reason_weight, default="")
    is_shown = reason_weight(best) <= max(1, reason_weight(shorten_middle(spaced, LIMIT)))
    return "" if is_shown else best.rstrip(".:;!?")


def with_cause(line: str, causes: Sequence[str]) -> str:
    """Return a headline without details followed by the first cause that has some, else by the last one.

    ``extraction failed`` says nothing; the error that the driver handled when it raised this one does.
    """
    news = [
        headline for cause in causes if (headline := error_headline(cause)) and not _is_part(headline, line)
    ]
    if not news or _DETAIL.search(line):
        return line
    cause = next((headline for headline in news if _DETAIL.search(headline)), news[-1])
    return f"{line} (caused by {cause})"


def _is_part(cause: str, line: str) -> bool:
    text = cause.partition(": ")[2] or cause
    return text.strip(" .'\"") in line


def _plain(text: str) -> str:
    """Return a text without echoed queries, traceback frames and HTML, with secrets masked."""
    text = "\n".join(INVISIBLE.sub(" ", line) for line in mask_by_pattern(_ends(text)).split("\n"))
    if _TRACEBACK in text:
        raised = [match.start() for match in _EXCEPTION_LINE.finditer(text)]
        text = text[raised[-1] :] if raised else text
    text = _NOISE.sub(lambda _: "", _QUERY.sub(lambda _: "…", text))
    page = _PAGE.search(text)
    if page is not None:
        title = _TITLE.search(text, page.start())
        name = f"HTML page {' '.join(title['title'].split())!r}" if title else "an HTML page"
        ends = [match.end() for match in _PAGE_END.finditer(text) if match.start() > page.start()]
        text = f"{text[: page.start()]}{name}{text[ends[-1] :] if ends else ''}"
    return text


def _ends(text: str) -> str:
    return text if len(text) <= 2 * MAX_END else f"{text[:MAX_END]} … {text[-MAX_END:]}"
