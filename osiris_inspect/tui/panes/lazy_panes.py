"""Panes behind the first one. They are loaded after the first paint."""

from typing import TYPE_CHECKING

from osiris_inspect.tui.panes.events import Events
from osiris_inspect.tui.panes.findings import Findings
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.panes.log import Log
from osiris_inspect.tui.panes.sql import SqlPane
from osiris_inspect.tui.panes.steps import Steps
from osiris_inspect.tui.panes.timeline import Timeline

if TYPE_CHECKING:
    from osiris_inspect.tui.shared.data_source import DataSource


def build_panes(source: "DataSource") -> tuple[ListDetailPane | SqlPane, ...]:
    """Return the panes in the order of their tabs."""
    return Steps(), Events(), Findings(), Log(), Timeline(), SqlPane(source)
