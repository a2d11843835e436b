"""Writes what the rules declare: ``python -m tests.make_rule_index``."""

import json
from importlib import import_module
from types import ModuleType

from osiris_inspect.inspector.diagnosis import rules
from osiris_inspect.inspector.diagnosis.engine import rule_modules
from osiris_inspect.inspector.diagnosis.rule import build_rule
from osiris_inspect.inspector.diagnosis.rule_index import INDEX_FILE

OPTIONAL = ("searches", "refines", "explains", "leads_to", "is_general")


def declared(module: ModuleType, name: str) -> dict[str, object]:
    """Return the declarations of a rule that are not defaults."""
    rule = build_rule(module, name)
    return {"needs": rule.needs} | {key: getattr(rule, key) for key in OPTIONAL if getattr(rule, key)}


def index() -> str:
    """Return the content of the file: a line for each rule."""
    prefix = f"{rules.__name__}."
    entries = {
        name.removeprefix(prefix): declared(import_module(name), name.rpartition(".")[2])
        for name in rule_modules()
    }
    lines = (f'"{name}": {json.dumps(entry)}' for name, entry in sorted(entries.items()))
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    INDEX_FILE.write_text(index(), encoding="utf-8")
