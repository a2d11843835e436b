"""How a state is shown: a sign and a word beside the colour, so that no state is told by colour alone."""

from typing import NamedTuple

from textual.content import Content

from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.run.summary import STATUS_WORDS
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.run_card import StepStatus
from osiris_inspect.model.run_types import RunStatus

MUTED = "$state-beside"


class StatusSymbol(NamedTuple):
    """A sign, its word, and a style of the theme."""

    symbol: str
    word: str
    style: str

    @property
    def content(self) -> Content:
        """The sign and the word, coloured."""
        return Content.styled(f"{self.symbol} {self.word}", self.style)


class EdgeStyle(NamedTuple):
    """How an edge is drawn: the letter and the word of the place, and its line in each direction."""

    letter: str
    word: str
    style: str
    across: str
    down: str


STEP: dict[StepStatus, StatusSymbol] = {
    "succeeded": StatusSymbol("✓", "succeeded", "$state-good"),
    "failed": StatusSymbol("✗", "failed", "bold $state-bad"),
    "skipped": StatusSymbol("⊘", "skipped", "$state-warn"),
    "running": StatusSymbol("…", "running", "$state-live"),
    "not_started": StatusSymbol("·", "not started", MUTED),
}
RUN: dict[RunStatus, StatusSymbol] = {
    "success": StatusSymbol("✓", STATUS_WORDS["success"], "$state-good"),
    "failed": StatusSymbol("✗", STATUS_WORDS["failed"], "bold $state-bad"),
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
NOT_FOUND = EdgeStyle("✗", "none", "bold $state-bad", "┈", "┊")
UNKNOWN = EdgeStyle("?", "not told", MUTED, "┈", "┊")
PENDING = EdgeStyle("·", "not read", MUTED, "┈", "┊")


def edge_style(edge: Edge, consumer: StepState) -> EdgeStyle:
    """How an edge is drawn. An input that was found nowhere is broken only where its step ended badly."""
    if edge.location == "memory":
        return IN_MEMORY
    if edge.location == "spill":
        return ON_DISK
    if consumer.status == "failed":
        return NOT_FOUND
    return PENDING if consumer.status in ("skipped", "not_started") else UNKNOWN
