"""Retries of a step: when it runs again, what is recorded, and what is never repeated."""

import json
import os
import re
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model.errors import PipelineError
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.pipeline.retry_policy import StepRetryPolicy, parse_retry_policy
from osiris_inspect.runtime.proxy.proxy import RunResult
from tests.runtime.faulty import COMPONENTS
from tests.runtime.runs import NAMES, events_of, make_run

pytestmark = pytest.mark.sampled(3)

HEAD = 'oml_version: "0.1.0"\nname: p\nsteps:\n'
READ = HEAD + "  - {id: ext, component: filesystem.csv_extractor, config: {path: movies.csv}}\n"
FLAKY = (
    READ
    + "  - id: flaky\n    component: test.faulty\n    needs: [ext]\n    retry: RETRY\n    config: {do: fail_twice, words: KIND}\n"
    + "  - {id: last, component: filesystem.csv_writer, needs: [flaky], config: {path: out.csv}}\n"
)
LOCAL = pytest.mark.parametrize("on", ["local", "none"])


def _run(folder: Path, on: str, retry: str, kind: str = "connection-lost", **env: str) -> RunResult:
    return make_run(folder, on, text=FLAKY.replace("RETRY", retry).replace("KIND", kind), env=env)


def _of_step(outcome: RunResult, *names: str) -> list[dict[str, Any]]:
    return [
        event
        for event in events_of(outcome.path)
        if event.get("step_id") == "flaky" and event["event"] in names
    ]


@pytest.mark.parametrize("on", NAMES)
def test_step_runs_again_until_it_succeeds(tmp_path: Path, on: str) -> None:
    outcome = _run(tmp_path, on, "{attempts: 3, wait: 0.1, backoff: 3, not_repeatable: allow}")
    events = _of_step(outcome, "step_start", "step_failed", "step_retry", "step_complete")
    assert outcome.status == "success"
    assert [(event["event"], event["attempt"]) for event in events] == [
        ("step_start", 1),
        ("step_failed", 1),
        ("step_retry", 2),
        ("step_start", 2),
        ("step_failed", 2),
        ("step_retry", 3),
        ("step_start", 3),
        ("step_complete", 3),
    ]
    retries = _of_step(outcome, "step_retry")
    assert [(event["of"], event["because"], round(event["wait_s"], 6)) for event in retries] == [
        (3, "connection-lost", 0.1),
        (3, "connection-lost", 0.3),
    ]
    assert all(event["attempt"] for event in events_of(outcome.path) if event.get("step_id") == "flaky")
    assert not any("attempt" in event for event in events_of(outcome.path) if event.get("step_id") == "ext")
    cards = json.loads((outcome.path / "artifacts/_system/run_card.json").read_bytes())["steps"]
    assert [(card["status"], card.get("attempts"), card["error"]) for card in cards] == [
        ("succeeded", None, None),
        ("succeeded", 3, None),
        ("succeeded", None, None),
    ]


def test_report_of_a_retried_step_is_a_note(tmp_path: Path) -> None:
    report = analyze(_run(tmp_path, "local", "{attempts: 3, wait: 0, not_repeatable: allow}").path)
    assert report.run.status == "success"
    assert [(finding.rule, finding.step, finding.message) for finding in report.findings] == [
        (
            "step-retried",
            "flaky",
            "succeeded at attempt 3; the attempt before failed: the server closed the connection",
        )
    ]
    (step,) = [step for step in report.run.steps if step.id == "flaky"]
    assert (step.status, step.retries, step.failure) == ("succeeded", 2, None)


@LOCAL
@pytest.mark.parametrize(
    ("retry", "kind", "attempts"),
    [
        ("{attempts: 2, wait: 0, not_repeatable: allow}", "connection-lost", 2),
        ("{attempts: 3, wait: 0, not_repeatable: allow}", "table-missing", 1),
        ("{attempts: 3, wait: 0, on: [rate-limited], not_repeatable: allow}", "connection-lost", 1),
        ("{attempts: 2, wait: 0, on: table-missing, not_repeatable: allow}", "table-missing", 2),
    ],
)
def test_step_fails_with_its_last_error(
    tmp_path: Path, on: str, retry: str, kind: str, attempts: int
) -> None:
    outcome = _run(tmp_path, on, retry, kind)
    report = analyze(outcome.path)
    assert outcome.status == "failed"
    assert len(_of_step(outcome, "step_start")) == attempts
    assert report.root_cause is not None
    assert (report.root_cause.rule, report.root_cause.step) == (kind, "flaky")
    assert [(step.id, step.status) for step in report.run.steps] == [
        ("ext", "succeeded"),
        ("flaky", "failed"),
        ("last", "skipped"),
    ]


def test_lost_worker_is_not_retried(tmp_path: Path) -> None:
    text = (
        READ
        + "  - {id: flaky, component: test.faulty, needs: [ext], retry: {attempts: 3, not_repeatable: allow}, config: {do: kill_9}}\n"
    )
    outcome = make_run(tmp_path, "none", text=text)
    (failed,) = _of_step(outcome, "step_failed")
    assert failed["error_info"]["kind"] == "worker-killed"
    assert not _of_step(outcome, "step_retry")


@LOCAL
def test_inputs_are_kept_for_a_retry(tmp_path: Path, on: str) -> None:
    retry = "{attempts: 3, wait: 0, not_repeatable: allow}"
    outcome = _run(tmp_path, on, retry, E2B_RELEASE_CONSUMED="1", E2B_FORCE_SPILL="1")
    assert outcome.status == "success"
    assert len(_of_step(outcome, "inputs_resolved")) == 3


def test_signal_ends_the_wait(tmp_path: Path) -> None:
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    started = time.monotonic()
    outcome = _run(tmp_path, "local", "{attempts: 3, wait: 60, not_repeatable: allow}")
    timer.join()
    assert outcome.status == "interrupted"
    assert time.monotonic() - started < 20
    assert [event["event"] for event in events_of(outcome.path)][-1] == "run_end"
    assert not _of_step(outcome, "step_complete")


@pytest.mark.parametrize("on", ["local", "bwrap"])
def test_writer_waits_for_a_lock(tmp_path: Path, on: str) -> None:
    target = tmp_path / "target.db"
    text = READ + (
        "  - id: flaky\n    component: sqlite.writer\n    needs: [ext]\n    retry: {attempts: 8, wait: 0.5, backoff: 1.5}\n"
        "    config: {path: target.db, table: t, write_mode: replace, create_if_missing: true}\n"
    )
    holder = sqlite3.connect(target, isolation_level=None, check_same_thread=False)
    holder.execute("CREATE TABLE other (a)")
    holder.execute("BEGIN IMMEDIATE")
    holder.execute("INSERT INTO other VALUES (1)")
    timer = threading.Timer(8.0, holder.execute, ("COMMIT",))
    timer.start()
    outcome = make_run(tmp_path, on, text=text)
    timer.join()
    holder.close()
    with sqlite3.connect(target) as reader:
        (rows,) = reader.execute("SELECT count(*) FROM t").fetchone()
    assert outcome.status == "success"
    assert {event["because"] for event in _of_step(outcome, "step_retry")} == {"lock-conflict"}
    assert rows == 14


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("yes please", "write the number of attempts, such as retry: 3"),
        ([3], "write the number of attempts"),
        ({"attempt": 3}, "unknown key 'attempt'; did you mean 'attempts'?"),
        ({"attempts": 0}, "attempts is 0; write an integer from 1 to 100"),
        ({"attempts": True}, "attempts is True; write an integer"),
        ({"attempts": 2.5}, "attempts is 2.5; write an integer"),
        ({"on": []}, "on must be a list of kinds of errors"),
        (
            {"on": ["conection-lost"]},
            "unknown kind of error 'conection-lost' in on; did you mean 'connection-lost'?",
        ),
        ({"wait": -1}, "wait is -1; write a number from 0 to 3600"),
        ({"wait": "1s"}, "wait is '1s'; write a number from 0 to 3600"),
        ({"backoff": 0.5}, "backoff is 0.5; write a number from 1 to 10"),
        ({"not_repeatable": True}, "not_repeatable is True; write allow, or remove it"),
    ],
)
def test_invalid_retry_is_refused(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_retry_policy(value)


def test_number_of_attempts_is_a_policy() -> None:
    assert parse_retry_policy(4) == StepRetryPolicy(attempts=4)
    assert [StepRetryPolicy(9, wait_s=2, backoff=3).wait_before(attempt) for attempt in (2, 3, 4, 9)] == [
        2,
        6,
        18,
        3600,
    ]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            "component: sqlite.writer, config: {path: t.db, table: t}",
            "may write rows twice if it is retried; set write_mode to upsert or replace; retry: {not_repeatable: allow}",
        ),
        (
            "component: test.faulty, config: {do: nothing}",
            "may write rows twice if it is retried; retry: {not_repeatable",
        ),
        (
            "component: duckdb.processor, config: {query: SELECT 1, allow_external: true}",
            "may write rows twice if it is retried; set allow_external to False",
        ),
        ("component: sqlite.writer, config: {path: t.db, table: t, write_mode: replace}", ""),
        ("component: filesystem.csv_writer, config: {path: t.csv}", ""),
        ("component: duckdb.processor, config: {query: SELECT 1}", ""),
    ],
)
def test_writer_that_may_write_twice_needs_consent(step: str, words: str) -> None:
    text = READ + f"  - {{id: w, needs: [ext], retry: 2, {step}}}\n"
    if not words:
        assert compile_pipeline(text, "p.yaml", COMPONENTS).manifest.steps[1].retry == {"attempts": 2}
        return
    with pytest.raises(PipelineError) as caught:
        compile_pipeline(text, "p.yaml", COMPONENTS)
    assert words in str(caught.value)
    assert (
        compile_pipeline(
            text.replace("retry: 2", "retry: {attempts: 2, not_repeatable: allow}"), "p.yaml", COMPONENTS
        )
        .manifest.steps[1]
        .retry
    )


@pytest.mark.parametrize("on", ["none", "bwrap"])
def test_retries_of_several_workers_do_not_wait_for_each_other(tmp_path: Path, on: str) -> None:
    def flaky(step: str, kind: str) -> str:
        return (
            f"  - {{id: {step}, component: test.faulty, config: {{do: fail_twice, words: {kind}}}, "
            "retry: {attempts: 3, wait: 1.5, backoff: 1, not_repeatable: allow}}\n"
        )

    text = (
        HEAD
        + flaky("lost", "connection-lost")
        + flaky("locked", "lock-conflict")
        + flaky("wrong", "table-missing")
        + "  - {id: quick, component: test.faulty, config: {do: nothing}}\n"
        + "  - {id: last, component: test.faulty, after: [lost, locked], config: {do: nothing}}\n"
    )
    outcome = make_run(tmp_path, on, text=text, jobs=3)
    events = events_of(outcome.path)
    names = ("step_start", "step_failed", "step_retry", "step_complete")
    order = [
        (each["step_id"], each["event"], each.get("attempt")) for each in events if each["event"] in names
    ]
    of_step = {
        step: [(name, attempt) for other, name, attempt in order if other == step]
        for step in ("lost", "locked", "wrong")
    }
    again = [("step_failed", 1), ("step_retry", 2), ("step_start", 2), ("step_failed", 2), ("step_retry", 3)]
    whole = [("step_start", 1), *again, ("step_start", 3), ("step_complete", 3)]
    assert (of_step["lost"], of_step["locked"]) == (whole, whole)
    assert of_step["wrong"] == [("step_start", 1), ("step_failed", 1)]
    because = {(each["step_id"], each["because"]) for each in events if each["event"] == "step_retry"}
    assert because == {("lost", "connection-lost"), ("locked", "lock-conflict")}
    positions = {(step, name): number for number, (step, name, _) in enumerate(order)}  # of the last attempts
    assert positions["quick", "step_complete"] < positions["lost", "step_complete"]
    assert positions["last", "step_start"] > max(
        positions["lost", "step_complete"], positions["locked", "step_complete"]
    )
    card = json.loads((outcome.path / "artifacts/_system/run_card.json").read_bytes())
    attempts = {step["step_id"]: step.get("attempts") for step in card["steps"]}
    assert attempts == {"lost": 3, "locked": 3, "wrong": None, "quick": None, "last": None}
