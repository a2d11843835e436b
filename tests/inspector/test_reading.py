import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.files import text_log as textlog
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.errors import RunNotReadable
from tests.inspector.making import (
    CHAIN,
    NONETYPE,
    document,
    failing_locally,
    local,
    native,
    run_dir,
    succeeding_locally,
    worker,
)


def statuses(run: Run) -> dict[str, str]:
    return {step.id: step.status for step in run.steps}


def test_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunNotReadable, match="no such file or directory"):
        load(tmp_path / "nowhere")


def test_empty_directory_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunNotReadable, match="empty directory"):
        load(tmp_path)


def test_file_is_no_run_directory(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("{}")
    with pytest.raises(RunNotReadable, match="is a file"):
        load(file)


def test_directory_of_other_things_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(RunNotReadable, match="not a run"):
        load(tmp_path)


def test_text_log_alone_is_no_run_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "osiris.log").write_text("ERROR - boom\n")
    with pytest.raises(RunNotReadable, match=r"status\.json.*it contains osiris\.log"):
        load(tmp_path)


def test_number_is_a_step_id_wherever_it_stands(tmp_path: Path) -> None:
    lines = [
        local("adapter_selected", adapter="local"),
        local("step_start", 1, step_id=1, driver="mysql.extractor"),
        local("step_complete", 2, step_id=1, driver="mysql.extractor"),
        local("step_start", 3, step_id=2, driver="duckdb.processor"),
        local("inputs_resolved", 4, step_id=2, from_step=1, key="df", rows=14, from_memory=True),
        local("step_error", 5, step_id=2, driver="duckdb.processor", error="boom"),
        local("run_end", 6),
    ]
    manifest = "steps:\n- {id: 1, driver: mysql.extractor}\n- {id: 2, driver: duckdb.processor, needs: [1]}\n"
    metric = {"ts": "2026-01-01T00:00:02+00:00", "metric": "rows_out", "value": 14, "step_id": 1}
    run = load(run_dir(tmp_path, lines, metrics=[metric], files={"manifest.yaml": manifest}))
    told = [(step.id, step.status, step.rows_out, step.inputs[:1]) for step in run.steps]
    assert [entry[:3] for entry in told] == [("1", "succeeded", 14), ("2", "failed", None)]
    assert told[1][3][0].from_step == "1"


def test_local_run_that_went_well_is_a_success(tmp_path: Path) -> None:
    run = load(run_dir(tmp_path, succeeding_locally(), steps=CHAIN))
    assert (run.status, run.finished, run.mode, run.pipeline) == ("success", True, "local", "demo")
    assert run.duration_s == 8.0


def test_input_of_a_local_run_was_in_memory(tmp_path: Path) -> None:
    stats = load(run_dir(tmp_path, succeeding_locally(), steps=CHAIN)).step("stats")
    assert stats is not None
    assert [(entry.from_step, entry.location, entry.rows, entry.line) for entry in stats.inputs] == [
        ("extract", "memory", 14, 5)
    ]


def test_rows_of_a_producer_are_told_by_its_consumer(tmp_path: Path) -> None:
    extract = load(run_dir(tmp_path, succeeding_locally(), steps=CHAIN)).step("extract")
    assert extract is not None
    assert (extract.rows_out, extract.rows_out_source) == (14, "inputs_resolved event of its consumer")
    assert extract.storage == "memory"


def test_untagged_metric_counts_by_its_time(tmp_path: Path) -> None:
    metric = {"ts": "2026-01-01T00:00:05.500000+00:00", "metric": "rows_written", "value": 3}
    stats = load(run_dir(tmp_path, succeeding_locally(), metrics=[metric], steps=CHAIN)).step("stats")
    assert stats is not None
    assert (stats.rows_out, stats.rows_out_source) == (3, "metric, by time")


@pytest.mark.parametrize(("heard", "rows"), [("03.500000", 7), ("05.500000", None)])
def test_count_that_the_host_heard_of_late_is_that_of_the_step_before(
    tmp_path: Path, heard: str, rows: int | None
) -> None:
    steps = (("one", "filesystem.csv_writer", []), ("two", "filesystem.csv_writer", []))
    began, ended = partial(local, "step_start", driver="csv_writer"), partial(local, "step_complete")
    lines = [
        began(2, step_id="one"),
        ended(3, step_id="one"),
        began(4, step_id="two"),
        ended(5, step_id="two"),
    ]
    metric = {"ts": f"2026-01-01T00:00:{heard}+00:00", "metric": "rows_written", "value": 7}
    run = load(run_dir(tmp_path, lines, steps=steps, metrics=[metric]))
    assert (run.steps[0].rows_out, run.steps[0].rows_out_source) == (
        rows,
        "metric, by time" if rows else None,
    )


def test_step_error_of_the_original_is_a_failed_step(tmp_path: Path) -> None:
    run = load(run_dir(tmp_path, failing_locally("Execution failed: boom"), steps=CHAIN))
    assert run.status == "failed"
    assert statuses(run) == {"extract": "failed", "stats": "not_started"}
    step = run.step("extract")
    assert step is not None
    assert step.failure is not None
    assert (step.failure.message, step.failure.line) == ("Execution failed: boom", 3)


def test_step_that_was_never_started_names_the_failure_it_waits_for(tmp_path: Path) -> None:
    stats = load(run_dir(tmp_path, failing_locally("boom"), steps=CHAIN)).step("stats")
    assert stats is not None
    assert stats.skipped_because == "extract"


def test_unresolved_connection_ends_a_step_without_an_event_of_its_own(tmp_path: Path) -> None:
    text = "Environment variable 'X' not set for password in mysql.main"
    lines = [
        local("adapter_selected", adapter="local"),
        local("step_start", 1, step_id="extract", driver="mysql.extractor"),
        local("connection_resolve_complete", 2, step_id="extract", ok=False, error=text),
        local("run_end", 3, duration_seconds=3),
    ]
    run = load(run_dir(tmp_path, lines, steps=CHAIN))
    assert run.status == "failed"
    assert run.steps[0].failure is not None
    assert run.steps[0].failure.message == text


@pytest.mark.parametrize(
    ("end", "status"),
    [([], "truncated"), ([worker("cleanup_complete", 9, steps_executed=1)], "success")],
)
def test_worker_log_ends_with_its_cleanup(tmp_path: Path, end: list[Any], status: str) -> None:
    lines = [
        worker("step_start", 1, step_id="extract", driver="mysql.extractor"),
        worker("step_complete", 2, step_id="extract", rows_processed=14, duration_ms=1000),
        *end,
    ]
    run = load(run_dir(tmp_path, lines))
    assert (run.status, run.mode, run.dialect) == (status, "worker", "worker")
    assert run.steps[0].rows_out == 14


def test_worker_killed_in_a_step_leaves_the_run_cut_off(tmp_path: Path) -> None:
    lines = [
        local("adapter_selected", adapter="e2b"),
        local("step_start", 1, step_id="extract", driver="mysql.extractor"),
        local("run_error", 2, phase="execute", error="Batch execution timed out after 20 seconds"),
        local("run_end", 3, duration_seconds=3),
    ]
    run = load(run_dir(tmp_path, lines, steps=CHAIN))
    assert (run.status, run.finished) == ("truncated", False)
    assert statuses(run)["extract"] == "running"


def test_remote_run_that_never_reached_a_step_failed_in_preparation(tmp_path: Path) -> None:
    lines = [
        local("adapter_selected", adapter="e2b"),
        local("run_error", 1, error="no sandbox"),
        local("run_end", 2),
    ]
    run = load(run_dir(tmp_path, lines, steps=CHAIN))
    assert (run.status, run.failed_stage) == ("failed", "prepare")


def test_compile_error_is_told_apart_from_a_failed_run(tmp_path: Path) -> None:
    lines = [
        local("compile_start"),
        local("compile_error", 1, error="Unresolved parameters: ['x']"),
        local("run_end", 2),
    ]
    run = load(run_dir(tmp_path, lines))
    assert (run.status, run.failed_stage, run.kind) == ("compile_failed", "compile", "compile")


def test_unexpected_error_while_compiling_is_a_compile_error_too(tmp_path: Path) -> None:
    lines = [
        local("compile_start"),
        local("run_error", 1, error="while parsing a flow sequence"),
        local("run_end", 2),
    ]
    assert load(run_dir(tmp_path, lines)).status == "compile_failed"


def test_compile_directory_is_a_compile_that_succeeded(tmp_path: Path) -> None:
    manifest = json.dumps({"steps": [{"id": "a", "driver": "mysql.extractor"}]})
    path = run_dir(tmp_path, None, files={"compiled/manifest.yaml": manifest}, name="compile_1759170381659")
    run = load(path)
    assert (run.status, run.kind, statuses(run)) == ("success", "compile", {"a": "not_started"})


def test_run_of_the_original_documents_kept_its_frame_nowhere(tmp_path: Path) -> None:
    lines = [
        document("step_start", step_id="extract", driver="mysql.extractor"),
        document("rows_out", step_id="extract", value=14),
        document("step_complete", step_id="extract", rows_processed=14),
        document("step_start", step_id="stats", driver="duckdb.processor"),
        document("step_failed", step_id="stats", error=NONETYPE),
    ]
    run = load(run_dir(tmp_path, lines, steps=CHAIN))
    assert (run.status, run.dialect) == ("failed", "document")
    assert run.steps[0].storage == "none"
    assert run.steps[1].inputs[0].location == "unresolved"


@pytest.mark.parametrize(
    ("memory", "spill", "storage"), [(True, False, "memory"), (False, True, "spill"), (False, False, "none")]
)
def test_run_card_of_the_documents_tells_where_the_frame_was(
    tmp_path: Path, memory: bool, spill: bool, storage: str
) -> None:
    card = {
        "steps": [{"step_id": "extract", "has_df_in_memory": memory, "spill_used": spill, "rows_out": 14}]
    }
    lines = [document("step_complete", step_id="extract", driver="mysql.extractor", rows_processed=14)]
    run = load(run_dir(tmp_path, lines, files={"artifacts/_system/run_card.json": card}))
    assert run.steps[0].storage == storage


def test_native_storage_is_taken_as_told(tmp_path: Path) -> None:
    lines = [
        native("run_start", 0, mode="sandbox"),
        native("step_start", 1, step_id="extract", driver="csv.extractor"),
        native("output_stored", 2, step_id="extract", storage="spill", rows=0),
        native("step_complete", 3, step_id="extract", rows_processed=0),
        native("run_end", 4, status="success", duration_s=4.0),
    ]
    run = load(run_dir(tmp_path, lines))
    assert (run.status, run.mode, run.dialect) == ("success", "sandbox", "native")
    assert (run.steps[0].storage, run.steps[0].rows_out) == ("spill", 0)


def test_skipped_step_names_its_cause(tmp_path: Path) -> None:
    lines = [
        native("step_failed", 0, step_id="extract", error="boom"),
        native("step_skipped", 1, step_id="stats", because="extract"),
        native("run_end", 2, status="failed"),
    ]
    stats = load(run_dir(tmp_path, lines, steps=CHAIN)).step("stats")
    assert stats is not None
    assert (stats.status, stats.skipped_because) == ("skipped", "extract")


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({"status.json": {"ok": True, "exit_code": 0}}, "success"),
        ({"status.json": {"ok": False, "exit_code": 1, "reason": "Completed 1/2 steps"}}, "failed"),
        (
            {
                "status.json": {
                    "ok": False,
                    "exit_code": 0,
                    "steps_completed": 2,
                    "steps_total": 2,
                    "reason": "missing_events_jsonl",
                }
            },
            "success",
        ),
        (
            {
                "artifacts/_system/run_card.json": {
                    "steps": [{"step_id": "a", "status": "failed", "error": "x"}]
                }
            },
            "failed",
        ),
        (
            {"artifacts/_system/run_card.json": {"steps": [{"step_id": "a", "status": "succeeded"}]}},
            "success",
        ),
        ({"metrics.jsonl": '{"metric":"adapter_exit_code","value":1}\n'}, "failed"),
        ({"metrics.jsonl": '{"metric":"adapter_exit_code","value":0}\n'}, "success"),
        ({"manifest.yaml": "steps: [{id: a, driver: x}]"}, "truncated"),
    ],
)
def test_run_without_a_log_is_judged_by_what_is_left(
    tmp_path: Path, files: dict[str, Any], status: str
) -> None:
    assert load(run_dir(tmp_path, None, files=files)).status == status


def test_empty_log_is_a_run_that_was_cut_off(tmp_path: Path) -> None:
    run = load(run_dir(tmp_path, []))
    assert (run.status, run.events, run.unreadable) == ("truncated", (), ())


@pytest.mark.parametrize(
    "junk",
    [
        b"not json\n",
        b"[1, 2]\n",
        b'"text"\n',
        b"\xff\xfe\x00\n",
        b"\x00\x00\x00\n",
        b'{"no":"event"}\n',
        b"[" * 90000 + b"\n",
    ],
)
def test_junk_between_good_lines_is_counted_and_skipped(tmp_path: Path, junk: bytes) -> None:
    lines = succeeding_locally()
    run = load(run_dir(tmp_path, [*lines[:4], junk, *lines[4:]], steps=CHAIN))
    assert run.status == "success"
    assert [(entry.file, entry.line) for entry in run.unreadable] == [("events.jsonl", 5)]


def test_torn_last_line_is_called_torn(tmp_path: Path) -> None:
    run = load(run_dir(tmp_path, [*succeeding_locally()[:3], b'{"ts":"2026-01-01T00:0'], steps=CHAIN))
    assert run.status == "truncated"
    assert run.unreadable[0].reason.startswith("torn last line")


def test_last_line_without_a_newline_counts_where_it_is_whole(tmp_path: Path) -> None:
    path = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    file = path / "events.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    run = load(path)
    assert (run.status, run.unreadable) == ("success", ())


def test_byte_order_mark_carriage_returns_and_blank_lines_are_no_fault(tmp_path: Path) -> None:
    path = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    file = path / "events.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n\r\n"))
    run = load(path)
    assert (run.status, run.unreadable) == ("success", ())


def test_nan_in_a_metric_is_read_as_no_value(tmp_path: Path) -> None:
    run = load(run_dir(tmp_path, succeeding_locally(), metrics=[b'{"metric":"score","value":NaN}\n']))
    assert [metric.value for metric in run.metrics] == [None]


def test_line_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    run = load(run_dir(tmp_path, failing_locally("x" * 10_000_000)))
    assert run.status == "failed"
    assert run.unreadable == ()


def test_line_over_the_limit_is_noted_and_the_next_one_read(tmp_path: Path) -> None:
    lines = [b'{"event":"' + b"x" * 17_000_000 + b'"}\n', *succeeding_locally()]
    run = load(run_dir(tmp_path, lines))
    assert run.status == "success"
    assert "over the limit" in run.unreadable[0].reason
    assert run.events[0].line == 2


def test_many_unreadable_lines_are_one_entry_after_the_first_thousand(tmp_path: Path) -> None:
    run = load(run_dir(tmp_path, [b"junk\n"] * 1500))
    assert run.status == "unreadable"
    assert sum(entry.count for entry in run.unreadable) == 1500
    assert len(run.unreadable) == 1001


@pytest.mark.parametrize(
    "yaml",
    [
        "steps: [",
        "a: &a [*a]\nsteps: *a",
        '!!int ""',
        "steps: [{id: 2026-13-45}]",
        "- a",
        "[" * 5000,
        "!!python/name:os.system ''",
    ],
)
def test_broken_manifest_is_noted_and_the_rest_read(tmp_path: Path, yaml: str) -> None:
    run = load(run_dir(tmp_path, succeeding_locally(), files={"manifest.yaml": yaml}))
    assert run.status == "success"
    assert statuses(run) == {"extract": "succeeded", "stats": "succeeded"}


def test_pipe_in_place_of_the_log_does_not_hang(tmp_path: Path) -> None:
    path = run_dir(tmp_path, None, files={"metrics.jsonl": ""})
    os.mkfifo(path / "events.jsonl")
    run = load(path)
    assert [(entry.file, entry.reason) for entry in run.unreadable] == [
        ("events.jsonl", "not a regular file")
    ]


@pytest.mark.parametrize("target", ["/etc/hostname", "events.jsonl"])
def test_link_out_of_the_run_or_to_itself_is_not_followed(tmp_path: Path, target: str) -> None:
    path = run_dir(tmp_path, None, files={"status.json": {"ok": True}})
    (path / "events.jsonl").symlink_to(target)
    run = load(path)
    assert run.unreadable[0].file == "events.jsonl"
    assert run.events == ()


def test_of_a_long_text_log_only_its_beginning_and_its_end_are_read(tmp_path: Path) -> None:
    path = run_dir(tmp_path, [local("run_start")])
    with (path / "debug.log").open("wb") as log:
        log.write(b"INFO begins\nERROR first\n")
        log.truncate(500 << 30)  # a hole: 500 GB that take no room
        log.seek(0, os.SEEK_END)
        log.write(b"\nERROR last\n")
    before = bytes_read()
    run = load(path)
    assert bytes_read() - before < 3 * textlog.MAX_FULL_READ
    assert [(entry.line, entry.text) for entry in run.log_lines] == [(2, "ERROR first"), (0, "ERROR last")]
    assert [entry.file for entry in run.unreadable] == ["debug.log"]


def test_lines_behind_what_was_left_out_of_a_text_log_keep_their_numbers(tmp_path: Path) -> None:
    lines = [b"2026-01-01 DEBUG nothing to see here\n"] * (2 * textlog.MAX_FULL_READ // 37)
    lines[-3] = b"ERROR close to the end\n"
    run = load(run_dir(tmp_path, [local("run_start")], files={"debug.log": b"".join(lines)}))
    assert [(entry.line, entry.text) for entry in run.log_lines] == [
        (len(lines) - 2, "ERROR close to the end")
    ]


@pytest.mark.parametrize(
    "line",
    [
        "2026 - CRITICAL - x",
        "FATAL x",
        "x ERROR y",
        "WARNING: x",
        "WARN x",
        'HTTP/1.1" 404 x',
        "HTTP/2 500",
        "error details: x",
        "Error details x",
        "Killed",
        "Segmentation fault",
        "ValueError: x",
        "MyException(x)",
    ],
)
def test_line_of_a_text_log_that_complains_is_kept(tmp_path: Path, line: str) -> None:
    log = f"INFO begins\n{line}\nINFO ends\n"
    run = load(run_dir(tmp_path, [local("run_start")], files={"osiris.log": log}))
    assert [(entry.line, entry.text) for entry in run.log_lines] == [(2, line)]


@pytest.mark.parametrize("named", ["opened cfg/extract.json", "Executing step extract now"])
def test_complaint_belongs_to_the_step_that_was_named_before_it(tmp_path: Path, named: str) -> None:
    run = load(run_dir(tmp_path, [local("run_start")], files={"worker.log": f"INFO {named}\nERROR x\n"}))
    assert [entry.step for entry in run.log_lines] == ["extract"]


def bytes_read() -> int:
    """Bytes that this process has read from files so far."""
    told = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(told["rchar"])


def test_unfinished_run_counts_as_running_only_for_a_while(tmp_path: Path) -> None:
    path = run_dir(tmp_path, succeeding_locally()[:4], steps=CHAIN)
    last = load(path).events[-1].ts
    assert last is not None
    assert load(path, now=last + 5).status == "running"
    assert load(path, now=last + 3600).status == "truncated"
    assert load(path).status == "truncated"


@contextmanager
def held(log: Path) -> Iterator[None]:
    """The log as a run holds it while it is written."""
    with log.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def going_on(folder: Path, **fields: Any) -> Path:
    return run_dir(folder, [native("run_start", 0, **fields), native("step_start", 1, step_id="extract")])


def test_run_that_holds_its_log_is_running_however_long_it_is_silent(tmp_path: Path) -> None:
    path = going_on(tmp_path)
    with held(path / "events.jsonl"):
        assert load(path, now=4e9).status == "running"
    assert load(path, now=4e9).status == "truncated"


@pytest.mark.parametrize(("said", "status"), [({"locked": True}, "truncated"), ({}, "running")])
def test_released_lock_ends_only_a_run_that_says_it_has_one(
    tmp_path: Path, said: dict[str, Any], status: str
) -> None:
    path = going_on(tmp_path, **said)
    last = load(path).events[-1].ts
    assert last is not None
    assert load(path, now=last + 5).status == status


def test_reading_a_log_that_is_held_does_not_keep_its_lock(tmp_path: Path) -> None:
    path = going_on(tmp_path, locked=True)
    load(path, now=4e9)
    with (path / "events.jsonl").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_log_that_ended_is_over_also_while_it_is_held(tmp_path: Path) -> None:
    path = run_dir(tmp_path, [native("run_start", 0), native("run_end", 1, status="success")])
    with held(path / "events.jsonl"):
        assert load(path, now=4e9).status == "success"


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([], "not_downloaded"),
        ([native("artifact_left", 5, path="artifacts/a/output.parquet", reason="larger")], "not_downloaded"),
        ([native("artifact_lost", 5, path="artifacts/a/output.parquet", error="cut")], "lost"),
        ([native("artifacts_lost", 5, error="the sandbox is gone")], "lost"),
        ([native("artifact_fetched", 5, path="artifacts/a/output.parquet")], "missing"),
    ],
    ids=["untold", "left", "lost", "all lost", "fetched and gone"],
)
def test_frame_that_is_not_here_says_why(tmp_path: Path, told: list[Any], state: str) -> None:
    start = native("run_start", 0, mode="e2b")
    made = native(
        "artifact_created", 2, step_id="a", path="artifacts/a/output.parquet", artifact_type="parquet"
    )
    run = load(run_dir(tmp_path, [start, native("step_start", 1, step_id="a"), made, *told]))
    assert [artifact.state for artifact in run.steps[0].artifacts] == [state]


def test_isolation_is_what_the_start_of_the_worker_tells(tmp_path: Path) -> None:
    run = load(run_dir(tmp_path, [native("run_start"), native("worker_started", 1, isolation="landlock")]))
    assert run.isolation == "landlock"


def test_time_without_the_worker_is_told_from_its_loss_to_its_return(tmp_path: Path) -> None:
    lost = [native("connection_lost", 1, error="reset"), native("connection_lost", 2, error="again")]
    back = [native("connection_restored", 5), native("connection_lost", 7, error="gone")]
    first, second = load(run_dir(tmp_path, [*lost, *back])).outages
    assert (first.error, first.line, (first.ended or 0) - (first.began or 0)) == ("reset", 1, 4.0)
    assert (second.error, second.line, second.ended) == ("gone", 4, None)


def test_lines_that_never_came_are_among_what_was_not_read(tmp_path: Path) -> None:
    run = load(run_dir(tmp_path, [native("run_start"), native("lines_missing", 1, **{"from": 4, "to": 6})]))
    assert [(entry.line, entry.reason) for entry in run.unreadable] == [
        (2, "3 lines of the worker missing: 4 to 6")
    ]


def test_secret_in_a_configuration_is_masked_and_its_place_told(tmp_path: Path) -> None:
    cfg = {
        "resolved_connection": {"password": "hunter2", "user": "reader"},
        "primary_key": "id",
        "token": "${TOKEN}",
    }
    run = load(run_dir(tmp_path, succeeding_locally(), steps=CHAIN, files={"cfg/extract.json": cfg}))
    assert "hunter2" not in str(run.steps[0].config)
    assert [(place.file, place.key, place.step) for place in run.exposed_secrets] == [
        ("cfg/extract.json", "password", "extract")
    ]


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"PAR1" + b"\0" * 8 + b"PAR1", "present"),
        (b"PAR1 cut", "corrupt"),
        (b"", "corrupt"),
        (None, "missing"),
    ],
)
def test_parquet_is_known_by_its_magic(tmp_path: Path, content: bytes | None, state: str) -> None:
    file = "artifacts/extract/output.parquet"
    lines = [worker("artifact_created", 1, step_id="extract", artifact_type="parquet", path=file)]
    run = load(run_dir(tmp_path, lines, files={} if content is None else {file: content}))
    assert [artifact.state for artifact in run.steps[0].artifacts] == [state]


def test_absent_parquet_of_a_remote_run_was_not_downloaded(tmp_path: Path) -> None:
    lines = [
        local("adapter_selected", adapter="e2b"),
        local("artifact_created", 1, step_id="a", artifact_type="parquet", path="artifacts/a/output.parquet"),
    ]
    assert load(run_dir(tmp_path, lines)).steps[0].artifacts[0].state == "not_downloaded"


def test_step_id_that_leads_elsewhere_reads_no_file_there(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"password": "hunter2"}')
    lines = [worker("step_start", 1, step_id="../../secret", driver="x")]
    run = load(run_dir(tmp_path, lines, steps=[("../../secret", "x", [])]))
    assert run.steps[0].config == {}
    assert run.exposed_secrets == ()


def test_log_beside_the_run_counts_only_where_it_names_the_run(tmp_path: Path) -> None:
    path = run_dir(tmp_path, succeeding_locally())
    beside = tmp_path / "worker_stderr.log"
    beside.write_text("2026 - worker - ERROR - Failed to cache DataFrame for step extract: x\n")
    assert load(path).log_lines == ()
    beside.write_text(f"session {path.name}\n" + beside.read_text())
    assert [line.file for line in load(path).log_lines] == ["../worker_stderr.log"]
