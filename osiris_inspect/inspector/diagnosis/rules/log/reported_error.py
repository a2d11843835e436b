"""The runtime reported an error with its kind.

What it finds:
    Each error that the runtime recorded as data: its kind, its text, its remedy and the values it was made of. The
    finding has the kind as its id.

Why it matters:
    The driver that failed knows the cause; its words need no interpretation.

How to fix:
    Follow the remedy of the error.

Example:
    `"error_info": {"kind": "column-missing", "message": "...", "fix": "..."}`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.repeated_keys import fix_at_the_join
from osiris_inspect.inspector.diagnosis.evidence.configuration.text_columns import text_columns
from osiris_inspect.inspector.diagnosis.evidence.error_text import UNKNOWN_KIND, raised_at
from osiris_inspect.inspector.diagnosis.evidence.headline import error_headline, with_cause
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepFailure, StepState
from osiris_inspect.model.error_info import ERROR_KINDS
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity, Stage

NEEDS = ("failures",)
SEARCHES = ("failed steps",)
_INTERRUPTED = "interrupted"
_KINDS_OF_SOURCES = frozenset({"delimiter-wrong", "file-format-wrong"})
"""Kinds of errors whose fact ``from_step`` is the step that has to change."""

_KINDS_OF_KEYS = frozenset({"constraint-violated", "duplicate-keys"})

_FIXES = {
    "connection-failed": "check the address, the network and the firewall where the step ran",
    "connection-lost": "run the step again; if the connection is lost again, look in the log of the server",
    "connection-refused": "check host and port, and whether the server runs, from where the step ran",
    "disk-full": "free disk space where the step wrote",
    "file-missing": "correct the path; a relative path is resolved in the working directory of the step",
    "host-not-found": "check the spelling of the host name and the DNS where the step ran",
    "network-timeout": "check host, port and firewall, and the load of the server",
    "out-of-memory": "process less data at once, or raise the memory limit",
    "path-is-directory": "name a file",
    "path-not-writable": "write to a disk that is mounted for writing where the step ran",
    "permission-denied": "allow what the message names to the account that runs the step",
    "tls-failed": "check the TLS settings and the certificate of the server, and whether the port has TLS",
    "too-many-open-files": "close files in the driver, or raise the limit (ulimit -n)",
}
"""Kind to what to do, for exceptions of drivers of third parties, which name no remedy."""


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report the error of each failed step and of the run."""
    for step in run.steps:
        if step.failure is not None:
            source = _source(step, step.failure, run)
            yield from _reported(
                step.failure,
                error_evidence(step),
                source or step.id,
                "step",
                str(step.config.get("query") or ""),
                _fix_of_duplicate(run, step, step.failure) or _fix_of_parameter(run, step.failure),
            )
    if run.failure is not None:
        cited = Evidence(run.failure.file, run.failure.line, run.failure.message[:200])
        yield from _reported(run.failure, (cited,), None, run.failed_stage or "finish")


def _fix_of_duplicate(run: Run, step: StepState, failure: StepFailure) -> str:
    """Return the remedy for keys that a join before the writer repeats; empty for other errors."""
    is_about_keys = failure.info is not None and failure.info.kind in _KINDS_OF_KEYS
    return fix_at_the_join(run, step, failure.message) if is_about_keys else ""


def _fix_of_parameter(run: Run, failure: StepFailure) -> str:
    """Return the remedy for a column that is the value of a parameter in the text of a query; empty for others."""
    info = failure.info
    if info is None or info.kind != "column-missing":
        return ""
    column = info.facts.get("column")
    sources = [event.fields.get("source") for event in run.events_named("plan")]
    given = [source.get("params") for source in sources if isinstance(source, dict)]
    names = (
        name for each in given if isinstance(each, dict) for name, value in each.items() if value == column
    )
    name = next(names, None)
    if name is None:
        return ""
    return (
        f"{column!r} is the value of parameter {name!r}: pass another one, or put ${{params.{name}}} in quotes in the "
        "query if it is a text"
    )


def _source(step: StepState, failure: StepFailure, run: Run) -> str | None:
    """Return the successful step whose frame the error blames; None if it blames the failed step itself."""
    info = failure.info
    if info is None:
        return None
    named = info.facts.get("from_step") if info.kind in _KINDS_OF_SOURCES else None
    if info.kind == "frame-refused" and _has_repeated_names(info.facts.get("columns")):
        origins = {entry.from_step for entry in step.inputs} or set(step.needs)
        named = origins.pop() if len(origins) == 1 else None
    source = run.step(named) if isinstance(named, str) else None
    return source.id if source is not None and source.status == "succeeded" else None


def _has_repeated_names(columns: object) -> bool:
    """Return True if two columns have one name; SQL ignores case."""
    names = [str(name).lower() for name in columns] if isinstance(columns, list) else []
    return len(set(names)) < len(names)


def _reported(
    failure: StepFailure,
    evidence: tuple[Evidence, ...],
    step: str | None,
    stage: Stage,
    query: str = "",
    better_fix: str = "",
) -> Findings:
    info = failure.info
    if info is None or info.kind == _INTERRUPTED:
        return
    known = ERROR_KINDS.get(info.kind)
    is_raised = known is None or info.kind == UNKNOWN_KIND
    headline = error_headline(info.message, info.type if is_raised else "")
    headline = with_cause(headline, failure.causes) if is_raised else headline
    place = raised_at(failure) if is_raised else ""
    cells, cell_fix = text_columns(failure, query)
    yield Finding(
        rule=UNKNOWN_KIND if known is None else info.kind,
        severity=Severity.ERROR,
        confidence=Confidence.MEDIUM if info.kind == UNKNOWN_KIND else Confidence.HIGH,
        domain=known.domain if known else "code",
        message=f"{headline}{place}{cells}",
        evidence=evidence,
        step=step,
        stage=stage,
        fix=cell_fix
        or better_fix
        or info.fix
        or _FIXES.get(info.kind)
        or ("check what the error says, then the driver at the place that raised it" if is_raised else None),
    )
