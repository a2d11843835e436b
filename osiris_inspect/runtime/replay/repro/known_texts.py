"""Texts that must not be in a bundle: secrets, and the names of the user and the machine."""

import getpass
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from osiris_inspect.model.errors import OsirisError, PipelineError
from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.connections.connections import ConnectionsFile, open_connections
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.proxy.secret_names import is_program_word
from osiris_inspect.runtime.replay.earlier.earlier_pipeline import (
    base_folder,
    compile_again,
    pipeline_file,
    recorded_path,
)
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun
from osiris_inspect.runtime.sandbox.permissions import config_secrets

_MIN_LENGTH: Final = 3
_HOST_KEYS: Final = frozenset({"host", "hostname", "server", "user", "username"})
_USER_VARIABLES: Final = ("LOGNAME", "USER", "USERNAME", "LNAME", "SUDO_USER")
_HOST_VARIABLES: Final = ("HOSTNAME", "HOST", "COMPUTERNAME")
_GENERIC: Final = frozenset(
    {
        *("admin", "app", "build", "ci", "data", "default", "dev", "docker", "home", "jenkins", "local"),
        *("localhost", "mysql", "postgres", "prod", "root", "runner", "server", "service", "test"),
        *("duckdb", "inspect", "main", "osiris", "packages", "pandas", "python", "site"),
        *("ubuntu", "user", "username", "users", "vagrant", "work", "worker", "workspace"),
    }
)
"""Names of users and machines that are words of any log, and name no one."""


@dataclass(frozen=True, slots=True)
class KnownTexts:
    """Texts that must not be in a bundle; ``repr`` shows none of them.

    Attributes:
        secrets: values of secrets.
        names: names of users and machines, and home folders, each with the words for it.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)


def known_texts(
    earlier: PastRun, components: Mapping[str, Component], environment: Mapping[str, str]
) -> KnownTexts:
    """Return the secrets that the run, its connections and the environment have, and the names around it."""
    secrets = _secret_variables(environment)
    names: dict[str, str] = {}
    compiled = compile_again(earlier, environment)
    if compiled is not None:
        secrets += config_secrets(compiled, components)
    file = _connections_file(earlier, environment)
    if file is not None:
        for family, alias in file.names():
            try:
                values, own = file.resolve(family, alias)
            except PipelineError:  # a variable that is not set has no value that could be in the bundle
                continue
            secrets += own
            names |= {str(values[key]): f"{key} of {family}.{alias}" for key in _HOST_KEYS & values.keys()}
        secrets += _secret_variables(file.variables_in_file)
    for step in earlier.manifest.steps:
        server = earlier.server(step.id) or {}
        names |= {str(server[key]): f"{key} of a connection" for key in _HOST_KEYS & server.keys()}
    names |= _own_names(environment)
    return KnownTexts(
        tuple(dict.fromkeys(filter(None, secrets))), {k: v for k, v in names.items() if _is_name(k)}
    )


def _is_name(text: str) -> bool:
    return len(text) >= _MIN_LENGTH and text.lower() not in _GENERIC and not is_program_word(text)


def _own_names(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the names of the user and the machine, and the home folder."""
    users = [environment.get(name, "") for name in _USER_VARIABLES]
    hosts = [environment.get(name, "") for name in _HOST_VARIABLES]
    hosts += [socket.gethostname(), os.uname().nodename]
    hosts += [host.partition(".")[0] for host in hosts]
    homes = [environment.get("HOME", ""), str(Path.home())]
    users += [Path(home).name for home in homes]
    with suppress(KeyError, OSError):  # a user without an entry and without variables has no name
        users.append(getpass.getuser())
    return {
        **dict.fromkeys(homes, "home folder"),
        **dict.fromkeys(hosts, "host name"),
        **dict.fromkeys(users, "user name"),
    }


def _connections_file(earlier: PastRun, environment: Mapping[str, str]) -> ConnectionsFile | None:
    file = pipeline_file(earlier)
    folders: Iterable[Path] = (base_folder(earlier), *((file.absolute().parent,) if file is not None else ()))
    try:
        return open_connections(
            tuple(folders),
            environment,
            recorded_path(earlier, "connections"),
            recorded_path(earlier, "env_file"),
        )
    except OsirisError:  # a file that is gone or cannot be parsed has no values that are known
        return None


def _secret_variables(variables: Mapping[str, str]) -> list[str]:
    """Return the values of variables whose names say that they are secrets; a path is none, such as that of PWD."""
    return [value for name, value in variables.items() if is_secret_key(name) and not value.startswith("/")]
