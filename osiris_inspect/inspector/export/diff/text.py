"""The differences of two runs as text."""

from collections.abc import Iterator

from osiris_inspect.inspector.run.comparison import diff_words as words
from osiris_inspect.inspector.run.comparison import proof_words
from osiris_inspect.inspector.run.comparison.difference_ranking import RankedDifference
from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges, RowChange
from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
from osiris_inspect.inspector.text.sanitize import one_line, shorten_middle, truncate

MAX_RANKED = 10
_NAME_WIDTH = 38
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_MAX_CELL = 60
_MAX_ERROR = 240


def lines(diff: RunDiff, width: int = 100) -> Iterator[str]:
    """Yield the lines of the comparison."""
    yield f"{'≠' if diff.differs else '='} {words.headline(diff)}"
    for step in diff.first:
        yield truncate(f"  {one_line(step.step)}: {words.outcome_words(step)}", width)
    if diff.failure is not None:
        yield f"  error: {shorten_middle(one_line(diff.failure.message), _MAX_ERROR)}"
    shown = diff.ranked[:MAX_RANKED]
    names = [words.difference_name(ranked) for ranked in shown]
    column = min(_NAME_WIDTH, max(map(len, names), default=0))
    for number, ranked in enumerate(shown, 1):
        yield _ranked_line(number, ranked, column, width, proof_words.proved_words(ranked, diff.proof))
    if len(diff.ranked) > MAX_RANKED:
        yield f"     {len(diff.ranked) - MAX_RANKED} more that are less likely (--format json lists them)"
    if unrelated := words.unrelated(diff):
        yield f"     {unrelated}"
    yield from (f"  {line}" for line in proof_words.proof_lines(diff))
    yield from (f"  note: {note}" for note in words.notes(diff))
    for name, changes in diff.frames.items():
        yield ""
        yield from frame_lines(name, changes, width)


def _ranked_line(number: int, ranked: RankedDifference, column: int, width: int, proved: str) -> str:
    name = truncate(words.difference_name(ranked), column)
    named = "  (named in the error)" if ranked.is_named else ""
    named = f"  {proved}" if proved else named
    limit = max(30, width - column - len(named) - 7)
    return f"{number:>3}  {name:<{column}}  {words.difference_words(ranked, limit)}{named}".rstrip()


def frame_lines(step: str, changes: FrameChanges, width: int = 100) -> Iterator[str]:
    """Yield the differences of two frames of a step."""
    yield f"frame of {one_line(step)}: {words.frame_counts(changes)}"
    for text in changes.columns:
        yield f"  {one_line(text)}"
    if cells := words.cell_counts(changes):
        yield truncate(f"  changed cells: {cells}", width)
    if changes.rounded:
        yield f"  {changes.rounded:,} cells differ by rounding only"
    for note in changes.notes:
        yield f"  note: {one_line(note)}"
    for row in changes.samples:
        yield truncate(f"  {_row_line(row)}", width)
    others = changes.added + changes.removed + changes.changed - sum(row.count for row in changes.samples)
    if changes.samples and others > 0:
        yield f"  … {others:,} more rows (--rows N shows more)"


def _row_line(row: RowChange) -> str:
    where = f"row {row.row:,} " if row.row else ""
    times = f"{row.count:,} x " if row.count > 1 else ""
    key = " ".join(f"{one_line(name)}={_cell(value)}" for name, value in row.key.items())
    cells = ", ".join(
        f"{one_line(name)} {_cell(before)} → {_cell(after)}" for name, (before, after) in row.cells.items()
    )
    return f"{_SIGNS[row.kind]} {times}{where}{key}{': ' if key and cells else ''}{cells}".rstrip()


def _cell(value: str | None) -> str:
    return "NULL" if value is None else truncate(one_line(value), _MAX_CELL)
