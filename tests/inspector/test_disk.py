"""Files of a run, opened with care: what leads out of it, what is not there, and documents that are too deep."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.base.bounded_yaml import load_yaml, max_depth
from osiris_inspect.inspector.files import run_files as disk
from osiris_inspect.inspector.files.run_files import RunFiles

PIECES = (
    "- ", "-\n", "? ", ": ", "a: ", "'a': ", "k: &a\n", "&x ", "*x", "!!map ", "!t ", "'q'", '"q"', "[", "]", "{", "}", ",",
    "a", "\n", "\n ", "\n  ", "\n\t", "\n- ", "\n? ", "\n: ", " ", "\r", "\x85", "\u2028", "|\n", "#c\n", "--- ", "%",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(max_examples=1000, deadline=None)
def test_no_document_is_deeper_than_its_bytes_say(text: str) -> None:
    assert depth_of(text) <= max_depth(text.encode())


def depth_of(text: str) -> int:
    """The levels of a document, or of what its parser read of it."""
    depth = deepest = 0
    try:
        for event in yaml.parse(text.encode(), Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            deepest = max(deepest, depth)
    except yaml.YAMLError:
        pass  # what follows a fault is not read
    return deepest


@pytest.mark.parametrize(
    "text",
    ["[" * 5000, "{a: " * 5000, "- " * 5000, "? " * 5000, "".join(f"{' ' * n}a:\n" for n in range(5000))],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_deep_document_is_refused_before_it_is_built(text: str, encoding: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml(text.encode(encoding))


def test_wide_document_is_no_deep_one() -> None:
    text = f"steps: [{', '.join('{id: [a, b]}' for _ in range(5000))}]"
    assert len(load_yaml(text.encode())["steps"]) == 5000


def test_manifest_that_many_runs_share_is_parsed_once() -> None:
    content = b"name: shared\nsteps: []\n"
    assert load_yaml(content) is load_yaml(bytes(bytearray(content)))


@pytest.mark.parametrize("file", ["schema.json", "artifacts/a/schema.json", "artifacts/a/b/schema.json"])
@pytest.mark.parametrize("linked", [0, 1, 2])
@pytest.mark.parametrize("is_inside", [True, False], ids=["inside", "outside"])
def test_link_is_followed_inside_of_the_run_only(
    tmp_path: Path, file: str, linked: int, *, is_inside: bool
) -> None:
    run, parts = tmp_path / "run", file.split("/")
    place = Path(*parts[: linked + 1])
    home = (run / "kept" if is_inside else tmp_path / "elsewhere") / place
    target = home.joinpath(*parts[linked + 1 :])
    target.parent.mkdir(parents=True)
    target.write_text("{}")
    (run / place).parent.mkdir(parents=True, exist_ok=True)
    (run / place).symlink_to(home)
    files = RunFiles(run)
    assert files.exists(file)
    assert files.size(file) == (2 if is_inside else None)
    assert [line for _, line in files.lines(file)] == ([b"{}"] if is_inside else [])
    assert bool(files.unreadable) != is_inside


def test_run_behind_a_link_is_read_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/status.json").write_text("{}")
    (tmp_path / "link").symlink_to("run")
    assert RunFiles(tmp_path / "link").size("status.json") == 2


@pytest.mark.parametrize(
    "file", ["absent.json", "absent/absent.json", "a/../../secret.json", "/etc/passwd", "folder", ""]
)
def test_what_is_no_file_of_the_run_has_no_size(tmp_path: Path, file: str) -> None:
    (tmp_path / "run/folder").mkdir(parents=True)
    (tmp_path / "run/a").mkdir()
    (tmp_path / "secret.json").write_text("{}")
    assert RunFiles(tmp_path / "run").size(file) is None


@pytest.mark.parametrize(
    "size", [0, 1, disk.FIRST_BLOCK - 1, disk.FIRST_BLOCK, disk.FIRST_BLOCK + 1, 3 * disk.BLOCK + 7]
)
def test_lines_are_whole_wherever_a_block_ends(tmp_path: Path, size: int) -> None:
    lines = [b"x" * (number % 97) + b"!" for number in range(size // 49)] + [b"y" * (size % 49 + 1)]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines))
    assert [line for _, line in RunFiles(tmp_path).lines("events.jsonl")] == lines
