"""Chains of exceptions, classes with other words, and words of other libraries: which of them names the cause."""

from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Finding
from tests.inspector.making import native, run_dir

PACKAGES = "/usr/lib/python3.11/site-packages"


def report_of(
    folder: Path, kind: str, text: str, *causes: str, driver: str = "acme.extractor", trace: str = ""
) -> Report:
    """A native run whose only step fails with an exception and the chain that led to it."""
    fields: dict[str, Any] = {"error": text, "error_type": kind, "driver": driver}
    fields |= {"traceback": trace} if trace else {}
    if causes:
        fields["causes"] = [
            dict(zip(("type", "message"), cause.split(": ", 1), strict=True)) for cause in causes
        ]
    lines = [
        native("run_start", 0),
        native("step_start", 1, step_id="load", driver=driver),
        native("step_failed", 2, step_id="load", **fields),
        native("run_end", 3),
    ]
    return analyze(run_dir(folder, lines, steps=[("load", driver, [])]))


def cause_of(
    folder: Path, kind: str, text: str, *causes: str, driver: str = "acme.extractor", trace: str = ""
) -> Finding:
    """The root cause of such a run."""
    cause = report_of(folder, kind, text, *causes, driver=driver, trace=trace).root_cause
    assert cause is not None
    return cause


def test_lookup_inside_package_does_not_hide_error(tmp_path: Path) -> None:
    inner = (
        f"FileNotFoundError: [Errno 2] No such file or directory: '{PACKAGES}/tzdata/zoneinfo/Europe/Pragu'"
    )
    cause = cause_of(tmp_path, "ZoneInfoNotFoundError", "'No time zone found with key Europe/Pragu'", inner)
    assert (cause.rule, cause.confidence) == ("time-zone-wrong", "high")
    assert "install" not in (cause.fix or "")


def test_outer_error_precedes_missing_package_of_lookup(tmp_path: Path) -> None:
    inner = "ModuleNotFoundError: No module named 'tzdata'"
    cause = cause_of(tmp_path, "ZoneInfoNotFoundError", "'No time zone found with key Europe/Pragu'", inner)
    assert cause.rule == "time-zone-wrong"
    assert "tzdata" in (cause.fix or "")


@pytest.mark.parametrize("inner", ["ModuleNotFoundError: No module named 'tzdata'", ""])
def test_unknown_zone_is_one_finding(tmp_path: Path, inner: str) -> None:
    text = "'No time zone found with key CEST'"
    report = report_of(tmp_path, "ZoneInfoNotFoundError", text, *filter(None, [inner]))
    assert {finding.rule for finding in report.findings} == {"time-zone-wrong"}


def test_file_of_package_is_not_file_of_user(tmp_path: Path) -> None:
    text = f"[Errno 2] No such file or directory: '{PACKAGES}/geo/data/borders.json'"
    cause = cause_of(tmp_path, "FileNotFoundError", text)
    assert (cause.rule, cause.confidence) == ("file-missing", "medium")
    assert "installed package" in cause.message
    assert "create the file" not in (cause.fix or "")


def test_inner_cause_is_read_below_wrapper(tmp_path: Path) -> None:
    inner = "FileNotFoundError: [Errno 2] No such file or directory: '/srv/in/a.csv'"
    cause = cause_of(tmp_path, "RuntimeError", "the load did not work", inner)
    assert (cause.rule, cause.confidence) == ("file-missing", "high")


# class, text, rule, confidence, words that must not appear
WORDS_OVER_CLASS = [
    ("DefaultCredentialsError", "File /srv/secrets/etl-sa.json was not found.", "file-missing", "high", "no credentials"),
    ("DefaultCredentialsError", "Your default credentials were not found. To set up Application Default Credentials, see x", "authentication-failed", "high", "file"),
    ("DefaultCredentialsError", "The file /srv/sa.json does not have a valid type. Type is None, expected one of ('authorized_user', 'service_account').", "config-value-invalid", "high", "no credentials"),
    ("PermissionError", "tenant 7 may not be exported", "permission-denied", "medium", "the operating system denied"),
    ("PermissionError", "[Errno 13] Permission denied: '/srv/out/a.csv'", "permission-denied", "high", "service"),
    ("ReadError", "not a gzip file", "unexplained-failure", "low", "connection"),
    ("ReadError", "[Errno 104] Connection reset by peer", "connection-lost", "high", "file"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "rule", "confidence", "wrong"), WORDS_OVER_CLASS)
def test_words_decide_over_class(
    tmp_path: Path, kind: str, text: str, rule: str, confidence: str, wrong: str
) -> None:
    cause = cause_of(tmp_path, kind, text)
    assert (cause.rule, cause.confidence) == (rule, confidence), cause.message
    assert wrong not in cause.message.rpartition("\N{EM DASH}")[2]


@pytest.mark.parametrize(
    ("kind", "text", "is_query"),
    [
        ("InvalidSchemaName", 'schema "np" does not exist\nLINE 1: INSERT INTO a VALUES (np.float64(1.5))', True),
        ("InvalidDocument", "Invalid document: cannot encode object: np.int64(1), of type: <class 'numpy.int64'>", False),
        ("ProgrammingError", "(pymysql.err.ProgrammingError) (1305, 'FUNCTION np.float64 does not exist')", True),
        ("ValidationError", "1 validation error for O\nid\n  Input should be a valid string [type=string_type, input_value=np.int64(1), input_type=int64]", False),
        ("RuntimeError", "column total has the value np.float64(-5.0), which is negative", False),
    ],
)  # fmt: skip
def test_numpy_value_is_in_query_of_database_only(
    tmp_path: Path, kind: str, text: str, is_query: bool
) -> None:
    cause = cause_of(tmp_path, kind, text)
    assert ("part of the query" in cause.message) == is_query, cause.message


@pytest.mark.parametrize(
    ("driver", "trace", "rule", "confidence"),
    [
        ("acme.reader", f'Traceback (most recent call last):\n  File "{PACKAGES}/pymysql/connections.py", line 337, in __init__\n    self.encoding = charset_by_name(self.charset).encoding\nAttributeError: x\n', "config-value-invalid", "high"),
        ("mysql.extractor", "", "config-value-invalid", "medium"),
        ("acme.reader", "", "driver-raised", "medium"),
    ],
)  # fmt: skip
def test_unknown_character_set_is_fault_of_setting(
    tmp_path: Path, driver: str, trace: str, rule: str, confidence: str
) -> None:
    text = "'NoneType' object has no attribute 'encoding'"
    cause = cause_of(tmp_path, "AttributeError", text, driver=driver, trace=trace)
    assert (cause.rule, cause.confidence) == (rule, confidence)
    assert ("utf8mb4" in (cause.fix or "")) == (rule == "config-value-invalid")


@pytest.mark.parametrize(
    "reason",
    ["{}", "", " None", "[]", "''", "{}.", "{'message': None, 'code': None, 'hint': '', 'details': None}"],
)
def test_write_without_reason_is_low(tmp_path: Path, reason: str) -> None:
    text = f"Supabase write failed: Batch write failed after retry: {reason}".rstrip()
    cause = cause_of(tmp_path, "RuntimeError", text, driver="supabase.writer")
    assert (cause.rule, cause.confidence) == ("write-failed", "low"), cause.message
    assert "no reason" in cause.message


def test_write_with_unknown_reason_is_medium(tmp_path: Path) -> None:
    text = "Batch write failed after retry: the batch has the wrong colour"
    cause = cause_of(tmp_path, "RuntimeError", text, driver="supabase.writer")
    assert (cause.rule, cause.confidence) == ("write-failed", "medium")


def test_first_cause_stays_in_headline_of_unexplained_error(tmp_path: Path) -> None:
    inner = "CannotCoerce: Column `id` of table `orders` got NULL from tenant 7"
    text = (
        f"The pipeline stopped. {'Read the guide. ' * 30}{inner.partition(': ')[2]}. {'Ask for help. ' * 30}"
    )
    assert "`id` of table `orders`" in cause_of(tmp_path, "StepFailed", text, inner).message
    assert (
        "`id` of table `orders`"
        in cause_of(tmp_path / "b", "StepFailed", "the pipeline stopped", inner).message
    )


def test_connection_ended_at_greeting_points_to_port(tmp_path: Path) -> None:
    text = "(2013, \"Lost connection to MySQL server at 'reading initial communication packet', system error: 104\")"
    cause = cause_of(tmp_path, "OperationalError", text)
    assert cause.rule == "connection-lost"
    assert "port" in (cause.fix or "")


def test_certificates_of_package_are_not_a_setting(tmp_path: Path) -> None:
    text = f"Could not find a suitable TLS CA certificate bundle, invalid path: {PACKAGES}/certifi/cacert.pem"
    assert "REQUESTS_CA_BUNDLE" not in (cause_of(tmp_path, "OSError", text).fix or "")
