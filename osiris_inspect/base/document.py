"""Reads a file that is YAML by name and often JSON, which is YAML too."""

from typing import Any

from osiris_inspect.base import bounded_json


def load_document(content: bytes) -> Any:
    """Return the value of a JSON or YAML document, which the caller must not change.

    JSON is read without PyYAML, which takes longer to import than a small run takes to read.

    Raises:
        yaml.YAMLError: the document is neither, or exceeds a limit.
        UnicodeDecodeError: it is neither UTF-8 nor UTF-16.
    """
    if content.startswith(b"{"):
        try:
            return bounded_json.loads(content)
        except ValueError:  # a mapping of YAML in braces
            pass
    from osiris_inspect.base.bounded_yaml import load_yaml

    return load_yaml(content)
