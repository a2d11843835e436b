"""The time at the end of a log, read without an index."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.read_backwards import last_time
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from tests.inspector import logs
from tests.inspector.test_index import many


def last_decoded_time(content: bytes) -> float | None:
    for raw in reversed(content.split(b"\n")):
        try:
            ts = events.decode(raw).ts
        except InvalidLine:
            continue
        if ts is not None:
            return ts
    return None


@pytest.mark.parametrize("path", logs.logs(), ids=lambda path: "-".join(path.parts[-3:-1])[:60])
def test_last_time_of_log_is_last_decoded(path: Path) -> None:
    assert last_time(path) == last_decoded_time(path.read_bytes())


@settings(deadline=None)
@given(lines=st.lists(logs.written, max_size=30), ended=st.booleans())
def test_last_time_of_any_lines_is_last_decoded(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool
) -> None:
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    log = tmp_path_factory.mktemp("log") / "events.jsonl"
    log.write_bytes(content)
    assert last_time(log) == last_decoded_time(content)


def test_last_time_across_blocks_is_found(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    content = many(2_000) + b'{"event":"untimed","note":"' + b"x" * 70_000 + b'"}\n' * 5
    log.write_bytes(content)
    assert last_time(log) == last_decoded_time(content) is not None


def test_last_time_of_unreadable_file_is_none(tmp_path: Path) -> None:
    assert last_time(tmp_path / "nowhere") is None
    (tmp_path / "empty").write_bytes(b"")
    assert last_time(tmp_path / "empty") is None
