"""Files that the driver of a third party did not find: where they were searched, and where they are."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.file_paths import input_paths, with_search_of_file
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


def linked(folder: Path, **links: str) -> Path:
    """Return a folder with links, each from its name to its target."""
    for name, target in links.items():
        (folder / f"{name}.csv").symlink_to(target)
    return folder


def missing(folder: Path, name: str) -> tuple[str, Mapping[str, Any]]:
    """Return the message and the ``error_info`` of the CSV extractor for a path that it does not find."""
    with pytest.raises(DriverError) as raised:
        input_paths(
            {"path": name, "resolved_connection": {"base_dir": str(folder)}}, cast("Any", Base(folder)), "CSV"
        )
    return str(raised.value), error_to_dict(raised.value)["error_info"]


class Base(NamedTuple):
    """The part of a context that paths need."""

    base: Path


def test_link_without_target_is_named(tmp_path: Path) -> None:
    folder = linked(tmp_path, orders="archive.csv")
    message, info = missing(folder, "orders.csv")
    assert f"{folder}/orders.csv is a symbolic link to 'archive.csv', which does not exist" in message
    assert info["fix"] == f"correct the target of the link {folder}/orders.csv, or name the file itself"
    assert info["facts"]["target"] == "archive.csv"


def test_last_link_of_a_chain_is_named(tmp_path: Path) -> None:
    folder = linked(tmp_path, orders="latest.csv", latest="2026/orders.csv")
    assert "latest.csv is a symbolic link to '2026/orders.csv'" in missing(folder, "orders.csv")[0]


def test_loop_of_links_is_named(tmp_path: Path) -> None:
    folder = linked(tmp_path, orders="b.csv", b="orders.csv")
    message, info = missing(folder, "orders.csv")
    assert f"links {folder}/orders.csv -> {folder}/b.csv -> {folder}/orders.csv form a loop" in message
    assert info["kind"] == "file-missing"
    assert "did you mean" not in info["fix"]


def test_way_into_a_loop_is_not_part_of_it(tmp_path: Path) -> None:
    folder = linked(tmp_path, orders="b.csv", b="c.csv", c="b.csv")
    assert (
        f"links {folder}/b.csv -> {folder}/c.csv -> {folder}/b.csv form" in missing(folder, "orders.csv")[0]
    )


def test_link_to_an_existing_folder_is_not_broken(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text("a")
    (tmp_path / "current").symlink_to("data")
    message, info = missing(tmp_path, "current/order.csv")
    assert "symbolic link" not in message
    assert info["fix"] == "did you mean 'orders.csv'?"


def test_link_without_target_of_third_party_is_named(tmp_path: Path) -> None:
    linked(tmp_path, orders="archive.csv")
    info = info_of(f"{tmp_path}/orders.csv", tmp_path / "base")
    assert "did you mean" not in info["fix"]
    assert "symbolic link to 'archive.csv', which does not exist" in info["fix"]
