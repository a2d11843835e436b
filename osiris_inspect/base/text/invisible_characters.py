"""Characters that act on a terminal or cannot be seen.

By Unicode property: controls, format characters, default-ignorable characters, variation selectors, line and paragraph
separators, surrogates, and the blank of braille. A test compares the table with the database of Python.
"""

import re
from typing import Final

_ABOVE_C0: Final = (
    "\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
EXCEPT_LINES: Final = f"\x00-\x08\x0b-\x1f{_ABOVE_C0}"
"""The table without tab and newline, for the inside of a character class."""
INVISIBLE: Final = re.compile(f"[\x00-\x1f{_ABOVE_C0}]")
