"""A secret that lies across the end of a truncated text is masked in every output."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import CIContext, format_names, get_renderer
from osiris_inspect.inspector.export.assistant_context import build_context
from osiris_inspect.inspector.export.lineage import build_diagram, dot, mermaid
from osiris_inspect.inspector.export.lineage import json as graph_json
from osiris_inspect.inspector.export.lineage import text as graph_text
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.why import explain_step
from osiris_inspect.inspector.why import json as why_json
from osiris_inspect.inspector.why import text as why_text
from osiris_inspect.model.redaction import mask_by_pattern
from tests.inspector.making import native, run_dir

DSN = "mysql://root:Zq7kTrv9PxLm@db"
ERRORS = (
    "{}",
    "ValueError: {}",
    "'NoneType' object is not iterable: {}",
    "Access denied for user: {}",
    'relation "a" does not exist: {}',
    "Executing step failed: {}",
)


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A failed run whose texts hold one secret after the other: any cut hits one, at each of its characters."""
    events = [native("run_start", 0, pipeline="p", mode="local")]
    log: list[str] = []
    files: dict[str, Any] = {}
    for shift in range(len(DSN)):
        step = f"step-{shift}"
        text = ERRORS[shift % len(ERRORS)].format("x" * shift + f" {DSN}" * 700)
        files[f"cfg/{step}.json"] = {"query": f"select '/{'x' * shift}{f' {DSN}' * 200}'"}
        events += [
            native("step_start", 0, step_id=step, driver="duckdb.processor"),
            native("spill_failed", 0, step_id=step, error=text),
            native("spill_read", 0, step_id=step, ok=False, error=text),
            native("artifact_lost", 0, step_id=step, path="a", error=text),
            native("driver_registration_failed", 0, driver="duckdb.processor", error=text),
            native("step_failed", 0, step_id=step, error=text, error_type="ValueError", traceback=text),
        ]
        log += [f"ERROR Step {step} failed: {text}", f"ERROR failed to write spill for step {step}: {text}"]
    events.append(native("run_end", 0, status="failed", error=text))
    lines = [{**event, "seq": seq} for seq, event in enumerate(events)]
    files["worker.log"] = "\n".join(log) + "\n"
    return analyze(run_dir(tmp_path_factory.mktemp("dense"), lines, files=files))


def test_findings_and_log_lines_hold_no_partial_secret(dense: Report) -> None:
    texts = [text for finding in dense.findings for text in (finding.message, finding.fix or "")]
    texts += [line.text for line in dense.run.log_lines]
    assert len(texts) > 100
    assert not [text for text in texts if "root:Z" in mask_by_pattern(text)]


@pytest.mark.parametrize("format_", format_names())
def test_format_with_secret_across_cut_is_masked(dense: Report, format_: str) -> None:
    out = io.StringIO()
    get_renderer(format_)([dense], out, ci=CIContext(token="a word that cannot be guessed"))
    assert "step-1" in out.getvalue()
    assert "root:Z" not in out.getvalue()
    assert "Zq7k" not in out.getvalue()


OUTPUTS: dict[str, Callable[[Report], str]] = {
    "pack": lambda told: build_context(told, 1_000_000),
    "why": lambda told: "\n".join(
        line for step in told.run.steps for line in why_text.lines(explain_step(told, step.id))
    ),
    "why json": lambda told: json.dumps(
        [why_json.document(explain_step(told, step.id)) for step in told.run.steps]
    ),
    "graph": lambda told: "\n".join(graph_text.lines(build_diagram(told))),
    "graph json": lambda told: "\n".join(graph_json.lines(build_diagram(told))),
    "mermaid": lambda told: "\n".join(mermaid.lines(build_diagram(told))),
    "dot": lambda told: "\n".join(dot.lines(build_diagram(told))),
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_other_output_with_secret_across_cut_is_masked(dense: Report, output: str) -> None:
    shown = OUTPUTS[output](dense)
    assert "step-1" in shown
    assert "root:Z" not in shown
    assert "Zq7k" not in shown


def test_long_error_is_masked_on_both_ends(tmp_path: Path) -> None:
    for shift in range(0, len(DSN), 4):
        error = "x" * shift + f" {DSN}" * 4_000
        run = run_dir(tmp_path, [native("step_failed", 1, step_id="a", error=error)], name=f"run_{shift}")
        messages = " ".join(finding.message for finding in analyze(run).findings)
        assert "root:Z" not in mask_by_pattern(messages)
