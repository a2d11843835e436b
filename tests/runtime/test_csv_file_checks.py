"""Signs that a CSV file was read wrong, which the extractor records beside its rows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.driving import context, drive
from tests.runtime.pipelines import STATS
from tests.runtime.runs import events_of, make_run

DOUBLE = "caf\u00e9,na\u00efve".encode().decode("cp1252")


def signs(folder: Path, *contents: str | bytes, **config: Any) -> dict[str, Any]:
    """The facts of files beside their names and rows."""
    for number, content in enumerate(contents):
        (folder / f"{number}.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    recorded: dict[str, Any] = {}
    ctx = replace(context(folder), describe_source=recorded.update)
    drive("filesystem.csv_extractor", {"path": "*.csv", **config}, ctx)
    recorded.pop("dialect", None)
    return {name: fact for name, fact in recorded.items() if not name.startswith("files")}


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("a,b,a\n1,2,3\n", {}, {"repeated_name": "a"}),
        ("\ufeffa;'b';b\n1;2;3\n", {"quote": "'"}, {"repeated_name": "b"}),
        ("a,b,a.1\n1,2,3\n", {}, {}),
        ("a,b,a\n1,2,3\n", {"header": False}, {}),
        (
            "n\ncaf\u00e9\nM\u00fcnchen\n",
            {"encoding": "latin-1"},
            {"encoding": "latin-1", "encoding_found": "utf-8"},
        ),
        ("n\n1\u20132\n", {"encoding": "cp1252"}, {"encoding": "cp1252", "encoding_found": "utf-8"}),
        (
            "n\n\u201cx\u201d\n".encode("cp1252"),
            {"encoding": "iso-8859-1"},
            {"encoding": "iso-8859-1", "encoding_found": "cp1252"},
        ),
        ("n\nM\ufffdnchen\nK\ufffdln\n", {}, {"replacement_characters": 2}),
        (f"a,b\n{DOUBLE}\n", {}, {"double_encoded": 2}),
        ("id,name,city\n1,C# developer,Brno\n2,Ada,Brno\n", {"comment": "#"}, {"lines_cut": 1}),
        ("id,color\n1,#ff0000\n2,#00ff00\n", {"comment": "#"}, {"lines_cut": 2}),
        ("id,room,city\n1,Room #5,Brno\n", {"comment": "#"}, {"lines_cut": 1}),
        ("id,name\n1,Ada\n2,Bo\n", {"header": False}, {"header_rows": 1}),
        ("id,name\nid,name\nx,Bo\n", {}, {"header_rows": 1}),
        ("day,city\n2024-01-31,Brno\n2024-02-01,Brno\n", {"header": False}, {"header_rows": 1}),
    ],
)
def test_sign_of_a_file_read_wrong_is_recorded(
    tmp_path: Path, text: str | bytes, config: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert signs(tmp_path, text, **config) == expected


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("n\ncaf\u00e9\n".encode("latin-1"), {"encoding": "latin-1"}),
        ("n\nCAF\u00c9\u00ae\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("n\n\u201cx\u201d\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("n\n\u041f\u0440\u0438\u0432\u0435\u0442 \u2116\n".encode("cp1251"), {"encoding": "cp1251"}),
        ("n\nx\n", {"encoding": "latin-1"}),
        ("n\ncaf\u00e9 S\u00c3O PAULO \u201cx\u201d\n", {}),
        ("n\ncaf\u00e9\n", {"encoding": "utf-8-sig"}),
        ("# by hand\nid,name\n1,Ada # new\n\n  # end\n2,Bo\n", {"comment": "#"}),
        ('id,name\n1,"C# developer"\n', {"comment": "#"}),
        ("id,name\n1,C# developer\n", {}),
        ("id,n\n1,2#note\n", {"comment": "#"}),
        ("1,Ada\n2,Bo\n", {"header": False}),
        ("Ada,Brno\nBo,Oslo\nCy,Rome\n", {"header": False}),
        ("A,1\nB,2\n", {"header": False, "dtype": {"1": "str"}}),
        ("id,name\nx,Bo\n", {}),
        ("id,name\n", {"header": False}),
    ],
)
def test_file_that_was_read_right_has_no_sign(
    tmp_path: Path, text: str | bytes, config: dict[str, Any]
) -> None:
    assert signs(tmp_path, text, **config) == {}


def test_signs_of_several_files_are_added(tmp_path: Path) -> None:
    assert signs(tmp_path, "n\nM\ufffdnchen\n", "n\nx\n", "n\nK\ufffdln\n") == {"replacement_characters": 2}


def test_worker_records_the_signs_of_a_file(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=STATS.replace("{path: movies.csv}", "{path: movies.csv, header: false}"))
    stored = {event["step_id"]: event for event in events_of(run.path) if event["event"] == "output_stored"}
    assert stored["extract-movies"]["source"] == {"header_rows": 1, "dialect": {"delimiter": ","}}


def test_worker_records_the_delimiter_of_a_file_without_signs(tmp_path: Path) -> None:
    stored = [event for event in events_of(make_run(tmp_path).path) if event["event"] == "output_stored"]
    assert [event["source"] for event in stored if "source" in event] == [{"dialect": {"delimiter": ","}}]
