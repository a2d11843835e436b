"""``replay --edit``: changes the query or configuration of a step in an editor, and prints the patch for the pipeline file."""

import difflib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import orjson

from osiris_inspect.base import bounded_json
from osiris_inspect.cli.support import streams
from osiris_inspect.model.errors import SettingsError

_QUERY: Final = "query"
_NOT_EDITED: Final = ("component", "mode", "connection")
_MAX_FILE_BYTES: Final = 4 << 20


class Edited(NamedTuple):
    """A text that was edited, and the values of the configuration that it is."""

    before: str
    after: str
    changes: Mapping[str, Any]

    @property
    def diff(self) -> str:
        """Unified diff of the two texts."""
        return "".join(_diff(self.before, self.after, "before", "after"))


def edit_config(config: Mapping[str, Any], previous: str | None = None) -> Edited:
    """Open the query of a step in the editor, or its configuration as JSON if it has none.

    ``previous`` is the text of the last edit, which the editor opens in place of the original.

    Raises:
        SettingsError: there is no editor, it failed, or the text is not JSON.
    """
    is_query = isinstance(config.get(_QUERY), str)
    shown = {key: value for key, value in config.items() if key not in _NOT_EDITED}
    before = (
        str(config[_QUERY]) if is_query else orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n"
    )
    after = _edited_text(before if previous is None else previous, ".sql" if is_query else ".json")
    if is_query:
        return Edited(before, after, {_QUERY: after.rstrip("\n") if not before.endswith("\n") else after})
    try:
        document = bounded_json.loads(after)
    except ValueError as error:
        raise SettingsError(f"--edit: the configuration is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise SettingsError("--edit: the configuration must be a mapping")
    return Edited(before, after, {key: value for key, value in document.items() if value != config.get(key)})


def ask_again() -> bool:
    """Return True if the user wants to edit again; False without a terminal."""
    if not sys.stdin.isatty():
        return False
    streams.write_stderr("edit again? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def pipeline_patch(file: Path | None, step: str, edited: Edited) -> str:
    """Return the patch for the lines of the pipeline file; the new text if they are not found in it."""
    text = _read(file)
    new = _replaced(text.splitlines(keepends=True), edited) if text is not None else None
    if file is None or text is None or new is None:
        place = f" in {file}" if file is not None else ""
        return f"# put this into step {step}{place}:\n{edited.after.rstrip()}\n"
    return "".join(_diff(text, new, f"a/{file.name}", f"b/{file.name}"))


def _edited_text(text: str, suffix: str) -> str:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with TemporaryDirectory(prefix="osiris-replay-") as folder:
        file = Path(folder, f"step{suffix}")
        file.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(command), str(file)], check=False)
        except (OSError, ValueError) as error:
            raise SettingsError(f"--edit: cannot start the editor {command!r}: {error}; set EDITOR") from None
        if done.returncode:
            raise SettingsError(f"--edit: the editor {command!r} exited with {done.returncode}; nothing ran")
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"--edit: cannot read the edited text: {error}") from None


def _read(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8") if file.stat().st_size <= _MAX_FILE_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def _replaced(lines: list[str], edited: Edited) -> str | None:
    """Return the file with the new text in place of the old one, at its indentation; None if it is not there once."""
    old = [line.strip() for line in edited.before.strip().splitlines()]
    found = [
        start
        for start in range(len(lines) - len(old) + 1)
        if [line.strip() for line in lines[start : start + len(old)]] == old
    ]
    if len(found) == 1:
        start = found[0]
        indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        new = [f"{indent}{line}\n" if line else "\n" for line in edited.after.strip("\n").splitlines()]
        return "".join([*lines[:start], *new, *lines[start + len(old) :]])
    text = "".join(lines)
    is_in_line = len(old) == 1 and "\n" not in edited.after.strip() and text.count(old[0]) == 1
    return text.replace(old[0], edited.after.strip()) if is_in_line else None


def _diff(before: str, after: str, old: str, new: str) -> Iterator[str]:
    for line in difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), old, new
    ):
        yield line if line.endswith("\n") else line + "\n"
