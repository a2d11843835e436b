"""CSV and Parquet files in and out: what is read, what is refused, and that a file is whole or not there."""

import gzip
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.csv.number_like_codes import may_have_codes
from osiris_inspect.runtime.drivers.csv.reader import open_csv
from tests.runtime.driving import STORAGES, context, drive, handed

CSV, OUT = "filesystem.csv_extractor", "filesystem.csv_writer"


def read(folder: Path, text: str | bytes = "", name: str = CSV, **config: Any) -> pd.DataFrame:
    if text != "":
        (folder / "a.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    frame = drive(name, {"path": "a.csv", **config}, context(folder))["df"]
    return frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()


def refused(folder: Path, text: str | bytes = "", name: str = CSV, **config: Any) -> str:
    with pytest.raises(DriverError) as caught:
        read(folder, text, name, **config)
    return str(caught.value).replace(f"{folder}/", "")


def written(folder: Path, frame: Any, name: str = OUT, **config: Any) -> bytes:
    done = drive(name, {"path": "out.csv", **config}, context(folder), df=handed(folder, frame))
    assert done == {"rows_written": len(frame)}
    return (folder / "out.csv").read_bytes()


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("b,a\n1,x\n2,y\n", {}, {"b": [1, 2], "a": ["x", "y"]}),
        ("b;a\n1;x\n", {"delimiter": ";"}, {"b": [1], "a": ["x"]}),
        ("\ufeffa,b\n1,2\n", {}, {"a": [1], "b": [2]}),
        ("a,b\n", {}, {"a": [], "b": []}),
        ("1,2\n", {"header": False}, {0: [1], 1: [2]}),
        ("a,b,c\n1,2,3\n", {"columns": ["c", "a"]}, {"c": [3], "a": [1]}),
        ('a\n"x\ny, ""z"""\n', {}, {"a": ['x\ny, "z"']}),
        ("note\na\n1\n2\n3\n", {"skip_rows": 1, "limit": 2}, {"a": [1, 2]}),
        ("a,b\n1,2\n1,2,3\n4,5\n", {"on_bad_lines": "skip"}, {"a": [1, 4], "b": [2, 5]}),
        ("a\n007\n", {"dtype": {"a": "str"}}, {"a": ["007"]}),
        ("a\n1 # one\n", {"comment": "#"}, {"a": [1]}),
        ("a b\n1   2\n", {"delimiter": r"\s+"}, {"a": [1], "b": [2]}),
        ("c,n\nNA,1\nDE,2\n", {"keep_default_na": False}, {"c": ["NA", "DE"], "n": [1, 2]}),
        ("a,a\n1,2\n", {"columns": ["a.1"]}, {"a.1": [2]}),
        ("2024,b\n1,2\n", {"columns": [2024]}, {"2024": [1]}),
        ("1,2\n", {"header": False, "columns": ["1", 0]}, {1: [2], 0: [1]}),
        ("007,2\n", {"header": False, "dtype": {"0": "str"}}, {0: ["007"], 1: [2]}),
        (
            "2024-01-02,2\n",
            {"header": False, "parse_dates": ["0"]},
            {0: [pd.Timestamp("2024-01-02")], 1: [2]},
        ),
    ],
)
def test_a_file_is_read_as_its_step_says(
    tmp_path: Path, text: str, config: dict[str, Any], expected: dict[Any, list[Any]]
) -> None:
    assert read(tmp_path, text, **config).to_dict("list") == expected


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    assert read(tmp_path, "a\nž\n".encode("cp1250"), encoding="cp1250")["a"].tolist() == ["ž"]


@pytest.mark.parametrize(
    ("texts", "kind", "expected"),
    [
        (["1034567890123456781", ""], "Int64", [1034567890123456781, None]),
        (["-1034567890123456781", "", " +7 "], "Int64", [-1034567890123456781, None, 7]),
        (["9223372036854775807", "-9223372036854775808", "NA"], "Int64", [2**63 - 1, -(2**63), None]),
        (["1034567890123456781", "1034567890123456"], "int64", [1034567890123456781, 1034567890123456]),
        (["18446744073709551615", "1"], "uint64", [2**64 - 1, 1]),
        (["18446744073709551615", "NA"], "UInt64", [2**64 - 1, None]),
        (["18446744073709551615", "-1", ""], "str", ["18446744073709551615", "-1", None]),
        (["18446744073709551616", "", "007"], "str", ["18446744073709551616", None, "007"]),
        (["9007199254740993", "1.5"], "str", ["9007199254740993", "1.5"]),
        (["9" * 400, "1.5"], "str", ["9" * 400, "1.5"]),
        (["9007199254740992", "1.5", ""], "float64", [9007199254740992.0, 1.5, None]),
        (["1e18", "", "inf"], "float64", [1e18, None, float("inf")]),
        (["1.5", "", "2"], "float64", [1.5, None, 2.0]),
        (["True", "", "false"], "boolean", [True, None, False]),
        (["True", "false"], "bool", [True, False]),
        (["True", "1"], "str", ["True", "1"]),
        (["", ""], "float64", [None, None]),
        (["01234", "98765"], "str", ["01234", "98765"]),
        (["12", "", " 007"], "str", ["12", None, " 007"]),
        (["00", "1"], "str", ["00", "1"]),
        (["01.10", "1.25"], "str", ["01.10", "1.25"]),
        (["0", "10", "100"], "int64", [0, 10, 100]),
        (["0.5", "-0.5", "0"], "float64", [0.5, -0.5, 0]),
        (["12E45678", "34E12"], "str", ["12E45678", "34E12"]),
        (["12E4", "", "5e2"], "str", ["12E4", None, "5e2"]),
        (["12E4", "500"], "float64", [120000.0, 500.0]),
        (["1.2E4", "5E2"], "float64", [12000.0, 500.0]),
        (["1E+4", "5E2"], "float64", [10000.0, 500.0]),
    ],
)
@pytest.mark.parametrize("where", ["one file", "a file each"])
def test_a_column_is_of_one_type_in_one_file_and_in_several_and_nothing_is_rounded(
    tmp_path: Path, texts: list[str], kind: str, expected: list[Any], where: str
) -> None:
    lines = [f"{place},{text}\n" for place, text in enumerate(texts)]
    for place, body in enumerate(["".join(lines)] if where == "one file" else ["", *lines]):
        (tmp_path / f"{place}.csv").write_text("id,v\n" + body)
    column = read(tmp_path, path="*.csv")["v"]
    assert column.dtype == kind
    assert [None if pd.isna(value) else value for value in column] == expected


def test_a_column_that_becomes_text_far_down_is_text_from_the_first_line(tmp_path: Path) -> None:
    column = read(tmp_path, "a,b\n" + "00123,1\n" * 600_000 + "A12,2\n")["a"]
    assert column.dtype == "str"
    assert column.unique().tolist() == ["00123", "A12"]


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("a\tb\n1\t01234\n", {"delimiter": "\t"}),
        ("a b\n1   01234\n", {"delimiter": r"\s+"}),
        ('a,b\r\n1,"01234"\r\n', {}),
        ("a,b\n1,01234\n", {"limit": 1}),
        ("a,b\n1,01234\n".encode("utf-16"), {"encoding": "utf-16"}),
        (gzip.compress(b"a,b\n1,01234\n", mtime=0), {"compression": "gzip"}),
        ("a,b\n" + "1,12\n" * 1_100_000 + "1,01234\n", {}),
        ("a,b\n1,01234\n", {"parse_dates": True}),
    ],
)
def test_leading_zero_is_kept_in_every_kind_of_file(
    tmp_path: Path, text: str | bytes, config: dict[str, Any]
) -> None:
    frame = read(tmp_path, text, **config)
    assert (frame["a"].dtype, frame["b"].iloc[-1]) == ("int64", "01234")


def test_code_that_begins_like_a_year_is_no_time(tmp_path: Path) -> None:
    assert read(tmp_path, "a\n0101\n2024\n", parse_dates=True)["a"].tolist() == ["0101", "2024"]


def test_requested_type_of_a_column_with_leading_zeros_is_used(tmp_path: Path) -> None:
    assert read(tmp_path, "a\n01\n12\n", dtype={"a": "int"})["a"].tolist() == [1, 12]


def test_leading_zero_of_one_file_makes_the_column_of_all_text(tmp_path: Path) -> None:
    for name, value in (("a", "98765"), ("b", "01234")):
        (tmp_path / f"{name}.csv").write_text(f"v\n{value}\n")
    assert read(tmp_path, path="*.csv")["v"].tolist() == ["98765", "01234"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t,n\n2024-01-31 07:00,1\n2024-02-01 08:30,2\n", False),
        ("n,m\n0,0.5\n100,-0.5\n", False),
        ("n,m\n1,2\n3,04\n", True),
        ("n,m\n1,2\n3,  04\n", True),
        ("n,m\n1,2\n3,1e5\n", True),
    ],
)
def test_numbers_are_read_again_only_if_there_may_be_codes(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "a.csv").write_text(text)
    config = {"delimiter": ",", "encoding": "utf-8", "header": True}
    assert may_have_codes([open_csv(tmp_path / "a.csv", config, None)]) is expected


def test_categories_of_several_files_are_put_together(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(f"v\n{name}\n")
    column = read(tmp_path, path="*.csv", dtype={"v": "category"})["v"]
    assert column.dtype == pd.CategoricalDtype(["a", "b"])


def test_files_beyond_the_limit_decide_nothing(tmp_path: Path) -> None:
    for name, value in (("a", "1\n2"), ("b", "3"), ("c", "x")):
        (tmp_path / f"{name}.csv").write_text(f"v\n{value}\n")
    column = read(tmp_path, path="*.csv", limit=3)["v"]
    assert (column.dtype, column.tolist()) == ("int64", [1, 2, 3])


def test_a_pipe_is_read_though_it_can_be_read_only_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as other:
        other.submit((tmp_path / "pipe").write_text, "a,b\n1034567890123456781,1\n,2\n")
        column = read(tmp_path, path="pipe")["a"]
    assert column.tolist() == [1034567890123456781, pd.NA]


LONG = "a,b\n1,2,3\n4,5\n"


@pytest.mark.parametrize("mode", ["warn", "skip"])
@pytest.mark.parametrize(
    ("text", "config", "expected", "left_out"),
    [
        (LONG, {}, {"a": [4], "b": [5]}, 1),
        (LONG, {"columns": ["b"]}, {"b": [5]}, 1),
        ("a,b\n1,2\n1,2,3\n4,5\n7,8,9,10\n", {"columns": ["b"]}, {"b": [2, 5]}, 2),
        ('note\n\na,b\n1,2,3\n"x\ny",5\n4,5,6\nz,1\n', {"skip_rows": 1}, {"a": ["x\ny", "z"], "b": [5, 1]}, 2),
        ('a,b\n1,2,3\n4,5\n6,7\n', {"limit": 1}, {"a": [4], "b": [5]}, 1),
        ("1,2\n1,2,3\n4,5\n", {"header": False}, {0: [1, 4], 1: [2, 5]}, 1),
        ("a,b\n1,2,\n4,5,\n", {}, {"a": [1, 4], "b": [2, 5]}, 0),
        ("a,b\n1,2,\n4,5,\n", {"columns": ["b"]}, {"b": [2, 5]}, 0),
        ("a,b\n1\n2,3\n", {"dtype": {"b": "str"}}, {"a": [1, 2], "b": [None, "3"]}, 0),
    ],
)  # fmt: skip
def test_lines_with_too_many_fields_are_left_out_and_counted(
    tmp_path: Path,
    text: str,
    config: dict[str, Any],
    expected: dict[Any, list[Any]],
    left_out: int,
    mode: str,
) -> None:
    (tmp_path / "a.csv").write_text(text)
    metrics: dict[str, float] = {}
    ctx = replace(context(tmp_path), metric=metrics.__setitem__)
    frame = drive(CSV, {"path": "a.csv", "on_bad_lines": mode, **config}, ctx)["df"]
    assert frame.astype(object).where(frame.notna(), None).to_dict("list") == expected
    assert metrics == {"rows_read": len(frame), "lines_left_out": left_out}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-01-02 03:04:05", "2024-01-03"], ["2024-01-02 03:04:05", "2024-01-03"]),
        (["13/02/2024", "", "01/02/2024"], ["2024-02-13", None, "2024-02-01"]),
        (["2024-01-02T00:00:00+02:00", "2024-07-02T00:00:00+01:00"], ["2024-01-01 22:00Z", "2024-07-01 23:00Z"]),
    ],
)  # fmt: skip
def test_times_are_read_where_they_are_named(
    tmp_path: Path, texts: list[str], expected: list[str | None]
) -> None:
    for place, text in enumerate(texts):
        (tmp_path / f"{place}.csv").write_text(f"t,s\n{text},x\n")
    frame = read(tmp_path, path="*.csv", parse_dates=["t"])
    assert frame["t"].tolist() == [pd.NaT if text is None else pd.Timestamp(text) for text in expected]
    assert frame["s"].dtype == "str"


def test_every_column_of_times_is_read_as_such_and_no_other(tmp_path: Path) -> None:
    text = "t,s,z\n2024-01-02,x,2024-01-02\n2024-01-02 03:04,2024-01-02,2024-01-03\n"
    frame = read(tmp_path, text, parse_dates=True, dtype={"z": "str"})
    assert [str(dtype) for dtype in frame.dtypes] == ["datetime64[us]", "str", "str"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ["2024-01-02", "2024-13-45"],
            "column 't' has '2024-13-45', which is not a time of the form %Y-%m-%d",
        ),
        (
            ["01/02/2024", "13/02/2024"],
            "column 't' has '13/02/2024', which is not a time of the form %m/%d/%Y",
        ),
        (["10:30"], "column 't' has '10:30', which is not a time; without parse_dates it is read as text"),
        (["2024-01-02 00:00+02:00", "2024-01-02 00:00"], "column 't' has times with and without an offset"),
    ],
)
def test_a_named_column_that_is_not_of_times_is_an_error(
    tmp_path: Path, texts: list[str], expected: str
) -> None:
    text = "t\n" + "".join(f"{text}\n" for text in texts)
    assert expected in refused(tmp_path, text, parse_dates=["t"])
    assert read(tmp_path, text, parse_dates=True)["t"].tolist() == texts


def test_a_pattern_reads_every_file_in_the_order_of_names(tmp_path: Path) -> None:
    for name, value in (("b", 2), ("a", 1), ("c", 3)):
        (tmp_path / f"part-{name}.csv").write_text(f"n\n{value}\n")
    frame = read(tmp_path, path="part-*.csv", file_column="file")
    assert frame["n"].tolist() == [1, 2, 3]
    assert [Path(name).name for name in frame["file"]] == ["part-a.csv", "part-b.csv", "part-c.csv"]
    assert read(tmp_path, path=["part-c.csv", str(tmp_path / "part-a*")])["n"].tolist() == [3, 1]


def test_the_connection_says_where_paths_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("n\n1\n")
    assert read(tmp_path, resolved_connection={"base_dir": "data"})["n"].tolist() == [1]


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("", {}, "step 's': CSV file not found: a.csv"),
        ("", {"path": "."}, "is a folder, not a CSV file"),
        ("", {"path": "x-*.csv"}, "step 's': no file matches x-*.csv"),
        (b"\n", {}, "step 's': a.csv is empty; there is not even a header"),
        ("a\n1\n", {"skip_rows": 9}, "a.csv has no line left after skip_rows: 9; lower skip_rows"),
        ("a,b\n1,2\n1,2,3\n", {}, "a.csv is not a table: Expected 2 fields in line 3, saw 3; correct line 3: quote the field that contains the delimiter, or check quote and escape of the step"),
        ("a,b\n1,2,3\n", {}, "a.csv is not a table: Expected 2 fields in line 2, saw 3; check delimiter, and whether the header names every column"),
        ("a,b\n1,2\n1,2,3\n", {"columns": ["a"]}, "a.csv is not a table: Expected 2 fields in line 3, saw 3; correct line 3"),
        ("a,b\n1,2,3\n", {"columns": ["a"]}, "a.csv is not a table: Expected 2 fields in line 2, saw 3; check delimiter"),
        ('a\n"x\n2\n', {}, "a.csv is not a table: a quote in the row that begins in line 2 is not closed; close the quote in the file"),
        ('a,b\n"x\ny",1\n\n3,"x\n4,5\n', {}, "a.csv is not a table: a quote in the row that begins in line 5 is not closed"),
        ("a;b\nž;1\n3;'x\n4;5\n".encode("cp1250"), {"encoding": "cp1250", "delimiter": ";", "quote": "'"}, "a quote in the row that begins in line 3 is not closed"),
        ('x\na\n"x\n2\n', {"skip_rows": 1}, "a quote in the row that begins in line 3 is not closed"),
        ('a\n#\n"x\n2\n', {"comment": "#"}, "a.csv is not a table: a quote in row 3 of the file is not closed"),
        ("zip,b\n1,2\n", {"dtype": {"zipp": "str"}}, "a.csv has no column 'zipp', named in dtype; it has zip, b; did you mean 'zip'?"),
        ("t,b\n1,2\n", {"parse_dates": ["when"]}, "a.csv has no column 'when', named in parse_dates; it has t, b"),
        ("1,2\n", {"header": False, "dtype": {"2": "str"}}, "a.csv has no column '2', named in dtype; it has 0, 1"),
        ("a,b\n1,2\n", {"columns": ["0"]}, "a.csv has no column '0', named in columns; it has a, b"),
        ("a,b\n1,2\n", {"columns": ["a", 0]}, "columns names column 'a' twice"),
        ("a,b\n1,2\n", {"columns": [["a"]]}, "a.csv has no column \"['a']\", named in columns; it has a, b"),
        ("a\n1\n", {"file_column": "a"}, "a.csv already has a column 'a'; choose another file_column"),
        ("a\n1\n", {"delimiter": ""}, r"step 's': delimiter is ''; it takes one ASCII character, \s+ for any white space, or auto"),
        ("a\n1\n", {"delimiter": "||"}, "step 's': delimiter is '||'; it takes one ASCII character"),
        (gzip.compress(b"a\n1\n" * 999, mtime=0)[:-9], {"compression": "gzip"}, "a.csv cannot be read: Compressed file ended"),
        ("a\n1\n", {"compression": "zip"}, "a.csv cannot be read: File is not a zip file"),
        ("a\nž\n".encode("cp1250"), {}, "a.csv is not utf-8: invalid start byte (9e); set encoding"),
        ("a\n1\n", {"encoding": "utf-99"}, "unknown encoding 'utf-99'"),
        ("a,b\n1,2\n", {"columns": ["a", "c"]}, "a.csv has no column 'c', named in columns; it has a, b"),
        ("a\nx\n", {"dtype": {"a": "int64"}}, "a.csv cannot be read: "),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_named_with_the_reason(
    tmp_path: Path, text: str | bytes, config: dict[str, Any], expected: str
) -> None:
    assert expected in refused(tmp_path, text, **config)


def test_files_with_other_columns_are_not_put_together(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("a,c\n1,2\n")
    assert "2.csv has columns a, c; the files before it have a, b" in refused(tmp_path, path="?.csv")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, b'z,a\n1,"x,""y"""\n,\n'),
        ({"delimiter": ";", "newline": "crlf"}, b'z;a\r\n1;"x,""y"""\r\n;\r\n'),
        ({"header": False, "na_rep": "NULL"}, b'1,"x,""y"""\nNULL,NULL\n'),
        ({"quoting": "all"}, b'"z","a"\n"1","x,""y"""\n"",""\n'),
        ({"encoding": "utf-16-le"}, 'z,a\n1,"x,""y"""\n,\n'.encode("utf-16-le")),
    ],
)
def test_a_frame_is_written_as_its_step_says_and_its_columns_keep_their_order(
    tmp_path: Path, config: dict[str, Any], expected: bytes
) -> None:
    frame = pd.DataFrame({"z": pd.array([1, None], "Int64"), "a": ['x,"y"', None]})
    assert written(tmp_path, frame, **config) == expected


@pytest.mark.parametrize("storage", STORAGES)
def test_memory_and_spill_write_the_same_bytes(tmp_path: Path, storage: str) -> None:
    frame = pd.DataFrame({"n": range(250_000), "t": "x"})
    drive(OUT, {"path": "out.csv"}, context(tmp_path), df=handed(tmp_path, frame, STORAGES[storage]))
    assert (tmp_path / "out.csv").read_text() == "n,t\n" + "".join(f"{n},x\n" for n in range(250_000))


@pytest.mark.parametrize("empty", [[0], [1], [2], [0, 1], [0, 1, 2]])
def test_several_inputs_have_one_header_though_some_have_no_row(tmp_path: Path, empty: list[int]) -> None:
    inputs = {
        f"df_{place}": handed(
            tmp_path,
            pd.DataFrame({"id": [place], "v": [9]}).head(int(place not in empty)),
            step=f"step-{place}",
        )
        for place in range(3)
    }
    drive(OUT, {"path": "out", "on_several_inputs": "append"}, context(tmp_path), **inputs)
    rows = "".join(f"{place},9\n" for place in range(3) if place not in empty)
    assert (tmp_path / "out").read_text() == "id,v\n" + rows


@pytest.mark.parametrize("newline", ["lf", "crlf"])
@pytest.mark.parametrize("quoting", ["minimal", "all", "nonnumeric"])
def test_texts_that_hold_ends_of_lines_are_read_as_they_were(
    tmp_path: Path, newline: str, quoting: str
) -> None:
    frame = pd.DataFrame({"a\rb": ["x\ry", "x\r\ny", "\r", 'q"\n,', "plain"], "n": range(5)})
    data = written(tmp_path, frame, newline=newline, quoting=quoting)
    assert read(tmp_path, data).to_dict("list") == frame.to_dict("list")
    assert data.endswith(b"\r\n") == (newline == "crlf")


def test_a_bare_carriage_return_cannot_be_written_without_quotes(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match=r"has a value that must be quoted: .*; set quoting: minimal"):
        written(tmp_path, pd.DataFrame({"a": ["x\ry"]}), quoting="none")


@pytest.mark.parametrize("delimiter", ["||", "", '"', "\n", None])
def test_a_delimiter_that_is_not_one_character_is_named_by_the_writer(
    tmp_path: Path, delimiter: str | None
) -> None:
    with pytest.raises(DriverError) as caught:
        written(tmp_path, pd.DataFrame({"a": [1]}), delimiter=delimiter)
    assert f"step 's': delimiter is {delimiter!r}; it takes one character" in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_no_row_writes_the_header(tmp_path: Path) -> None:
    assert written(tmp_path, pd.DataFrame({"a": [], "b": []})) == b"a,b\n"


@pytest.mark.parametrize(("name", "config"), [(OUT, {"encoding": "ascii"}), (OUT, {"encoding": "nope"})])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, name: str, config: dict[str, Any]
) -> None:
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(DriverError, match="encoding"):
        written(tmp_path, pd.DataFrame({"a": ["ž"]}), name, **config)
    assert (tmp_path / "out.csv").read_text() == "old"
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    ("path", "config", "expected"),
    [
        ("missing/out.csv", {"create_dirs": False}, "does not exist; set create_dirs: true"),
        ("file/out.csv", {}, "cannot write"),
        (".", {}, "it is a folder"),
        ("/dev/full", {}, "No space left on device"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_named(
    tmp_path: Path, path: str, config: dict[str, Any], expected: str
) -> None:
    (tmp_path / "file").write_text("")
    resolved = handed(tmp_path, pd.DataFrame({"a": range(100_000)}))
    with pytest.raises(DriverError, match=expected):
        drive(OUT, {"path": path, **config}, context(tmp_path), df=resolved)


@pytest.mark.parametrize("name", [OUT, "filesystem.parquet_writer"])
def test_several_inputs_are_an_error_unless_the_step_says_to_append(tmp_path: Path, name: str) -> None:
    inputs = {
        f"df_{step}": handed(tmp_path, pd.DataFrame(columns), step=step)
        for step, columns in (("a", {"n": [1], "t": ["x"]}), ("b", {"t": ["y"], "n": [2]}))
    }
    with pytest.raises(
        DriverError,
        match="step 's': the writer takes 1 input and received 2: df_a, df_b; join them in an earlier step, or set on_several_inputs: append",
    ):
        drive(name, {"path": "out"}, context(tmp_path), **inputs)
    assert drive(name, {"path": "out", "on_several_inputs": "append"}, context(tmp_path), **inputs) == {
        "rows_written": 2
    }
    frame = pd.read_csv(tmp_path / "out") if name == OUT else pq.read_table(tmp_path / "out").to_pandas()
    assert frame.to_dict("list") == {"n": [1, 2], "t": ["x", "y"]}


def test_inputs_with_other_columns_are_not_appended(tmp_path: Path) -> None:
    inputs = {
        f"df_{step}": handed(tmp_path, pd.DataFrame({column: [1]}), step=step)
        for step, column in (("a", "n"), ("b", "m"))
    }
    with pytest.raises(DriverError, match="input 'df_b' has columns m; the first has n"):
        drive(OUT, {"path": "out", "on_several_inputs": "append"}, context(tmp_path), **inputs)


def test_a_writer_without_an_input_says_so(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match="step 's': the writer received no input; name a step in its needs"):
        drive(OUT, {"path": "out"}, context(tmp_path))


def test_progress_is_told_while_a_file_is_written(tmp_path: Path) -> None:
    told: list[int] = []
    resolved = handed(tmp_path, pd.DataFrame({"n": range(250_000)}))
    drive(OUT, {"path": "out"}, context(tmp_path, told), df=resolved)
    assert told == [100_000, 200_000, 250_000]


# --- Parquet

PARQUET_IN, PARQUET_OUT = "filesystem.parquet_extractor", "filesystem.parquet_writer"


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("compression", ["zstd", "lz4", "snappy", "none"])
def test_what_is_written_as_parquet_is_read_again(tmp_path: Path, storage: str, compression: str) -> None:
    table = pa.table({"z": [1, None], "a": ["x", ""], "t": pa.array([1, None], pa.timestamp("us", "UTC"))})
    resolved = handed(tmp_path, table, STORAGES[storage])
    drive(PARQUET_OUT, {"path": "deep/a.parquet", "compression": compression}, context(tmp_path), df=resolved)
    found = drive(PARQUET_IN, {"path": "deep/*.parquet"}, context(tmp_path))["df"]
    assert found.to_pydict() == table.to_pydict()
    assert found.schema.field("t").type == pa.timestamp("us", "UTC")


def test_columns_of_parquet_come_in_the_order_asked_for(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": [2], "c": [3]}), tmp_path / "a.parquet")
    assert read(tmp_path, name=PARQUET_IN, path="a.parquet", columns=["c", "a"]).to_dict("list") == {
        "c": [3],
        "a": [1],
    }
    assert "a.parquet has no column 'x'; it has a, b, c" in refused(
        tmp_path, name=PARQUET_IN, path="a.parquet", columns=["x"]
    )


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all", None])
def test_a_file_that_is_no_whole_parquet_is_named(tmp_path: Path, content: bytes | None) -> None:
    pq.write_table(pa.table({"a": range(1000)}), tmp_path / "a.parquet")
    path = tmp_path / "a.parquet"
    path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    assert "a.parquet is not a complete Parquet file" in refused(tmp_path, name=PARQUET_IN, path="a.parquet")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n")
    (tmp_path / "a.csv").chmod(0)
    assert "permission denied" in refused(tmp_path)
