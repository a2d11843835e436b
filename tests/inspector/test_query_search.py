"""A filter asked of an index keeps what it keeps of the decoded lines."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.filter.filter import parse
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.event_log.index.line_index import LineIndex
from osiris_inspect.inspector.event_log.search.search import candidate_chunks, search
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from tests.inspector import logs
from tests.inspector.test_index import many

LEAVES = ("event=step_failed", "event=step_*", "event!=heartbeat", "step=compute-stats", "step~step-1", "step=*", "step!=s", "rows>0",
          "text~nested", "note", "since=2026-01-01T12:00", "until=2026-01-01T00:00:00.123456", "since=-1h", "line>3", "side=worker")  # fmt: skip
asked = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.builds("({} or {})".format, inner, inner)
        | st.builds("({} {})".format, inner, inner)
        | st.builds("not {}".format, inner)
    ),
    max_leaves=5,
)


def long_log(content: bytes) -> LargeLog:
    descriptor = os.memfd_create("log")
    os.write(descriptor, content)
    index = LineIndex()
    index.index_new_lines(descriptor)
    return LargeLog(descriptor, index, "events.jsonl")


def kept_without_index(content: bytes, text: str) -> list[int]:
    query = parse(text, now=1767312000.0)
    lines = []
    for number, raw in enumerate(content.split(b"\n"), start=1):
        try:
            event = events.decode(raw, line_number=number)
        except InvalidLine:
            continue
        if query.matches(event):
            lines.append(number)
    return lines


@settings(max_examples=200, deadline=None)
@given(st.lists(logs.written, max_size=25), asked, st.booleans())
def test_the_index_keeps_what_decoding_keeps(lines: list[bytes], text: str, ended: bool) -> None:
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    kept = [event.line for event in search(long_log(content), parse(text, now=1767312000.0))]
    assert kept == kept_without_index(content, text)


@pytest.mark.parametrize(
    ("text", "most"),
    [("event=step_failed step=step-3", 1_000), ("event=step_failed or event=rows_out", 7_000), ("not event=heartbeat", 7_000), ("event=nothing", 0)],
)  # fmt: skip
def test_only_lines_that_may_be_kept_are_decoded(text: str, most: int) -> None:
    log = long_log(many(10_000))
    assert sum(map(len, candidate_chunks(log.line_index, parse(text)))) <= most


def test_every_log_is_filtered_alike_with_and_without_index() -> None:
    for path in logs.logs():
        content = Path(path).read_bytes()
        for text in ("event=step_*", "step=* not event=step_start", "rows>0 or error=*"):
            kept = [event.line for event in search(long_log(content), parse(text))]
            assert kept == kept_without_index(content, text), (path, text)
