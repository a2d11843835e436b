"""SQL over a long log has the answers of SQL over the table of its decoded events."""

import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from osiris_inspect.inspector.tables import event_dataset, table_rows
from osiris_inspect.inspector.tables.extracted_fields import extracted_fields
from osiris_inspect.inspector.tables.table_schema import register_event_dataset
from tests.inspector.generated_logs import KEYS, generated_log
from tests.inspector.test_filter_answers import PAIRS, PAIRS_PER_CASE, opened

COLUMNS = ("line", "event", "step", "rows", "seq", "duration_s", "error")


def generated_query(source: random.Random) -> str:
    """Return a query that reads columns and fields."""
    fields = [f"fields->>'{name}'" for name in source.sample(KEYS, 2)]
    selected = ", ".join(source.sample([*COLUMNS, *fields], source.randint(1, 3)))
    condition = source.choice(
        ["", "rows = 77777", "rows > 4", "rows IS NULL", "seq > 5", "duration_s < 80", "error IS NOT NULL", f"{fields[0]} = '77777'",
         f"{fields[0]} IS NULL AND rows IS NOT NULL", f"{fields[0]} ILIKE '%read%' OR event = 'heartbeat'", f"try_cast({fields[1]} AS DOUBLE) > 5"]
    )  # fmt: skip
    return f"SELECT {selected} FROM events {'WHERE ' if condition else ''}{condition} ORDER BY line"


@pytest.mark.sampled(20)
@pytest.mark.parametrize("case", range(PAIRS // PAIRS_PER_CASE))
def test_query_of_generated_log_equals_decoded_table(
    case: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_dataset, "MIN_LINES", -1)
    for number in range(case * PAIRS_PER_CASE, (case + 1) * PAIRS_PER_CASE):
        source = random.Random(number)
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(generated_log(source))
        query = generated_query(source)
        if any(event.name == "unreadable" for event in opened(path, None)):
            continue  # a line that begins and ends as an event does: the index answers for it, until it is decoded
        expected = decoded_answer(path, query)
        for asked in ("read", "kept"):
            assert answer(path, query) == expected, (number, query, asked)


def decoded_answer(path: Path, query: str) -> list[str]:
    log = opened(path, None)
    events = [event for first in log for event in log.damaged_events.get(first.line - 1, (first,))]
    cells = {name: table_rows.event_column(name, events) for name in table_rows.COLUMNS["events"]}
    with duckdb.connect() as connection:
        connection.register("decoded", pa.table(cells))
        connection.execute("CREATE VIEW events AS SELECT * REPLACE (fields::JSON AS fields) FROM decoded")
        return sorted(map(str, connection.sql(query).fetchall()))


def answer(path: Path, query: str) -> list[str]:
    with duckdb.connect() as connection:
        names = extracted_fields(connection, query)
        register_event_dataset(connection, opened(path, path.parent), lambda *_: True, lambda: names)
        return sorted(map(str, connection.sql(query).fetchall()))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("SELECT fields->>'a' FROM events", ("a",)),
        ("SELECT e.Fields->>'a', count(*) FROM events e WHERE fields->>'b' = '1' GROUP BY 1", ("a", "b")),
        ("SELECT rows FROM events", None),
        ("FROM events WHERE fields->>'a' = '1'", None),
        ("SELECT *, fields->>'a' FROM events", None),
        ("SELECT fields->>'a', fields FROM events", None),
        ("SELECT fields->'a' FROM events", None),
        ("SELECT fields->>'$.a' FROM events", None),
        ("SELECT fields->>'password' FROM events", None),
        ("SELECT fields->>'key' FROM events", None),
        ("SELECT fields->>'ts' FROM events", None),
        ("SELECT e, fields->>'a' FROM events e", None),
        ("SELECT events, fields->>'a' FROM events", None),
        ("SELECT a.fields->>'a' FROM events a JOIN events b USING (fields)", None),
        ("SELECT COLUMNS('f.*'), fields->>'a' FROM events", None),
        ("SELECT fields->>'a' AS fields FROM events", ("a",)), ("SELECT fields->>'a' AS x FROM events ORDER BY fields", None),
        ("SELECT x FROM (SELECT fields->>'a' AS x FROM events) WHERE x > '1'", ("a",)),
    ],
)  # fmt: skip
def test_extracted_fields_are_those_read_by_name(query: str, names: tuple[str, ...] | None) -> None:
    with duckdb.connect() as connection:
        assert extracted_fields(connection, query) == names
