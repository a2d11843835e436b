"""Errors of which only a general word is known, such as the class of an exception: the cause is never certain."""

from pathlib import Path

import pytest

from tests.inspector.test_words_of_errors import cause_of

GENERAL = [
    ("", "Type Error: a list was expected"),
    ("", "Transaction Error: cannot start a transaction within a transaction"),
    ("", "TransactionContext Error: cannot commit"),
    ("", "Dependency Error: the report cannot be dropped"),
    ("", "Constraint Error: quota of the tenant"),
    ("", "Permission Error: the folder is locked"),
    ("", "Binder Error: binding 7 has no label"),
    ("", "Invalid Input Error: the request has no body"),
    ("", "Conversion Error: no rate for XAU"),
    ("", "Out of Range Error: page 9"),
    ("", "Serialization Error: magic byte 7 is unknown"),
    ("", "INTERNAL Error: the queue is gone"),
    ("", "FATAL Error: job 7 has no owner"),
    ("RuntimeError", "CSV parsing failed: the header repeats a name"),
    ("", "CSV Error on Line: 3 column amount is no number"),
    ("MergeError", "the branches have diverged"),
    ("PermissionError", "the role 'etl' may not publish"),
    ("WriteError", "the write did not succeed"),
    ("ReadError", "file could not be opened successfully"),
]
"""The class and the text of an error."""

OTHER_SUBJECT = [
    "Payment Transaction Error: the card was declined",
    "Unit Conversion Error: no factor for stone",
    "Avro Serialization Error: magic byte 7 is unknown",
    "Schema Type Error: a list was expected",
]
"""Errors whose general word belongs to another subject than a database."""

CERTAIN = [
    ("query-failed", "Conversion Error: Could not convert string 'n/a' to INT32"),
    ("query-failed", "Out of Range Error: Overflow in multiplication of INT64 (9 * 9)!"),
    ("query-failed", "Conversion Error: CSV Error on Line: 3\nOriginal Line: 3,n/a\nError when converting column \"n\". Could not convert string \"n/a\" to 'BIGINT'"),
    ("csv-ragged", "Invalid Input Error: CSV Error on Line: 3\nExpected Number of Columns: 2 Found: 3"),
]  # fmt: skip
"""Errors whose text states the cause beside the general word."""


@pytest.mark.parametrize(("kind", "error"), GENERAL)
def test_general_word_is_never_a_certain_cause(tmp_path: Path, kind: str, error: str) -> None:
    assert str(cause_of(tmp_path, error, kind).confidence) in ("medium", "low")


@pytest.mark.parametrize("error", OTHER_SUBJECT)
def test_general_word_of_other_subject_names_no_database(tmp_path: Path, error: str) -> None:
    assert cause_of(tmp_path, error).rule == "unexplained-failure"


@pytest.mark.parametrize(("rule", "error"), CERTAIN)
def test_reason_beside_general_word_is_certain(tmp_path: Path, rule: str, error: str) -> None:
    cause = cause_of(tmp_path, error)
    assert (cause.rule, str(cause.confidence)) == (rule, "high")


def test_encoding_of_csv_file_precedes_its_shape(tmp_path: Path) -> None:
    error = "Invalid Input Error: CSV Error on Line: 2\nInvalid unicode (byte sequence mismatch) detected."
    assert cause_of(tmp_path, error).rule == "encoding-wrong"
