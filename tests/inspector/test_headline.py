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


SALESFORCE = (
    "Malformed request https://acme.my.salesforce.com/services/data/v59.0/query/. Response content: [{'message': "
    "\"\\nSELECT Id, Amout FROM Opportunity\\n           ^\\nERROR at Row:1:Column:12\\nNo such column 'Amout' on entity "
    "'Opportunity'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field "
    "name. Please reference your WSDL or the describe call for the appropriate names.\", 'errorCode': 'INVALID_FIELD'}]"
)
HELP = " Read the guide for more. It lists what the service offers and how to use it well." * 5
REASONS = [
    (SALESFORCE, "No such column 'Amout'"),
    (f"The job ended.{HELP} Cannot coerce NULL in table `orders` column `id`.{HELP}", "column `id`"),
    (f"Sync stopped.{HELP} Field sku is required.{HELP}", "sku is required"),
    (f"Sync stopped.{HELP} The quota exceeds 5 GB: QUOTA_LIMIT_REACHED.{HELP}", "quota exceeds 5 GB"),
]


@pytest.mark.parametrize(("text", "reason"), REASONS)
def test_sentence_with_reason_in_middle_stays(text: str, reason: str) -> None:
    assert reason in error_headline(text)


def test_reason_at_end_wins_over_middle_without_one() -> None:
    line = error_headline(f"The job ended.{HELP} The table 'orders' has 5 rows.{HELP} Column 'id' is missing")
    assert line.endswith("Column 'id' is missing")


def test_long_line_without_sentences_is_shortened_fast() -> None:
    started = error_headline("a'" * 50_000 + " must ." * 10_000)
    assert len(started) <= LIMIT * 2


def test_tag_in_quotes_stays_a_name() -> None:
    text = 'column "city" not found! Candidate bindings: "<!DOCTYPE html>"; step \'extract\' has one column'
    assert error_headline(text) == text


def test_text_after_a_page_stays() -> None:
    page = '"<html><head><title>Forbidden</title></head></html>"'
    assert (
        error_headline(f"the answer {page} is not JSON") == "the answer \"HTML page 'Forbidden'\" is not JSON"
    )


@pytest.mark.parametrize(
    "middle", ["[SQL: SELECT 1]\n[parameters: (1,)]\n(Background on this error at: x)", " … "]
)
def test_headline_has_no_two_ellipses_in_a_row(middle: str) -> None:
    line = error_headline(f"(x.Error) {'one thing led to another ' * 7}{middle}{'and so it went on ' * 12}")
    assert "… …" not in line
    assert "……" not in line


def test_single_ellipsis_stays() -> None:
    assert error_headline("cannot read 'a … b'") == "cannot read 'a … b'"
