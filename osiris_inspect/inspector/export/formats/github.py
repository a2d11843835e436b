"""The log of a GitHub Actions step: the report as text, then annotations on the lines of the pipeline file.

The runner takes commands from every line of stdout, and texts of a log come from data. So the text stands in a bracket
in which the runner obeys nothing, ended by a word that cannot be known beforehand.

Limits: 10 annotations a type and step; the last of them says how many more there are. A message has 4,096 characters.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, TextIO

from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations
from osiris_inspect.inspector.export.shared.ci_report import ci_report_text
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Severity

PER_TYPE: Final = 10
LONGEST_MESSAGE: Final = 4096
LONGEST_PROPERTY: Final = 1000
_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(
    reports: Sequence[Report],
    out: TextIO,
    *,
    width: int = 100,
    color: bool = False,
    ci: CIContext = NO_CI,
) -> None:
    """Write the text in its bracket, then the annotations.

    Raises:
        ValueError: the job has no token; without it the bracket could be closed by the log.
    """
    del width, color  # a log is as wide as its lines, and it is kept as a file
    if not ci.token:
        raise ValueError("the github format needs a token that cannot be guessed")
    out.write(f"::stop-commands::{ci.token}\n{ci_report_text(reports)}::{ci.token}::\n")
    for severity, group in groupby(annotations(reports, ci.checkout), key=lambda entry: entry.level):
        out.writelines(f"{line}\n" for line in _annotations(_COMMANDS[severity], list(group)))


def _annotations(command: str, entries: Sequence[Annotation]) -> Iterator[str]:
    shown = entries if len(entries) <= PER_TYPE else entries[: PER_TYPE - 1]
    yield from (_annotation(command, entry) for entry in shown)
    if len(shown) < len(entries):
        more = len(entries) - len(shown)
        yield f"::{command} title=osiris-inspect::+{more:,} more of this kind; the log of this step has them all"


def _annotation(command: str, entry: Annotation) -> str:
    place = {"file": entry.file, "line": str(entry.line) if entry.line else None, "title": entry.title}
    properties = ",".join(f"{name}={_property(value)}" for name, value in place.items() if value)
    return f"::{command} {properties}::{_message(entry.text(LONGEST_MESSAGE))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text[:LONGEST_PROPERTY]).replace(":", "%3A").replace(",", "%2C")
