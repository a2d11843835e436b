import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.tui import query

TEXT = "step_failed compute-stats error=Timeout after 30 s"
FIELDS = {
    "event": "step_failed",
    "step": "compute-stats",
    "rows": 0,
    "from_memory": True,
    "note": "",
    "error": {"type": "TimeoutError"},
    "a.b": 1,
}


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("", True),
        ("timeout", True),
        ("TIMEOUT 30", True),
        ("timeout 31", False),
        ('"after 30"', True),
        ('"30 after"', False),
        ("-timeout", False),
        ("-memory", True),
        ("compute-stats", True),
        ("step=compute-stats", True),
        ("step=Compute-Stats", True),
        ("step=compute", False),
        ("step~=compute", True),
        ("step!=compute-stats", False),
        ("absent!=x", True),
        ("absent=x", False),
        ("absent=*", False),
        ("step=*", True),
        ("note=", True),
        ("rows=0", True),
        ("from_memory=true", True),
        ("error.type=timeouterror", True),
        ("a.b=1", True),
        ("step=compute-stats timeout -cancelled rows=0", True),
        ("step=compute-stats cancelled", False),
        ('step="compute-stats"', True),
    ],
)
def test_a_filter_keeps(asked: str, kept: bool) -> None:
    assert query.parse(asked).keeps(TEXT, FIELDS) is kept


@given(st.text(), st.text())
def test_anything_can_be_typed(asked: str, text: str) -> None:
    assert query.parse(asked).keeps(text, {}) in (True, False)


@given(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text())
def test_a_word_and_its_negation_never_agree(word: str, text: str) -> None:
    assert query.parse(word).keeps(text, {}) is not query.parse(f"-{word}").keeps(text, {})
