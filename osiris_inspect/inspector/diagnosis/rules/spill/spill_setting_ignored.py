"""A setting asked for a spill and the frame stayed in memory.

What it finds:
    A run whose settings spill every frame, or every frame over a number of rows, and a frame to which that applies and that
    was kept in memory without an attempt to write it.

Why it matters:
    Who spills wants to save memory, or to look at the frames afterwards. The run then does neither, and nothing says so.

How to fix:
    Look at the settings as the run recorded them (`run_start`), and whether they reached the worker.

Example:
    `E2B_FORCE_SPILL=true (environment)`, and `output_stored` says `storage: memory`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.run.settings import recorded_settings, settings_evidence
from osiris_inspect.model.finding import Severity

NEEDS = ("run_start", "output_stored")
TEMPLATE = FindingTemplate(Severity.WARNING, "code", "see whether the setting reached the worker")


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
                f"{setting} asks for a spill, and the frame of {rows:,} rows stayed in memory",
                event_evidence(event, "storage"),
                *settings_evidence(run),
                step=event.step,
            )
