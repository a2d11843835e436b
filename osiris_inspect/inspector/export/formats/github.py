"""The log of a GitHub Actions step: the text report, then annotations on the lines of the pipeline file.

The runner reads commands from every line of stdout. The text is therefore in a ``stop-commands`` block that ends with a
random token. At most 10 annotations per type and step; the last one counts the others.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, TextIO

from osiris_inspect.base.text.terminal_text import terminal_text
from osiris_inspect.inspector.export import NO_CI, CIContext, write_commands
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations
from osiris_inspect.inspector.export.shared.ci_report import ci_report_text
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Severity

MAX_PER_TYPE: Final = 10
MAX_MESSAGE: Final = 4096
MAX_PROPERTY: Final = 1000
_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(reports: Sequence[Report], out: TextIO, *, ci: CIContext = NO_CI, **_ignored: object) -> None:
    """Write the text in its block, then the annotations.

    Raises:
        ValueError: the CI context has no token; without it log text could end the block.
    """
    if not ci.token:
        raise ValueError("the github format needs a random token")
    write_commands(out, [f"::stop-commands::{ci.token}"])
    out.write(ci_report_text(reports))
    write_commands(out, [f"::{ci.token}::"])
    for severity, group in groupby(annotations(reports, ci.checkout), key=lambda entry: entry.level):
        write_commands(out, _annotations(_COMMANDS[severity], list(group)))


def _annotations(command: str, entries: Sequence[Annotation]) -> Iterator[str]:
    listed = entries if len(entries) <= MAX_PER_TYPE else entries[: MAX_PER_TYPE - 1]
    yield from (_annotation(command, entry) for entry in listed)
    if len(listed) < len(entries):
        more = len(entries) - len(listed)
        yield f"::{command} title=osiris-inspect::+{more:,} more findings; see the log of this step"


def _annotation(command: str, entry: Annotation) -> str:
    values = {"file": entry.file, "line": str(entry.line) if entry.line else None, "title": entry.title}
    properties = ",".join(f"{name}={_property(value)}" for name, value in values.items() if value)
    return f"::{command} {properties}::{_message(entry.text(MAX_MESSAGE))}"


def _message(text: str) -> str:
    return terminal_text(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text[:MAX_PROPERTY]).replace(":", "%3A").replace(",", "%2C")
