"""The log of a run identifies the code of its drivers, its packages, and the values of each input."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

from osiris_inspect.model.version import __version__
from osiris_inspect.runtime.protocol.code_identity import driver_code, installed_packages, packages_hash
from tests.runtime.pipelines import STATS
from tests.runtime.runs import events_of, make_run


def test_packages_are_read_from_folder_names_first_folder_wins(tmp_path: Path) -> None:
    for name in (
        "a/My_Pkg.x-1.2.dist-info",
        "a/other-3.dist-info",
        "b/other-4.dist-info",
        "b/broken.dist-info",
    ):
        (tmp_path / name).mkdir(parents=True)
    packages = installed_packages([str(tmp_path / "a"), str(tmp_path / "absent"), str(tmp_path / "b")])
    assert packages == {"my-pkg-x": "1.2", "other": "3"}
    assert packages_hash(packages) == "sha256:" + hashlib.sha256(b"my-pkg-x==1.2\nother==3\n").hexdigest()


def test_driver_code_covers_the_files_of_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "drivers_here"
    (package / "parts").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "parts" / "__init__.py").touch()
    (package / "parts" / "names.py").write_text("NAME = 1\n")
    (package / "driver.py").write_text("class Driver: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from drivers_here.driver import Driver  # type: ignore[import-not-found]

    before = driver_code(Driver(), {"drivers_here": "my-drivers==2.0"})
    assert {**before, "file_sha256": None} == {
        "module": "drivers_here.driver",
        "file_sha256": None,
        "distribution": "my-drivers",
        "version": "2.0",
    }
    (package / "notes.txt").write_text("not code")
    assert driver_code(Driver(), {})["file_sha256"] == before["file_sha256"]
    (package / "parts" / "names.py").write_text("NAME = 2\n")
    assert driver_code(Driver(), {})["file_sha256"] != before["file_sha256"]
    assert (driver_code(Driver(), {})["distribution"], driver_code(Driver(), {})["version"]) == (None, None)


def test_code_of_a_driver_without_a_file_is_unknown() -> None:
    assert driver_code(object(), {}) == {
        "module": "builtins",
        "file_sha256": None,
        "distribution": None,
        "version": None,
    }


@pytest.mark.parametrize("on", ["local", "none", "sandbox"])
def test_run_records_code_packages_and_fingerprints(tmp_path: Path, on: str) -> None:
    result = make_run(tmp_path, on, text=STATS)
    events = events_of(result.path)
    registered = [event for event in events if event["event"] == "driver_registered"]
    assert {event["code"]["distribution"] for event in registered} == {"osiris-inspect"}
    assert {event["code"]["version"] for event in registered} == {__version__}
    assert all(event["code"]["file_sha256"].startswith("sha256:") for event in registered)
    packages = json.loads((result.path / "artifacts/_system/packages.json").read_text())
    assert packages["pandas"] == sys.modules["pandas"].__version__
    (worker,) = (event for event in events if event["event"] == "environment" and event["side"] == "worker")
    assert worker["packages_sha256"] == packages_hash(packages)
    stored = {event["step_id"]: event for event in events if event["event"] == "output_stored"}
    resolved = [event for event in events if event["event"] == "inputs_resolved"]
    assert resolved
    for event in resolved:
        assert event["fingerprint"] == stored[event["from_step"]]["fingerprint"]
        assert (
            list(stored[event["from_step"]]["column_fingerprints"]) == stored[event["from_step"]]["columns"]
        )
