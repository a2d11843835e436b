"""Findings stand at the line of the pipeline file that a reviewer would change."""

import json
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import CIContext, get_renderer
from osiris_inspect.inspector.project.source_location import (
    NO_CHECKOUT,
    RepositoryCheckout,
    SourceLocation,
    step_locations,
)
from osiris_inspect.inspector.run.report import Report
from tests.inspector.export import runner
from tests.inspector.export.accept import rendered, told
from tests.inspector.making import failing_locally, native, run_dir
from tests.samples import runs

REPO = Path("/repo")


def run_of(tmp_path: Path, file: str, line: object = 7) -> Report:
    plan = {"step_id": "extract", "driver": "mysql.extractor", "file": file, "line": line}
    return analyze(
        run_dir(
            tmp_path,
            [
                native("plan", 0, file=file, steps=[plan]),
                native("step_start", 1, step_id="extract"),
                native("step_failed", 2, step_id="extract", error="boom"),
            ],
        )
    )


@pytest.mark.parametrize(
    ("folder", "root", "file", "place"),
    [
        (None, None, "pipelines/a.yaml", "pipelines/a.yaml"),
        (None, None, "./a.yaml", "a.yaml"),
        (None, None, "../a.yaml", None),
        (None, None, "/repo/a.yaml", None),
        (REPO, REPO, "a.yaml", "a.yaml"),
        (REPO / "sub", REPO, "a.yaml", "sub/a.yaml"),
        (REPO / "sub", REPO, "../a.yaml", "a.yaml"),
        (REPO / "sub", REPO, "../../a.yaml", None),
        (REPO, REPO, "/repo/x/../a.yaml", "a.yaml"),
        (REPO, REPO, "/elsewhere/a.yaml", None),
        (REPO, REPO, "/repository/a.yaml", None),
        (REPO, REPO, ".", None),
        (REPO, REPO, "", None),
        (REPO, REPO, "a\n::error::b", None),
        (REPO, REPO, "a\x00b", None),
        (REPO, REPO, "\ud800", None),
        (REPO, REPO, "a" * 2000, None),
    ],
)
def test_a_file_is_named_from_the_root_and_has_no_place_outside(
    folder: Path | None, root: Path | None, file: str, place: str | None
) -> None:
    assert RepositoryCheckout(folder, root).repo_path(file) == place


def test_each_step_of_a_plan_has_its_line(tmp_path: Path) -> None:
    assert step_locations(run_of(tmp_path, "p/a.yaml").run) == {
        None: SourceLocation("p/a.yaml"),
        "extract": SourceLocation("p/a.yaml", 7),
    }


@pytest.mark.parametrize("line", [None, "7", -1, True, 0])
def test_a_line_that_is_none_leaves_the_file(tmp_path: Path, line: object) -> None:
    assert step_locations(run_of(tmp_path, "a.yaml", line).run)["extract"] == SourceLocation("a.yaml", 0)


def test_a_run_without_a_plan_has_no_places(tmp_path: Path) -> None:
    assert step_locations(analyze(run_dir(tmp_path, failing_locally("boom"))).run) == {}


def test_every_failed_sample_of_ours_is_annotated_at_the_step_that_is_the_cause() -> None:
    (run,) = [run for run in runs() if run.parent.name == "missing_input"]
    first = runner.of_github(rendered("github", told(run)))[0]
    assert (first.name, first.properties["file"], first.properties["line"]) == ("error", "pipeline.yaml", "8")


def test_a_file_outside_of_the_repository_gets_no_place(tmp_path: Path) -> None:
    import io

    out = io.StringIO()
    job = CIContext(RepositoryCheckout(REPO, REPO), "0123456789abcdef")
    get_renderer("github")([run_of(tmp_path, "/elsewhere/a.yaml")], out, ci=job)
    assert all("file" not in command.properties for command in runner.of_github(out.getvalue()))


def test_gitlab_is_given_the_log_where_no_pipeline_file_is_known(tmp_path: Path) -> None:
    found = analyze(run_dir(tmp_path, failing_locally("boom")))
    (entry, *_) = json.loads(rendered("gitlab", found))
    assert entry["location"]["path"] == "run_1759170586030/events.jsonl"
    assert entry["location"]["lines"]["begin"] == found.findings[0].evidence[0].line


def test_nowhere_places_nothing_absolute() -> None:
    assert NO_CHECKOUT.repo_path("/a") is None


def test_github_refuses_to_write_without_a_token() -> None:
    import io

    with pytest.raises(ValueError, match="token"):
        get_renderer("github")([], io.StringIO())
