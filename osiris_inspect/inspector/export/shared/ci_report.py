"""The report as it stands in the log of a job."""

import io
from collections.abc import Sequence
from typing import Final

from osiris_inspect.inspector.export.formats import text
from osiris_inspect.inspector.run.report import Report

LOG_WIDTH: Final = 10_000
"""Columns: a log has no width. Each finding is one line of it, so that who searches the log finds it whole."""


def ci_report_text(reports: Sequence[Report]) -> str:
    """The reports as people read them, one line a finding."""
    out = io.StringIO()
    text.render(reports, out, width=LOG_WIDTH)
    return out.getvalue()
