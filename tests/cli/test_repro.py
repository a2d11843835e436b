"""``repro`` on the command line: a run that fails, its bundle, and the bundle opened and replayed."""

import re
from pathlib import Path

import pytest

from tests.cli.test_resume import call
from tests.runtime.runs import needs

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
