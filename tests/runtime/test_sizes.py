import pytest

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.files.memory_limit import parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("123456789012345678", 123456789012345678),
        ("500MB", 500_000_000),
        (" 2 gb ", 2_000_000_000),
        ("1.5GiB", 3 << 29),
        ("64kib", 64 << 10),
        ("7B", 7),
    ],
)
def test_a_size_is_read_as_people_write_it(text: str, size: int) -> None:
    assert parse_bytes(text, "--x") == size


@pytest.mark.parametrize("text", ["", "GB", "2G", "1e9", "-5", "1,000", "nan", "٣GB", "2GB or so"])
def test_what_is_no_size_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="invalid --x: "):
        parse_bytes(text, "--x")
