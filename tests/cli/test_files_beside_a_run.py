"""Files that lie beside a run: nothing of them is executed, and they silence nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from osiris_inspect.base.child_command import module_command
from tests.inspector.making import CHAIN, failing_locally, run_dir

BAIT = "import pathlib; pathlib.Path('executed').write_text(__name__)\n"


@pytest.mark.parametrize("module", ["textual", "typer", "orjson", "pyarrow", "json", "yaml"])
def test_module_beside_a_run_is_not_imported(tmp_path: Path, module: str) -> None:
    run_dir(tmp_path / "logs", failing_locally("boom"), steps=CHAIN)
    (tmp_path / f"{module}.py").write_text(BAIT)
    command = [sys.executable, "-m", "osiris_inspect", "summarize", "logs"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "boom" in done.stdout
    assert not (tmp_path / "executed").exists()


def test_children_do_not_import_from_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "bait.py").write_text(BAIT)
    done = subprocess.run(module_command("bait"), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "No module named bait" in done.stderr
    assert not (tmp_path / "executed").exists()


def test_one_function_makes_the_command_of_each_child() -> None:
    package = Path(__file__).parents[2] / "osiris_inspect"
    elsewhere = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if "sys.executable" in file.read_text()
    }
    assert elsewhere == {
        "base/child_command.py",
        "base/install_hint.py",  # prints it
        "cli/pipeline/demo.py",  # prints it
        "cli/pipeline/doctor.py",  # prints it
        "runtime/protocol/dependencies.py",  # compares it
    }
