"""No value that stands as a secret in the configuration of a run occurs in anything that is said of that run."""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import CIContext, format_names, get_renderer
from osiris_inspect.inspector.export.assistant_context import build_context
from osiris_inspect.inspector.export.lineage import build_diagram, dot, mermaid
from osiris_inspect.inspector.export.lineage import json as graph_json
from osiris_inspect.inspector.export.lineage import text as graph_text
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text.event_lines import EventLines, format_json, format_raw, format_text
from osiris_inspect.inspector.why import explain_step
from osiris_inspect.inspector.why.json import document
from osiris_inspect.inspector.why.text import lines
from osiris_inspect.model import redaction as redact
from tests.inspector.accuracy import CORPUS
from tests.inspector.test_event_lines import block_of

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="the labelled runs of the original are not on this machine"
)
_SHORTEST = 6
"""Shorter values are words that stand in any log."""
_OF_URL = re.compile(r"[a-z+]{2,20}://[^\s:/@]{0,80}:([^\s@/]{1,200})@")


def secrets() -> set[str]:
    """The throw-away secrets of all runs, as they stand in the files of their configurations."""
    found = {"plainpass9", "sig-FAKE-service-role"}
    for file in CORPUS.rglob("*.json"):
        if "cfg" in file.parts or file.name in ("cleaned_config.json", "commands.jsonl"):
            found |= set(_in_value(json.loads(file.read_text())))
    return {value for value in found if len(value) >= _SHORTEST}


def _in_value(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _in_value(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _in_value(item, key)
    elif isinstance(value, str):
        yield from _OF_URL.findall(value)
        shown = value.strip("*") and not value.startswith(("${", "@", "***"))
        if redact.is_secret_key(key) and shown and "://" not in value:
            yield value


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    return [analyze(run) for run in find_runs(CORPUS)]


def test_there_are_secrets_to_be_looked_for() -> None:
    assert len(secrets()) >= 2


@pytest.mark.parametrize("format_", format_names())
def test_in_no_format_of_a_report(reports: list[Report], format_: str) -> None:
    out = io.StringIO()
    get_renderer(format_)(reports, out, ci=CIContext(token="a word nobody can guess"))
    _assert_clean(out.getvalue(), format_)


def test_in_no_answer_to_why(reports: list[Report]) -> None:
    for told in reports:
        for step in told.run.steps:
            why = explain_step(told, step.id)
            _assert_clean("\n".join(lines(why)), f"{told.run.path}: why {step.id}")
            _assert_clean(
                json.dumps(document(why), ensure_ascii=False), f"{told.run.path}: why {step.id}, json"
            )


def test_in_no_picture(reports: list[Report]) -> None:
    for told in reports:
        graph = build_diagram(told)
        drawn = (graph_text.lines(graph), mermaid.lines(graph), dot.lines(graph), graph_json.lines(graph))
        _assert_clean("\n".join(line for form in drawn for line in form), str(told.run.path))


@pytest.mark.parametrize("form", [format_raw, format_json, format_text])
def test_in_no_form_of_events(form: Callable[[EventLines], str | bytes]) -> None:
    for log in CORPUS.rglob("events.jsonl"):
        shown = form(block_of(log.read_bytes().split(b"\n")))
        _assert_clean(shown if isinstance(shown, str) else shown.decode("utf-8", "replace"), log)


def test_in_no_pack(reports: list[Report]) -> None:
    for told in reports:
        _assert_clean(build_context(told, 50_000), str(told.run.path))


def test_in_no_finding_that_explain_shows(reports: list[Report]) -> None:
    from osiris_inspect.inspector.text.sanitize import one_line

    for told in reports:
        for finding in told.findings:
            shown = " ".join(
                one_line(text)
                for text in (finding.message, finding.fix or "", *(piece.quote for piece in finding.evidence))
            )
            _assert_clean(shown, f"{told.run.path}: {finding.id}")


def test_quotes_need_no_mask(reports: list[Report]) -> None:
    for told in reports:
        for finding in told.findings:
            for piece in finding.evidence:
                _assert_clean(piece.quote, f"{told.run.path}: {finding.id}")


_SECRETS: set[str] = secrets() if CORPUS.exists() else set()


def _assert_clean(text: str, where: Path | str) -> None:
    shown = [secret for secret in _SECRETS if secret in text]
    assert not shown, where
