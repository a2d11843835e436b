"""``schema.json``: what it says of a spilled frame, sealed, as text and back."""

import json
from collections.abc import Mapping
from typing import Any, Final

import xxhash

from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.files.hashed_file import HashedFile
from osiris_inspect.runtime.frames.conversion import schema_cache as shapes
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan, columns_of, dtypes_of

FORMAT: Final = 1
_encode_sorted: Final = json.JSONEncoder(sort_keys=True).encode


def fingerprint_identity(form: FramePlan, rows: int) -> str:
    """What a fingerprint says of a frame beside its values: rows, names, types and how they are restored."""
    facts, texts = form.schema_texts()
    return f"[{rows}, {facts}, [{', '.join(texts.fields)}]]"


def schema_hash(form: FramePlan) -> str:
    """The same for all frames with the same columns, in the same order, of the same types."""
    known = form.texts.schema_hash if form.texts else None
    return known or shapes.schema_hash(form.fields)


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


def serialize(document: Mapping[str, Any], form: FramePlan) -> str:
    """The text of ``schema.json`` that says what ``describe`` said of ``form``.

    There is a line for each key and for each column. Put together of what was written as JSON before: frames of one shape
    have most of it in common.
    """
    facts, texts = form.schema_texts()
    lines = {
        "row_count": str(document["row_count"]),
        "columns": texts.columns,
        "dtypes": texts.dtypes,
        "format": str(FORMAT),
        "fingerprint": f'"{document["fingerprint"]}"',
        "schema_hash": f'"{document["schema_hash"]}"',
        "files": _encode_sorted(document["files"]),
        "fidelity": _encode_sorted(document["fidelity"]) if document["fidelity"] else "[]",
        "restore": f'{{"facts": {facts}, "fields": [' + ",\n  ".join(("", *texts.fields))[1:] + "]}",
    }
    flat = {
        "dtypes": texts.sorted_dtypes,
        "restore": f'{{"facts": {facts}, "fields": [{", ".join(texts.fields)}]}}',
    }
    sealed = ", ".join([f'"{key}": {flat.get(key, lines[key])}' for key in sorted(lines)])
    lines["seal"] = f'"{_hash(f"{{{sealed}}}")}"'
    return "{\n" + ",\n".join([f' "{key}": {text}' for key, text in lines.items()]) + "\n}\n"


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
    return _hash(_encode_sorted(document))


def _hash(text: str) -> str:
    return xxhash.xxh3_128(text.encode()).hexdigest()
