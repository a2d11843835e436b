"""The panes behind the first one. They are loaded when the first one stands, so that it stands sooner."""

from osiris_inspect.tui.panes.events import Events
from osiris_inspect.tui.panes.findings import Findings
from osiris_inspect.tui.panes.log import Log
from osiris_inspect.tui.panes.split import Split
from osiris_inspect.tui.panes.steps import Steps
from osiris_inspect.tui.panes.timeline import Timeline


def panes() -> tuple[Split, ...]:
    """One of each, in the order of their tabs."""
    return Steps(), Events(), Findings(), Log(), Timeline()
