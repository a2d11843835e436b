"""Reads what determines a run beside its data: the pipeline's text, its parameters and its servers."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from osiris_inspect.base.connection_server import connection_server
from osiris_inspect.inspector.files.run_files import RunFiles, parse_json
from osiris_inspect.inspector.run.counts.earlier_run import RunInputs, Server
from osiris_inspect.model import redaction as redact
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event

META = "compiled/meta.json"
"""The original's hashes of a compiled pipeline."""
EFFECTIVE = "compiled/effective_config.json"
"""The original's parameters; its remote worker does not log them."""


def read_run_inputs(disk: RunFiles, starts: Iterable[Event], steps: Iterable[str]) -> RunInputs:
    """Return what determines a run; ``starts`` are its events ``run_start`` and ``plan``.

    ``steps`` are those whose server is read.
    """
    text = parameters = profile = None
    for event in starts:
        source = event.fields.get("source")
        given = source if isinstance(source, Mapping) else event.fields
        if isinstance(given.get("params"), Mapping):
            parameters = _as_json(given["params"])
        text = given["text"] if isinstance(given.get("text"), str) else text
        profile = given["profile"] if isinstance(given.get("profile"), str) else profile
    hashes = _mapping(_document(disk, META).get("fingerprints"))
    text = hashes["oml_fp"] if text is None and isinstance(hashes.get("oml_fp"), str) else text
    effective = _document(disk, EFFECTIVE).get("params") if parameters is None else None
    parameters = _as_json(effective) if isinstance(effective, Mapping) else parameters
    servers = {step: _server_of(disk, step) for step in steps if layout.is_safe_name(step)}
    return RunInputs(text, parameters, profile, {step: server for step, server in servers.items() if server})


def _as_json(parameters: Mapping[str, Any]) -> str:
    return json.dumps(parameters, sort_keys=True, default=str)


def read_configs(disk: RunFiles, steps: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return the configurations of steps, secrets masked."""
    configs = {}
    for step in filter(layout.is_safe_name, steps):
        path = layout.config_path(step)
        config = _document(disk, path) or _document(disk, f"compiled/{path}")
        if config:
            configs[step] = redact.mask_by_key(config)
    return configs


def _server_of(disk: RunFiles, step: str) -> Server:
    connection = _document(disk, layout.cleaned_config_path(step)).get("resolved_connection")
    if not isinstance(connection, Mapping):
        connection = _document(disk, layout.config_path(step)).get("resolved_connection")
    return connection_server(_mapping(connection))


def _document(disk: RunFiles, file: str) -> Mapping[str, Any]:
    return _mapping(disk.read_document(file, parse_json) if disk.exists(file) else None)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
