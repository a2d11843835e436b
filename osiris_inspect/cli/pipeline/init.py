"""``init``: writes a first pipeline, a connections file or a CI file, and never overwrites one."""

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer

from osiris_inspect.cli.support import streams
from osiris_inspect.model.errors import SettingsError


class InitKind(StrEnum):
    """Files that ``init`` writes."""

    PIPELINE = "pipeline"
    CONNECTIONS = "connections"
    CI = "ci"


class SystemOption(StrEnum):
    """CI systems that ``init ci`` writes a file for."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE = "azure"


_SIGNS: Final = (
    (".github", SystemOption.GITHUB),
    (".gitlab-ci.yml", SystemOption.GITLAB),
    ("azure-pipelines.yml", SystemOption.AZURE),
)
_HOSTS: Final = (
    ("github", SystemOption.GITHUB),
    ("gitlab", SystemOption.GITLAB),
    ("dev.azure.com", SystemOption.AZURE),
    ("visualstudio.com", SystemOption.AZURE),
)
_CI_FILES: Final = {
    SystemOption.GITHUB: (".github/workflows/osiris-inspect.yml",) * 2,
    SystemOption.GITLAB: (".gitlab-ci.yml", "osiris-inspect.gitlab-ci.yml"),
    SystemOption.AZURE: ("azure-pipelines.yml", "osiris-inspect.azure-pipelines.yml"),
}
"""The file of a CI system, and the one that is written beside it if it exists."""
_INCLUDES: Final = {
    "osiris-inspect.gitlab-ci.yml": "add to .gitlab-ci.yml: include: {local: osiris-inspect.gitlab-ci.yml}",
    "osiris-inspect.azure-pipelines.yml": "add to the steps of azure-pipelines.yml: "
    "- template: osiris-inspect.azure-pipelines.yml",
}
_URL: Final = re.compile(r"^[ \t]{0,20}url[ \t]{0,20}=[ \t]{0,20}(\S+)", re.MULTILINE)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init_command)


def init_command(
    kind: Annotated[
        InitKind, typer.Argument(help="File to write.", metavar="[pipeline|connections|ci]")
    ] = InitKind.PIPELINE,
    *,
    system: Annotated[
        SystemOption | None,
        typer.Option(
            help="Write the CI file of this system; default: that of the folder.", show_default=False
        ),
    ] = None,
) -> None:
    """Write a starter pipeline, a connections file or a CI file into this folder.

    `pipeline` runs as it is. `connections` and `ci` fit the pipelines of this folder and of its folder pipelines. Prints
    the files and the next command. Never overwrites: exit code 2 if a file exists.
    """
    if system is not None and kind is not InitKind.CI:
        raise SettingsError("--system applies to init ci only")
    if kind is InitKind.PIPELINE:
        files = {name: _starter(name) for name in ("pipeline.yaml", "orders.csv")}
        next_step = "osiris-inspect run pipeline.yaml"
    elif kind is InitKind.CONNECTIONS:
        files, next_step = _connections(), "osiris-inspect connections test"
    else:
        files, next_step = _ci(system or _detected_system())
    _write(files)
    streams.write_stdout("".join(f"wrote {name}\n" for name in files) + f"next: {next_step}\n")


def _starter(name: str) -> str:
    return resources.files("osiris_inspect.cli").joinpath("init_files", name).read_text(encoding="utf-8")


def _connections() -> dict[str, str]:
    from osiris_inspect.cli.pipeline.starter_files import connections_text, find_pipelines
    from osiris_inspect.runtime.connections.connections import FILE

    uses = list(dict.fromkeys(use for pipeline in find_pipelines(Path()) for use in pipeline.connections))
    if not uses:
        raise SettingsError(
            "no pipeline in this folder uses a connection; add a step that does, "
            "see osiris-inspect components show mysql.extractor"
        )
    return {FILE: connections_text(uses)}


def _ci(system: SystemOption) -> tuple[dict[str, str], str]:
    from osiris_inspect.cli.pipeline.starter_files import (
        ci_text,
        find_pipelines,
        install_source,
        needs_replacement,
        variables_of,
    )
    from osiris_inspect.runtime.connections.connections import FILE

    connections = Path(FILE)
    variables = variables_of(connections.read_text(encoding="utf-8")) if connections.is_file() else []
    source = install_source()
    text = ci_text(system.value, find_pipelines(Path()), variables, source)
    main, beside = _CI_FILES[system]
    name = beside if os.path.lexists(main) else main
    steps = [
        *(["replace the address after @ in the install step"] if needs_replacement(source) else []),
        *([_INCLUDES[name]] if name in _INCLUDES else []),
        f"git add {name}",
    ]
    return {name: text}, "; ".join(steps)


def _detected_system() -> SystemOption:
    for name, system in _SIGNS:
        if Path(name).exists():
            return system
    config = Path(".git/config")
    urls = _URL.findall(config.read_text(encoding="utf-8", errors="replace")) if config.is_file() else []
    for host, system in _HOSTS:
        if any(host in url for url in urls):
            return system
    raise SettingsError(
        "cannot tell the CI system from this folder; name it with --system github, gitlab or azure"
    )


def _write(files: Mapping[str, str]) -> None:
    existing = [name for name in files if os.path.lexists(name)]
    if existing:
        raise SettingsError(f"{existing[0]} exists; nothing was written: rename or remove it")
    for name, text in files.items():
        try:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            with Path(name).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise SettingsError(f"cannot write {name}: {error.strerror}; use another folder") from None
