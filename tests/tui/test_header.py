"""The first line of a run: what stands there at which width."""

from dataclasses import replace

import pytest

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.run_card import RunCard, StepCard
from osiris_inspect.tui.screens.run import RunScreen
from tests.tui import made
from tests.tui.conftest import Open


def with_sizes(report: Report, memory: int | None) -> Report:
    cards = (StepCard("extract-movies", memory_bytes=memory), StepCard("compute-stats", memory_bytes=0))
    return replace(report, run=replace(report.run, card=RunCard(cards)))


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (
            120,
            " movie-stats  ✓ succeeded · e2b · 4.2 s · 3 rows · M memory 1 frame, 801 B · S spill 1 frame, 4.1 kB  run_1795348800000",
        ),
        (80, " movie-stats  ✓ succeeded · e2b · 4.2 s · 3 rows · M 801 B · S 4.1 kB  …8800000"),
        (70, " movie-stats  ✓ succeeded · e2b · 4.2 s · 3 rows  run_1795348800000"),
        (60, " movie-stats  ✓ succeeded · e2b · 4.2 s · 3 rows  run_1795…"),
    ],
)
async def test_what_its_frames_took_is_told_in_the_room_there_is(stage: Open, width: int, line: str) -> None:
    async with stage(with_sizes(made.clean(), 801), size=(width, 24)) as one:
        assert one.text().splitlines()[0] == line


async def test_a_size_that_nothing_tells_is_said_to_be_unknown(stage: Open) -> None:
    async with stage(made.clean(), size=(160, 24)) as one:
        assert "M memory 1 frame, size unknown · S spill 1 frame, 4.1 kB" in one.text()


async def test_a_frame_that_nothing_says_was_kept_anywhere_is_told(stage: Open) -> None:
    lost = replace(made.EXTRACT, storage="unknown")
    async with stage(made.report(lost, made.COMPUTE, made.WRITE), size=(160, 24)) as one:
        assert "S spill 1 frame, 4.1 kB · ? 1 frame, storage unknown" in one.text()


async def test_the_line_follows_the_width_of_the_terminal(stage: Open) -> None:
    from textual.geometry import Size

    async with stage(with_sizes(made.clean(), 801), size=(60, 24)) as one:
        assert isinstance(one.app.screen, RunScreen)
        assert "M 801 B" not in one.text()
        await one.resize(Size(160, 40))
        assert "M memory 1 frame, 801 B" in one.text()


@pytest.mark.parametrize(
    ("kind", "where"), [("replay", "e2b replay"), ("resume", "e2b resumed"), ("reuse", "e2b")]
)
async def test_run_that_repeats_or_continues_another_is_marked(stage: Open, kind: str, where: str) -> None:
    origin = {"origin": {"kind": kind, "run": "run_1", "step": None}}
    report = made.report(made.EXTRACT, logged=made.events(("run_start", None, origin)))
    async with stage(report, size=(120, 24)) as one:
        assert f"succeeded · {where} · " in one.text().splitlines()[0]
