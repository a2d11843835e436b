"""Clauses of an error text that state no fact about this error: earlier runs, conditions, advice and guesses.

``price is negative (the previous run was OOMKilled)`` does not report a lack of memory.
"""

import re

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_END = r"[^;\n)]{0,300}?(?=[;\n)]|\.(?:\s|$)|,? but\b|$)"
_ATTEMPT = (
    r"(?:runs?|attempts?|executions?|jobs?|try|tries|invocations?|sessions?|builds?|syncs?|loads?|imports?|exports?|workers?"
    r"|process|pod|container|deployment)\b"
)
_RUN = (
    r"(?:(?:previous|prior|earlier|preceding|past) (?:\w{1,20} )?"
    + _ATTEMPT
    + r"|last (?:(?:\w{1,20} )?(?:runs?|jobs?|executions?|invocations?|builds?|syncs?|deployment)|time|night|week|month)\b)"
)
_START = r"(?:(?<=^)|(?<=[;:.,(\n] )|(?<=[(\n]))"
_ASIDES = LazyRegex(
    r"(?i:"
    + _START
    + r"(?:(?:the|an?|its|our|your|my) )?"
    + _RUN
    + _END
    # elsewhere in a clause, the reason after a colon belongs to the clause
    + r"|\b"
    + _RUN
    + _END.replace(";", ";:")
    + r"|(?:"
    + _START
    + r"(?:earlier|previously|formerly|before that|yesterday)\b"
    r"|\b(?:had )?previously (?:failed|ended|stopped|died|crashed|aborted|reported|raised)\b"
    r"|(?:(?<=^)|(?<=[;:.(\n] )|(?<=[(\n]))(?:if|unless|in case|in the event|whenever|when this|should (?:this|the|it)|to (?:avoid|prevent|reduce|rule out))\b"
    r"|\b(?:may|might|could|can) (?:also )?(?:be|have been) (?:caused by|due to|because of|the result of)"
    r"|\b(?:this|it|that|which) (?:can|may|might|could) (?:also )?(?:happen|occur|mean|indicate|lead to|result in|point to)\b"
    r"|\b(?:usually|often|typically|sometimes|commonly|possibly|perhaps|maybe) (?:caused by|due to|because|means?|indicates?)\b"
    r"|\b(?:not (?:because of|due to|caused by)|rather than|instead of) "
    r"|\b(?:similar|as opposed) to )" + _END + r")"
)
_WHOLE_CLAUSES = LazyRegex(
    r"(?i:(?:(?<=^)|(?<=[;:.(\n] )|(?<=[(\n]))[^;:.()\n]{1,200}?\b(?:yesterday|last (?:night|week|month)|in the past"
    r"|(?:was|were|been) (?:seen|reported|observed|logged|raised) (?:earlier|before|previously)|(?:are|is) (?:usually|often|typically|sometimes|commonly) ))"
    + _END
)
_LAST_ATTEMPT = LazyRegex(r"(?i:\blast (?:attempt|try)\b)" + _END)
_GAVE_UP = LazyRegex(
    r"(?i:\b(?:after|all|of) \d{1,4} (?:attempt|tries|retries|times)|\bg[ai]v(?:e|ing) up\b|\b(?:retries|attempts) (?:\w{1,10} )?(?:exceeded|exhausted|failed)"
    r"|\bno more (?:retries|attempts)\b)"
)
"""After these words, the last attempt is the one that failed."""
_WORDS = [
    "previous",
    "prior",
    "earlier",
    "preceding",
    "past",
    "last",
    "formerly",
    "before",
    "yesterday",
    "if",
    "unless",
    "case",
    "event",
    "whenever",
    "when",
    "should",
    "avoid",
    "prevent",
    "reduce",
    "rule",
    "caused",
    "due",
    "because",
    "result",
    "happen",
    "occur",
    "mean",
    "indicate",
    "lead",
    "point",
    "than",
    "instead",
    "similar",
    "opposed",
    "usually",
    "often",
    "typically",
    "sometimes",
    "commonly",
    "possibly",
    "perhaps",
    "maybe",
]
"""Each clause contains one of these words, which are searched first, because that is much faster."""


def without_asides(text: str) -> str:
    """Return the text with the clauses that state no fact replaced by blanks, in the same length."""
    lower = text.lower()
    if not any(word in lower for word in _WORDS):
        return text
    patterns = [_WHOLE_CLAUSES, _ASIDES] + ([] if _GAVE_UP.search(text) else [_LAST_ATTEMPT])
    for pattern in patterns:
        text = pattern.sub(lambda match: re.sub(r"[^\n]", "_", match[0]), text)
    return text
