"""The Python API, as a notebook uses it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import osiris_inspect as oi
from osiris_inspect.api import FrameNotFound, QueryError, StepNotFound
from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.model.errors import (
    InputsGone,
    PipelineError,
    RunNotReadable,
    SettingsError,
    SpillCorrupt,
    UnsafePath,
)
from tests.samples import SAMPLES

FAILED = SAMPLES / "original_nonetype"
PIPELINE = """oml_version: "0.1.0"
name: people
params:
  age: {required: true}
steps:
- id: read
  component: filesystem.csv_extractor
  config: {path: people.csv}
- id: adults
  component: duckdb.processor
  needs: [read]
  config: {query: "SELECT * FROM df WHERE age >= ${params.age}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "people.csv").write_text("name,age\nAda,36\nBob,12\n")
    (tmp_path / "people.yaml").write_text(PIPELINE)
    return tmp_path


@pytest.mark.parametrize("path", [FAILED, str(FAILED), FAILED / "run_1759170586030"])
def test_open_path_returns_failed_run(path: str | Path) -> None:
    run = oi.open(path)
    assert run.status == "failed"
    assert run.root_cause is not None
    assert run.root_cause.step == "extract-movies"
    assert run.steps["extract-movies"].rows_out == 14
    assert len(run.events.to_pandas()) == len(run.events) == 37


def test_open_all_returns_every_run() -> None:
    assert {run.status for run in oi.open_all(SAMPLES)} >= {"success", "failed"}


def test_open_empty_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(RunNotReadable):
        oi.open(tmp_path)


def test_open_skips_default_folder_without_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "logs").mkdir()
    shutil.copytree(SAMPLES / "good_local", tmp_path / "run_logs")
    monkeypatch.chdir(tmp_path)
    assert oi.open().status == "success"


def test_steps_unknown_id_lists_ids() -> None:
    with pytest.raises(StepNotFound, match="no step 'x'; the run has 'extract-movies'"):
        oi.open(FAILED).steps["x"]


def test_sql_returns_rows_as_frame() -> None:
    frame = oi.open(FAILED).sql("SELECT step, status FROM steps WHERE status = 'failed'").to_pandas()
    assert list(frame["step"]) == ["compute-director-stats", "write-director-stats"]


def test_sql_invalid_query_raises() -> None:
    with pytest.raises(QueryError):
        oi.open(FAILED).sql("DROP TABLE steps")


def test_frame_spilled_step_is_restored() -> None:
    frame = oi.open(SAMPLES / "all_spilled").frame("extract-movies")
    assert len(frame.to_pandas()) == frame.rows == 14
    assert list(frame.to_pandas()) == list(frame.columns)


def test_frame_in_memory_raises() -> None:
    with pytest.raises(FrameNotFound, match="force_spill"):
        oi.open(SAMPLES / "good_local").frame("extract-movies")


@pytest.fixture
def spilled(tmp_path: Path) -> Path:
    """A copy of a run, whose spilled frame may be changed."""
    run = oi.open(SAMPLES / "all_spilled").path
    return Path(shutil.copytree(run, tmp_path / run.name))


def test_frame_corrupt_file_raises(spilled: Path) -> None:
    (spilled / "artifacts/extract-movies/output.parquet").write_bytes(b"PAR1")
    with pytest.raises(SpillCorrupt, match=r"cannot read 'artifacts/extract-movies/output\.parquet'"):
        oi.open(spilled).frame("extract-movies")


def test_frame_symlink_outside_run_raises(spilled: Path, tmp_path: Path) -> None:
    folder = spilled / "artifacts/extract-movies"
    folder.symlink_to(folder.rename(tmp_path / "elsewhere"))
    with pytest.raises(UnsafePath):
        oi.open(spilled).frame("extract-movies")


def test_frame_of_remote_run_is_downloaded(spilled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Path] = []
    monkeypatch.setattr(remote_registry, "fetch_all", fetched.append)
    path = oi.open(spilled).frame("extract-movies").path
    assert fetched[-1:] == [path]


def test_why_defaults_to_root_cause_step() -> None:
    assert oi.open(FAILED).why().to_dict()["step"] == "extract-movies"


def test_why_skips_cause_outside_steps() -> None:
    run = oi.open(FAILED)
    cause = replace(run._report.findings[0], step="gone")
    outside = oi.Run(replace(run._report, findings=(cause, *run._report.findings[1:])))
    assert outside.why().to_dict()["step"] == "compute-director-stats"


def test_why_of_good_run_needs_step() -> None:
    with pytest.raises(StepNotFound, match="name a step"):
        oi.open(SAMPLES / "good_local").why()


def test_public_objects_have_one_line_repr_and_html() -> None:
    run = oi.open(FAILED)
    spilled = oi.open(SAMPLES / "all_spilled").frame("extract-movies")
    objects = (
        run,
        run.steps,
        run.steps["extract-movies"],
        run.root_cause,
        run.findings,
        run.events,
        run.lineage,
    )
    for item in (*objects, run.why(), run.sql("SELECT 1"), spilled):
        assert "\n" not in repr(item)
        assert item._repr_html_().startswith("<")  # type: ignore[union-attr]


def test_html_tables_leave_out_empty_columns() -> None:
    html = oi.open(FAILED).steps._repr_html_()
    assert "rows_out" in html
    assert "rows_in" not in html
    assert "0.068" in html


def test_html_escapes_log_text(tmp_path: Path) -> None:
    run = tmp_path / "run_1"
    run.mkdir()
    text = "<script>alert(1)</script>"
    events = [
        {"ts": 1, "event": "step_start", "step_id": text},
        {"ts": 2, "event": "step_failed", "step_id": text, "error": text},
    ]
    (run / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    opened = oi.open(run)
    for item in (opened, opened.steps, opened.steps[text], opened.events, opened.findings, opened.lineage):
        assert "<script>" not in item._repr_html_()


def test_run_local_passes_params_and_returns_run(folder: Path) -> None:
    run = oi.run(
        folder / "people.yaml", params={"age": "18"}, logs=folder / "logs", base=folder, force_spill=True
    )
    assert run.status == "success"
    pd.testing.assert_frame_equal(
        run.frame("adults").to_pandas(), pd.DataFrame({"name": ["Ada"], "age": [36]})
    )
    assert oi.open(folder / "logs").id == run.id


def test_run_with_several_jobs_starts_several_workers(folder: Path) -> None:
    text = "oml_version: 0.1.0\nname: two\nsteps:\n" + "".join(
        f"- {{id: {name}, component: filesystem.csv_extractor, mode: read, config: {{path: people.csv}}}}\n"
        for name in ("first", "second")
    )
    (folder / "two.yaml").write_text(text)
    run = oi.run(folder / "two.yaml", on="sandbox", logs=folder / "logs", jobs=2)
    assert run.status == "success"
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_bytes().splitlines()]
    assert {event["step_id"] for event in events if event["event"] == "step_start"} == {"first", "second"}
    assert {event["worker"] for event in events if event["event"] == "worker_started"} == {1, 2}


def test_run_without_a_job_raises(folder: Path) -> None:
    with pytest.raises(SettingsError, match="jobs is 0"):
        oi.run(folder / "people.yaml", params={"age": "18"}, logs=folder / "logs", jobs=0)


def test_run_failed_step_is_returned(folder: Path) -> None:
    (folder / "people.csv").unlink()
    run = oi.run(folder / "people.yaml", params={"age": "18"}, logs=folder / "logs", base=folder)
    assert run.status == "failed"
    assert run.root_cause is not None
    assert run.root_cause.step == "read"


@pytest.mark.parametrize("option", ["env_file", "connections"])
def test_run_missing_file_raises(folder: Path, option: str) -> None:
    files = {option: folder / "nope"}
    with pytest.raises(SettingsError, match="nope: not a file"):
        oi.run(folder / "people.yaml", params={"age": "18"}, logs=folder / "logs", base=folder, **files)  # type: ignore[arg-type]
    assert not (folder / "logs").exists()


def test_compile_missing_param_names_line(folder: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        oi.compile(folder / "people.yaml")
    assert caught.value.problems[0].line == 12


def test_lint_reports_unknown_table(folder: Path) -> None:
    (folder / "people.yaml").write_text(
        PIPELINE.replace("FROM df", "FROM peple").replace("${params.age}", "18")
    )
    assert any("peple" in str(message) for message in oi.lint(folder / "people.yaml"))


JOIN = """oml_version: "0.1.0"
name: join
steps:
- {id: left, component: filesystem.csv_extractor, config: {path: people.csv}}
- {id: right, component: filesystem.csv_extractor, needs: [], config: {path: people.csv}}
- {id: both, component: duckdb.processor, needs: [left, right], config: {query: "SELECT nope FROM df_left JOIN df_right USING (name)"}}
- {id: write, component: filesystem.csv_writer, needs: [both], config: {path: out.csv}}
"""


@pytest.fixture
def failed_join(folder: Path) -> oi.Run:
    """A run whose step ``both`` failed, so that its inputs were captured."""
    (folder / "join.yaml").write_text(JOIN)
    run = oi.run(folder / "join.yaml", logs=folder / "logs")
    assert run.steps["both"].status == "failed"
    return run


def test_inputs_are_what_the_driver_received(failed_join: oi.Run) -> None:
    inputs = failed_join.steps["both"].inputs
    assert list(inputs) == ["df_left", "df_right"]
    assert repr(inputs) == "<inputs of 'both': df_left, df_right>"
    frame = inputs["df_left"]
    assert repr(frame) == "<input 'df_left' of 'both': from 'left', 2 rows>"
    expected = pd.DataFrame({"name": ["Ada", "Bob"], "age": [36, 12]})
    pd.testing.assert_frame_equal(frame.to_pandas(), expected)
    assert frame.to_arrow().column_names == ["name", "age"]
    assert frame.sql("SELECT max(age) AS oldest FROM df").to_arrow().to_pydict() == {"oldest": [36]}
    joined = inputs.sql("SELECT count(*) AS n FROM df_left JOIN df_right USING (name)")
    assert joined.to_pandas()["n"].tolist() == [2]
    assert "<td" in frame._repr_html_()
    assert list(failed_join.steps["left"].inputs) == []


def test_inputs_with_another_query_error_raise(failed_join: oi.Run) -> None:
    with pytest.raises(QueryError, match="nope"):
        failed_join.steps["both"].inputs["df_left"].sql("SELECT nope FROM df")


def test_unknown_input_lists_the_inputs(failed_join: oi.Run) -> None:
    with pytest.raises(KeyError, match="'both' has no input 'df'; its inputs are: 'df_left', 'df_right'"):
        failed_join.steps["both"].inputs["df"]


def test_input_of_a_failed_step_does_not_exist(failed_join: oi.Run) -> None:
    frame = failed_join.steps["write"].inputs["df"]
    with pytest.raises(InputsGone) as caught:
        frame.to_pandas()
    assert str(caught.value) == (
        "input 'df' of step 'write' is not on disk: step 'both' did not succeed; "
        "correct the cause of the failure and run the pipeline again"
    )
    assert "did not succeed" in frame._repr_html_()


def test_input_in_memory_only_says_how_to_get_it(folder: Path) -> None:
    run = oi.run(folder / "people.yaml", params={"age": "18"}, logs=folder / "logs")
    frame = run.steps["adults"].inputs["df"]
    assert frame.rows == 2
    for use in (frame.to_pandas, frame.to_arrow, lambda: frame.sql("SELECT * FROM df")):
        with pytest.raises(InputsGone, match=r"--keep frames.* --recompute$"):
            use()


def test_changed_frame_of_an_input_is_refused(failed_join: oi.Run) -> None:
    (failed_join.path / "artifacts" / "left" / "output.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputsGone, match="input 'df_left' of step 'both' is not on disk"):
        failed_join.steps["both"].inputs["df_left"].to_arrow()


def test_input_of_another_program_is_refused() -> None:
    frame = oi.open(FAILED).steps["compute-director-stats"].inputs["df"]
    with pytest.raises(InputsGone, match="was not made by osiris-inspect run"):
        frame.to_pandas()


def test_input_html_is_escaped(folder: Path) -> None:
    (folder / "people.csv").write_text("name,age\n<script>x</script>,36\n")
    run = oi.run(folder / "people.yaml", params={"age": "18"}, logs=folder / "logs", force_spill=True)
    html = run.steps["adults"].inputs["df"]._repr_html_() + run.steps["adults"].inputs._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script" not in html


def test_diff_names_first_divergence_and_causes() -> None:
    diff = oi.diff(SAMPLES / "good_local", oi.open(SAMPLES / "killed_worker"))
    assert (diff.differs, diff.first) == (True, ("compute-stats",))
    assert diff.causes[0].startswith("configuration query of compute-stats: ")
    assert diff.to_dict()["first"] == ["compute-stats"]
    assert "first diverges" in repr(diff)
    assert diff._repr_html_().startswith("<pre")
    assert not oi.diff(SAMPLES / "good_local", SAMPLES / "good_local").differs
