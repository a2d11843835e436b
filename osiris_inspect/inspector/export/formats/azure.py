"""The log of an Azure Pipelines step: the text report, then an issue per finding.

The agent reads ``##vso[...]`` anywhere in a line and cannot be told to stop, so every ``##`` of the text is escaped. In
issues, a percent sign is ``%AZP25``; ``;``, ``]`` and line ends are escaped too. At most 100 issues; the last one counts
the others.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from osiris_inspect.base.text.terminal_text import terminal_text
from osiris_inspect.inspector.export import NO_CI, CIContext, write_commands
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations
from osiris_inspect.inspector.export.shared.ci_report import ci_report_text
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Severity

MAX_ISSUES: Final = 100
MAX_MESSAGE: Final = 4000


def render(reports: Sequence[Report], out: TextIO, *, ci: CIContext = NO_CI, **_ignored: object) -> None:
    """Write the text, then the issues; notes are only in the text."""
    out.write(ci_report_text(reports))
    issues = [entry for entry in annotations(reports, ci.checkout) if entry.level is not Severity.NOTE]
    write_commands(out, _issues(issues))


def _issues(entries: Sequence[Annotation]) -> Iterator[str]:
    listed = entries if len(entries) <= MAX_ISSUES else entries[: MAX_ISSUES - 1]
    yield from map(_issue, listed)
    if len(listed) < len(entries):
        yield f"##vso[task.logissue type=warning;]+{len(entries) - len(listed):,} more findings; see the log of this step"


def _issue(entry: Annotation) -> str:
    properties = {
        "type": str(entry.level),
        "sourcepath": entry.file,
        "linenumber": str(entry.line) if entry.line else None,
        "code": entry.finding.rule,
    }
    attributes = "".join(f"{name}={_property(value)};" for name, value in properties.items() if value)
    return f"##vso[task.logissue {attributes}]{_message(entry.text(MAX_MESSAGE))}"


def _message(text: str) -> str:
    return terminal_text(text).replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace("]", "%5D").replace(";", "%3B")
