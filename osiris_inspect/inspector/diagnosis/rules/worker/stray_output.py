"""The worker printed lines that are not messages.

What it finds:
    Lines of a remote run that its host could not parse as messages.

Why it matters:
    A driver or a library that prints writes into the channel between worker and host. A message on the same
    line is lost: an event, a metric, or the end of a step.

How to fix:
    Use logging instead of print in the driver; redirect the output of libraries to stderr.

Example:
    `Invalid JSON from batch runner: progress: 50%`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Severity

NEEDS = ("text logs",)
TEMPLATE = FindingTemplate(Severity.WARNING, "code", "use logging instead of print in the driver")
_STRAY = LazyRegex(
    r"(?:Invalid JSON|[Nn]on-JSON (?:line|output)|not a message) (?:from|of) (?:the )?(?:batch runner|worker): ?[^\n]{0,120}"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report all lines that are not messages as one finding."""
    stray = list(matching_log_lines(run, _STRAY))
    if stray:
        steps = {line.step for line, _ in stray if line.step is not None}
        yield TEMPLATE.finding(
            f"{pluralize(len(stray), 'line')} of worker output {'was' if len(stray) == 1 else 'were'} "
            "not a message; messages on the same line were lost",
            *(line.evidence(match[0]) for line, match in stray[:3]),
            step=steps.pop() if len(steps) == 1 else None,
        )
