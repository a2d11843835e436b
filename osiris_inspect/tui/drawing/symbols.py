"""How a state is shown: a sign and a word beside the colour, so that no state is told by colour alone."""

from typing import NamedTuple

from textual.content import Content

from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.run import RunStatus, StepState
from osiris_inspect.inspector.run.summary import STATUS_WORDS
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.run_card import StepStatus

MUTED = "$state-beside"


class Mark(NamedTuple):
    """A sign, its word, and a style of the theme."""

    sign: str
    word: str
    style: str

    @property
    def content(self) -> Content:
        """The sign and the word, coloured."""
        return Content.styled(f"{self.sign} {self.word}", self.style)


class Wire(NamedTuple):
    """How an edge is drawn: the letter and the word of the place, and its line in each direction."""

    letter: str
    word: str
    style: str
    across: str
    down: str


STEP: dict[StepStatus, Mark] = {
    "succeeded": Mark("✓", "succeeded", "$state-good"),
    "failed": Mark("✗", "failed", "bold $state-bad"),
    "skipped": Mark("⊘", "skipped", "$state-warn"),
    "running": Mark("…", "running", "$state-live"),
    "not_started": Mark("·", "not started", MUTED),
}
RUN: dict[RunStatus, Mark] = {
    "success": Mark("✓", STATUS_WORDS["success"], "$state-good"),
    "failed": Mark("✗", STATUS_WORDS["failed"], "bold $state-bad"),
    "truncated": Mark("✗", STATUS_WORDS["truncated"], "bold $state-bad"),
    "compile_failed": Mark("✗", STATUS_WORDS["compile_failed"], "bold $state-bad"),
    "running": Mark("…", STATUS_WORDS["running"], "$state-live"),
    "unreadable": Mark("!", STATUS_WORDS["unreadable"], "$state-warn"),
}
SEVERITY: dict[Severity, Mark] = {
    Severity.ERROR: Mark("✗", "error", "bold $state-bad"),
    Severity.WARNING: Mark("!", "warning", "$state-warn"),
    Severity.NOTE: Mark("~", "note", "$state-live"),
}

IN_MEMORY = Wire("M", "memory", "$state-link", "━", "┃")
ON_DISK = Wire("S", "spill", "$state-live", "╍", "╏")
NOWHERE = Wire("✗", "none", "bold $state-bad", "┈", "┊")
NOT_TOLD = Wire("?", "not told", MUTED, "┈", "┊")
NOT_YET = Wire("·", "not read", MUTED, "┈", "┊")


def wire(edge: Edge, consumer: StepState) -> Wire:
    """How an edge is drawn. An input that was found nowhere is broken only where its step ended badly."""
    if edge.place == "memory":
        return IN_MEMORY
    if edge.place == "spill":
        return ON_DISK
    if consumer.status == "failed":
        return NOWHERE
    return NOT_YET if consumer.status in ("skipped", "not_started") else NOT_TOLD
