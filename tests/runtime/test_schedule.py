"""Why a step waits for an earlier one when steps run at the same time."""

from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.cli.pipeline.plan_text import plan_text
from osiris_inspect.model.errors import PipelineError, SettingsError
from osiris_inspect.runtime.connections import env_file
from osiris_inspect.runtime.connections.connections import load_connections, resolve_connections
from osiris_inspect.runtime.files.memory_limit import MemoryLimit
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.planning import jobs
from osiris_inspect.runtime.planning.jobs import parse_jobs
from osiris_inspect.runtime.planning.schedule import Schedule, build_schedule
from osiris_inspect.runtime.planning.selection import Selectors, select_steps


def _schedule(folder: Path, *steps: str, connections: str | None = None) -> Schedule:
    text = 'oml_version: "0.1.0"\nname: shared\nsteps:\n' + "".join(f"  - {{{step}}}\n" for step in steps)
    compiled = compile_pipeline(text, "pipeline.yaml", all_components())
    resolved: dict[str, Any] = {}
    limits: dict[str, int] = {}
    if connections is not None:
        file = folder / "osiris_connections.yaml"
        file.write_text(f"connections: {connections}\n")
        found = resolve_connections(
            compiled, all_components(), load_connections(file, env_file.read({}, folder / ".env"))
        )
        resolved, limits = dict(found.by_step), dict(found.max_parallel)
    return build_schedule(compiled, all_components(), folder, resolved, limits)


def _shared(schedule: Schedule) -> dict[str, dict[str, str]]:
    return {
        step: {edge.earlier: edge.reason for edge in edges if edge.kind == "shared"}
        for step, edges in schedule.edges.items()
        if any(edge.kind == "shared" for edge in edges)
    }


def _read(step: str, path: str) -> str:
    return f"id: {step}, component: filesystem.csv_extractor, needs: [], config: {{path: '{path}'}}"


def _write(step: str, source: str, path: str) -> str:
    return f"id: {step}, component: filesystem.csv_writer, needs: [{source}], config: {{path: '{path}'}}"


def test_reader_waits_for_writer_and_writer_for_readers(tmp_path: Path) -> None:
    schedule = _schedule(
        tmp_path,
        _read("a", "in.csv"),
        _read("b", "in.csv"),
        _write("w1", "a", "out.csv"),
        _read("r", "./out.csv"),
        _write("w2", "b", "sub/../out.csv"),
    )
    assert _shared(schedule) == {
        "r": {"w1": "it writes out.csv, which this step reads"},
        "w2": {"w1": "both write out.csv", "r": "it reads out.csv, which this step writes"},
    }


def test_link_leads_to_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "out.csv")
    schedule = _schedule(tmp_path, _read("a", "in.csv"), _write("w", "a", "out.csv"), _read("r", "link.csv"))
    assert list(_shared(schedule)["r"]) == ["w"]


def test_pattern_waits_for_files_below_its_folder(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    schedule = _schedule(
        tmp_path,
        _read("a", "in.csv"),
        _write("w", "a", "parts/1.csv"),
        _write("other", "a", "elsewhere.csv"),
        _read("r", "parts/*.csv"),
    )
    assert list(_shared(schedule)["r"]) == ["w"]


def test_sql_that_reads_files_waits_for_all_of_them(tmp_path: Path) -> None:
    schedule = _schedule(
        tmp_path,
        _read("a", "in.csv"),
        _write("w", "a", "out.csv"),
        "id: sql, component: duckdb.processor, needs: [a], config: {query: SELECT 1 AS n, allow_external: true}",
        _read("later", "other.csv"),
    )
    assert set(_shared(schedule)["sql"]) == {"w"}
    assert _shared(schedule)["later"] == {"sql": "it writes any file (allow_external), which this step reads"}


def test_connections_of_one_server_are_one(tmp_path: Path) -> None:
    connections = (
        "{postgres: {main: {host: h, database: d, user: u, password: secret-word}, "
        "same: {host: h, database: d, user: other, password: secret-word}, "
        "else: {host: h, database: e, user: u, password: secret-word}}}"
    )
    read = "id: {}, component: postgres.extractor, needs: [], config: {{connection: '@postgres.{}', query: SELECT 1}}"
    write = (
        "id: {}, component: postgres.writer, needs: [one], config: {{connection: '@postgres.{}', table: t}}"
    )
    schedule = _schedule(
        tmp_path,
        read.format("one", "main"),
        read.format("two", "same"),
        write.format("load", "same"),
        read.format("three", "main"),
        read.format("apart", "else"),
        connections=connections,
    )
    assert _shared(schedule) == {
        "load": {"two": "it reads postgres.same, which this step writes"},
        "three": {"load": "it writes postgres.same, which this step reads"},
    }


def test_connection_has_limit_of_steps(tmp_path: Path) -> None:
    connections = (
        "{postgres: {main: {host: h, database: d, user: u, password: secret-word, max_parallel: 2}}}"
    )
    step = "id: one, component: postgres.extractor, config: {connection: '@postgres.main', query: SELECT 1}"
    assert _schedule(tmp_path, step, connections=connections).limit_of("one") == ("postgres.main", 2)


@pytest.mark.parametrize("value", ["0", "-1", "true", "two", "1.5"])
def test_limit_of_connection_must_be_number(tmp_path: Path, value: str) -> None:
    connections = (
        f"{{postgres: {{main: {{host: h, database: d, user: u, password: p, max_parallel: {value}}}}}}}"
    )
    step = "id: one, component: postgres.extractor, config: {connection: '@postgres.main', query: SELECT 1}"
    with pytest.raises(PipelineError, match="max_parallel must be an integer from 1 on"):
        _schedule(tmp_path, step, connections=connections)


def test_plan_prints_each_wait_with_its_reason(tmp_path: Path) -> None:
    schedule = _schedule(tmp_path, _read("a", "in.csv"), _write("w", "a", "out.csv"), _read("r", "out.csv"))
    text = 'oml_version: "0.1.0"\nname: shared\nsteps:\n' + "".join(
        f"  - {{{step}}}\n"
        for step in (_read("a", "in.csv"), _write("w", "a", "out.csv"), _read("r", "out.csv"))
    )
    manifest = compile_pipeline(text, "pipeline.yaml", all_components()).manifest
    selection = select_steps(manifest, Selectors())
    assert plan_text(manifest, selection, schedule, 4).splitlines() == [
        "shared would run all 3 steps, up to 4 at a time:",
        "   1  a  filesystem.csv_extractor",
        "   2  w  filesystem.csv_writer     takes a",
        "   3  r  filesystem.csv_extractor  waits for w: it writes out.csv, which this step reads",
    ]
    assert "waits" not in plan_text(manifest, selection)


@pytest.mark.parametrize(
    ("text", "memory", "expected"),
    [("1", None, 1), (" 64 ", None, 64), ("auto", 3 << 30, 3), ("auto", 1 << 20, 1), ("AUTO", 64 << 30, 8)],
)
def test_jobs_are_number_or_cores(
    monkeypatch: pytest.MonkeyPatch, text: str, memory: int | None, expected: int
) -> None:
    monkeypatch.setattr(jobs, "_cores", lambda: 8)
    monkeypatch.setattr(jobs, "current_limit", lambda: MemoryLimit(64 << 30, "machine"))
    assert parse_jobs(text, memory) == expected


@pytest.mark.parametrize("text", ["0", "-1", "65", "9" * 5000, "two", "", "1.5", "٣"])
def test_other_jobs_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="invalid --jobs"):
        parse_jobs(text)
