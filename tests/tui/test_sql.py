"""The run asked in SQL: the line, the answer, what is refused, what is kept."""

from pathlib import Path
from typing import cast

import pytest

from osiris_inspect.inspector.tables.sql_types import SqlError, SqlSession
from osiris_inspect.tui.panes.sql import SqlPane
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.screens.text import TextScreen
from osiris_inspect.tui.shared.host_services import HostServices
from tests.tui import made
from tests.tui.conftest import Open, Stage
from tests.tui.test_hostile import HOSTILE, assert_inert, poisoned

pytestmark = pytest.mark.sampled(3)


def pane(one: Stage) -> SqlPane:
    return cast("RunScreen", one.app.screen).sql


async def ask(one: Stage, query: str) -> None:
    pane(one).box.value = query
    await one.press("enter")


async def test_what_can_be_asked_is_shown_and_enter_shows_its_rows(stage: Open, tmp_path: Path) -> None:
    async with stage(made.with_frame(tmp_path)) as one:
        await one.press("7")
        assert "compute-stats" in one.text()
        assert "director" in one.text()
        await one.press("escape", "G", "enter")
        assert "Director 0" in one.text()
        assert "1,000 rows · 3 columns" in one.text()
        assert "hunter2" not in one.text()


async def test_a_question_is_typed_asked_and_paged_through(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("7")
        for key in "select n from (select 1234 as n)":
            await one.pilot.press(
                {" ": "space", "(": "left_parenthesis", ")": "right_parenthesis"}.get(key, key)
            )
        await one.press("enter")
        assert "1234" in one.text()
        assert "1 row · 1 column" in one.text()
        await ask(one, "from range(5000)")
        await one.press("escape", "G")
        assert "4999" in one.text()
        await one.press("enter")
        assert isinstance(one.app.screen, TextScreen)


async def test_a_refusal_names_the_place_and_the_cursor_goes_there(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("7")
        await ask(one, "  select foo from events;")
        assert "at character 8" in one.text()
        assert "foo" in one.text()
        assert pane(one).box.cursor_position == 9


async def test_earlier_questions_come_back(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("7")
        for query in ("select 1", "select 2", "select 1"):
            await ask(one, query)
        seen = []
        for key in ("up", "up", "up", "down", "down"):
            await one.press(key)
            seen.append(pane(one).box.value)
        assert seen == ["select 1", "select 2", "select 2", "select 1", ""]


async def test_questions_are_found_again_the_next_time(stage: Open) -> None:
    kept: dict[str, object] = {}
    outside = HostServices(load_state=lambda _run: kept, save_state=lambda _run, memory: kept.update(memory))
    async with stage(made.failed(), outside=outside) as one:
        await one.press("7")
        await ask(one, "select 42")
        await one.press("escape", "q")
    assert kept["queries"] == ["select 42"]
    async with stage(made.failed(), outside=outside) as one:
        await one.press("7", "up")
        assert pane(one).box.value == "select 42"


async def test_an_answer_is_kept_as_csv_beside_the_one_before(stage: Open, tmp_path: Path) -> None:
    async with stage(made.failed(), outside=HostServices(screenshot_dir=tmp_path), notices=True) as one:
        await one.press("7", "escape", "S")
        assert "No result to save yet" in one.said()
        await one.press("7")
        await ask(one, "select step, status from steps order by 1")
        await one.press("escape", "S", "S")
    first, second = sorted(tmp_path.iterdir())
    assert first.read_text() == second.read_text()
    assert first.read_text().startswith("step,status\ncompute-stats,failed\n")


async def test_a_row_can_be_copied(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("7")
        await ask(one, "select 'left' a, 'right' b")
        await one.press("escape", "y")
        assert one.app.clipboard == "left\tright"


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_text_in_tables_is_shown_and_does_nothing(stage: Open, name: str) -> None:
    async with stage(poisoned(HOSTILE[name]), size=(160, 50)) as one:
        await one.press("7")
        for query in ("from events", "from findings", "from steps", f"select '{'[bold]x' * 3}' as \"[red]\""):
            await ask(one, query)
            assert "✗" not in one.text().splitlines()[8]
            assert_inert(one.text(), (160, 50))
        await one.press("escape", "enter")
        assert_inert(one.text(), (160, 50))


async def test_a_console_that_cannot_be_opened_says_why(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_shelf: made.Shelf, _report: object) -> SqlSession:
        raise ImportError("no module named duckdb")

    monkeypatch.setattr(made.Shelf, "sql_session", broken)
    async with stage(made.failed()) as one:
        await one.press("7")
        assert "no module named duckdb" in one.text()
        assert one.app.is_running


async def test_escape_ends_a_long_question(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    ended, begun = threading.Event(), threading.Event()

    class Slow:
        def tables(self) -> list[object]:
            return []

        def run_query(self, _query: str) -> SqlError:
            begun.set()
            ended.wait(30)
            return SqlError("stopped")

        def progress(self) -> str:
            return "10,000 lines of events read"

        def cancel(self) -> None:
            ended.set()

        def close(self) -> None:
            return None

    monkeypatch.setattr(made.Shelf, "sql_session", lambda _shelf, _report: Slow())
    async with stage(made.failed()) as one:
        await one.press("7")
        pane(one).box.value = "select 1"
        await one.pilot.press("enter")
        begun.wait(30)
        await one.pilot.press("escape")
        await one.settle()
        assert ended.is_set()
        assert "stopped" in one.text()
