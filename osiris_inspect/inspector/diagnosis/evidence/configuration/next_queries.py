"""Queries of the steps that take a step's frame."""

import re
from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import MAX_QUERY, query_key
from osiris_inspect.inspector.run.run import Run, StepState


def next_queries(run: Run, step: StepState) -> Iterator[str]:
    """Yield the queries of the steps that take the frame of a step."""
    for other in run.steps:
        if step.id in other.needs or any(entry.from_step == step.id for entry in other.inputs):
            query = other.config.get(query_key(other.config))
            if isinstance(query, str):
                yield query[:MAX_QUERY]


def is_value_expected(run: Run, step: StepState, column: str, value: str) -> bool:
    """Return True if a next query names the value, or cleans or converts the column.

    Without a column only the value is searched.
    """
    names_value = re.compile(re.escape(f"'{value.strip()}'"), re.IGNORECASE)
    cleans = re.compile(
        rf"\b(?:try_cast|regexp_\w{{1,20}}|replace|nullif|translate|split_part|trim)\s{{0,9}}\(\s{{0,9}}(?:\w{{1,40}}\.)?\"?{re.escape(column)}\b",
        re.IGNORECASE,
    )
    return any(
        names_value.search(query) or (column and cleans.search(query)) for query in next_queries(run, step)
    )
