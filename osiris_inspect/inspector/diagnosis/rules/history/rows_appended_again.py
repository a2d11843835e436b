"""A writer appended rows that an earlier run had appended to the same target.

What it finds:
    A successful writer that appends or inserts, by its configuration, its events or its metrics, and whose input is equal,
    value by value, to that of an earlier run with the same target. In a run that failed or was interrupted the writer must
    have succeeded, or have reported that it had written rows: its rows stay in the target when a later step fails. Or whose input covers the period of dates or times
    of an earlier run again, while each of at least three runs appended a later period. Or whose input has all rows of a source,
    the old ones again, in each of at least four runs: its key, or a time, begins with the same value, and its rows become more.
    A column with the day or the number of the run shows that the rows are a history on purpose.

Why it matters:
    The rows are in the target twice, and the run succeeds: sums and counts are too large.

How to fix:
    Remove the duplicates from the target. Write with `upsert` and a primary key, or with `replace`, so that a repeated
    run has no effect. If equal rows belong in the target again, allow this rule for the step.

Example:
    `load` has `write_mode: append` and received the 200 rows that it had appended to `stats` the day before.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    any_evidence,
    config_evidence,
    event_evidence,
    frame_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    fingerprint_evidence,
    format_start,
    has_same_settings,
    is_same_server,
    server_of,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.periods import (
    follow_one_another,
    period_of,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import (
    adds_rows,
    leaves_out_duplicates,
    replaces_target,
    write_mode,
    writer_target,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.counts.full_loads import repeated_start
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("steps",)
SEARCHES = ("earlier runs",)
MIN_ROWS = 2
"""A single row, such as a count, may be equal by chance."""
MIN_RUNS = 3
MIN_SAME = 0.5
"""Part of the usual rows from which a period was read again as a whole."""
MIN_MORE = 1.5
"""The same part for an earlier and a new period together."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "remove the duplicates and write with upsert and a primary key; "
    "if equal rows belong in the target again, allow this rule for the step",
)
_APPENDS = frozenset({"append", "insert", "add"})
_EMPTIES = LazyRegex(r"\b(?:truncate|delete\s{1,9}from|drop\s{1,9}table)\b", 2)
_METRICS = ("rows_appended", "rows_inserted")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find writers that appended the rows of an earlier run again."""
    for step in run.steps:
        evidence = _append_evidence(run, step) if _may_append(run, step) else ()
        rows = sum(entry.rows or 0 for entry in step.inputs)
        if not evidence or rows < MIN_ROWS:
            continue
        before = [
            earlier for earlier in _runs_since_replaced(run, step) if _has_same_rows(run, earlier, step)
        ]
        if before:
            before.sort(key=lambda each: step.id in each.written)
            times = "twice" if len(before) == 1 else f"at least {len(before) + 1} times"
            yield TEMPLATE.finding(
                _partly(step, before[0], rows)
                or f"appended the same {rows:,} rows to {_name(step)} as {_describe(before[0])}, so they are in it {times}",
                *evidence,
                *_frame_evidence(run, step),
                step=step.id,
            )
        elif (overlap := _overlap(run, step)) is not None:
            message, cited = overlap
            yield TEMPLATE.finding(message, *evidence, cited, step=step.id, confidence=Confidence.MEDIUM)
        elif full := _full_load(run, step, rows):
            yield TEMPLATE.finding(
                full,
                *evidence,
                *_frame_evidence(run, step),
                step=step.id,
                fix="write with replace, or with upsert and a primary key, and remove the duplicates; "
                "if the rows are a history, add a column with the day of the run, or allow this rule for the step",
                confidence=Confidence.MEDIUM,
            )


def _may_append(run: Run, step: StepState) -> bool:
    """Return True if a writer wrote to a target that keeps duplicates and that the run did not empty."""
    if not step.is_writer or step.status != "succeeded" or step.rows_out == 0:
        return False
    return not leaves_out_duplicates(step.config) and not _is_emptied(run, step)


def _is_emptied(run: Run, step: StepState) -> bool:
    """Return True if a step of the run empties the target: by SQL, or because it replaces its rows."""
    _, target = writer_target(step.config)
    if target is None:
        return False
    replaced = any(
        writer_target(other.config)[1] == target
        and replaces_target(other.config, is_file=target[0] == "file")
        for other in run.steps
        if other is not step
    )
    statements = (value for other in run.steps for value in other.config.values() if isinstance(value, str))
    return replaced or any(_EMPTIES.search(text) and target[-1] in text for text in statements)


def _append_evidence(run: Run, step: StepState) -> tuple[Evidence, ...]:
    """Cite where a step says that it appends; empty if it does not, or if its configuration says another mode."""
    if adds_rows(step.config):
        keys = [
            key
            for key, value in step.config.items()
            if str(value).lower() in (write_mode(step.config), "true")
        ]
        key = next((key for key in keys if key == "append" or write_mode({key: step.config[key]})), "")
        cited = (config_evidence(step.id, key),) if key and is_safe_name(step.id) else ()
        return (*cited, *any_evidence(run, step))
    if write_mode(step.config):
        return ()
    events = [
        event_evidence(event, key)
        for event in run.key_events
        if event.step == step.id
        for key in ("mode", "write_mode")
        if event.fields.get(key) in _APPENDS
    ]
    counted = [
        Evidence(metric.file, metric.line, metric.name)
        for name in _METRICS
        for metric in run.metrics_named(name, step.id)
        if metric.value
    ]
    return (*events, *counted)[:1]


def _runs_since_replaced(run: Run, step: StepState) -> list[EarlierRun]:
    """Return the earlier runs with the same target, newest first, to the last that replaced its rows."""
    runs: list[EarlierRun] = []
    wrote = (each for each in run.failed_runs if step.id in (each.completed or ()) or step.id in each.written)
    for earlier in sorted((*run.earlier_runs, *wrote), key=lambda each: each.started, reverse=True):
        config = earlier.configs.get(step.id, {})
        _, target = writer_target(step.config)
        is_same = writer_target(config)[1] == target if target else has_same_settings(step.config, config)
        if is_same and is_same_server(server_of(run, step.id), server_of(earlier, step.id)):
            runs.append(earlier)
            if replaces_target(config):
                break
    return runs


def _has_same_rows(run: Run, earlier: EarlierRun, step: StepState) -> bool:
    frames = [
        (run.frames.get(entry.from_step or ""), earlier.frames.get(entry.from_step or ""))
        for entry in step.inputs
    ]
    return bool(frames) and all(
        own is not None and other is not None and own.fingerprint and own.fingerprint == other.fingerprint
        for own, other in frames
    )


def _frame_evidence(run: Run, step: StepState) -> tuple[Evidence, ...]:
    producers = [
        (run.step(entry.from_step or ""), run.frames.get(entry.from_step or "")) for entry in step.inputs
    ]
    return tuple(
        evidence
        for producer, frame in producers
        if producer is not None and frame is not None
        for evidence in fingerprint_evidence(run, producer, frame)
    )


def _overlap(run: Run, step: StepState) -> tuple[str, Evidence] | None:
    """Describe a period whose rows an earlier run appended, too, with its evidence; each run before had a later one.

    A few rows of an earlier period may come late, beside those of a new period or without.
    """
    entry = step.inputs[0] if len(step.inputs) == 1 else None
    frame = run.frames.get(entry.from_step or "") if entry is not None else None
    if frame is None or not frame.rows:
        return None
    earlier = [
        (each, other)
        for each in _runs_since_replaced(run, step)
        if step.id not in each.written and (other := each.frames.get(frame.step)) is not None and other.rows
    ]
    if len(earlier) < MIN_RUNS:
        return None
    from statistics import median  # few runs have as many earlier ones

    usual = median(other.rows or 0 for _, other in earlier)
    for column in frame.columns:
        now = period_of(column)
        before = [period for _, other in earlier if (period := period_of(other.column(column.name)))]
        if now is None or len(before) < len(earlier) or not follow_one_another(before):
            continue
        position = next(
            (at for at, one in enumerate(before) if one.start <= now.end and now.start <= one.end), None
        )
        if position is None:
            continue
        again = before[position]
        if frame.rows >= usual * (MIN_MORE if now.end > again.end else MIN_SAME):
            return (
                f"appended {frame.rows:,} rows of {column.name!r} from {now.low} to {now.high}; {_describe(earlier[position][0])} "
                f"had appended those from {again.low} to {again.high}, so rows are in {_name(step)} twice",
                frame_evidence(frame, "min" if frame.file == layout.EVENTS else column.name),
            )
    return None


def _full_load(run: Run, step: StepState, rows: int) -> str:
    """Describe rows that are all rows of a source, as in each of the earlier runs; empty if they are not."""
    entry = step.inputs[0] if len(step.inputs) == 1 else None
    frame = run.frames.get(entry.from_step or "") if entry is not None else None
    if frame is None:
        return ""
    earlier = [each for each in _runs_since_replaced(run, step) if each.completed is None]
    before = [other for each in earlier if (other := each.frames.get(frame.step)) is not None]
    start = repeated_start(frame, before)
    if not start:
        return ""
    return (
        f"appended all {rows:,} rows to {_name(step)} again, the old and the new ones, as in the last {len(before)} runs: "
        f"{start} in each run, so most rows are in it {len(before) + 1} times"
    )


def _partly(step: StepState, earlier: EarlierRun, rows: int) -> str:
    """Describe rows that a writer had written before it failed; empty if it had written all."""
    written = earlier.written.get(step.id)
    if written is None:
        return ""
    return (
        f"appended {rows:,} rows to {_name(step)}; in the run of {format_start(earlier)} the writer failed after "
        f"{written:,} of the same rows, so these are in it twice"
    )


def _describe(earlier: EarlierRun) -> str:
    how = "" if earlier.completed is None else ", which failed after that"
    return f"the run of {format_start(earlier)}{how}"


def _name(step: StepState) -> str:
    key, target = writer_target(step.config)
    return repr(step.config[key]) if target else "its target"
