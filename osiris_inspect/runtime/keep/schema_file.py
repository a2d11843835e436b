"""``schema.json``: what it says of a spilled frame, sealed, as text and back."""

import json
from collections.abc import Mapping
from typing import Any, Final

import xxhash

from osiris_inspect.model.errors import SpillDamaged
from osiris_inspect.runtime.form import shapes
from osiris_inspect.runtime.form.planned import Form
from osiris_inspect.runtime.keep.disk import HashedFile

FORMAT: Final = 1
_encode: Final = json.JSONEncoder(allow_nan=False).encode
_encode_sorted: Final = json.JSONEncoder(sort_keys=True).encode


def identity(form: Form, rows: int) -> str:
    """What a fingerprint says of a frame beside its values: rows, names, types and how they are restored."""
    return f"[{rows}, {form.identity}]"


def schema_hash(form: Form) -> str:
    """The same for all frames with the same columns, in the same order, of the same types."""
    return form.texts.schema_hash if form.texts else shapes.schema_hash(form.fields)


def describe(form: Form, rows: int, fingerprint: str, files: Mapping[str, HashedFile]) -> dict[str, Any]:
    """What ``schema.json`` says, as a reader will see it: nothing but what JSON has, and text as every key."""
    return {
        "row_count": rows,
        "columns": [field["physical"] for field in form.fields],
        "dtypes": {field["physical"]: field["dtype"] for field in form.fields},
        "format": FORMAT,
        "fingerprint": fingerprint,
        "schema_hash": schema_hash(form),
        "files": {name: {"bytes": file.size, "xxh3_128": file.hash} for name, file in files.items()},
        "fidelity": form.fidelity(),
        "restore": {"facts": form.facts, "fields": list(form.fields)},
    }


def write(document: Mapping[str, Any]) -> str:
    """The text of ``schema.json``.

    There is a line for each key and for each column: easy on the eye, and ten times as fast as indenting.
    """
    lines = [f' "{key}": {_value(key, value)}' for key, value in document.items()]
    return "{\n" + ",\n".join([*lines, f' "seal": "{_seal(document)}"']) + "\n}\n"


def read(text: bytes, where: str) -> dict[str, Any]:
    """The document that was written.

    Raises:
        SpillDamaged: it is not ours, or not what was written.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SpillDamaged(f"{where} cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SpillDamaged(f"{where} is not ours, or of a newer version")
    if document.pop("seal", None) != _seal(document):
        raise SpillDamaged(f"{where} is not what was written: its seal does not fit")
    return document


def _value(key: str, value: Any) -> str:
    if type(value) is int:
        return str(value)  # an encoder is made anew for each value that is no text
    if key != "restore" or not value["fields"]:
        return _encode(value)
    fields = ",\n  ".join(map(_encode, value["fields"]))
    return f'{{"facts": {_encode(value["facts"])}, "fields": [\n  {fields}]}}'


def _seal(document: Mapping[str, Any]) -> str:
    """The hash of what ``schema.json`` says: nothing else tells that one of its bytes was changed."""
    return xxhash.xxh3_128(_encode_sorted(document).encode()).hexdigest()
