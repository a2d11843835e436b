"""``schema.json``: what it says of a spilled frame, sealed, as text and back."""

import json
from collections.abc import Mapping
from typing import Any, Final

import xxhash

from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.files.hashed_file import HashedFile
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan, columns_of, dtypes_of

FORMAT: Final = 1
_encode: Final = json.JSONEncoder(sort_keys=True).encode


def fingerprint_identity(form: FramePlan, rows: int) -> str:
    """What a fingerprint says of a frame beside its values: rows, names, types and how they are restored."""
    return _encode([rows, form.restore_info, form.fields])


def schema_hash(form: FramePlan) -> str:
    """The same for all frames with the same columns, in the same order, of the same types."""
    columns = [[field["name"], field["dtype"], field["arrow"]] for field in form.fields]
    return xxhash.xxh3_64(json.dumps(columns).encode()).hexdigest()


def build_schema_document(
    form: FramePlan, rows: int, fingerprint: str, files: Mapping[str, HashedFile]
) -> dict[str, Any]:
    """What ``schema.json`` says, as a reader will see it: nothing but what JSON has, and text as every key."""
    return {
        "row_count": rows,
        "columns": columns_of(form.fields),
        "dtypes": dtypes_of(form.fields),
        "format": FORMAT,
        "fingerprint": fingerprint,
        "schema_hash": schema_hash(form),
        "files": {name: {"bytes": file.size, "xxh3_128": file.hash} for name, file in files.items()},
        "fidelity": form.fidelity_report(),
        "restore": {"facts": form.restore_info, "fields": list(form.fields)},
    }


def serialize(document: Mapping[str, Any]) -> str:
    """The text of ``schema.json``: a line for each key and for each column."""
    lines = {key: _encode(value) for key, value in document.items()}
    restore = document["restore"]
    fields = "".join(f",\n  {_encode(field)}" for field in restore["fields"])[1:]
    lines["dtypes"] = json.dumps(document["dtypes"])  # in the order of the columns
    lines["restore"] = f'{{"facts": {_encode(restore["facts"])}, "fields": [{fields}]}}'
    lines["seal"] = _encode(_checksum(document))
    return "{\n" + ",\n".join(f' "{key}": {text}' for key, text in lines.items()) + "\n}\n"


def parse(text: bytes, where: str) -> dict[str, Any]:
    """The document that was written.

    Raises:
        SpillCorrupt: it is not ours, or not what was written.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SpillCorrupt(f"{where} cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SpillCorrupt(f"{where} is not ours, or of a newer version")
    if document.pop("seal", None) != _checksum(document):
        raise SpillCorrupt(f"{where} is not what was written: its seal does not fit")
    return document


def _checksum(document: Mapping[str, Any]) -> str:
    """The hash of what ``schema.json`` says: nothing else tells that one of its bytes was changed."""
    return xxhash.xxh3_128(_encode(document).encode()).hexdigest()
