"""The sample runs, and what the inspector says of them."""

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_logs"


def runs() -> list[Path]:
    """The run directory of each story, in the order of their names."""
    return [next(path for path in story.iterdir() if path.is_dir()) for story in sorted(SAMPLES.iterdir())]


def said_of(run: Path) -> Any:
    """What ``summarize --format json`` says of one run, its path taken from the project's folder."""
    from osiris_inspect.inspector.analysis.analyze import analyze
    from osiris_inspect.inspector.export.formats import json as export

    document = export.document([analyze(run)])["runs"][0]
    return {**document, "path": run.relative_to(ROOT).as_posix()}
