"""Two DataFrames could not be joined.

What it finds:
    An error of pandas in a join: keys of different types, keys that are not unique, or duplicate labels.

Why it matters:
    Both DataFrames exist, but their keys are incompatible.

How to fix:
    Convert the keys to the same type, or make them unique, before the join.

Example:
    `You are trying to merge on int64 and object columns for key 'id'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"You are trying to merge on [^\n]{1,160}"
            r"|Merge keys are not unique in [^\n]{1,120}"
            r"|\bMergeError\b[^\n]{0,160}"
            r"|cannot reindex on an axis with duplicate labels"
            r"|columns overlap but no suffix specified[^\n]{0,100}"
        ),
        message="the join keys of two DataFrames were incompatible",
        fix="convert the keys to the same type and make them unique before the join",
        domain="data",
    ),
)
