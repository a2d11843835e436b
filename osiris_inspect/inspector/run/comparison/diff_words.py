"""Sentences about the differences of two runs, for every format. Values are masked and on one line."""

from collections.abc import Iterator

from osiris_inspect.inspector.run.comparison.difference_ranking import RankedDifference
from osiris_inspect.inspector.run.comparison.differences import ABSENT, Difference, changed_parts
from osiris_inspect.inspector.run.comparison.divergence import StepComparison
from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges
from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.inspector.text.units import day_and_time, pluralize

MAX_VALUE = 200


def headline(diff: RunDiff) -> str:
    """Return where the second run diverges from the first one."""
    names = run_name(diff.other), run_name(diff.base)
    if diff.first:
        steps = ", ".join(one_line(step.step) for step in diff.first)
        verb = "first diverges from" if diff.is_certain else "may diverge from"
        return f"{names[0]} {verb} {names[1]} at {steps}"
    if diff.differs:
        return f"{names[0]} ended otherwise than {names[1]}, and no step diverges"
    return f"{names[0]} does not diverge from {names[1]}"


def run_name(run: Run) -> str:
    """Return the id of a run and when it started."""
    started = f" ({day_and_time(run.started)})" if run.started is not None else ""
    return f"{one_line(run.id)}{started}"


def outcome_words(step: StepComparison) -> str:
    """Return how the outcome of a step differs."""
    changes = step.outcome.changes
    shown = "; ".join(map(one_line, changes[:4]))
    return f"{shown}; {len(changes) - 4} more" if len(changes) > 4 else shown


def difference_name(ranked: RankedDifference) -> str:
    """Return the name of a difference."""
    return one_line(ranked.difference.name)


def shown_values(difference: Difference) -> tuple[str, str]:
    """Return both values of a difference, of long texts the parts that differ."""
    if ABSENT in (difference.base, difference.other):
        return difference.base, difference.other
    return changed_parts(difference.base, difference.other)


def difference_words(ranked: RankedDifference, limit: int = MAX_VALUE) -> str:
    """Return both values of a difference: ``CAST(name AS int), was name``."""
    difference = ranked.difference
    if difference.kind == "data":
        return truncate(one_line(difference.other), limit)
    base, other = map(one_line, shown_values(difference))
    half = max(10, (limit - 6) // 2)
    base, other = truncate(base, half), truncate(other, half)
    if difference.base == ABSENT:
        return f"{other}, new in B"
    if difference.other == ABSENT:
        return f"{base}, only in A"
    return f"{other}, was {base}"


def notes(diff: RunDiff) -> Iterator[str]:
    """Yield what a reader must know about the comparison."""
    if diff.is_swapped:
        yield f"A is {one_line(diff.base.id)}, because only it succeeded"
    yield from map(one_line, diff.notes)
    if diff.first and not diff.ranked:
        steps = ", ".join(one_line(step.step) for step in diff.first)
        yield f"nothing recorded differs at {steps} or around it: it fails by chance, or for a cause outside of the run"
    elif diff.first and all(ranked.position not in ("first divergence", "path") for ranked in diff.ranked):
        steps = ", ".join(one_line(step.step) for step in diff.first)
        yield f"nothing recorded of {steps} itself differs"
    unordered = [one_line(step.step) for step in diff.unordered if step not in diff.first]
    if unordered:
        yield f"output differs, order unknown: {', '.join(unordered)} (the frames of both runs would tell)"


def unrelated(diff: RunDiff) -> str:
    """Return the number of differences that explain nothing; empty if there are none."""
    counts = [(where, count) for where, count in diff.unrelated.items() if count]
    if not counts:
        return ""
    (where, count), *others = counts
    return " · ".join(
        [f"{pluralize(count, 'difference')} {where}", *(f"{count} {where}" for where, count in others)]
    )


def frame_counts(changes: FrameChanges) -> str:
    """Return the number of rows that two frames do not share."""
    if changes.level == "identical":
        return "identical"
    before, after = changes.rows
    rows = pluralize(after, "row") if before == after else f"{before:,} → {after:,} rows"
    counts = [
        f"{count:,} {word}"
        for count, word in (
            (changes.added, "added"),
            (changes.removed, "removed"),
            (changes.changed, "changed"),
        )
        if count
    ]
    if changes.is_reordered:
        counts.append("the same rows in another order")
    method = {"key": f"by key {', '.join(changes.key)}", "position": "by position", "rows": "without a key"}
    how = f" ({method[changes.method]})" if changes.method in method else ""
    return f"{rows}: {', '.join(counts) or changes.level}{how}"


def cell_counts(changes: FrameChanges) -> str:
    """Return the number of changed cells by column; empty if there are none."""
    counts = sorted(changes.cells.items(), key=lambda item: -item[1])
    return ", ".join(f"{one_line(name)} {count:,}" for name, count in counts if count)
