"""The words of an error that state its reason, and findings on one short line that keep them."""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_REASON = LazyRegex(
    r"(?i:\b(?:can(?:not|'t)|could(?: not|n't)|no such|unknown|invalid|illegal|missing|mismatch|must|required|expect(?:ed|s)"
    r"|unexpected|unable|not (?:found|exist|allowed|permitted|supported|a|be)|(?:is|are|was|does|do|did|has) not|denied|refused|rejected"
    r"|exceed(?:s|ed)?|too (?:long|large|many|small|short)|duplicate|already|violat(?:es|ed)|out of|expired|locked|disabled"
    r"|unsupported|corrupt(?:ed)?|incompatible|null)\b)"
)
_NAME = LazyRegex(r"[`'\"][^`'\"\n]{1,80}[`'\"]|\b[A-Z]{2,20}(?:[_-][A-Z0-9]{2,20}){1,6}\b")
"""A quoted name or a code, which the sentence with the reason often contains."""
_CLAUSE_END = LazyRegex(r"(?<=[;!]) |(?<=[^.\s]\.) (?=[A-Z'\"])| (?=\(caused by )")
_MEANING: Final = " — "
"""Between the words of an error and what they mean."""
MIDDLE: Final = " … "
"""In place of the middle of a line."""
_MIN_STEP: Final = 8
"""Characters of a step's name that are kept."""
_MIN_TAIL: Final = 8
"""Characters that are worth to be shown of an end."""
_MAX_PART: Final = 6
"""Characters of a word cut in two that are left out."""


def reason_weight(sentence: str) -> int:
    """Return how much a sentence looks like a reason: words of refusal first, then the names it quotes."""
    return 2 * min(len(_REASON.findall(sentence)), 2) + min(len(_NAME.findall(sentence)), 2)


def shorten_finding(line: str, width: int) -> str:
    """Return ``step: message`` in at most ``width`` characters, with the reason and the name that it quotes.

    The words of an error go before what they mean, then sentences such as a list of candidates, what failed before the
    reason, a part of the step's name, and at last the step. Without such parts, the line loses its middle.
    """
    if len(line) <= width:
        return line
    forms = list(_shorter_forms(line, width))
    for form in forms:
        if len(form) <= width:
            return form
    for form in forms[-3:]:
        name = _NAME.search(form)
        if name is not None and name.end() < width:
            return f"{_to_word(form[: width - 1], form[width - 1 : width])}…"
    start, end = kept_ends(forms[-2], width)
    return f"{start}{MIDDLE}{end}" if end else forms[-2]


def _shorter_forms(line: str, width: int) -> Iterator[str]:
    """Yield the line in shorter and shorter forms; the last three have the same words after the step."""
    step, colon, message = line.partition(": ")
    if not colon or " " in step:
        step, message = "", line
    start = f"{step}: " if step else ""
    meaning = message.rpartition(_MEANING)[2] if start else message
    yield start + meaning
    clauses = _CLAUSE_END.sub(lambda _: "\n", meaning).split("\n")
    best = max(map(reason_weight, clauses))
    decisive = next(clause for clause in clauses if reason_weight(clause) >= best - 1).rstrip(" ;!.")
    yield start + decisive
    parts = decisive.split(": ")
    first = next((number for number, part in enumerate(parts) if _REASON.search(part)), 0)
    reason = ": ".join(parts[first:])
    yield start + reason
    kept = max(_MIN_STEP, width // 3)
    yield f"{step[: kept - 1]}…: {reason}" if len(step) > kept else start + reason
    yield reason


def kept_ends(line: str, width: int) -> tuple[str, str]:
    """Return the beginning and the end of a line without its middle: more of the beginning, which names step and subject.

    The end is empty if there is no room for it.
    """
    head = width * 3 // 5
    if width - head - len(MIDDLE) < _MIN_TAIL:
        return line, ""
    start = _to_word(line[:head], line[head : head + 1])
    tail = width - len(start) - len(MIDDLE)
    return start, _from_word(line[-tail:], line[-tail - 1 : -tail])


def _to_word(text: str, after: str) -> str:
    """Return a beginning without its last word if that is cut in two and short."""
    whole = text if after.isspace() else text.rpartition(" ")[0]
    return (whole if len(text) - len(whole) <= _MAX_PART else text).rstrip()


def _from_word(text: str, before: str) -> str:
    """Return an end without its first word if that is cut in two and short."""
    whole = text if before.isspace() else text.partition(" ")[2]
    return (whole if len(text) - len(whole) <= _MAX_PART else text).lstrip()
