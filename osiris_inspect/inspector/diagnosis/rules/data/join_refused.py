"""Two frames could not be joined.

What it finds:
    An error of pandas when it joins frames: keys of different types, keys that are not unique, labels that stand twice.

Why it matters:
    The frames are both there; their keys do not fit each other.

How to fix:
    Bring the keys to one type, or make them unique, before the join.

Example:
    `You are trying to merge on int64 and object columns for key 'id'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 47
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"You are trying to merge on [^\n]{1,160}"
            r"|Merge keys are not unique in [^\n]{1,120}"
            r"|\bMergeError\b[^\n]{0,160}"
            r"|cannot reindex on an axis with duplicate labels"
            r"|columns overlap but no suffix specified[^\n]{0,100}"
        ),
        message="the keys of two frames do not fit each other",
        fix="bring the keys to one type and make them unique before the join",
        domain="data",
    ),
)
