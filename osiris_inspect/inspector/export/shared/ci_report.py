"""The report as it stands in the log of a job."""

import io
from collections.abc import Sequence
from typing import Final

from osiris_inspect.inspector.export.formats import text
from osiris_inspect.inspector.run.report import Report

WIDE: Final = 10_000
"""Columns: a log has no width. Each finding is one line of it, so that who searches the log finds it whole."""


def report_text(reports: Sequence[Report]) -> str:
    """The reports as people read them, one line a finding."""
    out = io.StringIO()
    text.render(reports, out, width=WIDE)
    return out.getvalue()
