"""Imports the modules of extras, calls the main commands, and opens a run on a terminal.

``python smoke.py FOLDER EXTRA...`` tests the environment of that Python and writes into the folder.
"""

import os
import pty
import select
import subprocess
import sys
from importlib import import_module
from pathlib import Path

WORK, SAMPLE = Path(sys.argv[1]), Path(__file__).parents[1] / "sample_logs" / "original_nonetype"
PROGRAM = str(Path(sys.executable).with_name("osiris-inspect"))
CALLS = (
    (("--help",), 0),
    (("--spec",), 0),
    (("demo", "demo"), 0),
    (("lint", "demo/movies.yaml"), 0),
    (("run", "demo/movies.yaml"), 0),
    (("summarize", str(SAMPLE)), 1),
    (("summarize", str(SAMPLE), "--format", "html"), 1),
    (("sql", str(SAMPLE), "select step, status from steps"), 0),
    (("sql", str(SAMPLE), "select * from events", "--format", "parquet", "--output", "events.parquet"), 0),
    (("events", str(SAMPLE), "event=step_failed"), 0),
    (("pack", str(SAMPLE)), 0),
    (("connections", "--help"), 0),
    (("doctor",), 0),
)
MODULES = {
    "pictures": ("resvg_py",),
    "mysql": ("osiris_inspect.runtime.drivers.mysql.driver",),
    "postgres": ("osiris_inspect.runtime.drivers.postgres.binary_rows", "psycopg", "pgpq"),
    "remote": ("osiris_inspect.inspector.remote.web_client", "s3fs"),
    "supabase": ("osiris_inspect.runtime.drivers.supabase.rest_client",),
    "web": ("textual_serve.server",),
}


def check_calls() -> None:
    """Check the exit code of every call."""
    for words, code in CALLS:
        done = subprocess.run([PROGRAM, *words], cwd=WORK, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode != code:
            sys.exit(f"{' '.join(words)}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")


def check_screen() -> None:
    """Open a run on a terminal and quit."""
    process, terminal = pty.fork()
    if process == 0:
        variables = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
        os.execve(PROGRAM, [PROGRAM, str(SAMPLE)], variables)  # noqa: S606  no shell is needed
    shown = b""
    while b"Overview" not in shown and select.select([terminal], [], [], 30)[0]:
        shown += os.read(terminal, 1 << 16)
    os.write(terminal, b"q")
    try:
        while part := os.read(terminal, 1 << 16):
            shown += part
    except OSError:
        pass  # the process closed the terminal
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if code or b"Overview" not in shown:
        sys.exit(f"the viewer: exit {code}\n{shown.decode(errors='replace')[-3000:]}")


for extra in sys.argv[2:]:
    for module in MODULES[extra]:
        import_module(module)
check_calls()
check_screen()
