"""The rules, a module each. Adding one means adding a file: the folder is listed, and the id is the module's name.

A rule module has a manual for its docstring (*What it finds*, *Why it matters*, *How to fix*, *Example*), ``NEEDS``
(what a run must have recorded for the rule to be asked), optionally ``RANK``, and ``check(run, lineage)``.
"""
