"""Limits of the YAML reader: depth, parts, copies, numbers and characters, each with its position."""

import re

import pytest
import yaml

from osiris_inspect.base.bounded_json import load_document
from osiris_inspect.base.bounded_yaml import load_yaml
from osiris_inspect.model.errors import PipelineError
from osiris_inspect.runtime.pipeline import yaml_positions

MERGED = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(400)) + "}\nb: {<<: [" + "*a, " * 400 + "]}"
NESTED_ALIASES = "a0: &a0 [1]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 300))
REJECTED = {
    "brackets": ("a: " + "[" * 200, "1:103: nested deeper than 100 levels"),
    "items": ("- " * 200, "1:201: nested deeper than 100 levels"),
    "columns": ("".join(f"{' ' * n}a:\n" for n in range(200)), "101:101: nested deeper than 100 levels"),
    "parts": ("a: [" + "b," * 250_000 + "]", "has more than 200,000 parts"),
    "merged keys": (MERGED, "aliases expand to more than 100,000 copies"),
    "nested aliases": (NESTED_ALIASES, "aliases nest deeper than 100 levels"),
    "digits": ("a: " + "1" * 900_000, "1:4: number has more than 400 characters"),
    "hexadecimal digits": ("a: 0x" + "f" * 900_000, "1:4: number has more than 400 characters"),
    "digits of a fraction": ("a: 1." + "1" * 900_000, "1:4: number has more than 400 characters"),
    "NUL": ("a: b\nc: d\0e", "2:5: control character U+0000"),
    "ESC": ("a: \x1b[31m", "1:4: control character U+001B"),
    "C1": ("a: \x9b31m", "1:4: control character U+009B"),
    "half a surrogate": ('a: "\\ud83d"', "1:4: invalid escape: half of a surrogate pair"),
    "list as a key": ("[a]: b", "1:1: a key must be text"),
}


@pytest.mark.parametrize(("text", "message"), REJECTED.values(), ids=list(REJECTED))
def test_document_over_a_limit_is_rejected_by_both_readers(text: str, message: str) -> None:
    with pytest.raises(PipelineError) as error:
        yaml_positions.parse(text, "p.yaml")
    assert message in str(error.value)
    with pytest.raises(yaml.MarkedYAMLError, match=re.escape(message.rpartition(": ")[2])):
        load_yaml(text.encode())


@pytest.mark.parametrize("text", ["1:30", "190:20:30.15", "1" + ":00" * 300_000], ids=lambda text: text[:12])
def test_number_in_base_60_is_text(text: str) -> None:
    assert load_yaml(f"at: {text}".encode()) == {"at": text}
    assert yaml_positions.parse(f"at: {text}", "p.yaml").value == {"at": text}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_values_and_text_keys_are_read_in_each_encoding(encoding: str) -> None:
    text = 'a: [1, 1.5, true, null, "\\ud83d\\ude00"]\n1: x\non: y\nb: &b {c: d}\ne: {<<: *b, f: g}\n'
    expected = {"a": [1, 1.5, True, None, "\U0001f600"], "1": "x", "on": "y", "b": {"c": "d"}, "e": {"c": "d", "f": "g"}}  # fmt: skip
    assert load_yaml(text.encode(encoding)) == expected


def test_error_at_the_end_names_the_last_line() -> None:
    with pytest.raises(PipelineError, match=r"p\.yaml:2:6: invalid YAML"):
        yaml_positions.parse("a: b\nc: [d", "p.yaml")


JSON_DOCUMENTS = (
    '{"name": "p", "steps": [{"id": "a", "n": 1, "f": 1.5, "t": true, "x": null, "text": "größe \\u00e9 \\n"}]}',
    '{"a": {"b": [[], {}]}}\n',
    "{a: 1, b: [x, y]}",
    "a: 1\nb: [x]\n",
)


@pytest.mark.parametrize("text", JSON_DOCUMENTS)
def test_json_has_the_value_that_it_has_as_yaml(text: str) -> None:
    assert load_document(text.encode()) == load_yaml(text.encode())


@pytest.mark.parametrize("text", ['{"a": "\\ud83d"}', '{"a": ' + "[" * 300 + "]" * 300 + "}", '{"a": '])
def test_json_that_is_not_accepted_is_rejected_as_yaml(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_document(text.encode())
