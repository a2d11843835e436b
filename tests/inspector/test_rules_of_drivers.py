"""What the rules about drivers, configuration and workers say of errors, and what they advise."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Finding
from tests.inspector.making import run_dir, worker


def report_of(tmp_path: Path, error: str, config: Mapping[str, Any] | None = None, **fields: Any) -> Report:
    """The report of a worker's run whose first step fails with an error."""
    driver = fields.pop("driver", "demo.extractor")
    lines = [
        *fields.pop("before", ()),
        worker("step_start", 1, step_id="extract", driver=driver),
        worker("step_failed", 2, step_id="extract", driver=driver, error=error, **fields),
        worker("cleanup_complete", 3),
    ]
    files = {} if config is None else {"cfg/extract.json": dict(config)}
    return analyze(run_dir(tmp_path, lines, steps=[("extract", driver, [])], files=files))


def cause_of(tmp_path: Path, error: str, config: Mapping[str, Any] | None = None, **fields: Any) -> Finding:
    """The root cause of such a run."""
    cause = report_of(tmp_path, error, config, **fields).root_cause
    assert cause is not None
    return cause


UTF8 = "'utf-8' codec can't decode byte {} in position {}: invalid start byte"
BYTES = [
    (UTF8.format("0xff", 0), "in.csv", "UTF-16 byte order mark", "utf-16", "high"),
    (UTF8.format("0xfe", 0), "in.csv", "UTF-16 byte order mark", "utf-16", "high"),
    (UTF8.format("0x8b", 1), "in.csv", "begins like a gzip archive", "decompress", "high"),
    (UTF8.format("0xb5", 1), "in.csv", "begins like a Zstandard archive", "decompress", "high"),
    (UTF8.format("0x87", 10), "in.zip", "is a zip archive", "decompress", "high"),
    (UTF8.format("0x87", 14), "in.xlsx", "is an Excel workbook", "export", "high"),
    (UTF8.format("0xd0", 0), "in.csv", "old Excel workbook", "export", "medium"),
    (UTF8.format("0xe9", 12), "in.csv", "is not UTF-8 text", "find out which encoding", "medium"),
    ("'ascii' codec can't decode byte 0xc3 in position 3: ordinal not in range(128)", "in.csv", "not text in the", "utf-8", "medium"),
    ("'utf-8' codec can't decode byte 0xc3 in position 88: unexpected end of data", "in.csv", "truncated", "complete", "medium"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "path", "words", "remedy", "confidence"), BYTES)
def test_rejected_byte_says_what_the_file_is(
    tmp_path: Path, error: str, path: str, words: str, remedy: str, confidence: str
) -> None:
    cause = cause_of(tmp_path, error, {"path": path})
    assert (cause.rule, str(cause.confidence)) == ("encoding-wrong", confidence)
    assert words in cause.message
    assert remedy in (cause.fix or "")
    assert "latin" not in (cause.fix or "")


def test_bytes_of_a_database_are_not_a_file(tmp_path: Path) -> None:
    cause = cause_of(tmp_path, UTF8.format("0xff", 0), {"query": "SELECT 1"})
    assert "the database returned text" in cause.message
    assert "UTF-16" not in cause.message


def traceback_of(source: str, *, file: str = "/srv/app/drivers.py", key: str = "limit") -> str:
    return f"Traceback (most recent call last):\n  File \"{file}\", line 9, in run\n    {source}\nKeyError: '{key}'\n"


KEYS = [
    ('rows = config["limit"]', "high"),
    ("rows = self.cfg['source']['limit']", "high"),
    ('return d.head(c["limit"])', "medium"),
]


@pytest.mark.parametrize(("source", "confidence"), KEYS)
def test_key_of_a_plain_mapping_is_of_the_configuration(tmp_path: Path, source: str, confidence: str) -> None:
    cause = cause_of(
        tmp_path, "'limit'", {"path": "x"}, error_type="KeyError", traceback=traceback_of(source)
    )
    assert (cause.rule, str(cause.confidence)) == ("config-value-missing", confidence)
    assert "add 'limit' to the config" in (cause.fix or "")


NOT_CONFIGURATION = [
    ('total += row["limit"]', "/srv/app/drivers.py"),
    ('df = inputs["limit"]', "/srv/app/drivers.py"),
    ("return self._engine.get_loc(key)", "/opt/lib/site-packages/pandas/core/indexes/base.py"),
]


@pytest.mark.parametrize(("source", "file"), NOT_CONFIGURATION)
def test_key_of_data_is_not_of_the_configuration(tmp_path: Path, source: str, file: str) -> None:
    report = report_of(
        tmp_path, "'limit'", {"path": "x"}, error_type="KeyError", traceback=traceback_of(source, file=file)
    )
    assert "config-value-missing" not in {finding.rule for finding in report.findings}


def test_key_that_the_configuration_has_is_not_missing(tmp_path: Path) -> None:
    report = report_of(
        tmp_path,
        "'limit'",
        {"limit": 3},
        error_type="KeyError",
        traceback=traceback_of('x = config["limit"]'),
    )
    assert "config-value-missing" not in {finding.rule for finding in report.findings}
