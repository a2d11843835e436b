"""How many frames were kept where, and how large they were."""

import pytest

from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.frame_sizes import (
    FrameBytes,
    FrameTotal,
    FrameTotals,
    frame_sizes,
    frame_totals,
)
from osiris_inspect.inspector.run.lineage import build_lineage
from tests.samples import SAMPLES

NONE = FrameTotal(0, 0, 0)


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("good_local", FrameTotals(FrameTotal(2, 868, 0), NONE, 0, 0)),
        ("all_spilled", FrameTotals(NONE, FrameTotal(2, 3_545, 0), 0, 0)),
        ("empty_source", FrameTotals(FrameTotal(2, 132, 0), NONE, 0, 0)),
        ("killed_worker", FrameTotals(FrameTotal(1, 801, 0), NONE, 0, 0)),
        ("partly_skipped", FrameTotals(FrameTotal(2, 810, 0), FrameTotal(1, 2_817, 0), 0, 0)),
        ("original_nonetype", FrameTotals(NONE, NONE, 0, 1)),
    ],
)
def test_the_frames_of_a_sample_are_counted_where_they_were(story: str, told: FrameTotals) -> None:
    (run,) = (SAMPLES / story).glob("run_*")
    read = load(run)
    assert frame_totals(read, build_lineage(read)) == told


def test_a_frame_captured_for_a_step_that_failed_was_in_both_places() -> None:
    (run,) = (SAMPLES / "partly_skipped").glob("run_*")
    assert frame_sizes(load(run))["movies"] == FrameBytes(memory=801, spill=2_817)
