"""Every format of every run that real programs of other hands have left."""

import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import CIContext, format_names, get_renderer
from osiris_inspect.inspector.files.find_runs import find_runs
from tests.inspector.export import runner
from tests.inspector.export.test_readers import check_chrome_trace, check_otlp, read_openlineage
from tests.samples import ROOT

CORPUS = ROOT.parent / "shared" / "corpus"
pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of runs lies beside the project, and is not here"
)


def cases() -> list[Path]:
    return sorted(path for path in CORPUS.iterdir() if path.is_dir()) if CORPUS.is_dir() else []


@pytest.mark.parametrize("case", cases(), ids=lambda path: path.name)
def test_every_format_is_written_and_read(case: Path) -> None:
    reports = [analyze(run) for run in find_runs(case)]
    told = {}
    for name in format_names():
        out = io.StringIO()
        get_renderer(name)(reports, out, ci=CIContext(token="0123456789abcdef"))
        told[name] = out.getvalue()
    assert len(runner.of_github(told["github"])) == sum(len(found.findings) for found in reports)
    assert {command.name for command in runner.of_azure(told["azure"])} <= {"task.logissue"}
    for name in ("gitlab", "json", "sarif"):
        json.loads(told[name])
    check_chrome_trace(json.loads(told["chrome-trace"]))
    check_otlp(json.loads(told["otlp"]))
    read_openlineage(told["openlineage"])
    ET.fromstring(told["junit"])
