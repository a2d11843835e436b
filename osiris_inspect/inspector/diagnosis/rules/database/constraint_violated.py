"""A target rejected rows that violate a constraint.

What it finds:
    An error in which a database rejects rows.

Why it matters:
    Earlier batches may have been written, so the target can be partly updated.

How to fix:
    Use `upsert` with the right primary key, or clean the data first.

Example:
    `duplicate key value violates unique constraint`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.configuration.repeated_keys import fix_at_the_join
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

REFINES = ("query-failed", "request-refused", "write-failed")
_PARTLY = "; earlier rows may have been written"
_KEY = LazyRegex(r"\bKey \((?P<columns>[^()\n]{1,200})\)=\(")


def _fix_of_duplicate(run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    """Return a remedy that the step does not follow already."""
    step = run.step(text.step or "")
    repeated = fix_at_the_join(run, step, text.text)
    if repeated:
        return repeated + _PARTLY
    config = step.config if step is not None else {}
    mode = config.get("write_mode") or config.get("mode")
    if mode not in ("upsert", "replace"):
        return (
            "find out whether the input repeats a key or the table has it: remove these rows before the write, or write "
            "with mode upsert" + _PARTLY
        )
    key = config.get("primary_key")
    keys = [key] if isinstance(key, str) else [str(column) for column in key] if isinstance(key, list) else []
    violated = _KEY.search(text.text)
    columns = violated["columns"] if violated else "the columns of the named constraint"
    if violated and keys and set(keys) == {name.strip().strip('"') for name in columns.split(",")}:
        return (
            f"remove duplicates of {columns} before the write, or check for another job that writes the table"
        )
    upserted = f" by {', '.join(keys)}" if keys else ""
    return (
        f"the step upserts{upserted} already, but another unique constraint covers {columns}: remove the rows that "
        f"repeat a value there, or use these columns as primary_key"
    )


PATTERNS = (
    ErrorPattern(
        pattern=r"unique constraint \\{0,2}\"pg_\w{1,60}[^\n]{0,60}",
        message="two sessions created the same table, schema or type at the same time",
        fix="create it once before the steps that write it, then run again",
        domain="infra",
        error_class="created at once",
    ),
    ErrorPattern(
        pattern=(
            r"duplicate key value violates unique constraint[^\n]{0,120}|could not create unique index[^\n]{0,100}"
            r"|Duplicate entry '[^'\n]{0,80}' for key[^\n]{0,80}"
            r"|UNIQUE constraint failed[^\n]{0,80}|Duplicate key \"[^\"\n]{1,120}\" violates [^\n]{1,60}"
            r"|PRIMARY KEY or UNIQUE constraint violation[^\n]{0,100}"
        ),
        message="the target rejected rows with a duplicate key",
        fix=_fix_of_duplicate,
        domain="data",
        error_class="duplicate",
    ),
    ErrorPattern(
        pattern=(
            r"violates not-null constraint[^\n]{0,120}|NOT NULL constraint failed[^\n]{0,80}"
            r"|Column '[^'\n]{1,80}' cannot be null|Field '[^'\n]{1,80}' doesn't have a default value"
        ),
        message="the target rejected rows without a required value",
        fix="set the value in the pipeline, drop these rows, or define a default" + _PARTLY,
        domain="data",
        error_class="null",
    ),
    ErrorPattern(
        pattern=(
            r"(?:update or delete on table|is still referenced from table) [^\n]{1,120}"
            r"|(?i:cannot delete or update a parent row)[^\n]{0,80}"
        ),
        message="rows of another table still reference rows that were to be deleted or changed",
        fix="delete or change the rows that reference them first, or keep these rows",
        domain="data",
        error_class="still referenced",
    ),
    ErrorPattern(
        pattern=(
            r"[Vv]iolates foreign key constraint[^\n]{0,120}|(?i:foreign key constraint fail)[^\n]{0,80}"
            r"|(?i:cannot add or update a child row)[^\n]{0,80}"
        ),
        message="the target rejected rows that reference missing rows of another table",
        fix="write the referenced table first or drop rows without a match" + _PARTLY,
        domain="data",
        error_class="foreign key",
    ),
    ErrorPattern(
        pattern=r"no partition of relation \\{0,2}\"(?P<p1>[^\"\n\\]{1,120})[^\n]{0,20} found for row|Table has no partition for value [^\n]{1,80}",
        message="the partitioned table has no partition for a row",
        fix="create the partition for these values, or a DEFAULT partition; then run again",
        domain="config",
        error_class="no partition",
    ),
    ErrorPattern(
        pattern=r"violates partition constraint[^\n]{0,40}",
        message="a row does not belong into the partition that it was written to",
        fix="write to the partitioned table itself, which chooses the partition",
        domain="config",
        error_class="other partition",
    ),
    ErrorPattern(
        pattern=r"violates check constraint[^\n]{0,120}|(?i:check constraint)[^\n]{1,100}(?:is violated|failed)",
        message="the target rejected rows that violate a check constraint",
        fix="correct or drop the rows that the named constraint does not allow" + _PARTLY,
        domain="data",
        error_class="check",
    ),
    ErrorPattern(
        pattern=r"ON CONFLICT DO UPDATE command cannot affect row a second time",
        message="two rows of one write had the same key",
        fix="remove duplicates by the upsert key before writing",
        domain="data",
        error_class="twice in one write",
    ),
    ErrorPattern(
        pattern=r"no unique or exclusion constraint matching the ON CONFLICT[^\n]{0,40}",
        message="the target had no unique constraint on the upsert key",
        fix="use the primary key of the table or add a unique constraint on these columns",
        domain="config",
        error_class="no matching key",
    ),
)
