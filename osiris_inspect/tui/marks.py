"""How a state is shown: a sign and a word beside the colour, so that no state is told by colour alone."""

from dataclasses import dataclass

from textual.content import Content

from osiris_inspect.inspector.lineage import Edge
from osiris_inspect.inspector.run import RunStatus, StepState
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.run_card import StepStatus

MUTED = "$foreground 68%"
"""For what is said beside. The theme's own ``$text-muted`` comes out brighter than plain text inside of content."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign, its word, and a style of the theme."""

    sign: str
    word: str
    style: str

    @property
    def content(self) -> Content:
        """The sign and the word, coloured."""
        return Content.styled(f"{self.sign} {self.word}", self.style)


@dataclass(frozen=True, slots=True)
class Wire:
    """How an edge is drawn: the letter and the word of the place, and its line in each direction."""

    letter: str
    word: str
    style: str
    across: str
    down: str


STEP: dict[StepStatus, Mark] = {
    "succeeded": Mark("✓", "succeeded", "$text-success"),
    "failed": Mark("✗", "failed", "bold $text-error"),
    "skipped": Mark("⊘", "skipped", "$text-warning"),
    "running": Mark("…", "running", "$text-accent"),
    "not_started": Mark("·", "not started", MUTED),
}
RUN: dict[RunStatus, Mark] = {
    "success": Mark("✓", "succeeded", "$text-success"),
    "failed": Mark("✗", "failed", "bold $text-error"),
    "truncated": Mark("✗", "cut off", "bold $text-error"),
    "compile_failed": Mark("✗", "compile failed", "bold $text-error"),
    "running": Mark("…", "running", "$text-accent"),
    "unreadable": Mark("!", "unreadable", "$text-warning"),
}
SEVERITY: dict[Severity, Mark] = {
    Severity.ERROR: Mark("✗", "error", "bold $text-error"),
    Severity.WARNING: Mark("!", "warning", "$text-warning"),
    Severity.NOTE: Mark("~", "note", "$text-accent"),
}

IN_MEMORY = Wire("M", "memory", "$text-primary", "━", "┃")
ON_DISK = Wire("S", "spill", "$text-accent", "╍", "╏")
NOWHERE = Wire("✗", "none", "bold $text-error", "┈", "┊")
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
