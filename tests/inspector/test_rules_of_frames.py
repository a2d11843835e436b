"""Rules about spill, the log and inputs: each with a run that must hit and one that comes near and must not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from tests.inspector.making import document, local, native, run_dir, worker

JOIN = (("a", "x.extractor", []), ("b", "x.extractor", []), ("j", "duckdb.processor", ["a", "b"]))
PAIR = (("a", "x.extractor", []), ("b", "duckdb.processor", ["a"]))


def settings(*, force: bool = False, threshold: int = 100_000) -> dict[str, Any]:
    return {
        "force_spill": {"value": force, "origin": "environment", "variable": "E2B_FORCE_SPILL"},
        "spill_threshold": {"value": threshold, "origin": "default", "variable": "E2B_SPILL_THRESHOLD"},
    }


def stored(step: str, storage: str, rows: int = 14, **more: Any) -> dict[str, Any]:
    return {"event": "output_stored", "step_id": step, "storage": storage, "rows": rows, **more}


def resolved(step: str, origin: str, place: str, **more: Any) -> dict[str, Any]:
    return {
        "event": "inputs_resolved",
        "step_id": step,
        "from_step": origin,
        "name": "df",
        "key": "df",
        "rows": 14,
        f"from_{place}": True,
        **more,
    }


def ours(
    *lines: Mapping[str, Any], status: str = "success", run_settings: Any = None
) -> list[dict[str, Any]]:
    """A run of ours with these lines between its start and its end, numbered."""
    start = {"event": "run_start", "mode": "local", **({"settings": run_settings} if run_settings else {})}
    events = [start, *lines, {"event": "run_end", "status": status}]
    return [native(fields["event"], seq, **_rest(fields)) for seq, fields in enumerate(events)]


def _rest(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != "event"}


def done(step: str) -> dict[str, Any]:
    return {"event": "step_complete", "step_id": step, "driver": "x.extractor"}


FAILED_A = {"event": "step_failed", "step_id": "a", "driver": "x.extractor", "error": "boom"}
GAVE: Mapping[str, Any] = {"reason": "the driver returned nothing", "keys": {}}
TWICE = native("step_start", 3, step_id="a")

Made = tuple[Sequence[Any], Sequence[Any], Mapping[str, Any]]
"""Events, steps of the manifest, further files."""


def card(*steps: Mapping[str, Any]) -> dict[str, Any]:
    return {"artifacts/_system/run_card.json": {"steps": list(steps)}}


def query(text: str, step: str = "j") -> dict[str, Any]:
    return {f"cfg/{step}.json": {"query": text}}


def joined(rows: int, **more: Any) -> list[Any]:
    return ours(
        stored("a", "memory"),
        done("a"),
        stored("b", "memory"),
        done("b"),
        resolved("j", "a", "memory", name="df_a"),
        resolved("j", "b", "memory", name="df_b"),
        stored("j", "memory", rows),
        {"event": "rows_out", "step_id": "j", "value": rows},
        {**done("j"), "driver": "duckdb.processor", **more},
    )


def shared_name() -> list[Any]:
    lines = joined(5)
    for line in lines:
        if line["event"] == "inputs_resolved" and line["from_step"] == "a":
            line["name"] = "df"
    return lines


HITS: Mapping[str, Made] = {
    "spill-setting-ignored": (ours(stored("a", "memory"), done("a"), run_settings=settings(force=True)), PAIR[:1], {}),
    "spill-not-used": (ours(stored("a", "spill"), done("a"), resolved("b", "a", "memory"), done("b")), PAIR, {}),
    "spill-schema-changed": (
        ours(
            stored("a", "spill", schema_hash="one"),
            done("a"),
            resolved("b", "a", "spill", schema_hash="two"),
            done("b"),
        ),
        PAIR,
        {},
    ),
    "spilled-and-still-in-memory": (
        ours(stored("a", "spill"), done("a")),
        PAIR[:1],
        card({"step_id": "a", "status": "succeeded", "has_df_in_memory": True, "spill_used": True}),
    ),
    "run-card-disagrees": (
        ours(FAILED_A, status="failed"),
        PAIR[:1],
        card({"step_id": "a", "status": "succeeded"}),
    ),
    "log-gap": ([line for line in ours(stored("a", "memory"), done("a")) if line["seq"] != 1], PAIR[:1], {}),
    "clock-skew": (
        [*ours(done("a"))[:2], {**native("run_end", 2, status="success"), "ts": "2025-12-31T23:00:00+00:00"}],
        PAIR[:1],
        {},
    ),
    "type-changed-by-spill": (
        ours(
            stored("a", "spill"),
            {"event": "dtype_downgraded", "step_id": "a", "column": "p", "from": "object", "to": "string", "lossless": False},
            done("a"),
        ),
        PAIR[:1],
        {},
    ),
    "join-explosion": (joined(2000), JOIN, {}),
    "need-unused": (joined(5), JOIN, query("SELECT * FROM df_a")),
    "ambiguous-input": (joined(5), JOIN, query("SELECT * FROM input_df")),
    "step-never-ended": (
        [
            worker("step_start", 1, step_id="a", driver="x.extractor"),
            worker("step_start", 2, step_id="b", driver="x.extractor"),
            worker("step_complete", 3, step_id="b"),
        ],
        (),
        {},
    ),
    "sandbox-lost": (ours({**FAILED_A, "error": "the sandbox is gone: time limit"}, status="failed"), PAIR[:1], {}),
    "driver-exited": (ours({**FAILED_A, "error": "the driver called sys.exit(3)"}, status="failed"), PAIR[:1], {}),
    "output-missing": (ours(stored("a", "none", None, **GAVE), FAILED_A, status="failed"), PAIR[:1], {}),
    "output-key-wrong": (
        ours(stored("a", "none", None, keys={"data": "DataFrame"}), FAILED_A, status="failed"),
        PAIR[:1],
        {},
    ),
    "output-not-a-frame": (
        ours(stored("a", "none", None, keys={"df": "dict"}), FAILED_A, status="failed"),
        PAIR[:1],
        {},
    ),
    "spill-file-unreadable": (
        ours(
            stored("a", "spill"),
            done("a"),
            {"event": "spill_read", "step_id": "a", "ok": False, "error": "its hash differs"},
            {"event": "step_failed", "step_id": "b", "driver": "y", "error": "no input", "error_type": "InputNotFound"},
            status="failed",
        ),
        PAIR,
        {},
    ),
}  # fmt: skip
NEAR_MISSES: Mapping[str, Made] = {
    "spill-setting-ignored": (
        ours(
            {"event": "spill_failed", "step_id": "a", "error": "disk"},
            stored("a", "memory"),
            done("a"),
            run_settings=settings(force=True),
        ),
        PAIR[:1],
        {},
    ),
    "spill-not-used": (ours(stored("a", "spill"), done("a"), resolved("b", "a", "spill"), done("b")), PAIR, {}),
    "spill-schema-changed": (
        ours(
            stored("a", "spill", schema_hash="one"),
            done("a"),
            resolved("b", "a", "spill", schema_hash="one"),
            done("b"),
        ),
        PAIR,
        {},
    ),
    "spilled-and-still-in-memory": (
        ours(stored("a", "memory"), done("a"), {**FAILED_A, "step_id": "b"}, status="failed"),
        PAIR,
        card({"step_id": "a", "status": "succeeded", "has_df_in_memory": True, "spill_used": True}),
    ),
    "run-card-disagrees": (ours(FAILED_A, status="failed"), PAIR[:1], card({"step_id": "a", "status": "failed"})),
    "log-gap": ([*ours(done("a")), {"event": "audit", "ts": "2026-01-01T00:00:00+00:00"}], PAIR[:1], {}),
    "clock-skew": (
        [*ours(done("a"))[:2], {**native("run_end", 2, status="success"), "ts": "2026-01-01T00:00:00.5+00:00"}],
        PAIR[:1],
        {},
    ),
    "type-changed-by-spill": (ours(stored("a", "spill"), done("a")), PAIR[:1], {}),
    "join-explosion": (joined(28), JOIN, {}),
    "need-unused": (joined(5), JOIN, query("SELECT * FROM df_a JOIN DF_B USING (id)")),
    "ambiguous-input": (shared_name(), JOIN, query("SELECT * FROM df JOIN df_b USING (id)")),
    "step-never-ended": ([worker("step_start", 1, step_id="a", driver="x.extractor")], (), {}),
    "sandbox-lost": (ours({**FAILED_A, "error": "no table sandbox_gone_rows"}, status="failed"), PAIR[:1], {}),
    "driver-exited": (ours({**FAILED_A, "error": "cannot read sys.exit_codes"}, status="failed"), PAIR[:1], {}),
    "output-missing": (
        ours({**stored("w", "none", None, **GAVE)}, {"event": "step_complete", "step_id": "w", "driver": "x.writer"}),
        [("w", "x.writer", [])],
        {},
    ),
    "output-key-wrong": (
        ours(stored("w", "none", None, keys={"rows_written": "int"}), {**done("w"), "driver": "x.writer"}),
        [("w", "x.writer", [])],
        {},
    ),
    "output-not-a-frame": (ours(stored("a", "memory", keys={"df": "DataFrame"}), done("a")), PAIR[:1], {}),
    "spill-file-unreadable": (
        ours(stored("a", "spill"), done("a"), {"event": "spill_read", "step_id": "a", "ok": True}),
        PAIR[:1],
        {},
    ),
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


def test_threshold_counts_as_well_as_force(tmp_path: Path) -> None:
    lines = ours(stored("a", "memory", 30), done("a"), run_settings=settings(threshold=20))
    said = analyze(run_dir(tmp_path, lines, steps=PAIR[:1])).findings
    assert [finding.message for finding in said if finding.rule == "spill-setting-ignored"] == [
        "E2B_SPILL_THRESHOLD=20 (default) requires a spill, but the DataFrame of 30 rows stayed in memory"
    ]


def test_log_whose_lines_are_shuffled_and_doubled_tells_the_same(tmp_path: Path) -> None:
    lines = ours(
        {"event": "step_start", "step_id": "a", "driver": "x.extractor"},
        stored("a", "memory"),
        done("a"),
        resolved("b", "a", "memory"),
        {"event": "step_start", "step_id": "b", "driver": "duckdb.processor"},
        stored("b", "memory"),
        done("b"),
    )
    shuffled = [lines[number] for number in (1, 0, 3, 3, 2, 5, 4, 4, 7, 6, 8)]
    straight = analyze(run_dir(tmp_path, lines, steps=PAIR, name="run_1"))
    mixed = analyze(run_dir(tmp_path, shuffled, steps=PAIR, name="run_2"))
    assert mixed.run.status == straight.run.status == "success"
    assert [(step.status, step.rows_in, step.rows_out, len(step.inputs)) for step in mixed.run.steps] == [
        (step.status, step.rows_in, step.rows_out, len(step.inputs)) for step in straight.run.steps
    ]
    assert mixed.findings == ()


def test_key_that_pandas_missed_names_the_columns_there_were(tmp_path: Path) -> None:
    lines = ours(
        stored("a", "memory", columns=["id", "name"]),
        done("a"),
        resolved("b", "a", "memory"),
        {
            "event": "step_failed",
            "step_id": "b",
            "driver": "x.processor",
            "error": "'amount'",
            "error_type": "KeyError",
            "traceback": 'File "/lib/pandas/core/frame.py", line 1, in __getitem__',
        },
        status="failed",
    )
    cause = analyze(run_dir(tmp_path, lines, steps=PAIR)).root_cause
    assert cause is not None
    assert (cause.rule, cause.fix) == (
        "column-missing",
        "use a column name that exists in the input: id, name",
    )


@pytest.mark.parametrize("make", [local, document], ids=["local", "document"])
def test_numbers_that_a_dialect_does_not_have_are_not_missed(tmp_path: Path, make: Any) -> None:
    lines = [make("step_start", step_id="a"), make("step_complete", step_id="a")]
    assert "log-gap" not in {finding.rule for finding in analyze(run_dir(tmp_path, lines)).findings}


def test_need_unused_any_input_with_schema_is_not_reported(tmp_path: Path) -> None:
    assert "need-unused" not in found(tmp_path, (joined(5), JOIN, query("SELECT * FROM memory.df")))
