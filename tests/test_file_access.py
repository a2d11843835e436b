"""The inspector, the CLI and the TUI read the files of a run through ``inspector/files`` only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "osiris_inspect"
READERS = [
    *(
        file
        for layer in ("api", "cli", "inspector", "tui")
        for file in sorted((PACKAGE / layer).rglob("*.py"))
    ),
]
DOOR = "inspector/files/"
METHODS = {
    "read_bytes", "read_text", "stat", "lstat", "exists", "is_file", "is_dir", "is_symlink", "iterdir", "glob", "rglob",
    "walk", "scandir", "listdir", "access", "lexists", "isfile", "isdir", "getsize", "getmtime", "islink", "samefile",
}  # fmt: skip
DECODERS = {"json.loads", "json.load", "orjson.loads"}
OTHER_FILES = {
    "api/runs.py": "the log folders that a user did not name",
    "cli/app.py": "a path that a user named",
    "cli/inspect/clean.py": "the log folders that a user did not name",
    "cli/replay/edit.py": "the pipeline file that a run recorded, and the file of the editor",
    "cli/replay/foreign.py": "a folder of code that a user named",
    "cli/replay/replay.py": "a file of --set",
    "cli/replay/repro.py": "the folder of the zip that it writes",
    "cli/replay/shell.py": "the script that it writes",
    "cli/inspect/events.py": "a log that a user named",
    "cli/inspect/launch_tui.py": "the saved state of the screens",
    "cli/inspect/report_output.py": "the repository and the files of reports",
    "cli/inspect/sql.py": "the file of an answer",
    "cli/inspect/summarize.py": "a pattern of folders that a user named, and the baseline",
    "cli/pipeline/connections.py": "the connections files in the folders of the working directory",
    "cli/pipeline/demo.py": "the files of the demo",
    "cli/pipeline/doctor.py": "the memory of the machine",
    "cli/pipeline/init.py": "the files of the package, the CI files and connections of the folder",
    "cli/pipeline/starter_files.py": "the pipelines of the folder, the record of the installation",
    "cli/pipeline/execution/pipeline_source.py": "the folder of the pipeline",
    "cli/startup/instant_verdict.py": "names and states only; it opens files with open_regular",
    "cli/startup/prefetch.py": "True if there is a log; RunFiles reads it",
    "cli/support/option_table.py": "a path that a user named",
    "cli/support/paths.py": "a path that a user named",
    "cli/support/run_names.py": "a path that a user named",
    "cli/support/streams.py": "the null device",
    "cli/support/user_config.py": "the settings of the user",
    "cli/support/user_keys.py": "the settings of the user",
    "inspector/analysis/run_list.py": "the cache and the pipeline file in the repository",
    "inspector/analysis/run_signature.py": "names and states only",
    "inspector/archives/archive.py": "an archive that a user named, through open_regular",
    "inspector/archives/open_archives.py": "the state of an archive that a user named",
    "inspector/diagnosis/rule_index.py": "the index of the rules, a file of the package",
    "inspector/event_log/key_events_cache.py": "the cache",
    "inspector/project/config_file.py": "the repository and installed packages",
    "inspector/project/git_index.py": "the repository",
    "inspector/project/project.py": "the repository",
    "inspector/project/suppressions.py": "the repository",
    "inspector/remote/cached_ranges.py": "the cache",
    "inspector/remote/cached_run.py": "the cache",
    "inspector/remote/open_remote.py": "the cache",
    "inspector/remote/private_cache.py": "the cache",
    "inspector/remote/url.py": "a path that a user named",
    "inspector/tables/input_views.py": "the file of an answer",
    "inspector/tables/sql_memory.py": "the memory of this process, as the kernel reports it",
    "inspector/text/lazy_regex.py": "the words of the patterns, a file of the package",
    "tui/panes/sql.py": "the file of an answer",
}
"""Modules that read files which are not of a run, with these files."""


OWN_JSON = {
    "inspector/diagnosis/rule_index.py",
    "inspector/export/shared/deduplicate.py",
    "inspector/text/lazy_regex.py",
}
"""Modules that decode files of the package, or one string."""


def _name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def _accesses(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        owner, _, method = called.rpartition(".")
        is_run_files = owner.endswith("disk") or owner.startswith("RunFiles(")
        is_opened = method == "open" and (not owner or owner == "os" or bool(node.args))
        if not is_run_files and (method in METHODS or is_opened):
            yield f"line {node.lineno}: {called}"


@pytest.mark.parametrize("file", READERS, ids=_name)
def test_module_reads_runs_through_run_files(file: Path) -> None:
    name, accesses = _name(file), list(_accesses(file))
    if name.startswith(DOOR):
        return
    assert bool(accesses) == (name in OTHER_FILES), accesses


@pytest.mark.parametrize("file", READERS, ids=_name)
def test_module_decodes_json_of_limited_depth(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    decoders = {
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in DECODERS
    }
    assert not decoders or _name(file) in OWN_JSON
