"""Files that are not tables, and tables below a title, are named as such by the CSV extractor."""

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from osiris_inspect.base.text.text_formats import text_format
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.frame_columns import check_column_names
from tests.runtime.driving import context, drive

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2\nsize 12345\n"
HTML = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>a,b</body></html>\n"
LISTING = '<html>\r\n<head><title>Index of /export/</title></head><body><a href="../">../</a></body></html>'
S3_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'


def extract(folder: Path, content: bytes | str, name: str = "a.csv", **config: Any) -> Any:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return drive("filesystem.csv_extractor", {"path": name, **config}, context(folder))["df"]


def failure(folder: Path, content: bytes | str, name: str = "a.csv", **config: Any) -> DriverError:
    with pytest.raises(DriverError) as caught:
        extract(folder, content, name, **config)
    return caught.value


@pytest.mark.parametrize(
    ("content", "form", "fix"),
    [
        (HTML, "html", "login"),
        (LISTING, "html", "URL"),
        ("\ufeff" + HTML, "html", "login"),
        (S3_ERROR, "xml", "solve the error"),
        ("<Error><Code>NoSuchKey</Code></Error>", "xml", "solve the error"),
        (LFS, "git-lfs", "git lfs pull"),
        ("/annex/objects/SHA256E-s9--8f.csv\n", "git-annex", "git annex get"),
        ('{"message": "rate limited", "code": 429}', "json", "solve the error"),
        ('{\n  "error": "no"\n}\n', "json", "solve the error"),
        ('[{"id": 1}, {"id": 2}]', "json", "driver for JSON"),
        ("-- MySQL dump 10.13\nCREATE TABLE t (id int);\n", "sql", "export the table"),
        ("404: Not Found", "output", "solve the error"),
        ("total 24\n-rw-r--r-- 1 root root 9 Jan 1 a.csv\n", "output", "solve the error"),
    ],
)
def test_csv_extractor_refuses_other_text(tmp_path: Path, content: str, form: str, fix: str) -> None:
    error = failure(tmp_path, content)
    assert (error.kind, error.facts["format"]) == ("file-format-wrong", form)
    assert fix in (error.fix or "")


def test_csv_extractor_names_the_title_of_a_page(tmp_path: Path) -> None:
    assert "an HTML page ('Sign in'), not CSV text" in failure(tmp_path, HTML).message


def test_csv_extractor_refuses_compressed_page(tmp_path: Path) -> None:
    error = failure(tmp_path, gzip.compress(HTML.encode()), "a.csv.gz")
    assert (error.kind, error.facts["format"]) == ("file-format-wrong", "html")


@pytest.mark.parametrize(
    ("content", "config"),
    [
        ("<DATE>,<TIME>,<OPEN>\n20260101,1000,1\n", {}),
        ("[id],[name]\n1,x\n", {}),
        ("id,note\n1,<html>\n", {}),
        ("total,version\n1,2\n", {}),
        ("404,x\n1,2\n", {}),
        ('{"a": 1}\n{"a": 2}\n', {"header": False, "delimiter": "|"}),
        ("insert into the queue,b\n1,2\n", {}),
    ],
)
def test_csv_extractor_reads_tables_that_look_alike(
    tmp_path: Path, content: str, config: dict[str, Any]
) -> None:
    assert len(extract(tmp_path, content, **config)) > 0


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["id;Město\n1;Žižkov\n", "ID;ГДЕ\n1;МИНСК\n2;ТВИШЬ\n"])
def test_csv_extractor_knows_utf16_without_mark(tmp_path: Path, encoding: str, text: str) -> None:
    error = failure(tmp_path, text.encode(encoding), delimiter=";", encoding="latin-1")
    assert (error.kind, error.fix) == ("encoding-wrong", f"set encoding: {encoding}")
    frame = extract(tmp_path, text.encode(encoding), delimiter=";", encoding=encoding)
    assert isinstance(frame, pd.DataFrame)


@pytest.mark.parametrize("encoding", ["utf-16", "UTF_16_LE", "utf-32"])
def test_csv_extractor_knows_utf8_declared_otherwise(tmp_path: Path, encoding: str) -> None:
    error = failure(tmp_path, "id,city\n1,Žižkov\n", encoding=encoding)
    assert (error.kind, error.fix) == ("encoding-wrong", "set encoding: utf-8")


def test_csv_extractor_counts_lines_of_title(tmp_path: Path) -> None:
    error = failure(tmp_path, "Orders of Q1\nmade 2026-04-01\nid,city,amount\n1,Brno,2\n2,Plzen,3\n")
    assert error.kind == "csv-ragged"
    assert (error.fix or "").startswith("set skip_rows: 2 if line 3 is the header")


def test_csv_extractor_counts_blank_lines_of_title(tmp_path: Path) -> None:
    content = "Orders of Q1\n\nid,city,amount\n1,Brno,2\n2,Plzen,3\n"
    error = failure(tmp_path, content)
    assert (error.fix or "").startswith("set skip_rows: 2 if line 3 is the header")
    assert list(extract(tmp_path, content, skip_rows=2).columns) == ["id", "city", "amount"]


def test_csv_extractor_header_that_lacks_a_name_is_no_title(tmp_path: Path) -> None:
    error = failure(tmp_path, "id,city\n1,Brno,2\n2,Plzen,3\n")
    assert "skip_rows" not in (error.fix or "")


def test_columns_of_a_page_are_refused_by_writers() -> None:
    with pytest.raises(DriverError) as caught:
        check_column_names(["<!DOCTYPE html>"])
    assert caught.value.kind == "file-format-wrong"


def test_text_format_is_linear_in_text_length() -> None:
    assert text_format("<!-- " * 100_000) is None
