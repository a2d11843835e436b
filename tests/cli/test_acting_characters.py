"""Whatever acts on a terminal or a CI system, in every place of a run, reaches neither from any command and format."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.base.text.invisible_characters import INVISIBLE
from osiris_inspect.base.text.terminal_text import escape_json, terminal_text
from osiris_inspect.inspector.export import format_names
from tests.cli.all_commands import Call, Written, call_all
from tests.inspector.export.runner import of_azure, of_github
from tests.inspector.making import native, run_dir

CONTROLS = {
    "BEL": "\x07", "backspace": "\x08", "vertical tab": "\x0b", "form feed": "\x0c", "return": "\rfake", "SO": "\x0e",
    "SI": "\x0f", "escape": "\x1b", "DEL": "\x7f", "NEL": "\x85", "C1 DCS": "\x90q\x9c", "C1 CSI": "\x9b31m",
    "C1 OSC": "\x9d0;title\x9c",
}  # fmt: skip
SEQUENCES = {
    "color": "\x1b[31mred\x1b[0m", "concealed": "\x1b[8mhidden\x1b[28m", "erase": "\x1b[2J", "cursor": "\x1b[1A\x1b[2K",
    "alternate screen": "\x1b[?1049h", "mouse": "\x1b[?1003h", "title": "\x1b]0;title\x07",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07", "link": "\x1b]8;;http://example.invalid\x1b\\text\x1b]8;;\x1b\\",
    "image": "\x1b]1337;File=inline=1:AAAA\x07", "DCS": "\x1bP$qm\x1b\\", "APC": "\x1b_Gf=24\x1b\\",
    "PM": "\x1b^x\x1b\\", "SOS": "\x1bXx\x1b\\", "reset": "\x1bc", "broken off": "\x1b]52;c;cm0g",
}  # fmt: skip
UNSEEN = {
    "override": "\u202e", "isolate": "\u2066", "mark": "\u200f", "Arabic mark": "\u061c", "zero width space": "\u200b",
    "joiner": "\u200d", "word joiner": "\u2060", "byte order mark": "\ufeff", "soft hyphen": "\u00ad",
    "grapheme joiner": "\u034f", "Mongolian selector": "\u180b", "tag": "\U000e0041", "variation selector": "x\ufe0f",
    "variation selector 17": "\U000e0100", "Hangul filler": "\u3164", "Hangul choseong filler": "\u115f",
    "half-width Hangul filler": "\uffa0", "braille blank": "\u2800", "line separator": "\u2028",
    "paragraph separator": "\u2029", "annotation": "\ufff9", "Arabic number sign": "\u0600", "Khmer vowel": "\u17b4",
    "half a surrogate": "\ud800", "byte as surrogate": "\udc9b",
}  # fmt: skip
COMMANDS = {
    "Azure": "##vso[task.setvariable variable=x;]y", "Azure, more hashes": "####vso[task.complete result=Succeeded;]y",
    "Azure, hidden": "##\u00advso[task.uploadfile]y", "old form": "##[add-mask]y", "TeamCity": "##teamcity[buildStop]",
    "GitHub": "\n::add-mask::y", "GitHub after return": "\r::set-env name=x::y", "GitHub after spaces": "\n \u2003::add-path::y",
    "GitHub block": "\n::stop-commands::abcdef", "GitLab": "\x1b[0Ksection_start:1:x\r\x1b[0Ky",
}  # fmt: skip
KINDS = CONTROLS | SEQUENCES | UNSEEN | COMMANDS
GROUPS = {
    "controls": CONTROLS,
    "sequences": SEQUENCES,
    "unseen": UNSEEN,
    "commands": COMMANDS,
    "all": KINDS,
}
WRONG = {"summarize path", "summarize option", "summarize choice", "sql error"}
FORBIDDEN_COMMANDS = {
    "task.setvariable",
    "task.complete",
    "task.uploadfile",
    "add-mask",
    "set-env",
    "add-path",
}
DEFAULT_IGNORABLE = "\u034f\u115f\u1160\u17b4\u17b5\u2065\u3164\uffa0" + "".join(
    map(
        chr,
        (*range(0xFFF0, 0xFFF9), *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)),
    )
)
NO_CI = {"TF_BUILD": "", "GITHUB_ACTIONS": ""}
READERS: Mapping[str, dict[str, str]] = {
    "terminal": {},
    "pipe": {},
    "azure": {"TF_BUILD": "True"},
    "github": {"GITHUB_ACTIONS": "true"},
}
SEEN_BY = [
    ("controls", "terminal"), ("sequences", "terminal"), ("unseen", "terminal"), ("unseen", "pipe"), ("commands", "azure"),
    ("commands", "github"),
]  # fmt: skip
_OUR_SEQUENCES = re.compile(
    r"\x1b\[(?:[0-9]{1,2}(?:;[0-9]{1,3})*)?m|\r\x1b\[2K|\r(?=\r*\n)|(?<=[⏹⚠⏭▫ℹ])\ufe0f"  # noqa: RUF001  our symbols
)


def test_table_of_invisible_characters_agrees_with_unicode() -> None:
    characters = map(chr, range(0x110000))
    by_property = {
        sign for sign in characters if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }
    expected = by_property | set(DEFAULT_IGNORABLE) | {"\u2800"}
    table = set(INVISIBLE.findall("".join(map(chr, range(0x110000)))))
    assert expected <= table
    unassigned = {sign for sign in table - expected if unicodedata.category(sign) != "Cn"}
    assert not unassigned


@pytest.mark.parametrize("kind", KINDS)
def test_text_for_terminals_has_nothing_that_acts(kind: str) -> None:
    for text in (KINDS[kind], f"a{KINDS[kind]}b", f"{KINDS[kind]}\n{KINDS[kind]}", KINDS[kind] * 3):
        assert what_acts(terminal_text(text)) == []
        assert "\x1b[8m" not in terminal_text(text, colors=True)


def test_colors_stay_only_if_allowed() -> None:
    assert terminal_text("\x1b[1;31mred\x1b[0m", colors=True) == "\x1b[1;31mred\x1b[0m"
    assert (
        terminal_text("\x1b[38;2;1;2;3mred\x1b[m\x1b[5mblink", colors=True)
        == "\x1b[38;2;1;2;3mred\x1b[mblink"
    )
    assert terminal_text("\x1b[1;31mred\x1b[0m") == "red"


@pytest.mark.parametrize(
    "text", ["plain", "## Heading\n### Third", "a :: b", "⚠\ufe0f is shown", "tab\tand\r\nline ends"]
)
def test_text_without_acting_characters_is_unchanged(text: str) -> None:
    assert terminal_text(text) == text


@pytest.mark.parametrize("kind", KINDS)
def test_escaped_json_has_same_value(kind: str) -> None:
    text = KINDS[kind].encode("utf-8", "replace").decode()
    escaped = escape_json(json.dumps({text: [text]}, indent=2, ensure_ascii=False))
    assert json.loads(escaped) == {text: [text]}
    assert what_acts(escaped) == []


def what_acts(text: str) -> list[str]:
    """Return the characters and commands of a text that act, without the sequences of our own."""
    text = _OUR_SEQUENCES.sub("", text)
    signs = set(text) - {"\n", "\t"}
    found = [
        f"U+{ord(sign):04X}"
        for sign in signs
        if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or sign in DEFAULT_IGNORABLE + "\u2800"
    ]
    commands = {command.name for command in [*of_azure(text), *of_github(text)]} & FORBIDDEN_COMMANDS
    return found + sorted(commands) + (["teamcity"] if "##teamcity[" in text else [])


@cache
def hostile_text(group: str) -> str:
    """Return one text with every kind of a group."""
    return "".join(f"a{text}b" for text in GROUPS[group].values())


def file_name(group: str) -> str:
    """Return the start of the text as a name of a file: without a slash, at most 180 bytes."""
    text = (
        hostile_text(group).replace("/", "").encode("utf-8", "ignore")
    )  # DuckDB reads no path of other bytes
    return text[:180].decode("utf-8", "ignore")


def hostile_run(folder: Path, group: str) -> Path:
    """Make a failed run that has the text in every place."""
    text = hostile_text(group)
    step = text
    plan = {"step_id": step, "driver": text, "needs": [], "file": text, "line": 7}
    schema = {"columns": [text], "dtypes": [text], "rows": 1}
    events = [
        native("run_start", 0, pipeline=text, mode="local"),
        native("plan", 1, pipeline=text, file=text, steps=[plan]),
        native("step_start", 2, step_id="fine", driver=text),
        native(
            "output_stored",
            3,
            step_id="fine",
            storage="spill",
            path="artifacts/fine/output.parquet",
            **schema,
        ),
        native("step_complete", 4, step_id="fine", rows_processed=1, note=text),
        native("input_resolved", 5, step_id=step, key=text, from_step="fine", rows=1, path=text),
        native("step_start", 5, step_id=step, driver=text, **{text.replace("\n", " "): text}),
        native("step_failed", 6, step_id=step, error=text, error_type=text, traceback=text, driver=text),
        native("step_skipped", 7, step_id="next", because=step),
        native("run_end", 8, status="failed", error=text),
    ]
    manifest = {
        "name": text,
        "steps": [
            {"id": step, "driver": text, "config": {text: text}},
            {"id": "next", "driver": text, "needs": [step]},
        ],
    }
    files = {
        "manifest.yaml": manifest,
        "worker.log": f"ERROR {text}\n".encode("utf-8", "surrogatepass"),
        f"{file_name(group)}.log": text.encode("utf-8", "surrogatepass"),
        "status.json": {"ok": False, "reason": text, "status": "failed"},
    }
    run = run_dir(folder, events, files=files)
    with (run / "events.jsonl").open("ab") as log:
        log.write(text.encode("utf-8", "surrogatepass") + b"\n")
    whole = text.encode("utf-8", "replace").decode()
    (run / "artifacts" / "fine").mkdir(parents=True)
    frame = io.BytesIO()
    pq.write_table(pa.table({whole: [whole], "cell": [whole]}), frame)
    (run / "artifacts" / "fine" / "output.parquet").write_bytes(frame.getvalue())
    return run


def hostile_project(folder: Path, group: str) -> None:
    """Write a pipeline, connections, parameters and settings with the text into a folder."""
    text = hostile_text(group).encode("utf-8", "replace").decode()
    quoted = json.dumps(text)
    fails = f"SELECT {chr(34)}{text.replace(chr(34), '')}{chr(34)} FROM input_df"
    steps = [
        {"id": "read", "component": "filesystem.csv_extractor", "mode": "read", "config": {"path": "data.csv"}},
        {"id": "stats", "component": "duckdb.processor", "mode": "transform", "needs": ["read"],
         "config": {"query": fails}},
    ]  # fmt: skip
    (folder / "fails.yaml").write_text(json.dumps({"oml_version": "0.1.0", "name": "demo", "steps": steps}))
    (folder / "data.csv").write_text(f'{quoted},b\n"x",{quoted}\n', encoding="utf-8")
    wrong = [{"id": text, "component": text, "mode": text, "needs": [text], "config": {text: text}}]
    (folder / "wrong.yaml").write_text(
        json.dumps({"oml_version": text, "name": text, "steps": wrong, text: text})
    )
    (folder / "osiris_connections.yaml").write_text(
        json.dumps(
            {"version": 1, "connections": {"mysql": {text: {"host": text, text: text}}, text: {"a": {}}}}
        )
    )
    rules = file_name(group).encode("utf-8", "ignore")[:150].decode("utf-8", "ignore") + " rules"
    (folder / rules).mkdir()
    escaped = "".join(f"\\U{ord(sign):08x}" for sign in rules)
    (folder / ".osiris-inspect.toml").write_text(f'rules = ["{escaped}"]\n', encoding="utf-8")


def command_lines(group: str) -> dict[str, list[str]]:
    """Return every command in every format, and wrong words in every place."""
    text = hostile_text(group)
    word = "".join(sign for sign in text if sign not in "\0\ud800")
    run = f"{file_name(group)}/run_1759170586030"
    quoted = json.dumps(text)[1:-1].replace("'", "''")
    column = word.replace('"', "").replace("\udc9b", "")
    cells = f'select *, \'x\' as "{column}" from "fine"'
    reports = {f"summarize {name}": ["summarize", run, "--format", name] for name in format_names()}
    lineages = {
        f"lineage {name}": ["lineage", run, "--format", name]
        for name in ("text", "mermaid", "dot", "json", "svg")
    }
    lineages |= {f"timeline {name}": ["timeline", run, "--format", name] for name in ("text", "svg")}
    tables = {f"sql {name}": ["sql", run, cells, "--format", name] for name in ("table", "csv", "json")}
    return reports | lineages | tables | {
        "open": ["open", run],
        "summarize auto": ["summarize", run],
        "summarize color": ["summarize", run, "--color", "always"],
        "summarize path": ["summarize", word],
        "summarize option": ["summarize", run, f"--{word}"],
        "summarize choice": ["summarize", run, "--format", word],
        "why": ["why", run],
        "why step": ["why", run, word],
        "why json": ["why", run, "--format", "json"],
        "diff": ["diff", run, run],
        "diff markdown": ["diff", run, run, "--format", "markdown"],
        "diff json": ["diff", run, run, "--format", "json"],
        "diff before": ["diff", run],
        "diff step": ["diff", run, run, "--step", word],
        "diff ignore": ["diff", run, word, "--ignore", word],
        "history": ["history", run, word],
        "history json": ["history", run, "a", "--format", "json"],
        "runs since green": ["runs", file_name(group), "--since-green"],
        "events": ["events", run],
        "events json": ["events", run, "--json"],
        "events raw": ["events", run, "--raw"],
        "events filter": ["events", run, f"step={word}"],
        "runs": ["runs", file_name(group)],
        "runs json": ["runs", file_name(group), "--json"],
        "runs since": ["runs", file_name(group), "--since", word],
        "sql steps": ["sql", run, "select * from steps"],
        "sql csv safe": ["sql", run, "select * from findings", "--format", "csv", "--csv-safe"],
        "sql events": ["sql", run, "select * from events", "--format", "csv"],
        "sql literal": ["sql", run, f"select '{quoted}' as x", "--format", "csv"],
        "sql error": ["sql", run, f'select * from "{word}"'],
        "pack": ["pack", run],
        "clean": ["clean", file_name(group), "--older-than", "1d"],
        "explain": ["explain", f"{run}:unexplained-failure"],
        "explain rule": ["explain", word],
        "rules": ["rules"],
        "doctor": ["doctor"],
        "doctor json": ["doctor", "--json"],
        "lint": ["lint", "wrong.yaml"],
        "lint query": ["lint", "fails.yaml"],
        "lint path": ["lint", word],
        "compile": ["compile", "wrong.yaml"],
        "compile parameter": ["compile", "fails.yaml", "--param", f"{word}={word}"],
        "run": ["run", "fails.yaml", "--logs", "made"],
        "run wrong": ["run", "wrong.yaml", "--logs", "made"],
        "run on failure": ["run", "fails.yaml", "--logs", "made", "--on-failure", "cat"],
        "run reuse": ["run", "fails.yaml", "--logs", "made", "--reuse", "--dry-run"],
        "run option": ["run", "fails.yaml", "--on", word],
        "replay": ["replay", run, "any"],
        "replay step": ["replay", run, word, "--set", f"{word}={word}"],
        "repro": ["repro", run],
        "repro step": ["repro", run, word, "--keep", word],
        "shell": ["shell", run, "any"],
        "shell step": ["shell", run, word],
        "resume": ["resume", run, "--dry-run"],
        "resume step": ["resume", run, "--from", word],
        "connections list": ["connections", "list"],
        "connections test": ["connections", "test", f"@mysql.{word}"],
        "init": ["init"],
        "init kind": ["init", word],
        "init connections": ["init", "connections"],
        "init ci": ["init", "ci"],
        "init ci system": ["init", "ci", "--system", word],
        "init ci github": ["init", "ci", "--system", "github"],
        "components list": ["components", "list"],
        "components show": ["components", "show", word],
        "config show": ["config", "show", "--origin"],
        "config json": ["config", "show", "--json"],
        "config wrong": ["config", "show"],
        "unknown command": [word],
        "unknown words": [word, word],
        "help": ["summarize", "--help"],
        "spec": ["--spec"],
    }  # fmt: skip


@pytest.mark.sampled(32)
@pytest.mark.parametrize(("group", "reader"), SEEN_BY)
def test_nothing_acts_in_any_output(tmp_path: Path, group: str, reader: str) -> None:
    hostile_run(tmp_path / file_name(group), group)
    hostile_project(tmp_path, group)
    words = command_lines(group)
    if reader != "terminal":  # data of a pipe is exact
        words = {
            name: line for name, line in words.items() if reader != "pipe" or not {"csv", "--raw"} & set(line)
        }
    calls = [
        Call(line, extra_env(name, group) | READERS[reader], reader == "terminal")
        for name, line in words.items()
    ]
    shared = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_CONFIG_HOME": str(tmp_path),
        "TERM": "xterm-256color",
    }
    written = dict(zip(words, call_all(calls, tmp_path, {**NO_CI, **shared}), strict=True))
    problems = {name: faults(entry) for name, entry in written.items()}
    answered = {name for name, entry in written.items() if entry.code in (0, 1) and entry.out}
    assert answered >= {
        name
        for name in words
        if name.startswith(("summarize ", "lineage ", "timeline ", "sql ")) and name not in WRONG
    }
    assert {name: found for name, found in problems.items() if found} == {}


def test_every_command_and_format_is_called() -> None:
    from osiris_inspect.cli.app import build_app

    app = build_app()
    named = {entry.name for entry in app.registered_commands} | {
        group.name for group in app.registered_groups
    }
    lines = command_lines("controls").values()
    assert {line[0] for line in lines} >= named - {"demo"}  # it prints what ``run`` and ``open`` print
    assert len(lines) * len(SEEN_BY) >= 200


def extra_env(name: str, group: str) -> dict[str, str]:
    """Return a setting with the text for the command that reads it."""
    word = hostile_text(group).replace("\ud800", "").replace("\0", "")
    return {"OSIRIS_INSPECT_FAIL_ON": word} if name == "config wrong" else {}


def faults(written: Written) -> list[str]:
    """Return what is wrong with what a command wrote."""
    found = [] if written.code in (0, 1, 2, 3) else [f"exit {written.code}"]
    for stream in (written.out, written.err):
        text = stream.decode("utf-8", "surrogateescape")
        found += what_acts(text)
        found += [
            f"{word!r}: {text[-400:]}"
            for word in ("Traceback (most recent", "osiris-inspect: internal error")
            if word in text
        ]
    return found


def test_data_in_file_or_pipe_is_exact(tmp_path: Path) -> None:
    run = hostile_run(tmp_path, "all")
    cell = hostile_text("all").encode("utf-8", "replace").decode()
    query = 'select cell from "fine"'
    files = {name: tmp_path / f"cells.{name}" for name in ("csv", "json", "parquet")}
    calls = [Call(["sql", str(run), query, "-f", name, "-o", str(file)]) for name, file in files.items()]
    calls += [Call(["sql", str(run), query, "-f", name]) for name in ("csv", "json")]
    calls += [Call(["events", str(run), "event=step_failed", *form]) for form in (["--raw"], ["--json"])]
    shared = {"XDG_CACHE_HOME": str(tmp_path / "cache"), **NO_CI}
    *_, piped, lines, raw, events = call_all(calls, tmp_path, shared)
    assert pd.read_parquet(files["parquet"])["cell"].tolist() == [cell]
    assert piped.out == files["csv"].read_bytes()
    assert lines.out == files["json"].read_bytes()
    assert list(csv.reader(io.StringIO(piped.out.decode(), newline="")))[1] == [cell]
    assert json.loads(lines.out) == {"cell": cell}
    assert raw.out in (run / "events.jsonl").read_bytes()
    assert json.loads(events.out)["error"] == json.loads(raw.out)["error"].encode("utf-8", "replace").decode()


def test_csv_in_log_of_ci_job_is_exact_only_in_file(tmp_path: Path) -> None:
    run = hostile_run(tmp_path, "commands")
    words = ["sql", str(run), 'select cell from "fine"', "-f", "csv"]
    to_file = [*words, "-o", str(tmp_path / "cells.csv")]
    env = {"TF_BUILD": "True", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    in_log, _ = call_all([Call(words), Call(to_file)], tmp_path, env)
    assert what_acts(in_log.out.decode()) == []
    assert b"##vso[task.setvariable" in (tmp_path / "cells.csv").read_bytes()


def test_csv_safe_marks_only_formulas(tmp_path: Path) -> None:
    run = hostile_run(tmp_path, "controls")
    cells = ["=1+1", "+cmd|x", "-2+3", "@SUM(1)", "\t=1", "＝1", "-5", "+3.5e2", "plain", ""]  # noqa: RUF001  a full-width sign
    values = ", ".join(f"('{cell}')" for cell in cells)
    query = f'select t as "=t", -1 as n from (values {values}) v(t)'
    done = [Call(["sql", str(run), query, "-f", "csv", *words]) for words in ([], ["--csv-safe"])]
    exact, safe = call_all(done, tmp_path, {"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert [row[0] for row in csv.reader(io.StringIO(exact.out.decode()))] == ["=t", *cells]
    rows = list(csv.reader(io.StringIO(safe.out.decode())))
    assert (
        [row[0] for row in rows]
        == [
            "'=t",
            "'=1+1",
            "'+cmd|x",
            "'-2+3",
            "'@SUM(1)",
            "'\t=1",
            "'＝1",  # noqa: RUF001
            *cells[6:],
        ]
    )
    assert {row[1] for row in rows[1:]} == {"-1"}


def test_csv_safe_applies_to_csv_only(tmp_path: Path) -> None:
    run = hostile_run(tmp_path, "controls")
    (done,) = call_all([Call(["sql", str(run), "select 1", "--csv-safe"])], tmp_path, {})
    assert done.code == 2
    assert b"--csv-safe" in done.err
