"""Each way to filter a log has the answer of the slow evaluator."""

import os
import random
from pathlib import Path

import pytest

from osiris_inspect.inspector.event_log.filter.filter import EventFilter, parse
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.event_log.index.line_index import LineIndex
from osiris_inspect.inspector.event_log.search import search as search_module
from osiris_inspect.inspector.event_log.search.search import search
from osiris_inspect.model.errors import InvalidLine
from tests.inspector.generated_logs import generated_log, generated_question
from tests.inspector.slow_filter import matching_line_numbers
from tests.inspector.test_query_search import long_log

PAIRS = 2_000
PAIRS_PER_CASE = 20


@pytest.mark.sampled(10)
@pytest.mark.parametrize("case", range(PAIRS // PAIRS_PER_CASE))
def test_filter_of_generated_log_equals_slow_evaluator(case: int) -> None:
    for number in range(case * PAIRS_PER_CASE, (case + 1) * PAIRS_PER_CASE):
        source = random.Random(number)
        content, text = generated_log(source), generated_question(source)
        query = parse(text, now=1767225620.0)
        expected = matching_line_numbers(content, query)
        assert _line_by_line(content, query) == expected, (number, text)
        assert [event.line for event in search(long_log(content), query)] == expected, (number, text)


@pytest.mark.sampled(10)
@pytest.mark.parametrize("case", range(PAIRS // PAIRS_PER_CASE))
def test_columns_of_generated_log_equal_slow_evaluator(
    case: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_DECODED_LINES", -1)
    for number in range(case * PAIRS_PER_CASE, (case + 1) * PAIRS_PER_CASE):
        source = random.Random(number)
        content, text = generated_log(source), generated_question(source)
        query = parse(text, now=1767225620.0)
        expected = matching_line_numbers(content, query)
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(content)
        for asked in ("read", "kept"):
            found = [event.line for event in search(opened(path, tmp_path), query)]
            assert found == expected, (number, text, asked)


@pytest.mark.parametrize("case", range(20))
def test_filter_shown_as_text_is_the_same_filter(case: int) -> None:
    for number in range(case * PAIRS_PER_CASE, (case + 1) * PAIRS_PER_CASE):
        query = parse(generated_question(random.Random(number), depth=3))
        assert str(parse(str(query))) == str(query), number


def opened(path: Path, cache: Path | None) -> LargeLog:
    descriptor = os.open(path, os.O_RDONLY)
    index = LineIndex()
    index.index_new_lines(descriptor)
    return LargeLog(descriptor, index, "events.jsonl", cache)


def _line_by_line(content: bytes, query: EventFilter) -> list[int]:
    lines = []
    for number, raw in enumerate(content.split(b"\n"), start=1):
        try:
            if query.matching_event(raw, line_number=number) is not None:
                lines.append(number)
        except InvalidLine:
            continue
    return lines
