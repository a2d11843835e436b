"""The text report in the log of a CI job."""

import io
from collections.abc import Sequence
from typing import Final

from osiris_inspect.inspector.export.formats import text
from osiris_inspect.inspector.run.report import Report

LOG_WIDTH: Final = 10_000
"""Columns; wide, so that each finding is one line of the log."""


def ci_report_text(reports: Sequence[Report]) -> str:
    """Return the text reports, one line per finding."""
    out = io.StringIO()
    text.render(reports, out, width=LOG_WIDTH)
    return out.getvalue()
