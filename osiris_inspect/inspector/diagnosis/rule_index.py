"""Index of what the rules declare, to avoid importing all of them, which takes longer than reading a short run.

``tests/make_rule_index.py`` writes the file after a rule was added or its declarations were changed.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from osiris_inspect.inspector.diagnosis import rules
from osiris_inspect.inspector.diagnosis.rule import Check, Findings, Rule, build_rule
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run

INDEX_FILE: Final = Path(__file__).with_name("rule_index.json")


def indexed_rules() -> Iterator[Rule]:
    """Yield the rules of the index; their modules are imported when they are applied, and they have no manual."""
    index: dict[str, dict[str, Any]] = json.loads(INDEX_FILE.read_bytes())
    for module, declared in index.items():
        group, name = module.rsplit(".", 2)[-2:]
        yield Rule(
            id=name.replace("_", "-"),
            needs=tuple(declared["needs"]),
            rule_manual="",
            check=_check(module),
            searches=tuple(declared.get("searches", ())),
            refines=tuple(declared.get("refines", ())),
            explains=tuple(declared.get("explains", ())),
            leads_to=tuple(declared.get("leads_to", ())),
            is_general=declared.get("is_general", False),
            group=group,
        )


def _check(module: str) -> Check:
    """Return the function of a rule, which imports its module."""

    def check(run: Run, lineage: Lineage, /) -> Findings:
        yield from _built(module).check(run, lineage)

    return check


@cache
def _built(module: str) -> Rule:
    return build_rule(import_module(f"{rules.__name__}.{module}"), module.rpartition(".")[2])
