"""What is kept of a long log so that a report on it needs no index; here all logs count as that long."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import diagnose_run
from osiris_inspect.inspector.event_log import open_large_log as long_reading
from osiris_inspect.inspector.event_log.key_events_cache import CachedKeyEvents, is_quick_to_read
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.run import LazyEvents, Run

COUNT = 1_000
NOW = 1_795_348_800.0


@pytest.fixture(autouse=True)
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_reading, "LARGE_LOG_BYTES", 1_000)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run_1"
    folder.mkdir()
    beats = [line(number, "heartbeat", step_id="a", rows=number) for number in range(COUNT)]
    beats[0] = line(0, "run_start", pipeline="long")
    beats[1] = line(1, "step_start", step_id="a")
    beats[-2] = line(COUNT - 2, "step_failed", step_id="a", error="connection refused by näïve")
    beats[-1] = line(COUNT - 1, "run_end", status="failed")
    (folder / "events.jsonl").write_text("".join(f"{beat}\n" for beat in beats), encoding="utf-8")
    return folder


def line(number: int, name: str, **fields: object) -> str:
    ts = f"2026-11-22T12:{number // 60:02}:{number % 60:02}.000000+00:00"
    return json.dumps(
        {"ts": ts, "seq": number, "session": "run_1", "event": name, **fields}, ensure_ascii=False
    )


def both(run: Path, cache: Path) -> tuple[Run, Run]:
    """The run as it is read with its index, and then abridged."""
    return load(run, now=NOW, cache=cache), load(run, now=NOW, cache=cache, key_events_only=True)


def without_events(run: Run) -> Run:
    return replace(run, events=())


@pytest.mark.parametrize("end", ["\n", ""], ids=["ended by a newline", "without a newline"])
def test_an_abridged_run_is_the_run(run: Path, tmp_path: Path, end: str) -> None:
    log = run / "events.jsonl"
    log.write_bytes(log.read_bytes().removesuffix(b"\n") + end.encode())
    whole, abridged = both(run, tmp_path / "cache")
    assert isinstance(abridged.events, CachedKeyEvents)
    assert isinstance(whole.events, LazyEvents)
    assert without_events(abridged) == without_events(whole)
    assert len(abridged.events) == len(whole.events) == COUNT
    assert abridged.key_events == whole.key_events
    assert abridged.events.period() == whole.events.period()
    assert [abridged.events.raw_line(line) for line in (0, 500, COUNT - 1)] == [
        whole.events.raw_line(line) for line in (0, 500, COUNT - 1)
    ]


def test_what_is_found_in_it_is_the_same_and_cited_alike(run: Path, tmp_path: Path) -> None:
    whole, abridged = both(run, tmp_path / "cache")
    assert diagnose_run(whole).findings
    assert diagnose_run(abridged).findings == diagnose_run(whole).findings


def test_whoever_asks_for_other_events_gets_them(run: Path, tmp_path: Path) -> None:
    whole, abridged = both(run, tmp_path / "cache")
    assert list(abridged.events) == list(whole.events)
    assert abridged.events[500] == whole.events[500]
    assert list(abridged.events[3:5]) == list(whole.events[3:5])


def grown(log: Path) -> None:
    with log.open("a") as stream:
        stream.write(line(COUNT, "cleanup_complete") + "\n")


def rewritten(log: Path) -> None:
    log.write_bytes(log.read_bytes().replace(b'"rows": 555', b'"rows": 666'))


def replaced(log: Path) -> None:
    state = log.stat()
    text = log.read_bytes().replace(b"refused", b"REFUSED")
    log.write_bytes(text)
    os.utime(log, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("change", [grown, rewritten, replaced])
def test_a_log_that_changed_is_read_anew(run: Path, tmp_path: Path, change: Callable[[Path], None]) -> None:
    load(run, now=NOW, cache=tmp_path)
    change(run / "events.jsonl")
    told = load(run, now=NOW, cache=tmp_path, key_events_only=True)
    assert not isinstance(told.events, CachedKeyEvents)


def test_nothing_is_kept_of_a_run_that_goes_on(run: Path, tmp_path: Path) -> None:
    log = run / "events.jsonl"
    log.write_text("\n".join(log.read_text().splitlines()[:-2]) + "\n")
    _, told = both(run, tmp_path / "cache")
    assert not told.finished
    assert not isinstance(told.events, CachedKeyEvents)


def test_an_abridged_run_that_was_cut_off_is_the_run(run: Path, tmp_path: Path) -> None:
    log, later = run / "events.jsonl", NOW + 86_400
    log.write_text("\n".join(log.read_text().splitlines()[:-2]) + "\n")
    whole = load(run, now=later, cache=tmp_path / "cache")
    abridged = load(run, now=later, cache=tmp_path / "cache", key_events_only=True)
    assert isinstance(abridged.events, CachedKeyEvents)
    assert without_events(abridged) == without_events(whole)
    assert abridged.status == "truncated"


def test_nothing_is_kept_of_a_log_with_lines_that_are_no_event(run: Path, tmp_path: Path) -> None:
    log = run / "events.jsonl"
    log.write_text("{no event\n" + log.read_text())
    whole, told = both(run, tmp_path / "cache")
    assert whole.unreadable
    assert told.unreadable == whole.unreadable
    assert not isinstance(told.events, CachedKeyEvents)


@pytest.mark.parametrize(
    "kept", [b"", b"{", b"[]", b'{"key": 1}', b"\xff", b'{"key": null, "lines": 3}'], ids=repr
)
def test_what_was_damaged_is_not_believed(run: Path, tmp_path: Path, kept: bytes) -> None:
    load(run, now=NOW, cache=tmp_path)
    (place,) = (tmp_path / "pictures").glob("*.json")
    place.write_bytes(kept)
    assert not isinstance(load(run, now=NOW, cache=tmp_path, key_events_only=True).events, CachedKeyEvents)


@pytest.mark.parametrize("wrong", [[[0, 3, 40]], [[0, 0]], "lines", [["a", "b", "c"]]], ids=repr)
def test_places_that_are_none_are_not_believed(run: Path, tmp_path: Path, wrong: object) -> None:
    load(run, now=NOW, cache=tmp_path)
    (place,) = (tmp_path / "pictures").glob("*.json")
    place.write_text(json.dumps(json.loads(place.read_text()) | {"lines": wrong}))
    assert not isinstance(load(run, now=NOW, cache=tmp_path, key_events_only=True).events, CachedKeyEvents)


def test_no_line_of_a_log_is_copied_into_the_cache(run: Path, tmp_path: Path) -> None:
    load(run, now=NOW, cache=tmp_path)
    (place,) = (tmp_path / "pictures").glob("*.json")
    assert b"refused" not in place.read_bytes()
    assert place.stat().st_mode & 0o077 == 0


def test_only_as_many_logs_are_kept_as_there_is_room_for(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from osiris_inspect.inspector.event_log import key_events_cache as abridgement

    monkeypatch.setattr(abridgement, "MAX_CACHED_LOGS", 1)
    (tmp_path / "pictures").mkdir()
    old = tmp_path / "pictures" / "1-1.json"
    old.write_text("{}")
    os.utime(old, (1, 1))
    load(run, now=NOW, cache=tmp_path)
    assert not old.exists()
    assert isinstance(load(run, now=NOW, cache=tmp_path, key_events_only=True).events, CachedKeyEvents)


def test_a_long_log_is_soon_read_once_it_was_read(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from osiris_inspect.inspector.event_log import key_events_cache as abridgement

    monkeypatch.setattr(abridgement, "QUICK_BYTES", 1_000)
    assert not is_quick_to_read(run, None)
    assert not is_quick_to_read(run, tmp_path)
    load(run, now=NOW, cache=tmp_path)
    assert is_quick_to_read(run, tmp_path)
    (place,) = (tmp_path / "pictures").glob("*.json")
    place.unlink()
    assert is_quick_to_read(run, tmp_path) == bool(list((tmp_path / "indexes").glob("*.index")))
