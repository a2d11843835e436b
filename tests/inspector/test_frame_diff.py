"""Frame comparison against a slow comparison, and by hand."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges
from osiris_inspect.inspector.tables.diff import row_matching
from osiris_inspect.inspector.tables.diff.frame_diff import FrameDiffOptions, diff_frames
from osiris_inspect.inspector.tables.diff.frame_pair import FramesNotComparable
from tests.inspector import frame_pairs as slow

PAIRS = 20
"""Pairs of each part; there are 50 parts."""


def compared(
    folder: Path, left: pa.Table, right: pa.Table, options: FrameDiffOptions | None = None
) -> FrameChanges:
    parquet.write_table(left, folder / "left.parquet")
    parquet.write_table(right, folder / "right.parquet")
    return diff_frames(folder / "left.parquet", folder / "right.parquet", options)


def check(left: pa.Table, right: pa.Table, found: FrameChanges) -> None:
    """Compare the counts with those of a slow comparison by the same method."""
    names = [name for name in left.column_names if name in right.column_names]
    assert found.rows == (left.num_rows, right.num_rows)
    if not names:
        return
    if found.method == "position":
        expected = slow.by_pairs(left, right, names, [(row, row) for row in range(left.num_rows)])
        if found.is_reordered:
            assert slow.by_rows(left, right, names) == slow.Expected()
            return
    elif found.method == "key":
        assert slow.is_key(left, found.key)
        assert slow.is_key(right, found.key)
        expected = slow.by_key(left, right, names, found.key)
    else:
        expected = slow.by_rows(left, right, names)
    assert (found.added, found.removed, found.changed) == (expected.added, expected.removed, expected.changed)
    assert (dict(found.cells), found.rounded) == (dict(expected.cells), expected.rounded)
    has_changes = bool(found.added or found.removed or found.changed)
    assert has_changes == (found.level in ("other", "same shape") and not (found.columns and not has_changes))


@pytest.mark.sampled(10)
@pytest.mark.parametrize("part", range(50))
def test_counts_equal_slow_comparison(tmp_path: Path, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(part * PAIRS, (part + 1) * PAIRS):
        monkeypatch.setattr(row_matching, "_BUCKETS", (1, 3, 65_536)[seed % 3])  # the frames are small
        left, right = slow.make_pair(seed)
        found = compared(tmp_path, left, right)
        try:
            check(left, right, found)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {found}") from error
        if all("id" in table.column_names and slow.is_key(table, ["id"]) for table in (left, right)):
            check(left, right, compared(tmp_path, left, right, FrameDiffOptions(key=("id",))))


@pytest.mark.parametrize("buckets", [1, 3, 65_536])
@pytest.mark.parametrize(
    ("ids", "note"),
    [
        ([3, 3, 2, 1, 5, 5], "id is not a key: 2 duplicates in B"),
        ([3, 3, 3, 2, 1, 6], "id is not a key: 2 duplicates in B"),
        ([6, 6, 5, 4, 3, 2, 1], "id is not a key: 1 duplicate in B"),
        ([6, 5, 4, 3, 2, 1], ""),
        ([7, 5, 4, 3, 2, 1], ""),
    ],
)
def test_repeated_key_is_found_among_equal_rows(
    tmp_path: Path, ids: list[int], note: str, buckets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_matching, "_BUCKETS", buckets)
    left, right = (pa.table({"id": own, "n": own}) for own in ([1, 2, 3, 4, 5, 6], ids))
    found = compared(tmp_path, left, right, FrameDiffOptions(key=("id",)))
    assert found.notes == ((note,) if note else ())
    check(left, right, found)


def test_pairs_are_matched_in_every_way(tmp_path: Path) -> None:
    methods = {compared(tmp_path, *slow.make_pair(seed)).method for seed in range(30)}
    assert methods == {"position", "key", "rows"}


ORDERS = pa.table(
    {
        "id": list(range(1, 11)),
        "name": [f"n{number}" for number in range(10)],
        "password": [f"hunter{number}" for number in range(10)],
        "price": [float(number) for number in range(10)],
    }
)


def changed(name: str, row: int, value: object) -> pa.Table:
    values = ORDERS[name].to_pylist()
    values[row] = value
    return ORDERS.set_column(ORDERS.column_names.index(name), name, pa.array(values, ORDERS[name].type))


def test_changed_cell_is_shown_with_its_row(tmp_path: Path) -> None:
    found = compared(tmp_path, ORDERS, changed("price", 6, -5.0))
    assert (found.method, found.level, found.changed, dict(found.cells)) == (
        "position",
        "same shape",
        1,
        {"price": 1},
    )
    (row,) = found.samples
    assert (row.row, dict(row.cells)) == (7, {"price": ("6.0", "-5.0")})


def test_removed_and_added_rows_are_matched_by_id(tmp_path: Path) -> None:
    other = pa.concat_tables(
        [changed("name", 3, "x").slice(1), ORDERS.slice(0, 1).set_column(0, "id", pa.array([77]))]
    )
    found = compared(tmp_path, ORDERS, other)
    assert (found.method, found.key) == ("key", ("id",))
    assert (found.added, found.removed, found.changed) == (1, 1, 1)
    assert [(row.kind, row.key["id"]) for row in found.samples] == [
        ("changed", "4"),
        ("added", "77"),
        ("removed", "1"),
    ]


def test_secret_is_masked_in_samples(tmp_path: Path) -> None:
    found = compared(tmp_path, ORDERS, changed("password", 2, "hunter22").slice(0, 9))
    assert "hunter" not in str(found.samples)
    assert {"password": ("***", "***")} in [dict(row.cells) for row in found.samples]


def test_key_with_duplicates_or_null_is_reported_and_not_joined(tmp_path: Path) -> None:
    found = compared(
        tmp_path, changed("id", 0, 2), changed("id", 0, None).slice(1), FrameDiffOptions(key=("id",))
    )
    assert found.method == "rows"
    assert found.notes == ("id is not a key: 1 duplicate in A",)
    null = compared(tmp_path, ORDERS, changed("id", 0, None), FrameDiffOptions(key=("id",)))
    assert null.notes == ("id is not a key: 1 NULL in B",)


def test_key_of_several_columns_is_used(tmp_path: Path) -> None:
    twice = pa.concat_tables([ORDERS, ORDERS])
    named = twice.append_column("part", pa.array([0] * 10 + [1] * 10))
    found = compared(tmp_path, named, named.slice(1), FrameDiffOptions(key=("id", "part")))
    assert (found.method, found.added, found.removed, found.changed) == ("key", 0, 1, 0)


@pytest.mark.parametrize("order", [range(10), [4, 2, 9, 0, 1, 3, 5, 8, 7, 6]])
def test_rows_with_the_same_keys_are_matched_by_key(tmp_path: Path, order: list[int]) -> None:
    left, right = ORDERS.take(list(order)), changed("price", 6, -5.0).take(list(order))
    options = FrameDiffOptions(key=("id",))
    found = compared(tmp_path, left, right, options)
    assert (found.method, found.key, found.level) == ("key", ("id",), "same shape")
    assert (found.changed, dict(found.cells)) == (1, {"price": 1})
    assert [(dict(row.key), dict(row.cells)) for row in found.samples] == [
        ({"id": "7"}, {"price": ("6.0", "-5.0")})
    ]
    two = changed("price", 1, 0.5).take(list(order))
    assert [row.key["id"] for row in compared(tmp_path, two, right, options).samples] == ["2", "7"]
    assert compared(tmp_path, left, left, options).level == "identical"
    assert (
        compared(tmp_path, left, left.take(list(range(9, -1, -1))), options).level == "same rows, other order"
    )


def test_same_keys_with_a_duplicate_are_not_joined(tmp_path: Path) -> None:
    twice = changed("id", 0, 2)
    found = compared(tmp_path, twice, twice, FrameDiffOptions(key=("id",)))
    assert found.notes == ("id is not a key: 1 duplicate in A, 1 duplicate in B",)


def test_key_of_writer_is_tried_first(tmp_path: Path) -> None:
    options = FrameDiffOptions(candidates=(("name",),))
    assert compared(tmp_path, ORDERS, ORDERS.slice(1), options).key == ("name",)


def test_tolerance_counts_as_rounding(tmp_path: Path) -> None:
    other = changed("price", 9, 9.0009)
    assert compared(tmp_path, ORDERS, other).changed == 1
    found = compared(tmp_path, ORDERS, other, FrameDiffOptions(tolerance=0.001))
    assert (found.level, found.rounded) == ("same but for rounding", 1)


def test_null_and_empty_nested_values_differ(tmp_path: Path) -> None:
    values = [None, [], [None], [0.0], [1.0, None]]
    left, right = (
        pa.table({"tags": pa.array(some, pa.list_(pa.float64()))}) for some in (values, values[:1])
    )
    found = compared(tmp_path, left, right)
    assert (found.method, found.added, found.removed) == ("rows", 0, 4)


def test_number_of_samples_is_limited(tmp_path: Path) -> None:
    other = ORDERS.set_column(3, "price", pa.array([99.0] * 10))
    found = compared(tmp_path, ORDERS, other, FrameDiffOptions(rows=3))
    assert (found.changed, len(found.samples)) == (10, 3)


def test_type_of_column_is_reported_beside_values(tmp_path: Path) -> None:
    texts = ORDERS.set_column(0, "id", ORDERS["id"].cast(pa.string()))
    found = compared(tmp_path, ORDERS, texts)
    assert (found.changed, found.columns) == (0, ("type of 'id' BIGINT → VARCHAR",))


def test_unknown_key_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FramesNotComparable, match="no column 'nope' in both frames; they share id, name"):
        compared(tmp_path, ORDERS, ORDERS, FrameDiffOptions(key=("nope",)))


@pytest.mark.parametrize("content", [b"", b"PAR1 damaged", None])
def test_damaged_frame_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    parquet.write_table(ORDERS, tmp_path / "left.parquet")
    if content is not None:
        (tmp_path / "right.parquet").write_bytes(content)
    with pytest.raises(FramesNotComparable) as error:
        diff_frames(tmp_path / "left.parquet", tmp_path / "right.parquet")
    assert "right.parquet" in str(error.value)
    assert "\n" not in str(error.value)


def test_temporary_folder_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    compared(tmp_path, ORDERS, ORDERS.slice(1))
    assert list((tmp_path / "scratch").iterdir()) == []
