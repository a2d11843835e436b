"""Lines of events in the width of a terminal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.text.display_width import display_width
from osiris_inspect.inspector.text.wrap import wrap_events

EVENT = f"{7:>6}  12:00:00.000  {'write-good':<20}  {'step_complete':<20}  "


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            60,
            [
                "     7  12:00:00.000  write-good      step_complete",
                "        rows=1 driver=filesystem.csv_writer",
                "        file=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "        aaaaaaaaaaaaa",
            ],
        ),
        (
            120,
            [
                EVENT + "rows=1 driver=filesystem.csv_writer",
                " " * len(EVENT) + "file=" + "a" * 49,
                " " * len(EVENT) + "a" * 11,
            ],
        ),
        (200, [EVENT + "rows=1 driver=filesystem.csv_writer file=" + "a" * 60]),
    ],
)
def test_event_is_wrapped_between_its_fields(width: int, lines: list[str]) -> None:
    text = EVENT + "rows=1 driver=filesystem.csv_writer file=" + "a" * 60
    assert wrap_events(text, width).split("\n") == lines


@settings(deadline=None)
@given(
    st.text(st.sampled_from(" ab=漢é"), max_size=40),
    st.text(st.sampled_from(" ab=漢é"), max_size=300),
    st.integers(1, 150),
)
def test_wrapped_events_lose_no_character(step: str, fields: str, width: int) -> None:
    line = f"{7:>6}  12:00:00.000  {step:<20}  {'step_complete':<20}  {fields}".rstrip()
    wrapped = wrap_events(f"{line}\n", width)
    assert wrapped.replace(" ", "").replace("\n", "") == line.replace(" ", "")
    assert wrapped.endswith("\n")
    assert max(map(display_width, wrapped.split("\n"))) <= max(width, 40)
