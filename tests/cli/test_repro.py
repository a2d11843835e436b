"""``repro`` on the command line: a run that fails, its bundle, and the bundle opened and replayed."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from tests.cli.shell import osiris_inspect
from tests.cli.test_resume import call
from tests.runtime.runs import events_of, needs
from tests.runtime.test_replay import tree

_FILMS = """\
oml_version: "0.1.0"
name: films
steps:
  - {id: films, component: filesystem.csv_extractor, config: {path: films.csv}}
  - id: stats
    component: duckdb.processor
    needs: [films]
    config: {query: "SELECT title, CAST(rating AS DOUBLE) AS r FROM df"}
"""
ROWS = 500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run whose step ``stats`` failed."""
    needs("sandbox")
    folder = tmp_path_factory.mktemp("repro")
    rows = [f"Secret film {n},8.{n:04}" for n in range(ROWS)]
    rows[321] = "Secret film 321,oopsie"
    (folder / "films.csv").write_text("title,rating\n" + "\n".join(rows) + "\n")
    (folder / "films.yaml").write_text(_FILMS)
    assert call(folder, ["run", "films.yaml", "--quiet"])[0].code == 1
    return folder


def _plain(text: str) -> str:
    return re.sub(r"run_\d+", "RUN", text)


def test_bundle_is_made_opened_and_replayed(folder: Path) -> None:
    before = tree(folder / "logs")
    (made,) = call(folder, ["repro", "@failed", "-o", "x.zip"])
    assert (made.code, made.out) == (0, "x.zip\n")
    assert "shrinks df: 500 rows to 1, 2 columns to 2 in " in made.err
    assert tree(folder / "logs") == before
    with zipfile.ZipFile(folder / "x.zip") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
        (repro,) = (name for name in archive.namelist() if name.endswith("/repro.json"))
        document = json.loads(archive.read(repro))
    for text in (b"oopsie", b"Secret film", str(folder).encode()):
        assert content.count(text) == 0
    assert document["shrink"]["rows"] == {"df": [ROWS, 1]}
    assert document["shrink"]["columns"] == {"df": [2, 2]}
    assert document["masks"] == {"df.title": "nothing", "df.rating": "nothing"}
    assert (folder / "x.zip").stat().st_size < 15_000
    summary, why, events, sql, same = call(
        folder,
        ["summarize", "x.zip", "--format", "json"],
        ["why", "x.zip"],
        ["events", "x.zip", "event=step_failed"],
        ["sql", "x.zip", "select count(*) as n from films", "--format", "csv"],
        ["replay", "x.zip", "stats", "--logs", "again", "--quiet"],
    )
    assert [summary.code, why.code, events.code, sql.code] == [1, 0, 0, 0], (why.err, sql.err)
    assert "Could not convert string" in why.out
    assert "step_failed" in events.out
    assert sql.out == "n\n1\n"
    assert (same.code, _plain(same.out)) == (1, "again/RUN\nsame failure\n")
    (run,) = (folder / "again").iterdir()
    assert events_of(run)[0]["mode"] == "sandbox"


def test_unmasked_bundle_says_so(folder: Path) -> None:
    (folder / "here").mkdir()
    done, dry = call(
        folder,
        ["repro", "@failed", "stats", "--shrink", "none", "--mask", "none", "-o", "here/whole.zip"],
        ["repro", "@failed", "--shrink", "none", "--mask", "none", "--dry-run"],
    )
    assert (done.code, done.out) == (0, "here/whole-unmasked.zip\n")
    assert [path.name for path in (folder / "here").iterdir()] == ["whole-unmasked.zip"]
    document = json.loads(dry.out)
    assert (document["format"], document["masks"], document["shrink"]) == (1, {}, None)
    assert document["replay"] == "osiris-inspect replay FILE.zip stats"
    assert [path.name for path in folder.glob("*.zip") if "stats" in path.name] == []


REFUSED = {
    "repro @failed -o x.tar": "--output: x.tar does not end in .zip",
    "repro @failed -o no/x.zip": "--output: the folder no does not exist",
    "repro @failed --shrink rows,cubes": "--shrink: 'cubes' is none of rows, columns, cells or none",
    "repro @failed --budget soon": "--budget: 'soon' is not a duration, such as 60s or 2m",
    "repro @failed films": "step 'films' of RUN did not fail; name a step that failed",
    "repro @failed flims": "RUN has no step 'flims'; did you mean 'films'?; its steps are films, stats",
    "repro @failed --with-code --shrink none --mask none": "--with-code: the driver duckdb.processor is part of "
    "osiris-inspect; leave out the option",
}


def test_refusal_writes_nothing(folder: Path) -> None:
    before = tree(folder)
    for line, done in zip(REFUSED, call(folder, *(line.split() for line in REFUSED)), strict=True):
        assert (done.code, done.out) == (2, ""), line
        assert _plain(done.err).splitlines()[-1] == f"osiris-inspect: {REFUSED[line]}"
    assert tree(folder) == before


def test_whole_values_must_be_kept(folder: Path, tmp_path: Path) -> None:
    """The query names the value, so the step fails only with it."""
    (tmp_path / "films.csv").write_text("title,rating\nSecret film,oopsie\n")
    query = "SELECT error('found ' || title) FROM df WHERE title = 'Secret film'"
    (tmp_path / "films.yaml").write_text(
        _FILMS.replace("SELECT title, CAST(rating AS DOUBLE) AS r FROM df", query)
    )
    run, refused, kept = call(
        tmp_path,
        ["run", "films.yaml", "--quiet"],
        ["repro", "@failed"],
        ["repro", "@failed", "--keep", "title", "-o", "kept.zip"],
    )
    assert run.code == 1
    assert refused.code == 2, refused.out
    message = refused.err.splitlines()[-1]
    assert "df.title" in message
    assert "'Secret film'" in message
    assert message.endswith("add --keep df.title if they may be seen")
    assert "rating" not in message
    assert not (tmp_path / "stats-repro.zip").exists()
    assert (kept.code, kept.out) == (0, "kept.zip\n"), kept.err
    assert folder.is_dir()


def test_temporary_folders_are_removed(folder: Path, tmp_path: Path) -> None:
    done = osiris_inspect(
        *("repro", "@failed", "--shrink", "none", "--mask", "none", "--dry-run"),
        cwd=folder,
        env={"TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(folder / "cache")},
    )
    assert done.code == 0, done.err
    assert list(tmp_path.iterdir()) == []
