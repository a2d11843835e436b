"""The differences of two runs as Markdown, for a comment of a CI job."""

from collections.abc import Iterator

from osiris_inspect.inspector.export.diff.text import MAX_RANKED, frame_lines
from osiris_inspect.inspector.export.formats.markdown import code_span
from osiris_inspect.inspector.run.comparison import diff_words as words
from osiris_inspect.inspector.run.comparison import proof_words
from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges
from osiris_inspect.inspector.run.comparison.run_diff import RunDiff

_MAX_CODE = 300


def lines(diff: RunDiff, *, show_values: bool = False) -> Iterator[str]:
    """Yield the lines of the comparison; values of frames only with ``show_values``."""
    yield f"### {'≠' if diff.differs else '='} {code_span(words.headline(diff), _MAX_CODE)}"
    yield ""
    for step in diff.first:
        yield f"- {code_span(step.step, _MAX_CODE)}: {code_span(words.outcome_words(step), _MAX_CODE)}"
    if diff.failure is not None:
        yield f"- error: {code_span(diff.failure.message, _MAX_CODE)}"
    if diff.ranked:
        proof = (" proved |", "---|") if diff.proof is not None else ("", "")
        yield from (
            "",
            f"| | difference | B, was A | named in the error |{proof[0]}",
            f"|--:|---|---|---|{proof[1]}",
        )
    for number, ranked in enumerate(diff.ranked[:MAX_RANKED], 1):
        name, values = words.difference_name(ranked), words.difference_words(ranked)
        named = "yes" if ranked.is_named else ""
        is_proved = proof_words.is_proved(ranked, diff.proof)
        proof_cell = "" if diff.proof is None else " yes |" if is_proved else "  |"
        yield f"| {number} | {code_span(name, _MAX_CODE)} | {code_span(values, _MAX_CODE)} | {named} |{proof_cell}"
    if unrelated := words.unrelated(diff):
        yield from ("", unrelated)
    for line in proof_words.proof_lines(diff):
        yield from ("", code_span(line, _MAX_CODE))
    for note in words.notes(diff):
        yield from ("", f"> {code_span(note, _MAX_CODE)}")
    for name, changes in diff.frames.items():
        yield from _frame(name, changes, show_values=show_values)


def _frame(step: str, changes: FrameChanges, *, show_values: bool) -> Iterator[str]:
    if show_values:
        yield from ("", *(f"    {line}" for line in frame_lines(step, changes)))
        return
    yield from (
        "",
        f"frame of {code_span(step, _MAX_CODE)}: {code_span(words.frame_counts(changes), _MAX_CODE)}",
    )
    if cells := words.cell_counts(changes):
        yield f"- changed cells: {code_span(cells, _MAX_CODE)}"
    yield from (f"- {code_span(text, _MAX_CODE)}" for text in (*changes.columns, *changes.notes))
