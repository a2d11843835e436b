"""``doctor`` tells what works here and always ends well."""

import json
import subprocess
import sys

import pytest


def doctor(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    import os

    environment = {name: value for name, value in os.environ.items() if name != "E2B_API_KEY"} | variables
    command = [sys.executable, "-m", "osiris_inspect", "doctor", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_it_names_python_packages_isolation_e2b_disk_and_memory() -> None:
    done = doctor()
    assert (done.returncode, done.stderr) == (0, "")
    first_words = {line.split()[0] for line in done.stdout.splitlines() if not line.startswith(" ")}
    assert {"python", "package", "isolation", "e2b", "disk", "memory"} <= first_words
    for level in ("bwrap: ", "landlock: ", "none: works"):
        assert level in done.stdout


def test_levels_state_what_they_protect() -> None:
    found = json.loads(doctor("--json").stdout)["isolation"]
    assert found["guarantees"]["none"] == dict.fromkeys(("files", "network", "processes", "secrets"), "no")
    for level, reason in found["levels"].items():
        assert (level in found["guarantees"]) == (reason is None)
        if level == "bwrap" and reason is None:
            assert found["guarantees"][level]["network"] == "yes"
    shared = "partly: steps share a process, in which a driver can read the secrets of others"
    assert f"  protects secrets: {shared}" in doctor().stdout


def test_a_level_that_does_not_work_has_its_reason() -> None:
    found = json.loads(doctor("--json", PATH="/nowhere").stdout)
    assert found["isolation"]["levels"]["bwrap"] == "bwrap is not installed; install bubblewrap"
    assert found["isolation"]["auto"] != "bwrap"


@pytest.mark.parametrize(
    ("variables", "is_set"), [({}, False), ({"E2B_API_KEY": "e2b_secret_key_of_a_test"}, True)]
)
def test_it_says_whether_there_is_a_key_and_never_which(variables: dict[str, str], is_set: bool) -> None:
    done = doctor("--json", **variables)
    assert json.loads(done.stdout)["e2b"]["key"] is is_set
    assert "secret_key_of_a_test" not in done.stdout


def test_a_setting_that_cannot_be_is_said_and_ends_nothing() -> None:
    done = doctor(E2B_SPILL_THRESHOLD="many")
    assert done.returncode == 0
    assert "invalid E2B_SPILL_THRESHOLD: 'many'" in done.stdout
