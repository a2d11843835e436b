"""Rows and values of a CSV file that do not fit the rest of it, which the extractor records."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.runtime.driving import context, drive
from tests.runtime.pipelines import STATS
from tests.runtime.runs import events_of, make_run
from tests.runtime.test_csv_file_checks import signs

NUMBERS = "".join(f"{number},{number * 3},x\n" for number in range(1, 41))
REVIEWS = "".join(
    f"{number},great\nwould buy again,5,u\n" if number % 3 == 0 else f"{number},fine,4,u\n"
    for number in range(30)
)


def odd(column: str, value: str, line: int, **more: int) -> dict[str, Any]:
    return {
        "odd_values": [
            {
                "column": column, "count": 1, "values": 41, "decimals": 0, "different": 1, "value": value, "line": line,
                **more,
            }
        ]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        (
            "id,text,stars,author\n" + REVIEWS,
            {},
            {"short_lines": 20, "broken_lines": 20, "checked_lines": 40},
        ),
        ("a,b,c\n1,2,3\n4;5;6\n7,8,9\n", {}, {"short_lines": 1, "broken_lines": 1, "checked_lines": 3}),
        ("a,b,c\n1,2,3\n4,5,6\n2 rows\n", {}, {"short_lines": 1, "footer_lines": 1, "checked_lines": 3}),
        ("a,b,c\n1,2,\n3,4\n5,6,7\n", {}, {"short_lines": 1, "padded_lines": 1, "checked_lines": 3}),
        ('a,b,c\n1,"x,y",\n3,4\n5,6,7\n', {}, {"short_lines": 1, "padded_lines": 1, "checked_lines": 3}),
        ("a,b,c\n1,2,3\n4,5,6\n7,8", {}, {"short_lines": 1, "cut_lines": 1, "checked_lines": 3}),
        (
            "n,m,t\n" + NUMBERS + "n,m,t\n" + NUMBERS,
            {},
            {"header_repeats": 1, "header_repeat_line": 42, "repeated_blocks": 2},
        ),
        (
            "n,m,t\n" + NUMBERS + "TOTAL,2460,\n",
            {},
            {**odd("n", "TOTAL", 42), "total_line": 42, "total_label": "TOTAL"},
        ),
        ("n,m,t\n" + NUMBERS + "41,12 pcs,x\n", {}, odd("m", "12 pcs", 42)),
        ("# title\nn,m,t\n" + NUMBERS + "41,-,x\n", {"skip_rows": 1}, odd("m", "-", 43)),
        ("t,n\na,1\nb,2\nc,3\nTotal,6\n", {}, {"total_line": 5, "total_label": "Total"}),
        ("zip,n\n01234,1\n98765,2\n", {}, {"dtype_inferred": {"zip": "text: leading zeros"}}),
        ("v;n\n1,5;1\n2;2\n", {}, {"dtype_inferred": {"v": "text: commas between digits"}}),
        (
            'v,n\n"1,234.5",1\n,2\n"1,234,567",3\n',
            {},
            {"dtype_inferred": {"v": "text: commas between digits"}},
        ),
        ("code,n\n12E45678,1\n98E7,2\n", {}, {"dtype_inferred": {"code": "text: digits with an E"}}),
        ("t,n,m\na,1,2\nb,2,5\nc,3,9\n,6,16\n", {}, {"total_line": 5, "total_label": ""}),
    ],
)
def test_line_that_does_not_fit_is_recorded(
    tmp_path: Path, text: str, config: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert signs(tmp_path, text, **config) == expected


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("v;n\n1,5;1\n2;2\n", {"decimal": ","}),
        ("v;n\n1,5;1\n2;2\n", {"dtype": {"v": "str"}}),
        ("v;n\n1,5;1\n2,5,3;2\n", {}),
        ("v;n\n1.234;1\n1.2.3;2\n", {}),
        ("a,b,c\n1,2,3\n4,5,\n", {}),
        ('a,b\n1,"two\nlines"\n2,\n', {}),
        ("a,b\n1,x\x0by\n2,\n", {}),
        ("a\n1\n\n2\n", {}),
        ("n,m,t\n" + NUMBERS, {}),
        ("n,m,t\n" + NUMBERS + "TOTAL,2460,\n", {"dtype": {"n": "str", "m": "str"}, "limit": 40}),
        ("n,m,t\n" + NUMBERS + "41,12 pcs,x\n", {"dtype": {"m": "str"}}),
        ("n\n" + "".join(f"{n}A\n" for n in range(20)) + "1\n" * 30, {}),
        ("t,n\na,1\nb,2\nc,3\nTotal,9\n", {}),
        ("t,n\na,1\nb,2\nTotal tools,3\nd,6\n", {}),
        ("t,n\na,1\n,2\nc,3\n,6\n", {}),
        ("t,n\na,0\nb,0\nc,0\nTotal,0\n", {}),
    ],
)
def test_file_whose_lines_fit_has_no_facts(tmp_path: Path, text: str, config: dict[str, Any]) -> None:
    assert signs(tmp_path, text, **config) == {}


def test_row_is_named_if_there_are_several_files(tmp_path: Path) -> None:
    rows = "n,m,t\n" + NUMBERS
    recorded = signs(tmp_path, rows, rows + "41,-,x\n")
    assert [(one["value"], one["row"]) for one in recorded["odd_values"]] == [("-", 81)]


def test_row_is_named_if_rows_have_several_lines(tmp_path: Path) -> None:
    recorded = signs(tmp_path, "n,m,t\n" + NUMBERS + '41,-,"x\ny"\n')
    assert [one["row"] for one in recorded["odd_values"]] == [41]


@pytest.mark.parametrize(("column", "value"), [("token", "abc"), ("n", "ada@example.org")])
def test_private_value_is_not_recorded(tmp_path: Path, column: str, value: str) -> None:
    recorded = signs(tmp_path, f"{column},m,t\n{NUMBERS}{value},1,x\n")
    assert [one.get("value") for one in recorded["odd_values"]] == [None]


def test_file_column_does_not_hide_a_repeated_header(tmp_path: Path) -> None:
    recorded = signs(tmp_path, "n,m,t\n" + NUMBERS + "n,m,t\n" + NUMBERS, file_column="file")
    assert recorded["header_repeats"] == 1


def test_worker_records_odd_values(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("n,m,t\n" + NUMBERS + "41,-,x\n")
    run = make_run(tmp_path, text=STATS.replace("{path: movies.csv}", "{path: n.csv}").replace("title", "t"))
    stored = [event for event in events_of(run.path) if event["event"] == "output_stored"]
    assert stored[0]["source"] == {**odd("m", "-", 42), "dialect": {"delimiter": ","}}


def lines(header: str, *rows: str) -> str:
    return "\n".join((header, *rows)) + "\n"


COUNTRIES = [f"{number},{code}" for number, code in enumerate(["DE", "ZA", "NA", "BW"] * 5)]
PLANS = [f"{number},{plan}" for number, plan in enumerate(["Basic", "None", "Premium", "Basic"] * 5)]
SHORTENED = [f"{number},1.23457E+12" for number in range(12)]


def in_words(column: str, value: str, form: str) -> dict[str, Any]:
    entry = {"column": column, "value": value, "count": 5, "values": 20, "form": form}
    return {"words_as_missing": [entry]}


def shortened(count: int, values: int, different: int, value: str = "1.23457E+12") -> dict[str, Any]:
    entry = {"column": "ean", "count": count, "values": values, "different": different, "value": value}
    return {"scientific": [entry]}


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        (lines("n,country", *COUNTRIES), {}, in_words("country", "NA", "code")),
        (lines("n,country", *COUNTRIES), {"dtype": {"country": "str"}}, in_words("country", "NA", "code")),
        (lines("n,plan", *PLANS), {}, in_words("plan", "None", "word")),
        (lines("n,status", *(row.lower().replace("none", "null") for row in PLANS)), {}, in_words("status", "null", "word")),
        (lines("n,ean", *SHORTENED), {}, shortened(12, 12, 1)),
        (lines("n,ean", *SHORTENED, "13,", "14,1.5E+12"), {}, shortened(13, 13, 2)),
        (lines("n,ean", *(f"{n},590123412345{n}" for n in range(10, 30)), "31,5.9E+12"), {}, shortened(1, 21, 1, "5.9E+12")),
    ],
)  # fmt: skip
def test_value_that_was_read_or_saved_as_another_is_recorded(
    tmp_path: Path, text: str, config: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert signs(tmp_path, text, **config) == expected


@pytest.mark.parametrize(
    ("text", "config"),
    [
        (lines("n,country", *COUNTRIES), {"keep_default_na": False}),
        (lines("n,country", *COUNTRIES), {"na_values": ["NA"]}),
        (lines("n,country", *COUNTRIES[:8]), {}),
        (lines("n,country", *(row.replace("NA", "") for row in COUNTRIES)), {}),
        (lines("n,country", *(row.replace("NA", "N/A") for row in COUNTRIES)), {}),
        (lines("n,name", *(row.replace("DE", "Dora") for row in COUNTRIES)), {}),
        (lines("n,country,age", *(f"{row},{'NA' if n % 7 else 30}" for n, row in enumerate(COUNTRIES))), {}),
        (lines("n,country,city", *(f"{row},{'NA' if n % 7 else 'New York'}" for n, row in enumerate(COUNTRIES))), {}),
        (lines("n,country", *(f"{n},NA" for n in range(12)), *COUNTRIES[:2] * 5), {}),
        (lines("n,name", *(f"{n},{name}" for n, name in enumerate(["Al", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal", "Ida", "Jo", "Kim", "None"]))), {}),
        (lines("n,mass", *(f"{n},3.3E+{20 + n}" for n in range(12))), {}),
        (lines("n,flux", *(f"{n},3.31E+{9 + n}" for n in range(10))), {}),
        (lines("n,size", *(f"{n},1.5E-09" for n in range(12))), {}),
        (lines("n,size", *(f"{n},1700000000.0" for n in range(12))), {}),
        (lines("n,ean", *SHORTENED), {"dtype": {"ean": "float"}}),
    ],
)  # fmt: skip
def test_value_that_was_read_as_it_is_has_no_facts(tmp_path: Path, text: str, config: dict[str, Any]) -> None:
    assert signs(tmp_path, text, **config) == {}


def dated(*dates: str, header: str = "n,day") -> str:
    return lines(header, *(f"{number},{date}" for number, date in enumerate(dates)))


DAY_FIRST = [f"{day:02}/{month:02}/2026" for month in (3, 4, 5) for day in range(1, 13)]
BLOCK = "".join(f"{number},x\n" for number in range(1, 8))


@pytest.mark.parametrize(
    ("dates", "form"),
    [
        (DAY_FIRST, "%m/%d/%Y"),
        ([date.replace("/", ".") for date in DAY_FIRST], "%m.%d.%Y"),
        ([f"{date} 10:30" for date in DAY_FIRST] * 2, "%m/%d/%Y %H:%M"),
    ],
)
def test_dates_without_a_day_above_12_are_recorded(tmp_path: Path, dates: list[str], form: str) -> None:
    expected = {"column": "day", "dates": 36, "format": form}
    assert signs(tmp_path, dated(*dates), parse_dates=["day"]) == {"days_read_as_months": [expected]}


def test_same_day_of_several_months_is_recorded(tmp_path: Path) -> None:
    dates = [
        f"{day:02}/11/2026" for day in (2, 3, 4, 5, 6, 9, 10, 11)
    ]  # the working days of a month until the 11th
    expected = {
        "column": "day",
        "dates": 8,
        "format": "%m/%d/%Y",
        "day": 11,
        "first": 2,
        "last": 11,
        "year": 2026,
    }
    assert signs(tmp_path, dated(*dates * 3), parse_dates=["day"]) == {"days_read_as_months": [expected]}


@pytest.mark.parametrize(
    "dates",
    [
        [*DAY_FIRST, "04/13/2026"],
        [f"{month:02}/01/{year}" for year in (2024, 2025) for month in range(1, 13)],
        [f"{month:02}/{day:02}/{year}" for year in (2024, 2025) for month in range(1, 13) for day in (1, 10)],
        DAY_FIRST[:19],
        DAY_FIRST[:4] * 10,
        [f"{month:02}/05/2026" for month in (1, 2, 4, 7, 8, 11)],
        [f"{month:02}/05/{year}" for year in (2025, 2026) for month in range(1, 13)],
        [f"2026-{month:02}-{day:02}" for month in range(1, 4) for day in range(1, 12)],
    ],
)
def test_dates_that_may_have_the_month_first_have_no_facts(tmp_path: Path, dates: list[str]) -> None:
    assert "days_read_as_months" not in signs(tmp_path, dated(*dates), parse_dates=["day"])


@pytest.mark.parametrize(
    ("contents", "blocks"),
    [
        (["n,t\n" + BLOCK * 2], 2),
        (["n,t\n" + BLOCK * 3], 3),
        (["n,t\n" + BLOCK + "n,t\n" + BLOCK], 2),
        (["n,t\n" + BLOCK, "n,t\n" + BLOCK], 2),
        (["n,t\n" + BLOCK.replace("3,x", "3,") * 2], 2),
        (["n,t\n" + BLOCK * 2 + "8,x\n"], None),
        (["n,t\n" + BLOCK + BLOCK.replace("7,x", "7,y")], None),
        (["n,t\n" + "1,x\n" * 14], None),
        (["n\n" + BLOCK.replace(",x", "") * 2], None),
        (["n,t\n" + BLOCK[:16] * 2], None),
    ],
)
def test_rows_that_come_again_block_after_block_are_recorded(
    tmp_path: Path, contents: list[str], blocks: int | None
) -> None:
    assert signs(tmp_path, *contents).get("repeated_blocks") == blocks


def test_rows_of_a_parquet_file_that_come_again_are_recorded(tmp_path: Path) -> None:
    recorded: dict[str, Any] = {}
    ctx = replace(context(tmp_path), describe_source=recorded.update)
    rows = pa.table({"n": range(8), "t": ["x", None] * 4})
    pq.write_table(pa.concat_tables([rows, rows]), tmp_path / "a.parquet")
    drive("filesystem.parquet_extractor", {"path": "a.parquet"}, ctx)
    assert recorded == {"repeated_blocks": 2}
