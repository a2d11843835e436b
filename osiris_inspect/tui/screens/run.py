"""The screen of one run: which run, the verdict, and six tabs of what lies behind it."""

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from osiris_inspect.inspector.report import Report
from osiris_inspect.model.errors import UnsafeName
from osiris_inspect.model.finding import Finding
from osiris_inspect.tui import inert, keys
from osiris_inspect.tui.lines import LineList
from osiris_inspect.tui.messages import FrameOpened, Ready, StepOpened, TabChosen
from osiris_inspect.tui.panes.foot import Foot
from osiris_inspect.tui.panes.header import Header
from osiris_inspect.tui.panes.overview import Overview
from osiris_inspect.tui.panes.split import Split
from osiris_inspect.tui.panes.tabs import Tabs
from osiris_inspect.tui.panes.verdict import Verdict
from osiris_inspect.tui.screens.listing import ListScreen
from osiris_inspect.tui.screens.text import TextScreen, manual_lines
from osiris_inspect.tui.source import Source

STEPS, EVENTS, TIMELINE = 2, 3, 6
"""Numbers of tabs, as ``keys.TABS`` names them."""

POLL = 1.0
"""Seconds between looks at a run that is going on."""

SILENT = 20.0
"""Seconds after which a run that did not grow is read again all the same: it may count as cut off by then."""


class RunScreen(ListScreen):
    """One run. It reads the run itself, and again while the run goes on."""

    BINDINGS = keys.bindings("run")
    DEFAULT_CSS = """
    RunScreen ContentSwitcher { height: 1fr; }
    RunScreen #waiting { height: 1fr; padding: 1 2; color: $state-beside; }
    RunScreen.-waiting ContentSwitcher, RunScreen.-waiting Verdict, RunScreen.-waiting Tabs { display: none; }
    RunScreen #waiting { display: none; }
    RunScreen.-waiting #waiting { display: block; }
    """

    def __init__(self, path: Path, source: Source, clock: Callable[[], float]) -> None:
        super().__init__(classes="-waiting")
        self._path = path
        self._source = source
        self._clock = clock
        self._signature: Hashable = None
        self._is_loading = False
        self._read_at = 0.0
        self._is_whole = False
        self._later: list[Callable[[], None]] = []
        self.report: Report | None = None

    def compose(self) -> ComposeResult:
        """Header, verdict, tabs, panes, foot."""
        yield Header(markup=False)
        yield Verdict()
        yield Tabs()
        yield Static(f"reading {inert.line(str(self._path), 300)} …", id="waiting", markup=False)
        with ContentSwitcher(initial="tab-1"):
            yield Overview(id="tab-1")  # the others come when this one is seen
        yield Foot(("screen", "list", "run", "app"))

    def on_mount(self) -> None:
        """Begin to read, and look again every second while the run goes on."""
        self.load()
        self.set_interval(POLL, self.look_again)

    # ── reading ──

    def look_again(self) -> None:
        """Read again what has grown, if the run was going on."""
        if self.report is not None and self.report.run.status == "running" and not self._is_loading:
            self.load()

    def load(self) -> None:
        """Read the run off the event loop."""
        self._is_loading = True
        self._read()

    @work(thread=True, exclusive=True, group="load")
    def _read(self) -> None:
        """Nothing is read where nothing changed."""
        try:
            signature = self._source.signature(self._path)
            now = self._clock()
            if self.report is not None and signature == self._signature and now - self._read_at < SILENT:
                return
            self._read_at = now
            report = self._source.report(self._path, now)
        except Exception as error:  # noqa: BLE001  a stranger's run and a stranger's rules; what goes wrong is shown
            self.app.call_from_thread(self._refuse, error)
        else:
            self.app.call_from_thread(self._show, report, signature)
        finally:
            self._is_loading = False

    def _refuse(self, error: Exception) -> None:
        text = inert.line(f"{type(error).__name__}: {error}", 600)
        if self.report is None:
            self.query_one("#waiting", Static).update(Content.styled(f"✗ {text}", "$state-bad"))
        self.notify(text, severity="error", markup=False)
        self.post_message(Ready())

    def _show(self, report: Report, signature: Hashable) -> None:
        is_first = self.report is None
        self.report, self._signature = report, signature
        self.remove_class("-waiting")
        self.query_one(Header).show(report)
        self.query_one(Verdict).show(report)
        for number in range(1, len(keys.TABS) + 1) if self._is_whole else (1,):
            self._show_in(self.pane(number), report)
        self.query_one(Tabs).show(self.query_one(Tabs).active, _counts(report))
        if is_first:
            self.pane(1).list.focus()
            self._tell()
            self.post_message(Ready())
            self.call_after_refresh(self._mount_rest)

    def _show_in(self, pane: Overview | Split, report: Report) -> None:
        pane.list.is_live = report.run.status == "running"
        pane.show(report)

    async def _mount_rest(self) -> None:
        """Add the panes behind the first one, and do what was asked of them meanwhile."""
        from osiris_inspect.tui.panes.rest import panes

        for number, pane in enumerate(panes(), start=2):
            await self.query_one(ContentSwitcher).add_content(pane, id=f"tab-{number}")
            if self.report is not None:
                self._show_in(pane, self.report)
        self._is_whole = True
        self._recall(self.outside.recall(self._path))
        for act in self._later:
            act()
        self._later.clear()

    def _when_whole(self, act: Callable[[], None]) -> None:
        """Do something that needs every pane, now or as soon as they are there: no key is lost."""
        if self._is_whole:
            act()
        elif self.report is not None:
            self._later.append(act)

    # ── what is found again ──

    def _recall(self, memory: Mapping[str, Any]) -> None:
        """Go back to the tab and the lines where the run was left, and mark what was marked."""
        for number in range(1, len(keys.TABS) + 1):
            place = memory.get("cursors", {}).get(str(number))
            if isinstance(place, int) and place < len(self.pane(number).list):
                self.pane(number).list.cursor = place
        marked = memory.get("marked", ())
        self.pane(EVENTS).list.marked |= {(str(file), int(line)) for file, line in marked}
        if memory.get("tab") in range(2, len(keys.TABS) + 1):
            self._open_tab(memory["tab"])

    def _memory(self) -> dict[str, Any]:
        lists = {number: self.pane(number).list for number in range(1, len(keys.TABS) + 1)}
        marked = [list(key) for key in lists[EVENTS].marked if isinstance(key, tuple)]
        whole = {str(number): lines.cursor for number, lines in lists.items() if lines.shown is None}
        return {"tab": self.query_one(Tabs).active, "cursors": whole, "marked": sorted(marked)}

    def keep(self) -> None:
        """Keep where the run was left, for the next time."""
        if self._is_whole:
            self.outside.remember(self._path, self._memory())

    def action_back(self, may_quit: bool) -> None:
        """Go back by one, and keep where the run was left."""
        self.keep()
        super().action_back(may_quit)

    # ── tabs and panes ──

    def pane(self, number: int | None = None) -> Overview | Split:
        """A pane by its number; the open one without."""
        pane = self.query_one(f"#tab-{number or self.query_one(Tabs).active}")
        assert isinstance(pane, Overview | Split)  # noqa: S101  tells mypy what compose made
        return pane

    @property
    def main_list(self) -> LineList | None:
        """The list of the open pane."""
        return self.pane().list if self.report is not None else None

    def action_tab(self, number: int) -> None:
        """Open a tab."""
        self._when_whole(lambda: self._open_tab(number))

    def _open_tab(self, number: int) -> None:
        self.query_one(ContentSwitcher).current = f"tab-{number}"
        self.query_one(Tabs).show(number)
        self.pane(number).close()
        self.pane(number).list.focus()
        self._tell()

    def on_tab_chosen(self, message: TabChosen) -> None:
        """Open the tab that was clicked."""
        self.action_tab(message.number)

    def on_step_opened(self, message: StepOpened) -> None:
        """Show all that is known of a step."""
        self._when_whole(lambda: self._open_step(message.step))

    def _open_step(self, step: str) -> None:
        self._open_tab(STEPS)
        steps = self.pane(STEPS)
        if isinstance(steps, Split) and steps.list.select(lambda row: row.key == step):
            steps.open()

    def place_in_file(self) -> tuple[Path, int] | None:
        """The line of a log that the cursor is on; of a step its first line."""
        row = self.pane().list.row if self.report is not None else None
        if self.report is None or row is None:
            return None
        if isinstance(row.key, tuple) and len(row.key) == 2 and isinstance(row.key[1], int):
            return self._path / str(row.key[0]), row.key[1]
        finding = self._finding()
        if finding is not None:
            return self._path / finding.evidence[0].file, max(1, finding.evidence[0].line)
        step = self.report.run.step(str(row.key))
        return (self._path / "events.jsonl", max(1, step.lines[0])) if step is not None else None

    def action_zoom(self) -> None:
        """Show the timeline from the first step on, or from the beginning."""
        self._when_whole(self._zoom)

    def _zoom(self) -> None:
        from osiris_inspect.tui.panes.timeline import Timeline

        self._open_tab(TIMELINE)
        self.query_one(Timeline).zoom()

    def action_preview(self) -> None:
        """Look into the frame of the step under the cursor."""
        row = self.pane().list.row if self.report is not None else None
        step = (row.fields.get("step") or row.key) if row is not None else None
        if self.report is None or not isinstance(step, str) or self.report.run.step(step) is None:
            self.notify("the cursor is on no step", markup=False)
            return
        from osiris_inspect.inspector.frame_facts import frame_of

        try:
            path = frame_of(self.report.run, step)
        except UnsafeName as error:
            self.notify(inert.line(str(error), 300), severity="error", markup=False)
        else:
            self.post_message(FrameOpened(step, path))

    def step_back(self) -> bool:
        """Close the details."""
        return self.report is not None and self.pane().close()

    # ── rules ──

    def _finding(self) -> Finding | None:
        """The finding under the cursor, where findings are shown."""
        from osiris_inspect.tui.panes.findings import Findings

        pane = self.pane()
        return pane.finding(pane.list.row) if isinstance(pane, Findings) else None

    def action_explain(self) -> None:
        """Show the manual of the finding under the cursor, or of the cause."""
        self._when_whole(self._explain)

    def _explain(self) -> None:
        if self.report is None:
            return
        finding = self._finding() or self.report.root_cause
        if finding is None:
            self.notify("no finding to explain", markup=False)
            return
        manual = self._source.manual(finding.rule)
        text = manual_lines(manual or f"{finding.message}\n\nthis rule has no manual")
        self.app.push_screen(TextScreen(inert.line(finding.rule, 80), text))


def _counts(report: Report) -> list[int | None]:
    run = report.run
    beyond = len(run.log_lines) + len(run.unread)
    return [None, len(run.steps), len(run.events), len(report.findings), beyond, None]
