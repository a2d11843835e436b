"""Writes the expected outputs again: ``python -m tests.inspector.export.accept [STORY...]``.

For each sample run and each format ``golden/<story>/`` holds the whole output. Run this after the samples, a rule or a
format changed, and read the diff before you commit it: it is what the CI systems of our users are given.
"""

import io
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import CIContext, format_names, get_renderer
from osiris_inspect.inspector.run.report import Report
from tests.samples import ROOT, runs

GOLDEN = Path(__file__).parent / "golden"
TOKEN = "0123456789abcdef"
SUFFIXES = {
    "azure": "txt",
    "chrome-trace": "json",
    "github": "txt",
    "gitlab": "json",
    "html": "html",
    "json": "json",
    "junit": "xml",
    "markdown": "md",
    "openlineage": "ndjson",
    "otlp": "json",
    "sarif": "json",
    "text": "txt",
}


def told(run: Path) -> Report:
    """The report of a sample run, its path taken from the project's folder, so that no machine shows in it."""
    found = analyze(run)
    return replace(found, run=replace(found.run, path=run.relative_to(ROOT)))


def rendered(format_: str, *reports: Report) -> str:
    """The whole output of a format."""
    out = io.StringIO()
    get_renderer(format_)(reports, out, ci=CIContext(token=TOKEN))
    return out.getvalue()


def golden(run: Path, format_: str) -> Path:
    """The file with the expected output."""
    return GOLDEN / run.parent.name / f"{format_}.{SUFFIXES[format_]}"


def main() -> None:
    """Write the expected outputs of the stories named, all of them if none is."""
    wanted = sys.argv[1:] or [run.parent.name for run in runs()]
    if not sys.argv[1:]:
        shutil.rmtree(GOLDEN, ignore_errors=True)
    for run in runs():
        if run.parent.name in wanted:
            found = told(run)
            for format_ in format_names():
                target = golden(run, format_)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(rendered(format_, found), encoding="utf-8", newline="\n")
            print(golden(run, "text").parent.relative_to(ROOT))


if __name__ == "__main__":
    main()
