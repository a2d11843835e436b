"""A target refused rows that break a constraint.

What it finds:
    An error in which a database refuses rows.

Why it matters:
    Earlier batches may have been written: the target can be half new.

How to fix:
    Use `upsert` with the right primary key, or clean the data first.

Example:
    `duplicate key value violates unique constraint`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 43
_PARTLY = "; rows that came before may have been written"
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"duplicate key value violates unique constraint[^\n]{0,120}"
            r"|Duplicate entry '[^'\n]{0,80}' for key[^\n]{0,80}"
            r"|UNIQUE constraint failed[^\n]{0,80}"
            r"|PRIMARY KEY or UNIQUE constraint violation[^\n]{0,100}"
        ),
        message="the target refused rows that break a constraint",
        fix="write with mode upsert, or remove the rows that are there already",
        domain="data",
        error_class="duplicate",
    ),
    ErrorPattern(
        pattern=(
            r"violates not-null constraint[^\n]{0,120}|NOT NULL constraint failed[^\n]{0,80}"
            r"|Column '[^'\n]{1,80}' cannot be null|Field '[^'\n]{1,80}' doesn't have a default value"
        ),
        message="the target refused rows without a value that a column must have",
        fix="give the column a value in the pipeline, leave such rows out, or give it a default" + _PARTLY,
        domain="data",
        error_class="null",
    ),
    ErrorPattern(
        pattern=(
            r"[Vv]iolates foreign key constraint[^\n]{0,120}|(?i:foreign key constraint fail)[^\n]{0,80}"
            r"|(?i:cannot (?:add or update a child|delete or update a parent) row)[^\n]{0,80}"
        ),
        message="the target refused rows that refer to rows of another table, which are not there",
        fix="write the table that is referred to first, or leave out rows that refer to nothing" + _PARTLY,
        domain="data",
        error_class="foreign key",
    ),
    ErrorPattern(
        pattern=r"violates check constraint[^\n]{0,120}|(?i:check constraint)[^\n]{1,100}(?:is violated|failed)",
        message="the target refused rows whose values break a rule of the table",
        fix="see what the named constraint allows, and correct or leave out the other rows" + _PARTLY,
        domain="data",
        error_class="check",
    ),
    ErrorPattern(
        pattern=r"ON CONFLICT DO UPDATE command cannot affect row a second time",
        message="two rows of one write have the same key",
        fix="make the rows unique by the key of the upsert before they are written",
        domain="data",
        error_class="twice in one write",
    ),
    ErrorPattern(
        pattern=r"no unique or exclusion constraint matching the ON CONFLICT[^\n]{0,40}",
        message="the target has no unique constraint on the key of the upsert",
        fix="name the primary key of the table as it is, or add a unique constraint on these columns",
        domain="config",
        error_class="no matching key",
    ),
)
