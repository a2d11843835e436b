"""Mistakes in the code of drivers: a key that is no column, and an input that is used as a DataFrame."""

from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model.finding import Finding
from tests.inspector.making import native, run_dir
from tests.inspector.test_words_of_errors import cause_of

PANDAS = (
    '  File "/opt/lib/python3.11/site-packages/pandas/core/indexes/base.py", line 5, in get_loc\n'
    "    raise KeyError(key) from err\n"
)


def traceback_of(source: str, more: str = "") -> str:
    frame = f'  File "/srv/app/drivers.py", line 9, in run\n    {source}\n'
    return f"Traceback (most recent call last):\n{frame}{more}KeyError: 'total'\n"


NO_COLUMN = [
    'count = body["total"]',
    'count = response.json()["total"]',
    "count = event['data']['total']",
    "return table[name]",
    "import pandas as pd; count = pd_options['total']",
]


@pytest.mark.parametrize("source", NO_COLUMN)
def test_key_of_a_mapping_is_no_column(tmp_path: Path, source: str) -> None:
    cause = cause_of(tmp_path, "'total'", "KeyError", traceback_of(source))
    assert cause.rule != "column-missing"
    assert "'total'" in cause.message
    assert "column" not in cause.message


def test_missing_key_shows_the_line_of_the_code(tmp_path: Path) -> None:
    cause = cause_of(tmp_path, "'total'", "KeyError", traceback_of('count = body["total"]'))
    assert cause.rule == "driver-raised"
    assert "key 'total' was missing in 'count = body[\"total\"]'" in cause.message
    assert "raised at drivers.py:9" in cause.message
    assert "'body'" in (cause.fix or "")


def test_mapping_below_a_frame_of_pandas_is_no_column(tmp_path: Path) -> None:
    source = "prices = frame.apply(lambda row: rates['total'])"
    callback = f'{PANDAS}  File "/srv/app/drivers.py", line 9, in <lambda>\n    {source}\n'
    cause = cause_of(tmp_path, "'total'", "KeyError", traceback_of(source, callback))
    assert cause.rule != "column-missing"


def test_key_without_traceback_is_no_certain_column(tmp_path: Path) -> None:
    cause = cause_of(tmp_path, "'total'", "KeyError")
    assert (cause.rule, str(cause.confidence)) == ("driver-raised", "medium")


COLUMNS = [
    (traceback_of('count = df["total"]', PANDAS), "high"),
    (traceback_of('count = table["total"]', PANDAS), "high"),
    (traceback_of('count = row["total"]'), "medium"),
]


@pytest.mark.parametrize(("traceback", "confidence"), COLUMNS)
def test_key_of_a_frame_or_row_is_a_column(tmp_path: Path, traceback: str, confidence: str) -> None:
    cause = cause_of(tmp_path, "'total'", "KeyError", traceback)
    assert (cause.rule, str(cause.confidence)) == ("column-missing", confidence)


def native_cause(folder: Path, error: str, kind: str, traceback: str = "") -> Finding:
    """The root cause of a native run in which a driver of a third party raised an error."""
    info = {"kind": "driver-raised", "type": kind, "message": error, "facts": {}}
    lines = [
        native("run_start", 0, pipeline="demo", mode="local"),
        native("step_start", 1, step_id="load", driver="acme.processor"),
        native(
            "step_failed",
            2,
            step_id="load",
            driver="acme.processor",
            error=error,
            error_type=kind,
            error_info=info,
            traceback=traceback,
        ),
        native("run_end", 3, status="failed"),
    ]
    steps = [("load", "acme.processor", [])]
    cause = analyze(run_dir(folder, lines, steps=steps)).root_cause
    assert cause is not None
    return cause


def test_missing_key_of_native_run_shows_the_line(tmp_path: Path) -> None:
    cause = native_cause(tmp_path, "'total'", "KeyError", traceback_of('count = body["total"]'))
    assert "key 'total' was missing in" in cause.message


def test_missing_key_of_a_response_is_certain(tmp_path: Path) -> None:
    source = 'rows = httpx.get(url).json()["total"]'
    cause = native_cause(tmp_path, "'total'", "KeyError", traceback_of(source))
    assert str(cause.confidence) == "high"
    assert "response" in (cause.fix or "")


HANDLES = [
    ("TypeError", "'ResolvedInput' object is not subscriptable"),
    ("AttributeError", "'ResolvedInput' object has no attribute 'groupby'"),
    ("TypeError", "object of type 'ResolvedInput' has no len()"),
    ("TypeError", "argument of type 'ResolvedInput' is not iterable"),
    ("TypeError", "unsupported operand type(s) for +: 'ResolvedInput' and 'int'"),
    ("TypeError", "Expected pandas DataFrame, not ResolvedInput"),
    ("TypeError", "Can only merge Series or DataFrame objects, a <class 'osiris_inspect.runtime.frames.resolved_input.ResolvedInput'> was passed"),
    ("InvalidInputException", 'Invalid Input Error: Python Object "df" of type "ResolvedInput" found on line "SELECT" not suitable'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "error"), HANDLES)
def test_input_used_as_frame_advises_to_pandas(tmp_path: Path, kind: str, error: str) -> None:
    cause = native_cause(tmp_path, error, kind)
    assert (cause.rule, str(cause.confidence)) == ("driver-raised", "high")
    assert "call to_pandas()" in (cause.fix or "")


def test_advised_method_of_an_input_exists() -> None:
    from osiris_inspect.runtime.frames.resolved_input import ResolvedInput

    assert callable(ResolvedInput.to_pandas)
