"""A driver tried to end the whole process.

What it finds:
    A step that failed because its driver called `sys.exit`.

Why it matters:
    A driver is a guest in the worker: it may fail its own step, and must not take the other steps with it.

How to fix:
    Let the driver raise an error that says what is wrong.

Example:
    `the driver called sys.exit(3)`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 47

SIGNATURE: Final = ErrorPattern(
    rule="driver-exited",
    pattern=LazyRegex(r"the driver called sys\.exit\((?P<code>[^)\n]{0,60})\)|\bSystemExit\b"),
    message="the driver tried to end the worker",
    fix="let the driver raise an error in place of calling sys.exit",
    domain="code",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.find_all(run)
