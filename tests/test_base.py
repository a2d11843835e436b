"""Helpers of both programs."""

import os
from pathlib import Path

import pytest

from osiris_inspect.base.connection_server import connection_server
from osiris_inspect.base.near_names import MAX_SCANNED, did_you_mean, near_names
from osiris_inspect.base.safe_open import open_regular


def test_nearest_name_is_suggested() -> None:
    assert did_you_mean("stepz", ("steps", "name")) == "; did you mean 'steps'?"
    assert did_you_mean("xyz", ("steps", "name")) == ""


def test_near_names_are_limited() -> None:
    assert len(near_names("step", ("step1", "step2", "step3"), limit=2)) == 2


def test_long_name_has_no_near_names() -> None:
    assert near_names("x" * 80, ["x" * 79]) == ["x" * 79]
    assert near_names("x" * 81, ["x" * 80]) == []


def test_near_names_after_scanned_ones_are_left_out() -> None:
    others = [f"{number:05}" for number in range(MAX_SCANNED)]
    assert near_names("steps", [*others[1:], "stepz"]) == ["stepz"]
    assert near_names("steps", [*others, "stepz"]) == []


def test_regular_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    descriptor = open_regular(tmp_path / "file")
    assert os.read(descriptor, 9) == b"text"
    os.close(descriptor)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_pipe_and_directory_are_refused(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "other")
    before = sorted(Path("/proc/self/fd").iterdir())
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(tmp_path / "other")
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_symlink_is_followed_only_on_request(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError, match="symbolic links"):
        open_regular(tmp_path / "link")
    os.close(open_regular(tmp_path / "link", follow_symlinks=True))


@pytest.mark.parametrize(
    ("connection", "server"),
    [
        (
            {"host": "h", "port": 3306, "database": "d", "user": "u", "password": "p"},
            {"host": "h", "port": "3306", "database": "d"},
        ),
        ({"url": "https://u:p@x.supabase.co/"}, {"host": "x.supabase.co"}),
        ({"dsn": "postgresql://u:p%40@h/d?password=p"}, {"host": "h", "database": "d"}),
        ({"dsn": "host=h password='p q' dbname=d user=u"}, {"host": "h", "database": "d"}),
        ({"url": "http://h:notaport/"}, {}),
        ({"url": "***MASKED***", "host": None}, {}),
        ({}, {}),
    ],
)
def test_server_of_a_connection_has_no_secret(connection: dict[str, object], server: dict[str, str]) -> None:
    assert connection_server(connection) == server
