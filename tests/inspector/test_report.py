"""One door: whoever asks for a report with a repository gets its own rules and without what it allows."""

import io
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze, diagnose_run
from osiris_inspect.inspector.event_log import open_large_log as long_reading
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.export import CIContext, format_names, get_renderer
from osiris_inspect.inspector.project.project import Project
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.event import Event
from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally

OWN = """
ignore = ["zero-rows-from-source@extract: empty on Sundays"]

[[patterns]]
name = "moon-wrong"
pattern = "the moon"
message = "the moon is in the wrong phase"
fix = "wait"
"""


def repository(folder: Path, text: str = OWN) -> Path:
    place = folder / "repository"
    place.mkdir()
    (place / ".osiris-inspect.toml").write_text(text)
    return place


def empty_source(folder: Path) -> Path:
    lines = succeeding_locally()
    lines[4]["rows"] = 0
    return run_dir(folder, lines, steps=CHAIN)


def test_what_the_repository_allows_is_taken_out(tmp_path: Path) -> None:
    run = empty_source(tmp_path)
    told = analyze(run, project=Project(repository(tmp_path)))
    assert [finding.rule for finding in told.findings] == []
    assert [finding.id for finding in told.allowed] == ["zero-rows-from-source@extract"]


def test_rules_of_the_repository_are_asked(tmp_path: Path) -> None:
    run = run_dir(tmp_path, failing_locally("the moon is late"), steps=CHAIN)
    cause = analyze(run, project=Project(repository(tmp_path))).root_cause
    assert cause is not None
    assert cause.rule == "moon-wrong"


def test_without_a_repository_nothing_is_allowed_and_nothing_added(tmp_path: Path) -> None:
    repository(tmp_path)
    told = analyze(empty_source(tmp_path))
    assert [finding.rule for finding in told.findings] == ["zero-rows-from-source"]


def test_run_that_was_read_before_is_judged_alike(tmp_path: Path) -> None:
    run, place = empty_source(tmp_path), repository(tmp_path)
    assert (
        diagnose_run(load(run), project=Project(place)).findings
        == analyze(run, project=Project(place)).findings
    )


def test_settings_that_cannot_be_are_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unknown key"):
        analyze(empty_source(tmp_path), project=Project(repository(tmp_path, "ignored = []\n")))


def test_a_report_of_a_long_log_does_not_decode_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_reading, "LARGE_LOG_BYTES", 1_000)
    decoded: list[int] = []
    decode = LargeLog.decoded

    def counted(self: LargeLog, line: int, raw: bytes) -> Event:
        decoded.append(line)
        return decode(self, line, raw)

    monkeypatch.setattr(LargeLog, "decoded", counted)
    lines = failing_locally("the moon is late")
    beat = {"event": "heartbeat", "step_id": "extract", "session": lines[0]["session"], "ts": lines[3]["ts"]}
    run = run_dir(tmp_path, [*lines[:4], *[beat] * 20_000, *lines[4:]], steps=CHAIN)
    told = analyze(run, project=Project(repository(tmp_path)))
    assert len(told.run.events) == len(lines) + 20_000
    assert told.root_cause is not None
    for name in format_names():
        get_renderer(name)((told,), io.StringIO(), ci=CIContext(token="5f0c7a1b9e3d4a6685f7d1c2b3a49586"))
    assert len(decoded) < 5_000
