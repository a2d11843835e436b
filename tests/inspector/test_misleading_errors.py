"""Errors whose words suggest another cause, or that are close to an error with another remedy."""

from pathlib import Path

import pytest

from tests.inspector.test_words_of_errors import cause_of

QUOTED = [
    ("ArrowInvalid", 'CSV parse error: Expected 5 columns, got 6: 7,"connection refused",2025-01-01,3,4,x', "number of fields", "server"),
    ("HTTPException", "HTTP Error: HTTP GET error on 'https://h/no space left on device.parquet' (HTTP 404)", "the URL", "disk"),
    ("PermissionError", "[Errno 13] Permission denied: 'connection refused.txt'", "operating system", "server"),
    ("ValidationError", "1 validation error for Row\namount\n  Input should be a valid integer [type=int_parsing, input_value='Connection refused', input_type=str]", "valid integer", "server"),
    ("RuntimeError", "expected at most 3 retries after 'rate limit exceeded', config says 0", "retries", "run again later"),
    ("AssertionError", "expected text 'No space left on device' in column note, got 'ok'", "in column note", "free disk"),
    ("ValueError", "row 17: status must be one of ['ok', 'timed out', 'connection refused'], got 'oops'", "does not allow this value", "server"),
    ("ApiError", "job 771 failed: worker log says \"OSError: [Errno 28] No space left on device\"", "job 771", "free disk"),
    ("RuntimeError", "upload: " + "row 1 'connection refused' accepted; " * 60 + "row 9 rejected: price is negative", "row 1", "server"),
    ("CalledProcessError", "Command '['dbt', 'run', 'connection refused']' returned non-zero exit status 1.", "dbt", "server"),
]  # fmt: skip
"""The class and the text of an error, words of its cause, and words of the cause that quoted text suggests."""

REASONS = [
    ("OperationalError", "(2003, 'Connection refused')", "did not accept"),
    ("APIError", "{'message': 'Connection refused'}", "did not accept"),
    ("RpcError", "status=14 details='Connection refused'", "did not accept"),
    ("RuntimeError", "the service returned 404 Not Found", "the URL"),
    ("ApiError", "Load failed (503 Service Unavailable)", "unavailable"),
    ("RuntimeError", "upload failed with error 'Connection refused'", "did not accept"),
    ("RuntimeError", "cannot write 'a.csv': No space left on device", "disk was full"),
]
"""Errors whose reason is a value, or is beside a quoted name."""

CLOSE = [
    ("BadRequestException", '(400) HTTP response body: {"error": "invalid API key: failed to read its team: dial tcp 10.0.0.7:5432: connect: connection refused"}', "depends on itself", "credentials"),
    ("AuthenticationException", "401: invalid API key: see how to dial in to the console", "credentials", "depends on"),
    ("CatalogException", "Catalog Error: Table with name orders does not exist!\nDid you mean \"lake.raw.orders\"?", "the database and the schema", "create the table"),
    ("CatalogException", "Catalog Error: Table with name orders does not exist!\nDid you mean \"lake.raw.border\"?", "correct the table name", "the schema of"),
    ("MergeError", "No common columns to perform merge on. Merge options: left_on=None", "left_on", "same type"),
    ("ValueError", "You are trying to merge on int64 and str columns for key 'id'.", "same type", "unique"),
    ("MergeError", "Merge keys are not unique in right dataset; not a one-to-one merge", "more than once", "type"),
    ("ValueError", "columns overlap but no suffix specified: Index(['id'], dtype='str')", "lsuffix", "same type"),
    ("ValueError", "cannot reindex on an axis with duplicate labels", "same label", "same type"),
    ("BadZipFile", "Bad CRC-32 for file 'connection_reset.csv'", "damaged", "correct its name"),
    ("error", "Error -3 while decompressing data: invalid distance too far back", "damaged", "correct its name"),
    ("XLRDError", "Excel xlsx file; not supported", "openpyxl", "HTML"),
    ("OSError", "[Errno 122] Disk quota exceeded: '/home/etl/out.csv'", "quota", "the disk was full"),
    ("OSError", "[Errno 28] No space left on device: '/dev/shm/psm_7a1b'", "shared memory", "the disk was full"),
    ("OSError", "[Errno 23] Too many open files in system: 'a.csv'", "whole system", "ulimit"),
    ("BrokenPipeError", "[Errno 32] Broken pipe", "pipe", "the server had responded"),
    ("DockerException", "('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", "socket", "restart"),
    ("DockerException", "('Connection aborted.', PermissionError(13, 'Permission denied'))", "socket", "restart"),
    ("InterruptException", "INTERRUPT Error: Interrupted!", "interrupted", "server log"),
    ("OperationalError", "unable to open database file", "directory must exist", "damaged"),
    ("NotFound", "404 Not found: Table proj:ds.sales was not found in location EU", "project.dataset.table", "run again"),
    ("error_perm", "550 No such file or directory: orders.csv", "550", "working directory"),
    ("BrokenProcessPool", "A process in the process pool was terminated abruptly", "pool", "the worker process ended"),
    ("JSONDecodeError", "Expecting value: line 1 column 1 (char 0)", "the file", "response was not"),
    ("JSONEncodeError", "Dict key must be str", "key", "isoformat"),
    ("UnicodeEncodeError", "'utf-8' codec can't encode character '\\udce9' in position 4: surrogates not allowed", "not decoded", "half"),
    ("ModuleNotFoundError", "No module named 'distutils'", "setuptools", "install the package or file"),
    ("AttributeError", "'Series' object has no attribute 'iteritems'", "version of pandas", "version of Series"),
    ("ValueError", "row 409: Conflict column is negative", "row 409", "compare the rows"),
    ("ValueError", "order 404 not found in target", "order 404", "URL"),
    ("ValueError", "expected 401 unauthorized rows, got 400", "401", "key or password"),
    ("HTTPError", "403 Client Error: rateLimitExceeded for url: https://h/", "rate limit", "permission"),
    ("TimeoutError", "[Errno 110] Connection timed out: '/nfs/x.csv'", "mount", "server"),
    ("OSError", "[Errno 112] Host is down: '/mnt/smb/x.csv'", "mount", "server"),
    ("RuntimeError", "campaign was killed by SIGMA team", "SIGMA", "worker's log"),
    ("RuntimeError", "customer marked Deadlock found in column note", "column note", "transaction"),
    ("RuntimeError", "vendor feed ended: EOF detected before trailer", "trailer", "server"),
    ("ValueError", "subject line: Bad Gateway maintenance notice is too long", "subject", "run again later"),
    ("PermissionException", "Permission Error: Cannot access file \"/x\" - file system operations are disabled by configuration", "settings of", "correct the query"),
    ("NotImplementedException", "Not implemented Error: Data type 'period[M]' not recognized", "convert the column", "correct the query"),
    ("PermissionError", "[Errno 13] Permission denied", "denied access", "mode of the file"),
    ("KeyError", "'access_token'", "if it is a column", "\N{EM DASH} column"),
]  # fmt: skip
"""As ``QUOTED``, for errors that one remedy for all of their kind does not fit."""


@pytest.mark.parametrize(("kind", "error", "right", "wrong"), QUOTED + CLOSE)
def test_misleading_error_keeps_its_own_cause(
    tmp_path: Path, kind: str, error: str, right: str, wrong: str
) -> None:
    cause = cause_of(tmp_path, error, kind)
    words = f"{cause.message} {cause.fix}"
    assert right in words
    assert wrong not in words.replace(error, "")


@pytest.mark.parametrize(("kind", "error", "right"), REASONS)
def test_reason_in_a_value_is_found(tmp_path: Path, kind: str, error: str, right: str) -> None:
    assert right in cause_of(tmp_path, error, kind).message
