"""What an error says of itself: its class, its code and its own words, and never what it repeats."""

from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.base.error_codes import CODE_FAMILIES, ERROR_CODES
from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.diagnosis import rules
from osiris_inspect.inspector.diagnosis.evidence.echoed_text import without_echoed_text
from osiris_inspect.inspector.diagnosis.evidence.error_codes import find_error_code
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Finding
from tests.inspector.making import CHAIN, failing_locally, local, run_dir, worker

ON_SQL = "MySQL execution failed: DatabaseError: Execution failed on sql '{}': "


def cause_of(folder: Path, error: str, kind: str = "", traceback: str = "") -> Finding:
    """The root cause of a run whose second step fails with an error, as the worker tells it."""
    told = (
        {"error": error}
        | ({"error_type": kind} if kind else {})
        | ({"traceback": traceback} if traceback else {})
    )
    lines = [
        worker("step_start", 1, step_id="extract", driver="mysql.extractor"),
        worker("step_complete", 2, step_id="extract", rows_processed=14),
        worker(
            "inputs_resolved", 2.5, step_id="stats", from_step="extract", key="df", rows=14, from_memory=True
        ),
        worker("step_start", 3, step_id="stats", driver="duckdb.processor"),
        worker("step_failed", 4, step_id="stats", driver="duckdb.processor", **told),
        worker("cleanup_complete", 5),
    ]
    cause = analyze(run_dir(folder, lines, steps=CHAIN)).root_cause
    assert cause is not None
    assert cause.step == "stats"
    return cause


REPEATED = [
    ("table-missing", ON_SQL.format('SELECT * FROM a WHERE m LIKE "%%authentication failed%%"') + "(pymysql.err.ProgrammingError) (1146, \"Table 'm.a' doesn't exist\")"),
    ("column-missing", ON_SQL.format('SELECT k FROM a WHERE k = "no space left on device"') + "(1054, \"Unknown column 'k' in 'field list'\")"),
    ("sql-syntax", ON_SQL.format('SELECT * FROM a WHERE t = "Connection refused"') + "(1064, \"You have an error in your SQL syntax; check near 'x' at line 1\")"),
    ("table-missing", ON_SQL.format("select 'no space left on device'") + "no such table: audit"),
    ("table-missing", "(psycopg2.errors.UndefinedTable) relation \"a\" does not exist\nLINE 1: SELECT 'rate limit exceeded' FROM a\n\n[SQL: SELECT 'rate limit exceeded' FROM a]\n(Background on this error at: x)"),
    ("query-failed", "Conversion Error: Could not convert string 'out of memory' to INT32 when casting from source column t"),
    ("query-failed", 'Conversion Error: invalid date field format: "Connection refused", expected format is (YYYY-MM-DD)'),
    ("value-refused", "{'code': '22P02', 'details': None, 'message': 'invalid input syntax for type integer: \"Connection refused\"'}"),
    ("constraint-violated", "{'code': '23505', 'details': 'Key (msg)=(Rate limit exceeded) already exists.', 'message': 'duplicate key value violates unique constraint \"p\"'}"),
    ("value-not-convertible", "could not convert string to float: 'No space left on device'"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "error"), REPEATED)
def test_what_an_error_repeats_of_queries_and_rows_is_no_cause(tmp_path: Path, rule: str, error: str) -> None:
    lines = failing_locally(f"Execution failed: {error}")
    found = analyze(run_dir(tmp_path, lines, steps=CHAIN)).findings
    errors = {finding.rule for finding in found if str(finding.severity) == "error"}
    assert rule in errors
    assert errors <= {rule, "query-failed"}


CODES = [
    ("table-missing", "(pymysql.err.ProgrammingError) (1146, \"Tabelle 'm.a' nicht gefunden\")", "table 'm.a' was not found"),
    ("table-missing", "(psycopg2.errors.UndefinedTable) la relation « films » n'existe pas", "table 'films' was not found"),
    ("authentication-failed", "(1045, \"Zugriff verweigert (verwendetes Passwort: JA)\")", "rejected"),
    ("permission-denied", "(1044, \"Access denied for user 'r'@'%' to database 'm'\")", "access was denied"),
    ("query-failed", "(1356, \"View 'm.v' references invalid table(s) or definer/invoker of view lack rights to use them\")", "view"),
    ("constraint-violated", "{'code': '23503', 'message': 'Einfuegen verletzt Fremdschluessel'}", "another table"),
    ("database-read-only", "(1792, 'Transaktion ist READ ONLY')", "rejected writes"),
    ("lock-conflict", "{'S': 'ERROR', 'C': '40P01', 'M': 'Verklemmung entdeckt'}", "another transaction"),
    ("authentication-failed", "Error PGRST301:\nMessage: jeton invalide", "key or token"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "error", "words"), CODES)
def test_code_tells_the_cause_in_every_language(tmp_path: Path, rule: str, error: str, words: str) -> None:
    cause = cause_of(tmp_path, error)
    assert (cause.rule, str(cause.confidence)) == (rule, "high")
    assert words in cause.message


KINDS = [
    ("out-of-memory", "MemoryError", ""),
    ("connection-refused", "ConnectionRefusedError", "[Errno 111] Connect call failed ('10.0.0.5', 5432)"),
    ("network-timeout", "ReadTimeout", ""),
    ("network-timeout", "TimeoutError", ""),
    ("dependency-missing", "ModuleNotFoundError", "psycopg2"),
    ("driver-exited", "SystemExit", "1"),
    ("table-missing", "UndefinedTable", "Relation existiert nicht"),
    ("join-refused", "MergeError", "the right frame has a key twice"),
    ("driver-raised", "AssertionError", ""),
]


@pytest.mark.parametrize(("rule", "kind", "error"), KINDS)
def test_class_of_an_error_is_read_with_its_text(tmp_path: Path, rule: str, kind: str, error: str) -> None:
    cause = cause_of(tmp_path, error, kind)
    assert cause.rule == rule
    assert kind in cause.evidence[0].quote or error.partition(" Connect")[0] in cause.evidence[0].quote


RAISED = "Traceback (most recent call last):\npsycopg.errors.UndefinedTable: Relation »a« existiert nicht\n"
WRAPPED = "\nThe above exception was the direct cause of the following exception:\n\nRuntimeError: extraction failed\n"
HANDLED = "\nDuring handling of the above exception, another exception occurred:\n\nRuntimeError: extraction failed\n"


@pytest.mark.parametrize(("end", "rule"), [(WRAPPED, "table-missing"), (HANDLED, "unexplained-failure")])
def test_code_in_a_traceback_counts_where_it_is_the_cause(tmp_path: Path, end: str, rule: str) -> None:
    assert cause_of(tmp_path, "extraction failed", "RuntimeError", RAISED + end).rule == rule


@pytest.mark.parametrize(
    ("error", "fitting", "wrong"),
    [
        ("(1040, 'Too many connections')", "raise the connection limit", "firewall"),
        ("(1129, \"Host '10.0.0.4' is blocked because of many connection errors\")", "unblock", "TRY_CAST"),
        ("(pymysql.err.InternalError) (1290, 'The server is running with the --read-only option')", "primary", "TRY_CAST"),
        ("(pymysql.err.OperationalError) (1242, 'Subquery returns more than 1 row')", "correct the query", "TRY_CAST"),
        ('Binder Error: Ambiguous reference to column name "id" (use: "a.id" or "b.id")', "table name", "TRY_CAST"),
        ("{'code': '23502', 'message': 'null value violates not-null constraint'}", "default", "upsert"),
        ("{'code': '23514', 'message': 'new row violates check constraint \"c\"'}", "does not allow", "upsert"),
        ("Out of Memory Error: failed to offload data block of size 256.0 KiB", "max_temp_directory_size", "let frames spill"),
        ("ERROR:  out of memory", "server", "let frames spill"),
        ("Binder Error: Referenced column \"x\" not found in FROM clause!\nCandidate bindings: : ", "use a column name", "suggests"),
        ("'charmap' codec can't encode character '\\u0159' in position 12", "utf-8", "latin-1"),
        ("Supabase write failed: Out of range float values are not JSON compliant", "NULL", "logged"),
    ],
)  # fmt: skip
def test_advice_fits_the_error(tmp_path: Path, error: str, fitting: str, wrong: str) -> None:
    cause = cause_of(tmp_path, error)
    assert fitting in cause.fix
    assert wrong not in cause.fix + cause.message


def test_key_that_a_step_without_inputs_misses_is_no_column(tmp_path: Path) -> None:
    lines = [
        worker("step_start", 1, step_id="extract", driver="mysql.extractor"),
        worker("step_failed", 2, step_id="extract", error="'password'", error_type="KeyError"),
        worker("cleanup_complete", 3),
    ]
    found = analyze(run_dir(tmp_path, lines, steps=CHAIN[:1])).findings
    assert "column-missing" not in {finding.rule for finding in found}


@pytest.mark.parametrize(
    "line",
    ['    password = os.environ["X_PASSWORD"]', '  File "<frozen os>", line 679, in __getitem__'],
)
def test_key_of_the_environment_is_a_variable(tmp_path: Path, line: str) -> None:
    cause = cause_of(tmp_path, "'X_PASSWORD'", "KeyError", f"Traceback:\n{line}\nKeyError: 'X_PASSWORD'\n")
    assert cause.rule == "environment-variable-missing"
    assert "X_PASSWORD" in cause.message


@pytest.mark.parametrize(
    ("error", "begun", "rule"),
    [
        ("The sandbox was not found: The sandbox was killed or reached its timeout.", True, "sandbox-lost"),
        ("Sandbox i410c not found", True, "sandbox-lost"),
        ("Sandbox i410c not found", False, "sandbox-unavailable"),
        ("SandboxException: 400: Timeout cannot be greater than 1 hours", False, "sandbox-unavailable"),
        ("401: Unauthorized, please check your credentials. - wrong key", False, "sandbox-unavailable"),
    ],
)
def test_sandbox_is_lost_only_where_something_had_begun_in_it(
    tmp_path: Path, error: str, begun: bool, rule: str
) -> None:
    began = [local("step_start", 1, step_id="extract", driver="mysql.extractor")] if begun else []
    lines = [
        local("adapter_selected", adapter="e2b"),
        *began,
        local("run_error", 3, phase="execute", error=f"E2B execution failed: {error}"),
        local("run_end", 4, duration_seconds=4.0),
    ]
    cause = analyze(run_dir(tmp_path, lines, steps=CHAIN)).root_cause
    assert cause is not None
    assert cause.rule == rule


def _error_classes() -> list[str]:
    modules = [import_module(module.name) for module in walk_packages(rules.__path__, f"{rules.__name__}.")]
    values = [value for module in modules for value in vars(module).values()]
    patterns = [each for value in values for each in (value if isinstance(value, tuple) else (value,))]
    return [each.error_class for each in patterns if isinstance(each, ErrorPattern) and each.error_class]


def test_each_error_class_belongs_to_one_pattern() -> None:
    classes = {family.error_class for family in CODE_FAMILIES.values() if family.error_class}
    assert sorted(_error_classes()) == sorted({*ERROR_CODES, *classes})


@pytest.mark.parametrize("code", sorted({code for codes in ERROR_CODES.values() for code in codes.split()}))
def test_each_code_is_read_where_its_driver_writes_it(code: str) -> None:
    forms = (f'({code}, "x")', f"{{'code': '{code}', 'message': 'x'}}", f"(psycopg2.errors.{code}) x")
    assert any(find_error_code(form) for form in forms)


def test_code_in_a_query_or_a_row_is_none_of_the_error() -> None:
    assert find_error_code("Execution failed on sql 'SELECT \"(1146, \"': boom") is None
    assert find_error_code("could not convert string to float: '(1045, \"'") is None


PIECES = ("Execution failed on sql '", "': (", "[SQL: ", "]", "LINE 1: ", "Key (a)=(", ") already exists", "convert string ", "'", '"', "\n", " near '", "' at line 1", "x", "\\")  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=30).map("".join))
def test_what_is_blanked_leaves_everything_else_in_its_place(text: str) -> None:
    own = without_echoed_text(text)
    assert len(own) == len(text)
    assert all(a in (b, "_") for a, b in zip(own, text, strict=True))
    assert [place for place, letter in enumerate(own) if letter == "\n"] == [
        place for place, letter in enumerate(text) if letter == "\n"
    ]
