"""``schema.json``: the sealed description of a spilled frame."""

import json
from collections.abc import Mapping
from typing import Any, Final

import xxhash

from osiris_inspect.base import bounded_json
from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.files.hashed_file import HashedFile
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan, columns_of, dtypes_of
from osiris_inspect.runtime.frames.spill.fingerprint import FrameFingerprint

FORMAT: Final = 1
_encode: Final = json.JSONEncoder(sort_keys=True).encode


def fingerprint_identity(plan: FramePlan, rows: int) -> str:
    """Return what belongs to a frame's identity beside its values: rows, names, types, restore info."""
    return _encode([rows, plan.restore_info, plan.fields])


def column_identity(field: Mapping[str, Any], rows: int) -> str:
    """Return what belongs to a column's identity beside its values: rows, types, restore info, but not its name."""
    return _encode([rows, field["dtype"], field["arrow"], field["facts"]])


def schema_hash(plan: FramePlan) -> str:
    """Return a hash that is equal for frames with the same columns, types and order."""
    columns = [[field["name"], field["dtype"], field["arrow"]] for field in plan.fields]
    return xxhash.xxh3_64(json.dumps(columns).encode()).hexdigest()


def build_schema_document(
    plan: FramePlan, rows: int, fingerprint: FrameFingerprint, files: Mapping[str, HashedFile]
) -> dict[str, Any]:
    """Return the content of ``schema.json`` as JSON values."""
    return {
        "row_count": rows,
        "columns": columns_of(plan.fields),
        "dtypes": dtypes_of(plan.fields),
        "format": FORMAT,
        "fingerprint": fingerprint.frame,
        "column_fingerprints": fingerprint.columns,
        "schema_hash": schema_hash(plan),
        "files": {name: {"bytes": file.size, "xxh3_128": file.hash} for name, file in files.items()},
        "fidelity": plan.fidelity_report(),
        "restore": {"facts": plan.restore_info, "fields": list(plan.fields)},
    }


def serialize(document: Mapping[str, Any]) -> str:
    """Return the sealed text of ``schema.json``, with one line per key and per column."""
    lines = {key: _encode(value) for key, value in document.items()}
    restore = document["restore"]
    fields = "".join(f",\n  {_encode(field)}" for field in restore["fields"])[1:]
    lines["dtypes"] = json.dumps(document["dtypes"])  # in the order of the columns
    lines["restore"] = f'{{"facts": {_encode(restore["facts"])}, "fields": [{fields}]}}'
    lines["seal"] = _encode(_checksum(document))
    return "{\n" + ",\n".join(f' "{key}": {text}' for key, text in lines.items()) + "\n}\n"


def parse(text: bytes, path: str) -> dict[str, Any]:
    """Return the document of a ``schema.json``.

    Raises:
        SpillCorrupt: the file has another format or was changed.
    """
    try:
        document = bounded_json.loads(text)
    except ValueError as error:
        raise SpillCorrupt(f"{path} cannot be read: {error}", fix="run the step again", path=path) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SpillCorrupt(
            f"{path} is not a spill of this program, or of a newer version",
            fix="run the step again",
            path=path,
        )
    if document.pop("seal", None) != _checksum(document):
        raise SpillCorrupt(
            f"{path} is not what was written: its seal does not match", fix="run the step again", path=path
        )
    return document


def _checksum(document: Mapping[str, Any]) -> str:
    """Return the seal: a hash that reveals any change of ``schema.json``."""
    return xxhash.xxh3_128(_encode(document).encode()).hexdigest()
