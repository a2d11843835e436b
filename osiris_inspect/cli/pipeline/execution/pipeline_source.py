"""Reads and compiles the pipeline that a command names, and resolves what it needs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.model.errors import SettingsError

if TYPE_CHECKING:
    from osiris_inspect.runtime.connections.connections import Connections
    from osiris_inspect.runtime.pipeline.compiler import Compiled


def compile_file(pipeline: Path, params: list[str], profile: str | None) -> "Compiled":
    """Compile a pipeline file with the parameters of the command line and the environment."""
    from osiris_inspect.runtime.pipeline import builtin_components as built_in
    from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
    from osiris_inspect.runtime.pipeline.parameters import CompileInputs

    inputs = CompileInputs(parse_params(params), os.environ, profile)
    return compile_pipeline(read_pipeline(pipeline), str(pipeline), built_in.all_components(), inputs)


def base_folder(compiled: "Compiled", base: Path | None, resolved: "Connections") -> Path:
    """Return the folder that relative paths of a pipeline start from.

    Raises:
        SettingsError: it does not exist, or a path exists only below the working directory.
    """
    from osiris_inspect.runtime.pipeline import builtin_components as built_in
    from osiris_inspect.runtime.pipeline import pipeline_files

    if base is not None:
        return base
    folder = compiled.folder
    if not folder.is_dir():
        raise SettingsError(
            f"the folder of the compiled pipeline does not exist: {folder}; name the folder of its files with --base DIR"
        )
    pipeline_files.check_start(compiled, built_in.all_components(), folder.resolve(), resolved.by_step)
    return folder


def connections_of(
    compiled: "Compiled", base: Path | None, named: Path | None, env_file: Path | None
) -> "Connections":
    """Return the resolved connections of the steps of a pipeline."""
    from osiris_inspect.runtime.connections import connections
    from osiris_inspect.runtime.pipeline import builtin_components as built_in

    folders = (compiled.folder,) if base is None else (base, compiled.folder)
    file = connections.open_connections(folders, os.environ, named, env_file)
    return connections.resolve_connections(compiled, built_in.all_components(), file)


def read_pipeline(pipeline: Path) -> str:
    """Return the text of a pipeline file whose name is UTF-8."""
    from osiris_inspect.runtime.pipeline import compiler

    check_utf8(pipeline, "the pipeline")
    return compiler.read_pipeline(pipeline)


def parse_params(params: list[str]) -> dict[str, str]:
    """Parse the values of ``--param name=value``."""
    values = {}
    for text in params:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingsError("--param takes NAME=VALUE; one has no name or no =")
        check_utf8(text, "--param")
        values[name] = value
    return values


def check_utf8(text: str | Path, name: str) -> None:
    """Check that a text of the command line has only UTF-8, because files of the run would contain it.

    Raises:
        SettingsError: it has other bytes.
    """
    shown = str(text).encode(errors="replace").decode()
    if shown != str(text):
        raise SettingsError(f"{name} {shown!r} is not UTF-8; rename it")
