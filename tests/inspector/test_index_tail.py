"""What the end of a log says, without an index."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.long.tail import is_failure, last_failure, last_time
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import UnreadableLine
from osiris_inspect.model.event import Event
from tests.inspector import logs
from tests.inspector.test_index import many


def decoded(content: bytes) -> list[tuple[int, Event]]:
    """Each event with the byte at which its line begins."""
    found, place = [], 0
    for raw in content.split(b"\n"):
        try:
            found.append((place, events.decode(raw)))
        except UnreadableLine:
            place += len(raw) + 1
            continue
        place += len(raw) + 1
    return found


def last_failed(content: bytes) -> int | None:
    return next((place for place, event in reversed(decoded(content)) if is_failure(event.original)), None)


@pytest.mark.parametrize("path", logs.logs(), ids=lambda path: "-".join(path.parts[-3:-1])[:60])
def test_the_last_failure_and_time_are_those_of_the_decoded_lines(path: Path) -> None:
    content = path.read_bytes()
    found = last_failure(path)
    assert (found.place if found else None) == last_failed(content)
    times = [event.ts for _, event in decoded(content) if event.ts is not None]
    assert last_time(path) == (times[-1] if times else None)


@settings(deadline=None)
@given(lines=st.lists(logs.written, max_size=30), ended=st.booleans())
def test_any_log_is_read_from_its_end(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool
) -> None:
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    log = tmp_path_factory.mktemp("log") / "events.jsonl"
    log.write_bytes(content)
    found = last_failure(log)
    assert (found.place if found else None) == last_failed(content)


def test_a_failure_far_from_the_end_is_found(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    failed = b'{"event":"step_failed","step_id":"a","error":"boom"}\n'
    rest = many(10_000).replace(b"step_failed", b"step_fallen")
    log.write_bytes(b'{"event":"a"}\n' + failed + rest)
    found = last_failure(log)
    assert found is not None
    assert (found.place, found.event.error) == (14, "boom")


def test_a_word_in_a_text_is_no_failure(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(b'{"event":"run_end","status":"failed"}\n{"event":"execution_error_mapped","x":1}\n')
    assert last_failure(log) is None


def test_what_cannot_be_read_has_no_end(tmp_path: Path) -> None:
    assert last_failure(tmp_path / "nowhere") is None
    assert last_time(tmp_path / "nowhere") is None
    (tmp_path / "empty").write_bytes(b"")
    assert last_time(tmp_path / "empty") is None
