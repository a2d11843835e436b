"""Next steps that need the values of a column: they join, filter or add up by it, or write it as a key."""

from collections.abc import Iterator
from typing import NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import QueryText, query_of
from osiris_inspect.inspector.run.run import Run, StepState

_CLAUSES = frozenset(
    {"select", "from", "on", "using", "where", "group", "having", "order", "qualify", "limit"}
)
_SUMS = frozenset({"sum", "avg", "mean", "median", "stddev"})
_ALLOW_NULL = frozenset({"coalesce", "ifnull", "nvl", "nullif", "isnull", "count"})


class ColumnUse(NamedTuple):
    """A step that needs values of a column, and what for."""

    step: StepState
    purpose: str


def find_column_use(run: Run, step: StepState, column: str) -> ColumnUse | None:
    """Return a next step that needs values of a column; None if there is none, or its query allows NULL in it."""
    for other in run.steps:
        if not any(entry.from_step == step.id for entry in other.inputs):
            continue
        key = other.config.get("primary_key")
        if column in ([key] if isinstance(key, str) else key if isinstance(key, list) else []):
            return ColumnUse(other, "writes it as a key")
        query = query_of(other.config)
        if query is None:
            continue
        is_shared = _has_values_elsewhere(run, other, step, column)
        purposes = [one for one in _purposes(query, column.lower()) if one == "joins by it" or not is_shared]
        if purposes and (purposes[0] != "filters by it" or (other.rows_out or 0) <= 1):
            return ColumnUse(other, purposes[0])
    return None


def _has_values_elsewhere(run: Run, step: StepState, source: StepState, column: str) -> bool:
    """Return True if another input of a step has a column of this name."""
    others = [run.frames.get(entry.from_step or "") for entry in step.inputs if entry.from_step != source.id]
    return any(frame is not None and frame.column(column) is not None for frame in others)


def _purposes(query: QueryText, column: str) -> list[str]:
    """Return what a query does with a column; nothing if it tests it for NULL or replaces NULL."""
    purposes = []
    for clause, calls, after in _occurrences(query, column):
        if after == "is" or _ALLOW_NULL & set(calls):
            return []
        if clause in ("on", "using"):
            purposes.append("joins by it")
        elif calls and calls[-1] in _SUMS:
            purposes.append(f"aggregates it with {calls[-1]}")
        elif clause == "where":
            purposes.append("filters by it")
    return purposes


def _occurrences(query: QueryText, column: str) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield the clause of each occurrence of a column, the functions around it, and the word after it."""
    clauses, calls = [""], [""]
    words = (*query.words, "")
    for number, word in enumerate(words[:-1]):
        if word == "(":
            calls.append(words[number - 1] if number else "")
            clauses.append(clauses[-1])
        elif word == ")" and len(calls) > 1:
            calls.pop()
            clauses.pop()
        elif word in _CLAUSES:
            clauses[-1] = word
        elif word == "join":
            clauses[-1] = "from"
        elif word.strip('"`') == column and words[number + 1] not in (".", "("):
            yield clauses[-1], tuple(calls[1:]), words[number + 1]
