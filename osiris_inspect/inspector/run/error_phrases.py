"""Phrases of error messages that report a missing input or an interrupt."""

import re

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

MAX_TEXT = 16384
"""Characters of an error message that is searched as a whole."""
MAX_END = MAX_TEXT // 4
"""Characters of each end of a longer message that are searched: errors state the reason at either end."""
MAX_INTERRUPT_TEXT = 400
"""Characters of a message that may report an interrupt."""

_LACKS_INPUT = LazyRegex(
    r"\"?input_df\"? of type \"?NoneType"
    r"|requires (?:inputs? with (?:a )?DataFrame|'\w+' (?:in inputs?|input)|(?:a )?DataFrame input)"
    r"|Table with name \"?(?:input_df|df|df_\w+)\"? does not exist"
    r"|[Ii]nput '?\w*'? ?(?:was )?not found"
    r"|is in neither memory nor spill"
    r"|Missing input|No input (?:DataFrame|frame)",
)


def reports_missing_input(message: str) -> bool:
    """Return True if a step's error says that an input is missing."""
    return _LACKS_INPUT.search(message[:MAX_TEXT]) is not None


_NONE_ERRORS = LazyRegex(r"NoneType|^'?(?:input_)?df(?:_\w+)?'?$|KeyError: '(?:input_)?df")


def may_be_missing_input(message: str) -> bool:
    """Return True if a missing input may have caused the error: it says so or used None as a frame."""
    return reports_missing_input(message) or _NONE_ERRORS.search(message[:MAX_TEXT]) is not None


_INTERRUPT = LazyRegex(
    r"(?:(?:unexpected error|execution failed|run failed|pipeline failed): {0,3})?"
    r"(?:KeyboardInterrupt(?::[^\n]{0,200})?"
    r"|(?:(?:the )?(?:run|execution|pipeline|job) (?:was |has been )?)?(?:interrupted|cancell?ed)"
    r"(?: by (?:the )?(?:user|signal|SIG(?:INT|TERM|HUP))[^\n]{0,60})?"
    r"|(?:received|caught|got) (?:signal )?(?:SIG(?:INT|TERM|HUP)|2|15)\b[^\n]{0,80})[.!]?",
    re.IGNORECASE,
)


def reports_interrupt(message: str) -> bool:
    """Return True if the whole message says that the run was interrupted or cancelled."""
    return _INTERRUPT.fullmatch(message.strip()[:MAX_INTERRUPT_TEXT]) is not None
