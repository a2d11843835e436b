"""``demo``: runs a small pipeline locally, in the sandbox and broken on purpose."""

import shlex
import shutil
import sys
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from osiris_inspect.cli.support import streams
from osiris_inspect.model.errors import SettingsError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo_command)


def demo_command(
    folder: Annotated[Path, typer.Argument(help="Folder for the demo.", file_okay=False)] = Path(
        "osiris-demo"
    ),
) -> None:
    """Write a small CSV pipeline, run it three ways, and open its runs.

    It runs locally, in the sandbox and broken on purpose, and needs no server and no network. Without a terminal, the
    reports are printed.
    """
    from osiris_inspect.cli.inspect.open import open_path
    from osiris_inspect.cli.pipeline.execution.execute import execute
    from osiris_inspect.cli.pipeline.run_options import RunTarget
    from osiris_inspect.runtime.pipeline import builtin_components as built_in
    from osiris_inspect.runtime.pipeline.compiler import compile_pipeline

    _unpack(folder)
    for name, on in (
        ("movies.yaml", RunTarget.LOCAL),
        ("movies.yaml", RunTarget.SANDBOX),
        ("broken.yaml", RunTarget.SANDBOX),
    ):
        _print_command("run", folder / name, "--on", on, "--logs", folder / "logs")
        compiled = compile_pipeline(_file(name), str(folder / name), built_in.all_components())
        execute(compiled, on, folder / "logs", folder)
    _print_command(folder / "logs")
    open_path(folder / "logs")


def _print_command(*words: str | Path) -> None:
    """Print a command that works when it is pasted into a shell in the working directory."""
    program = (
        ["osiris-inspect"] if shutil.which("osiris-inspect") else [sys.executable, "-m", "osiris_inspect"]
    )
    streams.write_stderr(f"$ {shlex.join([*program, *map(str, words)])}\n")


def _unpack(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("movies.csv", "movies.yaml", "broken.yaml"):
            (folder / name).write_text(_file(name), encoding="utf-8")
    except OSError as error:
        text = f"cannot write the demo to {folder}: {error.strerror}; choose another folder: osiris-inspect demo FOLDER"
        raise SettingsError(text) from None


def _file(name: str) -> str:
    return resources.files("osiris_inspect.cli").joinpath("demo_files", name).read_text(encoding="utf-8")
