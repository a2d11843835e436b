"""The way to a file is the one the system goes."""

import os
from pathlib import Path

import pytest

from osiris_inspect.runtime.files.symlinks import LinkChain, follow_links


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Folders and links of every kind, below a folder whose own way has none."""
    root = Path(os.path.realpath(tmp_path))
    (root / "a/deep").mkdir(parents=True)
    (root / "b").mkdir()
    (root / "b/file").write_text("x")
    (root / "a/near").symlink_to("../b")
    (root / "a/far").symlink_to(root / "b")
    (root / "chain").symlink_to("a/far")
    (root / "dangling").symlink_to("b/not-yet")
    (root / "circle").symlink_to("circle")
    return root


@pytest.mark.parametrize(
    "name",
    [
        "b/file",
        "a/near/file",
        "a/far/file",
        "chain/file",
        "chain/../b/file",
        "a/deep/../far/file",
        "dangling",
        "a/../b/no",
    ],
)
def test_it_ends_where_the_system_ends(tree: Path, name: str) -> None:
    assert follow_links(tree / name).end == Path(os.path.realpath(tree / name))


def test_each_link_stands_where_it_really_lies(tree: Path) -> None:
    links = ((tree / "chain", "a/far"), (tree / "a/far", str(tree / "b")))
    assert follow_links(tree / "chain/file") == LinkChain(tree / "b/file", links)


def test_a_folder_that_is_left_again_must_be_there(tree: Path) -> None:
    assert follow_links(tree / "a/deep/../../b/file") == LinkChain(
        tree / "b/file", (), (tree / "a/deep", tree / "a")
    )


def test_a_circle_ends(tree: Path) -> None:
    assert follow_links(tree / "circle").links == ((tree / "circle", "circle"),)
