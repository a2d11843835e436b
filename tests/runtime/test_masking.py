"""What was compiled runs from disk only where nothing in it was masked."""

from pathlib import Path

import orjson
import pytest

from osiris_inspect.model.errors import PipelineError
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from osiris_inspect.runtime.pipeline import compiled_pipeline as from_disk
from osiris_inspect.runtime.proxy import run_directory
from tests.runtime.pipelines import STATS, compiled

MASKED = STATS.replace("FROM input_df", "FROM input_df WHERE token = 'abc12345'")
GENUINE = STATS.replace("FROM input_df", "FROM input_df WHERE director <> '***'")


def on_disk(folder: Path, text: str) -> Path:
    return run_directory.create_compile_dir(folder, 1, compiled(text))


def as_before(folder: Path) -> Path:
    """A compile as it was written when it did not tell what it masked."""
    manifest = folder / "manifest.yaml"
    text = manifest.read_text()
    manifest.write_text(text[: text.index("masked:")] + text[text.index("steps:") :])
    return folder


def refusals(folder: Path) -> list[str]:
    with pytest.raises(PipelineError) as caught:
        from_disk.load_compiled(folder)
    return [str(problem) for problem in caught.value.problems]


def test_a_masked_query_is_refused_with_step_key_and_what_to_do(tmp_path: Path) -> None:
    folder = on_disk(tmp_path, MASKED)
    assert "abc12345" not in (folder / "cfg/compute-stats.json").read_text()
    (said,) = refusals(folder)
    assert said == (
        f"{folder}/manifest.yaml: cannot run step 'compute-stats' from disk: 'query' looked like a secret and was masked "
        "when compiled; run pipeline.yaml itself, or move the secret to a connection and compile again"
    )


def test_each_key_is_named_where_it_stands(tmp_path: Path) -> None:
    text = STATS.replace(
        "{path: movies.csv}", "{path: [a.csv, 'http://u:geheim1@h/b.csv'], dtype: {token: str}}"
    )
    assert [said.split("'")[3] for said in refusals(on_disk(tmp_path, text))] == ["path.1", "dtype.token"]


def test_mapping_masked_as_whole_is_one_key(tmp_path: Path) -> None:
    text = STATS.replace("{path: movies.csv}", "{path: movies.csv, dtype: {token: {a: '***', b: str}}}")
    assert [said.split("'")[3] for said in refusals(on_disk(tmp_path, text))] == ["dtype.token"]


def test_a_text_that_holds_the_mask_itself_is_no_masked_one(tmp_path: Path) -> None:
    loaded = from_disk.load_compiled(on_disk(tmp_path, GENUINE))
    assert loaded.configs == compiled(GENUINE).configs
    assert loaded.fingerprint == compiled(GENUINE).fingerprint


def test_what_is_loaded_is_what_was_compiled_and_nothing_more(tmp_path: Path) -> None:
    manifest = from_disk.load_compiled(on_disk(tmp_path, STATS)).manifest
    assert manifest.steps == compiled(STATS).manifest.steps
    assert "masked" not in manifest.other_keys


@pytest.mark.parametrize("text", [MASKED, GENUINE], ids=["masked", "genuine"])
def test_a_compile_that_does_not_tell_is_refused_where_the_mask_stands(tmp_path: Path, text: str) -> None:
    (said,) = refusals(as_before(on_disk(tmp_path, text)))
    assert "step 'compute-stats' from disk: 'query'" in said


def test_a_compile_that_does_not_tell_runs_where_no_mask_stands(tmp_path: Path) -> None:
    assert from_disk.load_compiled(as_before(on_disk(tmp_path, STATS))).configs == compiled(STATS).configs


def test_a_configuration_that_is_no_map_is_said(tmp_path: Path) -> None:
    folder = on_disk(tmp_path, STATS)
    (folder / "cfg/compute-stats.json").write_bytes(orjson.dumps([1]))
    (said,) = refusals(folder)
    assert said == f"{folder}/cfg/compute-stats.json: is not a mapping; compile the pipeline again"


def test_a_disk_that_refuses_leaves_no_half_of_a_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DirectoryWriter, "write", refuse)
    with pytest.raises(OSError, match="No space left on device"):
        on_disk(tmp_path, STATS)
    assert not list(tmp_path.iterdir())
