"""The target path of a step is not writable.

What it finds:
    An error in which a target file could not be created.

Why it matters:
    The result of the run was not written.

How to fix:
    Create the directory or use another one.

Example:
    `Cannot save file into a non-existent directory: 'out'`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_ERRNO = LazyRegex(r"\[Errno (\d{1,3})\]")
_REMEDIES = {
    "18": "write the temporary file to the file system of the target",
    "22": "use a name that the file system allows",
    "17": "use another name: a file or directory with this name exists already",
    "20": "correct the path: one of its directories is a file",
    "30": "write to a directory that is mounted for writing",
    "36": "shorten the file name",
    "39": "empty the directory, or use a new one",
    "63": "shorten the file name",
    "40": "remove the symbolic link that refers to itself",
}


def _fix(_run: Run, _text: ErrorText, match: re.Match[str]) -> str:
    """Return the remedy for the error number, if there is one."""
    number = _ERRNO.search(match[0])
    return _REMEDIES.get(number[1] if number else "", "create the directory, or write to an existing one")


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\[Errno 30\] Read-only file system[^\n]{0,160}"
            r"|Cannot save file into a non-existent directory[^\n]{0,160}"
            r"|\[Errno (?:39|63|66)\] (?:Directory not empty|File name too long)[^\n]{0,160}"
            r"|Destination path '[^'\n]{1,160}' already exists"
            r"|\[Errno 18\] (?:Invalid cross-device|Cross-device) link[^\n]{0,160}"
            r"|\[Errno 22\] Invalid argument: '[^'\n]{1,160}'"
            r"|\[Errno (?:17|20|36|40)\] (?:File exists|Not a directory|File name too long|Too many levels)[^\n]{0,160}"
        ),
        message="the path could not be used",
        fix=_fix,
        domain="config",
    ),
)
