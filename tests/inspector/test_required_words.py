import re
import subprocess
import sys
from string import ascii_lowercase

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.text.lazy_regex import WORDS_FILE, LazyRegex, lower_text
from tests.make_required_words import patterns, required_words

PATTERNS = patterns()
GENERATED = "from tests.make_required_words import words_of_patterns; print(words_of_patterns(), end='')"
KNOWN = next(pattern for pattern in PATTERNS.values() if required_words(*pattern) == ["offset"])


def test_words_in_file_are_current() -> None:
    # in a process of its own, as other tests make patterns
    done = subprocess.run([sys.executable, "-c", GENERATED], capture_output=True, text=True, check=True)
    assert done.stdout == WORDS_FILE.read_text(encoding="utf-8"), "run python -m tests.make_required_words"


@pytest.mark.parametrize("digit", "0123456789abcdef")
def test_text_with_match_has_required_word(digit: str) -> None:
    for key, (text, flags) in PATTERNS.items():
        if key.startswith(digit):
            _check_matches(text, flags)


def _check_matches(text: str, flags: int) -> None:
    @seed(1)
    @settings(
        max_examples=2,
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck],
        phases=[Phase.generate],
    )
    @given(st.from_regex(re.compile(text, flags)))
    def check(example: str) -> None:
        assert LazyRegex(text, flags).has_required_word(example), text

    check()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("disk full", ["disk full"]),
        ("(?i)Disk (?:FULL|quota)", ["disk full", "disk quota"]),
        ("[Dd]isk", ["disk"]),
        (r"\bno \w+ left on device", [" left on devic"]),
        ("(?:cannot )?read", ["read"]),
        ("(?:cannot )*read", ["read"]),
        ("(?:ab){2,3}", ["ab"]),
        (r"(?<=error: )\d{4}", ["error: "]),
        ("(?!error)[a-z]{5}", []),
        ("timeout|lost connection|timed out", ["lost connectio", "timed out", "timeout"]),
        (r"timeout|\d+", []),
        ("(?:timeout)?", []),
        ("(a)?(?(1)timeout|lost)", []),
        ("(?P<a>x)(?P=a)", ["x"]),
        ("[^abc]", []),
        ("č", []),
        ("[čc]ena", ["ena"]),
        ("", []),
    ],
)
def test_required_words_of_pattern(pattern: str, words: list[str]) -> None:
    assert required_words(pattern) == words


def test_text_without_words_compiles_nothing() -> None:
    pattern = LazyRegex(*KNOWN)
    assert pattern.search("the disk is full") is None
    assert pattern.sub(lambda _: "", "the disk is full") == "the disk is full"
    assert not pattern.is_compiled


def test_text_with_word_is_searched() -> None:
    pattern = LazyRegex(*KNOWN)
    assert pattern.search("OFFSET: 5 is the offset = 5") is not None


def test_pattern_without_words_is_searched() -> None:
    assert LazyRegex("no such pattern").search("there is no such pattern") is not None


def test_many_texts_compile_the_pattern() -> None:
    pattern = LazyRegex(*KNOWN)
    assert not any(pattern.search(f"row {number}") for number in range(1000))
    assert pattern.is_compiled


def test_letters_of_other_case_are_not_lowered() -> None:
    characters = "".join(map(chr, range(0x110000)))
    for letter in ascii_lowercase:
        lowered = {lower_text(each) for each in re.findall(f"(?i){letter}", characters)}
        assert lowered <= {letter, None}
