"""Details of a step, without a screen."""

from dataclasses import replace

from osiris_inspect.base.check_results import CheckResult
from osiris_inspect.inspector.run.run import StepCheck
from osiris_inspect.tui.panes import step_detail
from tests.tui.made import EXTRACT, clean


def test_step_detail_shows_results_of_checks() -> None:
    checks = (
        StepCheck(CheckResult("not_null", ("id",), None, 14, 0, passed=True), 4),
        StepCheck(CheckResult("max", ("rating",), 10, 14, 3, passed=False), 5),
        StepCheck(CheckResult("rows", (), {"min": 20}, 14, None, passed=False, on_failure="warn"), 6),
    )
    lines = [line.plain for line in step_detail.describe(clean(), replace(EXTRACT, checks=checks))]
    start = lines.index("checks")
    assert lines[start + 1 : start + 4] == [
        "  ✓ not_null 'id'  14 rows  events.jsonl:4",
        "  ✗ max 'rating' 10  3 of 14 rows had a value in 'rating' above 10  events.jsonl:5",
        "  ! rows {'min': 20}  the frame had 14 rows, expected at least 20  events.jsonl:6",
    ]


def test_step_detail_without_checks_has_no_section() -> None:
    assert "checks" not in [line.plain for line in step_detail.describe(clean(), EXTRACT)]
