"""Something else than messages came out of the worker.

What it finds:
    Lines of a remote run that its host could not read as messages.

Why it matters:
    A driver that prints, or a library under it, writes into the channel between worker and host. A message that stands
    on the same line is lost: an event, a metric, or the end of a step.

How to fix:
    Let the driver log in place of printing; send what libraries print to stderr.

Example:
    `Invalid JSON from batch runner: progress: 50%`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.run.summary import pluralize
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Severity

NEEDS = ("text logs",)
TEMPLATE = FindingTemplate(Severity.WARNING, "code", "let the driver log in place of printing")
_STRAY = LazyRegex(
    r"(?:Invalid JSON|[Nn]on-JSON (?:line|output)|not a message) (?:from|of) (?:the )?(?:batch runner|worker): ?[^\n]{0,120}"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report all lines that are not messages as one finding."""
    stray = list(matching_log_lines(run, _STRAY))
    if stray:
        steps = {line.step for line, _ in stray if line.step is not None}
        yield TEMPLATE.finding(
            f"{pluralize(len(stray), 'line')} that came out of the worker {'is' if len(stray) == 1 else 'are'} "
            "no message; what stood beside is lost",
            *(line.evidence(match[0]) for line, match in stray[:3]),
            step=steps.pop() if len(steps) == 1 else None,
        )
