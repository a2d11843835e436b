"""What an error text mentions beside the error: earlier runs, conditions, guesses and data."""

from pathlib import Path

import pytest

from osiris_inspect.inspector.diagnosis.evidence.asides import without_asides
from tests.inspector.test_words_of_errors import cause_of

EARLIER = [
    "price must be positive (the previous run was OOMKilled)",
    "schema version 3 is not supported; last attempt timed out: read timed out",
    "an earlier attempt was killed by SIGKILL; amount is negative",
    "Previous attempt failed with connection refused. Now the mapping has no column for price",
    "field price is missing. Earlier: 503 Service Unavailable",
    "checkpoint 7 is stale: the previous nightly run ended with out of memory",
    "the lock file exists; no space left on device was reported yesterday",
    "the last run was cancelled because a deadlock was found: deadlock detected; the lock file exists",
    "the checkpoint has no rows (previously failed with authentication failed)",
]
CONDITIONS = [
    "if this times out with connection timed out, raise the limit; the mapping has no column for price",
    "the mapping has no column for price. If you see too many requests, wait",
    "To avoid out of memory, set chunk_size; chunk_size must be positive",
    "the payload has no rows, which may be caused by a connection timeout",
    "the payload has no rows; this can happen when there is no space left on device",
    "the payload has no rows. This usually means authentication failed",
    "the page is empty; authentication failed errors are usually caused by a stale token",
    "in case of a deadlock detected by the server, repeat; amount is negative",
]
DATA = [
    "INSERT INTO notes (text) VALUES ('connection refused', 'out of memory') was rejected: amount is negative",
    'batch 7 was rejected: {"id": 7, "note": "connection refused"} is not allowed',
    "row 7: {'error': 'no space left on device', 'id': 1} is not allowed",
    "cannot map the status “connection timed out”",
    "one of ok and failed was expected, got `out of memory`",
    'invalid record: id=7, note="deadlock detected", price=-1',
    "Failing row contains (7, out of memory, connection refused).",
]

STATED = [
    ("connection-refused", "giving up after 3 attempts; last attempt: connection refused"),
    ("connection-refused", "all retries failed; last attempt failed with Connection refused"),
    ("connection-refused", "cannot reconnect after the previous attempt: Connection refused"),
    ("authentication-failed", "tried to resume the previous session: authentication failed"),
    ("connection-refused", 'upload failed: {"error": "connection refused"}'),
    ("out-of-memory", "the step was OOMKilled; the previous run had more memory"),
    ("disk-full", "[Errno 28] No space left on device. If this is a container, mount a volume"),
    ("file-format-wrong", "File is not a zip file"),
    ("driver-raised", "Length of values (3) does not match length of index (5)"),
    ("constraint-violated", "INSERT INTO t VALUES ('out of memory') failed: UNIQUE constraint failed: t.id"),
]
"""The rule and an error that states its cause beside such clauses."""


@pytest.mark.parametrize("error", EARLIER + CONDITIONS + DATA)
def test_aside_of_an_error_is_not_the_cause(tmp_path: Path, error: str) -> None:
    cause = cause_of(tmp_path, error)
    assert (cause.rule, str(cause.confidence)) == ("unexplained-failure", "low")


@pytest.mark.parametrize(("rule", "error"), STATED)
def test_cause_beside_an_aside_is_found(tmp_path: Path, rule: str, error: str) -> None:
    assert cause_of(tmp_path, error).rule == rule


def test_code_of_earlier_attempt_is_not_the_cause(tmp_path: Path) -> None:
    error = "the mapping is empty (an earlier attempt failed with (1045, 'Access denied'))"
    assert cause_of(tmp_path, error).rule == "unexplained-failure"


def test_asides_are_blanked_in_place() -> None:
    text = "a (the previous run\nwas killed) b"
    assert len(without_asides(text)) == len(text)
    assert without_asides(text).startswith("a (")
    assert without_asides(text).endswith("\nwas killed) b")
