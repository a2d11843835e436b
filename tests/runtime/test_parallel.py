"""Runs with several workers: the same rows and events as with one, and mishaps that hit one step only."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model.event import Event
from tests.runtime.clouds import cloud, transport  # noqa: F401  fixtures
from tests.runtime.faulty import COMPONENTS
from tests.runtime.processes import nothing_left  # noqa: F401  a fixture
from tests.runtime.resuming import resume
from tests.runtime.runs import events_of, make_run, needs

if TYPE_CHECKING:
    from osiris_inspect.runtime.transport.transport import Transport

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

PROCESSES = ("none", "landlock", "bwrap")
SHARED = """\
oml_version: "0.1.0"
name: shared
steps:
  - {id: movies, component: filesystem.csv_extractor, config: {path: movies.csv}}
  - {id: one, component: duckdb.processor, needs: [movies], config: {query: "SELECT *, 1 AS one FROM input_df ORDER BY id"}}
  - {id: two, component: duckdb.processor, needs: [movies], config: {query: "SELECT *, 2 AS two FROM input_df ORDER BY id"}}
  - {id: broken, component: duckdb.processor, needs: [movies], config: {query: SELECT nope FROM input_df}}
  - {id: write-one, component: filesystem.csv_writer, needs: [one], config: {path: one.csv}}
  - {id: read-one, component: filesystem.csv_extractor, config: {path: one.csv}}
  - {id: write-two, component: filesystem.csv_writer, needs: [two], config: {path: two.csv}}
  - {id: join, component: duckdb.processor, needs: [read-one, two], config: {query: "SELECT * FROM df_read_one JOIN df_two USING (id) ORDER BY id"}}
  - {id: write-join, component: filesystem.csv_writer, needs: [join], config: {path: join.csv}}
  - {id: write-broken, component: filesystem.csv_writer, needs: [broken], config: {path: broken.csv}}
"""
_WHERE_A_FRAME_IS = ("spill_", "frame_")
_NOT_COMPARED = frozenset({"artifact_created", "heartbeat"})


def pipeline(*steps: str) -> str:
    """A pipeline of these steps, each in the braces of YAML."""
    return 'oml_version: "0.1.0"\nname: parallel\nsteps:\n' + "".join(f"  - {{{step}}}\n" for step in steps)


def fault(step: str, do: str, more: str = "", **config: str) -> str:
    """A step that does something that goes wrong, or takes its time."""
    keys = "".join(f', {name}: "{value}"' for name, value in config.items())
    return f"id: {step}, component: test.faulty, config: {{do: {do}{keys}}}{more}"


def names_by_step(run: Path) -> dict[str, list[str]]:
    """The names of the events of each step, without those that say where a frame is."""
    names: dict[str, list[str]] = {}
    for event in events_of(run):
        name, step = event["event"], event.get("step_id")
        if step and name not in _NOT_COMPARED and not name.startswith(_WHERE_A_FRAME_IS):
            names.setdefault(step, []).append(name)
    return names


def rows_by_step(run: Path) -> dict[str, Any]:
    """Rows, columns and fingerprint of each stored frame."""
    return {
        event["step_id"]: (event.get("rows"), event.get("columns"), event.get("fingerprint"))
        for event in events_of(run)
        if event["event"] == "output_stored"
    }


def ends(run: Path) -> dict[str, str]:
    """Return the outcome of each step."""
    words = ("step_complete", "step_failed", "step_skipped")
    return {event["step_id"]: event["event"][5:] for event in events_of(run) if event["event"] in words}


def spans(run: Path) -> dict[str, tuple[float, float]]:
    """The start and the end of each step in seconds."""
    times: dict[str, list[float]] = {}
    for event in events_of(run):
        if event["event"] in ("step_start", "step_complete", "step_failed"):
            times.setdefault(event["step_id"], []).append(datetime.fromisoformat(event["ts"]).timestamp())
    return {step: (each[0], each[-1]) for step, each in times.items()}


def overlap(run: Path, one: str, other: str) -> bool:
    """Return True if two steps ran at the same time."""
    both = spans(run)
    return both[one][0] < both[other][1] and both[other][0] < both[one][1]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    "env", [{}, {"E2B_FORCE_SPILL": "1"}, {"E2B_RELEASE_CONSUMED": "1"}], ids=["memory", "spill", "release"]
)
@pytest.mark.parametrize("on", ["local", *PROCESSES])
def test_several_workers_give_same_rows_and_events(tmp_path: Path, on: str, env: dict[str, str]) -> None:
    one = make_run(tmp_path / "one", on, text=SHARED, env=env)
    four = make_run(tmp_path / "four", on, text=SHARED, env=env, jobs=4)
    assert (one.status, four.status) == ("failed", "failed")
    assert rows_by_step(one.path) == rows_by_step(four.path)
    assert names_by_step(one.path) == names_by_step(four.path)
    for name in ("one.csv", "two.csv", "join.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "four" / name).read_bytes()
    assert [event["seq"] for event in events_of(four.path)] == list(range(len(events_of(four.path))))
    assert _verdict(one.path) == _verdict(four.path)
    assert not list(four.path.glob(".outputs*"))


@pytest.mark.parametrize("on", ["e2b"])
def test_remote_run_has_one_worker_and_same_events(tmp_path: Path, transport: "Transport") -> None:  # noqa: F811
    one = make_run(tmp_path / "one", "local", text=SHARED)
    four = make_run(tmp_path / "four", text=SHARED, transport=transport, jobs=4)
    assert rows_by_step(one.path) == rows_by_step(four.path)
    assert names_by_step(one.path) == names_by_step(four.path)
    assert "jobs" not in events_of(four.path)[0]["settings"]


def _verdict(run: Path) -> list[tuple[str, str | None]]:
    report = analyze(run)
    return sorted((finding.rule, finding.step) for finding in report.findings)


def _cause(run: Path) -> str | None:
    cause = analyze(run).root_cause
    return None if cause is None else cause.step


@pytest.mark.parametrize("on", PROCESSES)
def test_steps_run_at_same_time_in_workers_of_their_own(tmp_path: Path, on: str) -> None:
    text = pipeline(*(fault(f"s{number}", "wait", times="1") for number in range(3)))
    run = make_run(tmp_path, on, text=text, jobs=3)
    assert run.status == "success"
    starts = [event for event in events_of(run.path) if event["event"] == "step_start"]
    assert len({event["worker"] for event in starts}) == 3
    assert events_of(run.path)[0]["settings"]["jobs"]["value"] == 3


def test_frame_crosses_workers_by_file_and_stays_in_memory(tmp_path: Path) -> None:
    text = pipeline(
        fault("source", "nothing"),
        fault("short", "wait", times="0.5"),
        "id: one, component: test.patient, needs: [source], config: {do: wait, times: '4'}",
        "id: two, component: test.patient, needs: [source], config: {do: wait, times: '4'}",
    )
    run = make_run(tmp_path, "none", text=text, jobs=2)
    assert run.status == "success"
    written = [event for event in events_of(run.path) if event["event"] == "spill_write"]
    assert [(event["step_id"], event["in_memory"]) for event in written] == [("source", True)]
    found = {
        event["step_id"]: "spill" if event.get("from_spill") else "memory"
        for event in events_of(run.path)
        if event["event"] == "inputs_resolved"
    }
    assert sorted(found.values()) == ["memory", "spill"]
    assert overlap(run.path, "one", "two")


def test_chain_needs_one_worker_and_no_file(tmp_path: Path) -> None:
    run = make_run(tmp_path, "none", jobs=4)
    assert run.status == "success"
    assert sum(event["event"] == "worker_started" for event in events_of(run.path)) == 1
    assert not list(run.path.glob("artifacts/*/output.parquet"))


def test_limit_of_memory_for_frames_is_divided(tmp_path: Path) -> None:
    text = pipeline(*(fault(f"s{number}", "nothing") for number in range(4)))
    run = make_run(tmp_path, "none", text=text, jobs=2, env={"E2B_SPILL_MEMORY_BYTES": "1"})
    stored = [event for event in events_of(run.path) if event["event"] == "output_stored"]
    assert {event["storage"] for event in stored} == {"spill"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("do", ["kill_9", "os_exit", "segfault"])
@pytest.mark.parametrize("on", ["none", "bwrap"])
def test_worker_that_dies_fails_its_own_step_only(tmp_path: Path, on: str, do: str) -> None:
    text = pipeline(
        fault("dies", do),
        fault("long", "wait", times="1"),
        "id: behind, component: duckdb.processor, needs: [dies], config: {query: SELECT 1 AS n}",
        "id: also, component: duckdb.processor, needs: [long], config: {query: SELECT 1 AS n}",
    )
    run = make_run(tmp_path, on, text=text, jobs=2)
    assert ends(run.path) == {"dies": "failed", "long": "complete", "behind": "skipped", "also": "complete"}
    assert _cause(run.path) == "dies"


def test_frame_that_only_a_dead_worker_had_skips_its_consumers(tmp_path: Path) -> None:
    text = pipeline(
        fault("source", "nothing"),
        "id: dies, component: test.faulty, config: {do: kill_9}, after: [source]",
        "id: consumer, component: duckdb.processor, needs: [source], after: [dies], config: {query: SELECT 1 AS n}",
        "id: lost, component: duckdb.processor, needs: [source], config: {query: SELECT 1 AS n FROM input_df}",
    )
    run = make_run(tmp_path, "none", text=text, jobs=2)
    assert ends(run.path)["source"] == "complete"
    assert ends(run.path)["dies"] == "failed"
    assert ends(run.path)["consumer"] == "skipped"


def test_fail_fast_ends_steps_that_run(tmp_path: Path) -> None:
    text = pipeline(
        fault("fails", "odd_error"),
        fault("long", "wait", times="60"),
        fault("later", "nothing", ", after: [long]"),
    )
    started = time.monotonic()
    run = make_run(tmp_path, "none", text=text, jobs=2, fail_fast=True)
    assert time.monotonic() - started < 30
    events = {(event["event"], event.get("step_id")): event for event in events_of(run.path)}
    assert ends(run.path)["fails"] == "failed"
    assert ends(run.path)["later"] == "skipped"
    if ("step_start", "long") in events:  # its worker may still prepare
        assert events["step_failed", "long"]["error_info"]["kind"] == "run-stopped"
    assert _cause(run.path) == "fails"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("on", ["local", *PROCESSES])
def test_interrupt_ends_all_workers_in_order(tmp_path: Path, on: str) -> None:
    needs(on)
    text = pipeline(*(fault(f"s{number}", "wait", times="60") for number in range(5)))
    at: list[float] = []
    interrupt = _after_starts(1 if on == "local" else 4, at)
    run = make_run(tmp_path, on, text=text, jobs=4, on_event=interrupt)
    assert run.status == "interrupted"
    assert time.monotonic() - at[0] < 5.0
    assert orjson.loads((run.path / "status.json").read_bytes())["exit_code"] == 130
    assert set(ends(run.path)) == {f"s{number}" for number in range(5)}
    assert events_of(run.path)[-1]["event"] == "run_end"


def _after_starts(count: int, at: list[float]) -> Callable[[Event], None]:
    """Send SIGINT after so many steps have started."""
    seen: list[str] = []

    def on_event(event: Event) -> None:
        if event.name == "step_start":
            seen.append(event.name)
        if len(seen) == count and not at:
            at.append(time.monotonic())
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    return on_event


def test_each_worker_receives_secrets_of_its_steps_only(tmp_path: Path) -> None:
    text = pipeline(*(fault(f"s{number}", "wait", times="0.5") for number in range(2)))
    run = make_run(tmp_path, "none", text=text, jobs=2, secrets=("hunter2hunter2",))
    assert run.status == "success"


def test_retry_and_timeout_of_one_step_leave_others_alone(tmp_path: Path) -> None:
    text = pipeline(
        fault("hangs", "hang", ", timeout: 1"),
        fault("fine", "wait", times="2"),
        fault("last", "nothing", ", after: [fine]"),
    )
    run = make_run(tmp_path, "none", text=text, jobs=2)
    assert ends(run.path) == {"hangs": "failed", "fine": "complete", "last": "complete"}


def test_capture_before_a_timeout_leaves_other_workers_alone(tmp_path: Path) -> None:
    text = pipeline(
        fault("stuck", "hold_gil", ", timeout: 1"),
        *(
            fault(f"s{number}", "wait", f", after: [s{number - 1}]" if number else "", times="0.1")
            for number in range(25)
        ),
    )
    run = make_run(tmp_path, "none", text=text, jobs=2)
    events = events_of(run.path)
    failed = next(event for event in events if event["event"] == "step_failed")
    end = datetime.fromisoformat(failed["ts"]).timestamp()
    written = [
        event["step_id"]
        for event in events[: events.index(failed)]
        if event["event"] == "step_complete" and datetime.fromisoformat(event["ts"]).timestamp() > end - 1.5
    ]
    assert len(written) >= 2  # the worker that holds the GIL is asked for 2 s
    assert ends(run.path) == {"stuck": "failed", **{f"s{number}": "complete" for number in range(25)}}


def test_missing_module_is_reported_once(tmp_path: Path) -> None:
    text = pipeline(
        "id: a, component: test.needy, config: {do: nothing}",
        "id: b, component: test.needy, config: {do: nothing}",
    )
    run = make_run(tmp_path, "none", text=text, jobs=2)
    assert run.status == "failed"
    names = [event["event"] for event in events_of(run.path)]
    assert names.count("prepare_failed") == 1
    assert "step_start" not in names


def _threads_pipeline(count: int) -> str:
    """Every component that may share a process with other steps, several times."""
    steps = []
    for n in range(count):
        steps += [
            f"id: csv{n}, component: filesystem.csv_extractor, config: {{path: movies.csv}}",
            f"id: sql{n}, component: duckdb.processor, needs: [csv{n}], config: "
            f'{{query: "SELECT r.i, r.i / 7.0 AS f, md5((r.i + {n})::VARCHAR) AS h FROM range(20000) r(i), (SELECT count(*) FROM input_df) c ORDER BY 1"}}',
            f"id: to-csv{n}, component: filesystem.csv_writer, needs: [sql{n}], config: {{path: out{n}.csv}}",
            f"id: to-parquet{n}, component: filesystem.parquet_writer, needs: [sql{n}], config: {{path: out{n}.parquet}}",
            f"id: to-sqlite{n}, component: sqlite.writer, needs: [sql{n}], config: "
            f"{{path: out{n}.db, table: t, write_mode: replace, create_if_missing: true}}",
            f"id: parquet{n}, component: filesystem.parquet_extractor, after: [to-parquet{n}], needs: [], config: {{path: out{n}.parquet}}",
            f"id: sqlite{n}, component: sqlite.extractor, after: [to-sqlite{n}], needs: [], config: {{path: out{n}.db, table: t}}",
        ]
    return pipeline(*steps)


def test_built_in_drivers_share_a_process(tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", "local", text=_threads_pipeline(4))
    assert one.status == "success"
    for number in range(3):
        four = make_run(tmp_path / str(number), "local", text=_threads_pipeline(4), jobs=4)
        assert four.status == "success"
        assert rows_by_step(one.path) == rows_by_step(four.path)
        assert names_by_step(one.path) == names_by_step(four.path)
        steps = spans(four.path)
        assert any(overlap(four.path, a, b) for a in steps for b in steps if a < b)


def test_step_that_is_not_thread_safe_runs_alone(tmp_path: Path) -> None:
    text = pipeline(
        "id: csv, component: filesystem.csv_extractor, config: {path: movies.csv}",
        fault("one", "wait", times="0.3"),
        "id: again, component: filesystem.csv_extractor, config: {path: movies.csv}",
        fault("two", "wait", times="0.3"),
    )
    run = make_run(tmp_path, "local", text=text, jobs=4)
    assert run.status == "success"
    steps = spans(run.path)
    assert not [(a, b) for a in ("one", "two") for b in steps if a != b and overlap(run.path, a, b)]


def test_log_of_threads_names_the_step_of_each_record(tmp_path: Path) -> None:
    safe = replace(COMPONENTS["test.faulty"], thread_safe=True)
    text = pipeline(*(fault(f"s{number}", "log_slowly") for number in range(3)))
    run = make_run(tmp_path, "local", text=text, jobs=3, components={**COMPONENTS, safe.name: safe})
    assert run.status == "success"
    lines = [line for line in (run.path / "worker.log").read_text().splitlines() if "[step " in line]
    assert sorted(line.split("[step ")[1].split("]")[0] for line in lines) == sorted(
        line.rsplit(" ", 1)[1] for line in lines
    )
    assert len(lines) == 3 * 20


def test_resumed_run_uses_several_workers(tmp_path: Path) -> None:
    first = make_run(tmp_path, "none", text=SHARED, jobs=3, env={"E2B_FORCE_SPILL": "1"})
    assert first.status == "failed"
    fixed = SHARED.replace("SELECT nope", "SELECT 1 AS n")
    entries, outcome = resume(tmp_path, first.path, text=fixed, on="none", jobs=3)
    assert outcome.status == "success"
    assert {entries[step].action for step in ("movies", "one", "two")} == {"reuse"}
    assert sorted(ends(outcome.path)) == ["broken", "write-broken"]


KILLS = 40
BRANCHES = """\
oml_version: "0.1.0"
name: killed
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: movies.csv}}
  - {id: many, component: duckdb.processor, needs: [read], config: {query: "SELECT i, md5(i::VARCHAR) AS h FROM range(50000) t(i) ORDER BY i"}}
  - {id: more, component: duckdb.processor, config: {query: "SELECT i, md5(i::VARCHAR) AS h FROM range(50000) t(i) ORDER BY i DESC"}}
  - {id: both, component: duckdb.processor, needs: [many, more], config: {query: "SELECT count(*) AS n FROM df_many JOIN df_more USING (i)"}}
  - {id: write-many, component: filesystem.csv_writer, needs: [many], config: {path: out.csv}}
  - {id: write-more, component: filesystem.parquet_writer, needs: [more], config: {path: out.parquet}}
  - {id: write-both, component: filesystem.csv_writer, needs: [both], config: {path: both.csv}}
"""
TARGETS = {"write-many": "out.csv", "write-more": "out.parquet", "write-both": "both.csv"}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("seed", range(KILLS))
def test_kill_of_a_worker_at_random_moment_has_right_verdict(tmp_path: Path, seed: int) -> None:
    choice = random.Random(seed)
    for name in TARGETS.values():
        (tmp_path / name).write_bytes(b"the old content")
    killer = threading.Timer(choice.uniform(0.5, 4.0), _kill_one, (tmp_path, choice))

    def on_event(event: Event) -> None:
        if event.name == "run_start":
            killer.start()

    run = make_run(tmp_path, choice.choice(["none", "bwrap"]), text=BRANCHES, jobs=3, on_event=on_event)
    killer.cancel()
    killer.join()
    by_end = ends(run.path)
    failed = {step for step, end in by_end.items() if end == "failed"}
    status = orjson.loads((run.path / "status.json").read_bytes())
    assert len(by_end) == 7
    assert (
        (run.status == "success") == (set(by_end.values()) == {"complete"}) == (status["status"] == "success")
    )
    assert analyze(run.path).run.status == run.status
    assert len(failed) <= 1
    for event in events_of(run.path):
        if event["event"] == "step_failed":
            assert event["error_info"]["kind"] == "worker-killed"
        if event["event"] == "step_skipped":
            assert event["because"] in failed or "SIGKILL" in event["because"]
    for step, name in TARGETS.items():
        is_old = (tmp_path / name).read_bytes() == b"the old content"
        assert is_old == (by_end[step] != "complete")
    if failed:
        assert _cause(run.path) in failed
    assert not list(run.path.glob(".outputs*"))


def _kill_one(folder: Path, choice: random.Random) -> None:
    """Kill one of the workers that run below a folder."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    pids = [
        int(line.split()[0])
        for line in listed.splitlines()
        if str(folder) in line and "osiris_inspect.runtime.worker" in line and "bwrap" not in line.split()[1]
    ]
    if pids:
        with suppress(ProcessLookupError):
            os.kill(choice.choice(pids), signal.SIGKILL)
