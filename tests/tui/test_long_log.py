"""A log that is too long to be decoded as a whole is walked like any other; here all logs count as that long."""

import json
from pathlib import Path

import pytest
from textual.geometry import Size

from osiris_inspect.inspector.long import long_reading
from osiris_inspect.tui.event_rows import EventRows, indexed
from osiris_inspect.tui.panes.tabs import Tabs
from osiris_inspect.tui.seeking import AT_ONCE
from tests.tui.conftest import Stage
from tests.tui.test_keys import lines, text
from tests.tui.test_real_runs import opened

COUNT = 3 * AT_ONCE


@pytest.fixture
def long_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(long_reading, "LONG", 1_000)
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
        assert indexed(rows.events) is not None
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


async def test_what_is_nowhere_is_said_and_the_cursor_stays(long_run: Path) -> None:
    async with opened(long_run) as one:
        await one.press("3", "g", "j", "m", "u")
        assert lines(one).cursor == 1
        assert "▁" in one.text() or "█" in one.text()


async def test_every_tab_stands_in_the_line_however_much_there_is_in_them(long_run: Path) -> None:
    async with opened(long_run, size=(80, 24)) as one:
        tabs = one.app.screen.query_one(Tabs)
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
