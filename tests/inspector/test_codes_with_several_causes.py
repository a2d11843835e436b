"""Codes of servers that stand for several causes: the words of the message decide."""

from pathlib import Path

import pytest

from osiris_inspect.base.error_codes import CLASSES_BY_WORDS, ERROR_CODES
from tests.inspector.test_misleading_words import cause_of

# the rule, words of the headline, words of the fix, words that must not appear, the error
CAUSES = [
    ("query-failed", "two sides", "cast", "function", "(psycopg2.errors.UndefinedFunction) operator does not exist: text = integer\nHINT:  No operator matches the given name and argument types."),
    ("query-failed", "two sides", "cast", "function", "{'code': '42883', 'details': None, 'hint': None, 'message': 'operator does not exist: uuid = text'}"),
    ("query-failed", "compared or sorted", "jsonb", "function that", "(psycopg.errors.UndefinedFunction) could not identify an equality operator for type json"),
    ("query-failed", "function that does not exist", "name", "operator", "(psycopg2.errors.UndefinedFunction) function date_format(date, unknown) does not exist"),
    ("constraint-violated", "partition", "create the partition", "check constraint", '(psycopg2.errors.CheckViolation) no partition of relation "orders" found for row\nDETAIL:  Partition key of the failing row contains (day) = (2025-01-01).'),
    ("constraint-violated", "does not belong", "partitioned table", "check constraint", '(psycopg.errors.CheckViolation) new row for relation "orders_2024" violates partition constraint'),
    ("constraint-violated", "check constraint", "named constraint", "partition", '(psycopg2.errors.CheckViolation) new row for relation "orders" violates check constraint "amount_positive"'),
    ("constraint-violated", "still reference", "first", "missing rows", '(psycopg2.errors.ForeignKeyViolation) update or delete on table "customers" violates foreign key constraint "fk" on table "orders"\nDETAIL:  Key (id)=(7) is still referenced from table "orders".'),
    ("constraint-violated", "still reference", "first", "missing rows", "(pymysql.err.IntegrityError) (1451, 'Cannot delete or update a parent row: a foreign key constraint fails (`m`.`orders`, CONSTRAINT `fk`)')"),
    ("constraint-violated", "missing rows", "referenced table first", "still", "(pymysql.err.IntegrityError) (1452, 'Cannot add or update a child row: a foreign key constraint fails (`m`.`orders`, CONSTRAINT `fk`)')"),
    ("constraint-violated", "same time", "once", "upsert", '(psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "pg_type_typname_nsp_index"\nDETAIL:  Key (typname, typnamespace)=(orders, 2200) already exists.'),
    ("query-failed", "FROM clause does not contain", "alias", "was not found", '(psycopg2.errors.UndefinedTable) missing FROM-clause entry for table "c"\nLINE 1: SELECT c.id FROM orders o'),
    ("query-failed", "FROM clause does not contain", "alias", "was not found", "(pymysql.err.OperationalError) (1109, \"Unknown table 'c' in field list\")"),
    ("query-failed", "several rows", "IN", "upsert key", "(psycopg2.errors.CardinalityViolation) more than one row returned by a subquery used as an expression"),
    ("query-failed", "several rows", "IN", "upsert key", "(pymysql.err.OperationalError) (1242, 'Subquery returns more than 1 row')"),
    ("query-failed", "ORDER BY", "select", "unique constraint", "(psycopg2.errors.InvalidColumnReference) SELECT DISTINCT ON expressions must match initial ORDER BY expressions"),
    ("query-failed", "numbers of columns", "name the columns", "position", "(psycopg2.errors.SyntaxError) INSERT has more target columns than expressions"),
    ("query-failed", "several statements", "one statement", "position", "psycopg.errors.SyntaxError: cannot insert multiple commands into a prepared statement"),
    ("query-failed", "does not allow", "HAVING", "any_value", "(psycopg2.errors.GroupingError) aggregate functions are not allowed in WHERE"),
    ("query-failed", "divided by zero", "NULLIF", "widen", "(psycopg2.errors.DivisionByZero) division by zero"),
    ("query-failed", "divided by zero", "NULLIF", "widen", "{'code': '22012', 'details': None, 'hint': None, 'message': 'division by zero'}"),
    ("query-failed", "calculation", "cast", "widen the column", "(pymysql.err.DataError) (1690, \"BIGINT UNSIGNED value is out of range in '(`m`.`a`.`x` - `m`.`a`.`y`)'\")"),
    ("value-refused", "character set", "utf8mb4", "widen", "(pymysql.err.DataError) (1366, \"Incorrect string value: '\\\\xF0\\\\x9F\\\\x98\\\\x80' for column 'note' at row 1\")"),
    ("value-refused", "character set", "encoding", "NUL", '(psycopg2.errors.CharacterNotInRepertoire) invalid byte sequence for encoding "UTF8": 0xe9 0x20 0x6c'),
    ("value-refused", "NUL", "x00", "encoding;", '(psycopg2.errors.CharacterNotInRepertoire) invalid byte sequence for encoding "UTF8": 0x00'),
    ("value-refused", "number or a date", "cast", "widen", "(pymysql.err.DataError) (1292, \"Truncated incorrect DOUBLE value: 'n/a'\")"),
    ("query-failed", "same session", "commit", "another transaction", "(psycopg2.errors.ObjectInUse) cannot ALTER TABLE \"orders\" because it is being used by active queries in this session"),
    ("disk-full", "shared memory", "shm-size", "write to another disk", '(psycopg2.errors.DiskFull) could not resize shared memory segment "/PostgreSQL.1804289383" to 8388608 bytes: No space left on device'),
    ("authentication-failed", "no password", "set the password", "check the user", "(1045, \"Access denied for user 'etl'@'localhost' (using password: NO)\")"),
    ("authentication-failed", "credentials were rejected", "check", "no password", "(1045, \"Access denied for user 'etl'@'localhost' (using password: YES)\")"),
    ("authentication-failed", "clock", "set the clock", "renew", "{'code': 'PGRST303', 'details': None, 'hint': None, 'message': 'JWT issued at future'}"),
    ("authentication-failed", "clock", "set the clock", "renew", "google.auth.exceptions.RefreshError: ('invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.', {'error': 'invalid_grant'})"),
    ("authentication-failed", "rejected", "renew", "clock", "google.auth.exceptions.RefreshError: ('invalid_grant: Token has been expired or revoked.', {'error': 'invalid_grant'})"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "right", "fix", "wrong", "error"), CAUSES)
def test_words_decide_between_causes_of_one_code(
    tmp_path: Path, rule: str, right: str, fix: str, wrong: str, error: str
) -> None:
    cause = cause_of(tmp_path, error)
    own = cause.message.rpartition("\N{EM DASH}")[2]
    assert (cause.rule, cause.confidence) == (rule, "high"), cause.message
    assert right in own
    assert fix in (cause.fix or "")
    assert wrong not in f"{own} {cause.fix}"


def test_refined_classes_name_known_classes() -> None:
    bases = {base for bases, _ in CLASSES_BY_WORDS.values() for base in bases.split(", ")}
    assert bases <= set(ERROR_CODES)
    assert not set(CLASSES_BY_WORDS) & set(ERROR_CODES)
