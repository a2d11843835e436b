"""The project whose settings apply, and what the user trusts in it."""

import os
from pathlib import Path
from typing import NamedTuple

from osiris_inspect.inspector.files.find_runs import is_run
from osiris_inspect.inspector.project.git_index import find_git_root, is_tracked


class Project(NamedTuple):
    """A folder with settings and pipeline files.

    A file that lies beside a run may come from the person who sent the run. So code of the folder runs only with the
    user's consent, and an error is allowed only by a file that the user's repository tracks or that the user names.

    Attributes:
        folder: the folder of the settings; paths of pipeline files in a log are relative to it.
        trusts_rules: True to execute the rules that the settings name.
        rule_folders: folders with rules that the user named.
        allow_from: files that may allow errors although git does not track them.
    """

    folder: Path
    trusts_rules: bool = False
    rule_folders: tuple[Path, ...] = ()
    allow_from: tuple[Path, ...] = ()

    def file(self, name: str) -> Path | None:
        """Return a file that a log names; None if it is absolute, missing, a link, in a run or outside the repository."""
        folder = self.folder.resolve()
        root = find_git_root(folder) or folder
        if os.path.isabs(name):  # noqa: PTH117  a name, not a path yet
            return None
        path = Path(os.path.normpath(folder / name))
        try:
            if path != path.resolve() or not path.is_relative_to(root) or not path.is_file():
                return None
        except (OSError, ValueError):  # no path of a file: too long, with a NUL, or not valid Unicode
            return None
        inside = path.relative_to(root).parents
        return None if any(is_run(root / parent) for parent in inside) else path

    def may_allow_errors(self, file: Path) -> bool:
        """Return True if the user named the file, or the repository tracks it."""
        file = file.resolve()
        if any(file == named.resolve() for named in self.allow_from):
            return True
        root = find_git_root(self.folder)
        return root is not None and file.is_relative_to(root) and is_tracked(root, file)
