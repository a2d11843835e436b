"""Columns of a long log that are kept: when they are read again, and who can read them."""

import os
import stat
from pathlib import Path

import pytest
from pyarrow import parquet

from osiris_inspect.inspector.event_log.columns import column_file, column_store
from osiris_inspect.inspector.event_log.columns.column_store import FOLDER
from osiris_inspect.inspector.event_log.columns.extraction import FieldReader
from osiris_inspect.inspector.event_log.filter.filter import parse
from osiris_inspect.inspector.event_log.search import planner
from osiris_inspect.inspector.event_log.search import search as search_module
from osiris_inspect.inspector.event_log.search.search import candidate_lines, plan_search, search
from tests.inspector.test_filter_answers import opened

CHUNK = 2_048
LINES = CHUNK + 1_000


def line(number: int) -> bytes:
    return b'{"ts":"2026-01-01T00:00:00+00:00","event":"beat","rows":%d,"note":"n%d"}\n' % (
        number,
        number % 7,
    )


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (search_module, planner, column_store):
        monkeypatch.setattr(module, "CHUNK_LINES", CHUNK)
    monkeypatch.setattr(search_module, "MAX_DECODED_LINES", 500)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(map(line, range(LINES))))
    return path


@pytest.fixture
def read_lines(monkeypatch: pytest.MonkeyPatch) -> list[range]:
    """The lines that DuckDB reads."""
    lines = []
    original = FieldReader.read

    def read(reader: FieldReader, begin: int, end: int) -> object:
        lines.append(range(begin, end))
        return original(reader, begin, end)

    monkeypatch.setattr(FieldReader, "read", read)
    return lines


def answer(log: Path, text: str, cache: Path | None = None) -> list[int]:
    return [event.line for event in search(opened(log, cache or log.parent), parse(text))]


def kept_files(log: Path) -> list[Path]:
    return sorted((log.parent / FOLDER).iterdir())


def test_second_question_reads_no_line_again(log: Path, read_lines: list[range]) -> None:
    assert answer(log, "rows=2051") == [2_052]
    assert read_lines == [range(CHUNK), range(CHUNK, LINES)]
    assert answer(log, "rows>2900 rows<2903") == [2_902, 2_903]
    assert len(read_lines) == 2


def test_only_matching_lines_are_candidates(log: Path) -> None:
    for text, count in (
        ("rows=5", 1),
        ("note~n3", 435),
        ("note=n3", 435),
        ("not rows>10", 11),
        ("rows=5?", 10),
    ):
        candidates = candidate_lines(opened(log, log.parent), parse(text))
        assert sum(len(lines) for lines, _ in candidates) == count, text


def test_kept_column_is_private(log: Path) -> None:
    answer(log, "rows=5")
    (file,) = kept_files(log)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_grown_log_adds_row_groups(log: Path, read_lines: list[range]) -> None:
    answer(log, "rows=5")
    with log.open("ab") as stream:
        stream.write(b"".join(map(line, range(LINES, LINES + 500))))
    del read_lines[:]
    assert answer(log, f"rows={LINES + 7}") == [LINES + 8]
    assert read_lines == [range(CHUNK, LINES + 500)]
    assert parquet.ParquetFile(kept_files(log)[0]).num_row_groups == 2


@pytest.mark.parametrize(
    "change", ["rewritten", "replaced", "truncated", "zeroed", "cut", "writable by others"]
)
def test_column_of_changed_log_or_file_is_read_again(change: str, log: Path, read_lines: list[range]) -> None:
    answer(log, "rows=5")
    (file,) = kept_files(log)
    content = log.read_bytes()
    if change == "rewritten":
        with log.open("r+b") as stream:
            stream.write(line(7)[:-3])
    elif change == "replaced":
        log.unlink()
        log.write_bytes(content[: len(content) // 2 + 1])
    elif change == "truncated":
        os.truncate(log, content.rindex(b"\n", 0, -1) + 1)
    elif change == "zeroed":
        kept = file.read_bytes()
        file.write_bytes(kept[:100] + b"\0" * 100 + kept[200:])
    elif change == "cut":
        os.truncate(file, file.stat().st_size - 10)
    else:
        file.chmod(0o666)
    del read_lines[:]
    assert answer(log, "rows=7")[-1] == 8
    assert read_lines[0] == range(CHUNK) or change == "replaced"
    assert read_lines


def test_search_that_ends_early_keeps_what_it_read(log: Path, read_lines: list[range]) -> None:
    assert next(iter(search(opened(log, log.parent), parse("rows=5")))).line == 6
    assert read_lines == [range(CHUNK)]
    assert answer(log, "rows=2051") == [2_052]
    assert read_lines == [range(CHUNK), range(CHUNK, LINES)]


def test_large_columns_are_not_kept(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_file, "MAX_FILE_BYTES", 1)
    assert answer(log, "rows=2051") == [2_052]
    assert kept_files(log) == []


def test_least_recently_used_columns_are_deleted(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_file, "MAX_FOLDER_BYTES", 5_000)
    for text in ("rows=5", "note=n3", "rows=6", "missing=1"):
        answer(log, text)
    assert sum(file.stat().st_size for file in kept_files(log)) <= 5_000


@pytest.mark.parametrize(
    ("text", "columns"),
    [("rows=5", ("rows",)), ("rows=5 event=beat", ("rows",)), ("rows=5 or note=n1", ("rows", "note")), ("rows=5 or beat", ()), ("beat rows=5", ("rows",)),
     ("not (rows=5 beat)", ()), ("not (rows=5 or beat)", ("rows",)), ("event=gone rows=5", ()), ("session=s", ()), ("error.type=x", ("error.type",))],
)  # fmt: skip
def test_columns_are_read_where_they_exclude_lines(text: str, columns: tuple[str, ...], log: Path) -> None:
    assert plan_search(opened(log, log.parent), parse(text)).columns == columns


def test_no_cache_writes_nothing(log: Path) -> None:
    assert [event.line for event in search(opened(log, None), parse("rows=5"))] == [6]
    assert [path.name for path in log.parent.iterdir()] == ["events.jsonl"]


def test_chunk_asked_twice_is_read_once(log: Path, read_lines: list[range]) -> None:
    opened_log = opened(log, None)
    store = column_store.ColumnStore(opened_log.descriptor, opened_log.line_index, None)
    assert store.chunk("rows", 0) is store.chunk("rows", 0)
    assert read_lines == [range(CHUNK)]
