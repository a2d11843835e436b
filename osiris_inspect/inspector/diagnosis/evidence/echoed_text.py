"""An error's own words: what it repeats of a query or of a row says nothing about what went wrong.

``Could not convert string 'out of memory' to INT32`` is no lack of memory. What is repeated is blanked character by
character, so that every place in the text stays where it was.
"""

import re
from functools import lru_cache

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_BLANK = "_"

_ECHOED = LazyRegex(
    r"Execution failed on sql '(?P<pandas>(?:[^E]|E(?!xecution failed on)){0,16000}?': (?=\()|(?:[^E]|E(?!xecution failed on)){0,16000}?': )"
    r"|\[SQL: (?P<alchemy>(?:[^\[]|\[(?!SQL: )){0,16000}?)\](?=\s*(?:\[parameters: |\(Background on|\Z))"
    r"|\[parameters: (?P<parameters>(?:[^\[]|\[(?!parameters: )){0,16000}?)\](?=\s*(?:\(Background on|\Z))"
    r"|^LINE \d{1,6}: (?P<line>[^\n]{1,4000})"
    r"|\bKey \([^)\n]{1,200}\)=\((?P<key>[^\n]{0,2000}?)\)(?= (?:already exists|is |conflicts)|['\".\n]|\Z)"
    r"|\bFailing row contains \((?P<row>[^\n]{0,4000}?)\)(?=\.|['\"\n]|\Z)"
    r"|\bnear '(?P<near>[\s\S]{0,400}?)' at line \d"
    r"|\b(?:(?:convert|cast|parse)(?: string| value| text| decimal value)?(?: to \w{1,30})?"
    r"|literal(?: for int\(\) with base \d{1,2})?|syntax for (?:type )?[\w ]{1,40}|at or near|time data|isoformat string"
    r"|value(?: for enum \w{1,60}| out of range)?|format|[Ee]ntry|[Ff]ield|[Cc]olumn|[Rr]elation|[Tt]able|[Kk]ey):? "
    r"\\{0,2}(?:'(?P<single>[^'\n]{1,2000})'|\"(?P<double>[^\"\n]{1,2000})\")",
    re.MULTILINE,
)
"""Where an error repeats a query (as pandas, SQLAlchemy, PostgreSQL and MySQL do), a row, a value or a name.

A query ends at the latest where the next one would begin, so that no text takes longer than it is long.
"""


@lru_cache(maxsize=64)
def without_echoed_text(text: str) -> str:
    """The text with everything blanked that it repeats; of the same length."""
    return _ECHOED.sub(_blank, text)


def search_own_text(text: str, pattern: LazyRegex | re.Pattern[str]) -> re.Match[str] | None:
    """The first place in a text where the pattern is in the text's own words."""
    if pattern.search(text) is None:
        return None
    own = pattern.search(without_echoed_text(text))
    return None if own is None else pattern.match(text, own.start())


def _blank(repeated: re.Match[str]) -> str:
    start = repeated.start(repeated.lastgroup or 0) - repeated.start()
    end = repeated.end(repeated.lastgroup or 0) - repeated.start()
    whole = repeated[0]
    return whole[:start] + re.sub(r"[^\n]", _BLANK, whole[start:end]) + whole[end:]
