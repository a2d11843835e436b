"""The app on directories, read by the inspector."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from osiris_inspect.inspector.tables.parquet_preview import ParquetFrameReader
from osiris_inspect.inspector.tables.sql_console import SqlConsole
from osiris_inspect.tui.app import InspectorApp
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.screens.runs import RunsScreen
from osiris_inspect.tui.shared.data_source import LocalDataSource
from tests.tui import made
from tests.tui.conftest import Stage

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
NOW = made.NOON + 86_400


def real_runs() -> Iterator[Path]:
    """Of each version and kind of run in the corpus one; what a sandbox wrote of a remote run is a kind too."""
    first: dict[str, Path] = {}
    for log in sorted(CORPUS.glob("*__*/**/events.jsonl")):
        case = log.relative_to(CORPUS).parts
        kind = case[0].partition("__")[0] + (" sandbox" if "sandbox_session" in case else "")
        first.setdefault(kind, log.parent)
    yield from first.values()


@asynccontextmanager
async def opened(
    path: Path, size: tuple[int, int] = (120, 40), clock: Callable[[], float] = lambda: NOW
) -> AsyncIterator[Stage]:
    app = InspectorApp(
        path, LocalDataSource(open_frame=ParquetFrameReader, open_console=SqlConsole), clock=clock
    )
    async with app.run_test(size=size) as pilot:
        stage = Stage(app, pilot, made.Shelf())
        await stage.settle()
        yield stage


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the collection of real runs is not on this machine")
@pytest.mark.parametrize(
    "path", list(real_runs()), ids=lambda path: "-".join(path.relative_to(CORPUS).parts[:2])
)
async def test_a_real_run_opens_on_every_tab(path: Path) -> None:
    async with opened(path) as one:
        screen = one.app.screen
        assert isinstance(screen, RunScreen)
        assert screen.report is not None
        for key in ("1", "2", "p", "escape", "3", "e", "w", "4", "5", "6", "7"):
            await one.pilot.press(key)
        await one.settle()
        assert one.app.is_running
        assert one.app.screen is screen


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the collection of real runs is not on this machine")
async def test_the_whole_collection_opens_as_a_folder() -> None:
    async with opened(CORPUS) as one:
        screen = one.app.screen
        assert isinstance(screen, RunsScreen)
        assert len(screen.main_list) > 100
        await one.press("e", "enter")
        assert isinstance(one.app.screen, RunScreen)


def write(run: Path, *events: dict[str, object]) -> None:
    run.mkdir(parents=True, exist_ok=True)
    with (run / "events.jsonl").open("a", encoding="utf-8") as log:
        log.writelines(json.dumps(event) + "\n" for event in events)


def event(seq: int, name: str, **fields: object) -> dict[str, object]:
    return {"ts": f"2026-11-23T11:59:{seq:02}+00:00", "seq": seq, "session": "run_1", "event": name, **fields}


async def test_a_growing_log_is_followed(tmp_path: Path) -> None:
    run = tmp_path / "run_1795348800000"
    write(run, event(0, "run_start"), event(1, "step_start", step_id="extract", driver="csv.extractor"))
    async with opened(run) as one:
        screen = one.app.screen
        assert isinstance(screen, RunScreen)
        assert screen.report is not None
        assert screen.report.run.status == "running"
        write(
            run,
            event(2, "rows_out", step_id="extract", value=3),
            event(3, "step_complete", step_id="extract"),
        )
        screen.poll()
        await one.settle()
        assert "3 Events 4" in one.text()


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 1000, b"{", b'{"event": 1}\n', b"\xff\xfe\n" * 50],
    ids=["empty", "nul", "torn", "no event", "no text"],
)
async def test_any_bytes_for_a_log_open(tmp_path: Path, content: bytes) -> None:
    run = tmp_path / "run_1"
    run.mkdir()
    (run / "events.jsonl").write_bytes(content)
    async with opened(run) as one:
        assert isinstance(one.app.screen, RunScreen)
        await one.press(*"1234567")


async def test_a_folder_that_is_not_there_is_said_on_the_screen(tmp_path: Path) -> None:
    async with opened(tmp_path / "nothing") as one:
        assert "no such file or directory" in " ".join(one.text().replace("▌", "").split())
