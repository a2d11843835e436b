from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import InputState, LogLine, StepFailure
from osiris_inspect.model.finding import Evidence
from osiris_inspect.tui.screens.comparison import ComparisonScreen
from tests.tui import made
from tests.tui.conftest import Open

pytestmark = pytest.mark.sampled(3)

HOSTILE = {
    "markup": "[bold red]not markup[/] [@click=app.bell]x[/] [/nonsense] [",
    "escapes": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J \x9b31m",
    "controls": "nul\x00 back\x08space return\r line\nfeed tab\t bell\x07",
    "direction": "\u202egnp.exe \u2066isolate\u2069 \u200fmark",
    "zero width": "a\u200bb\ufeffc\u2060d\u00ade",
    "invisible": "a\u061cb\u00adc\u180ed\u206a\u206fe\ufff9\ufffbf\U000e0000\U000e0041\U000e007f",
    "emoji": "👩‍👩‍👧‍👦 ⚠️ 🇨🇿 👍🏽 日本語",
    "combining": "z" + "\u0301\u0302\u0303" * 40,
    "surrogate": "\ud800 lone \udfff",
    "long": "x" * 1_000_000,
    "many lines": "line\n" * 100_000,
    "quotes": "' \" ` \\ $(rm -rf /) %s {0} </svg>",
}


def poisoned(text: str) -> Report:
    """A run in which this text stands wherever a log can put one."""
    failure = StepFailure(text, text, text, "events.jsonl", 8)
    tried = ({"place": text, "outcome": text, "reason": text},)
    failed = replace(
        made.FAILED_COMPUTE,
        id=text,
        driver=text,
        failure=failure,
        skipped_because=text,
        rows_out_source=text,
        config={text: text, "nested": {text: [text]}},
        inputs=(InputState(text, "extract-movies", "unresolved", None, 7, tried),),
        needs=("extract-movies",),
    )
    finding = replace(made.CAUSE, message=text, fix=text, step=text, evidence=(Evidence(text, 1, text),))
    logged = made.events(
        ("step_failed", text, {"error": text, "traceback": text, text: text}), (text, None, {})
    )
    report = made.report(
        made.EXTRACT,
        failed,
        status="failed",
        findings=(finding, replace(made.CONSEQUENCES[0], message=text, caused_by=finding.id)),
        logged=logged,
        log_lines=(LogLine(text, 1, text, text),),
    )
    return replace(report, run=replace(report.run, pipeline=text, id=text))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_text_is_shown_and_does_nothing(stage: Open, name: str) -> None:
    async with stage(
        poisoned(HOSTILE[name]), size=(160, 50)
    ) as one:  # wide enough for lists and details together
        for tab in "123456":
            await one.press(tab)
            assert_inert(one.text(), (160, 50))
        await one.press("y", "4", "x")
        assert_inert(one.text(), (160, 50))


@pytest.mark.parametrize("name", ["escapes", "long", "many lines"])
async def test_hostile_text_is_shown_on_a_small_screen(stage: Open, name: str) -> None:
    async with stage(poisoned(HOSTILE[name])) as one:
        await one.press("2", "e", "enter")
        assert_inert(one.text(), (80, 24))


def assert_inert(shown: str, size: tuple[int, int]) -> None:
    acting = [character for character in shown if ord(character) < 32 and character != "\n"]
    assert not acting
    assert not set("\u202e\u2066\u2069\u200f\u200b\ufeff\x7f\x9b") & set(shown)
    assert not set(HOSTILE["invisible"]) - set("abcdef") & set(shown)
    assert len(shown.splitlines()) == size[1]


async def test_markup_in_a_log_is_shown_letter_by_letter(stage: Open) -> None:
    async with stage(poisoned(HOSTILE["markup"]), size=(200, 50)) as one:
        assert "[bold red]not markup[/] [@click=app.bell]x[/] [/nonsense] [" in one.text()


async def test_a_folder_of_hostile_runs_is_listed(stage: Open) -> None:
    reports = [poisoned(text) for text in HOSTILE.values()]
    placed = [
        replace(report, run=replace(report.run, path=made.clean().run.path.with_name(f"run_{number}")))
        for number, report in enumerate(reports)
    ]
    async with stage(*placed, size=(120, 40)) as one:
        assert_inert(one.text(), (120, 40))


@pytest.mark.parametrize("keys", ["1", "2 enter", "3 j j", "3 g j j enter", "4 G enter", "5 enter"])
async def test_no_secret_is_legible_on_any_screen(stage: Open, keys: str) -> None:
    async with stage(made.failed(), size=(200, 50)) as one:
        await one.press(*keys.split())
        assert "hunter2" not in one.text()


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_cells_and_names_of_columns_are_shown_and_do_nothing(
    stage: Open, tmp_path: Path, name: str
) -> None:
    text = HOSTILE[name].encode("utf-8", "replace").decode()
    report = made.with_frame(tmp_path)
    frame = report.run.path / "artifacts" / made.COMPUTE.id / "output.parquet"
    parquet.write_table(pa.table({text[:300] or "x": [text, None], "second": [1, 2]}), frame)
    async with stage(report, size=(120, 40)) as one:
        await one.press("2", "j", "p")
        assert_inert(one.text(), (120, 40))
        await one.press("enter")
        assert_inert(one.text(), (120, 40))


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_runs_are_compared_and_do_nothing(stage: Open, name: str) -> None:
    bad, good = poisoned(HOSTILE[name]), made.clean()
    pair = [
        replace(report, run=replace(report.run, path=made.clean().run.path.with_name(f"run_{number}")))
        for number, report in enumerate((bad, good))
    ]
    async with stage(*pair, size=(120, 40)) as one:
        await one.press("g", "m", "j", "c")
        assert isinstance(one.app.screen, ComparisonScreen)
        assert_inert(one.text(), (120, 40))
        await one.press("enter")
        assert_inert(one.text(), (120, 40))


async def test_the_key_of_an_input_is_shown_and_one_that_may_be_a_secret_is_not(stage: Open) -> None:
    told = made.events(
        ("inputs_resolved", "compute-stats", {"key": "df", "from_step": "extract-movies"}),
        ("connection_resolved", "extract-movies", {"key": "hunter2hunter2"}),
    )
    async with stage(made.report(made.EXTRACT, made.COMPUTE, logged=told), size=(120, 40)) as one:
        await one.press("3", "g")
        assert "key=df" in one.text()
        assert "hunter2" not in one.text()
        await one.press("enter")
        assert '"key": "df"' in one.text()
        assert "hunter2" not in one.text()
        await one.press("j")
        assert "hunter2" not in one.text()
