"""Command palette, folding, searching, copying, editing the pipeline, themes and ASCII terminals."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.command import CommandList, CommandPalette

from osiris_inspect.cli.inspect import launch_tui
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.event import Event
from osiris_inspect.tui.ascii_driver import ASCII
from osiris_inspect.tui.drawing import symbols
from osiris_inspect.tui.shared.host_services import NO_HOST
from osiris_inspect.tui.shared.key_commands import KeyCommands
from tests.tui import made
from tests.tui.conftest import Open, Stage
from tests.tui.test_keys import named_runs


async def titles(one: Stage) -> list[str]:
    return [str(hit.display) async for hit in KeyCommands(one.app.screen).discover()]


async def test_palette_has_every_key_of_the_screen(stage: Open) -> None:
    async with stage(made.failed()) as one:
        listed = await titles(one)
    assert "Next failure" in listed
    assert "Copy the root cause with its evidence and fix" in listed
    assert "Command palette" not in listed
    assert listed.index("Filter: words, -word, step=…, key=value") < listed.index("Down")
    assert len(listed) == len(set(listed)) > 40


async def test_palette_of_a_list_of_runs_has_its_own_keys(stage: Open) -> None:
    async with stage(*named_runs()) as one:
        listed = await titles(one)
    assert "Compare with the marked or previous run" in listed
    assert "Copy the root cause with its evidence and fix" not in listed


async def test_command_found_by_a_word_runs(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("ctrl+p", *"events tab")
        assert isinstance(one.app.screen, CommandPalette)
        await one.pilot.press("enter")
        await one.settle()
        assert one.app.screen.main_list is one.app.screen.pane(3).list  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["enter", "question_mark", "escape", "q"])
async def test_key_closes_the_help(stage: Open, key: str) -> None:
    async with stage(made.failed()) as one:
        run = one.app.screen
        await one.press("question_mark")
        assert one.app.screen is not run
        await one.press(key)
        assert one.app.screen is run


async def test_root_cause_folds_to_a_line_and_unfolds(stage: Open) -> None:
    async with stage(made.failed()) as one:
        whole = one.text()
        await one.press("v")
        folded = one.text()
        assert ("fix  " in whole, "fix  " in folded) == (True, False)
        await one.press("v")
        assert one.text() == whole


async def test_root_cause_is_folded_on_a_small_terminal(stage: Open) -> None:
    async with stage(made.failed(), size=(60, 18)) as one:
        assert "fix  " not in one.text()
        await one.press("v")
        assert "fix  " in one.text()


async def test_search_highlights_and_hides_no_line(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("3", "g")
        events = one.app.screen.main_list  # type: ignore[attr-defined]
        total = len(events)
        await one.press("f3", *"step_failed", "enter")
        assert len(events) == total
        assert "step_failed" in events.row.text
        assert list(events.highlight_terms) == ["step_failed"]


async def test_root_cause_is_copied_with_its_fix(stage: Open) -> None:
    copied: list[str] = []
    host = NO_HOST._replace(copy=copied.append)
    async with stage(made.failed(), outside=host, notices=True) as one:
        await one.press("C")
        assert one.said() == f"Copied {len(copied[0]):,} characters"
    lines = copied[0].splitlines()
    assert lines[0] == made.CAUSE.message
    assert lines[-1] == f"fix: {made.CAUSE.fix}"


async def test_copy_that_fails_says_so(stage: Open) -> None:
    host = NO_HOST._replace(copy=lambda _text: "no server running")
    async with stage(made.failed(), outside=host, notices=True) as one:
        await one.press("y")
        assert one.said() == "Not copied: no server running"


async def test_second_message_takes_the_place_of_the_first(stage: Open) -> None:
    async with stage(made.failed(), notices=True) as one:
        await one.press("u", "n")
        assert one.said() == "No search yet (press /)"


def planned(report: Report, file: str) -> Report:
    steps = [
        {"step_id": step.id, "file": file, "line": 7 + number} for number, step in enumerate(report.run.steps)
    ]
    plan = Event("plan", made.NOON, fields={"file": file, "steps": steps})
    run = replace(report.run, events=[plan, *report.run.events])
    return replace(report, run=run)


async def test_pipeline_opens_in_the_editor_at_the_step(stage: Open) -> None:
    opened: list[tuple[Path, int]] = []
    host = NO_HOST._replace(edit=lambda file, line: opened.append((file, line)))
    async with stage(planned(made.failed(), "movies.yaml"), outside=host, notices=True) as one:
        await one.press("2", "P")
        said = one.said()
    assert opened == [(Path("movies.yaml").absolute(), 7)] or said == "This terminal cannot start an editor"


async def test_run_without_a_plan_has_no_pipeline_to_open(stage: Open) -> None:
    async with stage(made.failed(), notices=True) as one:
        await one.press("P")
        assert one.said() == "This run does not record its pipeline file"


async def test_theme_is_remembered(stage: Open) -> None:
    saved: list[str] = []
    host = NO_HOST._replace(theme="high-contrast", save_theme=saved.append)
    async with stage(made.failed(), outside=host, theme="high-contrast") as one:
        assert one.app.theme == "high-contrast"
        await one.press("t")
    assert saved == ["textual-dark"]


def test_theme_file_is_written_and_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert launch_tui.load_theme() == ""
    launch_tui.save_theme("blue-orange")
    assert launch_tui.load_theme() == "blue-orange"


def test_every_symbol_has_one_ascii_character() -> None:
    states = (*symbols.STEP.values(), *symbols.RUN.values(), *symbols.SEVERITY.values())
    edges = (symbols.IN_MEMORY, symbols.ON_DISK, symbols.NOT_FOUND, symbols.UNKNOWN, symbols.PENDING)
    shown = "".join([*(state.symbol for state in states), *(f"{e.letter}{e.across}{e.down}" for e in edges)])
    translated = f"{shown}▁▇█▌╭╮╰╯┏┛".translate(ASCII)
    assert translated.isascii()
    assert len(translated) == len(shown) + 10


@pytest.mark.parametrize(("encoding", "is_ascii"), [("utf-8", False), ("latin-1", True), ("ascii", True)])
def test_encoding_decides_about_symbols(
    monkeypatch: pytest.MonkeyPatch, encoding: str, is_ascii: bool
) -> None:
    monkeypatch.delenv("OSIRIS_INSPECT_ASCII", raising=False)
    with Path(os.devnull).open("w", encoding=encoding) as stream:
        monkeypatch.setattr(launch_tui.sys, "__stderr__", stream)
        assert launch_tui.shows_only_ascii() is is_ascii
        monkeypatch.setenv("OSIRIS_INSPECT_ASCII", "1")
        assert launch_tui.shows_only_ascii()


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    socket = tmp_path / "tmux"
    command = ["tmux", "-S", str(socket)]
    subprocess.run([*command, "-f", os.devnull, "new-session", "-d", "sleep 60"], check=True)
    monkeypatch.setenv("TMUX", f"{socket},0,0")
    yield socket
    subprocess.run([*command, "kill-server"], check=True)


def test_text_reaches_the_buffer_of_a_default_tmux(tmux: Path) -> None:
    assert launch_tui.copy_in_tmux("häßlich\n漢") is None
    shown = subprocess.run(["tmux", "-S", str(tmux), "show-buffer"], check=True, capture_output=True)
    assert shown.stdout.decode() == "häßlich\n漢"


def test_tmux_that_has_ended_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMUX", f"{tmp_path}/nothing,0,0")
    assert "nothing" in (launch_tui.copy_in_tmux("x") or "")


async def test_letter_after_the_palette_was_closed_raises_nothing(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("ctrl+p")
        palette = one.app.screen
        assert isinstance(palette, CommandPalette)
        search = palette._gather_commands("no such command")
        await palette.query_one(CommandList).remove()
        await search.wait()
        await palette._gather_commands("copy").wait()
        assert one.app.is_running
