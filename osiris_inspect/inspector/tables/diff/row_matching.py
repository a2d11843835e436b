"""Ways to match the rows of two frames: by position, by a key, and as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from osiris_inspect.base.sql_literals import quote_name
from osiris_inspect.inspector.run.comparison.frame_changes import FrameMethod, RowChange
from osiris_inspect.inspector.tables.diff import samples
from osiris_inspect.inspector.tables.diff.expressions import (
    DIFFERS,
    ROUNDED,
    SharedColumn,
    any_null,
    cell_code,
    row_hash,
)
from osiris_inspect.inspector.tables.diff.frame_pair import FramePair, Side
from osiris_inspect.inspector.text.units import pluralize

_MAX_CHANGED_SHARE: Final = 0.2
"""Share of rows that differ by position, above which other ways to match them are tried."""
_PROBE_ROWS: Final = 100_000
_CHUNK_KEYS: Final = 1_000_000
"""Changed rows whose cells are compared at once."""
_BUCKETS: Final = 65_536
"""Buckets of rows that are compared as a whole before single rows are; their sums fit the cache of a processor."""
_MAX_STORED_PAIRS: Final = 100_000
"""Pairs of rows with one key that are stored, so that they are read once for their counts and their samples."""
_SIDES: Final[tuple[tuple[str, Side], ...]] = (("A", "l"), ("B", "r"))
_ONLY: Final[tuple[tuple[Literal["added", "removed"], Side], ...]] = (("added", "r"), ("removed", "l"))


@dataclass
class MatchedRows:
    """Counts of one way to match rows; see ``FrameChanges``."""

    method: FrameMethod
    added: int = 0
    removed: int = 0
    changed: int = 0
    cells: dict[str, int] = field(default_factory=dict)
    rounded: int = 0
    is_reordered: bool = False
    samples: list[RowChange] = field(default_factory=list)
    key: tuple[str, ...] = ()


class RowMatching:
    """Matches the rows of a pair of frames, with at most ``limit`` samples."""

    def __init__(self, pair: FramePair, tolerance: float | None, limit: int) -> None:
        self._pair, self._limit = pair, limit
        self._columns = pair.columns
        self._codes = ", ".join(
            f"{cell_code(column, tolerance)} AS c{number}" for number, column in enumerate(pair.columns)
        )
        self._names = ", ".join(quote_name(column.name) for column in pair.columns)
        self._values = ", ".join(
            f"{side}.{quote_name(column.name)} AS {side}{number}"
            for _, side in _SIDES
            for number, column in enumerate(pair.columns)
        )

    def by_position(self, *, has_key: bool) -> MatchedRows | None:
        """Match rows by position.

        Returns None if too many differ, unless there is no key to try and most columns are the same.
        """
        total = self._pair.rows[0]
        if total > _PROBE_ROWS and self._share_by_position(_PROBE_ROWS) > _MAX_CHANGED_SHARE:
            return None
        matched = self._count_cells(self._positional(), "position")
        if not matched.changed:
            return matched
        if matched.is_reordered:
            return MatchedRows("position", is_reordered=True)
        unchanged = sum(not matched.cells.get(column.name) for column in self._columns)
        is_moved = matched.changed > _MAX_CHANGED_SHARE * total
        if is_moved and (2 * unchanged < len(self._columns) or has_key):
            return None
        matched.samples = self._samples(self._positional(is_numbered=True), "", (), self._limit)
        return matched

    def _positional(self, limit: int | None = None, *, is_numbered: bool = False) -> str:
        """Return SQL of the pairs of rows at one position that are not equal; ``__n`` is 0 unless they are numbered."""
        hashes = ", ".join(f"{row_hash(self._columns, side)} AS __{side}" for _, side in _SIDES)
        joined = self._side_by_side(limit)
        if (
            is_numbered
        ):  # after the join: DuckDB joins files by position in one pass only if it reads nothing else
            joined = f"(SELECT row_number() OVER () - 1 AS __n, l, r FROM {joined})"
        number = "__n" if is_numbered else "0 AS __n"
        return f"SELECT {number}, {hashes}, {self._codes}, {self._values} FROM {joined} WHERE {_differ(self._columns)}"

    def _side_by_side(self, limit: int | None = None) -> str:
        """Return the FROM clause of the pairs of rows at one position."""
        end = "" if limit is None else f" LIMIT {limit}"
        sides = [f"(SELECT {self._names} FROM {side}_rows{end}) AS {side}" for _, side in _SIDES]
        return " POSITIONAL JOIN ".join(sides)

    def _share_by_position(self, limit: int) -> float:
        query = f"SELECT count(*) FILTER ({self._any(DIFFERS)}) FROM ({self._positional(limit)})"
        return self._pair.count(query) / limit

    def by_key(self, key: tuple[SharedColumn, ...]) -> MatchedRows | str:
        """Match rows by a key; return why it does not identify rows if it has duplicates or NULL."""
        nulls = [
            f"{count:,} NULL in {name}"
            for name, side in _SIDES
            if (
                count := self._pair.count(
                    f"SELECT count(*) FROM {side}_rows AS {side} WHERE {any_null(key, side)}"
                )
            )
        ]
        if nulls:
            return ", ".join(nulls)
        is_ascending = self._is_ascending(key)
        is_unique = is_ascending or self._is_unique(key)
        if is_unique and self._has_same_keys(key):
            return self._by_same_keys(key, "" if is_ascending else self._order(key))
        self._create_hashes(key, [column for column in self._columns if column not in key])
        if is_unique:
            self._keep_differing()
        self._pair.connection.execute(
            "CREATE OR REPLACE TEMP TABLE found (k UBIGINT, kind UTINYINT, times BIGINT)"
        )
        parts = self._pair.parts_of(self._pair.count("SELECT count(*) FROM hashes"))
        for part in range(parts):
            self._pair.connection.execute(
                "INSERT INTO found SELECT k, CASE WHEN added > 1 OR removed > 1 THEN 4 WHEN removed = 0 THEN 1 "
                "WHEN added = 0 THEN 2 ELSE 3 END, 1 FROM (SELECT k, sum(side) AS added, count(*) - added AS removed, "
                "bit_xor(h) AS differing "
                f"FROM hashes WHERE k % {parts} = {part} GROUP BY k) WHERE added <> 1 OR removed <> 1 OR differing <> 0"
            )
        if self._pair.count("SELECT count(*) FROM found WHERE kind = 4"):
            return self._duplicates()
        self._pair.connection.execute("DROP TABLE hashes")
        counts = dict(
            self._pair.connection.execute("SELECT kind, count(*) FROM found GROUP BY kind").fetchall()
        )
        matched = MatchedRows(
            "key", counts.get(1, 0), counts.get(2, 0), key=tuple(column.name for column in key)
        )
        chunks = -(-counts.get(3, 0) // _CHUNK_KEYS)
        for chunk in range(chunks):
            pairs = self._joined(key, chunk, chunks)
            if counts[3] <= _MAX_STORED_PAIRS:
                self._pair.connection.execute(f"CREATE OR REPLACE TEMP TABLE pairs AS {pairs}")
                pairs = "FROM pairs"
            cells = self._count_cells(pairs, "key")
            matched.changed += cells.changed
            matched.rounded += cells.rounded
            for name, count in cells.cells.items():
                matched.cells[name] = matched.cells.get(name, 0) + count
            missing = self._limit - len(matched.samples)
            if cells.changed and missing > 0:
                matched.samples += self._samples(pairs, self._order(key), key, missing)
        matched.is_reordered = not (matched.added or matched.removed or matched.changed)
        for kind, side in _ONLY:
            matched.samples += samples.one_sided_rows(
                self._pair, kind, side, key, self._limit - len(matched.samples)
            )
        return matched

    def _has_same_keys(self, key: tuple[SharedColumn, ...]) -> bool:
        """Return True if the rows at each position have the same key."""
        if self._pair.rows[0] != self._pair.rows[1]:
            return False
        return not self._pair.count(
            f"SELECT count(*) FROM (SELECT 1 FROM {self._side_by_side()} WHERE {_differ(key)} LIMIT 1)"
        )

    def _is_ascending(self, key: tuple[SharedColumn, ...]) -> bool:
        """Return True if each key is larger than that of the row before it, so that no two are equal."""
        if len(key) != 1:
            return False
        name = quote_name(key[0].name)
        rows = (
            f"SELECT {name} AS own, lag({name}) OVER () AS before, row_number() OVER () AS number FROM l_rows"
        )
        query = f"SELECT 1 FROM ({rows}) WHERE number > 1 AND NOT own > before LIMIT 1"
        return not self._pair.count(f"SELECT count(*) FROM ({query})")

    def _is_unique(self, key: tuple[SharedColumn, ...]) -> bool:
        """Return True if no two rows of the first frame have one key."""
        parts = self._pair.parts_of(self._pair.rows[0])
        hashes = f"SELECT {row_hash(key, 'l')} AS k FROM l_rows AS l"
        queries = (
            f"SELECT count(*) FROM (SELECT k FROM ({hashes}) WHERE k % {parts} = {part} GROUP BY k HAVING count(*) > 1)"
            for part in range(parts)
        )
        return not any(map(self._pair.count, queries))

    def _by_same_keys(self, key: tuple[SharedColumn, ...], order: str) -> MatchedRows:
        """Match rows whose keys are the same by position; ``order`` sorts the samples by key, if they are not."""
        matched = self._count_cells(self._positional(), "key")
        matched.key = tuple(column.name for column in key)
        if matched.changed:
            matched.samples = self._samples(self._positional(), order, key, self._limit)
        return matched

    def _order(self, key: tuple[SharedColumn, ...]) -> str:
        return f"ORDER BY {', '.join(f'l{self._columns.index(column)}' for column in key)}"

    def _duplicates(self) -> str:
        """Return how many rows repeat the key of another row."""
        query = "SELECT side, count(*) - count(DISTINCT k) FROM hashes WHERE k IN (SELECT k FROM found WHERE kind = 4) GROUP BY side"
        counts = dict(self._pair.connection.execute(query).fetchall())
        sides = ((name, counts.get(number, 0)) for number, (name, _) in enumerate(_SIDES))
        return ", ".join(f"{pluralize(count, 'duplicate')} in {name}" for name, count in sides if count)

    def _joined(self, key: tuple[SharedColumn, ...], chunk: int, chunks: int) -> str:
        """Return SQL of the pairs of rows with one key whose hashes differ."""
        sides = [
            f"(SELECT {row_hash(key, side)} AS __k, {self._names} FROM {side}_rows AS {side} "
            f"WHERE {row_hash(key, side)} IN (SELECT k FROM found WHERE kind = 3 AND k % {chunks} = {chunk})) AS {side}"
            for _, side in _SIDES
        ]
        return (
            f"SELECT 0 AS __n, {self._codes}, {self._values} FROM {sides[0]} JOIN {sides[1]} ON l.__k = r.__k"
        )

    def by_rows(self) -> MatchedRows:
        """Match equal rows: count how many times more each row occurs in one frame."""
        self._create_hashes(self._columns, ())
        self._pair.connection.execute(
            "CREATE OR REPLACE TEMP TABLE found (k UBIGINT, kind UTINYINT, times BIGINT)"
        )
        parts = self._pair.parts_of(sum(self._pair.rows))
        for part in range(parts):
            self._pair.connection.execute(
                "INSERT INTO found SELECT k, CASE WHEN more > 0 THEN 1 ELSE 2 END, abs(more) FROM "
                f"(SELECT k, sum(2 * side::INT - 1) AS more FROM hashes WHERE k % {parts} = {part} GROUP BY k) WHERE more <> 0"
            )
        self._pair.connection.execute("DROP TABLE hashes")
        counts = dict(
            self._pair.connection.execute(
                "SELECT kind, sum(times)::BIGINT FROM found GROUP BY kind"
            ).fetchall()
        )
        matched = MatchedRows("rows", counts.get(1, 0), counts.get(2, 0))
        matched.is_reordered = not counts
        limit = self._limit if not counts.get(2, 0) else -(-self._limit // 2)
        for kind, side in _ONLY:
            matched.samples += samples.one_sided_rows(self._pair, kind, side, self._columns, limit)
            limit = self._limit - len(matched.samples)
        return matched

    def _create_hashes(self, key: Sequence[SharedColumn], others: Sequence[SharedColumn]) -> None:
        sides = (
            f"SELECT {row_hash(key, side)} AS k, {row_hash(others, side)} AS h, {number}::UTINYINT AS side "
            f"FROM {side}_rows AS {side}"
            for number, (_, side) in enumerate(_SIDES)
        )
        self._pair.connection.execute(f"CREATE OR REPLACE TEMP TABLE hashes AS {' UNION ALL '.join(sides)}")

    def _keep_differing(self) -> None:
        """Remove most rows that are equal in both frames from the hashes; no two rows of the first frame have one key.

        Rows are in buckets by their key. One in which both frames have the same number of rows, whose hashes cancel each
        other out, has the rows of the first frame in both: a row that occurred twice would be missing elsewhere.
        """
        self._pair.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE buckets AS SELECT k % {_BUCKETS} AS bucket FROM hashes GROUP BY bucket "
            "HAVING bit_xor(hash(k, h)) <> 0 OR sum(2 * side::INT - 1) <> 0"
        )
        self._pair.connection.execute(
            f"CREATE TEMP TABLE kept AS FROM hashes WHERE k % {_BUCKETS} IN (SELECT bucket FROM buckets)"
        )
        self._pair.connection.execute("DROP TABLE hashes")
        self._pair.connection.execute("ALTER TABLE kept RENAME TO hashes")

    def _any(self, code: int) -> str:
        return " OR ".join(f"c{number} = {code}" for number in range(len(self._columns)))

    def _count_cells(self, pairs: str, method: FrameMethod) -> MatchedRows:
        """Count the rows and cells that differ in pairs of rows."""
        numbers = range(len(self._columns))
        counts = [
            f"count(*) FILTER (c{number} = {code})" for code in (DIFFERS, ROUNDED) for number in numbers
        ]
        same_rows = "sum(__l::HUGEINT) = sum(__r::HUGEINT) AND bit_xor(__l) = bit_xor(__r)"
        counts.append(same_rows if method == "position" else "false")
        query = f"SELECT count(*) FILTER ({self._any(DIFFERS)}), {', '.join(counts)} FROM ({pairs})"
        ((changed, *values, is_reordered),) = self._pair.connection.execute(query).fetchall()
        differing, rounded = values[: len(numbers)], values[len(numbers) :]
        cells = {column.name: count for column, count in zip(self._columns, differing, strict=True) if count}
        return MatchedRows(
            method, changed=changed, cells=cells, rounded=sum(rounded), is_reordered=bool(is_reordered)
        )

    def _samples(self, pairs: str, order: str, key: Sequence[SharedColumn], limit: int) -> list[RowChange]:
        """Return the first pairs of rows that differ; pairs by position come in their order."""
        numbers = range(len(self._columns))
        codes = [f"c{number}" for number in numbers]
        values = [f"{side}{number}" for _, side in _SIDES for number in numbers]
        query = f"SELECT __n, {', '.join([*codes, *values])} FROM ({pairs}) WHERE {self._any(DIFFERS)} {order} LIMIT {limit}"
        return samples.changed_rows(self._pair, query, key)


def _differ(columns: Sequence[SharedColumn]) -> str:
    """Return SQL that is true if a pair of rows has different values; equal rows are left out by it first."""
    return " OR ".join(f"{column.value('l')} IS DISTINCT FROM {column.value('r')}" for column in columns)
