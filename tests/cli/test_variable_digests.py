"""Digests of variables: equal for equal values on one machine, and no value or key in a log."""

import stat
from pathlib import Path

import pytest

from osiris_inspect.runtime.protocol.variable_digests import variable_digests
from tests.cli.shell import osiris_inspect
from tests.runtime.runs import events_of

VALUES = {"DB_HOST": "db.example", "DB_PASSWORD": "s3cr3t-Value"}


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "osiris-inspect"


def test_digests_differ_only_with_the_value(config: Path) -> None:
    first, again = variable_digests(VALUES, {}), variable_digests(VALUES, {})
    other = variable_digests({**VALUES, "DB_HOST": "other"}, {})
    assert first == again
    assert len(first["variable_digests"]["DB_HOST"]) == 16
    assert first["variable_digests"]["DB_PASSWORD"] == other["variable_digests"]["DB_PASSWORD"]
    assert first["variable_digests"]["DB_HOST"] != other["variable_digests"]["DB_HOST"]
    assert stat.S_IMODE((config / "digest.key").stat().st_mode) == 0o600
    assert [path.name for path in config.iterdir()] == ["digest.key"]


def test_equal_values_of_two_variables_have_different_digests() -> None:
    digests = variable_digests({"A": "x", "B": "x"}, {})["variable_digests"]
    assert digests["A"] != digests["B"]


def test_key_of_the_environment_is_used_and_not_written(config: Path) -> None:
    one = variable_digests(VALUES, {"OSIRIS_INSPECT_KEY": "a"})
    other = variable_digests(VALUES, {"OSIRIS_INSPECT_KEY": "b"})
    assert one["variables_key"] != other["variables_key"]
    assert one["variable_digests"] != other["variable_digests"]
    assert not config.exists()


def test_no_key_is_created_without_variables(config: Path) -> None:
    assert variable_digests({}, {}) == {}
    assert not config.exists()


def test_key_that_cannot_be_used_is_reported(config: Path) -> None:
    config.mkdir(parents=True)
    (config / "digest.key").write_bytes(b"short")
    assert "not a key" in variable_digests(VALUES, {})["variables_key_error"]


def test_run_records_digests_of_connections_and_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p.yaml").write_text(
        'oml_version: "0.1.0"\nname: p\nsteps:\n'
        "  - {id: read, component: sqlite.extractor, config: {connection: '@sqlite.db', table: t}}\n"
    )
    (tmp_path / "osiris_connections.yaml").write_text("connections: {sqlite: {db: {path: '${DB_FILE}'}}}\n")
    monkeypatch.setenv("DB_FILE", "no-such-file.db")
    monkeypatch.setenv("OSIRIS_PARAM_YEAR", "2024")
    done = osiris_inspect("run", "p.yaml", "--quiet", cwd=tmp_path)
    (host,) = [
        event
        for event in events_of(tmp_path / done.out.split()[0])
        if event["event"] == "environment" and event["side"] == "host"
    ]
    expected = variable_digests({"DB_FILE": "no-such-file.db", "OSIRIS_PARAM_YEAR": "2024"}, {})
    assert {key: host[key] for key in expected} == expected
