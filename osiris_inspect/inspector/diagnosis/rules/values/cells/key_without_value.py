"""Rows of an upsert have no value in a column of its key.

What it finds:
    A writer that updates existing rows by a key, and a column of this key without a value in some of the rows it receives.

Why it matters:
    NULL is not equal to NULL, so these rows find no existing row and are inserted again in each run.

How to fix:
    Choose a key that has a value in each row, or replace the missing values before the write. If the rows are new in each
    run, allow this rule for the step.

Example:
    `upsert` writes by `sku` and `variant`, and 90 of 240 rows have no variant.
"""

from collections.abc import Mapping
from typing import Any

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence, frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("configuration",)
_MODES = ("upsert", "merge", "update")
_KEYS = (
    "primary_key",
    "key",
    "keys",
    "key_columns",
    "conflict_columns",
    "on_conflict",
    "unique_key",
    "merge_keys",
)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "choose a key that has a value in each row; if these rows are new in each run, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find upserts with rows that have no value in a column of the key."""
    for step in run.steps:
        frames = run.input_frames(step)
        mode = str(step.config.get("write_mode") or step.config.get("mode") or "").lower()
        is_upsert = mode in _MODES and step.status == "succeeded" and is_safe_name(step.id)
        if not is_upsert or len(step.inputs) != 1 or len(frames) != 1:
            continue
        key, names = _key(step.config)
        for name in names:
            column = frames[0].column(name)
            if column is not None and column.nulls:
                yield TEMPLATE.finding(
                    f"{name!r}, a column of its key, has no value in {column.nulls:,} of {frames[0].rows or 0:,} rows, which no "
                    "existing row matches",
                    config_evidence(step.id, key),
                    frame_evidence(frames[0], name),
                    step=step.id,
                )
                break


def _key(config: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the key of the configuration that names the columns of the key, and the columns."""
    for key in _KEYS:
        value = config.get(key)
        if isinstance(value, str) and value:
            return key, tuple(part.strip() for part in value.split(","))
        if isinstance(value, list) and value:
            return key, tuple(map(str, value))
    return "", ()
