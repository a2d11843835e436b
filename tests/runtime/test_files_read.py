"""Files that a step reads by a pattern or a list are recorded with their rows, and files of another form."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.runtime.drivers.interface import files_read
from tests.runtime.driving import context, drive

HEADER = "id,amount,name\n"


def recorded(folder: Path, files: Mapping[str, str], path: Any, **config: Any) -> dict[str, Any]:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    facts: dict[str, Any] = {}
    ctx = replace(context(folder), describe_source=facts.update)
    drive("filesystem.csv_extractor", {"path": path, **config}, ctx)
    return facts


def rows(*amounts: object) -> str:
    return HEADER + "".join(f'{number},"{amount}",abc\n' for number, amount in enumerate(amounts))


@pytest.mark.parametrize("path", ["in/*.csv", ["in/a.csv", "in/b.csv"]])
def test_files_of_pattern_or_list_are_recorded(tmp_path: Path, path: Any) -> None:
    files = {"in/a.csv": rows(1, 2), "in/b.csv": HEADER}
    assert recorded(tmp_path, files, path) == {
        "dialect": {"delimiter": ","},
        "files_read": 2,
        "files": [{"path": "in/a.csv", "rows": 2}, {"path": "in/b.csv", "rows": 0}],
        "files_without_rows": 1,
    }


def test_single_file_is_not_recorded(tmp_path: Path) -> None:
    assert "files_read" not in recorded(tmp_path, {"a.csv": rows(1)}, "a.csv")


def test_files_after_the_limit_are_counted(tmp_path: Path) -> None:
    files = {f"{name}.csv": rows(1, 2) for name in "abc"}
    facts = recorded(tmp_path, files, "*.csv", limit=2)
    assert (facts["files_read"], facts["files_not_read"]) == (1, 2)


def test_last_of_many_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_read, "MAX_FILES", 2)
    facts = recorded(tmp_path, {f"{name}.csv": rows(1) for name in "abc"}, "*.csv")
    assert (facts["files_read"], [file["path"] for file in facts["files"]]) == (3, ["b.csv", "c.csv"])


def test_parquet_files_are_recorded(tmp_path: Path) -> None:
    for number in (1, 0):
        pq.write_table(pa.table({"n": pa.array(range(number), pa.int64())}), tmp_path / f"{number}.parquet")
    facts: dict[str, Any] = {}
    ctx = replace(context(tmp_path), describe_source=facts.update)
    drive("filesystem.parquet_extractor", {"path": "*.parquet"}, ctx)
    assert facts["files"] == [{"path": "0.parquet", "rows": 0}, {"path": "1.parquet", "rows": 1}]


@pytest.mark.parametrize(
    ("other", "how"),
    [
        (rows("1,5", "2,25"), "number format"),
        (rows("$ 3.50", "$ 4.10"), "number format"),
        (rows("1 234", "5"), "number format"),
        (rows("1.234,50 Kč", "15 %"), "number format"),
    ],
)
def test_file_with_other_number_format_is_recorded(tmp_path: Path, other: str, how: str) -> None:
    files = {f"{number}.csv": rows(number, 2.5) for number in range(3)}
    facts = recorded(tmp_path, {**files, "3.csv": other}, "*.csv")
    assert facts["other_format"] == [{"path": "3.csv", "column": "amount", "how": how}]


def test_file_with_columns_in_another_order_is_recorded(tmp_path: Path) -> None:
    files = {f"{number}.csv": "1,Ada\n2,Bo\n" for number in range(3)}
    facts = recorded(tmp_path, {**files, "3.csv": "Cyd,3\nDan,4\n"}, "*.csv", header=False)
    assert facts["other_format"] == [{"path": "3.csv", "column": "0", "how": "order"}]


@pytest.mark.parametrize(
    "other",
    [
        rows(1, 2),
        rows("n/k", "unknown"),
        rows("", ""),
        HEADER,
        HEADER + "1,2,3\n",
        rows("A12", "B7"),
        rows("12A", "7-B"),
    ],
    ids=["numbers", "words", "no values", "no rows", "digits as text", "codes", "numbers with letters"],
)
def test_file_of_the_same_form_is_not_recorded(tmp_path: Path, other: str) -> None:
    files = {f"{number}.csv": rows(number, 2.5) for number in range(3)}
    assert "other_format" not in recorded(tmp_path, {**files, "3.csv": other}, "*.csv")


def test_two_files_have_no_usual_form(tmp_path: Path) -> None:
    assert "other_format" not in recorded(tmp_path, {"a.csv": rows(1), "b.csv": rows("1,5")}, "*.csv")
