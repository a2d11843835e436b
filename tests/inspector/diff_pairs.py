"""Pairs of runs with one planted cause and noise that is not the cause, really run."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from osiris_inspect.inspector.analysis.diff import diff_runs
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.pipeline.builtin_components import BUILT_IN
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.pipeline.parameters import CompileInputs
from osiris_inspect.runtime.proxy.proxy import RunRequest, run
from osiris_inspect.runtime.transport.in_process import InProcess
from osiris_inspect.runtime.transport.stdio import Stdio
from osiris_inspect.runtime.transport.transport import Transport
from tests.runtime.faulty import REPO

CUSTOM = Component(
    name="shop.custom",
    summary="A transform whose code a pair brings along.",
    driver="pair_driver:Driver",
    modes=("transform",),
    keys=(ConfigKey("limit", "number", "a number"),),
    inputs="one",
    produces_frame=True,
)
COMPONENTS: Mapping[str, Component] = {
    **{component.name: component for component in BUILT_IN},
    CUSTOM.name: CUSTOM,
}
DRIVER = """
class Driver:
    def run(self, *, step_id, config, inputs, ctx):
        import os, time
        df = inputs["df"].to_pandas()
        {code}
        return {{"df": df}}
"""


@dataclass(frozen=True)
class Pair:
    """Two runs of a pipeline. Everything is that of the first run; the other fields change the second one.

    Attributes:
        cause: the cause in words.
        first: the steps where the runs first diverge; none if they do not.
        causes: names of differences, one of which must be among the first three; empty if nothing recorded differs at or
            before the failure.
        edits: replacements in the pipeline's text that are the cause.
        noise: replacements that are not the cause.
        files: files that differ; None removes one.
        folders: folders that are created for the second run.
        code: the body of the custom driver in each run.
        env, params: settings and parameters of the second run; ``base_params`` of the first one.
        variables: names of environment variables of each run.
        on: where the second run happens.
    """

    name: str
    cause: str
    first: tuple[str, ...]
    causes: tuple[str, ...] = ()
    edits: tuple[tuple[str, str], ...] = ()
    noise: tuple[tuple[str, str], ...] = ()
    files: Mapping[str, str | None] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    code: tuple[str, str] = ("pass", "pass")
    env: Mapping[str, str] = field(default_factory=dict)
    base_params: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    on: str = "local"


def diff_of(pair: Pair, pipeline: str, files: Mapping[str, str], folder: Path) -> RunDiff:
    """Run both pipelines of a pair and compare them."""
    changed = pipeline
    for old, new in (*pair.edits, *pair.noise):
        assert old in changed, (pair.name, old)
        changed = changed.replace(old, new)
    first = _run(folder, pipeline, files, pair.base_params, {}, pair.code[0], pair.variables[0], "local")
    second_files = {**files, **pair.files}
    for name in pair.folders:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()
    second = _run(
        folder,
        changed,
        second_files,
        pair.params or pair.base_params,
        pair.env,
        pair.code[1],
        pair.variables[1],
        pair.on,
    )
    return diff_runs(load(first), load(second))


def judged(pair: Pair, diff: RunDiff) -> tuple[bool, bool]:
    """Return whether the first divergence is right, and whether the cause is among the first three."""
    is_first = {step.step for step in diff.first} == set(pair.first)
    if not pair.causes:
        return is_first, all(entry.position not in ("first divergence", "path") for entry in diff.ranked)
    names = [entry.difference.name for entry in diff.ranked[:3]]
    return is_first, any(fnmatchcase(name, cause) for name in names for cause in pair.causes)


def _run(  # noqa: PLR0917  what differs in the two runs of a pair
    folder: Path,
    text: str,
    files: Mapping[str, str | None],
    params: Mapping[str, str],
    env: Mapping[str, str],
    code: str,
    variables: tuple[str, ...],
    on: str,
) -> Path:
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(content)
    compiled = compile_pipeline(text, "pipeline.yaml", COMPONENTS, CompileInputs(dict(params)))
    request = RunRequest(
        compiled,
        settings.read(env),
        folder / "logs",
        folder,
        time.time,
        tuple(sorted({"HOME", "PATH", *variables})),
        components=COMPONENTS,
    )
    time.sleep(0.002)  # run ids are milliseconds
    with _driver(folder, code), _variables(variables):
        transport: Transport = (
            InProcess(os.environ, time.time)
            if on == "local"
            else Stdio({**os.environ, "PYTHONPATH": f"{REPO}:{folder}"}, "none")
        )
        return run(request, transport).path


@contextmanager
def _driver(folder: Path, code: str) -> Iterator[None]:
    (folder / "pair_driver.py").write_text(DRIVER.format(code=code))
    sys.path.insert(0, str(folder))
    sys.modules.pop("pair_driver", None)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
        sys.path.remove(str(folder))
        sys.modules.pop("pair_driver", None)


@contextmanager
def _variables(names: tuple[str, ...]) -> Iterator[None]:
    new = [name for name in names if name not in os.environ]
    os.environ.update(dict.fromkeys(new, "x"))
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
