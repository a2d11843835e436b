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

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("text logs",)

_STRAY = LazyRegex(
    r"(?:Invalid JSON|[Nn]on-JSON (?:line|output)|not a message) (?:from|of) (?:the )?(?:batch runner|worker): ?[^\n]{0,120}"
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """All of them as one finding."""
    stray = [(told, match) for told, match in matching_log_lines(run, _STRAY)]
    if stray:
        steps = {told.step for told, _ in stray if told.step is not None}
        yield Finding(
            rule="stray-output",
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            domain="code",
            message=f"{pluralize(len(stray), 'line')} that came out of the worker {'is' if len(stray) == 1 else 'are'} "
            "no message; what stood beside is lost",
            evidence=tuple(told.evidence(match[0]) for told, match in stray[:3]),
            step=steps.pop() if len(steps) == 1 else None,
            fix="let the driver log in place of printing",
        )
