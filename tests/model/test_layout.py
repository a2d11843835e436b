import pytest

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import UnsafePath


@pytest.mark.parametrize("name", ["extract-movies", "a", "A.b_c-1", "9"])
def test_file_name_is_a_safe_name(name: str) -> None:
    assert layout.is_safe_name(name)
    assert layout.config_path(name) == f"cfg/{name}.json"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a..b", "/etc", "-x", "a\0b", "a b", "a\n"])
def test_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert not layout.is_safe_name(name)
    for place in (
        layout.config_path,
        layout.artifacts_dir,
        layout.spill_path,
        layout.schema_path,
        layout.cleaned_config_path,
    ):
        with pytest.raises(UnsafePath):
            place(name)


@pytest.mark.parametrize(
    ("path", "inside"), [("a/b", True), ("../a", False), ("/a", False), ("a/../../b", False), ("a\0", False)]
)
def test_path_is_inside_only_where_it_cannot_leave(path: str, inside: bool) -> None:
    assert layout.is_relative_and_safe(path) is inside


@pytest.mark.parametrize(
    ("name", "ms"),
    [
        ("run_1759170586030", 1759170586030),
        ("compile_1759170381659", 1759170381659),
        ("20261122t042336z_run-000003-01m80q-64d3022", 1795321416000),
        ("20269922t042336z_x", None),
        ("run_worker_w01", None),
        ("notes", None),
    ],
)
def test_name_of_a_run_tells_when_it_began(name: str, ms: int | None) -> None:
    assert layout.parse_start_ms(name) == ms
