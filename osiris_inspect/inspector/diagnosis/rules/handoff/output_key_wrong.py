"""A step gave its frame under a name nobody asks for.

What it finds:
    A result that has keys, and not the key `df` that the next step was to get.

Why it matters:
    The step counts as a success with 0 rows, the frame is lost, and the next step fails.

How to fix:
    Return the frame as `{"df": frame}`.

Example:
    `Key 'df' not found in outputs from step 'compute-stats' (available: ['data'])`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.files.log_phrases import UPSTREAM_KEY_MISSING, parse_key_list
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS: Final = ("steps",)
RANK: Final = 30

_FRAME_TYPES: Final = ("DataFrame", "Table", "RecordBatchReader")
_FIX: Final = 'let the driver return {"df": frame}'


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """Steps whose result has other keys than the one that counts."""
    for told, match in matching_log_lines(run, UPSTREAM_KEY_MISSING):
        keys = parse_key_list(match["keys"])
        if not {"df", "df_path"} & set(keys):
            yield _finding(match["step"], list(map(repr, keys)), told.evidence(match[0][:200]))
    for event in run.events_named("output_stored"):
        returned, step = event.fields.get("keys"), run.step(event.step or "")
        if event.fields.get("storage") != "none" or step is None or not isinstance(returned, dict):
            continue
        wanted = lineage.downstream(step.id) or step.status == "failed"
        if returned and "df" not in returned and wanted and not step.is_writer:
            kinds = [f"{str(key)!r} ({kind})" for key, kind in returned.items()]
            frames = [str(key) for key, kind in returned.items() if kind in _FRAME_TYPES]
            fix = f"return the DataFrame under 'df' instead of {frames[0]!r}" if len(frames) == 1 else _FIX
            yield _finding(step.id, kinds, event_evidence(event, "keys"), fix)


def _finding(step: str, keys: list[str], evidence: Evidence, fix: str = _FIX) -> Finding:
    return Finding(
        rule="output-key-wrong",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="code",
        message=f"the driver returned {', '.join(keys) or 'nothing'} and no 'df', so its frame is lost",
        evidence=(evidence,),
        step=step,
        fix=fix,
    )
