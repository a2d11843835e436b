import re
from pathlib import Path

import pytest

from osiris_inspect.inspector.export import format_names
from tests.inspector.export.accept import GOLDEN, SUFFIXES, golden, rendered, told
from tests.samples import ROOT, runs

RUNS = runs()


@pytest.mark.parametrize("format_", format_names())
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.parent.name)
def test_output_is_to_the_byte_what_was_accepted(run: Path, format_: str) -> None:
    """``python -m tests.inspector.export.accept`` accepts a new one."""
    assert rendered(format_, told(run)) == golden(run, format_).read_bytes().decode()


def test_every_format_says_how_its_files_are_called() -> None:
    assert sorted(SUFFIXES) == list(format_names())


def test_nothing_is_accepted_that_no_sample_has() -> None:
    expected = {golden(run, format_) for run in RUNS for format_ in format_names()}
    assert {path for path in GOLDEN.rglob("*") if path.is_file()} == expected


def test_no_accepted_output_tells_of_a_machine() -> None:
    for path in GOLDEN.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert str(ROOT) not in text, path
            assert not re.search(r"/tmp/|/root/|/work/", text), path
