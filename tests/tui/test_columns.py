import pytest
from textual.content import Content

from osiris_inspect.inspector.text import units as figures
from osiris_inspect.tui.widgets.table_layout import TableColumn, layout_table

NO_RATINGS = (
    'DuckDB transformation failed: in line 3, Binder Error: Referenced column "ratings" not found in FROM clause! '
    'Candidate bindings: "title", "year", "rating", "votes"'
)
COLUMNS = (
    TableColumn("name", min_width=4, max_width=6),
    TableColumn("rows", right=True, priority=1),
    TableColumn("note", priority=2),
)
TABLE = [
    [Content("extract-movies"), Content("14"), Content("fine")],
    [Content("w"), Content("1,000"), Content("")],
]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (80, ["name             rows  note", "extract-movies     14  fine", "w               1,000"]),
        (20, ["name      rows  note", "extrac…     14  fine", "w        1,000"]),
        (14, ["name      rows", "extrac…     14", "w        1,000"]),
        (11, ["name", "extract-mo…", "w"]),
        (2, ["name", "ext…", "w"]),
    ],
)
def test_a_table_leaves_out_by_rank_and_then_shortens(width: int, lines: list[str]) -> None:
    heading, rows = layout_table(COLUMNS, TABLE, width)
    assert [line.plain for line in (heading, *rows)] == lines


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("load: MySQL query failed: column 'amount' was not found", 28, "load: column 'amount' was…"),
        ("load: query failed: no 'a' — it has no column 'a'", 28, "load: it has no column 'a'"),
        (
            "load: query failed: no 'a' — it has no column 'a'",
            80,
            "load: query failed: no 'a' — it has no column 'a'",
        ),
        ("load: query failed — it has no column 'amount' or 'a'", 28, "it has no column 'amount'…"),
        ("query failed — no column 'amount' or 'amount_2'", 28, "query failed — … 'amount_2'"),
        (f"stats-of-all-directors: {NO_RATINGS}", 28, 'Referenced column "ratings"…'),
        (
            f"stats-of-all-directors: {NO_RATINGS} — column 'ratings' was not found",
            28,
            "stats-of…: column 'ratings'…",
        ),
        (f"stats-of-all-directors: {NO_RATINGS}", 60, 'Referenced column "ratings" not found in FROM clause'),
        (f"stats: {NO_RATINGS}", 60, 'stats: Referenced column "ratings" not found in FROM clause'),
        (
            "stats: it returned 14 rows, and none was kept; 'load' had no input",
            50,
            "stats: it returned 14 rows, and none was kept",
        ),
        (
            "stats: [Errno 28] No space left on device: 'a.parquet'",
            50,
            "[Errno 28] No space left on device: 'a.parquet'",
        ),
        ("load: the disk was full", 28, "load: the disk was full"),
        ("load: the disk was full", 12, "load: the d…"),
        ("ab" * 40, 28, "abababababababab … babababab"),
    ],
)
def test_column_without_middle_keeps_the_end(text: str, width: int, shown: str) -> None:
    columns = (TableColumn("cause", min_width=1, middle=True),)
    _, (line,) = layout_table(columns, [[Content(text)]], width)
    assert line.plain == shown
    assert line.cell_length <= width


@pytest.mark.parametrize("length", [15, 40])
def test_column_without_middle_fits_wide_characters(length: int) -> None:
    columns = (TableColumn("cause", min_width=1, middle=True),)
    _, (line,) = layout_table(columns, [[Content("表" * length)]], 28)
    assert 0 < line.cell_length <= 28


def test_column_without_middle_keeps_its_style() -> None:
    columns = (TableColumn("cause", min_width=1, middle=True),)
    cell = Content.styled("load: MySQL query failed: column 'amount' was not found", "bold")
    _, (line,) = layout_table(columns, [[cell]], 28)
    assert [span.style for span in line.spans] == ["bold", "bold"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0, "0 ms"),
        (-1, "0 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (4.2, "4.2 s"),
        (99.96, "1 min 40 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7380, "2 h 03 min"),
    ],
)
def test_a_duration_reads(seconds: float | None, shown: str) -> None:
    assert figures.format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(None, "-"), (0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (123_456, "123.5 kB"), (10**13, "10.0 TB")],
)
def test_a_size_reads(number: int | None, shown: str) -> None:
    assert figures.format_bytes(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (0.1374, "+0.137"), (-0.5, "-0.500"), (999, "+999.000"), (3725, "+1:02:05")],
)
def test_an_elapsed_time_reads(seconds: float | None, shown: str) -> None:
    assert figures.format_elapsed(seconds) == shown


@pytest.mark.parametrize("seconds", [1e18, -1e18, float("nan"), float("inf")])
def test_a_number_that_is_no_date_is_unknown(seconds: float) -> None:
    assert figures.time_of_day(seconds) == figures.UNKNOWN
    assert figures.day_and_time(seconds) == figures.UNKNOWN
