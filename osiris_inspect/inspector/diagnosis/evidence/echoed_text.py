"""Text that an error message echoes, such as SQL or row values, must not trigger rules.

``Could not convert string 'out of memory' to INT32`` does not report a lack of memory. Echoed text is replaced
character by character, so that positions in the message stay valid.
"""

import re
from bisect import bisect_right
from functools import lru_cache

from osiris_inspect.inspector.diagnosis.evidence.asides import without_asides
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_BLANK = "_"

_ECHOED = LazyRegex(
    r"Execution failed on sql '(?P<pandas>(?:[^E]|E(?!xecution failed on)){0,16000}?': (?=\()|(?:[^E]|E(?!xecution failed on)){0,16000}?': )"
    r"|\[SQL: (?P<alchemy>(?:[^\[]|\[(?!SQL: )){0,16000}?)\](?=\s*(?:\[parameters: |\(Background on|\Z))"
    r"|\[parameters: (?P<parameters>(?:[^\[]|\[(?!parameters: )){0,16000}?)\](?=\s*(?:\(Background on|\Z))"
    r"|^LINE \d{1,6}: (?P<line>[^\n]{1,4000})"
    r"|\bKey \([^)\n]{1,200}\)=\((?P<key>[^\n]{0,2000}?)\)(?= (?:already exists|is |conflicts)|['\".\n]|\Z)"
    r"|\bFailing row contains \((?P<row>[^\n]{0,4000}?)\)(?=\.|['\"\n]|\Z)"
    r"|(?<!of )\b(?:VALUES|values) ?\((?=[^)\n]{0,200}[,'\"])(?P<values>[^\n]{0,2000}?)\)(?! ?, ?\()"
    r"|\b(?:[Rr]ow|[Rr]ecord|[Ii]tem|[Ee]ntry|[Dd]ocument|[Pp]ayload|input|input_value|params|values)(?: \d{1,12})?[:=]? ?"
    r"(?P<record>\{[^\n]{0,1000}?\})(?=[\s.,;:)]|\Z)"
    r"|\bnear '(?P<near>[\s\S]{0,400}?)' at line \d"
    r"|\b(?:(?:convert|cast|parse)(?: string| value| text| decimal value)?(?: to \w{1,30})?"
    r"|literal(?: for int\(\) with base \d{1,2})?|syntax for (?:type )?[\w ]{1,40}|at or near|time data|isoformat string"
    r"|value(?: for enum \w{1,60}| out of range)?|format|[Ee]ntry|[Ff]ield|[Cc]olumn|[Rr]elation|[Tt]able|[Kk]ey|[Tt]oken|[Tt]emplate|contains"
    r"|connection option|map(?:ping)?(?: for)? \w{1,30}|\bexpect_\w{1,60}):? "
    r"\\{0,2}(?:'(?P<single>[^'\n]{1,2000})'|\"(?P<double>[^\"\n]{1,2000})\")",
    re.MULTILINE,
)
"""Echoed queries (of pandas, SQLAlchemy, PostgreSQL and MySQL), rows, values and names.

A query ends at the latest where the next one starts, which keeps the search time linear.
"""


_QUOTED = LazyRegex(
    r"\bCommand '(?P<command>[^\n]{1,2000}?)' (?=returned non-zero|timed out after|died with|in image)"
    r"|(?:(?<=[\w)] )(?<!error )(?<!reason )(?<!message )(?<!exception )|(?<=\w,)|\[Errno \d{1,3}\] [^\n:]{1,80}: |\b(?!(?:body|cause|description|details?|err|error|exception|message|msg|output|reason|stderr|str|text)=)\w{1,40}=)"
    r"(?P<mark>['\"])(?P<words>[^\n]{1,300}?)(?P=mark)(?!\w)"
    r"|['\"](?![A-Z]['\"]|\w{0,30}(?i:body|cause|code|desc|detail|err|exception|fault|hint|info|log|message|msg|output|reason|response|status|stderr|summary|text|title|type|warn))"
    r"\w{1,40}['\"]: ?(?P<quote>['\"])(?P<value>[^\n]{1,300}?)(?P=quote)(?=[,}\]])"
    r"|(?<=[\w)] )(?<!error )(?<!reason )(?<!message )(?<!exception )(?:`(?P<code>[^`\n]{1,300})`|\N{LEFT DOUBLE QUOTATION MARK}(?P<curly>[^\n]{1,300}?)\N{RIGHT DOUBLE QUOTATION MARK})"
    r"|\[(?P<list>'[^'\n]{1,80}'(?:, '[^'\n]{1,80}'){1,60})\]"
)
"""Words that an error quotes: a name, a path or a value in its sentence, a row of CSV, an attribute, a list or a field of JSON.

The reason in the form of a Python or JSON value, such as ``(2003, 'Connection refused')``, is not one of them.
"""


@lru_cache(maxsize=64)
def without_echoed_text(text: str) -> str:
    """Return the text with echoed parts and asides replaced by blanks, in the same length."""
    return without_asides(_ECHOED.sub(_blank, text))


@lru_cache(maxsize=1024)
def search_own_text(text: str, pattern: LazyRegex | re.Pattern[str]) -> re.Match[str] | None:
    """Return the first match of the pattern that starts outside of echoed text and of quoted words.

    Cached, because several rules search for one pattern, such as that of an HTTP status.
    """
    if pattern.search(text) is None:
        return None
    own, start = without_echoed_text(text), 0
    while (match := pattern.search(own, start)) is not None:
        end = _end_of_quote(text, match.start())
        if end is None:
            return pattern.match(text, match.start())
        start = end
    return None


def _end_of_quote(text: str, position: int) -> int | None:
    """Return where the quoted words around a position end, or None if it is outside of them."""
    quotes = _quotes(text)
    index = bisect_right(quotes, (position, len(text))) - 1
    return quotes[index][1] if index >= 0 and position < quotes[index][1] else None


@lru_cache(maxsize=64)
def _quotes(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(match.span(match.lastgroup or 0) for match in _QUOTED.finditer(text))


def _blank(match: re.Match[str]) -> str:
    start, end = (position - match.start() for position in match.span(match.lastgroup or 0))
    return match[0][:start] + re.sub(r"[^\n]", _BLANK, match[0][start:end]) + match[0][end:]
