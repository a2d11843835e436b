"""What an error means depends on when it was raised and on who answered."""

from pathlib import Path

import pytest

from tests.inspector.test_words_of_errors import ON_SQL, cause_of

REFUSED = "(1045, \"Access denied for user 'app'@'%' (using password: YES)\")"
PACKAGE = "/opt/lib/python3.11/site-packages/pymysql/"
QUERY = (
    f'Traceback (most recent call last):\n  File "{PACKAGE}cursors.py", line 153, in execute\n'
    "    result = self._query(query)\npymysql.err.OperationalError: " + REFUSED + "\n"
)
LOGIN = QUERY.replace(
    "pymysql.err", f'  File "{PACKAGE}connections.py", line 353, in connect\n    self._request()\npymysql.err'
)


@pytest.mark.parametrize(
    ("error", "traceback", "rule"),
    [
        (REFUSED, LOGIN, "authentication-failed"),
        (REFUSED, "", "authentication-failed"),
        (REFUSED, QUERY, "permission-denied"),
        (ON_SQL.format("SELECT * FROM v") + REFUSED, "", "permission-denied"),
    ],
)
def test_refusal_after_the_login_is_not_the_password(
    tmp_path: Path, error: str, traceback: str, rule: str
) -> None:
    cause = cause_of(tmp_path, error, "OperationalError", traceback)
    assert cause.rule == rule
    assert ("definer" in (cause.fix or "")) == (rule == "permission-denied")


@pytest.mark.parametrize(
    "error",
    [
        'connection to server at "127.0.0.1", port 3306 failed: received invalid response to SSL negotiation: J',
        "expected authentication request from server, but received H",
        "Packet sequence number wrong - got 45 expected 0",
        "illegal status line: bytearray(b'J\\x00\\x00\\x00')",
        "('Connection aborted.', BadStatusLine('SSH-2.0-OpenSSH_9.2\\r\\n'))",
    ],
)
def test_answer_of_another_kind_of_server_blames_the_address(tmp_path: Path, error: str) -> None:
    cause = cause_of(tmp_path, error)
    assert cause.rule == "connection-failed"
    assert "another kind of server" in cause.message
    assert "host and port" in (cause.fix or "")


def test_packet_out_of_order_is_still_a_lost_connection(tmp_path: Path) -> None:
    assert cause_of(tmp_path, "Packet sequence number wrong - got 1 expected 2").rule == "connection-lost"


@pytest.mark.parametrize(
    ("location", "fix"),
    [
        ("https://sso.acme.example/login?next=%2Fv1", "login page"),
        ("https://www.acme.example/v2/items", "redirects to"),
    ],
)
def test_redirect_to_a_login_page_is_about_the_key(tmp_path: Path, location: str, fix: str) -> None:
    error = f"Redirect response '302 Found' for url 'http://api/v1'\nRedirect location: '{location}'"
    assert fix in (cause_of(tmp_path, error).fix or "")


@pytest.mark.parametrize(
    ("error", "skips"),
    [
        ("Error tokenizing data. C error: Expected 1 fields in line 3, saw 5", True),
        ("Error tokenizing data. C error: Expected 4 fields in line 3, saw 5", False),
        ("Error tokenizing data. C error: Expected 1 fields in line 3, saw 2", False),
    ],
)
def test_lines_of_one_field_may_be_a_title(tmp_path: Path, error: str, *, skips: bool) -> None:
    assert ("the first 2 lines" in (cause_of(tmp_path, error).fix or "")) == skips
