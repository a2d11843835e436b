from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from osiris_inspect.tui.shared import themes
from tests.tui import made
from tests.tui.conftest import Open, Stage

READABLE = 4.5
"""WCAG 2.2's least contrast of text."""

FAINT = 3.0
"""WCAG 2.2's least contrast of what is no text: frames, wires, the cursor."""

_NO_TEXT = set(" ─│╭╮╰╯━┃┏┓┗┛═║╔╗╚╝╌╎┌┐└┘┈┊╍╏╺╸╶╴▶▌█▊▉▇▆▅▄▃▂▁┣┫┳┻╋├┤·…▒╷")


def segments(one: Stage) -> Iterator[Segment]:
    """What is printed on the screen, without the blanks."""
    for strip in one.app.screen._compositor.render_strips():
        yield from (segment for segment in strip if segment.text.strip(" ▌▊█▁▂▃▄▅▆▇▒"))


def contrast(segment: Segment) -> float:
    assert segment.style is not None
    assert segment.style.color is not None
    assert segment.style.bgcolor is not None
    return themes.contrast(
        Color.from_rich_color(segment.style.color), Color.from_rich_color(segment.style.bgcolor)
    )


@pytest.mark.sampled(2)
@pytest.mark.parametrize("theme", themes.CYCLE)
async def test_every_word_can_be_read_in_every_theme(stage: Open, theme: str) -> None:
    async with stage(made.failed(), size=(200, 50), theme=theme) as one:
        for keys in ("1", "2", "3 m", "4", "5", "6", "7", "escape", "question_mark", "q 3 slash s t e p"):
            await one.press(*keys.split())
            assert not hard_to_read(one), keys


@pytest.mark.parametrize("theme", themes.CYCLE)
async def test_every_word_of_a_frame_and_of_a_comparison_can_be_read_in_every_theme(
    stage: Open, theme: str, tmp_path: Path
) -> None:
    framed = made.with_frame(tmp_path)
    async with stage(framed, made.failed(), size=(200, 50), theme=theme) as one:
        await one.press("enter", "2", "j", "p")
        assert not hard_to_read(one)
        await one.press("q", "q", "m", "j", "c")
        assert not hard_to_read(one)


def hard_to_read(one: Stage) -> set[tuple[str, float]]:
    return {
        (segment.text.strip(), round(contrast(segment), 1))
        for segment in segments(one)
        if contrast(segment) < (READABLE if set(segment.text) - _NO_TEXT else FAINT)
    }


@pytest.mark.parametrize("theme", themes.CYCLE)
async def test_a_clean_run_can_be_read_in_every_theme(stage: Open, theme: str) -> None:
    async with stage(made.diamond(), size=(120, 40), theme=theme) as one:
        hard = [s.text for s in segments(one) if set(s.text) - _NO_TEXT and contrast(s) < READABLE]
        assert not hard


async def test_t_goes_through_dark_light_and_blue_and_orange(stage: Open) -> None:
    async with stage(made.clean()) as one:
        seen = [one.app.theme]
        for _ in themes.CYCLE:
            await one.press("t")
            seen.append(one.app.theme)
        assert tuple(seen) == (*themes.CYCLE, themes.CYCLE[0])


async def test_a_theme_changes_no_letter(stage: Open) -> None:
    shown = set()
    for theme in themes.CYCLE:
        async with stage(made.failed(), theme=theme) as one:
            shown.add(one.text())
    assert len(shown) == 1


async def test_no_color_leaves_only_greys(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage(made.failed()) as one:
        colours = [s.style.color for s in segments(one) if s.style and s.style.color]
        assert colours
        assert all(len(set(Color.from_rich_color(colour).rgb)) == 1 for colour in colours)


def test_no_two_states_share_a_sign_and_a_word() -> None:
    from osiris_inspect.tui.drawing import symbols as marks

    for table in (marks.STEP, marks.RUN, marks.SEVERITY):
        words = [mark.word for mark in table.values()]
        assert len(set(words)) == len(words)
    assert len({mark.symbol for mark in marks.STEP.values()}) == len(marks.STEP)


@pytest.mark.parametrize("name", sorted(BUILTIN_THEMES))
def test_the_colours_of_states_can_be_read_in_every_theme_there_is(name: str) -> None:
    variables = BUILTIN_THEMES[name].to_color_system().generate()
    colours = themes.state_colours(variables)
    if BUILTIN_THEMES[name].ansi:
        assert colours["state-bad"] == variables["error"]
        return
    grounds = [
        variables["background"],
        variables["surface"],
        variables["panel"],
        colours["cursor-line"],
        colours["verdict-bad"],
    ]
    for state, colour in colours.items():
        if state.startswith("state-"):
            assert all(
                themes.contrast(Color.parse(colour), Color.parse(ground)) >= READABLE for ground in grounds
            )
