"""Reports made by hand with the real constructors, so that the screens are tested without any rule."""

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from osiris_inspect.inspector.analysis.diff import diff_runs
from osiris_inspect.inspector.analysis.history import divergence_words
from osiris_inspect.inspector.analysis.run_list import RunEntry
from osiris_inspect.inspector.run.frame_info import FrameReader
from osiris_inspect.inspector.run.lineage import build_lineage
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import (
    Artifact,
    InputState,
    LogLine,
    Run,
    StepFailure,
    StepState,
    UnreadableInput,
)
from osiris_inspect.inspector.tables.parquet_preview import ParquetFrameReader
from osiris_inspect.inspector.tables.sql_console import SqlConsole
from osiris_inspect.inspector.tables.sql_types import SqlSession
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity, SkippedRule
from osiris_inspect.model.run_types import RunStatus
from osiris_inspect.tui.shared.data_source import ProgressCallback

NOON = 1_795_348_800.0
"""2026-11-22 12:00 UTC."""

TRACEBACK = """Traceback (most recent call last):
  File "/srv/worker.py", line 412, in exec_step
    result = driver.run(step_id=step_id, config=config, inputs=inputs, ctx=ctx)
  File "/srv/drivers/duckdb_processor.py", line 58, in run
    raise ValueError(f"input_df of type {type(df).__name__}")
ValueError: input_df of type NoneType
"""

EXTRACT = StepState(
    id="extract-movies",
    driver="mysql.extractor",
    status="succeeded",
    rows_out=14,
    rows_out_source="rows_out event",
    duration_s=0.412,
    started=NOON + 1,
    storage="memory",
    config={"connection": "@mysql.default", "password": "hunter2hunter2", "query": "SELECT * FROM movies"},
    line_range=(2, 5),
)
COMPUTE = StepState(
    id="compute-stats",
    driver="duckdb.processor",
    status="succeeded",
    needs=("extract-movies",),
    rows_in=14,
    rows_out=3,
    rows_out_source="rows_out event",
    duration_s=0.021,
    started=NOON + 2,
    storage="spill",
    inputs=(InputState("df", "extract-movies", "memory", 14, 6),),
    artifacts=(
        Artifact("artifacts/compute-stats/output.parquet", "parquet", "present", 4_120),
        Artifact("artifacts/compute-stats/schema.json", "schema", "missing"),
    ),
    line_range=(6, 10),
)
WRITE = StepState(
    id="write-stats",
    driver="supabase.writer",
    status="succeeded",
    needs=("compute-stats",),
    rows_in=3,
    rows_out=3,
    duration_s=1.9,
    started=NOON + 3,
    storage="none",
    inputs=(InputState("df", "compute-stats", "spill", 3, 11),),
    line_range=(11, 14),
)

FAILED_COMPUTE = replace(
    COMPUTE,
    status="failed",
    rows_in=None,
    rows_out=None,
    rows_out_source=None,
    storage="none",
    artifacts=(),
    inputs=(
        InputState(
            "df",
            "extract-movies",
            "unresolved",
            None,
            7,
            (
                {
                    "place": "memory",
                    "outcome": "absent",
                    "reason": "the result of extract-movies has no key 'df'",
                },
                {
                    "place": "spill",
                    "outcome": "absent",
                    "reason": "no artifacts/extract-movies/output.parquet",
                },
            ),
        ),
    ),
    failure=StepFailure("input_df of type NoneType", "ValueError", TRACEBACK, "events.jsonl", 8),
)
SKIPPED_WRITE = replace(
    WRITE,
    status="skipped",
    rows_in=None,
    rows_out=None,
    duration_s=None,
    started=None,
    skipped_because="compute-stats",
    inputs=(),
    line_range=(9, 9),
)

CAUSE = Finding(
    rule="frame-dropped-from-cache",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    domain="code",
    message="extract-movies gave 14 rows that were kept in neither memory nor spill, so compute-stats got None",
    evidence=(
        Evidence("events.jsonl", 4, '"event":"rows_out","step_id":"extract-movies","value":14'),
        Evidence("events.jsonl", 8, '"error":"input_df of type NoneType"'),
    ),
    step="extract-movies",
    fix="keep the full result of a step: cached_output = result.copy(), without leaving out 'df'",
)
CONSEQUENCES = (
    Finding(
        rule="input-not-found",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="code",
        message="compute-stats did not get its input 'df' from extract-movies",
        evidence=(Evidence("events.jsonl", 8, '"error":"input_df of type NoneType"'),),
        step="compute-stats",
        caused_by=CAUSE.id,
    ),
    Finding(
        rule="step-skipped",
        severity=Severity.NOTE,
        confidence=Confidence.HIGH,
        domain="code",
        message="write-stats was skipped",
        evidence=(Evidence("events.jsonl", 9, '"event":"step_skipped"'),),
        step="write-stats",
        caused_by=CAUSE.id,
    ),
)
SECRET = Finding(
    rule="secret-in-log",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    domain="config",
    message="a connection string with its password stands in the log",
    evidence=(Evidence("osiris.log", 2, "mysql://root:hunter2hunter2@db/movies"),),
    step="extract-movies",
    fix="log the alias, not the connection string",
)


def events(*named: tuple[str, str | None, Mapping[str, object]]) -> tuple[Event, ...]:
    return tuple(
        Event(
            name,
            NOON + number * 0.25,
            step,
            dict(fields),
            "run_1",
            "worker",
            number,
            "native",
            number + 1,
            original_name=name,
        )
        for number, (name, step, fields) in enumerate(named)
    )


FAILED_EVENTS = events(
    ("run_start", None, {"pipeline": "movie-stats"}),
    ("step_start", "extract-movies", {"driver": "mysql.extractor"}),
    ("connection_resolved", "extract-movies", {"url": "mysql://root:hunter2hunter2@db/movies", "tries": 1}),
    ("rows_out", "extract-movies", {"value": 14}),
    ("step_complete", "extract-movies", {"duration_ms": 412, "rows_processed": 14}),
    ("step_start", "compute-stats", {"driver": "duckdb.processor"}),
    ("input_not_found", "compute-stats", {"name": "df", "from_step": "extract-movies"}),
    ("step_failed", "compute-stats", {"error": "input_df of type NoneType", "traceback": TRACEBACK}),
    ("step_skipped", "write-stats", {"because": "compute-stats"}),
    ("run_end", None, {"status": "failed"}),
)
CLEAN_EVENTS = events(
    ("run_start", None, {"pipeline": "movie-stats"}),
    ("step_start", "extract-movies", {"driver": "mysql.extractor"}),
    ("connection_resolved", "extract-movies", {"url": "mysql://root:hunter2hunter2@db/movies", "tries": 1}),
    ("rows_out", "extract-movies", {"value": 14}),
    ("step_complete", "extract-movies", {"duration_ms": 412}),
    ("inputs_resolved", "compute-stats", {"from_step": "extract-movies", "rows": 14, "from_memory": True}),
    ("step_complete", "compute-stats", {"duration_ms": 21}),
    ("run_end", None, {"status": "success"}),
)


def report(
    *steps: StepState,
    status: RunStatus = "success",
    findings: Sequence[Finding] = (),
    logged: Sequence[Event] = CLEAN_EVENTS,
    log_lines: Sequence[LogLine] = (),
    unread: Sequence[UnreadableInput] = (),
    path: Path = Path("/runs/run_1795348800000"),
) -> Report:
    run = Run(
        path=path,
        id=path.name,
        status=status,
        finished=status != "running",
        dialect="native",
        pipeline="movie-stats",
        mode="e2b",
        started=NOON,
        duration_s=None if status == "running" else 4.2,
        steps=steps,
        events=logged,
        log_lines=tuple(log_lines),
        unreadable=tuple(unread),
    )
    return Report(
        run, build_lineage(run), tuple(findings), (SkippedRule("clock-skew", "the events carry no time"),)
    )


def clean() -> Report:
    return report(EXTRACT, COMPUTE, WRITE)


def failed() -> Report:
    return report(
        EXTRACT,
        FAILED_COMPUTE,
        SKIPPED_WRITE,
        status="failed",
        findings=(CAUSE, *CONSEQUENCES, SECRET),
        logged=FAILED_EVENTS,
        log_lines=(
            LogLine("osiris.log", 2, "connecting to mysql://root:hunter2hunter2@db/movies", "WARNING"),
            LogLine("osiris.log", 9, "step compute-stats failed: input_df of type NoneType", "ERROR"),
        ),
        unread=(UnreadableInput("events.jsonl", 11, "no JSON: unexpected end of data"),),
    )


def diamond() -> Report:
    """One extractor, two processors, a writer that reads all three."""
    left = replace(COMPUTE, id="by-director")
    right = replace(COMPUTE, id="by-year", inputs=(InputState("df", "extract-movies", "memory", 12, 6),))
    join = replace(
        WRITE,
        id="write-all",
        needs=("by-director", "by-year", "extract-movies"),
        inputs=(
            InputState("df_by_director", "by-director", "spill", 3, 11),
            InputState("df_by_year", "by-year", "memory", 3, 12),
            InputState("df_extract_movies", "extract-movies", "memory", 14, 13),
        ),
    )
    return report(EXTRACT, left, right, join)


def with_frame(folder: Path, rows: int = 2_000) -> Report:
    """A clean run on disk whose second step left a frame: a name, a year with gaps, a key that is secret."""
    path = folder / "run_1795348800000"
    place = path / "artifacts" / COMPUTE.id / "output.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "director": [f"Director {number}" for number in range(rows)],
            "year": [1950 + number % 70 if number % 10 else None for number in range(rows)],
            "api_key": ["hunter2hunter2"] * rows,
        }
    )
    parquet.write_table(table, place, row_group_size=600)
    told = {"row_count": rows, "columns": table.column_names, "dtypes": {"year": "Int64"}}
    (place.parent / "schema.json").write_text(json.dumps(told))
    return report(EXTRACT, COMPUTE, WRITE, path=path)


@dataclass
class Shelf:
    """A source that holds reports in memory; what is put in later is found at the next look."""

    reports: dict[Path, Report] = field(default_factory=dict)
    looked: int = 0
    is_quick: bool = True

    def put(self, report: Report) -> Path:
        self.reports[report.run.path] = report
        return report.run.path

    def is_run(self, path: Path) -> bool:
        return path in self.reports

    def report(self, path: Path, now: float, on_progress: ProgressCallback | None = None) -> Report:
        self.looked += 1
        return self.reports[path]

    def quick_report(self, path: Path, now: float) -> Report | None:
        return self.report(path, now) if self.is_quick and path in self.reports else None

    def entries(self, path: Path, now: float) -> Iterator[RunEntry]:
        return map(_entry, self.reports.values())

    def since_green(self, path: Path, now: float) -> str | None:
        run = self.reports[path].run
        older = [
            one.run for one in self.reports.values() if one.run.id < run.id and one.run.status == "success"
        ]
        return divergence_words(diff_runs(older[-1], run)) if older else None

    def frame(self, path: Path) -> FrameReader:
        return ParquetFrameReader(path)

    def sql_session(self, report: Report) -> SqlSession:
        return SqlConsole(report)

    def signature(self, path: Path) -> Hashable:
        return id(self.reports.get(path))

    def manual(self, rule: str) -> str | None:
        return "# What it finds\n\nA frame that was made and then not kept.\n" if rule == CAUSE.rule else None


def _entry(report: Report) -> RunEntry:
    run, cause = report.run, report.root_cause
    rows = next((step.rows_out for step in run.steps if step.is_writer), None)
    message = cause.message if cause else None
    return RunEntry(
        run.path, run.id, run.pipeline, run.status, run.mode, run.started, run.duration_s, rows, message
    )
