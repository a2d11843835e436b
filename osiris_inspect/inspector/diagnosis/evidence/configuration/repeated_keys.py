"""The origin of duplicate keys that a target rejected: the input of the writer and the joins before it."""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_KEY = LazyRegex(
    r"\bKey \((?P<key>[^()\n]{1,200})\)=\(|\bDuplicate key \\?\"(?P<name>[^\"\n:\\]{1,80}): "
    r"|UNIQUE constraint failed: (?:\w{1,80}\.)?(?P<column>\w{1,80})(?![\w,])"
)
_DUPLICATE = LazyRegex(
    r"(?i:\bduplicate|\bunique constraint|\bsame (?:primary_)?key|\brepeats? a key|\bkey [^\n]{0,300} already exists)|\bORA-00001\b"
)


def is_duplicate(message: str) -> bool:
    """Return True if an error reports a duplicate key."""
    return _DUPLICATE.search(message) is not None


def fix_at_the_join(run: Run, step: StepState | None, message: str) -> str:
    """Return the remedy for keys that the input of a writer repeats, as far as the run shows that; empty otherwise."""
    if step is None or not is_duplicate(message):
        return ""
    chain = _steps_before(run, step)
    match = _KEY.search(message)
    column = next((name.strip('" ') for name in match.groups() if name), "") if match else ""
    if column and any(_is_unique(run, before, column) for before in chain[:1]):
        return ""  # the keys of the input differ, so the target had one of them
    for before in chain:
        frame = run.frames.get(before.id)
        join = frame.join if frame is not None else None
        query = query_of(before.config)
        if join is not None and max(join.left_duplicates, join.right_duplicates) and _has_more_rows(before):
            again = max(join.left_duplicates, join.right_duplicates)
            return (
                f"look at the join in step {before.id!r} first: its key occurs again in {again:,} rows of one input, so "
                "that rows of the other input are repeated; make it unique there, or write with a key that covers both inputs"
            )
        if query is not None and query.reduces:
            return ""
    return ""


def _steps_before(run: Run, step: StepState) -> list[StepState]:
    """Return the steps before a step, nearest first, up to the first that has not one input."""
    chain: list[StepState] = []
    seen = {step.id}
    while True:
        origins = {entry.from_step for entry in step.inputs if entry.from_step} or set(step.needs)
        before = run.step(origins.pop()) if len(origins) == 1 else None
        if before is None or before.id in seen:
            return chain
        seen.add(before.id)
        chain.append(before)
        step = before


def _is_unique(run: Run, step: StepState, column: str) -> bool:
    frame = run.frames.get(step.id)
    return frame is not None and column in frame.unique


def _has_more_rows(step: StepState) -> bool:
    rows = [entry.rows for entry in step.inputs if entry.rows is not None]
    return step.rows_out is not None and bool(rows) and step.rows_out > min(rows)
