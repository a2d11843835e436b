"""Labelled and sample runs, changed in ways that must not change what is said of them."""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.manifest import input_name
from tests.inspector.accuracy import CORPUS
from tests.samples import SAMPLES

Files = Mapping[str, bytes]
"""The files of a run by their path; those beside its directory begin with ``../``."""

_BESIDE = ("worker_stderr.log", "commands.jsonl")
_LOGS = ("events.jsonl", "metrics.jsonl")
_TEXT = (".json", ".jsonl", ".yaml", ".log", ".txt", ".sql")
_DAY = re.compile(rb"\b20\d\d-\d\d-\d\d(?=[T ]\d\d:)")
_SECONDS = re.compile(rb'("timestamp":\s*)(\d{10})')
_TABLES = {
    b"movies": b"reels",
    b"director": b"maker",
    b"orders": b"invoices",
    b"amount": b"total_due",
    b"moviez": b"reelz",
}
_HOSTS = {b"127.0.0.1": b"10.77.3.21", b"localhost": b"db-7.inner"}


@dataclass(frozen=True, slots=True)
class Subject:
    """A run to change. ``is_good`` says that it went well, or says so; ``is_remote`` that a host waited for its worker."""

    name: str
    path: Path
    is_good: bool
    is_remote: bool = False
    is_original: bool = False

    def files(self) -> dict[str, bytes]:
        """Everything that is known of the run."""
        found = {
            str(file.relative_to(self.path)): file.read_bytes()
            for file in sorted(self.path.rglob("*"))
            if file.is_file()
        }
        beside = {f"../{name}": self.path.parent / name for name in _BESIDE}
        return found | {name: file.read_bytes() for name, file in beside.items() if file.is_file()}


def subjects() -> list[Subject]:
    """The sample runs and, where they are on this machine, the labelled runs of the original."""
    made = [Subject(path.parent.name, path, _is_ok(path)) for path in sorted(SAMPLES.glob("*/run_*"))]
    return made + [_labelled(label) for label in labels()]


def labels() -> list[dict[str, str]]:
    """The labels of the runs of the original; empty where they are not on this machine."""
    file = CORPUS / "labels.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _labelled(label: Mapping[str, str]) -> Subject:
    path = CORPUS / label["case"] / label["run"]
    return Subject(
        label["case"], path, label["truth"].startswith("success"), label["mode"] == "e2b", is_original=True
    )


def _is_ok(path: Path) -> bool:
    status = path / "status.json"
    return status.exists() and json.loads(status.read_bytes())["ok"] is True


def lay(files: Files, folder: Path, name: str) -> Path:
    """Write the files of a run; gives its directory."""
    run = folder / "case" / name
    for file, content in files.items():
        target = run / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return run


Verdict = tuple[str, tuple[str, str | None] | None, frozenset[tuple[str, str | None]]]


def verdict(told: Report, names: Mapping[str, str] | None = None) -> Verdict:
    """How a run ended, its root cause, and all errors and warnings; steps by another name where ``names`` has one."""
    called = names or {}

    def step(name: str | None) -> str | None:
        return called.get(name, name) if name is not None else None

    cause = told.root_cause
    heavy = [finding for finding in told.findings if finding.severity != "note"]
    return (
        told.run.status,
        (cause.rule, step(cause.step)) if cause else None,
        frozenset((finding.rule, step(finding.step)) for finding in heavy),
    )


def new_names(told: Report) -> dict[str, str]:
    """Another name for each step whose own is no common word."""
    telling = [step.id for step in told.run.steps if re.fullmatch(r"\w+[-_][\w-]+", step.id)]
    return {step: f"{'zulu-' if '-' in step else 'zulu_'}{number}" for number, step in enumerate(telling, 11)}


def renamed(files: Files, names: Mapping[str, str]) -> Files:
    """Each step under another name, in every file and in the name of every file."""
    words = {old.encode(): new.encode() for old, new in names.items()}
    words |= {input_name(old).encode(): input_name(new).encode() for old, new in names.items()}
    return {
        _replaced(name.encode(), words).decode(): _text(name, content, words)
        for name, content in files.items()
    }


def other_tables(files: Files) -> Files:
    """Other names of tables and columns."""
    return {name: _text(name, content, _TABLES) for name, content in files.items()}


def other_hosts(files: Files) -> Files:
    """Other addresses of servers."""
    return {name: _text(name, content, _HOSTS) for name, content in files.items()}


def _text(name: str, content: bytes, words: Mapping[bytes, bytes]) -> bytes:
    return _replaced(content, words) if name.endswith(_TEXT) else content


def _replaced(content: bytes, words: Mapping[bytes, bytes]) -> bytes:
    if not words:
        return content
    any_word = b"|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(rb"(?<![\w-])(?:" + any_word + rb")(?![\w-])", lambda match: words[match[0]], content)


def other_day(files: Files) -> Files:
    """The same run 103 days later."""

    def later(content: bytes) -> bytes:
        return _SECONDS.sub(
            lambda m: m[1] + b"%d" % (int(m[2]) + 103 * 86_400), _DAY.sub(b"2027-03-05", content)
        )

    return {name: later(content) if name.endswith(_TEXT) else content for name, content in files.items()}


def windows_ends(files: Files) -> Files:
    """Lines that end as on Windows."""
    lines = (".jsonl", ".log")
    return {
        name: content.replace(b"\n", b"\r\n") if name.endswith(lines) else content
        for name, content in files.items()
    }


def without_debug(files: Files) -> Files:
    """Text logs without what is written for whoever searches a fault in the program."""

    def quieter(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join(line for line in lines if b" DEBUG " not in line or b"error details" in line)

    return {name: quieter(content) if name.endswith(".log") else content for name, content in files.items()}


def with_foreign_lines(files: Files) -> Files:
    """Events and metrics of somebody else among those of the run."""
    chance = random.Random(11)
    found = dict(files)
    for name in _LOGS:
        lines = files.get(name, b"").splitlines(keepends=True)
        for place in (
            sorted(chance.choices(range(1, len(lines)), k=7), reverse=True) if len(lines) > 1 else ()
        ):
            lines.insert(place, _like(lines[place - 1], name, chance))
        found[name] = b"".join(lines)
    return {name: content for name, content in found.items() if name in files}


def _like(line: bytes, file: str, chance: random.Random) -> bytes:
    """A line in the same form, at the same time, of a kind nobody knows."""
    value = json.loads(line)
    kind = chance.choice(["billing_tick", "audit_note", "cache_probe"])
    if "timestamp" in value:
        other = {"type": value["type"], "name": kind, "timestamp": value["timestamp"], "data": {"ref": 7}}
    else:
        key = "metric" if file.startswith("metrics") else "event"
        other = {"ts": value.get("ts"), "session": value.get("session"), key: kind, "value": 7}
    return json.dumps(other).encode() + b"\n"


def with_longer_texts(files: Files) -> Files:
    """A text log with chatter before its first and after its last line."""
    chatter = b"2026-11-22 04:00:00 - urllib3 - INFO - Starting new connection\n" * 200
    return {
        name: chatter + content + chatter if name.endswith(".log") else content
        for name, content in files.items()
    }


CHANGES: Mapping[str, Callable[[Files], Files]] = {
    "other tables": other_tables,
    "other hosts": other_hosts,
    "another day": other_day,
    "line ends of Windows": windows_ends,
    "no debug lines": without_debug,
    "foreign lines": with_foreign_lines,
    "chatter in text logs": with_longer_texts,
}


@dataclass(frozen=True, slots=True)
class Cut:
    """A log that ends early: its lines, and the step that was running then."""

    lines: int
    files: Files
    running: str | None


def cuts(files: Files, most: int) -> Iterator[Cut]:
    """The run of a host that was killed, at most so many places; all before the log says that the run is over."""
    lines = files["events.jsonl"].splitlines(keepends=True)
    over = next((place for place, line in enumerate(lines) if _is_last_word(line)), len(lines))
    last = ("status.json", "artifacts/_system/run_card.json", "metrics.jsonl")
    kept = {name: content for name, content in files.items() if name not in last}
    places = range(1, over + 1)
    for place in sorted(random.Random(len(lines)).sample(places, min(most, len(places)))):
        yield Cut(place, {**kept, "events.jsonl": b"".join(lines[:place])}, _running(lines[:place]))


def _is_last_word(line: bytes) -> bool:
    value = json.loads(line)
    name = value.get("event") or value.get("name")
    of_host = name == "run_end" or (name == "run_complete" and "total_duration" in value)
    return of_host or (name == "cleanup_complete" and value.get("type") == "event")


def _running(lines: list[bytes]) -> str | None:
    running: str | None = None
    for line in lines:
        value = json.loads(line)
        name, step = value.get("event") or value.get("name"), (value.get("data") or value).get("step_id")
        if name == "step_start":
            running = step
        elif name in ("step_complete", "step_failed", "step_error"):
            running = None
    return running


_FALLBACK = {
    "sandbox_id": "i1",
    "exit_code": 1,
    "steps_completed": 0,
    "steps_total": 3,
    "ok": False,
    "session_copied": False,
    "events_jsonl_exists": True,
    "reason": "Worker failed to write status.json",
}


def given_up(files: Files, seconds: int = 25) -> Iterator[Cut]:
    """A remote run whose worker fell silent in each of its steps, as its host leaves it when it stops waiting."""
    lines = files["events.jsonl"].splitlines(keepends=True)
    values = [json.loads(line) for line in lines]
    starts = [place for place, value in enumerate(values) if value.get("event") == "step_start"]
    host = {"ts": values[-1]["ts"], "session": values[-1]["session"]}
    last = [
        {**host, "event": "adapter_execute_complete", "success": False},
        {
            **host,
            "event": "run_error",
            "phase": "execute",
            "error": f"Batch execution timed out after {seconds} seconds",
        },
        {**host, "event": "run_end", "duration_seconds": float(seconds)},
    ]
    tail = b"".join(json.dumps(value).encode() + b"\n" for value in last)
    kept = {
        name: content for name, content in files.items() if "run_card" not in name and "metrics" not in name
    }
    for place in starts:
        begun = b"".join(lines[: place + 1])
        cut = {**kept, "events.jsonl": begun + tail, "status.json": json.dumps(_FALLBACK).encode()}
        yield Cut(place, cut, values[place]["step_id"])


def failing_instead(files: Files, error: str) -> Iterator[Cut]:
    """The run with an error in place of the end of each of its steps, told as its version tells errors; nothing behind it."""
    lines = files["events.jsonl"].splitlines(keepends=True)
    values = [json.loads(line) for line in lines]
    lost = ("status.json", "metrics.jsonl", "artifacts/_system/run_card.json", "../worker_stderr.log")
    kept = {name: content for name, content in files.items() if name not in lost}
    drivers = {
        body.get("step_id"): body.get("driver")
        for body in (value.get("data") or value for value in values)
        if body.get("driver")
    }
    for place, value in enumerate(values):
        if (value.get("event") or value.get("name")) != "step_complete":
            continue
        step = (value.get("data") or value)["step_id"]
        tail = [
            json.dumps(line).encode() + b"\n"
            for line in _failure(value, values, step, drivers.get(step), error)
        ]
        yield Cut(place, {**kept, "events.jsonl": b"".join([*lines[:place], *tail])}, step)


def _failure(
    end: Mapping[str, Any], values: list[dict[str, Any]], step: str, driver: str | None, error: str
) -> Iterator[Mapping[str, Any]]:
    said = {"step_id": step, "driver": driver, "error": error}
    if "timestamp" in end:
        yield {**end, "name": "step_failed", "data": {**said, "error_type": "RuntimeError", "traceback": ""}}
        yield {**end, "name": "cleanup_complete", "data": {"steps_executed": 1, "total_rows": 0}}
        return
    shape = {key: end[key] for key in ("ts", "session")}
    host = {key: values[-1][key] for key in ("ts", "session")}
    if "rows_processed" in end:
        yield {**shape, "event": "step_failed", **said, "error_type": "RuntimeError", "traceback": ""}
        yield {**shape, "event": "cleanup_complete", "steps_executed": 1, "total_rows": 0}
        yield {**host, "event": "run_error", "phase": "execute", "error": None, "duration": 1.0}
    else:
        yield {**shape, "event": "step_error", **said, "duration": 0.1, "error": f"Execution failed: {error}"}
        yield {**shape, "event": "run_error", "step_id": step, "message": "Step execution failed"}
        yield {**host, "event": "execute_error", "adapter": "local", "error": f"Execution failed: {error}"}
        yield {
            **host,
            "event": "run_error",
            "phase": "execute",
            "error": f"Execution failed: {error}",
            "duration": 1.0,
        }
    yield {**host, "event": "run_end", "duration_seconds": 1.0}
