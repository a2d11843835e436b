"""Lines that no CI system takes for a command.

GitHub obeys a line that begins, after blanks, with ``::``; GitHub and Azure both obey ``##`` with a bracket anywhere.
"""

import re

_COMMAND = re.compile(r"#(?=#)|(?m:^[^\S\n]*:(?=:))")


def broken(text: str) -> str:
    """A text, of one line or several, with a blank in every sign that a command may begin with."""
    return _COMMAND.sub(lambda found: f"{found[0]} ", text)
