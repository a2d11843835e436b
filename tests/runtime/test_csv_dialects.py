"""CSV files of many dialects: the delimiter that the first lines show, quotes, escapes, and separators of numbers."""

import csv
import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.lint import lint
from tests.runtime.driving import context, drive
from tests.runtime.pipelines import STATS
from tests.runtime.runs import events_of, make_run

CSV = "filesystem.csv_extractor"
WIDE = [f"{'column' * 8}, {number}" for number in range(1_500)]
GROUPED = {"decimal": ",", "thousands": "."}


class Dialect(NamedTuple):
    """File, the settings of its step, the delimiter that ``auto`` finds, and the frame."""

    name: str
    content: str | bytes
    delimiter: str
    frame: dict[Any, list[Any]]
    config: Mapping[str, Any] = MappingProxyType({})


DIALECTS = (
    Dialect("comma", "id,name\n1,a\n2,b\n", ",", {"id": [1, 2], "name": ["a", "b"]}),
    Dialect("semicolon", "id;name\n1;a\n2;b\n", ";", {"id": [1, 2], "name": ["a", "b"]}),
    Dialect("tab", "id\tname\n1\ta\n2\tb\n", "\t", {"id": [1, 2], "name": ["a", "b"]}),
    Dialect("pipe", "id|name\n1|a\n2|b\n", "|", {"id": [1, 2], "name": ["a", "b"]}),
    Dialect(
        "decimal commas as text",
        "id;name;v\n1;a;1,5\n2;b;2,5\n",
        ";",
        {"id": [1, 2], "name": ["a", "b"], "v": ["1,5", "2,5"]},
    ),
    Dialect(
        "decimal commas", "id;v\n1;1,5\n2;-2,25\n", ";", {"id": [1, 2], "v": [1.5, -2.25]}, {"decimal": ","}
    ),
    Dialect("quoted decimal commas", 'id,v\n1,"1,5"\n2,"2"\n', ",", {"id": [1, 2], "v": [1.5, 2]}, {"decimal": ","}),
    Dialect("thousands", "v\n1.234\n12\n1.234.567\n", ";", {"v": [1234, 12, 1234567]}, GROUPED),
    Dialect("thousands with decimals", "v;n\n1.234,5;1\n-12,25;2\n", ";", {"v": [1234.5, -12.25], "n": [1, 2]}, GROUPED),
    Dialect("thousands with gaps", "v;n\n1.234;1\n;2\n", ";", {"v": [1234, None], "n": [1, 2]}, GROUPED),
    Dialect("thousands beyond floats", "v\n9.007.199.254.740.993\n1\n", ";", {"v": [9007199254740993, 1]}, GROUPED),
    Dialect("dates are not numbers", "v\n01.02.2024\n12.11.2024\n", ";", {"v": ["01.02.2024", "12.11.2024"]}, GROUPED),
    Dialect("wrong groups are text", "v\n1.5\n1.234\n", ";", {"v": ["1.5", "1.234"]}, GROUPED),
    Dialect("codes stay text", "v\n007\n1.234\n", ";", {"v": ["007", "1.234"]}, GROUPED),
    Dialect("no-break spaces", "v;n\n1\u00a0234,5;1\n1\u202f000;2\n", ";", {"v": [1234.5, 1000], "n": [1, 2]}, {"decimal": ",", "thousands": " "}),
    Dialect("english thousands", 'v,n\n"1,234.5",1\n"12",2\n', ",", {"v": [1234.5, 12], "n": [1, 2]}, {"thousands": ","}),
    Dialect("requested type of thousands", "v;n\n1.234,5;1\n2;2\n", ";", {"v": [1234.5, 2], "n": [1, 2]}, {**GROUPED, "dtype": {"v": "float64"}}),
    Dialect("one column of numbers", "id\n1\n2\n", ",", {"id": [1, 2]}),
    Dialect("one column of decimal commas", "v\n1,5\n-2,25\n", ";", {"v": [1.5, -2.25]}, {"decimal": ","}),
    Dialect("one column of words", "text\nhello\nworld\n", ",", {"text": ["hello", "world"]}),
    Dialect("one column of lists", "tags\na;b\nc;d\n", ",", {"tags": ["a;b", "c;d"]}),
    Dialect("one column with a semicolon in its name", "note; free text\nhello\nworld\n", ",", {"note; free text": ["hello", "world"]}),
    Dialect("header only", "id;name\n", ";", {"id": [], "name": []}),
    Dialect("prose in a header", "note; long,text; short\n", ",", {"note; long": [], "text; short": []}),
    Dialect("spaces after commas", "id, a|b, c\n1, x|y, z\n", ",", {"id": [1], " a|b": [" x|y"], " c": [" z"]}),
    Dialect("spaces after semicolons", "id; v\n1; 2,5\n", ";", {"id": [1], " v": [" 2,5"]}),
    Dialect("one row", "id\tname\n1\ta\n", "\t", {"id": [1], "name": ["a"]}),
    Dialect("quoted newline", 'id;t\n1;"a\nb;c,d"\n2;"x"\n', ";", {"id": [1, 2], "t": ["a\nb;c,d", "x"]}),
    Dialect("quoted commas", 'id;t\n1;"a,b"\n2;"c,d"\n', ";", {"id": [1, 2], "t": ["a,b", "c,d"]}),
    Dialect("quoted header", '"id";"a,b"\n1;x\n', ";", {"id": [1], "a,b": ["x"]}),
    Dialect("doubled quotes", 'id;t\n1;"say ""a;b"""\n', ";", {"id": [1], "t": ['say "a;b"']}),
    Dialect("trailing delimiters", "a;b;\n1;2;\n3;4;\n", ";", {"a": [1, 3], "b": [2, 4], "Unnamed: 2": [None, None]}),
    Dialect("trailing delimiters of rows", "a,b\n1,2,\n3,4,\n", ",", {"a": [1, 3], "b": [2, 4]}),
    Dialect("text with commas", "id;t\n1;hello, world\n2;a, b, c\n3;none\n", ";", {"id": [1, 2, 3], "t": ["hello, world", "a, b, c", "none"]}),
    Dialect("lists in a comma file", "id,tags\n1,a;b\n2,c;d\n", ",", {"id": [1, 2], "tags": ["a;b", "c;d"]}),
    Dialect("pipes in a comma file", "a,b|c\nx|y,1\nz,2\n", ",", {"a": ["x|y", "z"], "b|c": [1, 2]}),
    Dialect("comma of a unit", "Preis, EUR;Name\n1,5;x\n2,5;y\n", ";", {"Preis, EUR": ["1,5", "2,5"], "Name": ["x", "y"]}),
    Dialect("semicolons inside a field", "lat;lon,name\n1.5;2.5,x\n3.5;4.5,y\n", ",", {"lat;lon": ["1.5;2.5", "3.5;4.5"], "name": ["x", "y"]}),
    Dialect("short lines", "a;b;c\n4;5;6\n1\n7;8;9\n", ";", {"a": [4, 1, 7], "b": [5, None, 8], "c": [6, None, 9]}),
    Dialect("BOM", b"\xef\xbb\xbfid;v\n1;2\n", ";", {"id": [1], "v": [2]}),
    Dialect("UTF-16", "id;v\n1;ž\n".encode("utf-16"), ";", {"id": [1], "v": ["ž"]}, {"encoding": "utf-16"}),
    Dialect("cp1250", "id;v\n1;ž\n".encode("cp1250"), ";", {"id": [1], "v": ["ž"]}, {"encoding": "cp1250"}),
    Dialect("gzip", gzip.compress(b"id;v\n1;2\n", mtime=0), ";", {"id": [1], "v": [2]}, {"compression": "gzip"}),
    Dialect("CR", "a;b\r1;2\r3;4\r", ";", {"a": [1, 3], "b": [2, 4]}),
    Dialect("CRLF", "a\tb\r\n1\t2\r\n", "\t", {"a": [1], "b": [2]}),
    Dialect("comments", "# a,b,c\nid;v# x,y\n1;2\n", ";", {"id": [1], "v": [2]}, {"comment": "#"}),
    Dialect("quoted comment sign", 'id;v\n1;"#a,b"\n2;c\n', ";", {"id": [1, 2], "v": ["#a,b", "c"]}, {"comment": "#"}),
    Dialect("title", "Report, 2024\n\nid;v\n1;2\n", ";", {"id": [1], "v": [2]}, {"skip_rows": 2}),
    Dialect("no header", "1;a,b\n2;c\n", ";", {0: [1, 2], 1: ["a,b", "c"]}, {"header": False}),
    Dialect("blank lines", "\nid|v\n\n1|2\n\n", "|", {"id": [1], "v": [2]}),
    Dialect("single quotes", "id;v\n1;'a;b'\n2;'it''s'\n", ";", {"id": [1, 2], "v": ["a;b", "it's"]}, {"quote": "'"}),
    Dialect("no quotes", 'id\tv\n1\t"a\n2\tb"\n', "\t", {"id": [1, 2], "v": ['"a', 'b"']}, {"quote": "none"}),
    Dialect("escaped quote", 'id,v\n1,"x \\" y"\n', ",", {"id": [1], "v": ['x " y']}, {"escape": "\\"}),
    Dialect("escaped delimiter", "id;v\n1;a\\;b\n2;c\n", ";", {"id": [1, 2], "v": ["a;b", "c"]}, {"escape": "\\"}),
    Dialect("long file", "id;v\n" + "1;2,5\n" * 100_000, ";", {"id": [1] * 100_000, "v": ["2,5"] * 100_000}),
    Dialect("wide header", ";".join(WIDE) + "\n" + "1;" * 1_499 + "1\n", ";", {name: [1] for name in WIDE}),
)  # fmt: skip


def extract(folder: Path, content: str | bytes, **config: Any) -> tuple[dict[Any, list[Any]], dict[str, Any]]:
    """Return the columns of a file, and what the step records about it."""
    (folder / "a.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    recorded: dict[str, Any] = {}
    ctx = replace(context(folder), describe_source=recorded.update)
    frame = drive(CSV, {"path": "a.csv", **config}, ctx)["df"]
    return frame.astype(object).where(frame.notna(), None).to_dict("list"), recorded


def test_thousands_of_several_files_are_one_type(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("v;n\n12;2\n")
    assert extract(tmp_path, "v;n\n1.234;1\n", path="*.csv", **GROUPED)[0] == {"v": [1234, 12], "n": [1, 2]}
    (tmp_path / "c.csv").write_text("v;n\nx;2\n")
    frame, _ = extract(tmp_path, "v;n\n1.234;1\n", path="*.csv", **GROUPED)
    assert frame["v"] == ["1.234", "12", "x"]


def test_title_with_a_long_field_is_ragged(tmp_path: Path) -> None:
    error = failure(tmp_path, "x" * 200_000 + "\na,b\n1,2\n")
    assert error.kind == "csv-ragged"


def failure(folder: Path, content: str, **config: Any) -> DriverError:
    with pytest.raises(DriverError) as caught:
        extract(folder, content, **config)
    return caught.value


@pytest.mark.parametrize("dialect", DIALECTS, ids=[dialect.name for dialect in DIALECTS])
def test_file_is_read_in_its_dialect(tmp_path: Path, dialect: Dialect) -> None:
    frame, recorded = extract(tmp_path, dialect.content, **dialect.config)
    assert frame == dialect.frame
    assert recorded["dialect"] == {"delimiter": dialect.delimiter}


@pytest.mark.parametrize("dialect", DIALECTS, ids=[dialect.name for dialect in DIALECTS])
def test_named_delimiter_reads_the_same_frame(tmp_path: Path, dialect: Dialect) -> None:
    frame, recorded = extract(tmp_path, dialect.content, **dialect.config, delimiter=dialect.delimiter)
    assert frame == dialect.frame
    assert "dialect" not in recorded


def test_named_delimiter_wins_over_the_header(tmp_path: Path) -> None:
    frame, _ = extract(tmp_path, "a;b,c;d\n1;2,3;4\n", delimiter=",")
    assert frame == {"a;b": ["1;2"], "c;d": ["3;4"]}


def test_files_of_different_delimiters_are_one_frame(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("id,v\n2,b\n")
    frame, recorded = extract(tmp_path, "id;v\n1;a\n", path="*.csv")
    assert frame == {"id": [1, 2], "v": ["a", "b"]}
    assert recorded["dialect"] == {str(tmp_path / "a.csv"): ";", str(tmp_path / "b.csv"): ","}


@pytest.mark.parametrize(
    ("content", "delimiter", "fix"),
    [
        ("id;name;v\n1;a;1,5\n2;b;2,5\n", ",", "set delimiter: ';', or auto"),
        ("id\tname\n1\ta\n2\tb\n", ",", 'set delimiter: "\\t", or auto'),
        ("id|name\n", ",", "set delimiter: '|', or auto"),
        ("id,name\n1,a\n", ";", "set delimiter: ',', or auto"),
        ("id,name\n1,a\n", r"\s+", "set delimiter: ',', or auto"),
        ("id;name\n1;a\n2\n", "^", "set delimiter: ';', or auto"),
    ],
)
def test_named_delimiter_of_one_column_is_refused(
    tmp_path: Path, content: str, delimiter: str, fix: str
) -> None:
    error = failure(tmp_path, content, delimiter=delimiter)
    assert (error.kind, error.fix, error.facts["delimiter"]) == ("delimiter-wrong", fix, delimiter)


@pytest.mark.parametrize("delimiter", ["auto", ","])
@pytest.mark.parametrize(
    "content", ["a,b\n1,2\n3,4\n1,2,3\n", "a,b\n1,2,3\n4,5,6\n", "a,b\n1;2,3,4\n5,6,7\n"]
)
def test_leaving_lines_out_is_never_advised(tmp_path: Path, content: str, delimiter: str) -> None:
    error = failure(tmp_path, content, delimiter=delimiter)
    assert error.kind == "csv-ragged"
    assert not {"on_bad_lines", "skip"} & {*str(error).replace(":", " ").split()}


@pytest.mark.parametrize(
    ("config", "setting"),
    [
        ({"quote": "ab"}, "quote"),
        ({"quote": "x"}, "quote"),
        ({"escape": ""}, "escape"),
        ({"escape": "none"}, "escape"),
        ({"decimal": "12"}, "decimal"),
        ({"thousands": "1"}, "thousands"),
        ({"thousands": "."}, "decimal"),
        ({"decimal": ",", "thousands": ","}, "decimal"),
        ({"delimiter": "'", "quote": "'"}, "quote"),
        ({"delimiter": "^", "escape": "^"}, "escape"),
        ({"escape": '"'}, "escape"),
    ],
)
def test_invalid_dialect_names_its_setting(tmp_path: Path, config: dict[str, Any], setting: str) -> None:
    error = failure(tmp_path, "a\n1\n", **config)
    assert (error.kind, error.facts["setting"]) == ("config-value-invalid", setting)


@pytest.mark.parametrize("value", ["1.5", "01.234", "1.23", "x"])
def test_requested_number_in_another_format_is_refused(tmp_path: Path, value: str) -> None:
    error = failure(tmp_path, f"v\n1.234\n{value}\n", **GROUPED, dtype={"v": "float64"})
    assert (error.kind, error.facts["column"], error.facts["value"]) == ("value-not-convertible", "v", value)


PIPELINE = """oml_version: "0.1.0"
name: p
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: a.csv, %s}}
  - {id: write, component: filesystem.csv_writer, needs: [read], config: {path: b.csv}}
"""


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("delimiter: auto", ()),
        ("quote: \"'\", escape: '\\', decimal: ',', thousands: '.'", ()),
        ("quote: none", ()),
        (
            "dtype: {zip: int64, id: int64, Phone_1: str}",
            (
                "4:88: warning: column 'zip' is read as int64, so 00123 becomes 123; use str to keep codes as they are",
            ),
        ),
        (
            "quote: ab",
            (
                "4:82: error: invalid value 'ab' for 'quote': expected one ASCII sign such as \" or ', or none",
            ),
        ),
        (
            "escape: x",
            ("4:83: error: invalid value 'x' for 'escape': expected one ASCII sign such as a backslash",),
        ),
        (
            "decimal: ';'",
            ("4:84: error: invalid value ';' for 'decimal': expected a point or a comma",),
        ),
        (
            "thousands: '.'",
            ("4:86: error: 'thousands' and 'decimal' are both '.'; set one of them to another character",),
        ),
        (
            "delimiter: ';', quote: ';'",
            ("4:98: error: 'quote' and 'delimiter' are both ';'; set one of them to another character",),
        ),
    ],
)
def test_lint_checks_the_dialect(setting: str, expected: tuple[str, ...]) -> None:
    messages = lint(PIPELINE % setting, "p.yaml", all_components())
    assert tuple(str(message).removeprefix("p.yaml:") for message in messages) == expected


def rejected(folder: Path) -> list[list[str]]:
    with (folder / "artifacts" / "rejected_rows.csv").open(newline="") as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize("mode", ["warn", "skip"])
@pytest.mark.parametrize(
    ("content", "config", "expected"),
    [
        ("a,b\n1,2\n1,2,3\n4,5\n7,8,9,10\n", {}, [("3", "3 fields instead of 2", "1,2,3"), ("5", "4 fields instead of 2", "7,8,9,10")]),
        ("note\n\na,b\n\n1,2,3\n", {"skip_rows": 1}, [("5", "3 fields instead of 2", "1,2,3")]),
        ('a,b\n"x\ny",1\n"p\nq",2,3\n4,5\n', {}, [("4", "3 fields instead of 2", '"p\nq",2,3')]),
        ("a;b\r\n1;2;3\r\n4;5\r\n", {}, [("2", "3 fields instead of 2", "1;2;3")]),
        ("a,b\n# x,y,z\n1,2,3 # p,q\n4,5\n", {"comment": "#"}, [("3", "3 fields instead of 2", "1,2,3 # p,q")]),
        ("a b\n1 2 3\n4  5\n", {"delimiter": r"\s+"}, [("2", "more fields than the header", "1 2 3")]),
        ("a,b\n1,ž,3\n".encode("utf-16"), {"encoding": "utf-16"}, [("2", "3 fields instead of 2", "1,ž,3")]),
        (gzip.compress(b"a,b\n1,2,3\n", mtime=0), {"compression": "gzip"}, [("2", "3 fields instead of 2", "1,2,3")]),
        ("a,b\n1,2\n" + "x" * 2_000 + "y,2,3\n", {}, [("3", "3 fields instead of 2", "x" * 2_000)]),
        ("a,b\n1,2,3\n4,x\x1fy\n5,6,7\n", {}, [("2", "more fields than the header", ""), ("4", "more fields than the header", "")]),
    ],
)  # fmt: skip
def test_row_that_is_left_out_is_recorded(
    tmp_path: Path,
    content: str | bytes,
    config: dict[str, Any],
    expected: list[tuple[str, str, str]],
    mode: str,
) -> None:
    extract(tmp_path, content, **config, on_bad_lines=mode)
    header, *rows = rejected(tmp_path)
    assert header == ["file", "line", "reason", "text"]
    assert rows == [[str(tmp_path / "a.csv"), *row] for row in expected]


def test_many_rejected_rows_are_counted_and_recorded_in_part(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n" + "1,2,3\n" * 1_500)
    config = {"path": "a.csv", "on_bad_lines": "skip"}
    assert drive(CSV, config, context(tmp_path))["rows_rejected"] == 1_500
    assert len(rejected(tmp_path)) == 1_001


def test_file_without_rejected_rows_records_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3\n")
    config = {"path": "a.csv", "on_bad_lines": "skip"}
    assert drive(CSV, config, context(tmp_path))["rows_rejected"] == 0
    assert not (tmp_path / "artifacts" / "rejected_rows.csv").exists()


def test_run_card_counts_the_rejected_rows(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("title,rating\nx,1\ny,2,3\n")
    text = STATS.replace("{path: movies.csv}", "{path: bad.csv, on_bad_lines: skip}")
    run = make_run(tmp_path, text=text)
    ends = {event["step_id"]: event for event in events_of(run.path) if event["event"] == "step_complete"}
    card = json.loads((run.path / "artifacts/_system/run_card.json").read_bytes())
    counts = {step["step_id"]: step["rows_rejected"] for step in card["steps"]}
    assert ends["extract-movies"]["rows_rejected"] == 1
    assert counts == {"extract-movies": 1, "compute-stats": None, "write-stats": None}
    assert (run.path / "artifacts/extract-movies/rejected_rows.csv").is_file()


def test_report_names_the_file_of_rejected_rows(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("title,rating\nx,1\ny,2,3\n")
    run = make_run(tmp_path, text=STATS.replace("{path: movies.csv}", "{path: bad.csv, on_bad_lines: skip}"))
    findings = [finding for finding in analyze(run.path).findings if finding.rule == "rows-skipped"]
    assert [finding.message for finding in findings] == [
        "counted 1 lines left out; see artifacts/extract-movies/rejected_rows.csv"
    ]
