"""Files that the driver of a third party did not find: where they were searched, and where they are."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.runtime.drivers.interface.file_paths import with_search_of_file
from osiris_inspect.runtime.protocol.error_report import error_to_dict
from tests.runtime.test_drivers_of_others import PIPELINE, ask, installed

__all__ = ["installed"]


def info_of(path: str, base: Path) -> Mapping[str, Any]:
    """The ``error_info`` of a driver that opened a path."""
    with pytest.raises(OSError, match="No such file") as raised:
        Path(path).read_text()
    return with_search_of_file(error_to_dict(raised.value)["error_info"], base)


def test_missing_file_states_folder_and_near_name(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("a")
    info = info_of(f"{tmp_path}/order.csv", tmp_path / "base")
    assert info["kind"] == "file-missing"
    assert info["fix"] == f"did you mean 'orders.csv'? (searched in {tmp_path})"
    assert info["facts"]["folder"] == str(tmp_path)


def test_missing_file_of_base_folder_states_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, elsewhere = tmp_path / "base", tmp_path / "elsewhere"
    (base / "data").mkdir(parents=True)
    elsewhere.mkdir()
    (base / "data" / "orders.csv").write_text("a")
    monkeypatch.chdir(elsewhere)
    info = info_of("data/orders.csv", base)
    assert info["fix"] == (
        f"name {base / 'data' / 'orders.csv'}, which exists, or start relative paths at ctx.base "
        f"(searched in {elsewhere / 'data'})"
    )
    assert info["facts"]["exists_at"] == str(base / "data" / "orders.csv")


def test_missing_absolute_path_finds_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "orders.csv").write_text("a")
    info = info_of(f"{tmp_path}/gone/orders.csv", tmp_path / "base")
    assert info["facts"]["exists_at"] == str(tmp_path / "base" / "orders.csv")


def test_missing_folder_states_a_near_name(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    info = info_of(f"{tmp_path}/export/orders.csv", tmp_path / "base")
    assert info["fix"] == f"did you mean 'exports'? (folder {tmp_path}/export does not exist)"


def test_missing_program_advises_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert info_of("dbt", tmp_path)["fix"].startswith("install the program 'dbt' where the step runs")


@pytest.mark.parametrize(
    "info",
    [
        {"kind": "file-missing", "fix": "its own", "facts": {"path": "x"}},
        {"kind": "file-missing", "fix": None, "facts": {}},
        {"kind": "driver-raised", "fix": None, "facts": {"path": "x"}},
        {"kind": "file-missing", "fix": None, "facts": {"path": 7}},
    ],
)
def test_other_error_stays_as_it_is(info: Mapping[str, Any], tmp_path: Path) -> None:
    assert with_search_of_file(info, tmp_path) is info


def test_path_that_is_too_long_is_not_searched(tmp_path: Path) -> None:
    info = {"kind": "file-missing", "fix": None, "facts": {"path": "x" * 5000}}
    assert "searched in" in with_search_of_file(info, tmp_path)["fix"]


def test_missing_file_of_third_party_reaches_the_report(installed: Path) -> None:
    module = installed / "counting_for_osiris.py"
    text = module.read_text().replace('return {"df":', 'open("order.csv")\n        return {"df":')
    module.write_text(text)
    (installed.parent / "p.yaml").write_text(PIPELINE)
    (installed.parent / "orders.csv").write_text("a")
    assert ask(installed, "run", "p.yaml").returncode != os.EX_OK
    (log,) = (installed.parent / "logs").glob("*/events.jsonl")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (info,) = [event["error_info"] for event in events if event["event"] == "step_failed"]
    assert info["kind"] == "file-missing"
    assert "searched in" in info["fix"]
    assert "searched in" in ask(installed, "summarize", "logs", "--latest").stdout
