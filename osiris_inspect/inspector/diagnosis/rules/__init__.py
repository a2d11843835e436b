"""The rules, one module each; the rule id is the name of the module.

The docstring of a rule module is its manual (*What it finds*, *Why it matters*, *How to fix*, *Example*). The module
defines ``PATTERNS`` (error patterns), ``check(run, lineage)``, or both, and optionally ``NEEDS`` (what a run must
have recorded, otherwise the rule is skipped), ``SEARCHES`` (names of which a run must have recorded at least one,
otherwise ``check`` finds nothing: see ``RecordedFacts``; of patterns alone these are errors, or errors and text logs),
``REFINES`` (rules, or folders of rules, that state the same fact more generally), ``EXPLAINS`` (those that state its
effects), ``LEADS_TO`` (failures of later steps that its warning causes) and ``IS_GENERAL`` (every rule that is not
general refines it). After a change of these, run ``python -m tests.make_rule_index``.
"""
