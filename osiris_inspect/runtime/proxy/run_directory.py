"""Creates a run directory and writes its files."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import yaml

from osiris_inspect.model import manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.redaction import Redactor, mask_by_key
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter, MovedEntry
from osiris_inspect.runtime.files.run_access import PRIVATE, RunAccess
from osiris_inspect.runtime.pipeline import compiled_pipeline, masked_config
from osiris_inspect.runtime.pipeline.compiler import Compiled


def create_run_dir(logs: Path, epoch_ms: int, access: RunAccess = PRIVATE) -> Path:
    """Create the directory ``run_<ms>`` in ``logs``; the number is increased if it exists.

    Raises:
        OSError: the directory cannot be created.
    """
    return _create(logs, epoch_ms, layout.run_name, access)


def create_compile_dir(logs: Path, epoch_ms: int, compiled: Compiled, access: RunAccess = PRIVATE) -> Path:
    """Write a compiled pipeline into ``logs/compile_<ms>/compiled``; return that folder.

    Raises:
        OSError: the write failed; nothing is left behind.
    """
    path = _create(logs, epoch_ms, layout.compile_name, access)
    folder = path / "compiled"
    try:
        _make_folder(folder, access)
        with DirectoryWriter(folder, access) as files:
            plan = masked_config.masked_keys(compiled)
            extra = {**plan.other_keys, compiled_pipeline.FOLDER: str(compiled.folder.resolve())}
            masked = replace(compiled, manifest=replace(plan, other_keys=extra))
            write_compiled(files, masked, with_fingerprints=True)
    except OSError:
        remove(path)
        raise
    return folder


def remove(path: Path) -> None:
    """Remove a directory that is incomplete and would look like a lost run; errors are ignored."""
    shutil.rmtree(path, ignore_errors=True)


def write_compiled(
    files: DirectoryWriter,
    compiled: Compiled,
    redactor: Redactor | None = None,
    *,
    with_fingerprints: bool = False,
) -> None:
    """Write ``manifest.yaml`` and ``cfg/<step>.json``, with secrets masked by key and by ``redactor``.

    The manifest of a run is JSON, which every reader of YAML accepts and which is read 100 times faster.
    """
    redactor = redactor or Redactor()
    document = redactor.redact_value(manifest.to_dict(compiled.manifest))
    configs = {
        step.cfg_path: _to_json(mask_by_key(compiled.configs[step.id]), redactor)
        for step in compiled.manifest.steps
    }
    if with_fingerprints:
        steps = document.pop("steps")  # the longest part is the last one
        recorded = {
            compiled_pipeline.FINGERPRINTS: compiled_pipeline.fingerprints(
                {**document, "steps": steps}, configs
            )
        }
        document |= {**recorded, "steps": steps}
        content = yaml.safe_dump(
            document, sort_keys=False, allow_unicode=True
        ).encode()  # people read and edit it
    else:
        content = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    files.write(layout.MANIFEST, content)
    for path, data in configs.items():
        # not synced: the worker compares the hashes, so a lost file is noticed
        files.write(path, data, sync=False)


def _make_folder(path: Path, access: RunAccess) -> None:
    path.mkdir(0o700)
    path.chmod(access.folder)


def _create(logs: Path, epoch_ms: int, path_of: Callable[[int], str], access: RunAccess) -> Path:
    logs.mkdir(parents=True, exist_ok=True)
    while True:
        path = logs / path_of(epoch_ms)
        try:
            _make_folder(path, access)
        except FileExistsError:
            epoch_ms += 1
        else:
            return path


def write_json(
    files: DirectoryWriter, path: str, value: Mapping[str, Any], redactor: Redactor
) -> tuple[MovedEntry, ...]:
    """Write a JSON file with secrets masked; return the entries that were in its place."""
    return files.write(path, _to_json(value, redactor))


def _to_json(value: Mapping[str, Any], redactor: Redactor) -> bytes:
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(redactor.redact_value(value), option=option)
