"""Screen of one run: header, root cause and seven tabs."""

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
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import format_bytes
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import UnsafePath
from osiris_inspect.model.finding import Finding
from osiris_inspect.tui.panes.overview import Overview
from osiris_inspect.tui.panes.root_cause import RootCauseBanner
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.shared.data_source import DataSource
from osiris_inspect.tui.shared.key_bindings import TABS, bindings
from osiris_inspect.tui.shared.messages import ScreenReady, StepOpened, TabChosen
from osiris_inspect.tui.widgets.footer import Footer
from osiris_inspect.tui.widgets.header import Header
from osiris_inspect.tui.widgets.line_list import LineList, RowOpened
from osiris_inspect.tui.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
    from osiris_inspect.tui.panes.sql import SqlPane

    Pane = Overview | ListDetailPane | SqlPane

STEPS, EVENTS, TIMELINE, SQL = 2, 3, 6, 7
"""Numbers of tabs in ``TABS``."""

POLL_INTERVAL_S = 1.0
"""Time between two checks of a live run for new events."""

PROGRESS_INTERVAL_S = 0.25
"""Time between two updates of the progress while a long log is read."""

REREAD_AFTER_S = 20.0
"""Time after which a live run is read again although it did not change: it may count as truncated by then."""


class RunScreen(ListScreen):
    """Screen of a run. It reads the run, and again while the run is live."""

    BINDINGS = bindings("run")
    DEFAULT_CSS = """
    RunScreen ContentSwitcher { height: 1fr; }
    RunScreen #waiting { height: 1fr; padding: 1 2; color: $state-beside; display: none; }
    RunScreen.-waiting ContentSwitcher, RunScreen.-waiting RootCauseBanner, RunScreen.-waiting TabBar { display: none; }
    RunScreen.-waiting #waiting { display: block; }
    """

    def __init__(self, path: Path, source: DataSource, clock: Callable[[], float]) -> None:
        self._read_at = clock()
        self._signature: Hashable = source.signature(path)
        self._quick_report = source.quick_report(path, self._read_at)
        super().__init__(classes=None if self._quick_report else "-waiting")
        self._path = path
        self._source = source
        self._clock = clock
        self._is_loading = False
        self.is_loaded = False
        self._deferred: list[Callable[[], None]] = []
        self.report: Report | None = None
        self._progress: tuple[int, int] | None = None

    def compose(self) -> ComposeResult:
        """Yield header, root cause, tabs, the first pane and footer."""
        yield Header(markup=False)
        yield RootCauseBanner()
        yield TabBar()
        if self._quick_report is None:
            yield Static(self._waiting_text(), id="waiting", markup=False)
        with ContentSwitcher(initial="tab-1"):
            yield Overview(id="tab-1")  # the others are added after the first paint
        yield Footer(("screen", "list", "run", "app"))

    def _waiting_text(self) -> Content:
        startup_lines = [Content(show_line(line, 400)) for line in self.host.startup_lines]
        status = f"reading {show_line(str(self._path), 300)} …{_progress_text(self._progress)}"
        return Content("\n").join([*startup_lines, Content(status)])

    def start(self) -> None:
        """Show the report or start reading, and check for new events regularly."""
        if self._quick_report is not None:
            self._show(self._quick_report, self._signature)
            self._quick_report = None
        else:
            self.load()
            self._progress_timer = self.set_interval(PROGRESS_INTERVAL_S, self._update_progress)
        self.set_interval(POLL_INTERVAL_S, self.poll)

    # ── reading ──

    def poll(self) -> None:
        """Read a live run again."""
        if self.report is not None and self.report.run.status == "running" and not self._is_loading:
            self.load()

    def load(self) -> None:
        """Read the run in a thread."""
        self._is_loading = True
        self._read()

    def _on_progress(self, done: int, total: int) -> bool:
        self._progress = (done, total)
        return self.is_attached and self.app.is_running

    def _update_progress(self) -> None:
        if self.report is not None or not self._is_loading:
            self._progress_timer.stop()
        elif self._progress is not None:
            self.query_one("#waiting", Static).update(self._waiting_text())

    @work(thread=True, exclusive=True, group="load")
    def _read(self) -> None:
        """Read the run unless it is unchanged."""
        try:
            signature, now = self._source.signature(self._path), self._clock()
            is_unchanged = self.report is not None and signature == self._signature
            if is_unchanged and now - self._read_at < REREAD_AFTER_S:
                return
            self._read_at = now
            report = self._source.report(self._path, now, self._on_progress)
        except Exception as error:  # noqa: BLE001  foreign runs and rules; the error is shown
            self.app.call_from_thread(self._show_exception, error)
        else:
            if self.is_attached and self.app.is_running:  # else the reading was cancelled
                self.app.call_from_thread(self._show, report, signature)
        finally:
            self._is_loading = False

    def _show_exception(self, error: Exception) -> None:
        text = show_line(f"{type(error).__name__}: {error}", 600)
        if self.report is None:
            for waiting in self.query("#waiting").results(Static):
                waiting.update(Content.styled(f"✗ {text}", "$state-bad"))
        self.show_error(text)
        self.post_message(ScreenReady())

    def _show(self, report: Report, signature: Hashable) -> None:
        is_first, was_painted = self.report is None, self.has_class("-waiting")
        self.report, self._signature = report, signature
        self.remove_class("-waiting")
        self.query_one(Header).show(report)
        self.query_one(RootCauseBanner).show(report)
        for number in range(1, len(TABS) + 1) if self.is_loaded else (1,):
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

    @work(thread=True, group="lazy")
    def _load_lazy_panes(self) -> None:
        """Import the other panes, and open the log if the report came without it."""
        from osiris_inspect.tui.panes.lazy_panes import build_panes

        assert self.report is not None  # noqa: S101  the caller has set it
        report = self.report
        try:
            complete_report = attach_log(report)
        except Exception as error:  # noqa: BLE001  foreign logs; the error is shown
            self.app.call_from_thread(self._show_exception, error)
        else:
            self.call_later(self._mount_panes, build_panes, report, complete_report)

    async def _mount_panes(
        self, build_panes: "Callable[[DataSource], Iterable[Pane]]", report: Report, complete_report: Report
    ) -> None:
        """Add the other panes and run the deferred actions."""
        if self.report is report:  # not reloaded meanwhile
            self.report = complete_report
        switcher = self.query_one(ContentSwitcher)
        for number, pane in enumerate(build_panes(self._source), start=2):
            pane.id = f"tab-{number}"
            if not switcher.is_attached:
                return  # the app is exiting
            await switcher.add_content(pane)
            if not pane.query("LineList.main, .main LineList"):
                return  # the app is exiting
            if self.report is not None:
                self._show_in(pane, self.report)
        self.is_loaded = True
        self._restore_state(self.host.load_state(self._path))
        for action in self._deferred:
            action()
        self._deferred.clear()

    def _when_loaded(self, action: Callable[[], None]) -> None:
        """Run an action that needs all panes, now or as soon as they are loaded."""
        if self.is_loaded:
            action()
        elif self.report is not None:
            self._deferred.append(action)

    # ── saved state ──

    def _restore_state(self, state: Mapping[str, Any]) -> None:
        for number in range(1, len(TABS) + 1):
            cursor = state.get("cursors", {}).get(str(number))
            if isinstance(cursor, int) and cursor < len(self.pane(number).list):
                self.pane(number).list.cursor = cursor
        marked = state.get("marked", ())
        self.pane(EVENTS).list.marked |= {(str(file), int(line)) for file, line in marked}
        self.sql.box.history = [str(query) for query in state.get("queries", ())]
        if state.get("tab") in range(2, len(TABS) + 1):
            self._open_tab(state["tab"])

    def save_state(self) -> None:
        """Save tab, cursors, marks and queries for the next time the run is opened."""
        if not self.is_loaded:
            return
        lists = {number: self.pane(number).list for number in range(1, len(TABS) + 1)}
        cursors = {str(number): lines.cursor for number, lines in lists.items() if lines.visible_rows is None}
        state = {
            "tab": self.query_one(TabBar).active,
            "cursors": cursors,
            "marked": sorted(list(key) for key in lists[EVENTS].marked if isinstance(key, tuple)),
            "queries": self.sql.box.history,
        }
        self.host.save_state(self._path, state)

    def action_back(self, may_quit: bool) -> None:
        """Save the state and go back."""
        self.save_state()
        super().action_back(may_quit)

    # ── tabs and panes ──

    def pane(self, number: int | None = None) -> "Pane":
        """Return a pane by its number; the open one by default."""
        pane = self.query_one(f"#tab-{number or self.query_one(TabBar).active}")
        return cast("Pane", pane)  # only panes have such ids

    @property
    def main_list(self) -> LineList | None:
        """List of the open pane."""
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
        """Show the details of a step."""
        self._when_loaded(lambda: self._open_step(message.step))

    def _open_step(self, step: str) -> None:
        self._open_tab(STEPS)
        steps = cast("ListDetailPane", self.pane(STEPS))  # the pane with this number
        if steps.list.move_to(lambda row: row.key == step):
            steps.open()

    def file_position(self) -> tuple[Path, int] | None:
        """Return the log line of the current row: of a step the first one, of a finding its evidence."""
        row = self.pane().list.row if self.report is not None else None
        if self.report is None or row is None:
            return None
        if isinstance(row.key, tuple) and len(row.key) == 2 and isinstance(row.key[1], int):
            return self._path / str(row.key[0]), row.key[1]
        finding = self._finding()
        if finding is not None:
            return self._path / finding.evidence[0].file, max(1, finding.evidence[0].line)
        step = self.report.run.step(str(row.key))
        return (self._path / layout.EVENTS, max(1, step.line_range[0])) if step is not None else None

    def action_edit_pipeline(self) -> None:
        """Open the pipeline file at the current step, else at the step of the root cause, in the user's editor."""
        if self.report is None:
            return
        from osiris_inspect.inspector.project.source_location import step_locations

        row, cause = self.pane().list.row, self.report.root_cause
        finding = self._finding() or cause
        candidates = (
            row.fields.get("step") or row.key if row is not None else None,
            finding.step if finding is not None else None,
            None,
        )
        locations = step_locations(self.report.run)
        found = next((locations[step] for step in candidates if step in locations), None)
        if found is None:
            self.notify("This run does not record its pipeline file", markup=False)
        else:
            self._edit(Path(found.file).absolute(), max(1, found.line))

    def action_copy_cause(self) -> None:
        """Copy the root cause with its evidence and fix to the clipboard."""
        cause = self.report.root_cause if self.report is not None else None
        if cause is None:
            self.notify("No root cause to copy", markup=False)
            return
        evidence = (f"at {item}: {item.quote}" if item.quote else f"at {item}" for item in cause.evidence)
        text = [cause.message, *evidence, *([f"fix: {cause.fix}"] if cause.fix else [])]
        self.pane().list.copy_text("\n".join(text))

    def action_copy_replay(self, command: str) -> None:
        """Copy the command line that repeats the failure of the current step, or say why there is none."""
        step = self._current_step()
        if step is None or self.report is None:
            return
        from osiris_inspect.tui.shared.command_lines import command_line, replay_refusal, run_argument

        run = self.report.run
        refusal = replay_refusal(run, step)
        line = command_line(command, run_argument(run.path), step.id) if refusal is None else None
        if line is not None:
            self.pane().list.copy_text(line)
        else:
            text = (
                refusal or "The id of this step has invisible characters, which a shell might run: not copied"
            )
            self.notify(show_line(text, 400), markup=False)

    def action_fold(self) -> None:
        """Show the root cause in one line, or whole again."""
        self.query_one(RootCauseBanner).fold()

    def action_zoom(self) -> None:
        """Start the timeline at the first step, or at the start of the run again."""
        self._when_loaded(self._zoom)

    def _zoom(self) -> None:
        from osiris_inspect.tui.panes.timeline import Timeline

        self._open_tab(TIMELINE)
        self.query_one(Timeline).zoom()

    @property
    def sql(self) -> "SqlPane":
        """SQL pane."""
        return cast("SqlPane", self.pane(SQL))  # the pane with this number

    def action_save(self) -> None:
        """Save the result of the SQL query."""
        self._when_loaded(self._save)

    def _save(self) -> None:
        message = self.sql.save(self.host.screenshot_dir, self._path.name)
        self.notify(show_line(message, 400), markup=False)

    def _current_step(self) -> StepState | None:
        """Return the step of the current row; notify the user if it has none."""
        row = self.pane().list.row if self.report is not None else None
        name = (row.fields.get("step") or row.key) if row is not None else None
        step = self.report.run.step(name) if self.report is not None and isinstance(name, str) else None
        if step is None:
            self.notify("This line has no step", markup=False)
        return step

    def action_artifacts(self) -> None:
        """Show the files of the current step."""
        step = self._current_step()
        if step is not None and self.report is not None:
            from osiris_inspect.tui.screens.artifacts import ArtifactsScreen

            self.app.push_screen(ArtifactsScreen(self.report.run.path, step, self._source.frame))

    def on_row_opened(self, message: RowOpened) -> None:
        """Show the files of a step when the user presses enter in its details."""
        message.stop()
        if self.query_one(TabBar).active in (STEPS, TIMELINE):
            self.action_artifacts()

    def action_preview(self) -> None:
        """Preview the frame of the current step."""
        step = self._current_step()
        if step is None or self.report is None:
            return
        from osiris_inspect.inspector.run.frame_info import frame_path
        from osiris_inspect.tui.screens.frame import FrameScreen

        try:
            path = frame_path(self.report.run, step.id)
        except UnsafePath as error:
            self.show_error(error)
        else:
            self.app.push_screen(FrameScreen(step.id, path, self._source.frame))

    def action_time_travel(self) -> None:
        """Show the frames at each moment of the run."""
        self._when_loaded(self._travel)

    def _travel(self) -> None:
        if self.report is not None:
            from osiris_inspect.inspector.analysis.store_history import store_history
            from osiris_inspect.tui.screens.time_travel import TimeTravelScreen

            self.app.push_screen(TimeTravelScreen(store_history(self.report.run), self._source.frame))

    def close_details(self) -> bool:
        """Close the details of the open pane."""
        return self.report is not None and self.pane().close()

    # ── rules ──

    def _finding(self) -> Finding | None:
        """Return the current finding if the Findings tab is open."""
        from osiris_inspect.tui.panes.findings import Findings

        pane = self.pane()
        return pane.finding(pane.list.row) if isinstance(pane, Findings) else None

    def action_explain(self) -> None:
        """Show the manual of the current finding's rule, or of the root cause's."""
        self._when_loaded(self._explain)

    def _explain(self) -> None:
        finding = self._finding() or (self.report.root_cause if self.report is not None else None)
        if finding is None:
            self.notify("No finding to explain", markup=False)
            return
        from osiris_inspect.tui.screens.text import TextScreen, manual_lines

        manual = self._source.manual(finding.rule)
        text = manual_lines(manual or f"{finding.message}\n\nThis rule has no manual.")
        self.app.push_screen(TextScreen(show_line(finding.rule, 80), text))


def _progress_text(progress: tuple[int, int] | None) -> str:
    """Return how much of a long log was read: `` 1.2 GB of 2.3 GB, 52 %``; empty for a short log."""
    if progress is None or not progress[1]:
        return ""
    done, total = progress
    return f" {format_bytes(done)} of {format_bytes(total)}, {100 * done // total} %"


def _counts(report: Report) -> list[int | None]:
    run = report.run
    log_lines = len(run.log_lines) + len(run.unreadable)
    return [None, len(run.steps), len(run.events), len(report.findings), log_lines, None, None]
