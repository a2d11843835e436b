"""What ``compile`` wrote, read again, so that it can be run without its pipeline file."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import yaml

from osiris_inspect.base.bounded_yaml import load_yaml
from osiris_inspect.model import manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import PipelineError, Problem, SettingsError
from osiris_inspect.runtime.pipeline import masked_config as masking
from osiris_inspect.runtime.pipeline.compiler import Compiled

_COMPILE = re.compile(r"compile_(\d+)")


def latest_compile_dir(logs: Path) -> Path:
    """The folder that the latest compile under ``logs`` wrote.

    Raises:
        SettingsError: there is none.
    """
    found = {
        int(match[1]): folder / "compiled"
        for folder in (logs.iterdir() if logs.is_dir() else ())
        if (match := _COMPILE.fullmatch(folder.name)) and (folder / "compiled" / layout.MANIFEST).is_file()
    }
    if not found:
        raise SettingsError(
            f"no compiled pipeline under {logs}; osiris-inspect compile PIPELINE.yaml writes one"
        )
    return found[max(found)]


def load_compiled(folder: Path) -> Compiled:
    """The compiled pipeline in a folder with ``manifest.yaml`` and ``cfg/``.

    Raises:
        PipelineError: the manifest is unreadable, or a configuration is missing, damaged or masked; carries every
            problem.
    """
    file = folder / layout.MANIFEST
    try:
        document = load_yaml(file.read_bytes())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PipelineError([Problem(f"cannot be read: {error}".splitlines()[0], str(file))]) from None
    plan = manifest.parse(document)
    configs: dict[str, dict[str, Any]] = {}
    problems = []
    for step in plan.steps:
        if not layout.is_relative_and_safe(step.cfg_path):
            problems.append(
                Problem(f"step {step.id!r}: {step.cfg_path!r} leads out of the folder", str(file))
            )
            continue
        try:
            config = orjson.loads((folder / step.cfg_path).read_bytes())
        except FileNotFoundError:
            text = f"step {step.id!r} has no configuration {step.cfg_path}; compile the pipeline again"
            problems.append(Problem(text, str(file)))
        except (OSError, orjson.JSONDecodeError) as error:
            problems.append(Problem(f"cannot be read: {error}", str(folder / step.cfg_path)))
        else:
            if isinstance(config, dict):
                configs[step.id] = config
            else:
                problems.append(Problem("is no map; compile the pipeline again", str(folder / step.cfg_path)))
    problems += masking.masked_key_problems(plan, configs, str(file))
    if problems:
        raise PipelineError(problems)
    extra = {key: value for key, value in plan.other_keys.items() if key != masking.KEY}
    return Compiled(replace(plan, other_keys=extra), configs, str(plan.other_keys.get("file") or file))
