"""How many frames were kept where, and how large they were."""

import pytest

from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.frame_sizes import Kept, Size, Totals, sizes, totals
from osiris_inspect.inspector.run.lineage import trace
from tests.samples import SAMPLES

NONE = Kept(0, 0, 0)


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("good_local", Totals(Kept(2, 868, 0), NONE, 0, 0)),
        ("all_spilled", Totals(NONE, Kept(2, 3_545, 0), 0, 0)),
        ("empty_source", Totals(Kept(2, 132, 0), NONE, 0, 0)),
        ("killed_worker", Totals(Kept(1, 801, 0), NONE, 0, 0)),
        ("partly_skipped", Totals(Kept(2, 810, 0), Kept(1, 2_817, 0), 0, 0)),
        ("original_nonetype", Totals(NONE, NONE, 0, 1)),
    ],
)
def test_the_frames_of_a_sample_are_counted_where_they_were(story: str, told: Totals) -> None:
    (run,) = (SAMPLES / story).glob("run_*")
    read = load(run)
    assert totals(read, trace(read)) == told


def test_a_frame_captured_for_a_step_that_failed_was_in_both_places() -> None:
    (run,) = (SAMPLES / "partly_skipped").glob("run_*")
    assert sizes(load(run))["movies"] == Size(memory=801, spill=2_817)
