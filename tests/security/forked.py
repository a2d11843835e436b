"""Calls the command line in a forked child of a process that has imported everything, under limits.

A request is a line of JSON on stdin: the folder for outputs and the commands. The answer is a line of JSON.
"""

import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MAX_CPU_S = 15
MAX_MEMORY_BYTES = 1500 << 20
"""Three times what a small input may take."""
MAX_ADDRESSES_BYTES = 16 << 30
MAX_WAIT_S = 120


@dataclass(frozen=True)
class Outcome:
    """The end of one command.

    Attributes:
        code: its exit code; None if it did not end.
        peak_bytes: largest resident memory of the child so far.
    """

    words: list[str]
    code: int | None
    cpu_s: float
    peak_bytes: int
    output: str


def call(words: list[str], output: Path) -> Outcome:
    """Call the command line in this process with its output in a file."""
    from osiris_inspect.cli import main

    target = os.open(output, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    sys.argv = ["osiris-inspect", *words]
    before = resource.getrusage(resource.RUSAGE_SELF)
    used = int(before.ru_utime + before.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (used + MAX_CPU_S, resource.RLIM_INFINITY))
    signal.alarm(MAX_WAIT_S)
    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    signal.alarm(0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    text = output.read_bytes().decode("utf-8", "backslashreplace")
    return Outcome(words, code if isinstance(code, int) else 1, cpu, after.ru_maxrss << 10, text)


def call_in_child(folder: Path, commands: list[list[str]]) -> list[Outcome]:
    """Call the commands one after the other in one child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESSES_BYTES, MAX_ADDRESSES_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with os.fdopen(writing, "w") as pipe:
            for words in commands:
                pipe.write(json.dumps(asdict(call(words, folder / "output"))) + "\n")
                pipe.flush()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        outcomes = [Outcome(**json.loads(line)) for line in pipe]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if len(outcomes) < len(commands):
        text = (folder / "output").read_bytes().decode("utf-8", "backslashreplace")
        outcomes.append(Outcome(commands[len(outcomes)], None, 0, 0, f"child ended with {status}: {text}"))
    return outcomes


def import_everything() -> None:
    """Import the package and the libraries that commands import later, without starting their threads."""
    import osiris_inspect

    for module in pkgutil.walk_packages(osiris_inspect.__path__, "osiris_inspect."):
        if module.name.startswith(("osiris_inspect.inspector", "osiris_inspect.cli", "osiris_inspect.base")):
            importlib.import_module(module.name)
    for library in ("duckdb", "pyarrow.parquet", "pyarrow.dataset", "pyarrow.compute", "yaml", "typer.main"):
        importlib.import_module(library)


def main() -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    import_everything()
    for line in sys.stdin:
        request = json.loads(line)
        os.chdir(request["folder"])
        outcomes = call_in_child(Path(request["folder"]), request["commands"])
        answers.write(json.dumps([asdict(outcome) for outcome in outcomes]) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
