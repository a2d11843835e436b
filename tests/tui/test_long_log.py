"""A log that is too long to be decoded as a whole is walked like any other; here all logs count as that long."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.geometry import Size

from osiris_inspect.inspector.event_log import open_large_log as long_reading
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.tui.app import InspectorApp
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.shared.data_source import LocalDataSource, ProgressCallback
from osiris_inspect.tui.widgets.event_list import EventRows, large_log
from osiris_inspect.tui.widgets.list_rows import SearchBatch
from osiris_inspect.tui.widgets.list_search import SYNC_SEARCH_ROWS
from osiris_inspect.tui.widgets.tab_bar import TabBar
from tests.tui.conftest import Stage
from tests.tui.made import Shelf
from tests.tui.test_keys import lines, text
from tests.tui.test_real_runs import NOW, opened

COUNT = 3 * SYNC_SEARCH_ROWS


@pytest.fixture
def long_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(long_reading, "LARGE_LOG_BYTES", 1_000)
    run = tmp_path / "run_1795348800000"
    run.mkdir()
    beats = [line(number, "heartbeat", step_id="a", rows=number) for number in range(COUNT)]
    beats[0] = line(0, "run_start", pipeline="long")
    beats[1] = line(1, "step_start", step_id="a")
    beats[10] = "{no event"
    beats[COUNT // 2] = line(COUNT // 2, "rows_lost", step_id="a", note="näïve")
    beats[-2] = line(COUNT - 2, "step_failed", step_id="a", error="the server went away")
    beats[-1] = line(COUNT - 1, "run_end", status="failed")
    (run / "events.jsonl").write_text("".join(f"{beat}\n" for beat in beats), encoding="utf-8")
    return run


def line(number: int, name: str, **fields: object) -> str:
    ts = f"2026-11-22T12:{number // 60:02}:{number % 60:02}.000000+00:00" if number < 3_600 else None
    return json.dumps({"ts": ts, "seq": number, "session": "run_1", "event": name, **fields})


def stands_on(one: Stage) -> str:
    return text(one).partition(" ")[0]


async def test_failures_warnings_lines_and_times_are_found(long_run: Path) -> None:
    async with opened(long_run) as one:
        await one.press("3")
        rows = lines(one).sheet.rows
        assert isinstance(rows, EventRows)
        assert large_log(rows.events) is not None
        assert len(rows) == COUNT - 1  # all but the line that is no event
        await one.press("g", "e")
        assert stands_on(one) == "step_failed"
        await one.press("e")
        assert stands_on(one) == "step_failed"
        await one.press("g", "w")
        assert stands_on(one) == "rows_lost"
        await one.press("G", "W")
        assert stands_on(one) == "rows_lost"
        await one.press("colon", *"101", "enter")
        assert "rows=100" in text(one)
        await one.press("colon", *"12:10:00", "enter")
        assert "rows=600" in text(one)
        await one.press("E")
        assert stands_on(one) == "step_failed"


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("event=step_failed", 1),
        ("went away", 1),
        ("rows=77", 1),
        ("step=a rows<5", 3),
        ("näïve", 1),
        ('"server went"', 1),
        ("event=heartbeat", COUNT - 6),
        ("nothing-like-it", 0),
        ("not event=heartbeat", 5),
    ],
)
async def test_a_filter_keeps_what_the_command_would(long_run: Path, asked: str, kept: int) -> None:
    async with opened(long_run) as one:
        await one.press("3")
        lines(one).set_filter(asked)
        await one.settle()
        assert len(lines(one)) == kept


async def test_a_long_search_says_how_far_it_is_and_shows_no_row_that_it_did_not_find(
    long_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()

    def slowly(_rows: EventRows, _wanted: object) -> Iterator[SearchBatch]:
        while not may_go_on.wait(0.01):
            yield SearchBatch([], 0.37)
        yield SearchBatch([77], 1)

    monkeypatch.setattr(EventRows, "search", slowly)
    async with opened(long_run) as one:
        await one.press("3", "g", *"jjj")
        lines(one).set_filter("rows>1")
        while "37 %" not in one.text():
            await one.pilot.pause()
        assert "no match yet  … 37 % searched" in one.text()
        assert len(lines(one)) == 0
        may_go_on.set()
        await one.settle()
        assert "rows=78" in text(one)
        assert "searched" not in one.text()
        lines(one).set_filter("")
        await one.settle()
        assert lines(one).cursor == 77


async def test_what_is_nowhere_is_said_and_the_cursor_stays(long_run: Path) -> None:
    async with opened(long_run) as one:
        await one.press("3", "g", "j", "m", "u")
        assert lines(one).cursor == 1
        assert "▁" in one.text() or "█" in one.text()


async def test_every_tab_stands_in_the_line_however_much_there_is_in_them(long_run: Path) -> None:
    async with opened(long_run, size=(80, 24)) as one:
        tabs = one.app.screen.query_one(TabBar)
        tabs.show(1, [None, 12, 1_234_567, 1_000, 9, None, None])
        await one.settle()
        assert (
            "3 Events 1M  4 Findings 1k  5 Log 9"
            in one.app.screen._compositor.render_strips()[tabs.region.y].text
        )
        await one.resize(Size(120, 40))
        assert "3 Events 1,234,567 " in one.app.screen._compositor.render_strips()[tabs.region.y].text
        await one.resize(Size(70, 24))
        assert (
            "2 Steps  3 Events  4 Findings" in one.app.screen._compositor.render_strips()[tabs.region.y].text
        )
        assert "7 SQL" in one.app.screen._compositor.render_strips()[tabs.region.y].text


class Halfway(LocalDataSource):
    """Reads a run, and waits where half of it is read until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_halfway, self.may_go_on = threading.Event(), threading.Event()
        self.was_wanted = True

    def quick_report(self, path: Path, now: float) -> Report | None:
        return None

    def report(self, path: Path, now: float, on_progress: ProgressCallback | None = None) -> Report:
        assert on_progress is not None
        on_progress(1_200_000_000, 2_300_000_000)
        self.is_halfway.set()
        assert self.may_go_on.wait(60)
        self.was_wanted = on_progress(2_300_000_000, 2_300_000_000)
        return super().report(path, now)


async def test_how_far_a_long_log_is_read_stands_on_the_screen_until_it_is(long_run: Path) -> None:
    disk = Halfway()
    app = InspectorApp(long_run, disk, clock=lambda: NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        one = Stage(app, pilot, Shelf())
        while "52 %" not in one.text():
            await pilot.pause()
        assert "… 1.2 GB of 2.3 GB, 52 %" in one.text().replace("\n ", "")
        disk.may_go_on.set()
        await one.settle()
        assert "52 %" not in one.text()
        assert "server went away" in one.text()
    assert disk.was_wanted


async def test_a_log_that_nobody_waits_for_any_more_is_not_read_to_its_end(long_run: Path) -> None:
    disk, other = Halfway(), long_run.with_name("run_1795348700000")
    other.mkdir()
    (other / "events.jsonl").write_text(line(0, "run_start") + "\n")
    app = InspectorApp(long_run.parent, disk, clock=lambda: NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        one = Stage(app, pilot, Shelf())
        await one.settle()
        await pilot.press("enter")
        while not disk.is_halfway.is_set():
            await pilot.pause()
        await pilot.press("q")
        disk.may_go_on.set()
        await one.settle()
        assert not isinstance(app.screen, RunScreen)
    assert not disk.was_wanted


def test_whoever_reads_a_long_log_hears_of_all_its_bytes(long_run: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []

    def hear(done: int, total: int) -> bool:
        heard.append((done, total))
        return True

    told = LocalDataSource(tmp_path / "cache").report(long_run, NOW, hear)
    size = (long_run / "events.jsonl").stat().st_size
    assert heard[-1] == (size, size)
    assert len(told.run.events) == COUNT - 1
