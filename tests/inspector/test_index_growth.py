"""Tests of an index whose log grows, is truncated, or is indexed in several calls."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.index.line_index import COLUMNS, LineIndex
from osiris_inspect.inspector.event_log.open_large_log import open_events
from osiris_inspect.inspector.files.run_files import RunFiles
from tests.inspector import logs
from tests.inspector.test_index import assert_is_index_of, index_of, many, memory_file, opened


def content_of(index: LineIndex) -> dict[str, object]:
    columns = {name: index.columns[name].values.tolist() for name in COLUMNS}
    names = index.scanner.event_names.texts, index.scanner.steps.texts
    digests = (index.size, index.head_digest, index.tail_digest)
    times = (index.base, index.earliest, index.latest, index.long)
    return {**columns, "names": names, "digests": digests, "times": times}


def grown_index(*parts: bytes) -> LineIndex:
    """Return the index of a log that is indexed after each part was written."""
    index = LineIndex()
    with memory_file(b"") as descriptor:
        for part in parts:
            os.write(descriptor, part)
            index.index_new_lines(descriptor)
    return index


def event(name: str, second: float, step: str = "s") -> bytes:
    fields = {"type": "event", "name": name, "timestamp": 1759170586.5 + second, "data": {"step_id": step}}
    return json.dumps(fields).encode()


far = st.sampled_from([-1.7e9, -90_000.0, 0.0, 1.0, 4_000_000.0, 4_294_000.0, 4_300_000.0, 8e9])
distant = st.builds(event, st.sampled_from(["a", "b", "step_failed"]), far)
named = st.builds(
    event, st.integers(0, 2000).map("kind_{}".format), st.just(0.0), st.integers(0, 99).map(str)
)
contents = st.lists(logs.line | distant | named | st.just(b'{"event":"a"} '), max_size=60)


@settings(max_examples=150, deadline=None)
@given(
    first=contents,
    second=contents,
    ending=st.sampled_from([b"\n", b"\r\n"]),
    rest=st.sampled_from([b"", b'{"event":"to', event("a", 5)]),
)
def test_grown_index_equals_index_of_whole(
    first: list[bytes], second: list[bytes], ending: bytes, rest: bytes
) -> None:
    before, after = (b"".join(raw.replace(b"\n", b"") + ending for raw in lines) for lines in (first, second))
    grown = grown_index(before, after + rest)
    assert content_of(grown) == content_of(grown_index(before + after + rest))
    assert_is_index_of(grown, before + after + rest)


@pytest.mark.parametrize("names", [100, 255, 600])
def test_grown_index_with_many_names_keeps_codes(names: int) -> None:
    lines = [event(f"kind_{number * 7 % names}", number) + b"\n" for number in range(3 * names)]
    grown = grown_index(b"".join(lines[:names]), b"".join(lines[names:]))
    assert content_of(grown) == content_of(grown_index(b"".join(lines)))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("growth") / "events.jsonl"
    path.write_bytes(many(60_000))
    return path


@pytest.fixture
def descriptor(log: Path) -> Iterator[int]:
    with opened(log) as number:
        yield number


def test_progress_rises_to_size_of_file(descriptor: int, log: Path) -> None:
    calls: list[tuple[int, int]] = []
    LineIndex().index_new_lines(descriptor, on_progress=lambda size, total: not calls.append((size, total)))
    assert [size for size, _ in calls] == sorted(size for size, _ in calls)
    assert calls[-1] == (log.stat().st_size, log.stat().st_size)
    assert len(calls) > 10


def test_stopped_opening_continues_from_cached_index(log: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []

    def stop_at_third(size: int, total: int) -> bool:
        calls.append((size, total))
        return len(calls) < 3

    open_events(RunFiles(log.parent), tmp_path, on_progress=stop_at_third)
    assert [total for _, total in calls] == [log.stat().st_size] * 3
    open_events(RunFiles(log.parent), tmp_path, on_progress=stop_at_third)
    assert calls[3][0] > calls[2][0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_index_is_valid_after_callback_raised(descriptor: int, log: Path, error: type[BaseException]) -> None:
    def fail(size: int, _total: int) -> bool:
        if size > 1_000_000:
            raise error
        return True

    index = LineIndex()
    with pytest.raises(error):
        index.index_new_lines(descriptor, on_progress=fail)
    index.index_new_lines(descriptor)
    assert content_of(index) == content_of(index_of(log))


def test_log_truncated_during_indexing_is_indexed_again(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(many(20_000))
    calls = iter(range(10**6))

    def truncate(_size: int, _total: int) -> bool:
        if next(calls) == 3:
            os.truncate(log, 200_000)
        return True

    index = LineIndex()
    with opened(log) as descriptor:
        index.index_new_lines(descriptor, on_progress=truncate)
        index.index_new_lines(descriptor)
    assert_is_index_of(index, log.read_bytes())


def test_log_growing_during_indexing_is_indexed_completely(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(many(10_000) + b'{"event":"to')
    added = iter([b'rn"}\n' + many(300)])

    def append(_size: int, _total: int) -> bool:
        with log.open("ab") as stream:
            stream.write(next(added, b""))
        return True

    index = LineIndex()
    with opened(log) as descriptor:
        index.index_new_lines(descriptor, on_progress=append)
    assert_is_index_of(index, log.read_bytes())
    assert content_of(index) == content_of(index_of(log))
