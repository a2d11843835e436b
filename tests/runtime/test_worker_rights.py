"""Rights of the workers of a run with several: those of the steps that each may run."""

import ast
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.faulty import COMPONENTS
from tests.runtime.processes import nothing_left  # noqa: F401  a fixture
from tests.runtime.runs import events_of, make_run
from tests.runtime.test_parallel import pipeline, rows_by_step

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.parametrize("on", ["landlock", "bwrap"]),
    pytest.mark.sampled(3),
]

NETWORKED = replace(COMPONENTS["test.faulty"], name="test.networked", family="mysql")


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def _files(folder: Path, *names: str) -> dict[str, Path]:
    """Write files outside of the folder of the pipeline."""
    (folder / "outside").mkdir()
    paths = {name: folder / "outside" / f"{name}.csv" for name in names}
    for name, path in paths.items():
        path.write_text(f"{name}\n1\n")
    return paths


def _worker_of(run: Path) -> dict[str, int]:
    events = events_of(run)
    return {event["step_id"]: event["worker"] for event in events if event["event"] == "step_start"}


def test_each_worker_reaches_files_and_network_of_its_steps_only(tmp_path: Path, on: str, port: int) -> None:
    paths = _files(tmp_path, "a", "b")

    def look(step: str, target: str, component: str = "faulty", more: str = "", **config: Path) -> str:
        keys = "".join(f", {name}: {str(path)!r}" for name, path in config.items())
        return (
            f"id: {step}, component: test.{component}, "
            f"config: {{do: look_around, pid: '1', port: '{port}', path_outside: '{paths[target]}'{keys}}}{more}"
        )

    text = pipeline(
        look("a", "b", path=paths["a"]),
        look("b", "a", path=paths["b"]),
        look("net", "a", "networked"),
        look("own", "a", more=", after: [a, b, net]", path=paths["a"]),
    )
    run = make_run(
        tmp_path / "base", on, text=text, jobs=3, components={**COMPONENTS, NETWORKED.name: NETWORKED}
    )
    assert run.status == "success", run.reason
    seen: dict[str, Any] = {
        step: ast.literal_eval((run.path / f"artifacts/{step}/seen.json").read_text())
        for step in ("a", "b", "net", "own")
    }
    reached = {
        step: [name for name in ("file", "network") if each[name].startswith("reached")]
        for step, each in seen.items()
    }
    assert reached == {"a": [], "b": [], "net": ["network"], "own": ["file"]}
    workers = _worker_of(run.path)
    assert len({workers[step] for step in ("a", "b", "net")}) == 3
    assert workers["own"] == workers["a"]


def test_frames_reach_workers_with_other_rights(tmp_path: Path, on: str) -> None:
    paths = _files(tmp_path, "a", "b", "c")
    text = pipeline(
        *(
            f"id: {name}, component: filesystem.csv_extractor, config: {{path: '{path}'}}"
            for name, path in paths.items()
        ),
        "id: join, component: duckdb.processor, needs: [a, b, c], "
        "config: {query: 'SELECT * FROM df_a, df_b, df_c'}",
        "id: write, component: filesystem.csv_writer, needs: [join], config: {path: out.csv}",
    )
    one = make_run(tmp_path / "one", on, text=text)
    two = make_run(tmp_path / "two", on, text=text, jobs=2)
    assert two.status == "success", two.reason
    assert rows_by_step(one.path) == rows_by_step(two.path)
    assert (tmp_path / "two" / "out.csv").read_text() == "a,b,c\n1,1,1\n"
    workers = _worker_of(two.path)
    assert len({workers[name] for name in paths}) == 3
    ended = {event["worker"] for event in events_of(two.path) if event["event"] == "cleanup_complete"}
    assert {*workers.values()} <= ended  # one that still starts at the end is killed
    assert "worker_lost" not in [event["event"] for event in events_of(two.path)]


def test_steps_that_share_a_result_share_a_worker(tmp_path: Path, on: str) -> None:
    paths = _files(tmp_path, "a", "b")
    text = pipeline(
        f"id: a, component: test.faulty, config: {{do: nothing, path: '{paths['a']}'}}",
        f"id: b, component: test.patient, inputs: {{model: {{from_step: a, key: odd}}}}, "
        f"config: {{do: nothing, path: '{paths['b']}'}}",
        "id: c, component: test.faulty, config: {do: wait, times: '0.5'}",
    )
    run = make_run(tmp_path / "base", on, text=text, jobs=2)
    workers = _worker_of(run.path)
    granted = {
        event["worker"]: event["grants"]["read"]
        for event in events_of(run.path)
        if event["event"] == "worker_started"
    }
    assert {str(path) for path in paths.values()} <= set(granted[workers["a"]])
