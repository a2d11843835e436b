"""Compressed and rotated logs: every reading command answers as for the plain run."""

import gzip
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.archives.limits import LOG_LIMITS
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.model import run_layout as layout
from tests.cli.all_commands import Call, call_all
from tests.cli.packed_runs import NAME, RUN, packed_run
from tests.cli.shell import osiris_inspect

COMMANDS = {
    **{
        f"summarize {name}": ["summarize", NAME, "--format", name]
        for name in ("text", "json", "sarif", "gitlab", "html", "junit")
    },
    **{
        f"sql {table}": ["sql", NAME, f"select * from {table}", "--format", "csv"]
        for table in ("events", "metrics")
    },
    "lineage": ["lineage", NAME],
    "open": ["open", NAME],
    "summarize folder": ["summarize", ".", "--latest"],
    "diff": ["diff", NAME, NAME],
    "history": ["history", NAME, "write-stats"],
    "why json": ["why", NAME, "write-stats", "--format", "json"],
    "events": ["events", NAME],
    "events json": ["events", NAME, "--json"],
    "events raw": ["events", NAME, "--raw"],
    "events filter": ["events", NAME, "event=step_failed", "since=-1h"],
    "events no match": ["events", NAME, "step=compute"],
    "runs json": ["runs", ".", "--json"],
    "pack": ["pack", NAME],
    "explain": ["explain", f"{NAME}:input-not-found"],
}
READERS = {
    "summarize",
    "lineage",
    "sql",
    "open",
    "why",
    "diff",
    "history",
    "events",
    "runs",
    "pack",
    "explain",
}
"""The commands that read runs; ``clean`` only removes them."""
POSITIONS = {"summarize sarif", "summarize gitlab", "summarize html"}
"""Reports that name the file of a line, and not the log."""
_JOINED = re.compile(rf"osiris-inspect: {NAME}: events\.jsonl is joined from [^\n]*\n")


def outcomes(folder: Path, commands: dict[str, list[str]]) -> dict[str, tuple[int, str, str]]:
    """Return exit code, stdout and stderr of commands in a folder."""
    env = {
        "XDG_CACHE_HOME": str(folder.parent / f"cache of {folder.name}"),
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    written = call_all([Call(words) for words in commands.values()], folder, env)
    return {
        name: (entry.code, entry.out.decode(), _JOINED.sub("", entry.err.decode()))
        for name, entry in zip(commands, written, strict=True)
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    folder = tmp_path_factory.mktemp("plain") / "runs"
    shutil.copytree(RUN, folder / NAME)
    return outcomes(folder, COMMANDS)


def test_every_reading_command_is_called() -> None:
    from tests.cli.test_acting_characters import command_lines

    reading = {words[0] for words in command_lines("controls").values() if len(words) > 1}
    assert reading >= READERS
    assert {words[0] for words in COMMANDS.values()} == READERS


def test_plain_run_is_answered(plain: dict[str, tuple[int, str, str]]) -> None:
    assert {name: entry for name, entry in plain.items() if entry[0] not in (0, 1) or not entry[1]} == {
        "events no match": plain["events no match"]
    }


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["gz", "zst", "rotated gz", "rotated mixed"])
def test_packed_logs_are_answered_as_plain_ones(
    tmp_path: Path, name: str, plain: dict[str, tuple[int, str, str]]
) -> None:
    packed_run(tmp_path / "runs", name)
    found = outcomes(tmp_path / "runs", COMMANDS)
    compared = COMMANDS.keys() if "rotated" not in name else COMMANDS.keys() - POSITIONS
    differing = {
        command: found[command]
        for command in compared
        if (found[command][0], re.sub(r"\.jsonl\.(gz|zst)\b", ".jsonl", found[command][1]), found[command][2])
        != plain[command]
    }
    assert differing == {}


def test_position_of_evidence_is_that_of_its_part(tmp_path: Path) -> None:
    run = packed_run(tmp_path, "rotated often")
    done = osiris_inspect("summarize", NAME, "--format", "sarif", cwd=tmp_path)
    (sarif,) = json.loads(done.out)["runs"]
    steps = [
        location["location"]["physicalLocation"]
        for result in sarif["results"]
        for flow in result["codeFlows"]
        for location in flow["threadFlows"][0]["locations"]
    ]
    quoted = {
        (Path(step["artifactLocation"]["uri"]).name, step["region"]["startLine"]): step["region"]["snippet"][
            "text"
        ]
        for step in steps
        if layout.parse_log_part(Path(step["artifactLocation"]["uri"]).name)
    }
    assert any(file != layout.EVENTS for file, _ in quoted)
    for (file, line), quote in quoted.items():
        text = (run / file).read_text(encoding="utf-8").splitlines()[line - 1]
        assert json.dumps(quote)[1:-1][:40] in text or quote[:40] in text


def test_parts_of_joined_log_are_named(tmp_path: Path) -> None:
    packed_run(tmp_path, "rotated gz")
    done = osiris_inspect("why", NAME, cwd=tmp_path)
    assert (
        f"{NAME}: events.jsonl is joined from events.jsonl.2.gz, events.jsonl.1.gz (from line 9), "
        in done.err
    )
    assert "events.jsonl (from line 17)" in done.err


@pytest.mark.parametrize("command", ["events", "summarize"])
def test_file_of_compressed_log_is_named(tmp_path: Path, command: str) -> None:
    packed_run(tmp_path, "gz")
    done = osiris_inspect(command, f"{NAME}/events.jsonl.gz", cwd=tmp_path)
    assert (done.code, done.err) == (int(command == "summarize"), "")
    assert ("run_end" if command == "events" else "25 events") in done.out


def test_compressed_log_outside_of_a_run_is_read(tmp_path: Path) -> None:
    (tmp_path / "saved.gz").write_bytes(gzip.compress((RUN / layout.EVENTS).read_bytes()))
    done = osiris_inspect("events", "saved.gz", "event=run_end", cwd=tmp_path)
    assert done.out.startswith("    25  ")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_stdin_is_read(tmp_path: Path, suffix: str) -> None:
    import subprocess
    import sys

    from tests.cli.packed_runs import COMPRESS

    content = COMPRESS[suffix]((RUN / layout.EVENTS).read_bytes())
    command = [sys.executable, "-m", "osiris_inspect", "events", "-", "event=run_end"]
    done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"    25  ")


def test_compressed_log_is_not_followed(tmp_path: Path) -> None:
    packed_run(tmp_path, "gz")
    done = osiris_inspect("events", NAME, "--follow", cwd=tmp_path)
    assert done.code == 2
    assert done.err == (
        "osiris-inspect: --follow: events.jsonl.gz is not written any more; omit --follow to read it\n"
    )


def test_follow_names_the_older_parts(tmp_path: Path) -> None:
    packed_run(tmp_path, "rotated")
    done = osiris_inspect("events", NAME, "--follow", cwd=tmp_path)
    assert (done.code, len(done.out.splitlines())) == (0, 9)
    assert "omit --follow to read the older events.jsonl.2, events.jsonl.1, too" in done.err


@pytest.mark.parametrize("name", ["gz", "rotated gz"])
def test_end_of_cut_log_is_reported(tmp_path: Path, name: str) -> None:
    run = packed_run(tmp_path, name)
    part = sorted(run.glob("events.jsonl*.gz"))[-1]
    part.write_bytes(part.read_bytes()[:-200])
    report = analyze(run)
    (entry,) = [entry for entry in report.run.unreadable if entry.file == part.name]
    assert re.fullmatch(r"its gzip data ends early; \d+ lines were read up to there", entry.reason)
    assert report.run.events
    assert (report.run.events[-1].name == "run_end") == (name == "rotated gz")


def test_copy_beside_plain_log_is_reported(tmp_path: Path) -> None:
    run = packed_run(tmp_path, "gz")
    shutil.copy(RUN / layout.EVENTS, run)
    report = analyze(run)
    (entry,) = report.run.unreadable
    assert (entry.file, entry.reason) == (
        "events.jsonl.gz",
        "not read, because events.jsonl is beside it; remove one of them",
    )
    assert len(report.run.events) == 25


@pytest.mark.parametrize("content", [b"", b"not gzip", b"\x1f\x8b\x08\x00garbage", os.urandom(500)])
def test_damaged_log_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    run = packed_run(tmp_path, "gz")
    for other in ("status.json", "manifest.yaml", "metrics.jsonl.gz", "artifacts/_system/run_card.json"):
        (run / other).unlink()
    (run / "events.jsonl.gz").write_bytes(content)
    done = osiris_inspect("events", run, cwd=tmp_path)
    assert (done.out, len(done.err.splitlines())) == ("", 1)
    assert "events.jsonl.gz: its gzip data" in done.err
    assert osiris_inspect("summarize", run, cwd=tmp_path).code == 3


def test_torn_part_does_not_swallow_the_next_event(tmp_path: Path) -> None:
    run = packed_run(tmp_path, "rotated")
    (run / "events.jsonl.1").write_bytes((run / "events.jsonl.1").read_bytes()[:-30])
    lines = [number for number, _ in RunFiles(run).lines(layout.EVENTS)]
    assert lines == list(range(1, 26))


def test_large_log_is_joined_once_and_cleaned(tmp_path: Path) -> None:
    run, env = packed_run(tmp_path, "gz"), {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    log = run / "events.jsonl.gz"
    head, tail = gzip.decompress(log.read_bytes()).split(b"\n", 1)
    filler = b'{"ts":"2026-11-22T21:12:16.2Z","event":"heartbeat","session":"x","n":%d}'
    beats = b"\n".join(filler % number for number in range(70_000))
    log.write_bytes(gzip.compress(head + b"\n" + beats + b"\n" + tail, 1))
    first = osiris_inspect("events", NAME, "event=run_end", cwd=tmp_path, env=env)
    assert first.out.startswith(" 70025  ")
    (joined,) = (tmp_path / "cache").rglob("joined/*.log")
    state = joined.stat()
    assert state.st_mode & 0o777 == 0o600
    assert osiris_inspect("summarize", NAME, cwd=tmp_path, env=env).code == 1
    assert osiris_inspect("events", NAME, "event=run_end", cwd=tmp_path, env=env).out == first.out
    assert joined.stat().st_ctime_ns == state.st_ctime_ns
    osiris_inspect("clean", ".", "--yes", cwd=tmp_path, env=env)
    assert not list((tmp_path / "cache").rglob("*.log"))


def test_too_large_log_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = packed_run(tmp_path, "rotated gz")
    monkeypatch.setattr(
        "osiris_inspect.inspector.files.joined_log.LOG_LIMITS", LOG_LIMITS._replace(max_bytes=5_000)
    )
    disk = RunFiles(run)
    assert list(disk.lines(layout.EVENTS)) == []
    (entry,) = disk.unreadable
    assert re.fullmatch(r"events\.jsonl\.1\.gz: it unpacks to more than [\d,]+ bytes", entry.reason)


def test_bomb_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "events.jsonl.gz").write_bytes(gzip.compress(bytes(50 << 20)))
    done = osiris_inspect("events", NAME, cwd=tmp_path)
    assert (done.code, done.out, len(done.err.splitlines())) == (3, "", 1)
    assert "as a decompression bomb does" in done.err
    assert osiris_inspect("summarize", NAME, cwd=tmp_path).code == 3


def test_symbolic_link_to_a_part_outside_is_refused(tmp_path: Path) -> None:
    run = packed_run(tmp_path, "rotated")
    (run / "events.jsonl.2").rename(tmp_path / "outside")
    (run / "events.jsonl.2").symlink_to(tmp_path / "outside")
    disk = RunFiles(run)
    assert list(disk.lines(layout.EVENTS)) == []
    assert (
        disk.unreadable[0].reason == "events.jsonl.2: a symbolic link to a path outside of the run directory"
    )


def test_pipe_among_the_parts_does_not_block(tmp_path: Path) -> None:
    run = packed_run(tmp_path, "rotated")
    os.mkfifo(run / "events.jsonl.3.gz")
    done = osiris_inspect("events", NAME, cwd=tmp_path)
    assert done.code == 3
    assert "cannot be read: events.jsonl.3.gz: not a regular file" in done.err


def test_missing_package_is_named_with_its_command(tmp_path: Path) -> None:
    packed_run(tmp_path, "zst")
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "zstandard.py").write_text("raise ImportError")
    done = osiris_inspect("events", NAME, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "without")})
    assert done.code == 3
    assert re.search(r"reading \.zst needs the package zstandard: .*install.*", done.err)
