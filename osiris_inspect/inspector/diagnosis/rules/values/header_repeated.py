"""The header of a CSV file is also a row in its middle.

What it finds:
    A step that reads a CSV file with a row, below the first, that consists of the column names.

Why it matters:
    Files were put together with their headers. The row is data now, and all columns became text: sums fail, and
    maxima compare letters.

How to fix:
    Put the files together without their headers, or read them with a pattern such as `data/*.csv`.

Example:
    Line 102 repeats the column names.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.next_queries import is_value_expected
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored",)
SEARCHES = ("header_repeats",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "remove the repeated header from the file; to read several files, set path to a pattern such as data/*.csv",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find CSV files with their header among the rows."""
    for step, frame in run.successful_frames():
        repeats = as_int(frame.source.get("header_repeats"))
        if not repeats:
            continue
        if any(is_value_expected(run, step, column.name, column.name) for column in frame.columns[:50]):
            continue
        rows = "1 row repeats" if repeats == 1 else f"{repeats:,} rows repeat"
        number = next(
            (
                f" ({unit} {as_int(frame.source[key]):,})"
                for unit in ("line", "row")
                if as_int(frame.source.get(key := f"header_repeat_{unit}"))
            ),
            "",
        )
        yield TEMPLATE.finding(
            f"{rows} the header in the middle of the file{number}, so all columns became text",
            frame_evidence(frame, "header_repeats"),
            step=step.id,
        )
