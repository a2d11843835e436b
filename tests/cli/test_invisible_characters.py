"""Characters that act or cannot be seen do not reach the terminal, whichever command prints the text of a log."""

from pathlib import Path

import pytest

from tests.cli.shell import osiris_inspect
from tests.inspector.making import native, run_dir

INVISIBLE = (
    "\x1b\x07\x7f\x9b\u00ad\u061c\u180e\u200b\u200f\u202e\u2060\u2066\u206a\u206f\ufeff\ufff9\ufffb"
    "\U000e0000\U000e0041\U000e007f"
)
STEP = f"load{INVISIBLE}movies"
COMMANDS = {
    "summarize": ["summarize", "{run}"],
    "summarize github": ["summarize", "{run}", "--format", "github"],
    "summarize azure": ["summarize", "{run}", "--format", "azure"],
    "summarize json": ["summarize", "{run}", "--format", "json"],
    "why": ["why", "{run}", STEP],
    "why json": ["why", "{run}", STEP, "--format", "json"],
    "why without step": ["why", "{run}", "nothing"],
    "events": ["events", "{run}"],
    "events json": ["events", "{run}", "--json"],
    "events without match": ["events", "{run}", "step=nothing"],
    "lineage": ["lineage", "{run}"],
    "lineage json": ["lineage", "{run}", "--format", "json"],
    "runs": ["runs", "."],
    "runs json": ["runs", ".", "--json"],
    "sql": ["sql", "{run}", f'select step as "{STEP}", error from steps'],
    "sql json": ["sql", "{run}", f'select step as "{STEP}", error from steps', "--format", "json"],
    "sql error": ["sql", "{run}", f'select * from "{STEP}"'],
    "pack": ["pack", "{run}"],
    "explain": ["explain", "{run}:unexplained-failure"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_command_prints_no_invisible_character(tmp_path: Path, command: str) -> None:
    events = [
        native("run_start", 0, pipeline=STEP, mode="local"),
        native("step_start", 1, step_id=STEP, driver=STEP),
        native("step_failed", 2, step_id=STEP, driver=STEP, error=STEP, error_type=STEP, traceback=STEP),
        native("run_end", 3, status="failed", error=STEP),
    ]
    run = run_dir(tmp_path, events, files={"worker.log": f"ERROR {STEP}\n"})
    words = [word.replace("{run}", str(run)) for word in COMMANDS[command]]
    done = osiris_inspect(*words, cwd=tmp_path, env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert "load" in done.out + done.err
    assert not set(INVISIBLE) & set(done.out + done.err)
