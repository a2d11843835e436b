"""Small pipelines for tests, as a person would write them."""

from pathlib import Path

from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import Compiled, compile_pipeline

MOVIES = "id,title,director,rating\n" + "".join(
    f"{n},Film {n},{('Ana Sol', 'Mei Tanaka', 'Jonas Brandt')[n % 3]},{6 + n / 10}\n" for n in range(14)
)

STATS = """\
oml_version: "0.1.0"
name: director-stats
steps:
  - id: extract-movies
    component: filesystem.csv_extractor
    mode: read
    config: {path: movies.csv}
  - id: compute-stats
    component: duckdb.processor
    mode: transform
    needs: [extract-movies]
    config:
      query: SELECT director, count(*) AS movies FROM input_df GROUP BY director ORDER BY director
  - id: write-stats
    component: filesystem.csv_writer
    mode: write
    needs: [compute-stats]
    config: {path: stats.csv}
"""

TWO_BRANCHES = """\
oml_version: "0.1.0"
name: two-branches
steps:
  - id: movies
    component: filesystem.csv_extractor
    config: {path: movies.csv}
  - id: broken
    component: duckdb.processor
    needs: [movies]
    config: {query: SELECT nope FROM input_df}
  - id: write-broken
    component: filesystem.csv_writer
    needs: [broken]
    config: {path: broken.csv}
  - id: good
    component: duckdb.processor
    needs: [movies]
    config: {query: SELECT count(*) AS n FROM df_movies}
  - id: write-good
    component: filesystem.csv_writer
    needs: [good]
    config: {path: good.csv}
"""


def compiled(text: str = STATS) -> Compiled:
    """A pipeline, compiled."""
    return compile_pipeline(text, "pipeline.yaml", all_components())


def with_movies(folder: Path, text: str = MOVIES) -> Path:
    """``folder`` with movies.csv in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "movies.csv").write_text(text)
    return folder
