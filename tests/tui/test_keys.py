import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.finding import Evidence
from osiris_inspect.tui.app import InspectorApp
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.screens.runs import RunsScreen
from osiris_inspect.tui.screens.text import TextScreen
from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.shared.custom_keys import apply_custom_keys
from osiris_inspect.tui.shared.host_services import HostServices
from osiris_inspect.tui.widgets.line_list import LineList
from osiris_inspect.tui.widgets.text_view import TextView
from tests.tui import made
from tests.tui.conftest import Open, Stage
from tests.tui.test_screens import named_runs

pytestmark = pytest.mark.sampled(3)


def lines(one: Stage) -> LineList:
    screen = one.app.screen
    assert isinstance(screen, ListScreen)
    assert screen.lines is not None
    return screen.lines


def text(one: Stage) -> str:
    row = lines(one).row
    assert row is not None
    return row.text


async def test_the_cause_its_line_and_its_fix_are_there_before_any_key(stage: Open) -> None:
    async with stage(made.failed()) as one:
        shown = one.text()
        assert "were kept in neither memory nor spill" in shown
        assert "events.jsonl:4" in shown
        assert "cached_output = result.copy()" in shown


async def test_from_a_folder_the_traceback_is_three_keys_away(stage: Open) -> None:
    async with stage(*named_runs(), size=(120, 40)) as one:
        await one.press("e", "enter")
        await one.press("e")
        assert "ValueError: input_df of type NoneType" in one.text()


@pytest.mark.parametrize(
    ("pressed", "line"),
    [
        ("j", 5),
        ("down", 5),
        ("k", 3),
        ("up", 3),
        ("g", 1),
        ("home", 1),
        ("G", 10),
        ("end", 10),
        ("space", 10),
        ("pagedown", 10),
        ("b", 1),
        ("pageup", 1),
        ("e", 7),
        ("e e", 8),
        ("E", 8),
        ("o", 5),
        ("O", 3),
    ],
)
async def test_a_key_moves_the_cursor_from_line_4_to(stage: Open, pressed: str, line: int) -> None:
    async with stage(made.failed()) as one:
        await one.press("3", *pressed.split())
        assert lines(one).cursor + 1 == line


async def test_events_open_at_the_line_that_proves_the_cause(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("3")
        assert text(one) == "rows_out extract-movies value=14"


async def test_steps_and_log_open_where_the_cause_is(stage: Open) -> None:
    in_log = replace(made.CAUSE, evidence=(Evidence("osiris.log", 9, "failed"),), step="compute-stats")
    report = replace(made.failed(), findings=(in_log,))
    async with stage(report) as one:
        await one.press("5")
        assert text(one).startswith("osiris.log:9")
        await one.press("3")
        assert text(one).startswith("input_not_found compute-stats")
        await one.press("2")
        assert text(one).startswith("✗  compute-stats")


async def test_the_verdict_names_the_step_where_its_sentence_does_not(stage: Open) -> None:
    cause = replace(made.CAUSE, message="the step returned 'data' and no 'df'", step="compute-stats")
    async with stage(replace(made.failed(), findings=(cause,))) as one:
        assert "compute-stats: the step returned 'data'" in one.text()


async def test_a_filter_narrows_with_every_letter_and_enter_keeps_it(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("3", "slash")
        counts = []
        for key in ("s", "k", "i"):
            await one.press(key)
            counts.append(len(lines_of(one)))
        await one.press("enter")
        assert counts == [10, 1, 1]
        assert text(one) == "step_skipped write-stats because=compute-stats"
        assert "1/1 of 10" in one.text()


def lines_of(one: Stage) -> LineList:
    screen = one.app.screen
    assert isinstance(screen, RunScreen)
    assert screen.main_list is not None
    return screen.main_list


async def test_escape_ends_a_filter_on_the_same_line_and_n_walks_what_was_kept(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("3", "slash", *"start", "enter", "G")
        kept = text(one)
        await one.press("n")
        assert text(one) == "run_start  pipeline=movie-stats"
        await one.press("N")
        assert text(one) == kept
        await one.press("escape")
        assert text(one) == kept
        assert len(lines(one)) == len(made.FAILED_EVENTS)


async def test_escape_in_the_box_drops_the_filter(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("3", "slash", *"skip", "escape")
        assert len(lines(one)) == len(made.FAILED_EVENTS)
        assert isinstance(one.app.focused, LineList)


async def test_in_a_text_a_search_goes_to_the_match(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("2", "e", "enter", "slash", *"tried", "enter")
        page = lines(one)
        assert isinstance(page, TextView)
        shown = [page.row_at(index).text for index in range(page.cursor, page.cursor + page.page_height)]
        assert any("tried" in line for line in shown)


async def test_escape_goes_back_one_by_one_and_never_quits(stage: Open) -> None:
    async with stage(*named_runs()) as one:
        await one.press("e", "enter", "3", "enter")
        assert isinstance(one.app.focused, TextView)
        await one.press("escape")
        assert one.app.focused is lines_of(one)
        await one.press("escape")
        assert isinstance(one.app.screen, RunsScreen)
        await one.press("escape", "escape")
        assert one.app.is_running


async def test_q_goes_back_and_then_quits(stage: Open) -> None:
    async with stage(*named_runs()) as one:
        await one.press("e", "enter", "q")
        assert isinstance(one.app.screen, RunsScreen)
        await one.pilot.press("q")
        assert one.app._exit


async def test_back_from_a_run_the_cursor_is_where_it_was(stage: Open) -> None:
    async with stage(*named_runs()) as one:
        await one.press("j", "j")
        before = text(one)
        await one.press("enter", "q")
        assert text(one) == before


async def test_enter_on_a_step_of_the_drawing_opens_its_details(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("e", "enter")
        assert "input_df of type NoneType" in one.text()
        assert isinstance(one.app.focused, TextView)


async def test_tab_goes_from_the_list_to_its_details_and_shift_tab_back(stage: Open) -> None:
    async with stage(made.failed(), size=(200, 50)) as one:
        await one.press("3", "tab")
        assert isinstance(one.app.focused, TextView)
        await one.press("shift+tab")
        assert not isinstance(one.app.focused, TextView)


async def test_y_copies_the_line_with_its_secrets_masked(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("5", "g", "y")
        assert one.app.clipboard == "osiris.log:2 connecting to mysql://root:***@db/movies"


async def test_x_shows_the_manual_of_the_finding(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("4", "x")
        assert isinstance(one.app.screen, TextScreen)
        assert "A frame that was made and then not kept." in one.text()


async def test_x_on_a_rule_without_a_manual_shows_what_was_found(stage: Open) -> None:
    async with stage(made.failed()) as one:
        await one.press("4", "j", "x")
        assert "compute-stats did not get its input" in one.text()
        assert "This rule has no manual" in one.text()


async def test_x_on_a_clean_run_says_that_there_is_nothing(stage: Open) -> None:
    async with stage(made.clean()) as one:
        await one.press("x")
        assert not isinstance(one.app.screen, TextScreen)


@pytest.mark.parametrize("key", ["question_mark", "f1"])
async def test_the_help_names_every_key_of_the_table(stage: Open, key: str) -> None:
    async with stage(made.failed(), size=(120, 120)) as one:
        await one.press(key)
        shown = one.text()
        for entry in keys.KEY_TABLE:
            if entry.scope != "filter":
                assert entry.label in shown
                assert entry.description in shown


async def test_every_action_of_the_table_exists_where_it_is_bound() -> None:
    owners = {"list": LineList, "run": RunScreen, "screen": ListScreen}
    for key in keys.KEY_TABLE:
        name = key.action.partition("(")[0]
        owner = owners.get(key.scope)
        if owner is not None and "." not in name:
            assert hasattr(owner, f"action_{name}"), key


def test_no_key_means_two_things_on_one_screen() -> None:
    taken: dict[str, str] = {}
    for entry in keys.KEY_TABLE:
        if entry.scope not in ("filter", "query", "moment"):
            for key in entry.keys.split(","):
                assert key not in taken, f"{key} means {taken[key]} and {entry.description}"
                taken[key] = entry.description


async def test_a_run_that_cannot_be_read_says_why_and_the_app_lives(stage: Open) -> None:
    async with stage(*named_runs()) as one:
        one.shelf.reports.pop(Path("/runs") / made_name(one))
        await one.press("enter")
        assert "KeyError" in one.text()
        await one.press("q")
        assert isinstance(one.app.screen, RunsScreen)


def made_name(one: Stage) -> str:
    row = lines(one).row
    assert row is not None
    assert isinstance(row.key, Path)
    return row.key.name


# ── a run that is going on ──


async def test_a_running_run_is_read_again_and_cursor_and_tab_stay(stage: Open) -> None:
    young = made.report(made.EXTRACT, status="running", logged=made.CLEAN_EVENTS[:5])
    async with stage(young) as one:
        await one.press("3", "g", "j")
        one.shelf.put(made.report(made.EXTRACT, made.COMPUTE, status="running"))
        await look_again(one)
        assert len(lines(one)) == len(made.CLEAN_EVENTS)
        assert lines(one).cursor == 1
        assert "3 Events 8" in one.text()


async def test_at_the_end_of_a_running_log_new_lines_are_followed(stage: Open) -> None:
    young = made.report(made.EXTRACT, status="running", logged=made.CLEAN_EVENTS[:5])
    async with stage(young) as one:
        await one.press("3", "G")
        one.shelf.put(made.report(made.EXTRACT, made.COMPUTE, status="running"))
        await look_again(one)
        assert lines(one).cursor == len(made.CLEAN_EVENTS) - 1


async def test_a_filter_goes_on_over_new_lines(stage: Open) -> None:
    young = made.report(made.EXTRACT, status="running", logged=made.CLEAN_EVENTS[:5])
    async with stage(young) as one:
        await one.press("3", "slash", *"complete", "enter")
        assert len(lines(one)) == 1
        one.shelf.put(made.report(made.EXTRACT, made.COMPUTE, status="running"))
        await look_again(one)
        assert len(lines(one)) == 2


async def test_a_run_that_did_not_grow_is_not_read_again(stage: Open) -> None:
    async with stage(made.report(made.EXTRACT, status="running")) as one:
        looked = one.shelf.looked
        await look_again(one)
        assert one.shelf.looked == looked


async def test_a_run_that_is_over_is_left_alone(stage: Open) -> None:
    async with stage(made.clean()) as one:
        one.shelf.put(replace(made.failed()))
        await look_again(one)
        assert "3 of 3 steps succeeded" in one.text()


async def test_what_was_described_while_another_tab_was_open_is_as_it_is_now(stage: Open) -> None:
    going = replace(made.EXTRACT, status="running", rows_out=None)
    async with stage(made.report(going, status="running"), size=(100, 40)) as one:
        assert "extract-movies  … running" in one.text()
        await one.press("3")
        one.shelf.put(made.report(made.EXTRACT))
        await look_again(one)
        await one.press("1")
        assert "extract-movies  ✓ succeeded" in one.text()
        assert "… running" not in one.text()


async def look_again(one: Stage) -> None:
    screen = one.app.screen
    assert isinstance(screen, RunScreen)
    screen.poll()
    await one.settle()


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"next_failur": "x"}, "unknown name 'next_failur'; did you mean 'next_failure'?"),
        ({"next_failure": "j"}, "'j' is assigned to both 'down' and 'next_failure'"),
        (
            {"next_failure": "ctrl+n", "next_match": "ctrl+n"},
            "'ctrl+n' is assigned to both 'next_match' and 'next_failure'",
        ),
        ({"next_failure": 7}, "'next_failure' must be a key"),
        ({"next_failure": []}, "'next_failure' must be a key"),
        ({"next_failure": ""}, "'next_failure' must be a key"),
        ({"xyzzy": "a"}, "the names are down, up,"),
    ],
)
def test_keys_that_cannot_be_are_refused_in_one_line(wanted: dict[str, object], complaint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        apply_custom_keys(wanted)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_names_can_change_their_keys_with_one_another() -> None:
    table = {key.name: key.keys for key in apply_custom_keys({"next_match": "N", "previous_match": "n"})}
    assert (table["next_match"], table["previous_match"]) == ("N", "n")


async def test_keys_from_a_configuration_work_and_the_help_names_them(stage: Open) -> None:
    outside = HostServices(custom_keys={"next_failure": ["ctrl+n", "/"], "filter": "ctrl+f", "help": "H"})
    async with stage(made.failed(), outside=outside, size=(120, 60)) as one:
        assert "ctrl+n failure" in one.text()
        await one.press("3", "g", "ctrl+n")
        assert lines(one).cursor + 1 == 7
        await one.press("e")
        assert lines(one).cursor + 1 == 7
        await one.press("slash")
        assert lines(one).cursor + 1 == 8
        await one.press("H")
        assert "ctrl+n /" in one.text()
        assert " next failure" in one.text()


def test_every_key_has_a_name_of_its_own() -> None:
    names = [key.name for key in keys.KEY_TABLE]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("moments", range(0, 60, 6))
async def test_a_program_left_while_its_panes_come_ends_quietly(moments: int) -> None:
    shelf = made.Shelf()
    app = InspectorApp(shelf.put(made.failed()), shelf, clock=lambda: made.NOON)
    async with app.run_test():
        for _ in range(moments):
            await asyncio.sleep(0)
