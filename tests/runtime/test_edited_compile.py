"""A compiled pipeline that was edited is refused by name, or run and recorded."""

from pathlib import Path

import orjson
import pytest

from osiris_inspect.model.errors import PipelineError
from osiris_inspect.runtime.pipeline.compiled_pipeline import load_compiled
from osiris_inspect.runtime.proxy import run_directory
from tests.runtime.pipelines import STATS, compiled
from tests.runtime.runs import events_of, make_run

CONFIG = "cfg/compute-stats.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run_directory.create_compile_dir(tmp_path, 1, compiled(STATS))


def _edit_query(folder: Path) -> None:
    config = orjson.loads((folder / CONFIG).read_bytes())
    (folder / CONFIG).write_bytes(orjson.dumps({**config, "query": "SELECT 666 AS n"}))


def _refused(folder: Path) -> list[str]:
    with pytest.raises(PipelineError) as caught:
        load_compiled(folder)
    return [problem.file for problem in caught.value.problems if "--allow-edited" in problem.message]


def test_unchanged_compile_is_loaded(folder: Path) -> None:
    loaded = load_compiled(folder)
    assert loaded.edited == ()
    assert "fingerprints" not in loaded.manifest.other_keys


def test_edited_configuration_is_refused_by_name(folder: Path) -> None:
    _edit_query(folder)
    assert _refused(folder) == [str(folder / CONFIG)]


def test_edited_manifest_is_refused_by_name(folder: Path) -> None:
    text = (folder / "manifest.yaml").read_text()
    (folder / "manifest.yaml").write_text(text.replace("driver: duckdb.processor", "driver: duckdb.other"))
    assert _refused(folder) == [str(folder / "manifest.yaml")]


def test_comment_in_manifest_is_not_an_edit(folder: Path) -> None:
    text = (folder / "manifest.yaml").read_text()
    (folder / "manifest.yaml").write_text("# looked at\n" + text)
    assert load_compiled(folder).edited == ()


def test_allowed_edit_is_run_and_recorded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _edit_query(folder)
    edited = load_compiled(folder, allow_edited=True)
    assert edited.edited == (CONFIG,)
    monkeypatch.setattr("tests.runtime.runs.compile_pipeline", lambda *_: edited)
    outcome = make_run(tmp_path / "run")
    (plan,) = [event for event in events_of(outcome.path) if event["event"] == "plan"]
    assert outcome.status == "success"
    assert plan["edited"] == [CONFIG]
