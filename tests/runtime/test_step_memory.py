"""Limit of the memory of one step: its own worker, and the division of the limit of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from osiris_inspect.cli.pipeline.execution.execute import resource_limits
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.lint import lint
from osiris_inspect.runtime.pipeline.step_compiler import MEMORY_NOT_LIMITED
from osiris_inspect.runtime.sandbox.isolation import ResourceLimits
from osiris_inspect.runtime.transport.stdio import Stdio
from tests.runtime.clouds import cloud, transport  # noqa: F401  fixtures
from tests.runtime.processes import nothing_left  # noqa: F401  a fixture
from tests.runtime.runs import ENVIRONMENT, events_of, make_run
from tests.runtime.test_parallel import ends, fault, pipeline

if TYPE_CHECKING:
    from osiris_inspect.runtime.transport.transport import Transport

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

PROCESSES = pytest.mark.parametrize("on", ["none", "landlock", "bwrap"])
MIB = 2**20


def _events(run: Path, name: str) -> list[dict[str, Any]]:
    return [event for event in events_of(run) if event["event"] == name]


def _limited(run: Path) -> dict[int, tuple[str | None, int | None]]:
    """Return the step and the limit of each worker."""
    return {
        event["worker"]: (event.get("only_step"), event.get("memory_limit_bytes"))
        for event in _events(run, "worker_started")
    }


@pytest.mark.parametrize("jobs", [1, 2])
@PROCESSES
def test_step_over_its_memory_fails_alone(tmp_path: Path, on: str, jobs: int) -> None:
    text = pipeline(
        "id: movies, component: filesystem.csv_extractor, config: {path: movies.csv}",
        "id: big, component: test.patient, needs: [movies], config: {do: allocate}, memory: 800MiB",
        "id: after, component: duckdb.processor, needs: [big], config: {query: SELECT 1 AS n}",
        "id: count, component: duckdb.processor, needs: [movies], "
        "config: {query: SELECT count(*) AS n FROM input_df}",
    )
    run = make_run(tmp_path, on, text=text, jobs=jobs)
    assert ends(run.path) == {"movies": "complete", "big": "failed", "after": "skipped", "count": "complete"}
    (failed,) = _events(run.path, "step_failed")
    info = failed["error_info"]
    assert (info["kind"], info["facts"]["limit_bytes"]) == ("out-of-memory", 800 * MIB)
    assert "the limit is 839 MB (memory of the step), and the process used up to" in failed["error"]
    assert info["fix"] == "raise the memory of the step, or process less data at once"
    own = {worker: each for worker, each in _limited(run.path).items() if each[0]}
    assert list(own.values()) == [("big", 800 * MIB)]
    started = {event["step_id"]: event["worker"] for event in _events(run.path, "step_start")}
    assert [step for step, worker in started.items() if worker in own] == ["big"]
    card = orjson.loads((run.path / "artifacts/_system/run_card.json").read_bytes())
    limits = {step["step_id"]: step.get("memory_limit_bytes") for step in card["steps"]}
    assert limits == {"movies": None, "big": 800 * MIB, "after": None, "count": None}


def test_limit_of_run_leaves_no_second_worker_beside_a_step(tmp_path: Path) -> None:
    text = pipeline(
        "id: movies, component: filesystem.csv_extractor, config: {path: movies.csv}",
        "id: copy, component: duckdb.processor, needs: [movies], memory: 800MiB, "
        "config: {query: SELECT * FROM input_df}",
        "id: write, component: filesystem.csv_writer, needs: [copy], config: {path: out.csv}",
    )
    limited = Stdio(ENVIRONMENT, "none", ResourceLimits(1000 * MIB))
    run = make_run(tmp_path, text=text, transport=limited)
    assert run.status == "success", run.reason
    assert (tmp_path / "out.csv").read_text().count("\n") == (tmp_path / "movies.csv").read_text().count("\n")
    assert _limited(run.path) == {1: (None, 1000 * MIB), 2: ("copy", 800 * MIB), 3: (None, 1000 * MIB)}
    names = ("worker_started", "cleanup_complete")
    order = [(event["event"], event["worker"]) for event in events_of(run.path) if event["event"] in names]
    assert order == [(name, worker) for worker in (1, 2, 3) for name in names]


@pytest.mark.parametrize("on", ["local", "e2b"])
def test_target_that_cannot_limit_a_step_refuses_the_run(
    tmp_path: Path,
    on: str,
    transport: "Transport",  # noqa: F811  the fixture
) -> None:
    text = pipeline(fault("big", "nothing", ", memory: 1GB"))
    with pytest.raises(
        SettingsError, match=f"step 'big' has a limit of memory, which --on {on} cannot apply"
    ):
        make_run(tmp_path, on if on == "local" else "none", text=text, transport=transport)
    assert not list((tmp_path / "logs").glob("*"))


@pytest.mark.parametrize(("target", "reason"), list(MEMORY_NOT_LIMITED.items()))
def test_lint_names_limit_that_target_cannot_apply(target: str, reason: str) -> None:
    text = pipeline(
        "id: a, memory: 1GB, component: duckdb.processor, needs: [], config: {query: SELECT 1 AS n}",
        "id: b, component: filesystem.csv_writer, config: {path: out.csv}",
    )
    (message,) = lint(text, "p.yaml", all_components(), target=target)
    assert str(message) == (
        f"p.yaml:4:21: error: step 'a' has a limit of memory, which --on {target} cannot apply: {reason}; "
        "use --on sandbox, or remove memory from the step"
    )
    assert not lint(text, "p.yaml", all_components(), target="sandbox")


def test_step_above_limit_of_run_is_refused(tmp_path: Path) -> None:
    text = pipeline(fault("big", "nothing", ", memory: 3GB"))
    limited = Stdio(ENVIRONMENT, "none", ResourceLimits(2_000_000_000))
    with pytest.raises(SettingsError) as caught:
        make_run(tmp_path, text=text, transport=limited)
    assert caught.value.message == ("memory of step 'big' is 3.0 GB, but --memory-limit of the run is 2.0 GB")


def test_limit_of_run_is_divided_among_workers(tmp_path: Path) -> None:
    limits = resource_limits("2GB", 2)
    text = pipeline(*(fault(f"s{number}", "wait", times="0.5") for number in range(2)))
    run = make_run(tmp_path, text=text, jobs=2, transport=Stdio(ENVIRONMENT, "none", limits))
    assert _limited(run.path) == {1: (None, 1_000_000_000), 2: (None, 1_000_000_000)}
    with pytest.raises(SettingsError, match="less than 3 workers need to start: 2304 MiB; lower --jobs"):
        resource_limits("2GB", 3)


def test_retried_step_keeps_its_own_worker(tmp_path: Path) -> None:
    retry = ", memory: 800MiB, retry: {attempts: 3, wait: 0, not_repeatable: allow}"
    text = pipeline(
        fault("flaky", "fail_twice", retry, words="connection-lost"), fault("next", "wait", times="0.1")
    )
    run = make_run(tmp_path, "none", text=text)
    assert run.status == "success", run.reason
    assert len(_events(run.path, "step_retry")) == 2
    assert [each for each in _limited(run.path).values() if each[0]] == [("flaky", 800 * MIB)]
