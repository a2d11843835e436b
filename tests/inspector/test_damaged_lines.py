"""Logs with damaged lines: what can be read of them counts, and what cannot lowers the confidence."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.event_log import open_large_log
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.finding import Confidence, Finding
from tests.inspector.making import CHAIN, Line, failing_locally, local, run_dir, succeeding_locally

ERROR = "Connection refused: localhost:5432"
FAILING = [json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in failing_locally(ERROR)]
FAILURE = FAILING[2]
assert b"step_error" in FAILURE


@pytest.fixture(params=[False, True], ids=["decoded", "indexed"])
def _reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_large_log, "LARGE_LOG_BYTES", -1 if request.param else 1 << 40)


pytestmark = pytest.mark.usefixtures("_reading")


def report(folder: Path, lines: Sequence[Line], **more: Any) -> Report:
    return analyze(run_dir(folder, lines, steps=CHAIN, **more))


def note(told: Report) -> Finding:
    (finding,) = (each for each in told.findings if each.rule == "unreadable-lines")
    return finding


@pytest.mark.parametrize(
    "damaged",
    [
        FAILURE.replace(b"Connection", b"\xff Connection"),
        FAILURE.replace(b"Connection", b"\x1b[31m Connection"),
        FAILURE.replace(b"localhost", b"\nlocalhost"),
        FAILURE.replace(b"localhost", b'"localhost"'),
        FAILURE.replace(b"}", b",}"),
        FAILURE[: FAILURE.index(b":5432")] + b"\n",
        b"INFO " + FAILURE,
        FAILURE.rstrip() + FAILING[3],
        FAILING[1].rstrip() + FAILURE,
        FAILING[1][:-20] + FAILURE,
    ],
)
def test_damaged_failure_keeps_the_cause(tmp_path: Path, damaged: bytes) -> None:
    told = report(tmp_path, [*FAILING[:2], damaged, *FAILING[3:]])
    cause = told.root_cause
    assert told.run.status == "failed"
    assert cause is not None
    assert (cause.rule, cause.step) == ("connection-refused", "extract")
    assert not [each for each in told.findings if each.rule in ("step-never-ended", "run-truncated")]
    assert "damaged" in note(told).message
    assert note(told).severity == "note"


def test_damaged_line_is_named_with_its_number(tmp_path: Path) -> None:
    told = report(tmp_path, [*FAILING[:2], FAILURE.replace(b"Connection", b"\xff"), *FAILING[3:]])
    assert "events.jsonl:3" in note(told).message


def test_damaged_metric_is_read(tmp_path: Path) -> None:
    metrics = [b'{"metric":"rows_read","value":14,"step_id":"extract","note":"\xff"}\n']
    told = report(tmp_path, succeeding_locally(), metrics=metrics)
    assert [metric.value for metric in told.run.metrics] == [14]
    assert "metrics.jsonl:1" in note(told).message


@pytest.mark.parametrize("junk", [b'{"ts":"2026-01-01T00:00:02+00:00","ev\n', b"{{{{\n", b"\xff\xfe\n"])
def test_unreadable_line_may_be_the_end_of_a_step(tmp_path: Path, junk: bytes) -> None:
    lines: list[Line] = [
        local("adapter_selected", adapter="local"),
        local("step_start", 1, step_id="extract"),
        junk,
        local("step_start", 4, step_id="stats"),
        local("step_complete", 6, step_id="stats"),
        local("run_end", 8, duration_seconds=8.0),
    ]
    told = report(tmp_path, lines)
    endless = [each for each in told.findings if each.rule in ("step-never-ended", "run-truncated")]
    assert endless
    assert {each.confidence for each in endless} == {Confidence.LOW}
    assert "line 3 " in endless[0].message


def test_unreadable_line_may_be_the_end_of_the_run(tmp_path: Path) -> None:
    told = report(tmp_path, [*succeeding_locally()[:-2], b'{"ts":"2026-01-01T00:00:08\n'])
    cause = told.root_cause
    assert cause is not None
    assert (cause.rule, cause.confidence) == ("run-truncated", Confidence.LOW)


def test_step_that_ends_in_the_torn_last_line_is_over(tmp_path: Path) -> None:
    lines: list[Line] = [
        *succeeding_locally()[:5],
        b'{"ts":"2026-01-01T00:00:06+00:00","session":"s","event":"step_complete","step_id":"stats","dri',
    ]
    told = report(tmp_path, lines)
    assert told.run.status == "truncated"
    assert [step.status for step in told.run.steps] == ["succeeded", "succeeded"]


def test_both_readings_give_the_same_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        *FAILING[:2],
        FAILURE[:-20] + b"\n",
        b"junk\n",
        b"\n",
        FAILING[3].rstrip() + FAILING[4],
        FAILING[1][:-9],
    ]
    path = run_dir(tmp_path, lines, steps=CHAIN)
    seen = []
    for limit in (-1, 1 << 40):
        monkeypatch.setattr(open_large_log, "LARGE_LOG_BYTES", limit)
        run = analyze(path).run
        seen.append(([(event.line, event.name, event.step) for event in run.key_events], run.unreadable))
    assert seen[0] == seen[1]


FOREIGN: list[Line] = [
    {"event": "request", "level": "info", "timestamp": "2026-01-01T00:00:00Z", "path": "/"},
    {"event": "response", "level": "info", "timestamp": "2026-01-01T00:00:01Z", "status": 200},
]


@pytest.mark.parametrize("now", [None, 1767225602.0])
def test_log_of_another_program_is_no_run(tmp_path: Path, now: float | None) -> None:
    told = analyze(run_dir(tmp_path, FOREIGN), now=now)
    assert told.run.status == "unreadable"
    assert note(told).severity == "error"
    assert [event.ts for event in told.run.events] == [1767225600, 1767225601]


def test_log_of_another_program_does_not_hide_the_status(tmp_path: Path) -> None:
    told = report(tmp_path, FOREIGN, files={"status.json": {"ok": True}})
    assert told.run.status == "success"


def test_event_of_a_driver_alone_belongs_to_a_run(tmp_path: Path) -> None:
    told = report(tmp_path, [local("page_fetched", 1, step_id="extract")])
    assert told.run.status == "truncated"


@pytest.mark.parametrize(
    ("encode", "reason"),
    [
        (lambda text: text.encode("utf-16"), "UTF-16"),
        (lambda text: text.replace('"', "'").encode(), "no JSON"),
    ],
)
def test_log_without_a_readable_line_is_the_cause(
    tmp_path: Path, encode: Callable[[str], bytes], reason: str
) -> None:
    log = encode(b"".join(FAILING).decode())
    told = report(tmp_path, [log], files={"status.json": {"ok": False, "reason": "step failed"}})
    assert note(told).severity == "error"
    assert reason in note(told).message


def test_array_and_indented_objects_are_read(tmp_path: Path) -> None:
    whole = json.dumps(failing_locally(ERROR), indent=2).encode()
    for log in (whole, whole.replace(b"\n  ", b"\n"), whole.replace(b"\n", b" ")):
        told = report(tmp_path, [log])
        assert told.root_cause is not None
        assert told.root_cause.rule == "connection-refused"


@pytest.mark.parametrize("name", ["events.jsonl.bz2", "events.jsonl.xz"])
def test_packed_log_of_another_kind_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(RunNotReadable, match=f"it contains {name}: unpack or rename it"):
        analyze(tmp_path)
