"""Text of a log that no CI system takes for a command."""

import io
import re
from collections.abc import Sequence

from osiris_inspect.inspector.export import text
from osiris_inspect.inspector.report import Report

_COMMAND = re.compile("#(?=#)")


def broken(line: str) -> str:
    """A line without ``##``, with which a command may begin anywhere in it."""
    return _COMMAND.sub("# ", line)


def report_text(reports: Sequence[Report], width: int) -> str:
    """The reports as people read them, with every ``##`` broken."""
    out = io.StringIO()
    text.render(reports, out, width=width)
    return broken(out.getvalue())
