"""CSV and Parquet files in and out: what is read, what is refused, and that a file is whole or not there."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.model.errors import DriverError
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
    ],
)
def test_a_file_is_read_as_its_step_says(
    tmp_path: Path, text: str, config: dict[str, Any], expected: dict[Any, list[Any]]
) -> None:
    assert read(tmp_path, text, **config).to_dict("list") == expected


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    assert read(tmp_path, "a\nž\n".encode("cp1250"), encoding="cp1250")["a"].tolist() == ["ž"]


def test_whole_numbers_with_gaps_stay_exact(tmp_path: Path) -> None:
    frame = read(tmp_path, "a,b,c\n9007199254740993,1.5,x\n,,\n3,2,y\n")
    assert frame["a"].dtype == "Int64"
    assert frame["a"].tolist()[0] == 9007199254740993
    assert frame["b"].dtype == "float64"


def test_times_are_read_where_they_are_named(tmp_path: Path) -> None:
    frame = read(tmp_path, "t,s\n2024-01-02 03:04:05,x\n", parse_dates=["t"])
    assert frame["t"].tolist() == [pd.Timestamp("2024-01-02 03:04:05")]
    assert read(tmp_path, "t,s\n2024-01-02,x\n", parse_dates=True)["s"].tolist() == ["x"]


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
        ("a,b\n1,2\n1,2,3\n", {}, "a.csv is no table: Expected 2 fields in line 3, saw 3; set on_bad_lines: skip to leave such lines out"),
        ("a,b\n1,2,3\n", {}, "a.csv is no table: "),
        ("a\nž\n".encode("cp1250"), {}, "a.csv is not utf-8: invalid start byte (9e); set encoding"),
        ("a\n1\n", {"encoding": "utf-99"}, "unknown encoding 'utf-99'"),
        ("a,b\n1,2\n", {"columns": ["a", "c"]}, "a.csv has no column 'c'; it has a, b"),
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
        ("missing/out.csv", {"create_dirs": False}, "is not there; set create_dirs: true"),
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
        match="step 's' writes one frame and got 2: df_a, df_b; join them in a step before it, or set on_several_inputs: append",
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
    with pytest.raises(DriverError, match="step 's' writes one frame and got none; name a step in its needs"):
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
    assert "a.parquet is no whole Parquet file" in refused(tmp_path, name=PARQUET_IN, path="a.parquet")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n")
    (tmp_path / "a.csv").chmod(0)
    assert "may not be read by this user" in refused(tmp_path)
