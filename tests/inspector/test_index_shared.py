"""An index made by several processes is the index that one makes, whatever becomes of them."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.index import line_index, scan_worker, scan_workers
from osiris_inspect.inspector.event_log.index.line_index import COLUMNS, LineIndex
from osiris_inspect.inspector.event_log.index.scan_workers import ScanWorker
from osiris_inspect.inspector.event_log.index.scanner import LineScanner, ScannedBlock
from osiris_inspect.inspector.event_log.open_large_log import open_events
from osiris_inspect.inspector.files.run_files import RunFiles
from tests.inspector import logs
from tests.inspector.test_index import assert_is_index_of, many, memory_file

MIN_BYTES_PER_WORKER = scan_workers.MIN_BYTES_PER_WORKER
OWN_EXTRA_BYTES = scan_workers.OWN_EXTRA_BYTES
max_processes = scan_workers.max_processes


@pytest.fixture(scope="module", autouse=True)
def three_processes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_processes(patch, 3)
        yield


@pytest.fixture
def usual_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_workers, "MIN_BYTES_PER_WORKER", MIN_BYTES_PER_WORKER)
    monkeypatch.setattr(scan_workers, "OWN_EXTRA_BYTES", OWN_EXTRA_BYTES)


def use_processes(patch: pytest.MonkeyPatch, count: int) -> None:
    patch.setattr(scan_workers, "max_processes", lambda: count)
    patch.setattr(scan_workers, "MIN_BYTES_PER_WORKER", 1)
    patch.setattr(scan_workers, "OWN_EXTRA_BYTES", 0)


def content_of(index: LineIndex) -> dict[str, object]:
    columns = {name: index.columns[name].values.tolist() for name in COLUMNS}
    names = index.scanner.event_names.texts, index.scanner.steps.texts
    digests = (index.size, index.head_digest, index.tail_digest)
    times = (index.base, index.earliest, index.latest, index.long)
    return {**columns, "names": names, "digests": digests, "times": times}


def indexed(descriptor: int) -> LineIndex:
    index = LineIndex()
    index.index_new_lines(descriptor)
    return index


def indexed_alone(descriptor: int) -> LineIndex:
    with pytest.MonkeyPatch.context() as patch:
        use_processes(patch, 1)
        return indexed(descriptor)


class Ended:
    """A worker process that has ended."""

    def poll(self) -> int:
        return 0

    kill = wait = poll


@contextmanager
def workers_here(descriptor: int, begin: int) -> Iterator[list[ScanWorker]]:
    """Workers that did their work beforehand, in this process: a thousand processes take too long."""
    with ExitStack() as stack:
        workers = []
        for start, end in scan_workers.split_ranges(descriptor, begin, scan_workers.max_processes())[1:]:
            output = stack.enter_context(os.fdopen(os.memfd_create("output"), "w+b"))
            scan_worker.scan_range(descriptor, start, end, os.getppid(), output)
            workers.append(ScanWorker(start, end, Ended(), output))  # type: ignore[arg-type]
        yield workers


def indexed_in_parts(descriptor: int, count: int, index: LineIndex | None = None) -> LineIndex:
    index = LineIndex() if index is None else index
    with pytest.MonkeyPatch.context() as patch:
        use_processes(patch, count)
        patch.setattr(line_index, "start_workers", workers_here)
        index.index_new_lines(descriptor)
    return index


def event(name: str, second: float, step: str = "s") -> bytes:
    moment = {"type": "event", "name": name, "timestamp": 1759170586.5 + second, "data": {"step_id": step}}
    return json.dumps(moment).encode()


far = st.sampled_from([-1.7e9, -90_000.0, 0.0, 1.0, 4_000_000.0, 4_294_000.0, 4_300_000.0, 8e9])
strange = st.builds(event, st.sampled_from(["a", "b", "step_failed"]), far)
named = st.builds(
    event, st.integers(0, 2000).map("kind_{}".format), st.just(0.0), st.integers(0, 99).map(str)
)
contents = st.lists(logs.line | strange | named | st.just(b'{"event":"a"} '), max_size=60)


@settings(max_examples=300, deadline=None)
@given(
    lines=contents,
    ending=st.sampled_from([b"\n", b"\r\n"]),
    rest=st.sampled_from([b"", b'{"event":"to', event("a", 5)]),
    count=st.integers(2, 9),
)
def test_any_log_in_parts_is_indexed_as_the_whole_is(
    lines: list[bytes], ending: bytes, rest: bytes, count: int
) -> None:
    content = b"".join(raw.replace(b"\n", b"") + ending for raw in lines) + rest
    with memory_file(content) as descriptor:
        alone, parallel = indexed_alone(descriptor), indexed_in_parts(descriptor, count)
    assert content_of(parallel) == content_of(alone)
    assert_is_index_of(parallel, content)


@settings(max_examples=60, deadline=None)
@given(first=contents, second=contents, count=st.integers(2, 5))
def test_what_was_added_in_parts_is_indexed_as_the_whole_is(
    first: list[bytes], second: list[bytes], count: int
) -> None:
    before, after = (b"".join(raw.replace(b"\n", b"") + b"\n" for raw in lines) for lines in (first, second))
    with memory_file(before) as descriptor:
        index = indexed_in_parts(descriptor, count)
        os.pwrite(descriptor, after, len(before))
        indexed_in_parts(descriptor, count, index)
        assert content_of(index) == content_of(indexed_alone(descriptor))


@pytest.mark.parametrize("ranges", [2, 3, 7])
@pytest.mark.parametrize("names", [100, 255, 600])
def test_more_events_than_there_are_codes_have_the_same_ones(names: int, ranges: int) -> None:
    content = b"".join(event(f"kind_{number * 7 % names}", number) + b"\n" for number in range(3 * names))
    with memory_file(content) as descriptor:
        parallel = indexed_in_parts(descriptor, ranges)
        assert content_of(parallel) == content_of(indexed_alone(descriptor))


def test_worker_with_too_many_names_leaves_lines_to_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_worker, "MAX_NAMES", 40)
    content = b"".join(
        event(f"kind_{number // 9}", number, f"s{number % 11}") + b"\n" for number in range(1500)
    )
    with memory_file(content) as descriptor:
        parallel = indexed_in_parts(descriptor, 3)
        assert content_of(parallel) == content_of(indexed_alone(descriptor))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shared") / "events.jsonl"
    path.write_bytes(many(60_000))
    return path


@pytest.fixture
def descriptor(log: Path) -> Iterator[int]:
    number = os.open(log, os.O_RDONLY)
    yield number
    os.close(number)


@pytest.fixture(scope="module")
def alone(log: Path) -> dict[str, object]:
    number = os.open(log, os.O_RDONLY)
    try:
        return content_of(indexed_alone(number))
    finally:
        os.close(number)


def children() -> list[int]:
    """The processes that sniff for this one and that are not gone; the servers of other tests are no matter."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(number) for task in tasks for number in task.read_text().split() if _is_worker(number)]


def _is_worker(number: str) -> bool:
    try:
        command = Path(f"/proc/{number}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False  # gone by now
    # one that was started just now is still a copy of this process, and one that has ended has no command left
    return (
        not command or b"index.scan_worker" in command or command == Path("/proc/self/cmdline").read_bytes()
    )


def test_other_processes_give_the_index_that_one_gives(
    descriptor: int, alone: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, seen, consumed = LineIndex(), set[int](), list[int]()
    read_blocks = scan_workers.read_blocks

    def counted(output: BinaryIO, scanner: LineScanner) -> Iterator[ScannedBlock]:
        for block in read_blocks(output, scanner):
            consumed.append(block.consumed)
            yield block

    monkeypatch.setattr(scan_workers, "read_blocks", counted)
    index.index_new_lines(descriptor, on_progress=lambda _size, _whole: bool(seen.update(children()) or True))
    assert len(seen) == 2
    assert sum(consumed) > os.fstat(descriptor).st_size / 2
    assert content_of(index) == alone
    assert not children()


def test_a_log_is_shared_out_from_a_thread_as_well(descriptor: int, alone: dict[str, object]) -> None:
    found: list[LineIndex] = []
    thread = threading.Thread(target=lambda: found.append(indexed(descriptor)))
    thread.start()
    thread.join()
    assert content_of(found[0]) == alone


def test_progress_only_rises_and_ends_with_the_file(descriptor: int, log: Path) -> None:
    heard: list[tuple[int, int]] = []

    def told(size: int, whole: int) -> bool:
        heard.append((size, whole))
        return True

    LineIndex().index_new_lines(descriptor, on_progress=told)
    assert [size for size, _ in heard] == sorted(size for size, _ in heard)
    assert heard[-1] == (log.stat().st_size, log.stat().st_size)
    assert len(heard) > 10


def test_an_opening_tells_how_far_it_is(log: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []

    def told(size: int, whole: int) -> bool:
        heard.append((size, whole))
        return len(heard) < 3

    whole = log.stat().st_size
    open_events(RunFiles(log.parent), tmp_path, on_progress=told)
    assert [size for _, size in heard] == [whole] * 3
    open_events(RunFiles(log.parent), tmp_path, on_progress=told)  # what was indexed is kept
    assert heard[3][0] > heard[2][0]


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("after", [0, 3, 9])
def test_what_a_killed_process_leaves_is_indexed_by_who_asked(
    descriptor: int, alone: dict[str, object], after: int, signal_number: int
) -> None:
    asked = iter(range(10**6))

    def told(_size: int, _whole: int) -> bool:
        if next(asked) == after:
            for child in children():
                os.kill(child, signal_number)
        return True

    index = LineIndex()
    index.index_new_lines(descriptor, on_progress=told)
    assert content_of(index) == alone
    assert not children()


def test_a_process_that_falls_silent_is_not_waited_for(
    descriptor: int, alone: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_workers, "MAX_WAITS", 4)
    asked = iter(range(10**6))

    def told(_size: int, _whole: int) -> bool:
        if next(asked) == 0:
            for child in children():
                os.kill(child, signal.SIGSTOP)
        return True

    index = LineIndex()
    index.index_new_lines(descriptor, on_progress=told)
    assert content_of(index) == alone
    assert not children()


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ZeroDivisionError])
def test_who_asks_to_stop_leaves_no_process_behind(
    descriptor: int, error: type[BaseException] | None, alone: dict[str, object]
) -> None:
    def told(size: int, _whole: int) -> bool:
        if size > 1_000_000 and error is not None:
            raise error
        return size <= 1_000_000

    index = LineIndex()
    if error is None:
        index.index_new_lines(descriptor, on_progress=told)
        assert 0 < index.size < os.fstat(descriptor).st_size
    else:
        with pytest.raises(error):
            index.index_new_lines(descriptor, on_progress=told)
    assert not children()
    index.index_new_lines(descriptor)
    assert content_of(index) == alone


PROGRAMS = {
    "nothing": "pass",
    "garbage": "print('garbage'); print('x' * 100_000)",
    "no block": "print('12345678{\"lines\": 5}')",
    "a list": "print('12345678[1]')",
    "no lines": 'print(\'12345678{"lines":9,"first_time":0,"dtypes":["u1","u1","u1","u1"],"event_names":[],"steps":[]}\')',
    "an error": "raise SystemExit(3)",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_process_that_tells_nonsense_costs_no_line(
    descriptor: int, alone: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    (tmp_path / "mumbling.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(scan_workers, "_PROGRAM", "mumbling")
    assert content_of(indexed(descriptor)) == alone


def test_a_program_that_is_no_python_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "/usr/bin/osiris-inspect", "/usr/sbin/uwsgi"):
        monkeypatch.setattr(sys, "executable", name)
        assert max_processes() == 1


def test_one_processor_indexes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {3})
    assert max_processes() == 1


@pytest.mark.usefixtures("usual_sizes")
@pytest.mark.parametrize(
    ("megabytes", "processes", "expected"),
    [
        (10, 2, 1),
        (200, 2, 1),
        (300, 2, 2),
        (300, 4, 3),
        (2_600, 2, 2),
        (2_600, 4, 4),
        (9_000, 4, 4),
        (9_000, 1, 1),
    ],
)
def test_a_log_is_shared_out_where_that_is_worth_it(
    tmp_path: Path, megabytes: int, processes: int, expected: int
) -> None:
    log = tmp_path / "events.jsonl"
    with log.open("wb") as stream:
        stream.truncate(megabytes << 20)
        for place in range(0, megabytes << 20, 1 << 19):
            os.pwrite(stream.fileno(), b"\n", place)
    with log.open("rb") as stream:
        parts = scan_workers.split_ranges(stream.fileno(), 0, processes)
    assert len(parts) == expected
    assert [end for _, end in parts[:-1]] == [begin for begin, _ in parts[1:]]
    assert (parts[0][0], parts[-1][1]) == (0, megabytes << 20)
    assert all(end - begin >= scan_workers.MIN_BYTES_PER_WORKER for begin, end in parts) or expected == 1


@pytest.mark.usefixtures("usual_sizes")
def test_a_log_with_one_long_line_is_not_shared_out(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    with log.open("wb") as stream:
        stream.truncate(1 << 30)
    with log.open("rb") as stream:
        assert len(scan_workers.split_ranges(stream.fileno(), 0, 4)) == 1


@pytest.mark.usefixtures("usual_sizes")
def test_a_short_log_is_indexed_by_one_process(descriptor: int) -> None:
    seen: list[int] = []
    LineIndex().index_new_lines(descriptor, on_progress=lambda _size, _whole: not seen.extend(children()))
    assert seen == []


def test_where_no_process_can_be_started_one_is_enough(
    descriptor: int, alone: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python3")
    assert content_of(indexed(descriptor)) == alone


def test_nothing_is_imported_from_the_folder_one_is_in(
    descriptor: int, alone: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("numpy", "json", "osiris_inspect"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    assert content_of(indexed(descriptor)) == alone
    assert not (tmp_path / "imported").exists()


ORPHAN = """
import os, sys
from osiris_inspect.inspector.event_log.index import scan_workers
from osiris_inspect.inspector.event_log.index.line_index import LineIndex
from tests.inspector.test_index_shared import children

def told(size, whole):
    print(*children(), flush=True)
    sys.stdin.read(1)
    return True

scan_workers.max_processes = lambda: 3
scan_workers.MIN_BYTES_PER_WORKER, scan_workers.OWN_EXTRA_BYTES = 1, 0
LineIndex().index_new_lines(os.open(sys.argv[1], os.O_RDONLY), on_progress=told)
"""


def test_processes_end_when_the_one_that_asked_is_killed(log: Path) -> None:
    words = [sys.executable, "-c", ORPHAN, str(log)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        numbers = [int(word) for word in process.stdout.readline().split()]
        watched = [os.pidfd_open(number) for number in numbers]
        process.kill()
    assert len(watched) == 2
    for one in watched:
        assert is_over(one, 20)
        os.close(one)


def is_over(process: int, seconds: float) -> bool:
    """Whether a process, known by its descriptor, ends within some time."""
    import select

    return bool(select.select([process], [], [], seconds)[0])


def test_a_log_cut_while_it_is_indexed_is_read_as_it_stands(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(many(20_000))
    number = os.open(log, os.O_RDONLY)
    asked = iter(range(10**6))

    def told(_size: int, _whole: int) -> bool:
        if next(asked) == 3:
            os.truncate(log, 200_000)
        return True

    index = LineIndex()
    index.index_new_lines(number, on_progress=told)
    index.index_new_lines(number)
    assert_is_index_of(index, log.read_bytes())
    os.close(number)


def test_a_log_that_grows_while_it_is_indexed_is_indexed_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    content = many(10_000)
    log.write_bytes(content + b'{"event":"to')
    number = os.open(log, os.O_RDONLY)
    more = iter([b'rn"}\n' + many(300)])

    def told(_size: int, _whole: int) -> bool:
        with log.open("ab") as stream:
            stream.write(next(more, b""))
        return True

    index = LineIndex()
    index.index_new_lines(number, on_progress=told)
    assert_is_index_of(index, log.read_bytes())
    assert content_of(index) == content_of(indexed_alone(number))
    os.close(number)
