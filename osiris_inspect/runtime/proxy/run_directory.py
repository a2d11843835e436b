"""A new run directory: made once, filled before the worker starts, closed with the verdict."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import yaml

from osiris_inspect.model import manifest, run_card
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.manifest import Manifest
from osiris_inspect.model.redaction import Redactor, mask_by_key
from osiris_inspect.model.run_card import RunCard
from osiris_inspect.runtime.files.atomic_write import write_atomic
from osiris_inspect.runtime.pipeline import masked_config as masking
from osiris_inspect.runtime.pipeline.compiler import Compiled


def create_run_dir(logs: Path, epoch_ms: int) -> Path:
    """A directory ``run_<ms>`` of its own under ``logs``; one that is taken moves the number on.

    Raises:
        OSError: the folder cannot be written to.
    """
    return _create(logs, epoch_ms, layout.run_name)


def create_compile_dir(logs: Path, epoch_ms: int, compiled: Compiled) -> Path:
    """The compiled pipeline under ``logs/compile_<ms>/compiled``, and what was masked in it; gives that folder.

    Raises:
        OSError: the disk refuses; nothing of it stays.
    """
    path = _create(logs, epoch_ms, layout.compile_name)
    folder = path / "compiled"
    try:
        folder.mkdir()
        write_compiled(folder, replace(compiled, manifest=masking.masked_keys(compiled)))
    except OSError:
        remove(path)
        raise
    return folder


def remove(path: Path) -> None:
    """Take away a directory that could not be filled: half of one looks like a run that was lost."""
    # what refused to be written may refuse to be deleted; the error that brought us here is the one that is told
    shutil.rmtree(path, ignore_errors=True)


def write_compiled(folder: Path, compiled: Compiled, redactor: Redactor | None = None) -> None:
    """Write ``manifest.yaml`` and ``cfg/<step>.json``, secrets masked by their keys and by what ``redactor`` knows."""
    redactor = redactor or Redactor()
    document = redactor.redact_value(manifest.to_dict(compiled.manifest))
    write_atomic(folder / layout.MANIFEST, _yaml(document))
    for step in compiled.manifest.steps:
        masked = redactor.redact_value(mask_by_key(compiled.configs[step.id]))
        # not synced one by one: the worker is told the hash of each, so a file that is lost is not taken for another
        write_atomic(folder / step.cfg_path, _json(masked), sync=False)


def manifest_bytes(plan: Manifest) -> bytes:
    """The manifest as YAML; same manifest, same bytes."""
    return _yaml(manifest.to_dict(plan))


def write_card(run: Path, card: RunCard, redactor: Redactor) -> None:
    """Write the run card."""
    write_atomic(run / layout.RUN_CARD, _json(redactor.redact_value(run_card.to_dict(card))))


def write_status(run: Path, document: Mapping[str, Any]) -> None:
    """Write the verdict: the last file of a run."""
    write_atomic(run / layout.STATUS, _json(document))


def _create(logs: Path, epoch_ms: int, name: Any) -> Path:
    logs.mkdir(parents=True, exist_ok=True)
    while True:
        path: Path = logs / name(epoch_ms)
        try:
            path.mkdir()
        except FileExistsError:
            epoch_ms += 1
        else:
            return path


def _yaml(document: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
