"""Texts of the files that ``init`` writes for the pipelines of a folder."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

from osiris_inspect.base import bounded_json
from osiris_inspect.model.errors import SettingsError

CiSystem = Literal["github", "gitlab", "azure"]

_UNKNOWN_SOURCE: Final = "git+https://example.com/REPLACE/osiris-inspect.git"
_PLAIN_PATH: Final = re.compile(r"(?!-)[\w./ -]+")
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_]\w*)")
_SUMMARIZE: Final = "osiris-inspect summarize logs --junit junit.xml --html report.html"


@dataclass(frozen=True, slots=True)
class FoundPipeline:
    """Pipeline of the folder.

    Attributes:
        connections: family and alias of its connections; no alias for the default one.
        extras: extras that its components need.
    """

    path: Path
    connections: tuple[tuple[str, str], ...]
    extras: frozenset[str]


def find_pipelines(folder: Path) -> list[FoundPipeline]:
    """Return the pipelines in a folder and its folder ``pipelines``, by name.

    Raises:
        PipelineError: a file with ``oml_version`` is invalid YAML.
    """
    files = sorted(
        path for place in (folder, folder / "pipelines") for path in place.glob("*.y*ml") if path.is_file()
    )
    return [pipeline for file in files if (pipeline := read_found_pipeline(file)) is not None]


def read_found_pipeline(file: Path) -> FoundPipeline | None:
    """Return what a pipeline file uses; None if it is not a pipeline.

    Raises:
        SettingsError: the file cannot be read.
        PipelineError: a file with ``oml_version`` is invalid YAML.
    """
    from osiris_inspect.runtime.pipeline.compiler import read_pipeline
    from osiris_inspect.runtime.pipeline.yaml_positions import parse

    text = read_pipeline(file)
    document = parse(text, str(file)).value if "oml_version" in text else None
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        return None
    return _found(file, document["steps"])


def _found(path: Path, steps: Iterable[Any]) -> FoundPipeline:
    from osiris_inspect.runtime.pipeline.builtin_components import all_components

    known = all_components()
    connections: dict[tuple[str, str], None] = {}
    extras = set()
    for step in steps:
        name = step.get("component") if isinstance(step, dict) else None
        component = known.get(name) if isinstance(name, str) else None
        if component is None:
            continue
        extras.add(component.extra or "")
        config = step.get("config")
        reference = str(config.get("connection") or "") if isinstance(config, dict) else ""
        if component.family is not None and (reference or component.connection == "required"):
            connections[component.family, reference.partition(".")[2]] = None
    return FoundPipeline(path, tuple(connections), frozenset(extras - {""}))


def connections_text(uses: Sequence[tuple[str, str]]) -> str:
    """Return a connections file for connections, given as family and alias, with the variables of secrets."""
    from osiris_inspect.runtime.connections.families import FAMILIES

    aliases: dict[str, dict[str, None]] = {}
    for family, alias in uses:
        aliases.setdefault(family, {})[
            alias or (FAMILIES[family].alias if family in FAMILIES else "main")
        ] = None
    below: list[str] = []
    for family, names in aliases.items():
        if family not in FAMILIES:
            below += [f"  {family}:", *(f"    {alias}: {{}}" for alias in names)]
            continue
        for position, alias in enumerate(names):
            lines = FAMILIES[family].lines(json.dumps(alias) if not alias.isidentifier() else alias)
            word = re.sub(r"\W", "_", alias).upper()
            below += [
                re.sub(r"\$\{([A-Z]+)_", rf"${{\1_{word}_", line) if len(names) > 1 else line
                for line in lines[1 if position else 0 :]
            ]
    body = "".join(f"{line}\n" for line in ["connections:", *below])
    head = (
        "# Connections of pipelines: family, name, keys. A step refers to one as @family.name.\n"
        "# `osiris-inspect components show NAME` lists the keys; `osiris-inspect connections test` connects.\n"
    )
    return head + _env_example(variables_of(body)) + body


def _env_example(variables: Sequence[str]) -> str:
    if not variables:
        return ""
    lines = ["${NAME} comes from the environment or from a file .env beside this one; keep .env out of git:"]
    return "".join(f"# {line}\n" for line in [*lines, *(f"  {name}=..." for name in variables)])


def variables_of(text: str) -> list[str]:
    """Return the names of the variables that a connections file uses, without comments."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return list(dict.fromkeys(name for line in lines for name in _VARIABLE.findall(line)))


def install_source() -> str:
    """Return the address from which pip installed this program, if it is a repository; otherwise one to replace."""
    try:
        text = metadata.distribution("osiris-inspect").read_text("direct_url.json")
    except metadata.PackageNotFoundError:  # a checkout that is not installed
        text = None
    record = bounded_json.loads(text) if text else {}
    vcs = record.get("vcs_info")
    return f"{vcs['vcs']}+{record['url']}@{vcs['commit_id']}" if vcs else _UNKNOWN_SOURCE


def needs_replacement(source: str) -> bool:
    """Return True if a user must write the address of the program."""
    return source == _UNKNOWN_SOURCE


def ci_text(
    system: CiSystem, pipelines: Sequence[FoundPipeline], variables: Sequence[str], source: str
) -> str:
    """Return a CI file that installs the program, checks and runs the pipelines, and reports.

    Raises:
        SettingsError: the name of a pipeline has characters with a meaning in CI files.
    """
    import yaml

    paths = [str(pipeline.path) for pipeline in pipelines] or ["pipeline.yaml"]
    for path in paths:
        if not _PLAIN_PATH.fullmatch(path):
            raise SettingsError(f"pipeline {path!r} has characters with a meaning in CI files; rename it")
    names = ",".join(sorted(set().union(*(pipeline.extras for pipeline in pipelines))))
    install = f'pip install "osiris-inspect{f"[{names}]" if names else ""} @ {source}"'
    lint = f"osiris-inspect lint {shlex.join(paths)}"
    runs = [f"osiris-inspect run {shlex.quote(path)}" for path in paths]
    document = {"github": _github, "gitlab": _gitlab, "azure": _azure}[system](
        install, [lint, *runs], variables
    )
    head = "# Checks and runs the pipelines, and reports why a run failed.\n"
    if needs_replacement(source):
        head += "# Replace the address after @ by the one from which you install osiris-inspect.\n"
    return head + yaml.safe_dump(document, sort_keys=False, width=10_000, allow_unicode=True)


def _github(install: str, commands: Sequence[str], variables: Sequence[str]) -> Mapping[str, Any]:
    job: dict[str, Any] = {"runs-on": "ubuntu-latest"}
    if variables:
        job["env"] = {name: f"${{{{ secrets.{name} }}}}" for name in variables}
    job["steps"] = [
        {"uses": "actions/checkout@v4"},
        {"uses": "actions/setup-python@v5", "with": {"python-version": "3.12"}},
        *({"run": command} for command in [install, *commands]),
        {"if": "always()", "run": _SUMMARIZE},
        {
            "if": "always()",
            "uses": "actions/upload-artifact@v4",
            "with": {"name": "osiris-inspect", "path": "report.html"},
        },
    ]
    return {"name": "pipelines", "on": ["push"], "jobs": {"pipelines": job}}


def _gitlab(install: str, commands: Sequence[str], variables: Sequence[str]) -> Mapping[str, Any]:
    del variables  # jobs get the variables of the project
    return {
        "pipelines": {
            "image": "python:3.12",
            "before_script": [install],
            "script": list(commands),
            "after_script": [f"{_SUMMARIZE} --gitlab gl-code-quality-report.json"],
            "artifacts": {
                "when": "always",
                "paths": ["report.html"],
                "reports": {"codequality": "gl-code-quality-report.json", "junit": "junit.xml"},
            },
        }
    }


def _azure(install: str, commands: Sequence[str], variables: Sequence[str]) -> Mapping[str, Any]:
    secrets = {"env": {name: f"$({name})" for name in variables}} if variables else {}
    return {
        "steps": [
            {"task": "UsePythonVersion@0", "inputs": {"versionSpec": "3.12"}},
            {"script": install},
            *({"script": command, **secrets} for command in commands),
            {"script": _SUMMARIZE, "condition": "always()"},
            {
                "task": "PublishTestResults@2",
                "condition": "always()",
                "inputs": {"testResultsFiles": "junit.xml"},
            },
        ]
    }
