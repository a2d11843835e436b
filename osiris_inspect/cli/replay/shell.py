"""``shell``: Python, a DuckDB file or a script with the inputs of a step."""

import code
import sys
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from pprint import pformat
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from osiris_inspect.cli.replay.foreign import check_own
from osiris_inspect.cli.replay.replay import StepArgument, host_of_replay
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.paths import resolve_path
from osiris_inspect.cli.support.typer_adapter import RunPath
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.manifest import InputRef, bind_inputs

if TYPE_CHECKING:
    from osiris_inspect.inspector.tables.input_views import InputViews
    from osiris_inspect.runtime.replay.replay import Replay

DuckdbOption = Annotated[
    Path | None,
    typer.Option(
        "--duckdb", help="Write a DuckDB file of views of the inputs.", metavar="FILE", show_default=False
    ),
]
ScriptOption = Annotated[
    Path | None,
    typer.Option(
        "--script",
        help="Write a Python script with the inputs and the query or call.",
        metavar="FILE",
        show_default=False,
    ),
]
_BANNER: Final = """\
step {step} of {run}; {failure}
inputs: {inputs}
  inputs["{first}"]  its frame (pandas)    sql("SELECT …")  DuckDB over the inputs
  step.config        its configuration     redo()           its driver on the current inputs
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("shell")(shell_command)


def shell_command(
    run: RunPath, step: StepArgument, *, duckdb: DuckdbOption = None, script: ScriptOption = None
) -> None:
    """Open Python with the inputs of a step: inputs, df, sql(), redo().

    IPython is used if it is installed. Frames are read when they are first used. --duckdb writes a file of views for the
    duckdb program, harlequin or DBeaver, to be opened in its folder; --script writes a Python file. The run stays as it is.
    """
    from osiris_inspect.runtime.replay.replay import Replay, ReplayOptions

    if duckdb is not None and script is not None:
        raise WrongUse("--duckdb and --script: use one of them")
    path = resolve_path(run)
    check_own(path, "shell")
    replay = Replay(path, step, ReplayOptions(allow_writes=True), host_of_replay())
    inputs = StepFrames(replay)
    if duckdb is not None:
        from osiris_inspect.inspector.tables.input_views import write_view_database

        write_view_database(duckdb, inputs.files_by_table)
        streams.write_stdout(f"{duckdb}\n")
    elif script is not None:
        _write_new(script, _script(path, replay))
        streams.write_stdout(f"{script}\n")
    else:
        _interact(replay, inputs)


class StepFrames(MutableMapping[str, Any]):
    """Input frames by name, each read from disk when it is first used; they can be replaced."""

    def __init__(self, replay: "Replay") -> None:
        self._replay = replay
        self._refs = dict(bind_inputs(replay.step))
        self._frames: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._frames:
            self._frames[name] = self._read(self._refs[name])
        return self._frames[name]

    def __setitem__(self, name: str, frame: Any) -> None:
        if name not in self._refs:
            raise KeyError(f"the step has no input {name!r}; its inputs are {', '.join(self._refs)}")
        self._frames[name] = frame

    def __delitem__(self, name: str) -> None:
        del self._frames[name]  # the next use reads it from disk

    def __iter__(self) -> Iterator[str]:
        return iter(self._refs)

    def __len__(self) -> int:
        return len(self._refs)

    def __repr__(self) -> str:
        return f"<inputs {', '.join(self._refs) or 'none'}>"

    def _read(self, ref: InputRef) -> Any:
        from osiris_inspect.runtime.frames.spill.spill_file import find_spill, read_frame

        spilled = find_spill(self._replay.inputs.reused[ref.from_step].run_dir, ref.from_step, ref.key)
        if spilled is None:
            raise SettingsError(f"the frame of step {ref.from_step!r} was removed")
        return read_frame(spilled)

    @cached_property
    def files_by_table(self) -> dict[str, Path]:
        """The Parquet files by the names that they have in SQL."""
        from osiris_inspect.inspector.tables.input_views import table_names

        names = table_names((name, ref.from_step) for name, ref in self._refs.items())
        files: dict[str, Path] = {}
        for tables, ref in zip(names, self._refs.values(), strict=True):
            folder = self._replay.inputs.reused[ref.from_step].run_dir
            for table in tables:
                files.setdefault(table, folder / layout.spill_path(ref.from_step, ref.key))
        return files

    def loaded_by_table(self) -> dict[str, Any]:
        """The frames in memory by the names that they have in SQL."""
        from osiris_inspect.inspector.tables.input_views import table_names

        names = table_names((name, ref.from_step) for name, ref in self._refs.items())
        return {
            table: self._frames[name]
            for tables, name in zip(names, self._refs, strict=True)
            if name in self._frames
            for table in tables
        }


@dataclass(frozen=True)
class ShellStep:
    """The step in the shell. ``config`` can be changed before ``redo()``."""

    id: str
    driver: str
    config: dict[str, Any]
    error: str | None


class _Namespace(dict[str, Any]):
    """Variables of the shell; ``df`` is read when it is first used."""

    def __missing__(self, name: str) -> Any:
        if name != "df":
            raise KeyError(name)
        inputs = self["inputs"]
        self["df"] = inputs["df" if "df" in inputs else next(iter(inputs))]
        return self["df"]


def _interact(replay: "Replay", inputs: StepFrames) -> None:
    before = replay.earlier.steps[replay.step.id]
    step = ShellStep(replay.step.id, replay.step.driver, dict(replay.config), before.error)
    namespace = _Namespace(
        inputs=inputs, step=step, sql=_query(inputs), redo=_redo(replay, step, inputs), run=replay.earlier
    )
    failure = f"failed: {before.error}" if before.error else before.status
    banner = _BANNER.format(
        step=step.id,
        run=replay.earlier.name,
        failure=failure,
        inputs=", ".join(inputs) or "none",
        first=next(iter(inputs), "df"),
    )
    try:
        from IPython import start_ipython  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        _console(namespace, banner)
        return
    if inputs:
        _ = namespace["df"]  # IPython copies the variables, so this reads it
    streams.write_stderr(banner)
    start_ipython(argv=["--no-banner"], user_ns=dict(namespace))


def _console(namespace: dict[str, Any], banner: str) -> None:
    if sys.stdin.isatty():
        import readline  # noqa: F401  lines can be edited and repeated

    console = code.InteractiveConsole(locals=namespace)
    console.interact(banner=banner.rstrip(), exitmsg="")


def _query(inputs: StepFrames) -> Callable[[str], Any]:
    views: list[InputViews] = []

    def sql(query: str) -> Any:
        """Return the result of a DuckDB query over the inputs as a pandas frame."""
        from osiris_inspect.inspector.tables.input_views import InputViews

        if not views:
            views.append(InputViews(inputs.files_by_table))
        for table, frame in inputs.loaded_by_table().items():
            views[0].replace(table, frame)
        return views[0].query(query)

    return sql


def _redo(replay: "Replay", step: ShellStep, inputs: StepFrames) -> Callable[[], Any]:
    def redo() -> Any:
        """Return the result of the driver on the current inputs and configuration."""
        from osiris_inspect.runtime.replay.redo import run_driver

        return run_driver(replay.component, step.config, dict(inputs), base=replay.base)

    return redo


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SettingsError(f"{path} exists; name a new file") from None
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}") from None


def _script(path: Path, replay: "Replay") -> str:
    """Return a script that reads the inputs and holds the query or the call of the driver."""
    from osiris_inspect.model.redaction import mask_by_key

    step = replay.step
    head = f'"""Step {step.id} of {replay.earlier.name}: its inputs and what it does with them."""\n\n'
    lines = [f"run = oi.open({str(path.absolute())!r})"]
    names: dict[str, str] = {}
    for name, ref in bind_inputs(step).items():
        names[name] = name if name.isidentifier() else f"df_{len(names) + 1}"
        lines.append(f"{names[name]} = run.frame({ref.from_step!r}).to_pandas()")
    query = replay.earlier.configs.get(step.id, {}).get("query")
    if step.driver == "duckdb.processor" and isinstance(query, str):
        if len(names) == 1:
            lines.append(f"input_df = {next(iter(names.values()))}")
        imports = "import duckdb\n\nimport osiris_inspect as oi\n\n"
        lines += [f"query = {pformat(query, width=100)}", "print(duckdb.sql(query))"]
        return head + imports + "\n".join(lines) + "\n"
    recorded = mask_by_key(replay.earlier.configs.get(step.id, {}))
    imports = "import osiris_inspect as oi\nfrom osiris_inspect.runtime.replay.redo import run_driver\n\n"
    frames = ", ".join(f"{name!r}: {variable}" for name, variable in names.items())
    lines += [
        f"config = {pformat(recorded, width=100)}",
        f"print(run_driver({step.driver!r}, config, {{{frames}}}))",
    ]
    return head + imports + "\n".join(lines) + "\n"
