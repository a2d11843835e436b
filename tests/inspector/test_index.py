import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.filter.filter import parse
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.event_log.index.line_index import GROUP, NO_TIMESTAMP, LineIndex
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT
from osiris_inspect.inspector.event_log.search.search import candidate_chunks
from tests.inspector import logs
from tests.inspector.logs import Seen


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def index_of(path: Path) -> LineIndex:
    with opened(path) as descriptor:
        index = LineIndex()
        index.index_new_lines(descriptor)
        return index


def told(index: LineIndex) -> list[Seen]:
    kinds, steps = index.scanner.event_names, index.scanner.steps
    return [
        (
            kinds.texts[kind - 1] if kind != NO_EVENT else None,
            steps.texts[step - 1] if step else None,
            None if time == NO_TIMESTAMP else int(time) + (index.base or 0),
        )
        for kind, step, time in zip(index.event_codes, index.steps, index.times, strict=True)
    ]


def assert_is_index_of(index: LineIndex, content: bytes) -> None:
    """Names, steps and failures are those of the decoded lines, times too, where the index can hold them."""
    lines = content.split(b"\n")[:-1]
    assert len(index) == len(lines)
    failures = set(index.failure_lines.tolist())
    for number, (raw, says, is_) in enumerate(zip(lines, told(index), logs.seen(lines), strict=True)):
        if is_[0] is None and raw.rstrip(b"\r").endswith(b"}"):
            continue  # torn just behind an inner brace: only decoding can tell
        assert says[:2] == is_[:2], (number, raw)
        assert (number in failures) == logs.is_failure(raw), (number, raw)
        if says[2] is not None:
            assert is_[2] is not None
            assert abs(says[2] - is_[2]) <= 1, (number, raw)
    place = 0
    for number, raw in enumerate(lines):
        if number % 97 == 0 or len(lines) < 500:
            assert index.byte_range(number) == (place, place + len(raw) + 1)
        place += len(raw) + 1
    assert index.size == place


@pytest.mark.parametrize("path", logs.logs(), ids=lambda path: "-".join(path.parts[-3:-1])[:60])
def test_the_index_says_what_decoding_says(path: Path) -> None:
    assert_is_index_of(index_of(path), path.read_bytes())


def test_every_time_of_the_samples_is_known() -> None:
    for path in logs.logs():
        index = index_of(path)
        missing = [says for says, is_ in zip(told(index), logs.seen(path.read_bytes().split(b"\n")), strict=False) if says[2] is None and is_[2] is not None]  # fmt: skip
        assert missing == []


@settings(max_examples=150, deadline=None)
@given(st.lists(logs.line, max_size=60), st.booleans())
def test_any_lines_are_indexed_as_they_are_decoded(lines: list[bytes], torn: bool) -> None:
    content = b"".join(raw.replace(b"\n", b"") + b"\n" for raw in lines) + (b'{"event":"to' if torn else b"")
    with memory_file(content) as descriptor:
        index = LineIndex()
        index.index_new_lines(descriptor)
    assert_is_index_of(index, content)


@contextmanager
def memory_file(content: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("log")
    try:
        os.write(descriptor, content)
        yield descriptor
    finally:
        os.close(descriptor)


def many(count: int, seed: int = 1) -> bytes:
    """Lines of all dialects in the proportions of a log: mostly alike."""
    chance = random.Random(seed)
    lines = [
        f'{{"ts":"2026-01-01T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1000:03d}000+00:00","seq":{number},'
        f'"session":"run_1","event":"{chance.choice(["heartbeat", "rows_out", "step_failed"])}","side":"worker",'
        f'"step_id":"step-{chance.randrange(9)}","note":"{"x" * chance.randrange(300)}"}}'.encode()
        for number in range(count)
    ]
    for number in range(0, count, 51):
        lines[number] = chance.choice([b"", b"torn {", b'{"event":"plan","steps":[{"step_id":"a"}]}', b'{"ts":"2026-01-01T00:00:00.000001+00:00","session":"x","event":"run_start","n":1}'])  # fmt: skip
    lines[count // 2] = b'{"event":"long","step_id":"a","note":"' + b"y" * 5_000_000 + b'"}'
    return b"".join(raw + b"\n" for raw in lines)


def test_a_log_of_many_blocks_is_indexed_as_it_is_decoded(tmp_path: Path) -> None:
    content = many(30_000)
    log = tmp_path / "events.jsonl"
    log.write_bytes(content)
    index = index_of(log)
    assert_is_index_of(index, content)
    assert index.scanner.decoded_count < 2_000


def test_a_line_over_the_limit_is_no_event_and_moves_no_other(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    content = b'{"event":"a"}\n{"event":"b","x":"' + b"z" * (17 << 20) + b'"}\n{"event":"c"}\n'
    log.write_bytes(content)
    index = index_of(log)
    assert [name for name, _, _ in told(index)] == ["a", None, "c"]
    assert content[slice(*index.byte_range(2))] == b'{"event":"c"}\n'


def test_only_what_was_added_is_read_again(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    first, second = many(5_000), many(3_000, seed=2)
    log.write_bytes(first)
    with opened(log) as descriptor:
        index = LineIndex()
        assert index.index_new_lines(descriptor) == 5_000
        with log.open("ab") as stream:
            stream.write(second)
        assert index.index_new_lines(descriptor) == 3_000
        assert index.index_new_lines(descriptor) == 0
    assert_is_index_of(index, first + second)


def test_growing_can_be_stopped_and_taken_up_again(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    content = many(40_000)
    log.write_bytes(content)
    with opened(log) as descriptor:
        index = LineIndex()
        index.index_new_lines(descriptor, on_progress=lambda _size, _whole: False)
        assert 0 < index.size < len(content)
        index.index_new_lines(descriptor)
    assert_is_index_of(index, content)


def test_more_names_than_there_are_codes_lose_no_line(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(b"".join(b'{"ts":"2026-01-01T00:00:00.000000+00:00","session":"s","event":"kind_%d","step_id":"s"}\n' % n for n in range(600)))  # fmt: skip
    index = index_of(log)
    assert len(index) == 600
    assert (index.event_codes != NO_EVENT).all()
    assert int((index.event_codes == index.scanner.event_names.other).sum()) == 600 - 254
    assert any(599 in lines for lines in candidate_chunks(index, parse("event=kind_599")))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "events.jsonl"
    path.write_bytes(many(20_000))
    return path


def test_the_next_and_the_previous_failure_are_the_nearest(log: Path) -> None:
    index = index_of(log)
    failed = [n for n, (name, _, _) in enumerate(told(index)) if name == "step_failed"]
    for line in (0, 777, 10_000, 19_999):
        assert index.next_failure(line) == next((n for n in failed if n > line), None)
        assert index.previous_failure(line) == next((n for n in reversed(failed) if n < line), None)


def test_the_slices_of_the_timeline_hold_every_event_that_has_a_time(log: Path) -> None:
    index = index_of(log)
    buckets = index.timeline(140)
    timed = [name for name, _, time in told(index) if time is not None]
    assert len(buckets) == 140
    assert sum(bucket.events for bucket in buckets) == len(timed)
    assert sum(bucket.failure_lines for bucket in buckets) == timed.count("step_failed")
    assert [bucket.start for bucket in buckets] == sorted(bucket.start for bucket in buckets)


def test_the_period_goes_from_the_first_to_the_last_time(log: Path) -> None:
    times = [time for _, _, time in told(index_of(log)) if time is not None]
    assert index_of(log).period() == (min(times) / 1000, max(times) / 1000)


def test_of_each_event_of_each_step_the_first_and_the_last_are_chosen(log: Path) -> None:
    index = index_of(log)
    groups: dict[tuple[str | None, str | None], list[int]] = {}
    for number, (name, step, _) in enumerate(told(index)):
        if name:
            groups.setdefault((name, step), []).append(number)
    expected = sorted({line for lines in groups.values() for line in (*lines[:7], *lines[-7:])})
    assert index.key_lines(7).tolist() == expected


def test_a_long_log_gives_the_events_that_a_short_one_gives(log: Path) -> None:
    index = index_of(log)
    long = LargeLog(os.open(log, os.O_RDONLY), index, "events.jsonl")
    names = [name for name, _, _ in told(index) if name]
    assert [event.original_name for event in long] == names
    assert len(long) == len(names)
    assert long[-1].original_name == names[-1]
    assert [event.line for event in long[100:110]] == [long[n].line for n in range(100, 110)]
    assert [event.original_name for event in reversed(long[-5:])] == names[:-6:-1]
    assert long[long.event_number_at_line(long[4321].line)] == long[4321]
    with pytest.raises(IndexError):
        long[len(long)]


def test_the_places_of_lines_survive_the_borders_of_groups(log: Path) -> None:
    index, content = index_of(log), log.read_bytes()
    lines = content.split(b"\n")
    for number in (0, GROUP - 1, GROUP, GROUP + 1, 10_000, 19_999):
        start, end = index.byte_range(number)
        assert content[start : end - 1] == lines[number]
