"""A signal ended the run.

What it finds:
    A run that was ended by Ctrl-C, SIGTERM or SIGHUP, such as a cancelled CI job.

Why it matters:
    The run is incomplete, but nothing failed. A writer that was running may have written some rows.

How to fix:
    Run again. If no person ended the run, check the time limit of the CI job or of the scheduler.

Example:
    `"event": "run_end", "status": "interrupted"`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Evidence, Severity

NEEDS = ("failures",)
TEMPLATE = FindingTemplate(
    Severity.NOTE,
    "infra",
    "run again; if no person ended the run, check the time limit of the CI job or of the scheduler",
    stage="finish",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report the signal, the steps that were done, and the step that was running."""
    if run.status != "interrupted" or run.failure is None:
        return
    info = run.failure.info
    signal = info.facts.get("signal") if info is not None else None
    by_signal = f" by {signal}" if isinstance(signal, str) else ""
    succeeded = sum(step.status == "succeeded" for step in run.steps)
    done = f"{succeeded} of {pluralize(len(run.steps), 'step')}"
    running = next((step for step in run.steps if step.status == "interrupted"), None)
    during = f", while step {running.id!r} was running" if running is not None else ""
    started = run.events_named("step_start", step=running.id) if running is not None else []
    yield TEMPLATE.finding(
        f"the run was interrupted{by_signal} after {done}{during}",
        Evidence(run.failure.file, run.failure.line, run.failure.message[:120]),
        *(event_evidence(event) for event in started[-1:]),
    )
