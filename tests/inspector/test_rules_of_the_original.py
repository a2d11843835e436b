"""Rules about what only runs of the original do: each with a run that must hit and one that comes near and must not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from tests.inspector.making import CHAIN, failing_locally, local, native, run_dir, succeeding_locally, worker

Made = tuple[Sequence[Any], Sequence[Any], Mapping[str, Any]]
"""Events, steps of the manifest, further files; ``metrics.jsonl`` among them."""

FAN_IN = (("a", "mysql.extractor", []), ("b", "mysql.extractor", []), ("w", "x.csv_writer", ["a", "b"]))
WHOLE = b"PAR1" + b"\0" * 16 + b"PAR1"
OTHER = (*CHAIN, ("write", "filesystem.csv_writer", ["stats"]))
SUPABASE = (("write", "supabase.writer", []),)


def going_well(*more: Mapping[str, Any]) -> list[Any]:
    lines = succeeding_locally()
    return [*lines[:6], *more, *lines[6:]]


def given_to_writer(origin: str) -> list[Any]:
    return going_well(
        local("step_start", 6, step_id="write", driver="filesystem.csv_writer"),
        local("inputs_resolved", 6, step_id="write", from_step=origin, key="df", rows=14, from_memory=True),
        local("step_complete", 6, step_id="write"),
    )


def fan_in(second: str = "df", rows: int = 540) -> list[Any]:
    lines = [local("adapter_selected", adapter="local")]
    for step in ("a", "b"):
        lines += [
            local("step_start", 1, step_id=step, driver="mysql.extractor"),
            local("step_complete", 1, step_id=step),
        ]
    lines += [
        local("step_start", 2, step_id="w", driver="x.csv_writer"),
        local("inputs_resolved", 2, step_id="w", from_step="a", key="df", rows=500, from_memory=True),
        local("inputs_resolved", 2, step_id="w", from_step="b", key=second, rows=40, from_memory=True),
        local("write.complete", 3, step_id="w", rows_written=rows),
        local("step_complete", 3, step_id="w"),
    ]
    return [*lines, local("run_end", 4, duration_seconds=4.0)]


def requests(*names: str) -> dict[str, Any]:
    inputs = {f"df_{name}": {"from_step": name, "key": "df"} for name in names}
    return {"commands.jsonl": '{"cmd":"exec_step","step_id":"w","inputs":' + _json(inputs) + "}\n"}


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


def metrics(*lines: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "metrics.jsonl": "".join(
            _json({"ts": "2026-01-01T00:00:05.5+00:00", **line}) + "\n" for line in lines
        )
    }


def writing(**more: Any) -> list[Any]:
    return [
        worker("step_start", 1, step_id="write", driver="supabase.writer"),
        *([worker("write.complete", 2, step_id="write", rows_written=5)] if more.get("confirmed") else []),
        worker("step_complete", 3, step_id="write", rows_processed=5),
        worker("cleanup_complete", 4),
    ]


def remote_that_never_began(log: str) -> Made:
    lines = [
        local("adapter_selected", adapter="e2b"),
        local("run_error", 1, phase="execute", error="Batch execution timed out after 20 seconds"),
        local("run_end", 2, duration_seconds=20.0),
    ]
    return lines, CHAIN, {"osiris.log": f"2026-01-01 ERROR - {log}\n"}


def planned(*, written: bool) -> list[Any]:
    done = [local("write.complete", 6, step_id="stats", rows_written=14)] if written else []
    return going_well(local("table.ddl_planned", 6, step_id="stats", table="t", executed=False), *done)


GROUPING = {"cfg/stats.json": {"query": "SELECT a, count(*) FROM input_df GROUP BY a"}}
HITS: Mapping[str, Made] = {
    "driver-code-differs": (going_well(local("driver_file_verified", driver="x", sha256_match=False)), CHAIN, {}),
    "driver-import-failed": (
        [local("driver_registration_failed", driver="mysql.extractor", error="No module named 'x'"), *failing_locally("?")],
        CHAIN,
        {},
    ),
    "input-from-other-step": (given_to_writer("extract"), OTHER, {}),
    "input-overwritten": (fan_in("df"), FAN_IN, {}),
    "mode-unsupported": (succeeding_locally(), CHAIN, {"cfg/stats.json": {"mode": "write"}}),
    "need-not-passed": (fan_in("df_b"), FAN_IN, requests("a")),
    "nothing-written": (planned(written=False), CHAIN, {}),
    "path-outside-run": ([local("step_start", step_id="../../x"), local("step_complete", step_id="../../x")], (), {}),
    "pickle-in-artifacts": (succeeding_locally(), CHAIN, {"artifacts/extract/output.pkl": b"\x80\x04."}),
    "query-not-run": (succeeding_locally(), CHAIN, {**GROUPING, **metrics({"metric": "rows_written", "value": 14})}),
    "row-count-changed": (succeeding_locally(), CHAIN, metrics({"metric": "rows_read", "value": 5})),
    "secret-in-log": (failing_locally("cannot use mysql://reader:hunter2@db/movies"), CHAIN, {}),
    "spill-file-corrupt": (succeeding_locally(), CHAIN, {"artifacts/extract/output.parquet": b"cut off"}),
    "status-disagrees": (succeeding_locally(), CHAIN, {"status.json": {"ok": False, "reason": "missing_events_jsonl"}}),
    "step-run-twice": (going_well(local("step_start", 6, step_id="stats"), local("step_complete", 6, step_id="stats")), CHAIN, {}),
    "step-retried": (
        [
            native("step_start", 1, step_id="a", attempt=1),
            native("step_failed", 2, step_id="a", attempt=1, error="the server closed the connection"),
            native("step_retry", 3, step_id="a", attempt=2, of=2, because="connection-lost", wait_s=1.0),
            native("step_start", 4, step_id="a", attempt=2),
            native("step_complete", 5, step_id="a", attempt=2),
            native("run_end", 6, status="success"),
        ],
        (),
        {},
    ),
    "unreadable-lines": ([*succeeding_locally()[:3], b'{"event": "half\n', *succeeding_locally()[3:]], CHAIN, {}),
    "worker-start-failed": remote_that_never_began("Worker error (fatal): import_error - No module named 'x'"),
    "write-unconfirmed": (writing(), SUPABASE, {"cfg/write.json": {"create_if_missing": True}}),
    "writer-took-first-input": (fan_in("df_b", 500), FAN_IN, {}),
}  # fmt: skip
NEAR_MISSES: Mapping[str, Made] = {
    "driver-code-differs": (going_well(local("driver_file_verified", driver="x", sha256_match=True)), CHAIN, {}),
    "driver-import-failed": ([local("driver_registered", driver="mysql.extractor"), *failing_locally("?")], CHAIN, {}),
    "input-from-other-step": (given_to_writer("stats"), OTHER, {}),
    "input-overwritten": (fan_in("df_b"), FAN_IN, {}),
    "mode-unsupported": (succeeding_locally(), CHAIN, {"cfg/stats.json": {"mode": "transform"}}),
    "need-not-passed": (fan_in("df_b"), FAN_IN, requests("a", "b")),
    "nothing-written": (planned(written=True), CHAIN, {}),
    "path-outside-run": ([local("step_start", step_id="a.b"), local("step_complete", step_id="a.b")], (), {}),
    "pickle-in-artifacts": (succeeding_locally(), CHAIN, {"artifacts/extract/output.parquet": WHOLE}),
    "query-not-run": (
        succeeding_locally(),
        CHAIN,
        {**GROUPING, **metrics({"metric": "rows_written", "value": 14}, {"metric": "rows_read", "value": 14})},
    ),
    "row-count-changed": (succeeding_locally(), CHAIN, metrics({"metric": "rows_read", "value": 14})),
    "secret-in-log": (failing_locally("cannot use mysql://reader@db/movies"), CHAIN, {}),
    "spill-file-corrupt": (succeeding_locally(), CHAIN, {"artifacts/extract/output.parquet": WHOLE}),
    "status-disagrees": (succeeding_locally(), CHAIN, {"status.json": {"ok": True}}),
    "step-run-twice": (
        [
            native("step_start", 1, step_id="a"),
            native("step_start", 1, step_id="a"),
            native("step_complete", 2, step_id="a"),
            native("run_end", 3, status="success"),
        ],
        (),
        {},
    ),
    "step-retried": (
        [
            native("step_start", 1, step_id="a", attempt=1),
            native("step_failed", 2, step_id="a", attempt=1, error="the server closed the connection"),
            native("step_retry", 3, step_id="a", attempt=2, of=2, because="connection-lost", wait_s=1.0),
            native("step_start", 4, step_id="a", attempt=2),
            native("step_failed", 5, step_id="a", attempt=2, error="the server closed the connection"),
            native("run_end", 6, status="failed"),
        ],
        (),
        {},
    ),
    "unreadable-lines": ([*succeeding_locally()[:3], b"\n \n", *succeeding_locally()[3:]], CHAIN, {}),
    "worker-start-failed": (failing_locally("?"), CHAIN, {"osiris.log": "ERROR - Worker error (fatal): late\n"}),
    "write-unconfirmed": (writing(confirmed=True), SUPABASE, {"cfg/write.json": {"create_if_missing": True}}),
    "writer-took-first-input": (fan_in("df_b", 540), FAN_IN, {}),
}  # fmt: skip


def found(folder: Path, made: Made) -> set[str]:
    events, steps, files = made
    return {finding.rule for finding in analyze(run_dir(folder, events, steps=steps, files=files)).findings}


@pytest.mark.parametrize("rule", HITS)
def test_rule_finds_what_it_is_for(tmp_path: Path, rule: str) -> None:
    assert rule in found(tmp_path, HITS[rule])


@pytest.mark.parametrize("rule", NEAR_MISSES)
def test_rule_leaves_what_only_looks_like_it(tmp_path: Path, rule: str) -> None:
    assert rule not in found(tmp_path, NEAR_MISSES[rule])


def test_each_rule_of_this_table_has_both() -> None:
    assert HITS.keys() == NEAR_MISSES.keys()
