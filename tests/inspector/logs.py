"""Lines of logs in every dialect, and what is found in them without an index."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from tests.samples import SAMPLES

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
Seen = tuple[str | None, str | None, int | None]

NAMES = ("step_start", "step_complete", "step_failed", "heartbeat", "write.error", "inputs_resolved", "run_end",
         "input_not_found", "error", "execution_error_mapped", "table.ddl_failed",
         "a_name_of_an_event_that_is_longer_than_a_slot", "quo\"ted", "ünö", "back\\slash")  # fmt: skip
STEPS = (
    "extract-movies",
    "compute-stats",
    "s",
    "a-step-with-a-name-that-is-much-longer-than-a-slot-is",
    "é",
    "",
)
TIMES = ("2026-01-01T00:00:00.123456+00:00", "2026-01-01T23:59:59+00:00", "2026-01-02T10:11:12.999Z", "2026-01-01T00:00:00.5+00:00",
         "2026-01-01T01:00:00.123456+02:00", "2026-13-01T00:00:00.123456+00:00", "2026-01-01T99:00:00.123456+00:00", "", None, 3)  # fmt: skip


def native(name: str, step: str | None, ts: Any, seq: int, more: dict[str, Any]) -> dict[str, Any]:
    steps = {} if step is None else {"step_id": step}
    return {"ts": ts, "seq": seq, "session": "s", "event": name, "side": "worker", **steps, **more}


def host(name: str, step: str | None, ts: Any, seq: int, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "ts": ts,
        "session": f"run_{seq % 3}",
        "event": name,
        **({} if step is None else {"step_id": step}),
        **more,
    }


def worker(name: str, step: str | None, ts: Any, seq: int, more: dict[str, Any]) -> dict[str, Any]:
    steps = {} if step is None else {"step_id": step}
    stamp = 1759170586.5 + seq / 7 if isinstance(ts, str) else ts
    return {"type": "event", "name": name, "timestamp": stamp, "data": {**steps, **more}}


def document(name: str, step: str | None, ts: Any, seq: int, more: dict[str, Any]) -> dict[str, Any]:
    return {"event": name, **({} if step is None else {"step_id": step}), **more}


def step_last(name: str, step: str | None, ts: Any, seq: int, more: dict[str, Any]) -> dict[str, Any]:
    return {"ts": ts, "session": "s", "event": name, **more, **({} if step is None else {"step_id": step})}


more = st.dictionaries(
    st.sampled_from(["rows", "error", "note", "nested", "path"]),
    st.integers() | st.text(max_size=12) | st.just({"step_id": "nested", "event": "nested"}) | st.none(),
    max_size=3,
)
objects = st.builds(
    lambda form, *parts: form(*parts),
    st.sampled_from([native, host, worker, document, step_last]),
    st.sampled_from(NAMES),
    st.none() | st.sampled_from(STEPS),
    st.sampled_from(TIMES),
    st.integers(0, 10**9),
    more,
)
written = st.builds(
    lambda value, spaced, ascii_only, end: (
        json.dumps(value, separators=None if spaced else (",", ":"), ensure_ascii=ascii_only).encode() + end
    ),
    objects,
    st.booleans(),
    st.booleans(),
    st.sampled_from([b"", b"", b"", b"\r", b" "]),
)
odd = st.sampled_from(
    [
        b"",
        b" ",
        b"{}",
        b"[1]",
        b"null",
        b"\xff\xfe{\x00",
        b'\xef\xbb\xbf{"event":"bom"}',
        b'{"event":',
        b'{"ts":"',
        b"}",
    ]
) | st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b""))
long = st.just(70_000).map(lambda size: b'{"event":"long","note":"' + b"x" * size + b'"}')
line = written | written | written | odd | long


def seen(lines: Iterable[bytes]) -> list[Seen]:
    """Name, step and time in ms of each line, decoded."""
    return [_decoded(raw) for raw in lines]


def is_failure(raw: bytes) -> bool:
    """Return True if the line, decoded, is the event of a failure."""
    try:
        return events.decode(raw).is_failure
    except InvalidLine:
        return False


def _decoded(raw: bytes) -> Seen:
    try:
        event = events.decode(raw)
    except InvalidLine:
        return None, None, None
    known = event.ts is not None and 0 <= event.ts < 1e11
    return (
        event.original_name,
        event.step,
        round(event.ts * 1_000_000) // 1000 if known and event.ts is not None else None,
    )


def logs() -> list[Path]:
    """Every log of events of the samples and, where it is there, of the corpus."""
    found = [path for folder in (SAMPLES, CORPUS) if folder.is_dir() for path in folder.rglob("events.jsonl")]
    return sorted(path for path in found if path.stat().st_size)
