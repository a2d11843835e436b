import pytest

from osiris_inspect.model.failure.signature import failure_level, failure_signature, general_words

TRACEBACK = """Traceback (most recent call last):
  File "/home/a/worker.py", line 10, in run
    driver.run()
  File "/home/a/drivers/mine.py", line 7, in transform
    frame["v"].astype(int)
  File "/usr/lib/python3/site-packages/pandas/core/generic.py", line 6434, in astype
    raise ValueError
ValueError: x
"""


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Could not convert string 'x' to INT32", "Could not convert string Q to INT32"),
        ("row 2,013 of 14 has 3.5e7", "row N of N has N"),
        ('column "a", "b", "c" are missing', "column Q are missing"),
        ("no such file: /data/in/movies.csv", "no such file: Q"),
        (
            'Binder Error: column "x" not found\nCandidate bindings: "id", "v"\nLINE 1: SELECT x',
            "Binder Error: column Q not found",
        ),
        ("it isn't 5 o'clock", "it isn't N o'clock"),
        ("many   \n spaces", "many spaces"),
        ("at 0x7f12ab", "at N"),
    ],
)
def test_words_have_no_values(message: str, words: str) -> None:
    assert general_words(message) == words


def test_words_are_cut_at_160_characters() -> None:
    assert len(general_words("word " * 100)) == 160


def test_place_is_innermost_frame_outside_packages() -> None:
    assert failure_signature("x", "ValueError", TRACEBACK) == ("ValueError", "x", "mine.py:transform")


def test_own_package_installed_counts_as_place() -> None:
    own = TRACEBACK.replace("pandas/core/generic.py", "osiris_inspect/runtime/drivers/duckdb.py")
    assert failure_signature("x", None, own).place == "duckdb.py:astype"


def test_level_ignores_values_and_unknown_parts() -> None:
    first = failure_signature("value 'a' in row 3", "ValueError", TRACEBACK)
    again = failure_signature("value 'b' in row 9", "ValueError", None)
    assert failure_level(first, again) == "same failure, other values"
    assert failure_level(first, first, has_same_message=True) == "same failure, same values"
    assert failure_level(first, failure_signature("key 'a'", "KeyError")) == "other failure"
    assert failure_level(first, None) == "succeeded"


def test_sizes_of_other_units_are_the_same_words() -> None:
    text = "the limit is 25.3 GB (machine), and the process used up to {}"
    assert general_words(text.format("1.1 GB")) == general_words(text.format("259 MB"))
    assert general_words("read 14 bytes of 2 BLOBs") == "read N of N BLOBs"
