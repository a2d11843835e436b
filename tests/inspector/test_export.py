import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import format_names, get_renderer
from osiris_inspect.inspector.run.report import Report
from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally

RUN_KEYS = ["path", "run", "pipeline", "mode", "dialect", "status", "finished", "duration_s", "root_cause", "steps",
            "findings", "not_checked", "unreadable_lines"]  # fmt: skip
STEP_KEYS = ["id", "driver", "status", "rows_in", "rows_out", "duration_s", "storage", "inputs", "because"]
FINDING_KEYS = ["rule", "severity", "confidence", "domain", "step", "message", "because", "fix", "evidence"]


def rendered(name: str, *reports: Report, **options: Any) -> str:
    out = io.StringIO()
    get_renderer(name)(reports, out, **options)
    return out.getvalue()


def test_formats_are_the_modules_of_their_folder() -> None:
    assert {"json", "text"} <= set(format_names())


def test_format_that_is_none_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        get_renderer("../text")


def test_json_keeps_its_keys(tmp_path: Path) -> None:
    said = json.loads(rendered("json", analyze(run_dir(tmp_path, failing_locally("boom"), steps=CHAIN))))
    assert said["schema_version"] == 1
    (run,) = said["runs"]
    assert [key for key in run if key in RUN_KEYS] == RUN_KEYS
    assert [key for key in run["steps"][0] if key in STEP_KEYS] == STEP_KEYS
    assert [key for key in run["findings"][0] if key in FINDING_KEYS] == FINDING_KEYS
    assert list(run["root_cause"]) == ["stage", "step", "rule", "message"]
    assert list(run["findings"][0]["evidence"][0]) == ["file", "line", "quote"]


def test_success_has_no_root_cause(tmp_path: Path) -> None:
    (run,) = json.loads(rendered("json", analyze(run_dir(tmp_path, succeeding_locally(), steps=CHAIN))))[
        "runs"
    ]
    assert run["root_cause"] is None
    assert run["steps"][1]["inputs"] == [{"name": "df", "from_step": "extract", "from": "memory", "rows": 14}]


def test_what_is_not_known_is_null(tmp_path: Path) -> None:
    (run,) = json.loads(rendered("json", analyze(run_dir(tmp_path, failing_locally("boom"), steps=CHAIN))))[
        "runs"
    ]
    assert (run["steps"][1]["rows_out"], run["steps"][1]["duration_s"]) == (None, None)


def test_text_tells_the_verdict_before_anything_else(tmp_path: Path) -> None:
    lines = rendered(
        "text", analyze(run_dir(tmp_path, failing_locally("CSV file not found: /x"), steps=CHAIN))
    ).splitlines()
    assert lines[0] == "✗ run_1759170586030  demo  failed, local, 4.0 s"
    assert (
        lines[1] == "  cause  extract: CSV file not found: /x — file '/x' was not found [file-missing, high]"
    )
    assert lines[2] == "         events.jsonl:3 CSV file not found: /x"


@pytest.mark.parametrize(
    ("format_", "shown"),
    [("text", "cut off, local, ?"), ("text", "- → ?          ?"), ("markdown", ", ?"), ("html", " · ? · ")],
)
def test_unknown_duration_is_a_question_mark(tmp_path: Path, format_: str, shown: str) -> None:
    found = analyze(run_dir(tmp_path, succeeding_locally()[:3], steps=CHAIN))
    steps = tuple(replace(step, duration_s=None) for step in found.run.steps)
    unknown = replace(found.run, duration_s=None, steps=steps)
    assert shown in rendered(format_, replace(found, run=unknown))


def test_each_finding_is_one_line_of_text(tmp_path: Path) -> None:
    said = analyze(run_dir(tmp_path, failing_locally("CSV file not found: /x\nand\nmore"), steps=CHAIN))
    text = rendered("text", said)
    for finding in said.findings:
        listed = (f"{finding.severity} {finding.rule} ", f"[{finding.rule}, ")
        assert len([line for line in text.splitlines() if any(words in line for words in listed)]) == 1


@pytest.mark.parametrize(
    "hostile", ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\x07b", "a\rb", "\u202etxt.exe", "\x9b31m"]
)
def test_control_characters_of_a_log_never_reach_the_terminal(tmp_path: Path, hostile: str) -> None:
    steps = [(hostile, f"{hostile}.extractor", [])]
    text = rendered("text", analyze(run_dir(tmp_path, failing_locally(f"boom {hostile}"), steps=steps)))
    assert not [
        sign
        for sign in text
        if (ord(sign) < 32 and sign != "\n") or 0x7F <= ord(sign) < 0xA0 or sign == "\u202e"
    ]


@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize(
    "secret", ["mysql+pymysql://u:hunter2@db/x", "Authorization: Bearer hunter2hunter2", "password=hunter2"]
)
def test_secret_in_an_error_is_masked_in_every_format(tmp_path: Path, format_: str, secret: str) -> None:
    text = rendered(
        format_, analyze(run_dir(tmp_path, failing_locally(f"cannot connect: {secret}"), steps=CHAIN))
    )
    assert "hunter2" not in text
    assert "***" in text


def test_lone_surrogate_has_a_form_in_json(tmp_path: Path) -> None:
    line = b'{"event":"step_failed","step_id":"\\ud800","error":"\\ud800"}\n'
    rendered("json", analyze(run_dir(tmp_path, [line]))).encode()


def test_color_is_used_only_when_asked(tmp_path: Path) -> None:
    said = analyze(run_dir(tmp_path, failing_locally("boom"), steps=CHAIN))
    assert "\x1b" not in rendered("text", said)
    assert "\x1b[31m✗" in rendered("text", said, color=True)


def test_several_runs_end_with_their_number(tmp_path: Path) -> None:
    good = analyze(run_dir(tmp_path, succeeding_locally(), name="run_1759170586031"))
    bad = analyze(run_dir(tmp_path, failing_locally("boom")))
    assert rendered("text", good, bad).splitlines()[-1] == "2 runs, 1 failed"
