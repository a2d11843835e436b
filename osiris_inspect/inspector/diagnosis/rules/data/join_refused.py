"""Two DataFrames could not be joined.

What it finds:
    An error of pandas in a join: keys of different types, repeated or without a common name, or duplicate labels.

Why it matters:
    Both DataFrames exist, but their keys, columns or labels do not allow the join.

How to fix:
    Make the keys of the same type, unique and named in the join, whichever the message is about.

Example:
    `You are trying to merge on int64 and object columns for key 'id'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Confidence

PATTERNS = (
    ErrorPattern(
        pattern=r"You are trying to merge on [^\n]{1,160}",
        message="the join keys of two DataFrames have different types",
        fix="convert the keys to the same type before the join",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"Merge keys are not unique in [^\n]{1,120}",
        message="a key of the join occurs more than once, which `validate` of the join does not allow",
        fix="find the rows with the same key where they are read, or drop duplicates before the join",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"No common columns to perform merge on[^\n]{0,160}",
        message="the two DataFrames have no column of the same name to join on",
        fix="compare the columns of both, and name the key of each with left_on and right_on",
        domain="code",
    ),
    ErrorPattern(
        pattern=r"\bMergeError\b(?![^\n]{0,80}(?:keys are not unique|No common columns))[^\n]{0,160}",
        message="the keys of two DataFrames do not allow this join",
        fix="compare the keys of both: their names, their types, and whether values are repeated",
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=r"columns overlap but no suffix specified[^\n]{0,100}",
        message="both DataFrames have a column of this name",
        fix="set lsuffix and rsuffix in the join, or rename or drop the column in one of them",
        domain="code",
    ),
    ErrorPattern(
        pattern=(
            r"[Cc]annot reindex on an axis with duplicate labels"
            r"|Reindexing only valid with uniquely valued Index objects"
        ),
        message="an index has the same label more than once, or two columns have the same name",
        fix="reset the index and make the column names unique before DataFrames are combined",
        domain="code",
    ),
)
