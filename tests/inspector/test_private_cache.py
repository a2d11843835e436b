"""Fetched runs are kept where other users can neither read nor have written them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.remote.open_remote import open_remote
from osiris_inspect.model.errors import RunNotReadable
from tests.inspector.hostile_web import FOLDER, LOG, Request, answering, of_file, page, response

pytest.importorskip("aiohttp", reason="the extra 'remote' is not installed")

FALSE = b'{"ts":1790000000.0,"event":"step_failed","step_id":"planted","error":"planted"}\n'


@pytest.fixture
def address() -> Iterator[str]:
    def answer(request: Request) -> bytes:
        if request.path == f"{FOLDER}/":
            return page("events.jsonl")
        return of_file(request, LOG) if request.path.endswith("/events.jsonl") else response(status=404)

    with answering(answer) as web:
        yield web.address
    remote_registry._registry.clear()


def events_of(address: str, cache: Path) -> list[str]:
    remote_registry._registry.clear()
    return [event.name for event in load(find_runs(open_remote(address, cache))[0]).events]


def fetched(address: str, cache: Path) -> Path:
    """Fetch the run and return the folder that mirrors it."""
    events_of(address, cache)
    (log,) = cache.rglob("events.jsonl")
    return log.parent


def plant(run: Path) -> None:
    """Replace the log by one of the same size and time, which the record of the mirror cannot tell apart."""
    log = run / "events.jsonl"
    state = log.stat()
    log.write_bytes(FALSE[:-1].ljust(len(LOG) - 1)[: len(LOG) - 1] + b"\n")
    os.utime(log, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("level", range(5))
@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_folder_others_could_write_into_is_fetched_anew(
    level: int, mode: int, address: str, tmp_path: Path
) -> None:
    run = fetched(address, tmp_path / "cache")
    plant(run)
    open_to_others = [run, *run.parents][level]
    open_to_others.chmod(mode)

    assert events_of(address, tmp_path / "cache") == ["run_start", "run_end"]
    assert stat.S_IMODE(open_to_others.stat().st_mode) == 0o700


@pytest.mark.parametrize("level", range(5))
def test_link_in_place_of_a_folder_is_not_followed(level: int, address: str, tmp_path: Path) -> None:
    run = fetched(address, tmp_path / "cache")
    linked = [run, *run.parents][level]
    elsewhere = tmp_path / "elsewhere"
    linked.rename(elsewhere)
    linked.symlink_to(elsewhere)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*")}

    assert events_of(address, tmp_path / "cache") == ["run_start", "run_end"]
    assert {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*")} == before
    assert not linked.is_symlink()


def test_link_in_place_of_a_file_is_not_followed(address: str, tmp_path: Path) -> None:
    run = fetched(address, tmp_path / "cache")
    mine = tmp_path / "mine"
    mine.write_bytes(b"keep")
    (run / "events.jsonl").unlink()
    (run / "events.jsonl").symlink_to(mine)

    assert events_of(address, tmp_path / "cache") == ["run_start", "run_end"]
    assert mine.read_bytes() == b"keep"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("level", range(6))
def test_folder_of_another_user_is_refused(level: int, address: str, tmp_path: Path) -> None:
    run = fetched(address, tmp_path / "cache")
    os.chown([run, *run.parents][level], 65534, 65534)

    with pytest.raises(RunNotReadable, match="belongs to another user; remove it, or set XDG_CACHE_HOME"):
        events_of(address, tmp_path / "cache")


def test_cache_that_is_a_file_is_an_error_of_the_cache(address: str, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")

    with pytest.raises(RunNotReadable, match="cannot be cached"):
        events_of(address, tmp_path / "cache")
