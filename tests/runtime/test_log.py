from pathlib import Path

import pytest

from osiris_inspect.model import event as events
from osiris_inspect.model.redact import Redactor
from osiris_inspect.runtime.log import LineFile, Log, write_whole


def test_events_are_numbered_without_a_gap_and_read_back_as_written(tmp_path: Path) -> None:
    with Log(tmp_path, "run_1", Redactor()) as log:
        written = [log.event("rows_out", 1.25 + n, "worker", {"value": n}, "a") for n in range(3)]
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert [events.decode(line).seq for line in lines] == [0, 1, 2]
    assert [events.decode(line).fields for line in lines] == [event.fields for event in written]


def test_a_torn_last_line_stays_one_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a":1}\n{"torn')
    file = LineFile(path)
    file.write(b'{"b":2}')
    file.close()
    assert path.read_bytes() == b'{"a":1}\n{"torn\n{"b":2}\n'


def test_a_secret_never_reaches_the_file(tmp_path: Path) -> None:
    with Log(tmp_path, "run_1", Redactor(["hunter22"])) as log:
        log.event(
            "step_failed",
            1.0,
            "worker",
            {"error": "user:hunter22@db", "causes": [{"message": "aHVudGVyMjI="}]},
        )
    text = (tmp_path / "events.jsonl").read_text()
    assert "hunter22" not in text
    assert "aHVudGVyMj" not in text


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_whole(path, b"old")
    with pytest.raises(TypeError):
        write_whole(path, None)  # type: ignore[arg-type]  # what fails half-way
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]
