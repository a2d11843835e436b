"""Errors that the runtime recorded as data become findings with the words of the driver."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.reader.error_causes import error_causes
from osiris_inspect.model.error_info import ErrorInfo, Place
from osiris_inspect.model.finding import Confidence, Finding
from tests.inspector.making import CHAIN, run_dir

INFO = ErrorInfo(
    "column-missing",
    "query: no column 'nope'",
    "use one of the columns id, name",
    {"column": "nope"},
    "DriverError",
    ("DriverError", "BinderException"),
)


def _events(error: str, info: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    failed = {"event": "step_failed", "step_id": "stats", "driver": "duckdb.processor", "error": error}
    failed |= {"error_type": "DriverError", **({"error_info": info} if info else {})}
    events = [
        {"event": "run_start"},
        {"event": "step_start", "step_id": "extract"},
        {"event": "step_complete", "step_id": "extract"},
        {"event": "step_start", "step_id": "stats"},
        failed,
        {"event": "run_end", "status": "failed"},
    ]
    stamp = "2026-11-01T10:00:0{}.000000+00:00"
    return [
        {"ts": stamp.format(number), "seq": number, "session": "run_1795381937840", **event}
        for number, event in enumerate(events)
    ]


def _cause(tmp_path: Path, error: str, info: ErrorInfo | None) -> Finding:
    report = analyze(run_dir(tmp_path, _events(error, info.to_dict() if info else None), steps=CHAIN))
    assert report.root_cause is not None
    return report.root_cause


def test_recorded_kind_is_the_rule(tmp_path: Path) -> None:
    cause = _cause(tmp_path, "step 'stats': query: no column 'nope'; use one of the columns id, name", INFO)
    assert (cause.rule, cause.confidence, cause.step) == ("column-missing", Confidence.HIGH, "stats")
    assert cause.message == "query: no column 'nope'"
    assert cause.fix == "use one of the columns id, name"
    assert cause.domain == "config"


def test_column_that_is_the_value_of_a_parameter_names_the_parameter(tmp_path: Path) -> None:
    events = _events("no column 'nope'", INFO.to_dict())
    plan = {**events[0], "event": "plan", "source": {"params": {"limit": 3, "name": "nope"}}}
    report = analyze(run_dir(tmp_path, [events[0], plan, *events[1:]], steps=CHAIN))
    assert report.root_cause is not None
    assert report.root_cause.fix == (
        "'nope' is the value of parameter 'name': pass another one, or put ${params.name} in quotes in the query if it "
        "is a text"
    )


@pytest.mark.parametrize(
    ("columns", "step"), [(["id", "n", "ID"], "extract"), (["id", "xmin"], "stats"), (None, "stats")]
)
def test_repeated_column_name_blames_the_producer(
    tmp_path: Path, columns: list[str] | None, step: str
) -> None:
    facts = {"columns": columns} if columns else {}
    info = ErrorInfo(
        "frame-refused", "the frame has 2 columns named 'id'", "rename it", facts, "DriverError", ()
    )
    cause = _cause(tmp_path, "step 'stats': the frame has 2 columns named 'id'", info)
    assert (cause.rule, cause.step) == ("frame-refused", step)


def test_exception_of_driver_names_its_place(tmp_path: Path) -> None:
    info = ErrorInfo(
        "driver-raised", "something new", None, {}, "CustomError", (), Place("my/driver.py", 7, "run")
    )
    cause = _cause(tmp_path, "something new", info)
    assert (cause.rule, cause.confidence) == ("driver-raised", Confidence.MEDIUM)
    assert cause.message == "CustomError: something new (raised at my/driver.py:7)"


def test_words_of_unknown_kind_are_still_searched(tmp_path: Path) -> None:
    info = ErrorInfo("driver-raised", "[Errno 28] No space left on device", None, {}, "OSError")
    assert _cause(tmp_path, "[Errno 28] No space left on device", info).rule == "disk-full"


def test_third_party_kind_keeps_text_and_fix(tmp_path: Path) -> None:
    info = ErrorInfo(
        "warehouse-asleep", "the warehouse is suspended", "resume the warehouse", {}, "DriverError"
    )
    cause = _cause(tmp_path, "the warehouse is suspended; resume the warehouse", info)
    assert cause.rule == "driver-raised"
    assert cause.message.startswith("the warehouse is suspended")
    assert cause.fix == "resume the warehouse"


@pytest.mark.parametrize(
    ("error", "message", "fix"),
    [
        ("step 'stats': 2 rows have one key; set on_duplicate_keys: last", "2 rows have one key", "set on_duplicate_keys: last"),
        ("a, b; c is not a remedy", "a, b; c is not a remedy", None),
    ],
)  # fmt: skip
def test_remedy_in_words_of_older_run_is_its_fix(
    tmp_path: Path, error: str, message: str, fix: str | None
) -> None:
    cause = _cause(tmp_path, error, None)
    assert cause.message == message
    assert fix is None or cause.fix == fix


@pytest.mark.parametrize(
    ("causes", "end"),
    [
        ([("KeyError", "'items'")], "(caused by KeyError: 'items')"),
        ([("ValueError", "bad response"), ("KeyError", "'items'")], "(caused by KeyError: 'items')"),
        ([("ApiError", "quota of project 7 is used up"), ("Timeout", "no answer")], "(caused by ApiError: quota of project 7 is used up)"),
        ([("StopIteration", "StopIteration")], "(caused by StopIteration)"),
        ([("InnerError", "extraction failed")], "extraction failed"),
    ],
)  # fmt: skip
def test_error_without_details_carries_on_to_its_cause(
    tmp_path: Path, causes: list[tuple[str, str]], end: str
) -> None:
    info = ErrorInfo("driver-raised", "extraction failed", None, {}, "CustomError")
    lines = _events("extraction failed", info.to_dict())
    lines[4]["causes"] = [{"type": kind, "message": text} for kind, text in causes]
    cause = analyze(run_dir(tmp_path, lines, steps=CHAIN)).root_cause
    assert cause is not None
    assert cause.message.split(" \N{EM DASH} ")[0].replace(" (raised", "\n").split("\n")[0].endswith(end)


REPLACED = """Traceback (most recent call last):
  File "/srv/drivers.py", line 5, in run
    rows = parse(body)
acme.QuotaError: quota of project 7 is used up

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/drivers.py", line 7, in run
    {source}
RuntimeError: {text}
"""


@pytest.mark.parametrize(
    ("source", "text", "is_cause"),
    [
        ("raise RuntimeError('extraction failed')", "extraction failed", True),
        ("cleanup(rows)", "extraction failed", False),
        ("raise RuntimeError(f'row {number} is bad')", "row 7 is bad", False),
    ],
)
def test_handled_exception_is_the_cause_where_raise_replaced_it(
    source: str, text: str, is_cause: bool
) -> None:
    causes = error_causes(None, REPLACED.format(source=source, text=text))
    assert causes == (("acme.QuotaError: quota of project 7 is used up",) if is_cause else ())
