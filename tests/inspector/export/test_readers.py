"""Programs that others wrote read what we write: SARIF, JUnit, OpenLineage; for the rest the rules of their readers."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints
from urllib.parse import unquote
from uuid import UUID
from xml.etree import ElementTree as ET

import attr
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from openlineage.client.generated import (
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    sql_job,
    storage_dataset,
    test_run,
)
from openlineage.client.generated.base import EventType, InputDataset, Job, OutputDataset, Run, RunEvent
from sarif_pydantic import Sarif

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.timeline import run_phases
from tests.inspector.export.accept import rendered, told
from tests.inspector.export.hostile import NAMES, TEXTS, report_of
from tests.samples import ROOT, runs

SAMPLES = {run.parent.name: run for run in runs()}
EACH = pytest.mark.parametrize("story", sorted(SAMPLES))
FACETS = {
    "parent": parent_run.ParentRunFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
    "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
    "test": test_run.TestRunFacet,
    "jobType": job_type_job.JobTypeJobFacet,
    "sql": sql_job.SQLJobFacet,
    "schema": schema_dataset.SchemaDatasetFacet,
    "storage": storage_dataset.StorageDatasetFacet,
    "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}


def sample(story: str) -> Report:
    return told(SAMPLES[story])


# --- SARIF


@pytest.mark.parametrize("name", NAMES)
def test_sarif_of_a_hostile_run_is_read(name: str, tmp_path: Path) -> None:
    read_sarif(report_of(TEXTS[name], tmp_path))


@EACH
def test_sarif_is_read_and_each_result_has_its_place_rule_and_flow(story: str) -> None:
    found = sample(story)
    document = read_sarif(found)
    (run,) = document["runs"]
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"].count("\n") > 3
        assert re.fullmatch("[0-9a-f]{32}", result["partialFingerprints"]["osirisInspect/v1"])
        (place,) = result["locations"]
        assert not unquote(place["physicalLocation"]["artifactLocation"]["uri"]).startswith("/")
        for step in result["codeFlows"][0]["threadFlows"][0]["locations"]:
            place = step["location"]["physicalLocation"]
            lines = (ROOT / unquote(place["artifactLocation"]["uri"])).read_text().splitlines()
            assert place["region"]["snippet"]["text"][:60] in lines[place["region"]["startLine"] - 1]


def read_sarif(found: Report) -> Any:
    text = rendered("sarif", found)
    read = Sarif.model_validate_json(text)
    assert sum(len(run.results or ()) for run in read.runs) == len(found.findings)
    return json.loads(text)


def test_several_runs_are_one_run_of_sarif() -> None:
    document = json.loads(rendered("sarif", *map(sample, SAMPLES)))
    assert len(document["runs"]) == 1


# --- JUnit


def check_for_jenkins(text: str) -> ET.Element:
    """The rules of the strict schema that Jenkins' xUnit plugin has for JUnit."""
    allowed = {
        "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
        "testsuite": (
            {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id",
             "package", "file", "log", "url"},
            {"testsuite", "properties", "testcase", "system-out", "system-err"},
        ),
        "properties": (set(), {"property"}),
        "property": ({"name", "value"}, set()),
        "testcase": (
            {"name", "time", "classname", "group"},
            {"skipped", "error", "failure", "system-out", "system-err"},
        ),
        "skipped": ({"type", "message"}, set()),
        "error": ({"type", "message"}, set()),
        "failure": ({"type", "message"}, set()),
        "system-out": (set(), set()),
    }  # fmt: skip
    required = {
        "testsuite": {"name", "tests", "failures", "errors"},
        "testcase": {"name"},
        "property": {"name", "value"},
    }
    root = ET.fromstring(text)
    for element in root.iter():
        attributes, children = allowed[element.tag]
        assert set(element.attrib) <= attributes, element.tag
        assert required.get(element.tag, set()) <= set(element.attrib), element.tag
        assert {child.tag for child in element} <= children, element.tag
        if "time" in element.attrib:
            assert re.fullmatch(r"\d+\.\d{3}", element.attrib["time"])
    for suite in root.iter("testsuite"):
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        for counted, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[counted]) == sum(case.find(tag) is not None for case in cases)
    return root


@pytest.mark.parametrize("name", NAMES)
def test_junit_of_a_hostile_run_is_read(name: str, tmp_path: Path) -> None:
    text = rendered("junit", report_of(TEXTS[name], tmp_path))
    check_for_jenkins(text)
    JUnitXml.fromstring(text.encode())


@EACH
def test_junit_is_read_and_fails_where_the_run_did(story: str) -> None:
    found = sample(story)
    text = rendered("junit", found)
    check_for_jenkins(text)
    (suite,) = JUnitXml.fromstring(text.encode())
    cases = {case.name: case for case in suite}
    assert set(cases) >= {step.id for step in found.run.steps}
    bad = [case for case in cases.values() if case.is_failure or case.is_error]
    assert bool(bad) == (found.run.status != "success")
    if found.root_cause is not None:
        (case,) = bad
        assert case.name == found.root_cause.step
        assert isinstance(case.result[0], Error if found.root_cause.domain == "infra" else Failure)


def test_a_consequence_is_skipped_and_names_its_cause() -> None:
    (suite,) = JUnitXml.fromstring(rendered("junit", sample("missing_input")).encode())
    results = {case.name: case.result for case in suite}
    assert [type(one) for one in results["write-stats"]] == [Skipped]
    assert results["write-stats"][0].message == "caused by input-key-wrong@compute-stats"


def test_no_two_cases_of_a_document_have_one_name() -> None:
    """GitLab shows the first of them alone."""
    document = JUnitXml.fromstring(rendered("junit", *map(sample, SAMPLES)).encode())
    names = Counter((case.classname, case.name) for suite in document for case in suite)
    assert set(names.values()) == {1}


def test_a_case_keeps_its_name_from_run_to_run() -> None:
    (suite,) = JUnitXml.fromstring(rendered("junit", sample("missing_input")).encode())
    assert {case.classname for case in suite} == {"director-stats"}


# --- OpenLineage


def read_openlineage(text: str) -> list[RunEvent]:
    return [_event(json.loads(line)) for line in text.splitlines()]


def _event(line: Mapping[str, Any]) -> RunEvent:
    """The official client's own classes refuse a key they do not know and check ids and times."""
    assert line["schemaURL"].endswith("/OpenLineage.json#/$defs/RunEvent")
    inputs = [InputDataset(**_with_facets(one, "facets", "inputFacets")) for one in line["inputs"]]
    outputs = [OutputDataset(**_with_facets(one, "facets", "outputFacets")) for one in line["outputs"]]
    return RunEvent(
        eventType=EventType(line["eventType"]),
        eventTime=line["eventTime"],
        run=Run(**_with_facets(line["run"], "facets")),
        job=Job(**_with_facets(line["job"], "facets")),
        producer=line["producer"],
        inputs=inputs,
        outputs=outputs,
    )


def _with_facets(value: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {
        key: {name: _facet(name, facet) for name, facet in item.items()} if key in keys else item
        for key, item in value.items()
    }


def _facet(name: str, facet: Mapping[str, Any]) -> Any:
    kind = FACETS[name]
    read = _read(kind, {key: value for key, value in facet.items() if not key.startswith("_")})
    assert facet["_schemaURL"] == read._schemaURL
    return read


def _read(kind: Any, value: Any) -> Any:
    """A value as the class that the client has for it, and what is in it likewise."""
    if isinstance(value, list):
        (inner,) = [one for one in get_args(kind) if one is not type(None)]
        return [_read(inner, item) for item in value]
    if not isinstance(value, Mapping) or not attr.has(kind):
        return value
    hints = get_type_hints(kind)
    return kind(**{key: _read(_some(hints[key]), item) for key, item in value.items()})


def _some(kind: Any) -> Any:
    kinds = [one for one in get_args(kind) if one is not type(None)]
    return kinds[0] if type(None) in get_args(kind) else kind


@pytest.mark.parametrize("name", NAMES)
def test_openlineage_of_a_hostile_run_is_read(name: str, tmp_path: Path) -> None:
    assert read_openlineage(rendered("openlineage", report_of(TEXTS[name], tmp_path)))


@EACH
def test_openlineage_is_read_and_each_step_starts_and_ends_once(story: str) -> None:
    found = sample(story)
    events = read_openlineage(rendered("openlineage", found))
    by_run: dict[str, list[EventType]] = {}
    for event in events:
        by_run.setdefault(event.run.runId, []).append(event.eventType)
    begun = [step for step in found.run.steps if step.status != "not_started"]
    assert len(by_run) == 1 + len(begun)
    for kinds in by_run.values():
        assert kinds[0] is EventType.START
        assert len(kinds) == 2
        assert kinds[1] in (EventType.COMPLETE, EventType.FAIL, EventType.ABORT)


def test_openlineage_joins_producer_and_consumer_by_the_name_of_the_frame() -> None:
    events = read_openlineage(rendered("openlineage", sample("all_spilled")))
    given = {one.name for event in events for one in event.outputs or () if one.namespace == "osiris"}
    taken = {one.name for event in events for one in event.inputs or () if one.namespace == "osiris"}
    assert taken
    assert taken <= given


def test_a_finding_is_a_test_that_failed() -> None:
    events = read_openlineage(rendered("openlineage", sample("missing_input")))
    (facet,) = [event.run.facets["test"] for event in events if "test" in event.run.facets]
    assert [(one.name, one.status, one.severity) for one in facet.tests] == [
        ("input-key-wrong", "fail", "error"),
        ("input-not-found", "fail", "error"),
    ]


# --- traces


@EACH
def test_chrome_trace_has_one_thread_a_step_and_both_ends_of_each_arrow(story: str) -> None:
    found = sample(story)
    check_chrome_trace(json.loads(rendered("chrome-trace", found)))
    events = json.loads(rendered("chrome-trace", found))["traceEvents"]
    named = [event["tid"] for event in events if event["name"] == "thread_name"]
    assert len(named) == len(set(named)) == len(found.run.steps) + bool(run_phases(found.run))


@pytest.mark.parametrize("name", NAMES)
def test_chrome_trace_of_a_hostile_run_has_its_shape(name: str, tmp_path: Path) -> None:
    check_chrome_trace(json.loads(rendered("chrome-trace", report_of(TEXTS[name], tmp_path))))


def check_chrome_trace(document: Any) -> None:
    wanted = {
        "M": {"args"},
        "X": {"ts", "dur"},
        "s": {"id", "ts"},
        "f": {"id", "ts", "bp"},
        "C": {"ts", "args"},
    }
    arrows: dict[str, list[str]] = {}
    for event in document["traceEvents"]:
        assert {"ph", "name", "pid", "tid"} | wanted[event["ph"]] <= set(event)
        assert all(isinstance(event[key], int) and event[key] >= 0 for key in ("ts", "dur") if key in event)
        if event["ph"] in "sf":
            arrows.setdefault(event["id"], []).append(event["ph"])
    assert all(ends == ["s", "f"] for ends in arrows.values())


@EACH
def test_otlp_follows_the_rules_of_its_json(story: str) -> None:
    check_otlp(json.loads(rendered("otlp", sample(story))))


@pytest.mark.parametrize("name", NAMES)
def test_otlp_of_a_hostile_run_follows_the_rules_of_its_json(name: str, tmp_path: Path) -> None:
    check_otlp(json.loads(rendered("otlp", report_of(TEXTS[name], tmp_path))))


def check_otlp(document: Any) -> None:
    for resource in document["resourceSpans"]:
        spans = resource["scopeSpans"][0]["spans"]
        ids = {span["spanId"] for span in spans}
        assert len(ids) == len(spans)
        for span in spans:
            assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
            assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
            assert span.get("parentSpanId", span["spanId"]) in ids
            assert 0 <= int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]) < 2**64
            assert span["status"]["code"] in (1, 2)
            assert {link["spanId"] for link in span.get("links", ())} <= ids
            for one in [
                *span["attributes"],
                *(pair for event in span["events"] for pair in event["attributes"]),
            ]:
                ((kind, value),) = one["value"].items()
                assert kind in ("stringValue", "intValue")
                assert isinstance(value, str)


def test_ids_of_a_run_are_the_same_each_time_and_uuids() -> None:
    first, second = (rendered("openlineage", sample("good_local")) for _ in range(2))
    assert first == second
    assert {UUID(json.loads(line)["run"]["runId"]).version for line in first.splitlines()} == {5}
