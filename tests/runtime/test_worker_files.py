"""What a worker is given is what the host sent, or the worker says which file is missing or another one."""

from pathlib import Path

import pytest

from osiris_inspect.model.errors import InvalidMessage
from osiris_inspect.runtime.protocol import bundle as parcel
from tests.runtime.runs import events_of, make_run


def _sent(run: Path) -> dict[str, str]:
    (event,) = [event for event in events_of(run) if event["event"] == "parcel"]
    files: dict[str, str] = event["files"]
    return files


def test_what_was_sent_is_found(tmp_path: Path) -> None:
    run = make_run(tmp_path).path
    assert parcel.verify_bundle(run, {"files": _sent(run)}) == _sent(run)


@pytest.mark.parametrize("name", ["cfg/compute-stats.json", "manifest.yaml"])
def test_a_file_that_did_not_come_is_named(tmp_path: Path, name: str) -> None:
    run = make_run(tmp_path).path
    (run / name).unlink()
    with pytest.raises(
        InvalidMessage,
        match=f"'{name}' differs between worker and host: missing in the worker, sha256:[0-9a-f]{{64}} on the host",
    ):
        parcel.verify_bundle(run, {"files": _sent(run)})


def test_a_file_that_came_otherwise_is_named_with_both_hashes(tmp_path: Path) -> None:
    run = make_run(tmp_path).path
    (run / "cfg/compute-stats.json").write_text("{}")
    hashes = r"sha256:\w{64} in the worker, sha256:\w{64} on the host"
    with pytest.raises(InvalidMessage, match=rf"'cfg/compute-stats.json' differs .*: {hashes}"):
        parcel.verify_bundle(run, {"files": _sent(run)})
