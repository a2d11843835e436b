"""Fingerprints, the baseline, and what is left out by confidence."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml

from osiris_inspect.inspector.project import baseline
from osiris_inspect.inspector.run.min_confidence import with_min_confidence
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.finding import (
    Confidence,
    Evidence,
    Finding,
    Severity,
    fingerprint,
    message_template,
)
from tests.inspector.export import runner
from tests.inspector.export.accept import rendered, told
from tests.samples import runs

FINDING = Finding(
    rule="rows-lost",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    domain="data",
    message="14 rows of 20 were lost",
    evidence=(Evidence("events.jsonl", 3, "rows"),),
    step="stats",
)


@pytest.fixture
def failed() -> Report:
    (run,) = [run for run in runs() if run.parent.name == "missing_input"]
    return told(run)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("14 rows of 20", "3 rows of 1,000,000"),
        ("run_1759170586030 ended", "run_1795330493551 ended"),
        ("file '/tmp/a81/x.csv' is missing", "file '/var/b/x.csv' is missing"),
        ("id 6f1c2b3a-0000-4a6e-9d0c-aabbccddeeff", "id 11111111-2222-3333-4444-555555555555"),
        ("hash 3f06e80036856c28", "hash deadbeef00112233"),
        ("after 1.5 s", "after 20 s"),
        ("a  b\nc", "a b c"),
    ],
)
def test_what_differs_from_run_to_run_is_not_in_a_template(one: str, other: str) -> None:
    assert message_template(one) == message_template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("column 'a' is missing", "column 'b' is missing"),
        ("file '/x/a.csv'", "file '/x/b.csv'"),
        ("feedback", "defaced"),
    ],
)
def test_what_names_a_thing_stays_in_a_template(one: str, other: str) -> None:
    assert message_template(one) != message_template(other)


@given(st.text())
def test_a_template_of_a_template_is_itself(text: str) -> None:
    assert message_template(message_template(text)) == message_template(text)


def replace_line(evidence: Evidence) -> Evidence:
    return evidence._replace(file="x", line=evidence.line + 1)


def test_fingerprint_depends_on_rule_pipeline_step_and_quoted_line() -> None:
    own = fingerprint(FINDING, "p")
    same = replace(
        FINDING,
        message="the words of the rule are better now",
        evidence=(replace_line(FINDING.evidence[0]),),
        caused_by="z",
        in_baseline=True,
    )
    assert fingerprint(same, "p") == own
    others = [
        fingerprint(FINDING, "q"),
        fingerprint(FINDING, None),
        *(
            fingerprint(replace(FINDING, **change), "p")
            for change in ({"rule": "r"}, {"step": None}, {"evidence": (Evidence("x", 9, "another line"),)})
        ),
    ]
    assert len({own, *others}) == 6


def test_the_same_fingerprint_stands_in_every_format_that_has_one(failed: Report) -> None:
    sarif = json.loads(rendered("sarif", failed))["runs"][0]["results"]
    gitlab = json.loads(rendered("gitlab", failed))
    ours = json.loads(rendered("json", failed))["runs"][0]["findings"]
    own = {fingerprint(finding, failed.run.pipeline) for finding in failed.findings}
    assert {one["partialFingerprints"]["osirisInspect/v1"] for one in sarif} == own
    assert {one["fingerprint"] for one in gitlab} == own
    assert {one["fingerprint"] for one in ours} == own


def test_a_finding_that_several_runs_share_is_one_entry_of_gitlab(failed: Report) -> None:
    entries = json.loads(rendered("gitlab", failed, failed))
    assert len(entries) == len(failed.findings)
    assert all(entry["description"].endswith("(in 2 runs)") for entry in entries)


def test_what_was_written_is_read_and_knows_everything(failed: Report) -> None:
    entries = baseline.load(baseline.dump(baseline.baseline_of([failed])).encode(), "b.json")
    assert entries == baseline.baseline_of([failed])
    marked = baseline.mark_known(failed, entries)
    assert all(finding.in_baseline for finding in marked.findings)
    assert baseline.fixed_entries([failed], entries) == []


def test_a_baseline_is_the_same_in_whatever_order_the_runs_come() -> None:
    found = [told(run) for run in runs()]
    assert baseline.dump(baseline.baseline_of(found)) == baseline.dump(baseline.baseline_of(found[::-1]))


def test_what_is_no_longer_found_is_named_for_the_pipelines_that_were_read(failed: Report) -> None:
    mended = replace(failed, findings=failed.findings[1:])
    entries = baseline.baseline_of([failed])
    assert [entry.rule for entry in baseline.fixed_entries([mended], entries)] == [failed.findings[0].rule]
    elsewhere = replace(mended, run=replace(mended.run, pipeline="other"))
    assert baseline.fixed_entries([elsewhere], entries) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"schema_version":2,"findings":[]}', b'{"schema_version":1}',
     b'{"schema_version":1,"findings":[1]}', b'{"schema_version":1,"findings":[{"fingerprint":"a"}]}', b"\xff"],
)  # fmt: skip
def test_a_file_that_is_no_baseline_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(SettingsError, match=r"'b\.json'"):
        baseline.load(content, "b.json")


def test_known_findings_are_shown_quietly_and_fail_nothing(failed: Report) -> None:
    marked = baseline.mark_known(failed, baseline.baseline_of([failed]))
    assert {command.name for command in runner.of_github(rendered("github", marked))} == {"notice"}
    assert runner.of_azure(rendered("azure", marked)) == []
    (suite,) = JUnitXml.fromstring(rendered("junit", marked).encode())
    assert (suite.failures, suite.errors) == (0, 0)
    sarif = json.loads(rendered("sarif", marked))["runs"][0]["results"]
    assert {(one["level"], one["baselineState"]) for one in sarif} == {("note", "unchanged")}
    assert "[input-key-wrong, high, known]" in rendered("text", marked)
    for format_ in ("markdown", "html", "gitlab"):
        assert "known" in rendered(format_, marked)


def test_a_finding_less_sure_than_asked_for_is_left_out_and_what_it_explained_stands_for_itself(
    failed: Report,
) -> None:
    cause, consequence = failed.findings
    unsure = replace(failed, findings=(replace(cause, confidence=Confidence.LOW), consequence))
    (left,) = with_min_confidence(unsure, "medium").findings
    assert (left.rule, left.caused_by) == (consequence.rule, None)
    assert with_min_confidence(unsure, "low") == unsure
