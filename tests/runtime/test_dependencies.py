"""Missing modules: looked for, named, installed on request with pip's words kept."""

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import orjson
import pytest

from osiris_inspect.base import install_hint
from osiris_inspect.base.install_hint import extra_requirements, install_command
from osiris_inspect.model.errors import DependencyMissing
from osiris_inspect.runtime.protocol import dependencies
from tests.runtime.runs import events_of, make_run

NEEDY = {"requires": ["module_of_a_test"], "driver": "tests.runtime.faulty:Faulty", "extra": "test"}


def _wheel(folder: Path) -> Path:
    path = folder / "module_of_a_test-1.0-py3-none-any.whl"
    info = "module_of_a_test-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("module_of_a_test.py", "GREETING = 'installed'\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: module_of_a_test\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def _session(folder: Path, requirement: str) -> Path:
    specs = folder / "artifacts/_system/components.json"
    specs.parent.mkdir(parents=True)
    specs.write_bytes(orjson.dumps({"components": {"n": NEEDY}, "requirements": {"test": [requirement]}}))
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter of its own, which may be filled."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return str(folder / "bin" / "python")


def test_what_is_missing_is_installed_and_pips_words_are_kept(
    tmp_path: Path, python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    session = _session(tmp_path / "run", f"module_of_a_test @ {_wheel(tmp_path).as_uri()}")
    done = dependencies.pip_install(session, [NEEDY], python)
    assert done == [f"module_of_a_test @ {(tmp_path / 'module_of_a_test-1.0-py3-none-any.whl').as_uri()}"]
    assert "Successfully installed" in (session / dependencies.INSTALL_LOG).read_text()
    seen = subprocess.run(
        [python, "-c", "import module_of_a_test as m; print(m.GREETING)"], capture_output=True, check=True
    )
    assert seen.stdout == b"installed\n"


def test_what_pip_cannot_install_is_named_with_the_log_that_says_why(
    tmp_path: Path, python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    session = _session(tmp_path, "no-such-package-for-sure")
    with pytest.raises(DependencyMissing, match=r"module_of_a_test.*install.log"):
        dependencies.pip_install(session, [NEEDY], python)
    assert "no-such-package-for-sure" in (session / dependencies.INSTALL_LOG).read_text()


def test_installation_in_the_cloud_that_fails_names_the_template(
    tmp_path: Path, python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    session = _session(tmp_path, "no-such-package-for-sure")
    with pytest.raises(DependencyMissing) as caught:
        dependencies.pip_install(session, [NEEDY], python, is_remote=True)
    assert caught.value.fix == (
        "install them in the template of the sandbox (E2B_TEMPLATE) with: pip install 'osiris-inspect[test]'; "
        "see artifacts/_system/install.log for the output of the installation"
    )


def test_environment_without_pip_installs_with_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    (tmp_path / "uv").write_text("#!/bin/sh\n")
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    words = dependencies.install_words(["a>=1"])
    assert words == [str(tmp_path / "uv"), "pip", "install", "--python", sys.executable, "a>=1"]
    assert str(dependencies.missing_error({"module_of_a_test": None})).endswith("or run with --install-deps")


def test_environment_without_pip_and_uv_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = _session(tmp_path, "module-of-a-test")
    find_spec = importlib.util.find_spec
    for module in (importlib.util, install_hint):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name == "pip" else find_spec(name))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyMissing) as caught:
        dependencies.pip_install(session, [NEEDY])
    assert str(caught.value) == (
        "missing modules: module_of_a_test; --install-deps found neither pip nor uv; "
        f"install them with: {sys.executable} -m ensurepip && {sys.executable} -m pip install module-of-a-test"
    )
    assert "--install-deps" not in str(dependencies.missing_error({"module_of_a_test": None}))


def test_nothing_is_installed_where_nothing_is_missing(tmp_path: Path) -> None:
    assert dependencies.pip_install(tmp_path, [{**NEEDY, "requires": ["json"]}]) == []
    assert not list(tmp_path.iterdir())


def test_a_run_that_installs_and_needs_nothing_runs(tmp_path: Path) -> None:
    outcome = make_run(tmp_path, "sandbox", install_missing=True)
    assert outcome.status == "success"
    assert "dependencies_installed" not in [event["event"] for event in events_of(outcome.path)]


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"psycopg": "postgres"}, "psycopg[binary]"),
        ({"psycopg": "postgres"}, install_command(extra_requirements(["postgres"]))),
        (
            {"a": "mysql", "b": "e2b"},
            f"missing modules: a, b; install them with: {install_command(extra_requirements(['e2b', 'mysql']))}",
        ),
        ({"orjson": None, "yaml": None}, " orjson PyYAML"),
    ],
)
def test_the_error_names_modules_and_what_brings_them(missing: dict[str, str | None], words: str) -> None:
    assert words in str(dependencies.missing_error(missing))


def test_a_worker_in_an_empty_interpreter_says_what_it_misses(tmp_path: Path, python: str) -> None:
    repo = Path(__file__).parents[2]
    told = orjson.dumps({"session": str(tmp_path), "isolation": "none", "host": 0, "nonce": "0"}).decode()
    done = subprocess.run(
        [python, "-P", "-m", "osiris_inspect.runtime.worker", told],
        input=b'{"cmd":"ping","id":1}\n',
        capture_output=True,
        env={"PYTHONPATH": str(repo), "PATH": os.environ["PATH"]},
        check=False,
    )
    answer = orjson.loads(done.stdout)
    assert (answer["type"], answer["id"], answer["error"]["type"]) == ("error", None, "DependencyMissing")
    assert "orjson" in answer["error"]["message"]
