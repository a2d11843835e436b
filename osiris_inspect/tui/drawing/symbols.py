"""Symbols of states. Each has a sign and a word beside its colour, for users who cannot tell colours apart."""

from typing import NamedTuple

from textual.content import Content

from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.run.summary import STATUS_WORDS
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.run_card import StepStatus
from osiris_inspect.model.run_types import RunStatus

MUTED = "$state-beside"


class StatusSymbol(NamedTuple):
    """Sign, word and style of a state."""

    symbol: str
    word: str
    style: str

    @property
    def content(self) -> Content:
        """Sign and word in their style."""
        return Content.styled(f"{self.symbol} {self.word}", self.style)


class EdgeStyle(NamedTuple):
    """Letter and word for the location of a frame, and the line characters of its edge."""

    letter: str
    word: str
    style: str
    across: str
    down: str


STEP: dict[StepStatus, StatusSymbol] = {
    "succeeded": StatusSymbol("✓", "succeeded", "$state-good"),
    "reused": StatusSymbol("↺", "reused", "$state-good"),
    "failed": StatusSymbol("✗", "failed", "bold $state-bad"),
    "interrupted": StatusSymbol("!", "interrupted", "$state-warn"),
    "skipped": StatusSymbol("⊘", "skipped", "$state-warn"),
    "running": StatusSymbol("…", "running", "$state-live"),
    "not_started": StatusSymbol("·", "not started", MUTED),
}
RUN: dict[RunStatus, StatusSymbol] = {
    "success": StatusSymbol("✓", STATUS_WORDS["success"], "$state-good"),
    "failed": StatusSymbol("✗", STATUS_WORDS["failed"], "bold $state-bad"),
    "interrupted": StatusSymbol("!", STATUS_WORDS["interrupted"], "$state-warn"),
    "truncated": StatusSymbol("✗", STATUS_WORDS["truncated"], "bold $state-bad"),
    "compile_failed": StatusSymbol("✗", STATUS_WORDS["compile_failed"], "bold $state-bad"),
    "running": StatusSymbol("…", STATUS_WORDS["running"], "$state-live"),
    "unreadable": StatusSymbol("!", STATUS_WORDS["unreadable"], "$state-warn"),
}
SEVERITY: dict[Severity, StatusSymbol] = {
    Severity.ERROR: StatusSymbol("✗", "error", "bold $state-bad"),
    Severity.WARNING: StatusSymbol("!", "warning", "$state-warn"),
    Severity.NOTE: StatusSymbol("~", "note", "$state-live"),
}

IN_MEMORY = EdgeStyle("M", "memory", "$state-link", "━", "┃")
ON_DISK = EdgeStyle("S", "spill", "$state-live", "╍", "╏")
NOT_FOUND = EdgeStyle("✗", "missing", "bold $state-bad", "┈", "┊")
UNKNOWN = EdgeStyle("?", "unknown", MUTED, "┈", "┊")
PENDING = EdgeStyle("·", "not read", MUTED, "┈", "┊")
ORDER = EdgeStyle("→", "order only", MUTED, "┄", "┆")
LOCATIONS = {"memory": IN_MEMORY, "spill": ON_DISK}


def edge_style(location: str, consumer: StepState) -> EdgeStyle:
    """Return the style of an edge. An unresolved input is an error only if its consumer failed."""
    if location in LOCATIONS:
        return LOCATIONS[location]
    if location == "order":
        return ORDER
    if consumer.status == "failed":
        return NOT_FOUND
    return PENDING if consumer.status in ("skipped", "not_started", "reused") else UNKNOWN
