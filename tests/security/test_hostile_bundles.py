"""Hostile zips: each gets one clear line, or a report if it is harmless; nothing is written outside of a private folder."""

from typing import Any

import pytest

from tests.runtime.capturing import CAPTURING
from tests.runtime.runs import make_run, needs
from tests.runtime.test_replay import FAILURES
from tests.security import hostile_bundles as hostile
from tests.security.opened_files import MAX_KB, MAX_SECONDS, open_all


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return what the commands wrote about each zip; the folders around them are checked for what they left."""
    needs("sandbox")
    folder = tmp_path_factory.mktemp("bundles")
    run = make_run(folder / "made", text=FAILURES["column"], components=CAPTURING).path
    files = {
        f"{run.name}/{path.relative_to(run)}": path.read_bytes() for path in run.rglob("*") if path.is_file()
    }
    return open_all(folder, "hostile_bundles", hostile.bundles(files))


def test_each_zip_gets_a_clear_answer(opened: dict[str, dict[str, Any]]) -> None:
    assert len(opened) >= 200
    wrong = {name: outcome for name, outcome in opened.items() if not _is_clear(name, outcome)}
    assert wrong == {}


def _is_clear(name: str, outcome: dict[str, Any]) -> bool:
    text: str = outcome["text"]
    is_small = outcome["memory"] < 2 * MAX_KB and outcome["seconds"] < MAX_SECONDS
    if "Traceback" in text or "/osiris-inspect-" in text or not is_small:
        return False
    if name.startswith("run "):
        return outcome["code"] in (2, 3) and text.startswith("osiris-inspect: ") and text.count("\n") == 1
    return outcome["code"] in (0, 1) or (outcome["code"] == 3 and text.count("\n") == 1)
