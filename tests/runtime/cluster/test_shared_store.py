"""Shared stores: a name is created once, and files arrive complete."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from osiris_inspect.model.errors import ProtocolError, SettingsError
from osiris_inspect.runtime.cluster.shared_store import SharedStore, StoredFile


def _downloaded(store: SharedStore, file: StoredFile, to: Path) -> bytes:
    descriptor = os.open(to, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        store.get_file(file, descriptor)
    finally:
        os.close(descriptor)
    return to.read_bytes()


def test_racing_creates_have_one_winner(shared: str) -> None:
    store = SharedStore(shared)
    calls = [(f"claims/{key}", b"by %d" % racer) for key in range(20) for racer in range(8)]
    with ThreadPoolExecutor(8) as pool:
        winners = list(pool.map(lambda call: store.create(*call), calls))
    by_key: dict[str, list[bytes]] = {}
    for (key, data), has_won in zip(calls, winners, strict=True):
        if has_won:
            by_key.setdefault(key, []).append(data)
    assert sum(winners) == 20
    assert {key: [store.read(key)] for key in by_key} == by_key


def test_create_sent_again_counts_as_first(shared: str) -> None:
    store = SharedStore(shared)
    assert store.create("fate/a", b"token 1")
    assert store.create("fate/a", b"token 1")
    assert not store.create("fate/a", b"token 2")


def test_file_arrives_as_it_was(shared: str, tmp_path: Path) -> None:
    store, data = SharedStore(shared), os.urandom(9 << 20)
    (tmp_path / "data").write_bytes(data)
    stored = store.put_file("out/data", tmp_path / "data")
    assert stored.bytes == 9 << 20
    assert _downloaded(store, stored, tmp_path / "copy") == data


def test_changed_file_is_refused(shared: str, tmp_path: Path) -> None:
    store = SharedStore(shared)
    (tmp_path / "data").write_bytes(b"rows")
    stored = store.put_file("out/data", tmp_path / "data")
    store.write("out/data", b"more rows")
    with pytest.raises(
        ProtocolError, match=r"'out/data' on the shared store is damaged: it has 9 of 4 bytes"
    ):
        _downloaded(store, stored, tmp_path / "copy")


def test_keys_and_delete_know_prefixes(shared: str) -> None:
    store = SharedStore(shared)
    for key in ("run_1/a", "run_1/b/c", "run_2/a"):
        store.write(key, b"x")
    assert store.keys("run_1") == ["run_1/a", "run_1/b/c"]
    store.delete("run_1")
    assert store.keys("") == ["run_2/a"]
    assert store.read("run_1/a") is None


def test_symbolic_link_is_not_uploaded(tmp_path: Path) -> None:
    store = SharedStore(str(tmp_path / "shared"))
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="link"):
        store.put_file("out/link", tmp_path / "link")
    assert store.keys("") == []


def test_unreachable_store_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with pytest.raises(ProtocolError) as caught:
        SharedStore("s3://bucket/osiris").read("a")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("cannot read 'a' on the shared store s3://bucket/osiris: ")
    assert str(caught.value).endswith("; check its address and the credentials of this machine")


def test_unknown_scheme_names_the_option() -> None:
    with pytest.raises(
        SettingsError, match=r"set --shared to a folder .* or to a URL such as s3://bucket/osiris"
    ):
        SharedStore("ftp://host/osiris")
