"""Secrets that equal a name of the run or a word of the program; masking them by value would change its report."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any, Final

from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.connections.secret_values import embedded_secrets, is_public_key
from osiris_inspect.runtime.pipeline.compiler import Compiled

_WORD: Final = re.compile(r"[^\W\d]\w*")
_QUOTED: Final = re.compile(r"'[^']*'|--[^\n]*")
_PARTS: Final = re.compile(r"[\W_]+")
_KEYS_OF_NAMES: Final = ("columns", "path", "primary_key", "query", "schema", "table")
"""Keys of configurations with names of files, tables and columns."""
_WORDS: Final = """
    accepted aggregate application argument arguments artifact artifacts attribute authentication authorization
    bytearray cancelled category certificate characters checking children comparison compiled complete completed
    component components compression condition configuration conflict connecting connection connections constraint
    consumed conversion credential credentials currency database databases datetime decimals delimiter denied
    dependencies dependency description different directory disabled distinct document duplicate duplicates duration
    encoding endpoint environment exception execution expected expression external extracted extractor failures
    fallback filename filesystem filtered fingerprint forbidden function handling heartbeat hostname identifier
    identity inferred inserted installed internal interrupted interval invalid isolation landlock localhost location
    manifest materialized memory_limit metadata microseconds mismatch nanoseconds negatives operation
    operator optional original overflow packages parameter parameters password passwords percentage permission
    permissions pipeline pipelines postgres postgresql precision prepared preparing primary_key processed processor
    processes protocol punctuation received refused registered rejected relation released repeated replaced
    required requirements requires resolved resolving resource response restored returned returning rows_out
    sandbox selected separator sequence services session settings skipped smallint snapshot spelling statement
    statements step_failed succeeded supabase terminated thousands threshold timedelta timeout timestamp timezone
    traceback transaction transform truncated undefined unexpected unicode unique unknown unreadable uploaded
    upstream username validation variable variables violated violation warehouse warnings worker_log writable
"""
_PROGRAM_WORDS: Final = frozenset(_WORDS.split())
"""Words of events, reports and errors that are not short."""


def names_among(secrets: Iterable[str], compiled: Compiled, connections: Connections) -> tuple[str, ...]:
    """Return the secrets that are a name in the run, a part of the name of a step or driver, or a program word."""
    parts = set(_structure(compiled, connections))
    names = {*_names(compiled), *_public_values(connections)}
    return tuple(
        secret
        for secret in secrets
        if secret in names or is_program_word(secret) or any(secret in part for part in parts)
    )


def is_program_word(secret: str) -> bool:
    """Return True if a secret is a word of the events, reports and errors of the program."""
    return secret.lower() in _PROGRAM_WORDS


def _structure(compiled: Compiled, connections: Connections) -> Iterator[str]:
    """Yield the names of the pipeline, its steps, drivers and connections."""
    yield compiled.manifest.name
    for step in compiled.manifest.steps:
        yield from (step.id, step.driver, *compiled.configs[step.id])
    for connection in connections.by_step.values():
        yield from (str(connection[key]) for key in ("family", "alias") if key in connection)


def _names(compiled: Compiled) -> Iterator[str]:
    """Yield the words of the pipeline's path, and the files, tables and columns of its steps."""
    yield from _words_of_path(compiled.file)
    for config in compiled.configs.values():
        for key in _KEYS_OF_NAMES:
            yield from _words_of(key, config.get(key))


def _words_of(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _words_of(key, item)
    elif isinstance(value, str) and not any(embedded_secrets(value)):
        yield from _WORD.findall(_QUOTED.sub(" ", value)) if key == "query" else _words_of_path(value)


def _words_of_path(path: str) -> Iterator[str]:
    for part in PurePath(path).parts:
        yield from (part, PurePath(part).stem, *_PARTS.split(part))


def _public_values(connections: Connections) -> Iterator[str]:
    """Yield the hosts, users and databases of the connections, which errors name."""
    for connection in connections.by_step.values():
        yield from (
            value for key, value in connection.items() if isinstance(value, str) and is_public_key(key)
        )
