"""A DataFrame stayed in memory although a setting requires a spill.

What it finds:
    A run whose settings spill every DataFrame, or every one above a row count, and a DataFrame that was kept
    in memory without an attempt to spill it.

Why it matters:
    A spill saves memory or keeps DataFrames for later inspection. The run does neither, without an error.

How to fix:
    Check the settings that the run recorded (`run_start`), and whether they reached the worker.

Example:
    `E2B_FORCE_SPILL=true (environment)`, and `output_stored` reports `storage: memory`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.run.settings import recorded_settings, settings_evidence
from osiris_inspect.model.finding import Severity

NEEDS = ("run_start", "output_stored")
TEMPLATE = FindingTemplate(Severity.WARNING, "code", "check whether the setting reached the worker")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find frames that the settings spill and that the worker did not try to spill."""
    settings = recorded_settings(run)
    force, threshold = settings.get("force_spill"), settings.get("spill_threshold")
    tried = {event.step for event in run.events_named("spill_failed", "spill_write")}
    for event in run.events_named("output_stored"):
        rows = event.row_count
        if event.fields.get("storage") != "memory" or rows is None or event.step in tried:
            continue
        setting = None
        if force is not None and force.value is True:
            setting = force
        elif threshold is not None and isinstance(threshold.value, int) and rows > threshold.value:
            setting = threshold
        if setting is not None:
            yield TEMPLATE.finding(
                f"{setting} requires a spill, but the DataFrame of {rows:,} rows stayed in memory",
                event_evidence(event, "storage"),
                *settings_evidence(run),
                step=event.step,
            )
