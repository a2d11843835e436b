"""The settings of a project: suppressed findings and custom rules.

They are read from ``.osiris-inspect.toml``, or from ``[tool.osiris-inspect]`` of ``pyproject.toml``, in its folder.
Settings inside a run directory are ignored, and code is executed only with consent, so that a run from another person
cannot bring code or suppressions.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.rule import Rule, build_rule
from osiris_inspect.inspector.files.find_runs import is_run
from osiris_inspect.inspector.project.project import Project
from osiris_inspect.inspector.project.suppressions import Suppression
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.finding import Domain

GROUP: Final = "osiris_inspect.rules"
OWN_FILE: Final = ".osiris-inspect.toml"
SHARED_FILE: Final = "pyproject.toml"
OWN_TABLE: Final = b"osiris-inspect"
_KEYS: Final = ("ignore", "rules", "patterns", "diff")
_DIFF_KEYS: Final = ("unstable",)
_PATTERN_KEYS: Final = ("name", "pattern", "message", "fix", "domain", "in_logs")
_ENTRY: Final = LazyRegex(
    r"(?P<rule>[a-z]+(?:-[a-z]+)*)(?:@(?P<step>[^:\s]+))?\s{0,80}(?::\s{0,80}(?P<reason>.*))?"
)
_NAME: Final = LazyRegex(r"[a-z]+(?:-[a-z]+)*")


class ProjectConfig(NamedTuple):
    """The settings of a project.

    Attributes:
        rules: also those of installed packages.
        untrusted_rules: folders of rules that the settings name and that were not executed.
        file: the file with the settings.
        unstable_steps: ids of steps that return other values each time, with wildcards; for comparisons of runs.
    """

    suppressions: tuple[Suppression, ...] = ()
    rules: tuple[Rule, ...] = ()
    untrusted_rules: tuple[str, ...] = ()
    file: str = ""
    unstable_steps: tuple[str, ...] = ()


def load_project_config(project: Project) -> ProjectConfig:
    """Return the settings of a project, with the rules of installed packages.

    Raises:
        SettingsError: a setting is invalid; the message names the file and the key.
    """
    folder = project.folder
    named = tuple(rule for rules in project.rule_folders for rule in _rules_in(rules))
    if any(map(is_run, (folder, *folder.parents))):
        return ProjectConfig(rules=(*plugin_rules(), *named))
    file, table = _table(folder)
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise SettingsError(f"{file.name}: unknown key {unknown[0]!r}; choose from {', '.join(_KEYS)}")
    consented = {rules.resolve() for rules in project.rule_folders}
    folders = [
        rules for rules in _rule_folders(file, table.get("rules", [])) if rules.resolve() not in consented
    ]
    untrusted = [] if project.trusts_rules else folders
    own = (
        *(rule for rules in folders if rules not in untrusted for rule in _rules_in(rules)),
        *_pattern_rules(file, table.get("patterns", [])),
    )
    ignored = table.get("ignore", [])
    may_allow_errors = bool(ignored) and project.may_allow_errors(file)
    return ProjectConfig(
        tuple(_suppressions(file, ignored, may_allow_errors=may_allow_errors)),
        (*plugin_rules(), *named, *own),
        tuple(os.path.relpath(rules, folder.resolve()) for rules in untrusted),
        file.name if table else "",
        _unstable_steps(file, table.get("diff", {})),
    )


def has_settings_file(folder: Path) -> bool:
    """Return True if a folder has a file that may contain settings."""
    return (folder / OWN_FILE).is_file() or (folder / SHARED_FILE).is_file()


def _table(folder: Path) -> tuple[Path, Mapping[str, Any]]:
    own, shared = folder / OWN_FILE, folder / SHARED_FILE
    if own.is_file():
        return own, _toml(own)
    tools = _toml(shared).get("tool", {}) if shared.is_file() and _mentions_tool(shared) else {}
    table = tools.get("osiris-inspect", {}) if isinstance(tools, dict) else {}
    return shared, table if isinstance(table, dict) else {}


def _mentions_tool(file: Path) -> bool:
    """Return True if ``pyproject.toml`` may have our table; otherwise it is not parsed."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file.name} cannot be read: {error}") from None
    return OWN_TABLE in content or b"\\u" in content  # a key may be written with escapes


def _toml(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file.name} cannot be read: {error}") from None


def _suppressions(file: Path, entries: Any, *, may_allow_errors: bool) -> Iterator[Suppression]:
    for entry in _texts(file, "ignore", entries):
        match = _ENTRY.fullmatch(entry.strip())
        if match is None:
            text = f"{file.name}: ignore has {entry!r}; write 'rule', 'rule@step', or either with ': reason'"
            raise SettingsError(text)
        yield Suppression(match["rule"], match["step"], match["reason"] or "", file.name, may_allow_errors)


def _unstable_steps(file: Path, table: Any) -> tuple[str, ...]:
    if not isinstance(table, dict) or set(table) - set(_DIFF_KEYS):
        raise SettingsError(f"{file.name}: [diff] takes only {', '.join(_DIFF_KEYS)}")
    return tuple(_texts(file, "diff.unstable", table.get("unstable", [])))


def _texts(file: Path, key: str, value: Any) -> list[str]:
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise SettingsError(f"{file.name}: {key} must be a list of strings")
    return entries


@cache
def plugin_rules() -> tuple[Rule, ...]:
    """Return the rules of installed packages: each entry point of the group names the module of one rule.

    Raises:
        SettingsError: a rule cannot be loaded.
    """
    if not any(map(_may_have_plugins, sys.path)):
        return ()
    from importlib import metadata

    rules = []
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            rules.append(build_rule(entry.load(), entry.name, is_external=True))
        except Exception as error:  # code of another package
            raise SettingsError(
                f"rule {entry.name!r} of {entry.value!r} cannot be loaded: {type(error).__name__}: {error}"
            ) from error
    return tuple(rules)


def _may_have_plugins(folder: str) -> bool:
    """Return True if a package in a folder of ``sys.path`` may have rules; faster than ``importlib.metadata``."""
    try:
        with os.scandir(folder or ".") as children:
            packages = [child.path for child in children if child.name.endswith((".dist-info", ".egg-info"))]
    except FileNotFoundError:
        return False  # sys.path may name missing folders
    except OSError:
        return True  # an archive, or unreadable: importlib.metadata decides
    return any(_mentions_group(f"{package}/entry_points.txt") for package in packages)


def _mentions_group(file: str) -> bool:
    try:
        with open(file, "rb") as entry_points:  # noqa: PTH123  a hundred of them: as a Path each takes four times as long
            return GROUP.encode() in entry_points.read()
    except OSError:
        return False  # a package without entry points


def _rule_folders(file: Path, folders: Any) -> Iterator[Path]:
    """Yield the folders of rules that the settings name."""
    root = file.parent.resolve()
    for name in _texts(file, "rules", folders):
        folder = (root / name).resolve()
        if not os.path.isdir(folder):  # noqa: PTH112  a name may be too long for Path
            raise SettingsError(f"{file.name}: rules names {name!r}, which is not a folder")
        if not folder.is_relative_to(root) or any(map(is_run, (folder, *folder.parents))):
            raise SettingsError(
                f"{file.name}: rules names {name!r}, which is outside the repository or inside a run"
            )
        yield folder


def _rules_in(folder: Path) -> Iterator[Rule]:
    """Yield the rules of a folder, one per module.

    Raises:
        SettingsError: it is not a folder, or a module cannot be loaded.
    """
    if not folder.is_dir():
        raise SettingsError(f"{str(folder)!r} is not a folder of rules")
    for module in sorted(folder.glob("*.py")):
        if not module.name.startswith("_"):
            yield _module_rule(module)


def _module_rule(file: Path) -> Rule:
    from importlib import util

    spec = util.spec_from_file_location(f"_rules_of_the_repository.{file.stem}", file)
    if spec is None or spec.loader is None:
        raise SettingsError(f"rule {file.name!r} is not a Python module")
    module = util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return build_rule(module, file.stem, is_external=True)
    except Exception as error:  # code of the repository
        raise SettingsError(
            f"rule {str(file)!r} cannot be loaded: {type(error).__name__}: {error}"
        ) from error


def _pattern_rules(file: Path, tables: Any) -> Iterator[Rule]:
    """Yield the rules that are one pattern each."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{file.name}: patterns must be a list of tables")
    for table in tables:
        yield _pattern_rule(file, table)


def _pattern_rule(file: Path, table: Mapping[str, Any]) -> Rule:
    unknown = sorted(set(table) - set(_PATTERN_KEYS))
    name, message = table.get("name"), table.get("message")
    if unknown or not isinstance(name, str) or not _NAME.fullmatch(name) or not isinstance(message, str):
        problem = (
            f"unknown key {unknown[0]!r}" if unknown else "name (words with hyphens) or message is missing"
        )
        raise SettingsError(f"{file.name}: wrong pattern: {problem}; its keys are {', '.join(_PATTERN_KEYS)}")
    domain = table.get("domain", "config")
    if domain not in get_args(Domain):
        raise SettingsError(
            f"{file.name}: unknown domain {domain!r} of {name!r}; choose from {', '.join(get_args(Domain))}"
        )
    try:
        regex = re.compile(str(table.get("pattern", "")) or "(?!)")
    except re.error as error:
        raise SettingsError(f"{file.name}: the pattern of {name!r} is invalid: {error}") from None
    plain_message = message.replace("{", "{{").replace("}", "}}")
    signature = ErrorPattern(
        pattern=regex.pattern,
        message=plain_message + ": {error_line}",
        fix=str(table.get("fix", "")).replace("{", "{{").replace("}", "}}"),
        domain=domain,
        search_text_logs=table.get("in_logs") is True,
    )
    manual = f"{message}.\n\nA pattern of {file.name}: {regex.pattern}"
    return Rule(name, ("events",), manual, lambda run, _: signature.find_all(run), is_external=True)
