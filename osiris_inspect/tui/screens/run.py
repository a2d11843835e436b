"""The screen of one run: which run, the verdict, and six tabs of what lies behind it."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from osiris_inspect.inspector.analysis.pickling import attach_log
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.model.errors import UnsafePath
from osiris_inspect.model.finding import Finding
from osiris_inspect.tui.panes.overview import Overview
from osiris_inspect.tui.panes.root_cause import RootCauseBanner
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.shared.data_source import DataSource
from osiris_inspect.tui.shared.messages import FrameOpened, ScreenReady, StepOpened, TabChosen
from osiris_inspect.tui.widgets.footer import Footer
from osiris_inspect.tui.widgets.header import Header
from osiris_inspect.tui.widgets.line_list import LineList, RowOpened
from osiris_inspect.tui.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
    from osiris_inspect.tui.panes.sql import SqlPane

    Pane = Overview | ListDetailPane | SqlPane

STEPS, EVENTS, TIMELINE, SQL = 2, 3, 6, 7
"""Numbers of tabs, as ``keys.TABS`` names them."""

POLL = 1.0
"""Seconds between looks at a run that is going on."""

PROGRESS_INTERVAL_S = 0.25
"""Seconds between looks at how far the reading of a long log has come."""

REREAD_AFTER_S = 20.0
"""Seconds after which a run that did not grow is read again all the same: it may count as cut off by then."""


class RunScreen(ListScreen):
    """One run. It reads the run itself, and again while the run goes on."""

    BINDINGS = keys.bindings("run")
    DEFAULT_CSS = """
    RunScreen ContentSwitcher { height: 1fr; }
    RunScreen #waiting { height: 1fr; padding: 1 2; color: $state-beside; }
    RunScreen.-waiting ContentSwitcher, RunScreen.-waiting RootCauseBanner, RunScreen.-waiting TabBar { display: none; }
    RunScreen #waiting { display: none; }
    RunScreen.-waiting #waiting { display: block; }
    """

    def __init__(self, path: Path, source: DataSource, clock: Callable[[], float]) -> None:
        self._read_at = clock()
        self._signature: Hashable = source.signature(path)
        self._at_once = source.quick_report(path, self._read_at)
        super().__init__(classes=None if self._at_once else "-waiting")
        self._path = path
        self._source = source
        self._clock = clock
        self._is_loading = False
        self.is_loaded = False
        self._deferred: list[Callable[[], None]] = []
        self.report: Report | None = None
        self._so_far: tuple[int, int] | None = None

    def compose(self) -> ComposeResult:
        """Header, verdict, tabs, panes, foot."""
        yield Header(markup=False)
        yield RootCauseBanner()
        yield TabBar()
        if self._at_once is None:
            yield Static(Content("\n").join(self._waiting()), id="waiting", markup=False)
        with ContentSwitcher(initial="tab-1"):
            yield Overview(id="tab-1")  # the others come when this one is seen
        yield Footer(("screen", "list", "run", "app"))

    def _waiting(self) -> list[Content]:
        words = [Content(show_line(line, 400)) for line in self.host.startup_lines]
        return [*words, Content(f"reading {show_line(str(self._path), 300)} …{_progress_text(self._so_far)}")]

    def on_mount(self) -> None:
        """Show what is there, or begin to read; look again every second while the run goes on."""
        if self._at_once is not None:
            self._show(self._at_once, self._signature)
            self._at_once = None
        else:
            self.load()
            self._watch = self.set_interval(PROGRESS_INTERVAL_S, self._update_progress)
        self.set_interval(POLL, self.poll)

    @property
    def is_ready(self) -> bool:
        """Whether its first picture shows the run."""
        return not self.has_class("-waiting")

    # ── reading ──

    def poll(self) -> None:
        """Read again what has grown, if the run was going on."""
        if self.report is not None and self.report.run.status == "running" and not self._is_loading:
            self.load()

    def load(self) -> None:
        """Read the run off the event loop."""
        self._is_loading = True
        self._read()

    def _on_progress(self, done: int, total: int) -> bool:
        """Take note of how far the reading has come; whether the screen that waits for it is still there."""
        self._so_far = (done, total)
        return self.is_attached and self.app.is_running

    def _update_progress(self) -> None:
        """Say how far the reading has come, until the run is there or it is said why it is not."""
        if self.report is not None or not self._is_loading:
            self._watch.stop()
        elif self._so_far is not None:
            self.query_one("#waiting", Static).update(Content("\n").join(self._waiting()))

    @work(thread=True, exclusive=True, group="load")
    def _read(self) -> None:
        """Nothing is read where nothing changed."""
        try:
            signature = self._source.signature(self._path)
            now = self._clock()
            if (
                self.report is not None
                and signature == self._signature
                and now - self._read_at < REREAD_AFTER_S
            ):
                return
            self._read_at = now
            report = self._source.report(self._path, now, self._on_progress)
        except Exception as error:  # noqa: BLE001  a stranger's run and a stranger's rules; what goes wrong is shown
            self.app.call_from_thread(self._show_error, error)
        else:
            if self.is_attached and self.app.is_running:  # else it was given up half-way, and is for nobody
                self.app.call_from_thread(self._show, report, signature)
        finally:
            self._is_loading = False

    def _show_error(self, error: Exception) -> None:
        text = show_line(f"{type(error).__name__}: {error}", 600)
        for waiting in self.query("#waiting") if self.report is None else ():
            assert isinstance(waiting, Static)  # noqa: S101  tells mypy what compose made
            waiting.update(Content.styled(f"✗ {text}", "$state-bad"))
        self.notify(text, severity="error", markup=False)
        self.post_message(ScreenReady())

    def _show(self, report: Report, signature: Hashable) -> None:
        is_first, was_painted = self.report is None, self.has_class("-waiting")
        self.report, self._signature = report, signature
        self.remove_class("-waiting")
        self.query_one(Header).show(report)
        self.query_one(RootCauseBanner).show(report)
        for number in range(1, len(keys.TABS) + 1) if self.is_loaded else (1,):
            self._show_in(self.pane(number), report)
        self.query_one(TabBar).show(self.query_one(TabBar).active, _counts(report))
        if is_first:
            self.pane(1).list.focus()
            self._update_footer()
            self.post_message(ScreenReady(was_painted=was_painted))
            self.call_after_refresh(self._load_lazy_panes)

    def _show_in(self, pane: "Pane", report: Report) -> None:
        pane.list.is_live = report.run.status == "running"
        pane.show(report)

    @work(thread=True, group="rest")
    def _load_lazy_panes(self) -> None:
        """Load what the panes behind the first one need: their code, and the log where the report came without it."""
        from osiris_inspect.tui.panes.lazy_panes import build_panes

        assert self.report is not None  # noqa: S101  asked for when there was one
        told = self.report
        try:
            whole = attach_log(told)
        except Exception as error:  # noqa: BLE001  a stranger's log; what goes wrong is shown
            self.app.call_from_thread(self._show_error, error)
        else:
            self.call_later(self._mount_rest, build_panes, told, whole)

    async def _mount_rest(
        self, panes: "Callable[[DataSource], Iterable[Pane]]", told: Report, whole: Report
    ) -> None:
        """Add the panes behind the first one, and do what was asked of them meanwhile."""
        if self.report is told:  # and was not read again
            self.report = whole
        for number, pane in enumerate(panes(self._source), start=2):
            await self.query_one(ContentSwitcher).add_content(pane, id=f"tab-{number}")
            if not pane.children:
                return  # the program was left meanwhile
            if self.report is not None:
                self._show_in(pane, self.report)
        self.is_loaded = True
        self._restore_state(self.host.load_state(self._path))
        for act in self._deferred:
            act()
        self._deferred.clear()

    def _when_loaded(self, act: Callable[[], None]) -> None:
        """Do something that needs every pane, now or as soon as they are there: no key is lost."""
        if self.is_loaded:
            act()
        elif self.report is not None:
            self._deferred.append(act)

    # ── what is found again ──

    def _restore_state(self, memory: Mapping[str, Any]) -> None:
        """Go back to the tab and the lines where the run was left, and mark what was marked."""
        for number in range(1, len(keys.TABS) + 1):
            place = memory.get("cursors", {}).get(str(number))
            if isinstance(place, int) and place < len(self.pane(number).list):
                self.pane(number).list.cursor = place
        marked = memory.get("marked", ())
        self.pane(EVENTS).list.marked |= {(str(file), int(line)) for file, line in marked}
        self.sql.box.history = [str(query) for query in memory.get("queries", ())]
        if memory.get("tab") in range(2, len(keys.TABS) + 1):
            self._open_tab(memory["tab"])

    def _state(self) -> dict[str, Any]:
        lists = {number: self.pane(number).list for number in range(1, len(keys.TABS) + 1)}
        marked = [list(key) for key in lists[EVENTS].marked if isinstance(key, tuple)]
        whole = {str(number): lines.cursor for number, lines in lists.items() if lines.visible_rows is None}
        return {
            "tab": self.query_one(TabBar).active,
            "cursors": whole,
            "marked": sorted(marked),
            "queries": self.sql.box.history,
        }

    def save_state(self) -> None:
        """Keep where the run was left, for the next time."""
        if self.is_loaded:
            self.host.save_state(self._path, self._state())

    def action_back(self, may_quit: bool) -> None:
        """Go back by one, and keep where the run was left."""
        self.save_state()
        super().action_back(may_quit)

    # ── tabs and panes ──

    def pane(self, number: int | None = None) -> "Pane":
        """A pane by its number; the open one without."""
        pane = self.query_one(f"#tab-{number or self.query_one(TabBar).active}")
        return cast("Pane", pane)  # nothing else was given such an id

    @property
    def main_list(self) -> LineList | None:
        """The list of the open pane."""
        return self.pane().list if self.report is not None else None

    def action_tab(self, number: int) -> None:
        """Open a tab."""
        self._when_loaded(lambda: self._open_tab(number))

    def _open_tab(self, number: int) -> None:
        self.query_one(ContentSwitcher).current = f"tab-{number}"
        self.query_one(TabBar).show(number)
        self.pane(number).close()
        self.pane(number).take_focus()
        self._update_footer()

    def on_tab_chosen(self, message: TabChosen) -> None:
        """Open the tab that was clicked."""
        self.action_tab(message.number)

    def on_step_opened(self, message: StepOpened) -> None:
        """Show all that is known of a step."""
        self._when_loaded(lambda: self._open_step(message.step))

    def _open_step(self, step: str) -> None:
        self._open_tab(STEPS)
        steps = cast("ListDetailPane", self.pane(STEPS))  # the pane of that number
        if steps.list.move_to(lambda row: row.key == step):
            steps.open()

    def file_position(self) -> tuple[Path, int] | None:
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
        return (self._path / "events.jsonl", max(1, step.line_range[0])) if step is not None else None

    def action_zoom(self) -> None:
        """Show the timeline from the first step on, or from the beginning."""
        self._when_loaded(self._zoom)

    def _zoom(self) -> None:
        from osiris_inspect.tui.panes.timeline import Timeline

        self._open_tab(TIMELINE)
        self.query_one(Timeline).zoom()

    @property
    def sql(self) -> "SqlPane":
        """The pane that is asked in SQL."""
        return cast("SqlPane", self.pane(SQL))  # the pane of that number

    def action_save(self) -> None:
        """Keep the answer to a question in SQL."""
        self._when_loaded(
            lambda: self.notify(
                show_line(self.sql.save(self.host.screenshot_dir, self._path.name), 400), markup=False
            )
        )

    def _step_here(self) -> StepState | None:
        """The step that the cursor is on, or whose line it is on; where there is none, that is said."""
        row = self.pane().list.row if self.report is not None else None
        name = (row.fields.get("step") or row.key) if row is not None else None
        step = self.report.run.step(name) if self.report is not None and isinstance(name, str) else None
        if step is None:
            self.notify("the cursor is on no step", markup=False)
        return step

    def action_artifacts(self) -> None:
        """Show the files of the step under the cursor."""
        step = self._step_here()
        if step is not None and self.report is not None:
            from osiris_inspect.tui.screens.artifacts import ArtifactsScreen

            self.app.push_screen(ArtifactsScreen(self.report.run.path, step))

    def on_row_opened(self, message: RowOpened) -> None:
        """Enter in the details of a step: its files are what can be opened there."""
        message.stop()
        if self.query_one(TabBar).active in (STEPS, TIMELINE):
            self.action_artifacts()

    def action_preview(self) -> None:
        """Look into the frame of the step under the cursor."""
        step = self._step_here()
        if step is None or self.report is None:
            return
        from osiris_inspect.inspector.run.frame_info import frame_path

        try:
            path = frame_path(self.report.run, step.id)
        except UnsafePath as error:
            self.notify(show_line(str(error), 300), severity="error", markup=False)
        else:
            self.post_message(FrameOpened(step.id, path))

    def close_details(self) -> bool:
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
        self._when_loaded(self._explain)

    def _explain(self) -> None:
        if self.report is None:
            return
        finding = self._finding() or self.report.root_cause
        if finding is None:
            self.notify("no finding to explain", markup=False)
            return
        from osiris_inspect.tui.screens.text import TextScreen, manual_lines

        manual = self._source.manual(finding.rule)
        text = manual_lines(manual or f"{finding.message}\n\nthis rule has no manual")
        self.app.push_screen(TextScreen(show_line(finding.rule, 80), text))


def _progress_text(so_far: tuple[int, int] | None) -> str:
    """How much of a long log was read: `` 1.2 GB of 2.3 GB, 52 %``; nothing where it is not long."""
    if so_far is None or not so_far[1]:
        return ""
    done, total = so_far
    return f" {figures.format_bytes(done)} of {figures.format_bytes(total)}, {100 * done // total} %"


def _counts(report: Report) -> list[int | None]:
    run = report.run
    beyond = len(run.log_lines) + len(run.unreadable)
    return [None, len(run.steps), len(run.events), len(report.findings), beyond, None, None]
