from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.project import config_file as configuration
from osiris_inspect.inspector.project.config_file import ProjectConfig, load_project_config
from osiris_inspect.inspector.project.project import Project
from osiris_inspect.inspector.project.suppressions import (
    Suppression,
    apply_suppressions,
    comment_suppressions,
    unused_suppressions,
)
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.errors import SettingsError
from tests.inspector.making import CHAIN, failing_locally, native, run_dir, succeeding_locally

RULE = '''"""Steps whose name is too short."""
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
NEEDS = ("steps",)


def check(run, lineage):
    for step in run.steps:
        if len(step.id) < {least}:
            yield Finding("x", Severity.WARNING, Confidence.HIGH, "config", "short", (Evidence("events.jsonl", 2, step.id),), step.id)
'''


def configured(folder: Path, text: str, name: str = ".osiris-inspect.toml") -> ProjectConfig:
    (folder / name).write_text(text)
    return load_project_config(Project(folder, trusts_rules=True))


def empty_source(folder: Path) -> Report:
    lines = succeeding_locally()
    lines[4]["rows"] = 0
    return analyze(run_dir(folder, lines, steps=CHAIN))


def test_folder_without_settings_has_none(tmp_path: Path) -> None:
    assert load_project_config(Project(tmp_path, trusts_rules=True)).suppressions == ()


@pytest.mark.parametrize(
    ("name", "head"), [(".osiris-inspect.toml", ""), ("pyproject.toml", "[tool.osiris-inspect]\n")]
)
def test_what_is_allowed_stands_in_either_file(tmp_path: Path, name: str, head: str) -> None:
    text = head + 'ignore = ["disk-full", "zero-rows-from-source@extract: empty on Sundays"]\n'
    assert configured(tmp_path, text, name).suppressions == (
        Suppression("disk-full", None, "", name),
        Suppression("zero-rows-from-source", "extract", "empty on Sundays", name),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ignore = 3", "ignore must be a list of strings"),
        ('ignore = ["No Rule"]', "write 'rule', 'rule@step'"),
        ("ignroe = []", "unknown key 'ignroe'; choose from ignore, rules, patterns"),
        ("ignore = [", "cannot be read"),
        ('rules = ["nowhere"]', "'nowhere', which is not a folder"),
        ('rules = [".."]', "outside the repository or inside a run"),
        ('[[patterns]]\nname = "a-b"', "message is missing"),
        ('[[patterns]]\nname = "a-b"\nmessage = "m"\npattern = "("', "the pattern of 'a-b' is invalid"),
        ('[[patterns]]\nname = "a-b"\nmessage = "m"\ndomain = "moon"', "unknown domain 'moon'"),
    ],
)
def test_setting_that_cannot_be_is_an_error_that_names_it(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        configured(tmp_path, text)


def test_allowed_warning_is_not_shown(tmp_path: Path) -> None:
    told = apply_suppressions(
        empty_source(tmp_path), [Suppression("zero-rows-from-source", "extract", "so be it", "x")]
    )
    assert told.findings == ()
    assert [finding.id for finding in told.allowed] == ["zero-rows-from-source@extract"]


def test_allowance_of_another_step_changes_nothing(tmp_path: Path) -> None:
    before = empty_source(tmp_path)
    assert (
        apply_suppressions(before, [Suppression("zero-rows-from-source", "stats", "", "x")]).findings
        == before.findings
    )


def test_allowed_error_stays_in_sight_and_is_known(tmp_path: Path) -> None:
    before = analyze(run_dir(tmp_path, failing_locally("CSV file not found: /x"), steps=CHAIN))
    told = apply_suppressions(before, [Suppression("file-missing", None, "", "x", may_allow_errors=True)])
    assert told.root_cause is not None
    assert (told.root_cause.rule, told.root_cause.in_baseline) == ("file-missing", True)


def test_allowance_that_covers_nothing_is_told_unless_its_step_is_of_another_pipeline(tmp_path: Path) -> None:
    entries = [Suppression("disk-full", step, "", "x") for step in (None, "extract", "of-another")]
    told = apply_suppressions(empty_source(tmp_path), entries)
    assert unused_suppressions([told], entries) == entries[:2]


def test_allowance_in_use_is_not_told(tmp_path: Path) -> None:
    entry = Suppression("zero-rows-from-source", None, "", "x")
    assert unused_suppressions([apply_suppressions(empty_source(tmp_path), [entry])], [entry]) == []


PIPELINE = """\
name: demo
# osiris-inspect: allow disk-full: the machine is small
steps:
  # what stands above a step counts for it
  # osiris-inspect: allow zero-rows-from-source: empty on Sundays
  - id: extract
    config: {}  # osiris-inspect: allow file-missing: not there yet
  - id: stats
    # osiris-inspect: allow sql-syntax
"""


def planned(folder: Path, text: str = PIPELINE, file: str = "pipeline.yaml") -> Report:
    (folder / "pipeline.yaml").write_text(text)
    steps = [{"step_id": "extract", "line": 6}, {"step_id": "stats", "line": 8}]
    plan = native("plan", 0, file=file, steps=steps)
    return analyze(run_dir(folder, [plan, native("run_end", 1, status="success")]))


def test_comment_in_a_pipeline_counts_for_its_step(tmp_path: Path) -> None:
    assert [(entry.rule, entry.step, entry.reason, entry.source) for entry in comment_suppressions(planned(tmp_path), Project(tmp_path))] == [
        ("disk-full", None, "the machine is small", "pipeline.yaml:2"),
        ("zero-rows-from-source", "extract", "empty on Sundays", "pipeline.yaml:5"),
        ("file-missing", "extract", "not there yet", "pipeline.yaml:7"),
    ]  # fmt: skip


def test_comment_without_a_reason_allows_nothing(tmp_path: Path) -> None:
    assert "sql-syntax" not in {
        entry.rule for entry in comment_suppressions(planned(tmp_path), Project(tmp_path))
    }


def test_pipeline_that_is_gone_allows_nothing(tmp_path: Path) -> None:
    assert comment_suppressions(planned(tmp_path, file="gone.yaml"), Project(tmp_path)) == ()


def told_with(folder: Path, found: ProjectConfig, error: str = "boom") -> Report:
    run = run_dir(folder, failing_locally(error), steps=CHAIN)
    return analyze(run, extra_rules=found.rules)


def test_rule_of_the_repository_is_asked_too(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "name_too_short.py").write_text(RULE.format(least=8))
    found = configured(tmp_path, 'rules = ["house"]')
    told = told_with(tmp_path / "logs", found)
    assert "name-too-short@extract" in {finding.id for finding in told.findings}
    assert next(rule.rule_manual for rule in found.rules if rule.id == "name-too-short").startswith(
        "Steps whose"
    )


def test_rule_of_the_repository_that_raises_is_listed_as_not_checked(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "name_too_short.py").write_text(RULE.format(least="run.nothing"))
    told = told_with(tmp_path / "logs", configured(tmp_path, 'rules = ["house"]'))
    reasons = {entry.rule: entry.reason for entry in told.not_checked}
    assert (
        reasons["name-too-short"] == "the rule raised AttributeError: 'Run' object has no attribute 'nothing'"
    )
    assert told.root_cause is not None


def test_rule_of_the_repository_that_cannot_be_loaded_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "broken.py").write_text("NEEDS = (\n")
    with pytest.raises(SettingsError, match=r"broken\.py' cannot be loaded: SyntaxError"):
        configured(tmp_path, 'rules = ["house"]')


def test_pattern_is_a_rule(tmp_path: Path) -> None:
    text = '[[patterns]]\nname = "vpn-down"\npattern = "tunnel (?P<n>\\\\d+)"\nmessage = "the {VPN} is down"\nfix = "call 42"'
    cause = told_with(tmp_path / "logs", configured(tmp_path, text), "no route through tunnel 7").root_cause
    assert cause is not None
    assert (cause.rule, cause.message, cause.fix) == (
        "vpn-down",
        "the {VPN} is down: no route through tunnel 7",
        "call 42",
    )


@pytest.mark.parametrize("inside", ["", "artifacts"])
def test_settings_that_lie_in_a_run_are_never_read(tmp_path: Path, inside: str) -> None:
    folder = run_dir(tmp_path, failing_locally("boom")) / inside
    (folder / "house").mkdir(parents=True)
    (folder / "house" / "evil.py").write_text("raise SystemExit('ran')")
    found = configured(folder, 'ignore = ["disk-full"]\nrules = ["house"]')
    assert (found.suppressions, [rule.id for rule in found.rules]) == ((), [])


def test_folder_of_rules_that_lies_in_a_run_is_refused(tmp_path: Path) -> None:
    run = run_dir(tmp_path / "logs", failing_locally("boom"))
    (run / "house").mkdir()
    with pytest.raises(SettingsError, match="inside a run"):
        configured(tmp_path, f'rules = ["logs/{run.name}/house"]')


def test_rule_of_an_installed_package_is_asked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lib"
    (package / "house_rules-1.0.dist-info").mkdir(parents=True)
    (package / "house_rules-1.0.dist-info" / "METADATA").write_text("Name: house-rules\nVersion: 1.0\n")
    (package / "house_rules-1.0.dist-info" / "entry_points.txt").write_text(
        "[osiris_inspect.rules]\nname-too-short = house_rule_of_a_package\n"
    )
    (package / "house_rule_of_a_package.py").write_text(RULE.format(least=8))
    monkeypatch.syspath_prepend(str(package))
    configuration.plugin_rules.cache_clear()
    try:
        told = told_with(tmp_path / "logs", load_project_config(Project(tmp_path, trusts_rules=True)))
    finally:
        configuration.plugin_rules.cache_clear()
    assert "name-too-short@extract" in {finding.id for finding in told.findings}


def test_every_key_of_a_report_survives_an_allowance(tmp_path: Path) -> None:
    before: Any = empty_source(tmp_path)
    after = apply_suppressions(before, [])
    assert (after.run, after.lineage, after.findings, after.not_checked) == (
        before.run,
        before.lineage,
        before.findings,
        before.not_checked,
    )


@pytest.mark.parametrize("kind", ["archive", "closed", "gone", "without", "with"])
def test_place_of_packages_is_asked_only_where_one_may_offer_rules(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "packages"
    package = place / "some-1.0.dist-info"
    if kind == "archive":
        place.write_bytes(b"PK")
    elif kind != "gone":
        package.mkdir(parents=True)
        group = configuration.GROUP if kind == "with" else "console_scripts"
        (package / "entry_points.txt").write_text(f"[{group}]\nname = module\n")
    if kind == "closed":  # root may list everything
        monkeypatch.setattr("os.scandir", _refuse)
    assert configuration._may_have_plugins(str(place)) == (kind in ("archive", "closed", "with"))


def _refuse(place: str) -> None:
    raise PermissionError(13, "permission denied", place)


def test_file_of_a_project_that_does_not_speak_of_us_is_not_read_for_faults(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool\nbroken = \n")
    assert load_project_config(Project(tmp_path)) == load_project_config(Project(tmp_path / "nowhere"))


def test_table_whose_name_is_written_with_escapes_is_ours_too(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool."osiris\\u002dinspect"]\nignore = ["rows-lost"]\n')
    assert [
        entry.rule for entry in load_project_config(Project(tmp_path, trusts_rules=True)).suppressions
    ] == ["rows-lost"]
