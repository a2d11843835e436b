"""Files that a pipeline names go into a cloud sandbox and come home by the names it uses."""

from pathlib import Path

import pytest

from osiris_inspect.runtime.transport.transport import Transport
from tests.runtime.runs import make_run

pytestmark = pytest.mark.usefixtures("nothing_left")

CLOUD = pytest.mark.parametrize("on", ["e2b"])


def _copy(of: str, to: str) -> str:
    return (
        'oml_version: "0.1.0"\nname: files\nsteps:\n'
        f"  - {{id: first, component: filesystem.csv_extractor, config: {{path: {of!r}}}}}\n"
        f"  - {{id: second, component: filesystem.csv_writer, needs: [first], config: {{path: {to!r}}}}}\n"
    )


@CLOUD
def test_symbolic_links_in_the_pipelines_folder_are_read_and_written_through(
    tmp_path: Path, on: str, transport: Transport
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/in.csv").write_text("a\n1\n")
    (tmp_path / "real/out.csv").write_text("old")
    (tmp_path / "real/out.csv").chmod(0o600)
    (tmp_path / "in.csv").symlink_to("real/in.csv")
    (tmp_path / "out.csv").symlink_to("real/out.csv")
    outcome = make_run(tmp_path, on, text=_copy("in.csv", "out.csv"), transport=transport)
    assert outcome.status == "success", outcome.reason
    assert (tmp_path / "out.csv").is_symlink()
    assert (tmp_path / "real/out.csv").read_text() == "a\n1\n"
    assert (tmp_path / "real/out.csv").stat().st_mode & 0o777 == 0o600


@CLOUD
def test_names_like_patterns_are_names(tmp_path: Path, on: str, transport: Transport) -> None:
    (tmp_path / "in[1].csv").write_text("a\n1\n")
    outcome = make_run(tmp_path, on, text=_copy("in[1].csv", "out[1].csv"), transport=transport)
    assert outcome.status == "success", outcome.reason
    assert (tmp_path / "out[1].csv").read_text() == "a\n1\n"


@CLOUD
def test_a_link_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, on: str, transport: Transport
) -> None:
    (tmp_path / "outside.csv").write_text("a\n1\n")
    (tmp_path / "base").mkdir()
    (tmp_path / "base/in.csv").symlink_to("../outside.csv")
    outcome = make_run(tmp_path / "base", on, text=_copy("in.csv", "out.csv"), transport=transport)
    assert "base/in.csv', which is outside its folder" in str(outcome.reason)
