"""What people come for, key by key."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.tui.screens.comparison import ComparisonScreen
from osiris_inspect.tui.screens.frame import FrameScreen
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.screens.runs import RunsScreen
from osiris_inspect.tui.shared.host_services import HostServices
from osiris_inspect.tui.widgets.line_list import LineList
from tests.samples import ROOT, SAMPLES
from tests.tui import made
from tests.tui.conftest import Open
from tests.tui.test_keys import lines, text
from tests.tui.test_real_runs import event, opened, write
from tests.tui.test_screens import named_runs

pytestmark = pytest.mark.sampled(3)

DOCUMENTED = SAMPLES / "original_nonetype"


async def test_the_cause_of_the_documented_failure_is_there_at_once_and_its_line_two_keys_away() -> None:
    async with opened(DOCUMENTED) as one:
        shown = one.text()
        assert "was neither kept in memory nor spilled" in " ".join(shown.replace("▌", "").split())
        assert "compute-director-stats" in shown
        await one.press("3", "e")
        assert "step_failed" in text(one)
        assert "Python Object" in one.text()
        assert '"NoneType" found' in one.text()


async def test_a_folder_that_holds_one_run_opens_that_run() -> None:
    async with opened(DOCUMENTED) as one:
        assert isinstance(one.app.screen, RunScreen)
        await one.press("q")
        assert not one.app.is_running or one.app._exit


async def test_a_live_run_is_followed_paused_and_followed_again(tmp_path: Path) -> None:
    run = tmp_path / "run_1795348800000"
    write(run, event(0, "run_start"), event(1, "step_start", step_id="a"))
    async with opened(run) as one:
        screen = one.app.screen
        assert isinstance(screen, RunScreen)

        async def grow(seq: int) -> None:
            write(run, event(seq, "heartbeat", step_id="a"))
            screen.poll()
            await one.settle()

        await one.press("3", "f")
        assert "following" in one.text()
        await grow(2)
        assert text(one).startswith("heartbeat")
        await one.press("f")
        assert "paused" in one.text()
        await grow(3)
        assert lines(one).cursor == 2
        await one.press("f")
        assert lines(one).cursor == 3
        write(run, event(4, "step_complete", step_id="a"), event(5, "run_end", status="success"))
        screen.poll()
        await one.settle()
        assert "run_end" in text(one)
        assert "following" not in one.text()


async def test_a_live_run_that_falls_silent_is_cut_off_some_time_later(tmp_path: Path) -> None:
    now = [made.NOON + 86_400]
    run = tmp_path / "run_1795348800000"
    write(run, event(0, "run_start"), event(1, "step_start", step_id="a"))
    async with opened(run, clock=lambda: now[0]) as one:
        screen = one.app.screen
        assert isinstance(screen, RunScreen)
        assert screen.report is not None
        assert screen.report.run.status == "running"
        now[0] += 3_600
        screen.poll()
        await one.settle()
        assert screen.report.run.status == "truncated"


async def test_two_runs_are_compared_where_they_first_go_apart(stage: Open) -> None:
    async with stage(*named_runs(), size=(120, 40)) as one:
        await one.press("m", "j", "c")
        assert isinstance(one.app.screen, ComparisonScreen)
        assert "first divergence: compute-stats" in one.text()
        assert text(one).startswith("compute-stats")
        await one.press("enter")
        assert "input_df of type NoneType" in one.text()
        await one.press("q", "q")
        assert isinstance(one.app.screen, RunsScreen)


async def test_a_run_is_compared_with_the_one_before_it_of_its_pipeline_where_none_is_marked(
    stage: Open,
) -> None:
    older, newer, *_ = named_runs()
    newer = replace(newer, run=replace(newer.run, started=made.NOON + 10))
    async with stage(older, newer) as one:
        await one.press("g", "c")
        assert "first divergence: compute-stats" in one.text()


async def test_compare_without_a_second_run_says_what_to_do(stage: Open) -> None:
    async with stage(
        *(replace(run, run=replace(run.run, pipeline=run.run.id)) for run in named_runs()), notices=True
    ) as one:
        await one.press("c")
        assert isinstance(one.app.screen, RunsScreen)
        assert "Mark two runs" in one.said()


async def test_the_frames_of_a_step_in_two_runs_are_compared(stage: Open, tmp_path: Path) -> None:
    one_run, other = made.with_frame(tmp_path / "one"), made.with_frame(tmp_path / "other", rows=1_500)
    async with stage(one_run, other, size=(120, 40)) as one:
        await one.press("m", "j", "c")
        assert lines(one).move_to(lambda row: row.key == "compute-stats")
        await one.press("p")
        shown = " ".join(one.text().split())
        assert "rows 2,000 1,500" in shown
        assert "year: nulls 200 150" in shown


async def test_frames_that_are_not_there_are_said_not_to_be_comparable(stage: Open) -> None:
    async with stage(*named_runs(), size=(120, 40)) as one:
        await one.press("m", "j", "c", "p")
        assert "output.parquet is not there" in one.text()


# ── events ──


async def test_warnings_marks_and_places_are_walked_by_keys(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("3", "g", "w")
        assert text(one).startswith("step_skipped")
        await one.press("m", "g", "j", "m", "G", "u")
        assert lines(one).cursor == 1
        await one.press("u")
        assert text(one).startswith("step_skipped")
        await one.press("U")
        assert lines(one).cursor == 1
        await one.press("m", "u", "u")
        assert text(one).startswith("step_skipped")


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("7", 7),
        ("50%", 5),
        ("+1.1", 6),
        ("12:00:02", 9),
        ("12:00", 1),
        ("999", 10),
        ("100%", 10),
        ("nonsense", 4),
        ("", 4),
    ],
)
async def test_a_line_a_time_or_a_share_can_be_gone_to(stage: Open, typed: str, line: int) -> None:
    names = {":": "colon", "+": "plus", "%": "percent_sign", ".": "full_stop"}
    async with stage(made.failed()) as one:
        await one.press("3", "colon", *(names.get(key, key) for key in typed), "enter")
        assert lines(one).cursor + 1 == line
        assert isinstance(one.app.focused, LineList)


async def test_escape_leaves_the_box_for_places_and_the_filter_stays(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("3", "slash", *"skip", "enter", "colon", "2", "escape")
        assert len(lines(one)) == 1


async def test_the_filter_speaks_the_language_of_the_command(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("3", "slash", *"tries", "greater_than_sign", "0", "enter")
        assert text(one).startswith("connection_resolved")
        assert "1/1 of 10" in one.text()


async def test_the_editor_is_given_file_and_line(stage: Open, tmp_path: Path) -> None:
    asked: list[tuple[str, int]] = []

    def edit(path: Path, line: int) -> str:
        asked.append((path.name, line))
        return "no such editor"

    async with stage(made.failed(), outside=HostServices(edit=edit), notices=True) as one:
        await one.press("3", "ctrl+o", "4", "ctrl+o", "2", "ctrl+o")
        assert "cannot start an editor" in one.said()  # the terminal of a test is none that could be
    assert asked == []


async def test_without_an_editor_the_key_says_so(stage: Open) -> None:
    async with stage(made.failed(), notices=True) as one:
        await one.press("3", "ctrl+o")
        assert "$EDITOR" in one.said()


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ("3", ("events.jsonl", 4)),
        ("4", ("events.jsonl", 4)),
        ("2", ("events.jsonl", 2)),
        ("5 G k k", ("osiris.log", 2)),
    ],
)
async def test_every_line_of_a_file_can_be_opened(stage: Open, keys: str, place: tuple[str, int]) -> None:
    async with stage(made.failed()) as one:
        await one.press(*keys.split())
        screen = one.app.screen
        assert isinstance(screen, RunScreen)
        found = screen.file_position()
        assert found is not None
        assert (found[0].name, found[1]) == place


# ── timeline ──


async def test_i_opens_the_timeline_and_z_leaves_out_the_wait(stage: Open) -> None:
    async with stage(made.failed(), size=(120, 40)) as one:
        await one.press("i")
        waiting = one.text().count("·")
        assert "◆ critical path" in one.text()
        await one.press("z")
        assert one.text().count("·") < waiting
        await one.press("z")
        assert one.text().count("·") == waiting


async def test_a_run_without_times_says_so(stage: Open) -> None:
    timeless = replace(made.EXTRACT, started=None, ended=None, duration_s=None)
    report = made.report(timeless, logged=())
    async with stage(replace(report, run=replace(report.run, started=None))) as one:
        await one.press("6")
        assert "no step has a time" in one.text()


# ── frames ──


async def test_p_opens_the_frame_of_a_step_and_a_row_of_it_in_full(stage: Open, tmp_path: Path) -> None:
    async with stage(made.with_frame(tmp_path), size=(120, 40)) as one:
        await one.press("1", "j", "p")
        assert isinstance(one.app.screen, FrameScreen)
        assert "2,000 rows · 3 columns" in one.text()
        await one.press("G")
        assert "Director 1999" in one.text()
        await one.press("colon", *"1000", "enter")
        assert text(one) == "Director 999\t1969\t***"
        await one.press("enter")
        assert "row 1,000" in one.text()
        await one.press("escape", "l")
        assert "Director 999" not in text(one)
        await one.press("Y")
        assert one.app.clipboard == "1969"
        await one.press("tab", "g", "enter", "tab")
        assert "Director 999" in one.text()
        assert "hunter2" not in one.text()


async def test_rows_of_a_frame_can_be_searched(stage: Open, tmp_path: Path) -> None:
    async with stage(made.with_frame(tmp_path)) as one:
        await one.press("2", "j", "p", "slash", *"year=1961", "enter")
        assert "1/29 of 2,000" in one.text()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is not there"),
        (b"", "is empty: 0 bytes"),
        (b"PAR1 no PAR1", "cannot be read"),
        (b"x" * 999, "cannot be read"),
    ],
    ids=["missing", "empty", "cut", "other"],
)
async def test_a_frame_that_cannot_be_read_says_why(
    stage: Open, tmp_path: Path, content: bytes | None, words: str
) -> None:
    report = made.with_frame(tmp_path)
    file = report.run.path / "artifacts" / "compute-stats" / "output.parquet"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    async with stage(report) as one:
        await one.press("2", "j", "p")
        assert words in one.text()
        await one.press("j", "l", "Y", "enter", "q")
        assert isinstance(one.app.screen, RunScreen)


async def test_a_frame_damaged_in_the_middle_shows_what_is_whole(stage: Open, tmp_path: Path) -> None:
    report = made.with_frame(tmp_path)
    file = report.run.path / "artifacts" / "compute-stats" / "output.parquet"
    content = bytearray(file.read_bytes())
    content[4:2_000] = b"\xff" * 1_996
    file.write_bytes(content)
    async with stage(report) as one:
        await one.press("2", "j", "p")
        assert "✗ output.parquet cannot be read" in one.text()
        await one.press("G")
        assert "Director 1999" in one.text()


async def test_a_step_whose_name_leads_out_of_the_run_shows_no_frame(stage: Open) -> None:
    report = made.report(replace(made.EXTRACT, id="../../secret"))
    async with stage(report, notices=True) as one:
        await one.press("2", "p")
        assert isinstance(one.app.screen, RunScreen)
        assert "is not a file name" in one.said()


# ── what is found again ──


async def test_tab_line_and_marks_are_found_again(stage: Open) -> None:
    kept: dict[Path, Mapping[str, Any]] = {}
    outside = HostServices(load_state=lambda run: kept.get(run, {}), save_state=kept.__setitem__)
    async with stage(made.failed(), outside=outside) as one:
        await one.press("3", "G", "m", "k")
        await one.pilot.press("q")
    assert json.loads(json.dumps(kept[made.failed().run.path]))["tab"] == 3
    async with stage(made.failed(), outside=outside) as one:
        assert lines(one).cursor == 8
        await one.press("u")
        assert lines(one).cursor == 9


@pytest.mark.parametrize(
    "memory", [{"tab": 99}, {"tab": "x", "cursors": {"3": 10**9}}, {"marked": [["events.jsonl", 3]]}]
)
async def test_a_memory_of_another_run_does_no_harm(stage: Open, memory: Mapping[str, Any]) -> None:
    async with stage(made.failed(), outside=HostServices(load_state=lambda run: memory)) as one:
        assert "neither memory nor spill" in one.text()


async def test_a_picture_of_the_screen_is_kept(stage: Open, tmp_path: Path) -> None:
    async with stage(made.failed(), outside=HostServices(screenshot_dir=tmp_path)) as one:
        await one.press("f12")
    (picture,) = tmp_path.glob("*.svg")
    assert "<svg" in picture.read_text()


# ── the table of runs ──


async def test_s_sorts_the_runs(stage: Open) -> None:
    async with stage(*named_runs(), size=(120, 40)) as one:
        await one.press("s", "g")
        assert "failed first" in one.text()
        assert "failed" in text(one)


async def test_the_last_runs_of_a_pipeline_stand_beside_it(stage: Open) -> None:
    async with stage(*named_runs(), size=(200, 50)) as one:
        assert "█✗" in one.text()


def test_nothing_was_written_into_the_samples() -> None:
    assert not [path for path in (ROOT / "sample_logs").rglob("*") if path.suffix in (".svg", ".index")]


async def test_the_first_line_says_what_kept_the_worker_apart() -> None:
    (run,) = (SAMPLES / "killed_worker").glob("run_*")
    isolation = load(run).isolation
    assert isolation in ("bwrap", "landlock", "none")
    async with opened(run) as one:
        first = one.app.screen._compositor.render_strips()[0].text
    assert f" · sandbox ({isolation}) · " in first
