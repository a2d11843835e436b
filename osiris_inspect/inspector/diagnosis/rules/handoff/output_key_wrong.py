"""A step returned its DataFrame under the wrong key.

What it finds:
    A result with keys, but without the key `df` that the next step requests.

Why it matters:
    The step succeeds with 0 rows, the DataFrame is lost, and the next step fails.

How to fix:
    Return the DataFrame as `{"df": frame}`.

Example:
    `Key 'df' not found in outputs from step 'compute-stats' (available: ['data'])`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.log_phrases import UPSTREAM_KEY_MISSING, parse_key_list
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Evidence, Finding, Severity

NEEDS = ("steps",)
EXPLAINS = ("output-missing", "frame-dropped-from-cache", "input-not-found")
TEMPLATE = FindingTemplate(Severity.ERROR, "code", 'return {"df": DataFrame} from the driver')

_FRAME_TYPES = ("DataFrame", "Table", "RecordBatchReader")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps whose result has keys, but not df."""
    for line, match in matching_log_lines(run, UPSTREAM_KEY_MISSING):
        keys = parse_key_list(match["keys"])
        if not {"df", "df_path"} & set(keys):
            yield _finding(match["step"], list(map(repr, keys)), line.evidence(match[0][:200]))
    for event in run.events_named("output_stored"):
        returned, step = event.fields.get("keys"), run.step(event.step or "")
        if event.fields.get("storage") != "none" or step is None or not isinstance(returned, dict):
            continue
        expected = not step.is_writer and (lineage.downstream(step.id) or step.status == "failed")
        if returned and "df" not in returned and expected:
            types = [f"{str(key)!r} ({type_name})" for key, type_name in returned.items()]
            frames = [str(key) for key, type_name in returned.items() if type_name in _FRAME_TYPES]
            fix = f"return the DataFrame under 'df' instead of {frames[0]!r}" if len(frames) == 1 else None
            yield _finding(step.id, types, event_evidence(event, "keys"), fix)


def _finding(step: str, keys: list[str], evidence: Evidence, fix: str | None = None) -> Finding:
    message = f"the driver returned {', '.join(keys) or 'nothing'} instead of 'df', so the DataFrame was lost"
    return TEMPLATE.finding(message, evidence, step=step, fix=fix)
