"""A parameter that each of the last runs was started with is missing.

What it finds:
    A parameter, of the command line or of the environment, that each of the last runs of the same pipeline had and this run
    does not have. At least three earlier runs are needed, and the text of the pipeline is the same.

Why it matters:
    The pipeline uses the default of the parameter, such as an old date, and the run succeeds with other rows.

How to fix:
    Start the run again with the parameter. If the default is meant, allow this rule.

Example:
    The last 3 runs had `day`, from 2026-11-25 to 2026-11-27, and this run used the default 2026-01-01.
"""

from collections.abc import Mapping
from typing import Any

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
SEARCHES = ("earlier runs",)
MIN_RUNS = 3
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "pass the parameter and run the pipeline again; if its default is meant, allow this rule",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find parameters that each of the last runs had and this one does not have."""
    earlier = [
        each
        for each in run.earlier_runs
        if each.inputs.text == run.inputs.text and each.inputs.profile == run.inputs.profile
    ]
    plans = run.events_named("plan")
    if run.inputs.parameters is None or run.inputs.text is None or len(earlier) < MIN_RUNS or not plans:
        return
    given = [_parameters(each.inputs.parameters) for each in earlier]
    own = _parameters(run.inputs.parameters)
    for name in sorted(given[0]):
        if name not in own and all(name in one for one in given):
            yield TEMPLATE.finding(
                f"the parameter {name!r} was not given, so its default was used; each of the last {len(given)} runs had it",
                event_evidence(plans[0], "params"),
                stage="compile",
            )


def _parameters(text: str | None) -> Mapping[str, Any]:
    parameters = bounded_json.loads(text) if text else {}
    return parameters if isinstance(parameters, dict) else {}
