"""Which of two findings on one step is the cause, as the rules declare it.

A rule *refines* another that states the same fact more generally, and *explains* another that states its effect. Any
rule that is not general refines one that is. There are no ranks: rules without a declared order are independent.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from osiris_inspect.inspector.diagnosis.rule import Rule


class RuleOrder:
    """The declared order of rules, transitively closed when two are first compared."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._general = {rule.id: rule.is_general for rule in rules}
        members: dict[str, set[str]] = {rule.id: {rule.id} for rule in rules}
        for rule in rules:
            members.setdefault(rule.group, set()).add(rule.id)
        self._declared = {
            rule.id: {
                other
                for name in (*rule.refines, *rule.explains)
                for other in members.get(name, ())
                if other != rule.id
            }
            for rule in rules
        }

    @cached_property
    def _later(self) -> Mapping[str, set[str]]:
        """The rules that each rule precedes.

        Raises:
            ValueError: the declarations are circular.
        """
        return _closure(self._declared)

    def is_general(self, rule: str) -> bool:
        """Return True if every rule that is not general refines this one."""
        return self._general.get(rule, False)

    def explains(self, rule: str, other: str) -> bool:
        """Return True if ``rule`` is declared to be the cause of ``other``; general rules do not count."""
        return other in self._later.get(rule, ())

    def precedes(self, rule: str, other: str) -> bool:
        """Return True if the findings of ``rule`` are the cause of those of ``other`` on the same step."""
        if other in self._later.get(rule, ()):
            return True
        if rule in self._later.get(other, ()):
            return False
        return not self._general.get(rule, False) and self._general.get(other, False)


def _closure(declared: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return for each rule every rule that it precedes.

    Raises:
        ValueError: the declarations are circular.
    """
    from graphlib import CycleError, TopologicalSorter

    try:
        order = tuple(TopologicalSorter(declared).static_order())
    except CycleError as error:
        raise ValueError(f"rules refine or explain each other: {' > '.join(error.args[1])}") from None
    later: dict[str, set[str]] = {}
    for rule in order:  # a rule comes after those that it precedes
        direct = declared.get(rule, set())
        later[rule] = direct.union(*(later[other] for other in direct))
    return later
