import os
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import xxhash
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from osiris_inspect.inspector.event_log.index.index_file import MAGIC, SUFFIX, IndexCache, open_index
from osiris_inspect.inspector.event_log.index.line_index import HEAD_BYTES, TAIL_BYTES, LineIndex
from tests.inspector.logs import line
from tests.inspector.test_index import assert_is_index_of, many, told


def sealed(content: bytes) -> bytes:
    """Return the content of an index file with its magic and a right checksum."""
    return MAGIC + xxhash.xxh3_128_digest(content) + content


def index_of(log: Path, sidecars: IndexCache | None) -> LineIndex:
    descriptor = os.open(log, os.O_RDONLY)
    try:
        return open_index(descriptor, sidecars)
    finally:
        os.close(descriptor)


class GrowingLog(RuleBasedStateMachine):
    """A log that is written to, cut, and replaced, while two readers look: one that stays, one with a sidecar."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.log = self.folder / "events.jsonl"
        self.log.write_bytes(b"")
        self.sidecars = IndexCache(self.folder / "cache")
        self.staying = LineIndex()
        self.held = os.open(self.log, os.O_RDONLY)

    @rule(lines=st.lists(line, max_size=8))
    def append(self, lines: list[bytes]) -> None:
        self._write(b"".join(raw.replace(b"\n", b"") + b"\n" for raw in lines))

    @rule(raw=line, part=st.floats(0, 1))
    def append_a_torn_line(self, raw: bytes, part: float) -> None:
        self._write(raw.replace(b"\n", b"")[: int(len(raw) * part)])

    @rule(part=st.floats(0, 1))
    def cut(self, part: float) -> None:
        os.truncate(self.log, int(self.log.stat().st_size * part))

    @rule(lines=st.lists(line, max_size=5))
    def write_anew(self, lines: list[bytes]) -> None:
        self.log.write_bytes(self._another_log(lines))

    def _another_log(self, lines: list[bytes]) -> bytes:
        """Join lines; skip a log that differs from the present one only where the index does not look."""
        new, old = b"".join(raw.replace(b"\n", b"") + b"\n" for raw in lines), self.log.read_bytes()
        size = old.rfind(b"\n") + 1
        tail = slice(max(0, size - TAIL_BYTES), size)
        assume(new[:size] == old[:size] or new[:HEAD_BYTES] != old[:HEAD_BYTES] or new[tail] != old[tail])
        return new

    @rule(lines=st.lists(line, max_size=5))
    def replace(self, lines: list[bytes]) -> None:
        other = self.folder / "other"
        other.write_bytes(self._another_log(lines))
        other.replace(self.log)
        os.close(self.held)
        self.held = os.open(self.log, os.O_RDONLY)

    @rule()
    def damage_the_sidecar(self) -> None:
        for sidecar in self.sidecars.folder.glob(f"*{SUFFIX}"):
            os.truncate(sidecar, sidecar.stat().st_size // 2)

    @invariant()
    def the_index_is_that_of_the_file(self) -> None:
        content = self.log.read_bytes()
        assert_is_index_of(index_of(self.log, self.sidecars), content)
        self.staying.index_new_lines(self.held)
        assert_is_index_of(self.staying, content)

    def teardown(self) -> None:
        os.close(self.held)
        shutil.rmtree(self.folder)

    def _write(self, content: bytes) -> None:
        with self.log.open("ab") as stream:
            stream.write(content)


TestGrowingLog = GrowingLog.TestCase
TestGrowingLog.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "events.jsonl"
    path.parent.mkdir()
    path.write_bytes(many(5_000))
    return path


@pytest.fixture
def sidecars(tmp_path: Path) -> IndexCache:
    return IndexCache(tmp_path / "cache")


def test_the_second_opening_reads_no_line(log: Path, sidecars: IndexCache) -> None:
    first = index_of(log, sidecars)
    second = index_of(log, sidecars)
    assert second.scanner.decoded_count == 0
    assert told(second) == told(first)
    assert second.failure_lines.tolist() == first.failure_lines.tolist()
    assert second.timeline(7) == first.timeline(7)


def test_a_few_new_lines_are_not_worth_writing_and_are_known_all_the_same(
    log: Path, sidecars: IndexCache
) -> None:
    index_of(log, sidecars)
    (sidecar,) = sidecars.folder.iterdir()
    before = sidecar.read_bytes()
    with log.open("ab") as stream:
        stream.write(many(50))
    assert_is_index_of(index_of(log, sidecars), log.read_bytes())
    assert sidecar.read_bytes() == before


def test_many_new_lines_are_kept(log: Path, sidecars: IndexCache) -> None:
    index_of(log, sidecars)
    with log.open("ab") as stream:
        stream.write(many(11_000))
    index_of(log, sidecars)
    assert index_of(log, sidecars).scanner.decoded_count == 0


def test_nothing_is_written_beside_the_log(log: Path, sidecars: IndexCache) -> None:
    index_of(log, sidecars)
    assert [path.name for path in log.parent.iterdir()] == ["events.jsonl"]
    assert [path.suffix for path in sidecars.folder.iterdir()] == [SUFFIX]


def test_without_a_cache_nothing_is_kept(log: Path, tmp_path: Path) -> None:
    index_of(log, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        MAGIC,
        b"something else",
        sealed(b"\xff" * 8),
        sealed((2).to_bytes(8, "little") + b"{}"),
        sealed((4).to_bytes(8, "little") + b"null"),
    ],
    ids=["empty", "magic", "other", "too long", "no columns", "null"],
)
def test_a_sidecar_that_is_none_is_made_anew(log: Path, sidecars: IndexCache, content: bytes) -> None:
    index_of(log, sidecars)
    (sidecar,) = sidecars.folder.iterdir()
    sidecar.write_bytes(content)
    assert_is_index_of(index_of(log, sidecars), log.read_bytes())
    assert sidecar.stat().st_size > len(content)


def test_a_log_of_the_same_size_with_another_end_is_indexed_anew(log: Path, sidecars: IndexCache) -> None:
    index_of(log, sidecars)
    content = log.read_bytes()
    log.write_bytes(content[:-200] + content[-200:].replace(b"x", b"y"))
    assert_is_index_of(index_of(log, sidecars), log.read_bytes())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written_costs_only_time(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    assert len(index_of(log, IndexCache(folder))) == 5_000


def test_a_cache_that_is_a_file_costs_only_time(log: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert len(index_of(log, IndexCache(tmp_path / "file"))) == 5_000


def test_sidecars_used_longest_ago_make_room(tmp_path: Path) -> None:
    sidecars = IndexCache(tmp_path / "cache", max_bytes=250_000)
    logs = []
    for number in range(4):
        log = tmp_path / f"{number}.jsonl"
        log.write_bytes(many(9_000, seed=number))
        logs.append(log)
        index_of(log, sidecars)
        for age, known in enumerate(reversed(logs)):
            with suppress(FileNotFoundError):
                os.utime(sidecars.folder / f"{known.stat().st_dev:x}-{known.stat().st_ino:x}{SUFFIX}", (1e9 - age, 1e9 - age))  # fmt: skip
    sizes = [path.stat().st_size for path in sidecars.folder.iterdir()]
    assert sum(sizes) <= 250_000
    kept = {path.name for path in sidecars.folder.iterdir()}
    assert f"{logs[-1].stat().st_dev:x}-{logs[-1].stat().st_ino:x}{SUFFIX}" in kept
    assert len(kept) == 2


def flip_bits(content: bytearray, chance: random.Random) -> None:
    for _ in range(300):
        content[chance.randrange(400, len(content))] ^= 1 << chance.randrange(8)


def zero_blocks(content: bytearray, chance: random.Random) -> None:
    begin = chance.randrange(0, len(content) - 4096, 4096)
    content[begin : begin + 4096] = bytes(4096)


@pytest.mark.parametrize("damage", [flip_bits, zero_blocks])
def test_damaged_index_is_made_again(
    log: Path, sidecars: IndexCache, damage: Callable[[bytearray, random.Random], None]
) -> None:
    index_of(log, sidecars)
    (sidecar,) = sidecars.folder.iterdir()
    whole = sidecar.read_bytes()
    for seed in range(40):
        content = bytearray(whole)
        damage(content, random.Random(seed))
        sidecar.write_bytes(content)
        assert content == whole or index_of(log, sidecars).scanner.decoded_count > 0
        assert sidecar.read_bytes()[-100_000:] == whole[-100_000:]


def test_log_rewritten_in_the_middle_is_indexed_again(log: Path, sidecars: IndexCache) -> None:
    index_of(log, sidecars)
    content = log.read_bytes()
    middle = content.index(b"heartbeat", len(content) // 2)
    with log.open("r+b") as stream:
        stream.seek(middle)
        stream.write(b"step_fail")
    assert_is_index_of(index_of(log, sidecars), log.read_bytes())


def _group_can_write_file(sidecar: Path) -> None:
    sidecar.chmod(0o660)


def _others_can_write_folder(sidecar: Path) -> None:
    sidecar.parent.chmod(0o777)


def _link(sidecar: Path) -> None:
    sidecar.rename(sidecar.parent.parent / "elsewhere")
    sidecar.symlink_to(sidecar.parent.parent / "elsewhere")


@pytest.mark.parametrize("change", [_group_can_write_file, _others_can_write_folder, _link])
def test_index_that_others_can_write_is_not_used(
    log: Path, sidecars: IndexCache, change: Callable[[Path], None]
) -> None:
    index_of(log, sidecars)
    (sidecar,) = sidecars.folder.iterdir()
    change(sidecar)
    assert index_of(log, sidecars).scanner.decoded_count > 0
    assert index_of(log, sidecars).scanner.decoded_count == 0
    assert sidecars.folder.stat().st_mode & 0o777 == 0o700
    assert sidecar.lstat().st_mode & 0o777 == 0o600
