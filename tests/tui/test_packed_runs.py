"""The screens of packed runs are those of the plain run."""

import shutil
from pathlib import Path

import pytest

from osiris_inspect.cli.inspect import launch_tui
from osiris_inspect.cli.support.paths import resolve_path
from osiris_inspect.tui.screens.run import RunScreen
from tests.cli.packed_runs import ARCHIVES, NAME, RUN, packed_run
from tests.tui.test_real_runs import opened

TABS = "1234567"


async def screens(run: Path) -> list[str]:
    """Return the screen of each tab."""
    texts = []
    async with opened(run) as one:
        assert isinstance(one.app.screen, RunScreen)
        for tab in TABS:
            await one.press(tab)
            texts.append(one.text())
    return texts


@pytest.mark.parametrize("name", ["gz", "rotated mixed", ".tgz"])
async def test_screens_of_packed_run_are_those_of_plain_one(tmp_path: Path, name: str) -> None:
    shutil.copytree(RUN, tmp_path / "plain" / NAME)
    if name in ARCHIVES:
        (tmp_path / f"packed{name}").write_bytes(ARCHIVES[name](RUN))
        run = resolve_path(tmp_path / f"packed{name}")
    else:
        run = packed_run(tmp_path / "packed", name)
    assert await screens(run) == await screens(tmp_path / "plain" / NAME)


@pytest.mark.parametrize(
    ("name", "line", "opened_at"),
    [
        ("rotated often", 19, "events.jsonl.2 1"),
        ("rotated often", 25, "events.jsonl 3"),
        ("rotated", 1, "events.jsonl.2 1"),
    ],
)
def test_editor_opens_the_part_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: int, opened_at: str
) -> None:
    run = packed_run(tmp_path, name)
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\necho "$(basename "$2") $1" > "{tmp_path}/opened"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    assert launch_tui.edit(run / "events.jsonl", line) is None
    file, at = opened_at.split()
    assert (tmp_path / "opened").read_text() == f"{file} +{at}\n"


def test_editor_is_not_opened_for_a_compressed_part(tmp_path: Path) -> None:
    run = packed_run(tmp_path, "rotated gz")
    reason = "events.jsonl.1.gz is compressed; unpack it to open it in an editor"
    assert launch_tui.edit(run / "events.jsonl", 10) == reason
