"""The declared order of rules: specific before general, cause before effect."""

import pytest

from osiris_inspect.inspector.diagnosis.engine import builtin_order, builtin_rules
from osiris_inspect.inspector.diagnosis.rule import Rule
from osiris_inspect.inspector.diagnosis.rule_order import RuleOrder


def _rule(name: str, *, is_general: bool = False, group: str = "", **declared: tuple[str, ...]) -> Rule:
    return Rule(name, (), "", lambda _run, _lineage: iter(()), is_general=is_general, group=group, **declared)


def test_order_with_cycle_is_refused() -> None:
    rules = [_rule("a", refines=("b",)), _rule("b", explains=("c",)), _rule("c", refines=("a",))]
    with pytest.raises(ValueError, match="refine or explain each other"):
        RuleOrder(rules).precedes("a", "b")


def test_order_is_transitive() -> None:
    order = RuleOrder([_rule("a", refines=("b",)), _rule("b", explains=("c",)), _rule("c")])
    assert order.precedes("a", "c")
    assert not order.precedes("c", "a")


def test_group_stands_for_all_its_rules() -> None:
    order = RuleOrder([_rule("a", explains=("network",)), _rule("b", group="network"), _rule("c")])
    assert order.precedes("a", "b")
    assert not order.precedes("a", "c")


def test_specific_rule_precedes_general_rule() -> None:
    order = RuleOrder([_rule("a"), _rule("b", is_general=True)])
    assert order.precedes("a", "b")
    assert not order.precedes("b", "a")


def test_declaration_overrides_generality() -> None:
    order = RuleOrder([_rule("a"), _rule("b", is_general=True, explains=("a",))])
    assert order.precedes("b", "a")
    assert not order.precedes("a", "b")


def test_builtin_declarations_name_existing_rules() -> None:
    known = {name for rule in builtin_rules() for name in (rule.id, rule.group)}
    declared = {name for rule in builtin_rules() for name in (*rule.refines, *rule.explains)}
    assert declared <= known
    assert builtin_order().precedes("service-failed", "write-failed")
