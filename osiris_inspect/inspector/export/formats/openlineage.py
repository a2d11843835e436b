"""OpenLineage events, one per line: START and one of COMPLETE, FAIL and ABORT for the run and each of its steps.

A step that did not start has no events, a running one has no end. A frame is a data set named after its step; a file that
a step reads or writes is one of the file system. A run without times is in 1970.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TextIO

from osiris_inspect.inspector.export.shared.group_by_step import edges_by_consumer, findings_by_step
from osiris_inspect.inspector.export.shared.spans import RunSpans, Span, iso_timestamp, run_spans, stable_id
from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run, StepFailure, StepState
from osiris_inspect.inspector.text.sanitize import masked_text
from osiris_inspect.model.event import finite_number
from osiris_inspect.model.finding import Finding, Severity
from osiris_inspect.model.run_card import StepStatus
from osiris_inspect.model.run_types import RunStatus
from osiris_inspect.model.version import __version__

NAMESPACE: Final = "osiris"
PRODUCER: Final = f"urn:osiris-inspect:{__version__}"
SPEC: Final = "https://openlineage.io/spec"
_END_OF_STEP: Final[Mapping[StepStatus, str]] = {
    "succeeded": "COMPLETE",
    "failed": "FAIL",
    "interrupted": "ABORT",
    "skipped": "ABORT",
}
_END_OF_RUN: Final[Mapping[RunStatus, str]] = {
    "success": "COMPLETE",
    "failed": "FAIL",
    "compile_failed": "FAIL",
    "interrupted": "ABORT",
    "truncated": "ABORT",
    "unreadable": "ABORT",
}

Facets = dict[str, Any]


def render(reports: Sequence[Report], out: TextIO, **_ignored: object) -> None:
    """Write the events of every run in the order of their times, the run around its steps."""
    for report in reports:
        out.writelines(f"{json.dumps(event)}\n" for event in _events(report))


def _events(report: Report) -> Iterator[dict[str, Any]]:
    run, times = report.run, run_spans(report.run)
    findings, edges = findings_by_step(report), edges_by_consumer(report)
    of_steps = [
        event
        for step in run.steps
        for event in _step_events(run, step, times, (findings.get(step.id, ()), edges.get(step.id, ())))
    ]
    job = {"jobType": _job_type("DAG")}
    yield _event("START", times.start, _run_and_job(run, None, {}, job))
    yield from sorted(of_steps, key=lambda event: str(event["eventTime"]))
    if run.status in _END_OF_RUN:
        about = _failure(run.failure) | _tests(findings.get(None, ())) | _engine(run)
        yield _event(_END_OF_RUN[run.status], times.end, _run_and_job(run, None, about, job))


def _step_events(
    run: Run, step: StepState, times: RunSpans, known: tuple[Sequence[Finding], Sequence[Edge]]
) -> Iterator[dict[str, Any]]:
    if step.status in ("not_started", "reused"):
        return
    span = times.spans.get(step.id, Span(step, times.end, times.end))
    parent = {"run": {"runId": str(stable_id(run))}, "job": _named(run, None)}
    facets = {"parent": _facet("1-2-0/ParentRunFacet", parent)}
    job = {"jobType": _job_type("STEP"), **_sql(step)}
    yield _event("START", span.start, _run_and_job(run, step.id, facets, job))
    last = _step_end_type(run, step)
    if last is not None:
        findings, edges = known
        facets = facets | _failure(step.failure) | _tests(findings)
        frames = {"inputs": _inputs(run, step, edges), "outputs": _outputs(run, step)}
        yield _event(last, span.end, {**_run_and_job(run, step.id, facets, job), **frames})


def _step_end_type(run: Run, step: StepState) -> str | None:
    if step.status == "running":
        return None if run.status == "running" else "ABORT"
    return _END_OF_STEP[step.status]


def _event(kind: str, at: float, fields: Mapping[str, Any]) -> dict[str, Any]:
    schema = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
    return {
        "eventType": kind,
        "eventTime": iso_timestamp(at),
        "producer": PRODUCER,
        "schemaURL": schema,
        **fields,
    }


def _run_and_job(run: Run, step: str | None, run_facets: Facets, job_facets: Facets) -> dict[str, Any]:
    return {
        "run": {"runId": str(stable_id(run, step)), "facets": run_facets},
        "job": {**_named(run, step), "facets": job_facets},
        "inputs": [],
        "outputs": [],
    }


def _named(run: Run, step: str | None) -> dict[str, str]:
    pipeline = masked_text(run.pipeline or "unnamed")
    return {
        "namespace": NAMESPACE,
        "name": f"{pipeline}.{masked_text(step)}" if step is not None else pipeline,
    }


def _engine(run: Run) -> Facets:
    packages = next((event.fields.get("packages") for event in run.events_named("environment")), None)
    version = packages.get("osiris-inspect") if isinstance(packages, Mapping) else None
    if not isinstance(version, str):
        return {}
    values = {
        "version": masked_text(version),
        "name": "osiris-inspect",
        "openlineageAdapterVersion": __version__,
    }
    return {"processing_engine": _facet("1-1-1/ProcessingEngineRunFacet", values)}


def _failure(failure: StepFailure | None) -> Facets:
    if failure is None:
        return {}
    values = {"message": masked_text(failure.message), "programmingLanguage": "PYTHON"}
    if failure.traceback:
        values["stackTrace"] = masked_text(failure.traceback)
    return {"errorMessage": _facet("1-0-1/ErrorMessageRunFacet", values)}


def _tests(findings: Sequence[Finding]) -> Facets:
    """Return findings as failed tests."""
    return {"test": _facet("1-0-1/TestRunFacet", {"tests": list(map(_test, findings))})} if findings else {}


def _test(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.rule,
        "status": "fail",
        "severity": "error" if finding.severity is Severity.ERROR and not finding.in_baseline else "warn",
        "type": finding.domain,
        "description": masked_text(finding.message),
        "params": {
            "confidence": str(finding.confidence),
            "evidence": [masked_text(str(piece)) for piece in finding.evidence],
            **({"because": masked_text(finding.caused_by)} if finding.caused_by else {}),
        },
    }


def _sql(step: StepState) -> Facets:
    query = next(
        (step.config[key] for key in ("query", "sql") if isinstance(step.config.get(key), str)), None
    )
    if query is None:
        return {}
    values = {"query": masked_text(query)}
    family = (step.driver or "").partition(".")[0]
    return {"sql": _facet("1-1-0/SQLJobFacet", values | ({"dialect": masked_text(family)} if family else {}))}


def _job_type(kind: str) -> dict[str, Any]:
    values = {"processingType": "BATCH", "integration": "OSIRIS", "jobType": kind}
    return _facet("2-0-4/JobTypeJobFacet", values)


def _inputs(run: Run, step: StepState, edges: Sequence[Edge]) -> list[dict[str, Any]]:
    frames = [
        {**_frame(run, edge.producer), **_input_facets(edge)}
        for edge in edges
        if edge.location != "unresolved"
    ]
    return frames if step.is_writer or frames else _file(step)


def _input_facets(edge: Edge) -> Facets:
    if edge.rows_in is None:
        return {}
    values = _facet("1-0-0/InputStatisticsInputDatasetFacet", {"rowCount": edge.rows_in})
    return {"inputFacets": {"inputStatistics": values}}


def _outputs(run: Run, step: StepState) -> list[dict[str, Any]]:
    if step.status != "succeeded":
        return []
    if step.is_writer:
        return [{**file, **_output_facets(step, None)} for file in _file(step)]
    stored = next(iter(run.events_named("output_stored", step=step.id)), None)
    fields = stored.fields if stored is not None else {}
    facets = _schema(fields) | _storage(step)
    size = finite_number(fields.get("spill_bytes")) or finite_number(fields.get("memory_bytes"))
    return [{**_frame(run, step.id), "facets": facets, **_output_facets(step, size)}]


def _frame(run: Run, step: str) -> dict[str, Any]:
    return {
        "namespace": NAMESPACE,
        "name": f"{masked_text(run.pipeline or 'unnamed')}/{masked_text(step)}/df",
    }


def _file(step: StepState) -> list[dict[str, Any]]:
    path = step.config.get("path")
    return [{"namespace": "file", "name": masked_text(path)}] if isinstance(path, str) and path else []


def _output_facets(step: StepState, size: float | None) -> Facets:
    values = {"rowCount": step.rows_out, "size": int(size) if size is not None else None}
    known = {key: value for key, value in values.items() if value is not None}
    if not known:
        return {}
    return {"outputFacets": {"outputStatistics": _facet("1-0-2/OutputStatisticsOutputDatasetFacet", known)}}


def _schema(fields: Mapping[str, Any]) -> Facets:
    columns, types = fields.get("columns"), fields.get("dtypes")
    if not isinstance(columns, list):
        return {}
    types = types if isinstance(types, list) and len(types) == len(columns) else [None] * len(columns)
    values = [
        {"name": masked_text(str(column)), **({"type": masked_text(str(kind))} if kind is not None else {})}
        for column, kind in zip(columns, types, strict=True)
    ]
    return {"schema": _facet("1-2-0/SchemaDatasetFacet", {"fields": values})}


def _storage(step: StepState) -> Facets:
    if step.storage not in ("memory", "spill"):
        return {}
    values = {"storageLayer": step.storage, **({"fileFormat": "parquet"} if step.storage == "spill" else {})}
    return {"storage": _facet("1-0-1/StorageDatasetFacet", values)}


def _facet(schema: str, values: Mapping[str, Any]) -> dict[str, Any]:
    name = schema.rpartition("/")[2]
    return {"_producer": PRODUCER, "_schemaURL": f"{SPEC}/facets/{schema}.json#/$defs/{name}", **values}
