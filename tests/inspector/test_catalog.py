import os
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.run_list import list_runs
from osiris_inspect.inspector.files import find_runs as find_runs_module
from osiris_inspect.inspector.files.find_runs import find_runs, is_run
from osiris_inspect.model.errors import RunNotReadable
from tests.inspector.making import failing_locally, run_dir, succeeding_locally


def test_run_is_its_own_catalog(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally())
    assert is_run(run)
    assert find_runs(run) == [run]


def test_runs_of_both_eras_are_found_newest_first(tmp_path: Path) -> None:
    old = run_dir(tmp_path / "logs", succeeding_locally(), name="run_1759170567795")
    older = run_dir(tmp_path / "logs", succeeding_locally(), name="run_1759170381659")
    new = run_dir(
        tmp_path / "run_logs/dev/demo", succeeding_locally(), name="20261122t042336z_run-000003-01m8-64d3022"
    )
    assert find_runs(tmp_path) == [new, old, older]


def test_nothing_inside_a_run_is_a_run(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally(), files={"remote/events.jsonl": ""})
    assert find_runs(tmp_path) == [run]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    run = run_dir(tmp_path / "logs", succeeding_locally())
    (tmp_path / "logs" / "again").symlink_to(tmp_path)
    assert [found.resolve() for found in find_runs(tmp_path)] == [run]


def test_link_to_a_run_is_the_same_run(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally())
    (tmp_path / "zz_latest").symlink_to(run)
    assert find_runs(tmp_path) == [run]


@pytest.mark.parametrize("make", ["nothing", "empty", "file", "deep"])
def test_place_without_a_run_is_said_in_one_line(tmp_path: Path, make: str) -> None:
    place = tmp_path / "place"
    if make in ("empty", "deep"):
        place.mkdir()
    if make == "deep":
        run_dir(place / "a/b/c/d/e/f/g/h", succeeding_locally())
    if make == "file":
        place.write_text("x")
    with pytest.raises(RunNotReadable) as caught:
        find_runs(place)
    assert "\n" not in str(caught.value)
    assert "place" in str(caught.value)


def test_entry_tells_status_and_cause(tmp_path: Path) -> None:
    run_dir(tmp_path, failing_locally("(1045, \"Access denied for user 'a'@'b' (using password: YES)\")"))
    (entry,) = list_runs(tmp_path)
    assert (entry.status, entry.mode) == ("failed", "local")
    assert entry.cause is not None
    assert entry.cause.startswith("extract: (1045, ")


def test_entry_of_a_success_has_no_cause(tmp_path: Path) -> None:
    run_dir(tmp_path, succeeding_locally())
    assert next(list_runs(tmp_path)).cause is None


@pytest.mark.parametrize("closed", [".", "below"])
def test_folder_that_may_not_be_listed_is_named_where_it_was_asked_for(
    tmp_path: Path, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_dir(tmp_path / "open")
    (tmp_path / "below").mkdir()
    listed, refused = os.scandir, str(tmp_path / closed)

    def scandir(place: Any) -> Any:  # root may list everything
        if os.fspath(place) == refused:
            raise PermissionError(13, "Permission denied", refused)
        return listed(place)

    monkeypatch.setattr("os.scandir", scandir)
    if closed == "below":
        assert find_runs(tmp_path) == [run]
    else:
        with pytest.raises(RunNotReadable, match=r"cannot be read: .*Permission denied"):
            find_runs(tmp_path)


def test_link_out_of_the_folder_is_reported_and_not_followed(tmp_path: Path) -> None:
    failed = run_dir(tmp_path / "logs", failing_locally("no such table"), name="run_1790000000000")
    other = run_dir(tmp_path / "elsewhere", succeeding_locally(), name="run_1799999999999")
    link = tmp_path / "logs" / "zz"
    link.symlink_to(other.parent)
    reported: list[str] = []
    assert find_runs(tmp_path / "logs", on_left_out=reported.append) == [failed]
    assert reported == [
        f"{str(link)!r} is a symbolic link to a folder outside and was not followed; name that folder to read its runs"
    ]
    (tmp_path / "logs" / "sibling").symlink_to(failed.parent)  # begins with the same text as the root
    assert find_runs(tmp_path / "logs") == [failed]


def test_folder_of_links_only_says_that_none_was_followed(tmp_path: Path) -> None:
    run_dir(tmp_path / "elsewhere", succeeding_locally())
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "zz").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(
        RunNotReadable, match="zz' is a symbolic link to a folder outside and was not followed"
    ):
        find_runs(tmp_path / "logs")


def test_named_link_is_followed(tmp_path: Path) -> None:
    run = run_dir(tmp_path / "elsewhere", succeeding_locally())
    (tmp_path / "logs").symlink_to(run.parent)
    assert [found.resolve() for found in find_runs(tmp_path / "logs")] == [run]


def test_search_of_a_whole_disk_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_runs_module, "MAX_FOLDERS", 3)
    for name in "abcd":
        (tmp_path / name).mkdir()
    with pytest.raises(RunNotReadable, match="contains more than 3 folders; name one of them"):
        find_runs(tmp_path)
