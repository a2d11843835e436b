"""What a worker finds is what the host sent, by SHA-256 on both sides, or the run ends before its first step."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from osiris_inspect.model.event import Event
from osiris_inspect.runtime.protocol import bundle as parcel
from osiris_inspect.runtime.proxy.proxy import RunResult
from osiris_inspect.runtime.transport.transport import Transport
from tests.runtime.runs import NAMES, events_of, faulty, make_run

if TYPE_CHECKING:
    from tests.runtime.fake_e2b.cloud import Cloud

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

EVERYWHERE = pytest.mark.parametrize("on", [*NAMES, "e2b"])


def _run_of(on: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The run directory as the worker sees it."""
    if on == "e2b":
        cloud: Cloud = request.getfixturevalue("cloud")
        (sandbox,) = cloud.sandboxes.values()
        (run,) = sandbox.home.glob("osiris-*/run")
        return run
    (run,) = (tmp_path / "logs").iterdir()
    return run


def _once_started(do: Callable[[], None]) -> Callable[[Event], None]:
    """Does something when the worker is there and was not yet told what to find."""

    def watch(event: Event) -> None:
        if event.name == "worker_started":
            do()

    return watch


def _check_refused(outcome: RunResult, words: str) -> None:
    events = events_of(outcome.path)
    assert outcome.status == "failed"
    assert re.search(words, str(outcome.reason)), outcome.reason
    assert not {"step_start", "cfg_opened", "driver_registered"} & {event["event"] for event in events}
    assert events[-1]["event"] == "run_end"


@EVERYWHERE
@pytest.mark.parametrize("name", ["manifest.yaml", "cfg/first.json", "artifacts/_system/components.json"])
def test_a_file_that_changed_before_the_worker_read_it_ends_the_run_and_is_named(
    tmp_path: Path, on: str, transport: Transport, name: str, request: pytest.FixtureRequest
) -> None:
    def change() -> None:
        with (_run_of(on, tmp_path, request) / name).open("a") as file:
            file.write(" ")

    outcome = make_run(
        tmp_path, on, text=faulty("nothing"), transport=transport, on_event=_once_started(change)
    )
    _check_refused(outcome, rf"{name}.* sha256:\w{{64}} in the worker, sha256:\w{{64}} on the host")


@EVERYWHERE
def test_a_file_that_is_gone_before_the_worker_read_it_ends_the_run_and_is_named(
    tmp_path: Path, on: str, transport: Transport, request: pytest.FixtureRequest
) -> None:
    def remove() -> None:
        (_run_of(on, tmp_path, request) / "cfg/first.json").unlink()

    outcome = make_run(
        tmp_path, on, text=faulty("nothing"), transport=transport, on_event=_once_started(remove)
    )
    _check_refused(outcome, r"cfg/first.json.* missing in the worker, sha256:\w{64} on the host")


@pytest.mark.parametrize("on", [*(name for name in NAMES if name != "local"), "e2b"])
def test_a_worker_of_other_code_ends_the_run_and_says_so(
    tmp_path: Path, on: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcel, "code_hash", lambda: "sha256:" + "0" * 64)
    outcome = make_run(tmp_path, on, text=faulty("nothing"), transport=transport)
    _check_refused(outcome, r"the worker's code is sha256:\w{64}, the host sent sha256:0{64}")


@pytest.mark.parametrize("on", ["e2b"])
def test_code_that_changed_in_the_sandbox_ends_the_run(
    tmp_path: Path, on: str, transport: Transport, request: pytest.FixtureRequest
) -> None:
    def change() -> None:
        code = (
            _run_of(on, tmp_path, request).parent / "osiris/osiris_inspect/runtime/protocol/cancellation.py"
        )
        with code.open("a") as file:
            file.write("# changed\n")

    outcome = make_run(
        tmp_path, on, text=faulty("nothing"), transport=transport, on_event=_once_started(change)
    )
    _check_refused(outcome, "worker and host run different versions")


@pytest.mark.parametrize("on", ["e2b"])
def test_an_archive_that_did_not_arrive_as_it_was_ends_the_run(
    tmp_path: Path, on: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    from e2b.sandbox_async.filesystem.filesystem import Filesystem

    write = Filesystem.write

    async def cut(self: Filesystem, path: str, data: bytes, **more: Any) -> Any:
        return await write(self, path, data[:-1], **more)

    monkeypatch.setattr(Filesystem, "write", cut)
    outcome = make_run(tmp_path, on, text=faulty("nothing"), transport=transport)
    _check_refused(outcome, r"its hash is \w{64} in the sandbox and \w{64} here")
