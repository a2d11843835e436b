"""Causes and remedies that the rules about drivers, configuration and workers report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Finding
from tests.inspector.making import failing_locally, local, native, run_dir, worker


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
    (UTF8.format("0xb5", 1), "in.csv", "begins like a Zstandard archive", "decompress", "medium"),
    (UTF8.format("0xe9", 40), "in.csv.gz", "is not UTF-8 text", "find out which encoding", "medium"),
    (UTF8.format("0x8b", 1), "in.csv.gz", "begins like a gzip archive", "decompress", "high"),
    (UTF8.format("0x87", 9), "in.parquet", "is a Parquet file", "export", "high"),
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


ANSWERS = [
    ('rows = answer["limit"]', "response in 'answer'"),
    ('rows = self.last_response["limit"]', "it may report an error"),
    ('rows = requests.get(url, timeout=9).json()["limit"]', "body of the response"),
    ('price = rates["limit"]', "'rates' contains"),
]


@pytest.mark.parametrize(("source", "remedy"), ANSWERS)
def test_key_of_an_answer_is_not_of_the_configuration(tmp_path: Path, source: str, remedy: str) -> None:
    config = {"url": "https://api.acme.org"}
    cause = cause_of(tmp_path, "'limit'", config, error_type="KeyError", traceback=traceback_of(source))
    assert (cause.rule, str(cause.confidence)) == ("driver-raised", "high")
    assert remedy in cause.fix
    assert "config" not in cause.fix + cause.message


def test_key_of_a_section_is_of_the_configuration(tmp_path: Path) -> None:
    config = {"source": {"url": "https://api.acme.org"}}
    text = traceback_of('rows = source["limit"]')
    cause = cause_of(tmp_path, "'limit'", config, error_type="KeyError", traceback=text)
    assert (cause.rule, str(cause.confidence)) == ("config-value-missing", "high")


CUT = "'utf-8' codec can't decode byte 0xc3 in position 39: unexpected end of data"
INVALID = "'utf-8' codec can't decode byte 0xe9 in position 12: invalid continuation byte"
DECODED = [
    (CUT, "note = raw[:40].decode()", {"path": "in.csv"}, "cut the text after"),
    (CUT, 'note = chunk.decode("utf-8")', {"url": "https://a.org"}, "cut the text after"),
    (CUT, "note = str(chunk, 'utf-8')", {}, "cut the text after"),
    (INVALID, "text = response.content.decode()", {"url": "https://a.org"}, "Content-Type"),
]
READ = [
    (CUT, 'text = raw.decode("utf-8")', {"path": "in.csv"}, "file 'in.csv' ends in the middle"),
    (CUT, "for line in stream:", {}, "the input ends in the middle"),
    (UTF8.format("0x8b", 1), "text = response.content.decode()", {}, "gzip"),
]


def decoding(folder: Path, error: str, source: str, config: Mapping[str, Any]) -> Finding:
    """The root cause of a run whose driver decoded bytes in a line."""
    text = traceback_of(source).replace("KeyError: 'limit'", f"UnicodeDecodeError: {error}")
    return cause_of(folder, error, config, error_type="UnicodeDecodeError", traceback=text)


@pytest.mark.parametrize(("error", "source", "config", "remedy"), DECODED)
def test_bytes_that_a_driver_decoded_are_not_a_file(
    tmp_path: Path, error: str, source: str, config: Mapping[str, Any], remedy: str
) -> None:
    cause = decoding(tmp_path, error, source, config)
    assert (cause.rule, str(cause.confidence)) == ("encoding-wrong", "high")
    assert remedy in cause.fix
    assert "file" not in cause.fix + cause.message
    assert "Windows" not in cause.fix


@pytest.mark.parametrize(("error", "source", "config", "words"), READ)
def test_bytes_of_a_file_or_archive_are_named(
    tmp_path: Path, error: str, source: str, config: Mapping[str, Any], words: str
) -> None:
    assert words in decoding(tmp_path, error, source, config).message


def test_key_that_the_configuration_has_is_not_missing(tmp_path: Path) -> None:
    report = report_of(
        tmp_path,
        "'limit'",
        {"limit": 3},
        error_type="KeyError",
        traceback=traceback_of('x = config["limit"]'),
    )
    assert "config-value-missing" not in {finding.rule for finding in report.findings}


def failing_downstream(tmp_path: Path, error: str, delimiter: str) -> Report:
    """The report of a local run in which a query misses a column of a file."""
    steps = [("load", "filesystem.csv_extractor", []), ("calc", "duckdb.processor", ["load"])]
    lines = [
        local("adapter_selected", adapter="local"),
        local("step_start", 1, step_id="load", driver="filesystem.csv_extractor"),
        local("step_complete", 2, step_id="load", driver="filesystem.csv_extractor"),
        local(
            "inputs_resolved", 3, step_id="calc", from_step="load", key="df_load", rows=9, from_memory=True
        ),
        local("step_start", 3, step_id="calc", driver="duckdb.processor"),
        local("step_error", 4, step_id="calc", driver="duckdb.processor", error=error),
        local("run_error", 5, phase="execute", error=error),
        local("run_end", 6, duration_seconds=6.0),
    ]
    files = {
        "cfg/load.json": {"path": "in.csv", "delimiter": delimiter},
        "cfg/calc.json": {"query": "SELECT day FROM df_load"},
    }
    return analyze(run_dir(tmp_path, lines, steps=steps, files=files))


NO_COLUMN = 'Binder Error: Referenced column "day" not found in FROM clause!\nCandidate bindings: {}'
HEADERS = [
    ('"id;amount;day"', ",", "';'"),
    ('"id\tamount\tday"', ",", "a tab"),
    ('"id|day"', ";", "'|'"),
    ('"id,day"', ";", "','"),
]


@pytest.mark.parametrize(("candidates", "delimiter", "name"), HEADERS)
def test_header_in_one_name_blames_the_delimiter_of_the_source(
    tmp_path: Path, candidates: str, delimiter: str, name: str
) -> None:
    report = failing_downstream(tmp_path, NO_COLUMN.format(candidates), delimiter)
    assert report.root_cause is not None
    assert (report.root_cause.id, report.root_cause.fix) == (
        "delimiter-wrong@load",
        f"set the delimiter of step 'load' to {name}",
    )
    consequences = {finding.rule for finding in report.consequences(report.root_cause)}
    assert "column-missing" in consequences


OTHER_NAMES = [
    ('"id", "amount", "days"', ","),
    ('"id;amount;days"', ","),
    ('"id;amount;day"', ";"),
    ('"birthday"', ","),
]


@pytest.mark.parametrize(("candidates", "delimiter"), OTHER_NAMES)
def test_other_names_do_not_blame_the_delimiter(tmp_path: Path, candidates: str, delimiter: str) -> None:
    report = failing_downstream(tmp_path, NO_COLUMN.format(candidates), delimiter)
    assert "delimiter-wrong" not in {finding.rule for finding in report.findings}


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("<!DOCTYPE html>", "check the URL"),
        ("version https://git-lfs.github.com/spec/v1", "run git lfs pull"),
        ("<?xml version=1.0 encoding=UTF-8?>", "look at its text"),
        ("{", "look at its text"),
    ],
)
def test_name_of_another_text_blames_the_source(tmp_path: Path, name: str, fix: str) -> None:
    report = failing_downstream(tmp_path, NO_COLUMN.format(f'"{name}"'), ",")
    cause = report.root_cause
    assert cause is not None
    assert cause.id == "file-format-wrong@load"
    assert (cause.fix or "").startswith(fix)
    assert "column-missing" in {finding.rule for finding in report.consequences(cause)}


def checked(present: list[str], missing: list[str]) -> dict[str, Any]:
    return worker("dependency_check", required=[*present, *missing], present=present, missing=missing)


def test_package_that_the_run_lists_as_present_is_not_missing(tmp_path: Path) -> None:
    report = report_of(tmp_path, "psycopg2 not installed", before=[checked(["psycopg2"], [])])
    assert "dependency-missing" not in {finding.rule for finding in report.findings}


def test_every_missing_package_is_named(tmp_path: Path) -> None:
    before = [checked(["pandas"], ["pymysql", "supabase"])]
    cause = cause_of(tmp_path, "No module named 'pymysql'", before=before)
    assert cause.rule == "dependency-missing"
    assert "pymysql, supabase" in cause.message
    assert "PyMySQL supabase" in (cause.fix or "")


def test_rows_written_before_an_import_error_are_counted(tmp_path: Path) -> None:
    lines = [
        worker("step_start", 1, step_id="load", driver="demo.writer"),
        worker("step_failed", 2, step_id="load", driver="demo.writer", error="No module named 'boto3'"),
        worker("cleanup_complete", 3),
    ]
    metrics = [{"type": "metric", "name": "rows_written", "value": 40, "timestamp": 1.7e9 + 1.5}]
    cause = analyze(run_dir(tmp_path, lines, metrics=metrics, steps=[("load", "demo.writer", [])])).root_cause
    assert cause is not None
    assert "40 rows had been written" in (cause.fix or "")


YAML = [
    ('while parsing a block mapping\n  in "/p/osiris_connections.yaml", line 4, column 5\nexpected <block end>, but '
     'found \'<block mapping start>\'\n  in "/p/osiris_connections.yaml", line 6, column 6',
     "the connections file osiris_connections.yaml", "correct /p/osiris_connections.yaml between lines 4 and 6"),
    ('mapping values are not allowed here\n  in "/p/components/x/spec.yaml", line 7, column 12',
     "the component specification /p/components/x/spec.yaml", "at line 7: quote a value"),
    ("found character '\\t' that cannot start any token\n  in \"<unicode string>\", line 3, column 1",
     "is not valid YAML at line 3", "indent with spaces"),
    ("could not find expected ':'", "the error names no line", "check the pipeline and the connections file"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "words", "remedy"), YAML)
def test_yaml_error_names_its_file_and_line(tmp_path: Path, error: str, words: str, remedy: str) -> None:
    cause = cause_of(tmp_path, error)
    assert cause.rule == "pipeline-unreadable"
    assert words in cause.message
    assert remedy in (cause.fix or "")
    assert "that the message names" not in (cause.fix or "")


def in_native_sandbox(tmp_path: Path, error: str, *, grants: list[str], isolation: str = "bwrap") -> Finding:
    lines = [
        native("run_start", 0),
        native("worker_started", 1, side="worker", isolation=isolation, grants={"read": grants}),
        native("step_start", 2, step_id="join", driver="duckdb.processor"),
        native("step_failed", 3, step_id="join", driver="duckdb.processor", error=error),
        native("run_end", 4),
    ]
    run = run_dir(
        tmp_path,
        lines,
        steps=[("join", "duckdb.processor", [])],
        files={"cfg/join.json": {"query": "SELECT 1"}},
    )
    cause = analyze(run).root_cause
    assert cause is not None
    return cause


NO_FILE = 'IO Error: No files found that match the pattern "/srv/data/orders.csv"'


def test_host_file_is_not_visible_in_a_sandbox(tmp_path: Path) -> None:
    cause = in_native_sandbox(tmp_path, NO_FILE, grants=["/usr"])
    assert cause.rule == "sandbox-denied"
    assert "does not show this path of the host" in cause.message
    assert "filesystem.csv_extractor" in (cause.fix or "")


@pytest.mark.parametrize(("grants", "isolation"), [(["/srv/data"], "bwrap"), ([], "none")])
def test_file_that_a_step_may_read_is_missing(tmp_path: Path, grants: list[str], isolation: str) -> None:
    cause = in_native_sandbox(tmp_path, NO_FILE, grants=grants, isolation=isolation)
    assert cause.rule == "file-missing"
    assert "sandbox" not in cause.message


def test_relative_path_names_the_folder_it_was_resolved_in(tmp_path: Path) -> None:
    cause = cause_of(tmp_path, "CSV file not found: /srv/p/data/in.csv", {"path": "data/in.csv"})
    assert "resolved in /srv/p" in (cause.fix or "")


def test_similar_path_of_the_run_is_suggested(tmp_path: Path) -> None:
    error = "CSV file not found: data/orders_2026.csv"
    steps: list[tuple[str, str, list[str]]] = [
        ("extract", "demo.extractor", []),
        ("other", "demo.extractor", []),
    ]
    files = {
        "cfg/extract.json": {"path": "data/orders_2026.csv"},
        "cfg/other.json": {"path": "data/orders_2025.csv"},
    }
    cause = analyze(
        run_dir(tmp_path, failing_locally(error, "demo.extractor"), steps=steps, files=files)
    ).root_cause
    assert cause is not None
    assert "'data/orders_2025.csv'" in (cause.fix or "")


ENDS = [
    ("Command exited with code 137 and error:", "memory"),
    ("the worker is gone: killed by SIGKILL", "memory"),
    ("worker exited with code -11", "native code"),
    ("ProxyWorker process exited with code 139", "native code"),
    ("ProxyWorker process exited with code 143", "what ended it"),
    ("the worker is gone: killed by SIGTERM", "what ended it"),
    ("the worker is gone: killed by SIGILL", "processor"),
    ("the worker is gone: the pipe was closed", "end of the worker's log"),
]


@pytest.mark.parametrize(("error", "remedy"), ENDS)
def test_end_of_a_worker_is_explained_by_its_signal(tmp_path: Path, error: str, remedy: str) -> None:
    cause = cause_of(tmp_path, error)
    assert cause.rule == "worker-killed"
    assert remedy in (cause.fix or "")


PAIRS = [
    ("The sandbox is running but port is not open. This error is likely due to sandbox timeout", "sandbox-unavailable"),
    ("[Errno 8] Exec format error: '/srv/tool'", "package-incompatible"),
    ("RunnerContext.log_metric() got an unexpected keyword argument 'tags'", "driver-context-incomplete"),
    ("AttributeError: 'DataFrame' object has no attribute 'iteritems'", "package-incompatible"),
    ("AttributeError: module 'numpy' has no attribute 'float'", "package-incompatible"),
    ("TypeError: Cannot compare tz-naive and tz-aware timestamps", "time-zone-wrong"),
    ("ValueError: assignment destination is read-only", "frame-refused"),
    ("(\"Expected bytes, got a 'int' object\", 'Conversion failed for column a with type object')", "frame-refused"),
    ("The sandbox was killed: worker exited with code 137", "sandbox-lost"),
    ("MemoryError: worker exited with code 137", "out-of-memory"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "rule"), PAIRS)
def test_specific_rule_precedes_the_general_one(tmp_path: Path, error: str, rule: str) -> None:
    assert cause_of(tmp_path, error).rule == rule


def test_chain_of_causes_is_read(tmp_path: Path) -> None:
    lines = [
        native("run_start", 0),
        native("step_start", 1, step_id="enrich", driver="demo.x"),
        native(
            "step_failed",
            2,
            step_id="enrich",
            driver="demo.x",
            error="Invalid comparison between dtype=datetime64[us] and Timestamp",
            error_type="TypeError",
            causes=[
                {
                    "type": "TypeError",
                    "message": "Cannot compare tz-naive and tz-aware datetime-like objects.",
                }
            ],
        ),
        native("run_end", 3),
    ]
    cause = analyze(run_dir(tmp_path, lines, steps=[("enrich", "demo.x", [])])).root_cause
    assert cause is not None
    assert (cause.rule, str(cause.confidence)) == ("time-zone-wrong", "high")
    assert "tz-naive and tz-aware" in cause.message


def test_place_of_an_error_lies_in_the_code_that_called_a_library(tmp_path: Path) -> None:
    traceback = (
        'Traceback (most recent call last):\n  File "/srv/app/drivers.py", line 41, in make\n    d + 1\n'
        '  File "/opt/lib/python3.11/site-packages/pandas/core/ops.py", line 7, in f\n    raise\n'
        "TypeError: unsupported operand type(s) for +: 'int' and 'str'\n"
    )
    cause = cause_of(
        tmp_path,
        "unsupported operand type(s) for +: 'int' and 'str'",
        error_type="TypeError",
        traceback=traceback,
    )
    assert "drivers.py:41" in cause.message


@pytest.mark.parametrize(
    ("location", "rule"), [("from_memory", "file-format-wrong"), ("from_spill", "spill-file-unreadable")]
)
def test_file_that_is_not_parquet_is_a_spill_only_if_the_input_was_one(
    tmp_path: Path, location: str, rule: str
) -> None:
    read = {"from_memory": False, "from_spill": False, location: True}
    lines = [
        worker("step_start", 1, step_id="extract", driver="demo.extractor"),
        worker("step_complete", 2, step_id="extract", rows_processed=3),
        worker("inputs_resolved", 3, step_id="enrich", from_step="extract", key="df", rows=3, **read),
        worker("step_start", 4, step_id="enrich", driver="demo.x"),
        worker(
            "step_failed",
            5,
            step_id="enrich",
            driver="demo.x",
            error="Parquet magic bytes not found in footer",
        ),
        worker("cleanup_complete", 6),
    ]
    steps = [("extract", "demo.extractor", []), ("enrich", "demo.x", ["extract"])]
    cause = analyze(run_dir(tmp_path, lines, steps=steps)).root_cause
    assert cause is not None
    assert cause.rule == rule


def test_misspelt_table_suggests_the_name_of_the_only_input(tmp_path: Path) -> None:
    lines = [
        native("run_start", 0),
        native("step_start", 1, step_id="load-orders", driver="demo.x"),
        native("step_complete", 2, step_id="load-orders", rows=3),
        native("inputs_resolved", 3, step_id="calc", from_step="load-orders", key="df", rows=3, from_memory=True),
        native("step_start", 4, step_id="calc", driver="duckdb.processor"),
        native("step_failed", 5, step_id="calc", driver="duckdb.processor",
               error="Catalog Error: Table with name df_load_order does not exist!"),
        native("run_end", 6),
    ]  # fmt: skip
    steps = [("load-orders", "demo.x", []), ("calc", "duckdb.processor", ["load-orders"])]
    cause = analyze(run_dir(tmp_path, lines, steps=steps)).root_cause
    assert cause is not None
    assert (cause.rule, cause.fix) == (
        "input-name-mismatch",
        "use 'df_load_orders' instead of 'df_load_order'",
    )


@pytest.mark.parametrize(("columns", "found"), [(["c0"], True), (["id"], False), (["c0", "c1"], False)])
def test_only_column_of_a_file_blames_its_delimiter(
    tmp_path: Path, columns: list[str], *, found: bool
) -> None:
    error = "table public.orders has no column 'c0'; it has id, city, day"
    lines = [
        native("run_start", 0),
        native("step_start", 1, step_id="read", driver="filesystem.csv_extractor"),
        native("output_stored", 2, side="worker", step_id="read", rows=9, columns=columns, storage="memory"),
        native("step_complete", 3, step_id="read", rows=9),
        native("step_start", 4, step_id="load", driver="postgres.writer"),
        native("step_failed", 5, step_id="load", driver="postgres.writer", error=error),
        native("run_end", 6),
    ]
    steps = [("read", "filesystem.csv_extractor", []), ("load", "postgres.writer", ["read"])]
    report = analyze(run_dir(tmp_path, lines, steps=steps, files={"cfg/read.json": {"path": "a.csv"}}))
    assert ("delimiter-wrong@read" in {finding.id for finding in report.findings}) is found


REMEDIES = [
    ("csv-ragged", "Error tokenizing data. C error: EOF inside string starting at row 12", "quote and escape characters"),
    ("csv-ragged", "Error tokenizing data. C error: Expected 4 fields in line 17, saw 5", "the row that"),
    ("dependency-missing", "/bin/sh: 1: psql: not found", "install the program"),
    ("file-missing", "[Errno 2] No such file or directory: 'unzip'", "install the program 'unzip'"),
    ("package-incompatible", "ImportError: libGL.so.1: cannot open shared object file: No such file or directory", "contains libGL.so.1"),
    ("package-incompatible", "module 'numpy' has no attribute 'float'", "a version of numpy"),
    ("dependency-missing", "ImportError: Missing optional dependency 'openpyxl'. Use pip.", "install openpyxl"),
    ("dependency-missing", "No module named 'acme_sdk'", "the package or file that contains 'acme_sdk'"),
    ("dependency-missing", "No module named 'osiris.core.config'", "a version of Osiris"),
    ("file-system-failed", "[Errno 5] Input/output error: '/mnt/in.csv'", "check the disk"),
    ("path-not-writable", "[Errno 36] File name too long: 'x'", "shorten"),
    ("file-format-wrong", "Compressed file ended before the end-of-stream marker was reached", "again"),
    ("config-value-invalid", "Missing column provided to 'parse_dates': 'day'", "header of the file"),
    ("config-key-unknown", "Additional properties are not allowed ('tabel' was unexpected)", "spelling"),
    ("value-not-convertible", "Can only use .dt accessor with datetimelike values", "where it is read"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "error", "remedy"), REMEDIES)
def test_remedy_fits_the_error(tmp_path: Path, rule: str, error: str, remedy: str) -> None:
    cause = cause_of(tmp_path, error)
    assert cause.rule == rule
    assert remedy in (cause.fix or "")
    assert "coerce" not in (cause.fix or "")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("Failed to create sandbox: [Errno -2] Name or service not known", "network"),
        (
            "Failed to create sandbox: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
            "certificates",
        ),
        ("Failed to create sandbox: 503: no healthy upstream", "later"),
        ("Failed to create sandbox: 401: Invalid API key", "E2B_API_KEY"),
    ],
)
def test_sandbox_that_was_not_created_has_the_remedy_of_its_reason(
    tmp_path: Path, error: str, remedy: str
) -> None:
    lines = [
        local("adapter_selected", adapter="e2b"),
        local("run_error", 3, phase="execute", error=error),
        local("run_end", 4, duration_seconds=4.0),
    ]
    cause = analyze(run_dir(tmp_path, lines, steps=[("a", "mysql.extractor", [])])).root_cause
    assert cause is not None
    assert cause.rule == "sandbox-unavailable"
    assert remedy in (cause.fix or "")


@pytest.mark.parametrize(("rows", "step"), [(0, "load"), (9, "calc")])
def test_frame_without_columns_is_blamed_on_an_empty_source(tmp_path: Path, rows: int, step: str) -> None:
    error = "Invalid Input Error: Need a DataFrame with at least one column"
    lines = [
        worker("step_start", 1, step_id="load", driver="demo.extractor"),
        worker("step_complete", 2, step_id="load", rows_processed=rows),
        worker("inputs_resolved", 3, step_id="calc", from_step="load", key="df", rows=rows, from_memory=True),
        worker("step_start", 4, step_id="calc", driver="duckdb.processor"),
        worker("step_failed", 5, step_id="calc", driver="duckdb.processor", error=error),
        worker("cleanup_complete", 6),
    ]
    steps = [("load", "demo.extractor", []), ("calc", "duckdb.processor", ["load"])]
    cause = analyze(run_dir(tmp_path, lines, steps=steps)).root_cause
    assert cause is not None
    assert cause.id == f"frame-without-columns@{step}"
