"""The target of a writer: a table of a file is not the whole file."""

from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import replaces_target, writer_target


def test_tables_of_one_file_are_different_targets() -> None:
    first = {"path": "./shop.db", "table": "a", "write_mode": "append"}
    key, target = writer_target(first)
    assert (key, target) == ("table", ("table", "", "", "", "", "shop.db", "a"))
    assert writer_target({**first, "table": "b"})[1] != target
    assert writer_target({**first, "path": "shop.db", "write_mode": "replace"})[1] == target
    assert not replaces_target(first)


def test_path_without_table_is_a_file() -> None:
    assert writer_target({"path": "out/a.csv"}) == ("path", ("file", "", "", "", "", "out/a.csv"))
