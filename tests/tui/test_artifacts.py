"""The files of a step, opened: text to read, a frame in its preview, and what is neither."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Artifact
from osiris_inspect.tui.screens.artifacts import MAX_READ, ArtifactsScreen, describe_content
from osiris_inspect.tui.screens.frame import FrameScreen
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.screens.text import TextScreen
from tests.tui import made
from tests.tui.conftest import Open
from tests.tui.test_hostile import HOSTILE, assert_inert

pytestmark = pytest.mark.sampled(3)


def with_files(folder: Path, **files: bytes) -> Report:
    """A clean run on disk whose second step left these files, and its frame."""
    report = made.with_frame(folder)
    place = report.run.path / "artifacts" / made.COMPUTE.id
    for name, content in files.items():
        (place / name.replace("__", ".")).write_bytes(content)
    told = [
        Artifact(f"artifacts/{made.COMPUTE.id}/{name.replace('__', '.')}", "config", "present", len(content))
        for name, content in files.items()
    ]
    return with_artifacts(report, *told, *made.COMPUTE.artifacts)


def with_artifacts(report: Report, *artifacts: Artifact) -> Report:
    steps = tuple(
        replace(step, artifacts=artifacts) if step.id == made.COMPUTE.id else step
        for step in report.run.steps
    )
    return replace(report, run=replace(report.run, steps=steps))


def shown(head: bytes, size: int | None = None) -> str:
    return "\n".join(line.plain for line in describe_content(head, len(head) if size is None else size))


async def test_enter_opens_a_text_and_a_frame_and_names_what_is_missing(stage: Open, tmp_path: Path) -> None:
    report = with_files(tmp_path, config__json=b'{"query": "select 1", "password": "hunter2"}')
    async with stage(report, notices=True) as one:
        await one.press("2", "j", "a")
        assert isinstance(one.app.screen, ArtifactsScreen)
        await one.press("enter")
        assert isinstance(one.app.screen, TextScreen)
        assert "select 1" in one.text()
        assert "hunter2" not in one.text()
        await one.press("q", "j", "enter")
        assert isinstance(one.app.screen, FrameScreen)
        await one.press("q", "q")
        assert isinstance(one.app.screen, RunScreen)


async def test_enter_in_the_details_of_a_step_shows_its_files(stage: Open, tmp_path: Path) -> None:
    async with stage(with_files(tmp_path)) as one:
        await one.press("2", "j", "enter", "enter")
        assert isinstance(one.app.screen, ArtifactsScreen)
        await one.press("q", "q")
        assert isinstance(one.app.screen, RunScreen)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("artifacts/compute-stats/gone.txt", "no such file"),
        ("../../secrets.txt", "is outside the run directory"),
        ("/etc/passwd", "is outside the run directory"),
        ("nul\0byte", "is outside the run directory"),
        ("artifacts", "not a regular file"),
    ],
)
async def test_a_file_that_cannot_be_opened_is_said(
    stage: Open, tmp_path: Path, path: str, said: str
) -> None:
    report = with_artifacts(made.with_frame(tmp_path), Artifact(path, "text", "present", 1))
    async with stage(report, notices=True) as one:
        await one.press("2", "j", "a", "enter")
        assert said in one.said()
        assert isinstance(one.app.screen, ArtifactsScreen)


async def test_pipe_among_files_is_named_at_once(stage: Open, tmp_path: Path) -> None:
    report = with_artifacts(made.with_frame(tmp_path), Artifact("artifacts/pipe.txt", "text", "present", 1))
    os.mkfifo(report.run.path / "artifacts/pipe.txt")
    async with stage(report, notices=True) as one:
        await one.press("2", "j", "a", "enter")
        assert "not a regular file" in one.said()


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_files_are_shown_and_do_nothing(stage: Open, tmp_path: Path, name: str) -> None:
    content = HOSTILE[name].encode("utf-8", "replace")
    report = with_files(
        tmp_path, hostile__txt=content, hostile__json=json.dumps({HOSTILE[name]: HOSTILE[name]}).encode()
    )
    async with stage(report, size=(120, 40)) as one:
        await one.press("2", "j", "a", "enter")
        assert_inert(one.text(), (120, 40))
        await one.press("q", "j", "enter")
        assert_inert(one.text(), (120, 40))


@pytest.mark.parametrize(
    "content",
    [
        b"password: hunter2",
        b"  - api_key: 'hunter2'",
        b'export DB_PASSWORD="hunter2"',
        b"url: mysql://root:hunter2@db/movies",
        b'{"deep": [{"token": "hunter2"}]}',
        b"secret = hunter2",
    ],
)
def test_no_secret_of_a_file_is_legible(content: bytes) -> None:
    assert "hunter2" not in shown(content)
    assert "***" in shown(content)


def test_of_a_long_file_the_beginning_is_shown_and_the_rest_counted() -> None:
    text = shown(b"line\n" * (MAX_READ // 5), 10 * MAX_READ)
    assert text.startswith("line\nline")
    assert "more" in text.splitlines()[-1]


@pytest.mark.parametrize("content", [b"PAR1\x00\x01", bytes(range(256)), b"\xff\xfe\xfd" * 100])
def test_what_is_no_text_is_named_with_its_size(content: bytes) -> None:
    assert shown(content).startswith(f"binary file of {len(content)} bytes")


def test_a_letter_cut_in_two_at_the_end_of_what_is_read_is_left_out() -> None:
    assert shown("é".encode()[:1], 1_000) != ""
    assert "binary file" not in shown(("a" * 10 + "é").encode()[:-1], 1_000)


def test_an_empty_file_says_so() -> None:
    assert shown(b"") == "empty: 0 bytes"
