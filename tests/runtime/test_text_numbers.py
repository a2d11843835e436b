"""A cell that makes a column text is recorded with the error of the step that needs numbers."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from osiris_inspect.inspector.diagnosis.evidence.configuration.text_columns import text_columns
from osiris_inspect.inspector.run.run import StepFailure
from osiris_inspect.model.error_info import ErrorInfo
from osiris_inspect.runtime.frames.text_numbers import text_numbers
from tests.runtime.driving import handed


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.5", "-", "3"], {"row": 2, "cell": "-"}),
        (["12,50", "1 234,50", "7,00"], {"row": 1, "cell": "12,50", "decimal_comma": True}),
        (["1", None, "n/a", "3", "4"], {"row": 3, "cell": "n/a"}),
        (["1", "2", "3"], None),
        (["Brno", "Praha", "7"], None),
        (["1", "2", "x" * 30], None),
        ([None, None], None),
        ([], None),
    ],
)
def test_cell_that_is_no_number_is_found(
    tmp_path: Path, cells: list[Any], expected: dict[str, Any] | None
) -> None:
    frame = pd.DataFrame({"id": range(len(cells)), "amount": pd.Series(cells, dtype="str")})
    found = text_numbers([handed(tmp_path, frame)])
    assert [{key: one[key] for key in one if key not in ("step", "column")} for one in found] == (
        [expected] if expected else []
    )
    assert all(one["column"] == "amount" for one in found)


def test_column_with_a_secret_name_is_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"password": ["1", "2", "-"]})
    assert text_numbers([handed(tmp_path, frame)]) == []


def failure(message: str, *columns: dict[str, Any], traceback: str = "") -> StepFailure:
    info = ErrorInfo("driver-raised", message, None, {"text_columns": list(columns)}, "TypeError")
    return StepFailure(message, "TypeError", traceback, info=info)


DIRTY = {"step": "extract", "column": "amount", "row": 7, "cell": "-"}
OTHER = {"step": "extract", "column": "zip", "row": 2, "cell": "?"}
COMMA = {"step": "extract", "column": "amount", "row": 1, "cell": "12,50", "decimal_comma": True}


def test_error_about_types_names_the_cell() -> None:
    text, fix = text_columns(failure("Can only string multiply by an integer", DIRTY))
    assert text == "; column 'amount' of step 'extract' is text: row 7 has '-'"
    assert "'-'" in fix


def test_decimal_comma_is_replaced_first() -> None:
    message = "No function matches the given name and argument types 'sum(VARCHAR)'"
    _, fix = text_columns(failure(message, COMMA))
    assert fix.startswith("replace the decimal comma of 'amount'")


def test_column_that_the_line_names_is_chosen() -> None:
    traceback = "    df['n'] = df['zip'] * 1.1\n"
    error = failure("can't multiply sequence by non-int of type 'str'", DIRTY, OTHER, traceback=traceback)
    assert "'zip'" in text_columns(error)[0]


@pytest.mark.parametrize(
    ("message", "columns"),
    [("HTTP Error 404: Not Found", [DIRTY]), ("could not convert string to float", [DIRTY, OTHER])],
)
def test_other_error_names_no_cell(message: str, columns: list[dict[str, Any]]) -> None:
    assert text_columns(failure(message, *columns)) == ("", "")


def test_cell_with_nul_byte_is_named() -> None:
    text, fix = text_columns(failure("cannot convert VARCHAR", {**DIRTY, "cell": "8\0.00"}))
    assert text.endswith("row 7 has '8\\x00.00', with a NUL byte")
    assert fix == "remove the NUL bytes from the file that step 'extract' reads"
