"""Targets of writers: what their configuration says about existing rows."""

import posixpath
from collections.abc import Mapping
from typing import Any

Target = tuple[str, ...]
_MODE_KEYS = (
    "write_mode",
    "if_exists",
    "mode",
    "on_existing",
    "write_disposition",
    "disposition",
    "save_mode",
    "load_mode",
    "insert_mode",
)
_DUPLICATE_KEYS = ("on_conflict", "ignore_duplicates", "skip_duplicates", "skip_existing", "deduplicate")
"""Keys that say what happens to rows that the target has already."""
_NO_WRITE_KEYS = (
    "dry_run",
    "dryrun",
    "dry-run",
    "simulate",
    "preview",
    "plan_only",
    "validate_only",
    "check_only",
    "no_write",
    "read_only",
    "test_mode",
)
"""Keys that make a writer only check its rows."""
_WRITE_KEYS = ("enabled", "write", "commit", "execute")
"""Keys whose value false has the same effect."""
_SKIPS = {
    "ignore",
    "skip",
    "nothing",
    "do_nothing",
    "none",
    "noop",
    "no_op",
    "dry_run",
    "validate",
    "preview",
}
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
_PATH_KEYS = (
    "path",
    "file",
    "file_path",
    "filename",
    "output_path",
    "output_file",
)
_OUTPUT_KEYS = ("output", "destination", "target")
"""Keys that name a file unless the step has a connection."""
_TABLE_KEYS = ("table", "table_name")
_PLACE_KEYS = ("connection", "database", "bucket", "container")


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
    mode = write_mode(config)
    return mode in {"append", "insert", "add", "a", "write_append"} or (
        not mode and config.get("append") is True
    )


def leaves_out_duplicates(config: Mapping[str, Any]) -> bool:
    """Return True if a writer leaves out or updates rows that its target has already."""
    values = [config.get(key) for key in _DUPLICATE_KEYS]
    return any(
        bool(value) and str(value).lower() not in ("error", "fail", "raise", "false") for value in values
    )


def writes_nothing(config: Mapping[str, Any]) -> bool:
    """Return True if a writer is configured not to write, or to leave an existing target as it is."""
    if any(str(config.get(key)).lower() in ("true", "yes", "on", "1") for key in _NO_WRITE_KEYS):
        return True
    if any(str(config.get(key)).lower() in ("false", "no", "off") for key in _WRITE_KEYS):
        return True
    return any(str(config.get(key)).lower() in _SKIPS for key in _MODE_KEYS if config.get(key))


def writer_target(config: Mapping[str, Any]) -> tuple[str, Target | None]:
    """Return the key and the target of a writer; None if it has no single target."""
    places = tuple(str(config.get(key) or "") for key in _PLACE_KEYS)
    table, path = config.get("table"), config.get("path")
    if isinstance(table, str) and table and isinstance(path, str):  # of a database in a file
        return "table", ("table", *places, posixpath.normpath(path), table)
    for key in (*_PATH_KEYS, *(() if config.get("connection") else _OUTPUT_KEYS)):
        value = config.get(key)
        if isinstance(value, str) and value and not value.endswith("/"):
            return key, ("file", *places, posixpath.normpath(value))
    for key in _TABLE_KEYS:
        value = config.get(key)
        if isinstance(value, str) and value:
            schema, _, table = value.rpartition(".")
            return key, ("table", *places, schema or str(config.get("schema") or "public"), table)
    return "", None
