import pickle
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis import report_spool
from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.analysis.report_spool import ReportSpool, map_reports
from osiris_inspect.inspector.event_log import open_large_log
from osiris_inspect.inspector.run.min_confidence import with_min_confidence
from tests.inspector.making import CHAIN, failing_locally, run_dir
from tests.samples import runs


@pytest.fixture(params=[-1, 1 << 40], ids=["indexed", "decoded"])
def spool(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReportSpool:
    monkeypatch.setattr(open_large_log, "LARGE_LOG_BYTES", request.param)
    monkeypatch.setattr(report_spool, "MAX_IN_MEMORY", 1)
    reports = ReportSpool()
    for number in range(4):
        lines = failing_locally(f"Connection refused: {number}")
        reports.add(analyze(run_dir(tmp_path, lines, steps=CHAIN, name=f"run_{1759170586030 + number}")))
    return reports


def test_reports_in_a_file_are_as_those_in_memory(spool: ReportSpool) -> None:
    assert [report.run.id[-1] for report in spool] == ["0", "1", "2", "3"]
    for report in spool:
        again = analyze(report.run.path)
        assert report.findings == again.findings
        assert report.run.steps == again.run.steps
        assert list(report.run.events) == list(again.run.events)


def test_reports_are_a_sequence(spool: ReportSpool) -> None:
    assert len(spool) == 4
    assert spool[-1].run.id == spool[3].run.id
    assert [report.run.id for report in spool[1:3]] == [spool[1].run.id, spool[2].run.id]
    with pytest.raises(IndexError):
        spool[4]


def test_mapped_reports_are_changed_when_read(spool: ReportSpool) -> None:
    mapped = map_reports(spool, lambda report: with_min_confidence(report, "high"))
    assert all(finding.confidence == "high" for report in mapped for finding in report.findings)
    assert len(mapped) == len(spool)


def test_report_of_each_sample_can_be_kept_in_a_file() -> None:
    for run in runs():
        report = analyze(run)
        assert pickle.loads(pickle.dumps(report)).findings == report.findings
