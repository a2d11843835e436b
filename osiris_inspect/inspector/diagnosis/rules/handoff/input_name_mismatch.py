"""A step received its input and requested it under another name.

What it finds:
    A step that failed because a table or an input is missing, although its input was resolved.

Why it matters:
    The rows exist, in memory or spill, but the step uses another name: `input_df`, `df` and `df_<step>`
    belong to different versions, locally and in a sandbox. At 0.5 the sandbox passes the input as `df`, and the
    DuckDB driver registers only names that begin with `df_`, so that no name works.

How to fix:
    Use the name that the driver registers. Where there is none, run the pipeline locally or with another version.

Example:
    `inputs_resolved` reports 14 rows for the key `df`, then
    `Catalog Error: Table with name df_extract_movies does not exist!`
"""

from collections.abc import Sequence
from typing import Literal

from osiris_inspect.base.near_names import near_names
from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, input_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import (
    error_reports_missing_input,
    requested_input_name,
    requested_step,
    resolved_inputs,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.model.finding import Confidence, Finding, Severity
from osiris_inspect.model.manifest import input_name

NEEDS = ("inputs_resolved",)
TEMPLATE = FindingTemplate(Severity.ERROR, "code", "use the bound input name in the query")

Registration = Literal["all", "df_*", "input_df", "unknown"]
"""Names that a DuckDB driver registers: all bound names, those with the prefix, or the input ``df`` as ``input_df``."""

_ONLY_NAME = "input_df"
_PREFIX = "df_"
_SINCE_0_5 = "filesystem.csv_extractor"
"""A driver that the original has since 0.5."""


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that received an input and requested another name, except the frame of another need."""
    for step in run.steps:
        inputs = resolved_inputs(step)
        if not inputs or not error_reports_missing_input(step):
            continue
        name, other = requested_input_name(step), requested_step(step, run)
        if other is not None and other.id in step.needs:
            continue
        registration = _registration(run, step, inputs, name)
        if other is not None:
            yield _finding(
                step,
                inputs,
                f"{_requested(name)} received {_names(inputs)}",
                _add_need(other.id, registration),
            )
        elif registration in ("df_*", "input_df", "unknown"):
            yield from _unregistered(step, inputs, name, registration)
        elif name is None or name not in {entry.name for entry in inputs}:
            names = [entry.name for entry in inputs]
            if run.dialect == "native" and len(inputs) == 1 and inputs[0].from_step:
                names.append(input_name(inputs[0].from_step))  # an only input has this name as well
            message = f"{_requested(name)} received {_names(inputs)}"
            yield _finding(step, inputs, message, _use_bound(names, name, is_only=len(inputs) == 1))


def _registration(run: Run, step: StepState, inputs: Sequence[InputState], name: str | None) -> Registration:
    """Return what the driver of a step registers, from what the run shows about its version."""
    if run.dialect == "native" or step.driver != "duckdb.processor" or step.failure is None:
        return "all"
    bound = {entry.name for entry in inputs}
    if "NoneType" in step.failure.message or (name in bound and name != "df"):
        return "input_df"  # a later driver registers this name, and has no variable input_df
    is_later = name == _ONLY_NAME or any(event.driver == _SINCE_0_5 for event in run.key_events)
    if is_later:
        return "df_*"
    return "unknown" if bound == {"df"} else "all"


def _unregistered(
    step: StepState, inputs: Sequence[InputState], name: str | None, registration: Registration
) -> Findings:
    """Report an input that a DuckDB driver of the original registered under another name, or not at all."""
    usable = [entry.name for entry in inputs if entry.name.startswith(_PREFIX)]
    requested = f"{_requested(name)} received {_names(inputs)}"
    bound = f"the runner bound the input as {_names(inputs)}"
    local_names = " and ".join(dict.fromkeys(input_name(entry.from_step or "<step>") for entry in inputs))
    run_locally = f"run the pipeline locally, where the input is called {local_names}"
    if registration == "df_*" and usable:
        yield _finding(step, inputs, requested, _use_bound(usable, name, is_only=len(usable) == 1))
    elif registration == "df_*":
        yield _finding(
            step,
            inputs,
            f"{bound}, and this version's DuckDB driver registers only names that begin with {_PREFIX!r}; no name "
            "in the query can work",
            f"{run_locally}, or use a version whose runner passes such names; another table name does not help",
        )
    elif registration == "unknown":
        yield _finding(
            step,
            inputs,
            f"{bound}; DuckDB drivers before 0.5 register it as {_ONLY_NAME!r}, and those of 0.5 do not "
            "register it",
            f"before 0.5 use {_ONLY_NAME!r} in the query; with 0.5 {run_locally}",
            Confidence.MEDIUM,
        )
    elif "df" not in {entry.name for entry in inputs}:
        yield _finding(
            step,
            inputs,
            f"{bound}, and this version's DuckDB driver registers only an input called 'df', as {_ONLY_NAME!r}; no "
            "name in the query can work",
            "pass one input under the name 'df', or use a version that registers each input under its name "
            "(locally since 0.5)",
        )
    elif name == _ONLY_NAME:
        yield _finding(
            step,
            inputs,
            f"the log reports input {_names(inputs)}, but the driver found no input called 'df'",
            "check the commands sent to the worker: the input must be passed under the name 'df'",
            Confidence.MEDIUM,
        )
    else:
        yield _finding(
            step,
            inputs,
            f"{bound}, and this version's DuckDB driver registers it as {_ONLY_NAME!r}",
            f"use {_ONLY_NAME!r} instead of {name!r}" if name else f"use {_ONLY_NAME!r} in the query",
        )


def _use_bound(names: Sequence[str], name: str | None, *, is_only: bool) -> str | None:
    """Return which name to use: one that is spelled like the requested one, else that of the only input."""
    if name is None:
        return None
    similar = near_names(name, names, similarity=0.8) or list(names[:1] if is_only else ())
    return f"use {similar[0]!r} instead of {name!r}" if similar else None


def _requested(name: str | None) -> str:
    return (
        f"input {name!r} does not exist; the step"
        if name
        else "the step requested an input under another name; it"
    )


def _names(inputs: Sequence[InputState]) -> str:
    return ", ".join(f"{entry.name!r} ({entry.from_step}, {entry.location})" for entry in inputs)


def _add_need(step: str, registration: Registration) -> str:
    if registration == "all":
        return f"add {step!r} to the needs of the step"
    return f"add {step!r} to the needs of the step, and run it where each need is passed under its own name"


def _finding(
    step: StepState,
    inputs: Sequence[InputState],
    message: str,
    fix: str | None,
    confidence: Confidence | None = None,
) -> Finding:
    return TEMPLATE.finding(
        message,
        *error_evidence(step),
        *input_evidence(*inputs),
        step=step.id,
        fix=fix,
        confidence=confidence,
    )
