"""A step cannot write where it was told to.

What it finds:
    An error in which a target file could not be created.

Why it matters:
    The result of the run is not there.

How to fix:
    Create the directory, or write to another one.

Example:
    `Cannot save file into a non-existent directory: 'out'`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 46

SIGNATURE: Final = ErrorPattern(
    rule="path-not-writable",
    pattern=LazyRegex(
        r"\[Errno 30\] Read-only file system[^\n]{0,160}"
        r"|Cannot save file into a non-existent directory[^\n]{0,160}"
        r"|\[Errno (?:17|20|36|40)\] (?:File exists|Not a directory|File name too long|Too many levels)[^\n]{0,160}"
    ),
    message="the target cannot be written",
    fix="name a directory that exists and may be written",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.find_all(run)
