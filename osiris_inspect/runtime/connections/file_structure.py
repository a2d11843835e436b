"""Problems of the structure of a connections file: ``connections: {family: {alias: {key: value}}}``."""

from osiris_inspect.model.errors import Problem
from osiris_inspect.runtime.connections.families import FAMILIES, is_key_of_family
from osiris_inspect.runtime.pipeline.yaml_positions import PositionedDocument


def structure_problems(document: PositionedDocument) -> list[Problem]:
    """Return a problem for each family and connection that is not a mapping, and for a second default."""
    value = document.value
    families = value.get("connections") if isinstance(value, dict) else None
    if not isinstance(families, dict):
        return [document.problem(_expected("mysql", "db_movies"), "connections")]
    problems = []
    for family, aliases in families.items():
        if not isinstance(aliases, dict):
            problems.append(document.problem(_expected(str(family)), "connections", str(family)))
            continue
        if any(is_key_of_family(str(family), str(alias)) for alias in _not_mappings(aliases)):
            text = f"keys are directly under {family!r}, without a name of the connection; {_expected(str(family))}"
            problems.append(document.problem(text, "connections", str(family)))
            continue
        problems += [
            document.problem(_expected(str(family), alias), "connections", str(family), alias)
            for alias in _not_mappings(aliases)
        ]
        marked = [
            str(alias)
            for alias, values in aliases.items()
            if isinstance(values, dict) and values.get("default") is True
        ]
        if len(marked) > 1:
            text = f"family {family!r} has several defaults: {', '.join(marked)}; keep one"
            problems.append(document.problem(text, "connections", str(family), marked[1], "default"))
    return problems


def _not_mappings(aliases: dict[object, object]) -> list[str]:
    return [str(alias) for alias, values in aliases.items() if not isinstance(values, dict)]


def _expected(family: str, alias: str = "") -> str:
    known = FAMILIES.get(family, FAMILIES["mysql"])
    keys = "/".join(tuple(known.example)[:1] + tuple(known.example)[3:4])
    example = f"{{{family}: {{{alias or known.alias}: {known.inline_example}}}}}"
    path = f"connections → {family} → {alias or '<alias>'}"
    return f"expected {keys}/… under {path}, e.g. connections: {example}"
