"""The rules, one module each; the rule id is the name of the module.

The docstring of a rule module is its manual (*What it finds*, *Why it matters*, *How to fix*, *Example*). The module
defines ``PATTERNS`` (error patterns), ``check(run, lineage)``, or both, and optionally ``NEEDS`` (what a run must
have recorded, otherwise the rule is skipped), ``REFINES`` (rules, or folders of rules, that state the same fact more
generally), ``EXPLAINS`` (those that state its effects), ``LEADS_TO`` (failures of later steps that its warning causes), ``IS_GENERAL`` (every
rule that is not general refines it) and ``SEARCHES`` (``errors`` if ``check`` finds nothing in a run without errors,
``errors and logs`` if it also searches text logs; the default if there are only patterns). After a change of these,
run ``python -m tests.make_rule_index``.
"""
