"""Any bytes in any file of a run give a run or a named error."""

import io
import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import CIContext, format_names, get_renderer
from osiris_inspect.model.errors import RunNotReadable

JOB = CIContext(token="a-token-nobody-guesses")
FILES = (
    "events.jsonl",
    "metrics.jsonl",
    "manifest.yaml",
    "status.json",
    "commands.jsonl",
    "osiris.log",
    "cfg/a.json",
    "artifacts/_system/run_card.json",
    "artifacts/a/output.parquet",
)
NAMES = ("step_start", "step_complete", "step_failed", "inputs_resolved", "rows_out", "output_stored", "run_end", "run_error",
         "artifact_created", "connection_resolve_complete", "table.ddl_planned", "write.start", "dependency_check")  # fmt: skip
KEYS = (
    "step_id",
    "from_step",
    "key",
    "rows",
    "error",
    "driver",
    "ts",
    "path",
    "keys",
    "from_steps",
    "duration",
    "missing",
    "tried",
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["a", "b", "../x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
event_lines = st.builds(
    lambda name, fields: json.dumps({"event": name, **fields}).encode(),
    st.sampled_from(NAMES),
    st.dictionaries(st.sampled_from(KEYS), json_values, max_size=6),
)
documents = st.dictionaries(
    st.sampled_from(
        ["steps", "ok", "reason", "name", "pipeline", "steps_total", "cmd", "step_id", "inputs", "password"]
    ),
    json_values
    | st.lists(
        st.dictionaries(
            st.sampled_from(["id", "step_id", "needs", "driver", "inputs", "status"]), json_values
        )
    ),
).map(lambda value: json.dumps(value).encode())
contents = (
    st.binary(max_size=200)
    | documents
    | st.lists(event_lines | st.binary(max_size=40), max_size=12).map(b"\n".join)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(FILES), contents, min_size=1))
def test_any_bytes_in_any_file_give_a_report_or_a_named_error(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        try:
            told = analyze(Path(folder), now=0.0)
        except RunNotReadable:
            return
        for name in format_names():
            get_renderer(name)([told], io.StringIO(), ci=JOB)
        known = {step.id for step in told.run.steps}
        assert all(edge.producer in known and edge.consumer in known for edge in told.lineage.edges)
        assert all(finding.evidence for finding in told.findings)
