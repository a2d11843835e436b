"""Targets of writers: what their configuration says about existing rows."""

from collections.abc import Mapping
from typing import Any

_MODE_KEYS = ("write_mode", "if_exists", "mode", "on_existing", "write_disposition")
_ADDS = {
    "append",
    "insert",
    "upsert",
    "merge",
    "update",
    "add",
    "a",
    "write_append",
    "error",
    "fail",
    "skip",
    "ignore",
}
_REPLACES = {
    "replace",
    "overwrite",
    "truncate",
    "truncate_insert",
    "write_truncate",
    "full_refresh",
    "delete_insert",
}


def write_mode(config: Mapping[str, Any]) -> str:
    """Return how a writer treats existing rows, in lower case; empty if its configuration does not say."""
    modes = (str(config[key]).lower() for key in _MODE_KEYS if isinstance(config.get(key), str))
    return next((mode for mode in modes if mode in _ADDS | _REPLACES), "")


def replaces_target(config: Mapping[str, Any], *, is_file: bool = False) -> bool:
    """Return True if a writer removes the existing rows of its target; a file is replaced unless appended to."""
    mode = write_mode(config)
    return mode in _REPLACES or (is_file and mode not in _ADDS and config.get("append") is not True)


def adds_rows(config: Mapping[str, Any]) -> bool:
    """Return True if a writer adds its rows to those of its target, so that a repetition doubles them."""
    return write_mode(config) in {"append", "insert", "add", "a", "write_append"}
