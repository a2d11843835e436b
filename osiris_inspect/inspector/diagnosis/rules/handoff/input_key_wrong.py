"""A step requested an output key that the upstream step does not have.

What it finds:
    An input whose key is not among the outputs of its producer, although the DataFrame exists.

Why it matters:
    The DataFrame was produced and stored; only the request is wrong.

How to fix:
    Request the key `df`.

Example:
    `Key 'data' not found in outputs from step 'extract-movies' (available: ['df', 'spilled'])`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.evidence.missing_input import failed_for_missing_input
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.log_phrases import UPSTREAM_KEY_MISSING, parse_key_list
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Evidence, Finding, Severity

NEEDS = ("steps",)
SEARCHES = ("text logs", "commands", "input_not_found")
EXPLAINS = ("input-not-found",)
TEMPLATE = FindingTemplate(Severity.ERROR, "config", "request the key 'df'")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps that requested a key that does not exist, although the frame does."""
    for line, match in matching_log_lines(run, UPSTREAM_KEY_MISSING):
        keys = parse_key_list(match["keys"])
        if {"df", "df_path"} & set(keys) and match["key"] not in keys:
            consumer = line.step or next(iter(lineage.downstream(match["step"])), None)
            yield _finding(consumer, match["key"], match["step"], line.evidence(match[0][:200]))
    for request in run.worker_requests:
        step = run.step(request.step)
        for name, reference in request.inputs.items():
            if reference.key not in ("df", "table") and step is not None and failed_for_missing_input(step):
                evidence = Evidence(request.file, request.line, name)
                yield _finding(request.step, reference.key, reference.from_step, evidence)
    for event in run.events_named("input_not_found"):
        producer, key = run.step(next(iter(event.upstream_steps), "")), event.fields.get("key")
        if isinstance(key, str) and key != "df" and producer is not None and producer.status == "succeeded":
            yield _finding(event.step, key, producer.id, event_evidence(event))


def _finding(consumer: str | None, key: str, producer: str, evidence: Evidence) -> Finding:
    message = f"requested {key!r} from step {producer!r}, whose DataFrame has the key 'df'"
    return TEMPLATE.finding(message, evidence, step=consumer)
