"""The ways in which pipelines are known to fail, by where: each is met by a test, with the words a person reads.

M: compiling. C: connections. S: sources. T: transforming. W: writing. What cannot happen here says why.
"""

import inspect
from dataclasses import dataclass
from importlib import import_module

import pytest


@dataclass(frozen=True)
class Met:
    """A way to fail, and the test that meets it.

    Attributes:
        words: what a person reads, as it stands in the test; None where it does not fail here.
    """

    what: str
    module: str
    test: str
    words: str | None = None


PLACES = "test_what_is_wrong_is_named_with_its_place"
NO_TABLE = "test_a_file_that_is_no_table_is_named_with_the_reason"
OF_MYSQL = "test_why_no_connection_came_about_names_the_connection_and_no_password"
OF_SQL = "test_what_is_wrong_with_a_query_is_said_in_the_servers_words"
OF_DUCKDB = "test_what_is_wrong_is_said_with_its_line_and_what_there_is"
OF_REST = "test_a_refused_write_says_why"
NEVER_MISSING = "test_a_server_that_cannot_be_used_is_never_taken_for_a_missing_table"

WAYS: dict[str, list[Met]] = {
    "M01": [Met("a need that is no step", "compile", PLACES, "step 'j' needs unknown step 'k'")],
    "M02": [Met("steps out of order", "compile", "test_steps_written_in_another_order_run_after_what_they_need")],
    "M03": [Met("needs in a circle", "compile", PLACES, "steps need each other in a cycle: j → k → j")],
    "M04": [Met("one id twice", "compile", PLACES, "step id 'a' is a duplicate of line 4")],
    "M05": [
        Met("an id that leads elsewhere", "compile", PLACES, "step id '../a' is invalid"),
        Met("and in the worker", "worker", "test_no_configuration_outside_the_run_directory_is_opened"),
    ],
    "M06": [Met("an unknown component", "compile", PLACES, "did you mean 'filesystem.csv_extractor'?")],
    "M07": [Met("an unknown key", "compile", PLACES, "unknown key 'pth' for filesystem.csv_extractor; did you mean 'path'?")],
    "M08": [Met("a secret in the pipeline", "compile", PLACES, "'password' is a secret in the pipeline file")],
    "M09": [Met("a parameter without a value", "compile", PLACES, "parameter 'x' is not declared; add params: {x: <default>} to the pipeline")],
    "M10": [
        Met("no version", "compile", PLACES, "oml_version is missing; add oml_version:"),
        Met("another version", "compile", PLACES, "oml_version '9' is not supported"),
    ],
    "M11": [
        Met("no primary_key", "components", "test_a_key_that_another_makes_required_is_asked_for", "lacks 'primary_key', which supabase.writer requires with write_mode"),
        Met("primary_key taken for a secret", "components", "test_a_key_column_is_no_secret_and_stands_in_the_compiled_configuration"),
    ],
    "M12": [Met("a compiled file is gone", "components", "test_last_compile_is_run_without_its_pipeline", "has no configuration cfg/write-stats.json; compile the pipeline again")],
    "M13": [
        Met("a configuration did not reach the worker", "worker_files", "test_a_file_that_did_not_come_is_named", "missing in the worker, sha256:"),
        Met("another one did", "worker_files", "test_a_file_that_came_otherwise_is_named_with_both_hashes", "on the host"),
    ],
    "M14": [Met("a mode that a component has not", "compile", PLACES, "filesystem.csv_extractor does not support mode 'write'")],
    "M15": [
        Met("no path", "compile", PLACES, "config of step 'a' lacks 'path', which filesystem.csv_extractor requires"),
        Met("a blank query", "compile", PLACES, "config of step 'q' lacks 'query', which postgres.extractor requires"),
        Met("a table without a name", "compile", PLACES, "config of step 'w' lacks 'table', which supabase.writer requires"),
        Met("a query of comments", "duckdb", OF_DUCKDB, "query has no statement"),
    ],
    "C01": [Met("a variable that is not set", "connections", "test_each_variable_that_is_not_set_is_named_with_file_line_connection_and_key", "takes 'password' from the environment variable DB_PASSWORD")],
    "C02": [Met("an unknown alias", "connections", "test_an_unknown_alias_names_the_place_the_file_and_what_there_is", "has no connection mysql.mian; did you mean 'main'?")],
    "C03": [
        Met("an unknown family", "connections", "test_an_unknown_family_says_which_there_are", "has no connections of family 'supabase'"),
        Met("no file", "connections", "test_without_a_file_the_message_says_where_it_was_looked_for", "no connections file; create"),
    ],
    "C04": [Met("another family", "connections", "test_a_reference_that_cannot_be_is_found_by_compiling", "is of family 'supabase'; mysql.extractor requires family 'mysql'")],
    "C05": [
        Met("a reference of another form", "connections", "test_a_reference_that_cannot_be_is_found_by_compiling", "write @mysql.<alias>, or @mysql for the default connection"),
        Met("a family alone", "connections", "test_which_alias_a_reference_means"),
    ],
    "C06": [Met("a wrong password", "mysql", OF_MYSQL, "(1045) Access denied for user"), Met("the same", "postgres", OF_MYSQL, "check user and password of the connection")],
    "C07": [Met("nothing listens", "mysql", OF_MYSQL, "connection refused; check host and port, and whether the server runs"), Met("no answer", "mysql", "test_a_server_that_does_not_answer_is_given_up", "no answer in time: the port accepted the connection, but sent no MySQL greeting; check the port")],
    "C08": [Met("a host without an address", "mysql", OF_MYSQL, "host 'nope.invalid' is not known"), Met("the same", "postgres", OF_MYSQL, "host 'nope.invalid' is not known; check host")],
    "C09": [Met("the reason is hidden", "mysql", OF_MYSQL, "MySQL connection failed: @mysql.main (osiris at 127.0.0.1:{port}): (1045)")],
    "C10": [
        Met("a password of odd letters", "mysql", "test_a_password_may_hold_what_addresses_are_made_of"),
        Met("the same in an address", "postgres", "test_an_address_may_hold_its_password_escaped_or_as_it_is"),
    ],
    "C11": [
        Met("a missing privilege", "mysql", OF_SQL, "(1142) SELECT command denied to user"),
        Met("the same", "postgres", "test_a_privilege_that_is_missing_is_named", "(42501) permission denied for table stats; the user lacks a privilege; nothing was written; GRANT it"),
        Met("the same over REST", "supabase", "test_a_privilege_that_the_key_lacks_is_named", "the key's role lacks a privilege; nothing was written; "),
    ],
    "C12": [
        Met("no database", "mysql", OF_MYSQL, "has no 'database'"),
        Met("no user", "postgres", OF_MYSQL, "has no 'user' and no dsn"),
        Met("no key", "supabase", NEVER_MISSING, "has no 'key'"),
    ],
    "C13": [Met("base_dir", "csv", "test_the_connection_says_where_paths_start")],
    "S01": [
        Met("an unknown table", "mysql", OF_SQL, "(1146) Table 'movies.moviez' doesn't exist; check the names of tables in the query; did you mean 'movies'?"),
        Met("an unknown column", "mysql", OF_SQL, "(1054) Unknown column 'titel' in 'SELECT'; check the names of columns in the query"),
        Met("an unknown table", "postgres", OF_SQL, "check the names of tables"),
    ],
    "S02": [Met("SQL that is none", "mysql", OF_SQL, "(1064) You have an error in your SQL syntax")],
    "S03": [Met("a percent sign", "mysql", "test_a_percent_sign_in_the_query_is_one")],
    "S04": [Met("no such file", "csv", NO_TABLE, "CSV file not found: a.csv"), Met("a pattern of none", "csv", NO_TABLE, "no file matches x-*.csv")],
    "S05": [Met("a folder", "csv", NO_TABLE, "is a folder, not a CSV file")],
    "S06": [Met("another encoding", "csv", NO_TABLE, "a.csv is not utf-8: invalid start byte (9e); set encoding")],
    "S07": [Met("a ragged file", "csv", NO_TABLE, "Expected 2 fields in line 3, saw 3; correct line 3: quote the field that contains the delimiter")],
    "S08": [Met("a column that is gone", "csv", NO_TABLE, "a.csv has no column 'c', named in columns; it has a, b")],
    "T01": [Met("SQL that is none", "duckdb", OF_DUCKDB, "in line 2 of its query, Parser Error: syntax error")],
    "T02": [Met("an unknown column", "duckdb", OF_DUCKDB, "Candidate bindings: ")],
    "T03": [Met("a value that is no number", "duckdb", OF_DUCKDB, "Conversion Error: Could not convert string 'Ana' to INT32")],
    "T04": [Met("not enough memory", "duckdb", "test_more_than_the_memory_it_may_use_is_an_error_that_says_so", "raise memory_limit, or read less in one statement")],
    "T05": [
        Met("an unknown table", "duckdb", OF_DUCKDB, "tables here: df, df_extract_movies, input_df"),
        Met("found before it runs", "lint", "test_what_sql_reads_is_held_against_the_inputs", "reads table 'df_b', which is not an input of the step; did you mean 'df_b_2'?"),
    ],
    "W01": [
        Met("no such table", "postgres", "test_a_refused_write_leaves_the_table_as_it_was_and_says_why", "table public.stat does not exist; did you mean 'stats'?"),
        Met("the same over REST", "supabase", OF_REST, "table public.nope does not exist; set create_if_missing: true, with pg_dsn in the connection"),
    ],
    "W02": [
        Met("a wrong key", "supabase", NEVER_MISSING, "(PGRST301) JWSError JWSInvalidSignature; nothing was written; check key of the connection"),
        Met("nothing listens", "supabase", NEVER_MISSING, "connection refused; nothing was written; check url, and whether the server runs"),
    ],
    "W03": [Met("a table that is only planned", "supabase", OF_REST, "table public.nope does not exist; set pg_dsn in the connection: only SQL can create a table")],
    "W04": [Met("a replace that only adds", "supabase", "test_replace_removes_every_stale_row_however_many_pages_they_fill")],
    "W05": [Met("a replace that cannot remove", "supabase", "test_a_replace_that_cannot_remove_says_what_is_written_and_what_stays", "some stale rows may remain; run the step again")],
    "W06": [
        Met("a table that cannot be made", "supabase", "test_a_table_that_cannot_be_made_is_named_and_nothing_is_called_written", "cannot be created: (42501) permission denied for schema public"),
        Met("the same over SQL", "postgres", "test_a_refused_write_leaves_the_table_as_it_was_and_says_why", "(42501) permission denied for schema pg_catalog"),
    ],
    "W08": [
        Met("a key that is there", "postgres", "test_a_refused_write_leaves_the_table_as_it_was_and_says_why", "(23505) duplicate key value violates unique constraint"),
        Met("the same over REST", "supabase", "test_a_batch_that_fails_says_how_many_rows_were_written_before", "3 of 5 rows were written before and stay"),
    ],
    "W09": [
        Met("an unknown column", "postgres", "test_a_refused_write_leaves_the_table_as_it_was_and_says_why", "table public.stats has no column 'idd'; it has id, name, n; did you mean 'id'?"),
        Met("the same over REST", "supabase", OF_REST, "(42703) column nam does not exist; nothing was written"),
    ],
    "W10": [
        Met("tries used up", "supabase", "test_retries_that_are_used_up_say_how_many_rows_stay", "(HTTP 503) fault; nothing was written"),
        Met("an answer that was lost", "supabase", "test_an_insert_whose_answer_was_lost_is_not_sent_again", "unknown whether rows were written; look which rows were written before the step runs again; upsert can be repeated"),
    ],
    "W11": [
        Met("a full disk", "csv", "test_a_place_that_cannot_be_written_to_is_named", "No space left on device"),
        Met("no such folder", "csv", "test_a_place_that_cannot_be_written_to_is_named", "does not exist; set create_dirs: true"),
    ],
    "W12": [Met("an unknown key", "compile", PLACES, "unknown key 'pth' for filesystem.csv_extractor; did you mean 'path'?")],
    "W13": [
        Met("no client library", "dependencies", "test_the_error_names_modules_and_what_brings_them", "psycopg[binary]"),
        Met("only IPv6", "postgres", "test_a_direct_host_of_supabase_that_only_ipv6_reaches_says_to_use_the_pooler", "use the address of the pooler, which Supabase shows under Connect"),
        Met("sslmode", "postgres", OF_MYSQL, "server does not support SSL, but SSL was required"),
    ],
}  # fmt: skip
CANNOT_BE = {"W07": "a call with the wrong number of arguments, which types rule out"}
HIGHEST = {"M": 15, "C": 13, "S": 8, "T": 5, "W": 13}
EACH = [pytest.param(met, id=f"{name} {met.what}") for name, several in WAYS.items() for met in several]


def test_every_way_is_met_or_cannot_be() -> None:
    known = {f"{where}{number:02}" for where, last in HIGHEST.items() for number in range(1, last + 1)}
    assert {*WAYS, *CANNOT_BE} == known


@pytest.mark.parametrize("met", EACH)
def test_the_test_is_there_and_holds_the_words(met: Met) -> None:
    test = getattr(import_module(f"tests.runtime.test_{met.module}"), met.test)
    source = inspect.getsource(test).replace('\\"', '"').replace("\\'", "'")
    assert met.words is None or met.words in source
