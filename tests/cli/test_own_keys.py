"""The keys a user chose, from the file they are kept in."""

from pathlib import Path

import pytest

from osiris_inspect.cli.support import user_keys as own_keys
from osiris_inspect.model.errors import SettingsError


def test_keys_are_read_from_their_table(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\nnext_failure = "ctrl+n"\nquit = ["q", "ctrl+w"]\n\n[other]\na = 1\n')
    assert own_keys.load_custom_keys(file) == {"next_failure": "ctrl+n", "quit": ["q", "ctrl+w"]}


def test_without_a_file_nothing_is_changed(tmp_path: Path) -> None:
    assert own_keys.load_custom_keys(tmp_path / "config.toml") == {}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"keys = 3", "a table"),
        (b"[keys", "is not valid TOML"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_followed_is_said_in_one_line(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=complaint):
        own_keys.load_custom_keys(file)


def test_the_file_lies_where_the_system_keeps_configurations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "osiris-inspect").mkdir()
    (tmp_path / "osiris-inspect" / "config.toml").write_text('keys.help = "H"')
    assert own_keys.load_custom_keys() == {"help": "H"}
