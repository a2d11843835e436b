"""Lines that are not of this run: ignored and counted, whatever they say."""

import time
from pathlib import Path

import pytest

from osiris_inspect.runtime.transport.in_process import InProcess
from tests.runtime.runs import NAMES, events_of, faulty, make_run

pytestmark = pytest.mark.usefixtures("nothing_left")

IN_A_CHILD = pytest.mark.parametrize("on", [name for name in NAMES if name != "local"])


@IN_A_CHILD
@pytest.mark.parametrize("words", ["of another run", "of no run"])
def test_message_of_another_run_is_ignored(tmp_path: Path, on: str, words: str) -> None:
    outcome = make_run(tmp_path, on, text=faulty("speak_on_the_wire", words=words))
    assert outcome.status == "success"
    events = events_of(outcome.path)
    assert [event["count"] for event in events if event["event"] == "foreign_lines"] == [1]
    assert not [event for event in events if event["event"] in ("forged", "lines_missing", "wire_error")]


class _OtherRun(InProcess):
    """A worker that was prepared for another run."""

    def receive(self, timeout: float | None) -> bytes | None:
        line = super().receive(timeout)
        is_ready = line is not None and b'"event":"session_initialized"' in line
        return line.replace(b'"run_id":"run_', b'"run_id":"other_') if line and is_ready else line


def test_worker_of_another_run_is_refused(tmp_path: Path) -> None:
    outcome = make_run(tmp_path, transport=_OtherRun({}, time.time))
    assert outcome.status == "failed"
    assert f"prepared for the run 'other_{outcome.path.name[4:]}', not for {outcome.path.name!r}" in str(
        outcome.reason
    )
    names = [event["event"] for event in events_of(outcome.path)]
    assert "step_start" not in names
    assert names[-1] == "run_end"
