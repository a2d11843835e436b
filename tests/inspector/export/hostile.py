"""Runs whose log was written by somebody who knows how CI systems read."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
from tests.inspector.making import native, run_dir

SIGN = "PWNED"
TEXTS = {
    "github command": f"::error title={SIGN}::{SIGN}",
    "github command on a line of its own": f"boom\n::error title={SIGN}::{SIGN}\n::add-mask::a",
    "github command behind blanks": f"boom\r\n   ::warning file={SIGN},line=1::{SIGN}",
    "github command, old form": f"boom ##[error]{SIGN} ##[add-mask]e",
    "github bracket": f"::stop-commands::{SIGN}\n::{SIGN}::\n::0123456789abcdee::\n::error::{SIGN}",
    "github escapes": f"100%0A::error::{SIGN}%0D%0A::error::{SIGN}",
    "azure command": f"boom ##vso[task.setvariable variable=x;]{SIGN} ##[section]{SIGN}",
    "azure command, hashes": f"####vso[task.complete result=Succeeded;]{SIGN} ###[error]{SIGN}",
    "azure property": f"];]##vso[task.complete result=Succeeded;]{SIGN};sourcepath={SIGN}",
    "gitlab section": f"\x1b[0Ksection_start:1:{SIGN}\r\x1b[0K{SIGN}",
    "terminal": f"\x1b[31m{SIGN}\x1b[0m\x1b]0;{SIGN}\x07\x9b31m\x08\x08",
    "direction": f"\u202e{SIGN}\u2066\u200b\ufeff",
    "invisible": f"\u061c\u00ad{SIGN}\u180e\u206a\u206f\ufff9\ufffb\U000e0000\U000e0041{SIGN}\U000e007f\u2060",
    "html": f"<script>window.{SIGN}=1</script><img src=x onerror=alert(1)><style>*{{display:none}}</style>",
    "html, closed first": f"</code></td></table></summary></details></text></svg>--><b onclick='x'>{SIGN}</b>",
    "markdown": f"[{SIGN}](javascript:alert(1)) ![x](https://example.invalid/{SIGN}.png) **b** @everyone #1 ```\n# {SIGN}",
    "markdown, spans": f"` `` ``` {SIGN} ````` | a | b |\n|---|\n<details>",
    "markdown, link": f"https://example.invalid/{SIGN} www.example.invalid <https://example.invalid>",
    "xml": f"]]></failure><testcase name='{SIGN}'/>&lt;&#0;&{SIGN};<!--\x00\x01\x0b\x1f\ufffe\uffff",
    "sarif": f"[{SIGN}](https://example.invalid) {{0}} {{{SIGN}}} \\[",
    "json": f'","{SIGN}":"\\u0000 \ud800 \udfff',
    "lines": f"a\u2028{SIGN}\u2029\x85b\x0cc\vd",
    "path": f"../../../{SIGN}",
    "long": "boom " + SIGN * 1_000_000,
    "empty": "",
}
NAMES = tuple(TEXTS)


def run_saying(text: str, folder: Path) -> Path:
    """A run of which everything that a stranger may choose is ``text``: names, errors, files, queries."""
    name = text[:300]
    plan = {"step_id": name, "driver": name, "needs": [], "file": name, "line": 7}
    events = [
        native("run_start", 0, pipeline=name, mode="local"),
        native("plan", 1, pipeline=name, file=name, steps=[plan]),
        native("step_start", 2, step_id=name, driver=name),
        native(
            "output_stored",
            3,
            step_id="fine",
            columns=[text[:9000]],
            dtypes=[text[:9000]],
            rows=1,
            storage="memory",
        ),
        native("step_failed", 4, step_id=name, error=text, error_type=name, traceback=text, driver=name),
        native("step_skipped", 5, step_id="next", because=name),
        native("run_end", 6, status="failed", error=text),
    ]
    lines = [json.dumps(event).encode() + b"\n" for event in events]
    manifest = {
        "name": name,
        "steps": [{"id": name, "driver": name}, {"id": "next", "driver": "x.writer", "needs": [name]}],
    }
    log = f"ERROR {text}".encode("utf-8", "surrogatepass")
    return run_dir(folder, lines, files={"manifest.yaml": manifest, "worker.log": log})


def report_of(text: str, folder: Path) -> Report:
    """The report of such a run."""
    return analyze(run_saying(text, folder))


def finding(number: int, text: str) -> Finding:
    """A finding of its own step that says ``text``."""
    return Finding(
        rule="unexplained-failure",
        severity=list(Severity)[number % 3],
        confidence=Confidence.HIGH,
        domain=("infra", "data")[number % 2],  # type: ignore[arg-type]  # either is a domain
        message=f"{number} {text}",
        evidence=(Evidence("events.jsonl", 1, text[:240]),),
        step=f"step-{number}",
        fix=text[:200],
        caused_by=f"unexplained-failure@step-{number - 1}" if number % 5 == 4 else None,
    )


def report_with(count: int, folder: Path, texts: Sequence[str] = tuple(TEXTS.values())) -> Report:
    """A report with that many findings, each of a step of its own, whose texts are hostile in turn."""
    found = analyze(run_dir(folder, [native("step_failed", 0, step_id="a", error="boom")]))
    findings = [finding(number, texts[number % len(texts)][:5000]) for number in range(count)]
    return replace(found, findings=tuple(findings))
