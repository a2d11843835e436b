"""The log of an Azure Pipelines step: the report as text, then an issue for each finding.

The agent takes ``##vso[...]`` from anywhere in a line and has no bracket that stops it, so every ``##`` of the text is
escape_ci_commands. Escapes are the agent's: ``%AZP25`` for a percent sign, and ``;``, ``]`` and line ends by their codes.

Limit: 100 issues; the last of them says how many more there are.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations
from osiris_inspect.inspector.export.shared.ci_report import ci_report_text
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text.sanitize import escape_ci_commands
from osiris_inspect.model.finding import Severity

MOST: Final = 100
LONGEST_MESSAGE: Final = 4000


def render(
    reports: Sequence[Report],
    out: TextIO,
    *,
    width: int = 100,
    color: bool = False,
    ci: CIContext = NO_CI,
) -> None:
    """Write the text, then the issues; a note is no issue and stands in the text alone."""
    del width, color  # a log is as wide as its lines, and it is kept as a file
    out.write(ci_report_text(reports))
    issues = [entry for entry in annotations(reports, ci.checkout) if entry.level is not Severity.NOTE]
    out.writelines(f"{line}\n" for line in _issues(issues))


def _issues(entries: Sequence[Annotation]) -> Iterator[str]:
    shown = entries if len(entries) <= MOST else entries[: MOST - 1]
    yield from map(_issue, shown)
    if len(shown) < len(entries):
        yield f"##vso[task.logissue type=warning;]+{len(entries) - len(shown):,} more; the log of this step has them all"


def _issue(entry: Annotation) -> str:
    properties = {
        "type": str(entry.level),
        "sourcepath": entry.file,
        "linenumber": str(entry.line) if entry.line else None,
        "code": entry.finding.rule,
    }
    told = "".join(f"{name}={_property(value)};" for name, value in properties.items() if value)
    return f"##vso[task.logissue {told}]{_message(escape_ci_commands(entry.text(LONGEST_MESSAGE)))}"


def _message(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace("]", "%5D").replace(";", "%3B")
