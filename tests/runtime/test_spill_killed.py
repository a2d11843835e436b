"""Whenever a process is killed, there is a complete spill or none."""

import subprocess
import sys
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from osiris_inspect.model import run_layout as layout
from osiris_inspect.runtime.files.hashed_file import Filesystem
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.spill import spill_file as spill
from tests.runtime.frames_of_every_kind import FRAMES

TIMES = 100
FRAME = FRAMES["an index of text"]()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", "tests.runtime.killed_while_spilling", str(folder), str(TIMES)]
    found = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300, check=False
    )
    assert found.returncode == 0, found.stderr
    return [Path(line) for line in found.stdout.split()]


def steps(killed: list[Path]) -> list[tuple[Path, str]]:
    return [(root, path.name) for root in killed for path in sorted(root.glob("artifacts/*"))]


def test_every_commit_mark_stands_for_a_whole_frame(killed: list[Path]) -> None:
    whole = 0
    for root, step in steps(killed):
        found = spill.find_spill(root, step)
        if found is not None:
            assert_frame_equal(spill.read_frame(found), FRAME)
            whole += 1
    assert len(killed) == TIMES
    assert whole > TIMES / 4  # else the children did not get to work, and nothing was tried


def test_some_were_killed_in_the_middle(killed: list[Path]) -> None:
    """Else the test above would prove nothing: some died with a file begun and no commit mark."""
    halfway = [root for root, step in steps(killed) if not (root / layout.schema_path(step)).exists()]
    assert len(halfway) > TIMES / 10


def test_what_was_left_in_the_middle_is_written_over(killed: list[Path]) -> None:
    for root, step in steps(killed):
        spilled = spill.write_spill(root, step, frames.plan_pandas(FRAME), 0, Filesystem())
        assert_frame_equal(spill.read_frame(spilled), FRAME)
        assert not list((root / layout.artifacts_dir(step)).glob("*.tmp"))
