import pytest

from osiris_inspect.tui import inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("a\nb\tc\x7f", "a␊b  c␡"),
        ("a\u202eb", "a⟨202e⟩b"),
        ("⚠\ufe0f", "⚠"),
        ("\ud800", "⟨d800⟩"),
        ("mysql://root:hunter2@db", "mysql://root:***@db"),
    ],
)
def test_a_line_shows_what_stands_there_and_does_nothing(text: str, shown: str) -> None:
    assert inert.line(text) == shown


@pytest.mark.parametrize("length", [100, 101, 5_000, 5_101, 1_000_000])
def test_a_cut_line_says_how_much_is_missing(length: int) -> None:
    shown = inert.line("x" * length, 100)
    assert shown.startswith("x" * 100 + ("… " if length > 100 else ""))
    assert length == 100 or shown.endswith(f"… {length - 100:,} more characters")


@pytest.mark.parametrize("before", range(60, 100, 3))
def test_a_secret_across_the_cut_stays_masked(before: int) -> None:
    text = "x" * before + " mysql://root:hunter2hunter2@db/movies " + "y" * 10_000
    assert "hunter2" not in inert.line(text, 100)
    assert "hunter2" not in "\n".join(inert.lines(text, 100))


def test_a_value_is_masked_by_its_key() -> None:
    assert inert.field("password", "plain words") == "password=***"
    assert inert.field("primary_key", "id") == "primary_key=id"
    assert '"token": "***"' in inert.pretty({"a": [{"token": "plain"}]})[3]


def test_a_long_list_is_cut_and_says_so() -> None:
    assert '    "… 9,500 more"' in inert.pretty({"rows": list(range(10_000))}, 1_000_000)
