"""The decisive words of an error on one line."""

import pytest

from osiris_inspect.inspector.diagnosis.evidence.headline import LIMIT, error_headline


def test_reason_at_end_of_long_text_stays() -> None:
    line = error_headline(f"POST failed with payload {'x1, ' * 500}: field 'sku' is required")
    assert line.startswith("POST failed")
    assert line.endswith("field 'sku' is required")
    assert len(line) <= LIMIT + 20


def test_focus_in_middle_of_long_text_stays() -> None:
    text = f"sent {'a, ' * 400} (1062, 'Duplicate entry') {'b, ' * 400}"
    assert "Duplicate entry" in error_headline(text, focus="Duplicate entry")


def test_class_is_put_before_text_without_it() -> None:
    assert error_headline("'limit'", "KeyError") == "KeyError: 'limit'"
    assert error_headline("no such thing", "RuntimeError") == "no such thing"


def test_step_prefix_is_left_out() -> None:
    assert error_headline("step 'load': cannot read 'x.csv'") == "cannot read 'x.csv'"


def test_echoed_query_is_left_out() -> None:
    text = "Execution failed on sql 'SELECT a\nFROM moviez': (1146, \"Table 'db.moviez' doesn't exist\")"
    assert error_headline(text) == "Execution failed on sql '…': (1146, \"Table 'db.moviez' doesn't exist\")"


def test_html_page_is_named_by_title() -> None:
    page = "<!DOCTYPE html><html><head><title>521: Web server is down</title></head><body>x</body></html>"
    assert error_headline(f"(HTTP 521) {page}") == "(HTTP 521) HTML page '521: Web server is down'"


def test_traceback_is_reduced_to_exception() -> None:
    text = (
        'Traceback (most recent call last):\n  File "a.py", line 1, in run\n    f()\nValueError: bad value\n'
    )
    assert error_headline(text) == "ValueError: bad value"


@pytest.mark.parametrize("text", ["", "  \n ", "\x00"])
def test_error_without_text_has_a_headline(text: str) -> None:
    assert error_headline(text) == "an error without a text"


def test_secret_across_cut_is_masked() -> None:
    secret = "password=" + "h" * 30 + "9"
    for start in range(40, 120):
        assert "hhhh" not in error_headline("y " * (start // 2) + secret + " z" * 400)


def test_tag_in_quotes_stays_a_name() -> None:
    text = 'column "city" not found! Candidate bindings: "<!DOCTYPE html>"; step \'extract\' has one column'
    assert error_headline(text) == text


def test_text_after_a_page_stays() -> None:
    page = '"<html><head><title>Forbidden</title></head></html>"'
    assert (
        error_headline(f"the answer {page} is not JSON") == "the answer \"HTML page 'Forbidden'\" is not JSON"
    )
