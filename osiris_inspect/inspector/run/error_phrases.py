"""Phrases of error messages that report a missing input."""

import re

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

MAX_TEXT = 65536
"""Characters of an error message that are searched."""

_LACKS_INPUT = re.compile(
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
