"""A step has a mode that its component does not support.

What it finds:
    A processor with the mode `write`, a writer with the mode `extract`, and similar combinations.

Why it matters:
    The original's compiler collects this error and ignores it, so the step does something else than intended.

How to fix:
    Set a mode that the component supports.

Example:
    `duckdb.processor` with `mode: write`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("configuration",)
TEMPLATE = FindingTemplate(Severity.WARNING, "config")
_MODES = {"extractor": {"extract", "read"}, "processor": {"transform"}, "writer": {"write", "load"}}


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps whose mode does not match the type of their driver."""
    for step in run.steps:
        modes = _MODES.get((step.driver or "").rpartition(".")[2].rpartition("_")[2])
        mode = step.config.get("mode")
        if modes and isinstance(mode, str) and mode not in modes:
            evidence = config_evidence(step.id, "mode")
            yield TEMPLATE.finding(
                f"{step.driver} does not support mode {mode!r}",
                evidence,
                evidence._replace(file=f"compiled/{evidence.file}"),
                step=step.id,
                fix=f"set the mode to {' or '.join(sorted(modes))}",
            )
