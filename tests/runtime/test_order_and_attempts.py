"""Readers show steps that run after others without a frame of theirs, and steps with several attempts."""

import io
import json

import pytest
from junitparser import JUnitXml
from junitparser.xunit2 import FlakyFailure, RerunError, TestCase

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.analysis.run_list import run_entry, run_fields
from osiris_inspect.inspector.export import get_renderer
from osiris_inspect.inspector.export.lineage import build_diagram
from osiris_inspect.inspector.export.lineage import dot as as_dot
from osiris_inspect.inspector.export.lineage import json as as_json
from osiris_inspect.inspector.export.lineage import mermaid as as_mermaid
from osiris_inspect.inspector.export.lineage import text as as_text
from osiris_inspect.inspector.export.pictures import svg
from osiris_inspect.inspector.export.pictures.lineage import lineage_picture
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.timeline import run_timeline
from osiris_inspect.inspector.tables.table_rows import COLUMNS, table_rows
from osiris_inspect.inspector.why.step_explanation import explain_step
from osiris_inspect.tui.drawing.lineage import draw, legend
from osiris_inspect.tui.panes.step_detail import describe
from tests.runtime.runs import make_run

PIPELINE = """
oml_version: "0.1.0"
name: p
steps:
  - {id: ext, component: filesystem.csv_extractor, config: {path: movies.csv}}
  - id: flaky
    component: test.faulty
    needs: [ext]
    retry: {attempts: ATTEMPTS, wait: 0, not_repeatable: allow}
    config: {do: fail_twice, words: connection-lost}
  - {id: save, component: filesystem.csv_writer, needs: [flaky], config: {path: out.csv}}
  - {id: again, component: filesystem.csv_extractor, after: [flaky], config: {path: movies.csv}}
  - {id: last, component: filesystem.csv_writer, needs: [again], after: [save], config: {path: last.csv}}
"""
ERROR = "the server closed the connection"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("good")
    return analyze(make_run(folder, text=PIPELINE.replace("ATTEMPTS", "3")).path)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("bad")
    return analyze(make_run(folder, text=PIPELINE.replace("ATTEMPTS", "2")).path)


def _rendered(format_: str, report: Report) -> str:
    out = io.StringIO()
    get_renderer(format_)([report], out)
    return out.getvalue()


def test_order_is_an_edge_without_a_frame(good: Report) -> None:
    lineage = good.lineage
    assert [(edge.producer, edge.consumer) for edge in lineage.edges] == [
        ("ext", "flaky"),
        ("flaky", "save"),
        ("again", "last"),
    ]
    assert [(edge.producer, edge.consumer, edge.location) for edge in lineage.orders] == [
        ("flaky", "again", "order"),
        ("save", "last", "order"),
    ]
    assert lineage.upstream("last") == ("again",)
    assert lineage.predecessors("last") == ("again", "save", "flaky", "ext")
    assert lineage.downstream("flaky") == ("save",)
    assert set(lineage.successors("flaky")) == {"save", "again", "last"}


def test_critical_path_follows_the_order(good: Report) -> None:
    timings = {timing.step.id: timing for timing in run_timeline(good.run).step_timings}
    assert {step for step, timing in timings.items() if timing.is_critical} >= {"ext", "flaky", "last"}
    waits = [span for span in timings["again"].phase_spans if span.phase == "waiting"]
    flaky_ends = timings["flaky"].phase_spans[-1].end
    assert all(span.begin == pytest.approx(flaky_ends) for span in waits)


def test_order_is_drawn_in_every_form_of_the_lineage(good: Report) -> None:
    graph = build_diagram(good)
    assert "    ┄▶ again  order only" in as_text.lines(graph)
    assert '  n1 -.->|"order only"| n3' in as_mermaid.lines(graph)
    assert '  n1 -> n3 [label="order only", color="#8a8a8a", style=dotted];' in as_dot.lines(graph)
    document = json.loads("\n".join(as_json.lines(graph)))
    assert document["orders"] == [{"before": "flaky", "after": "again"}, {"before": "save", "after": "last"}]
    assert [frame["consumer"] for frame in document["frames"]] == ["flaky", "save", "last"]
    assert 'class="edge order"' in svg.element(lineage_picture(graph), "x")
    for width in (60, 200):
        drawing = draw(good.lineage, width)
        assert "→ order only" in "\n".join(line.plain for line in drawing.lines)
    assert "┄┄ → order only" in legend(good.lineage).plain


def test_order_is_in_reports(good: Report) -> None:
    assert "  flaky ┄┄order only┄┄▶ again\n" in _rendered("text", good)
    assert "- `flaky` → `again`: order only\n" in _rendered("markdown", good)
    steps = {step["id"]: step for step in json.loads(_rendered("json", good))["runs"][0]["steps"]}
    assert steps["again"]["after"] == ["flaky"]
    assert "after" not in steps["save"]
    arrows = [
        event for event in json.loads(_rendered("chrome-trace", good))["traceEvents"] if event["ph"] == "s"
    ]
    assert [arrow["cat"] for arrow in arrows] == ["frame", "frame", "frame", "order", "order"]


def test_step_that_runs_after_a_failed_one_is_its_consequence(bad: Report) -> None:
    states = {step.id: (step.status, step.skipped_because) for step in bad.run.steps}
    assert states["again"] == ("skipped", "flaky")
    assert states["last"] == ("skipped", "flaky")
    roles = {node.id: node.role for node in build_diagram(bad).nodes}
    assert roles == {"ext": "", "flaky": "cause", **dict.fromkeys(("save", "again", "last"), "consequence")}
    trace = explain_step(bad, "again").output_trace
    assert [(line.name, line.text, line.result) for line in trace[:2]] == [
        ("after", "runs after 'flaky': failed", "miss"),
        ("skipped", "did not run, because 'flaky' failed", "miss"),
    ]
    assert all(line.evidence for line in trace[:2])


def test_attempts_are_in_reports(good: Report) -> None:
    row = next(line for line in _rendered("text", good).splitlines() if line.startswith("  flaky  "))
    assert row.endswith("3")
    assert "| ✅ succeeded (attempt 3) |" in _rendered("markdown", good)
    assert '<b class="succeeded">succeeded</b> <span class="faint">(attempt 3)</span>' in _rendered(
        "html", good
    )
    steps = {step["id"]: step for step in json.loads(_rendered("json", good))["runs"][0]["steps"]}
    assert (steps["flaky"]["attempts"], "attempts" in steps["save"]) == (3, False)
    names = tuple(COLUMNS["steps"])
    cells = {row[0]: dict(zip(names, row, strict=True)) for row in table_rows(good, "steps")}
    assert (cells["flaky"]["attempts"], cells["save"]["attempts"], cells["again"]["after"]) == (
        3,
        1,
        ["flaky"],
    )
    (step,) = [step for step in good.run.steps if step.id == "flaky"]
    lines = [line.plain for line in describe(good, step)]
    assert "attempt 3" in lines
    assert sum(ERROR in line for line in lines[lines.index("attempts before") :]) >= 2


def test_list_of_runs_counts_flaky_steps(good: Report, bad: Report) -> None:
    entries = [run_entry(report.run.path) for report in (good, bad)]
    assert [entry.retried for entry in entries] == [1, 0]
    assert entries[0].reason == "1 step succeeded at a later attempt"
    assert ERROR in entries[1].reason
    assert [run_fields(entry)["retried"] for entry in entries] == [1, 0]


def test_attempts_are_flaky_failures_in_junit(good: Report, bad: Report) -> None:
    for report, kind, count in ((good, FlakyFailure, 2), (bad, RerunError, 1)):
        (suite,) = JUnitXml.fromstring(_rendered("junit", report).encode())
        (case,) = [case for case in suite if case.name == "flaky"]
        found = list(TestCase.fromelem(case._elem).iterchildren(kind))
        assert [ERROR in (each.message or "") for each in found] == [True] * count
        assert suite.failures + suite.errors == (report is bad)


def test_why_lists_the_attempts(good: Report) -> None:
    trace = explain_step(good, "flaky").output_trace
    assert [line.name for line in trace[:2]] == ["attempt 1", "attempt 2"]
    assert all(ERROR in line.text and line.evidence for line in trace[:2])
