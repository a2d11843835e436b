"""The list of runs marks a success that has warnings."""

from pathlib import Path

import pytest
from textual.content import Content

from osiris_inspect.inspector.analysis.run_list import RunEntry
from osiris_inspect.tui.screens.runs import _cells


@pytest.mark.parametrize(
    ("warnings", "warning", "status", "cause"),
    [(0, None, "✓ succeeded", ""), (2, "save: wrote 50 rows", "! succeeded", "save: wrote 50 rows")],
)
def test_success_with_warnings_has_another_sign(
    warnings: int, warning: str | None, status: str, cause: str
) -> None:
    entry = RunEntry(Path("x"), "x", "daily", "success", "local", 0.0, 1.0, 3, None, warnings, warning)
    cells = [cell.plain for cell in _cells(entry, Content(""), "")]
    assert (cells[0], cells[2]) == (status, cause)


@pytest.mark.parametrize(
    ("origin", "mode"),
    [("replay", "local replay"), ("resume", "local resumed"), ("reuse", "local"), (None, "local")],
)
def test_run_that_repeats_or_continues_another_is_marked(origin: str | None, mode: str) -> None:
    entry = RunEntry(Path("x"), "x", "daily", "success", "local", 0.0, 1.0, 3, None, origin=origin)
    assert mode in [cell.plain for cell in _cells(entry, Content(""), "")]
