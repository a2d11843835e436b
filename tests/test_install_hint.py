"""Commands that install missing packages, in the layouts of pip, uv and pipx."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from osiris_inspect.base import install_hint
from osiris_inspect.base.install_hint import extra_requirements, install_command

NEEDED = ["pymysql[rsa]<2,>=1.1"]


@pytest.mark.parametrize(
    ("has_pip", "has_uv", "start"),
    [
        (True, True, "{python} -m pip install"),
        (False, True, "uv pip install --python {python}"),
        (False, False, "{python} -m ensurepip && {python} -m pip install"),
    ],
)
def test_virtual_environment_uses_its_own_installer(
    monkeypatch: pytest.MonkeyPatch, has_pip: bool, has_uv: bool, start: str
) -> None:
    monkeypatch.setattr(install_hint, "find_spec", lambda _: object() if has_pip else None)
    monkeypatch.setattr(install_hint, "which", lambda _: "/usr/bin/uv" if has_uv else None)
    assert install_command(NEEDED) == f"{start.format(python=sys.executable)} 'pymysql[rsa]<2,>=1.1'"


def test_pipx_injects_into_its_environment(tmp_path: Path) -> None:
    receipt = {"main_package": {"package": "osiris-inspect"}, "pipx_metadata_version": "0.5"}
    (tmp_path / "pipx_metadata.json").write_text(json.dumps(receipt))
    assert install_command(NEEDED, tmp_path) == "pipx inject osiris-inspect 'pymysql[rsa]<2,>=1.1'"


@pytest.mark.parametrize(
    ("requirements", "command"),
    [
        (
            '{ name = "osiris-inspect", directory = "/src/osiris inspect" }',
            "uv tool install '/src/osiris inspect'",
        ),
        ('{ name = "osiris-inspect", git = "https://h/o.git" }', "uv tool install git+https://h/o.git"),
        ('{ name = "osiris-inspect", extras = ["web"] }', "uv tool install 'osiris-inspect[web]'"),
        (
            '{ name = "osiris-inspect" }, { name = "rich", specifier = ">=14" }',
            "uv tool install osiris-inspect --with 'rich>=14'",
        ),
    ],
)
def test_uv_installs_the_tool_again_with_the_package(tmp_path: Path, requirements: str, command: str) -> None:
    (tmp_path / "uv-receipt.toml").write_text(f"[tool]\nrequirements = [{requirements}]\n")
    assert install_command(["httpx"], tmp_path) == f"{command} --with httpx"


def test_damaged_receipt_of_uv_still_names_the_tool(tmp_path: Path) -> None:
    (tmp_path / "uv-receipt.toml").write_text("[tool\n")
    assert install_command(["httpx"], tmp_path) == "uv tool install osiris-inspect --with httpx"


def test_extra_names_its_packages() -> None:
    assert extra_requirements(["mysql"]) == NEEDED
    assert extra_requirements(["no-such-extra"]) == []


def test_command_names_no_program_on_an_index() -> None:
    code = (
        "from osiris_inspect.base.install_hint import install_extras_command as c; print(c('mysql', 'e2b'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "osiris-inspect[" not in done.stdout
