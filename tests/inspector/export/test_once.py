"""What the cause has said is not said again by its evidence, its own finding, and its consequences."""

from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export.shared.deduplicate import additional_text, drop_repeated_error
from tests.inspector.export.accept import rendered
from tests.inspector.making import CHAIN, failing_locally, run_dir

ERROR = 'connection to server at "10.0.0.5" failed: no entry for host "10.0.0.9"'
SAID = f"the server does not let this client in: {ERROR}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (SAID, "the server does not let this client in: …"),
        (f"the server was reached: {ERROR}", "the server was reached: …"),
        (f"reached: OtherError: {ERROR}", "reached: OtherError: …"),
        ("the step got no frame", "the step got no frame"),
        (f"reached: {ERROR} and more", f"reached: {ERROR} and more"),
        ("a: short", "a: short"),
    ],
)
def test_only_an_error_that_was_told_as_a_whole_is_left_out(text: str, left: str) -> None:
    assert drop_repeated_error(text, SAID) == left


@pytest.mark.parametrize(
    ("quote", "left"),
    [
        ('connection to server at \\"10.0.0.5\\" failed: no entry for host \\"10.0.0.9\\"', ""),
        (
            'Error: connection to server at \\"10.0.0.5\\" failed: no entry for host \\"10.0.0.9\\"\\nHINT: look',
            "Error: … HINT: look",
        ),
        ('"rows": 14', '"rows": 14'),
        ("no entry for host", "no entry for host"),
        (
            "something else that is long enough to be looked for",
            "something else that is long enough to be looked for",
        ),
        ("cut within a sign \\", "cut within a sign \\"),
    ],
)
def test_a_quote_shows_what_the_cause_does_not(quote: str, left: str) -> None:
    assert additional_text(quote, SAID) == left


def test_report_states_an_error_and_its_line_once(tmp_path: Path) -> None:
    error = "ValueError: something that no rule knows and that takes a whole line of the report"
    found = analyze(run_dir(tmp_path, failing_locally(error), steps=CHAIN))
    assert found.root_cause is not None
    text = " ".join(rendered("text", found).split())
    assert text.count("that no rule knows") == 1
    assert text.count(str(found.root_cause.evidence[0])) == 1


def test_error_that_is_not_shown_again_is_not_counted(tmp_path: Path) -> None:
    error = "[Errno 2] No such file or directory: 'x.csv'; 'NoneType' object has no attribute 'groupby'"
    found = analyze(run_dir(tmp_path, failing_locally(error, "acme.load"), steps=CHAIN))
    text = rendered("text", found)
    assert len([finding for finding in found.findings if finding.severity == "error"]) > 1
    shown = text.count("✗ error ") + 1
    assert ("1 error," in text or "1 error ·" in text) == (shown == 1)


def test_evidence_that_the_cause_repeats_is_not_empty(tmp_path: Path) -> None:
    error = "ValueError: something that no rule knows and that takes a whole line of the report"
    found = analyze(run_dir(tmp_path, failing_locally(error), steps=CHAIN))
    lines = [line.strip() for line in rendered("text", found).splitlines()]
    assert "events.jsonl:3 (the text above)" in lines


def test_long_quote_does_not_end_inside_a_word(tmp_path: Path) -> None:
    error = "ValueError: " + "the loader met a problem of an unknown kind, " * 4 + "remove or change the rows"
    found = analyze(run_dir(tmp_path, failing_locally(error), steps=CHAIN))
    quotes = [item.quote for finding in found.findings for item in finding.evidence if len(item.quote) > 100]
    assert quotes
    assert all(error[error.find(quote) + len(quote) :][:1] in ("", " ") for quote in quotes)
