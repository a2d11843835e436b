"""No regular expression of the program has a shape whose search takes more than linear time."""

import pytest

from tests.patterns import Pattern, all_patterns, problems

PATTERNS = all_patterns()


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_pattern_takes_linear_time(pattern: Pattern) -> None:
    assert problems(pattern) == []


def test_patterns_of_all_kinds_are_found() -> None:
    places = {pattern.where.partition(":")[0] for pattern in PATTERNS}
    assert len(PATTERNS) > 200
    assert {"model/finding.py", "inspector/text/sanitize.py", "runtime/connections/env_file.py"} <= places
    assert any("rules.network" in place for place in places)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (r"\w+ failed", 1),
        (r"(?:\w+ )?provided", 1),
        (r"a|\s*b", 1),
        (r"x\w*\w+y", 1),
        (r"x\s*=?\s*y", 1),
        (r"x(?:a+b?)+y", 1),
        (r"x(?:\w*)+y", 1),
        (r"^\s+x", 0),
        (r"\A\s+x", 0),
        (r"\b\w+ failed", 0),
        (r"(?<!\w)\w+ failed", 0),
        (r"\s+", 0),
        (r"\w{1,80} failed", 0),
        (r"[a-z]-?(?:-[a-z]+)*", 0),
        (r"x\s*=\s*y", 0),
        (r"x\d+[a-z]+y", 0),
    ],
)
def test_problem_of_a_pattern_is_seen(text: str, count: int) -> None:
    assert len(problems(Pattern("x", text, 0))) >= count
    assert bool(problems(Pattern("x", text, 0))) == bool(count)


def test_start_of_an_anchored_pattern_is_free() -> None:
    assert problems(Pattern("x", r"\w+ failed", 0, is_searched=False)) == []
