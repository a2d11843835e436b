"""Reader of the output of ``compile``, so that it can run without its pipeline file."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from osiris_inspect.base.bounded_json import load_document
from osiris_inspect.model import jsonl, manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import PipelineError, Problem, SettingsError
from osiris_inspect.runtime.pipeline import masked_config
from osiris_inspect.runtime.pipeline.compiler import Compiled

FINGERPRINTS: Final = "fingerprints"
"""Key of the compiled manifest with the hash of each file; absent in manifests of older versions."""
FOLDER: Final = "folder"
"""Key of the compiled manifest with the absolute folder of the pipeline; absent in manifests of older versions."""
_COMPILE = re.compile(r"compile_(\d+)")


def latest_compile_dir(logs: Path) -> Path:
    """Return the directory of the latest compile under ``logs``.

    Raises:
        SettingsError: there is none.
    """
    compiled_dirs = {
        int(match[1]): folder / "compiled"
        for folder in (logs.iterdir() if logs.is_dir() else ())
        if (match := _COMPILE.fullmatch(folder.name)) and (folder / "compiled" / layout.MANIFEST).is_file()
    }
    if not compiled_dirs:
        raise SettingsError(
            f"no compiled pipeline under {logs}",
            kind="file-missing",
            fix="run osiris-inspect compile PIPELINE.yaml first",
            path=str(logs),
        )
    return compiled_dirs[max(compiled_dirs)]


def fingerprints(document: Mapping[str, Any], configs: Mapping[str, bytes]) -> dict[str, str]:
    """Return the hashes of a manifest without its own fingerprints, and of the configurations by path."""
    content = {key: value for key, value in document.items() if key != FINGERPRINTS}
    files = {layout.MANIFEST: jsonl.encode(content), **configs}
    return {name: "sha256:" + hashlib.sha256(data).hexdigest() for name, data in files.items()}


def load_compiled(folder: Path, *, allow_edited: bool = False) -> Compiled:
    """Return the compiled pipeline in a directory with ``manifest.yaml`` and ``cfg/``.

    With ``allow_edited`` files may differ from their fingerprints; ``Compiled.edited`` names them.

    Raises:
        PipelineError: contains every problem: an unreadable manifest; a missing, damaged or masked config; files
            that were edited.
    """
    file = folder / layout.MANIFEST
    try:
        document = load_document(file.read_bytes())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PipelineError([Problem(f"cannot be read: {error}".splitlines()[0], str(file))]) from None
    plan = manifest.parse(document)
    configs: dict[str, dict[str, Any]] = {}
    contents: dict[str, bytes] = {}
    problems = []
    for step in plan.steps:
        if not layout.is_relative_and_safe(step.cfg_path):
            problems.append(
                Problem(f"step {step.id!r}: {step.cfg_path!r} is outside of the directory", str(file))
            )
            continue
        try:
            contents[step.cfg_path] = (folder / step.cfg_path).read_bytes()
            config = orjson.loads(contents[step.cfg_path])
        except FileNotFoundError:
            text = f"step {step.id!r} has no configuration {step.cfg_path}; compile the pipeline again"
            problems.append(Problem(text, str(file)))
        except (OSError, orjson.JSONDecodeError) as error:
            problems.append(Problem(f"cannot be read: {error}", str(folder / step.cfg_path)))
        else:
            if isinstance(config, dict):
                configs[step.id] = config
            else:
                problems.append(
                    Problem("is not a mapping; compile the pipeline again", str(folder / step.cfg_path))
                )
    problems += masked_config.masked_key_problems(plan, configs, str(file))
    if problems:
        raise PipelineError(problems)
    edited = _edited(document, contents)
    if edited and not allow_edited:
        text = "was edited after it was compiled; compile the pipeline again, or run it with --allow-edited"
        raise PipelineError([Problem(text, str(folder / name)) for name in edited])
    own_keys = (masked_config.KEY, FINGERPRINTS, FOLDER)
    extra = {key: value for key, value in plan.other_keys.items() if key not in own_keys}
    pipeline = str(plan.other_keys.get("file") or file)
    recorded_folder = str(plan.other_keys.get(FOLDER) or "")
    return Compiled(
        replace(plan, other_keys=extra), configs, pipeline, edited=edited, recorded_folder=recorded_folder
    )


def _edited(document: Mapping[str, Any], contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the files that differ from their fingerprints; none if the manifest has no fingerprints."""
    recorded = document.get(FINGERPRINTS)
    if not isinstance(recorded, Mapping):
        return ()
    return tuple(
        name for name, value in fingerprints(document, contents).items() if recorded.get(name) != value
    )
