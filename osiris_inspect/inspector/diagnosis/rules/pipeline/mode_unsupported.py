"""A step runs in a mode its component does not have.

What it finds:
    A processor that is to write, a writer that is to extract, and the like.

Why it matters:
    The original's compiler collects this error and never looks at it, so the step does something else than was meant.

How to fix:
    Set the mode that belongs to the component.

Example:
    `duckdb.processor` with `mode: write`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("configuration",)

_MODES = {"extractor": {"extract", "read"}, "processor": {"transform"}, "writer": {"write", "load"}}


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps whose mode does not go with the last word of their driver."""
    for step in run.steps:
        kind = (step.driver or "").rpartition(".")[2].rpartition("_")[2]
        mode = step.config.get("mode")
        if kind in _MODES and isinstance(mode, str) and mode not in _MODES[kind]:
            cfg = layout.config_path(step.id)
            yield Finding(
                rule="mode-unsupported",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="config",
                message=f"{step.driver} cannot {mode}",
                evidence=(Evidence(cfg, 0, '"mode"'), Evidence(f"compiled/{cfg}", 0, '"mode"')),
                step=step.id,
                fix=f"set the mode to {' or '.join(sorted(_MODES[kind]))}",
            )
