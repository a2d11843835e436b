"""Files that the steps of an isolated worker write: staged in the run directory, then moved to where they belong.

The worker can write in a folder of the run only. After a step succeeded, the host moves exactly the files that the
pipeline names for this step.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.drivers.interface.driver import prefixed
from osiris_inspect.runtime.drivers.interface.file_paths import check_target, write_error
from osiris_inspect.runtime.files.atomic_replace import is_special
from osiris_inspect.runtime.files.move_into_place import Target, move_into_place, open_target
from osiris_inspect.runtime.files.remove_tree import remove_tree
from osiris_inspect.runtime.pipeline import pipeline_files
from osiris_inspect.runtime.pipeline.component import Component

_OWN_DRIVERS: Final = "osiris_inspect."
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class StagedOutputs:
    """Staged files of the step that runs.

    Attributes:
        run_dir: the run directory.
        base: the folder that relative paths of the pipeline start from.
        folder: name of the folder in the run directory.
    """

    run_dir: Path
    base: Path
    folder: str = layout.OUTPUTS
    _step: str = ""
    _root: int = -1
    _folder: int = -1
    _is_database: bool = False
    _targets: dict[str, tuple[Path, Target]] = field(default_factory=dict)

    def open(self) -> Path:
        """Create the folder, before the worker starts; return it.

        Raises:
            OSError: it cannot be created.
        """
        path = self.run_dir / self.folder
        path.mkdir(0o700)
        self._root = os.open(path, _FOLDER)
        return path

    def begin_step(
        self,
        step: Step,
        component: Component | None,
        config: Mapping[str, Any],
        connection: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        """Open the targets of a step; return the places of its files, for the worker.

        Raises:
            OSError: the folder of the step cannot be created.
        """
        self._end_step()
        paths = pipeline_files.outputs_of_step(component, config, self.base, connection)
        paths = tuple(path for path in paths if not is_special(path))
        if not paths or component is None:
            return []
        self._step = step.id
        name = secrets.token_hex(8)  # an earlier step cannot be there before
        os.mkdir(name, 0o700, dir_fd=self._root)
        self._folder = os.open(name, _FOLDER, dir_fd=self._root)
        self._is_database = is_database = component.family == pipeline_files.SQLITE
        # our other drivers replace whole files
        may_append = is_database or not component.driver.startswith(_OWN_DRIVERS)
        entries = []
        for number, path in enumerate(paths):
            entry: dict[str, Any] = {"path": str(path)}
            try:
                if is_database:
                    _check_not_in_use(path)
                target = self._open_target(path, config, f"{number}.old" if may_append else None)
            except DriverError as error:
                refused = prefixed(error, f"step {step.id!r}: ")
                entry["refused"] = {
                    "message": refused.message,
                    "kind": refused.kind,
                    "fix": refused.fix,
                    "facts": dict(refused.facts),
                }
            else:
                self._targets[str(number)] = (path, target)
            entry["staged"] = str(self.run_dir / self.folder / name / str(number))
            entries.append(entry)
        return entries

    def publish(self, step_id: str) -> None:
        """Move the files of a step that succeeded to their paths; nothing for a step that has none.

        Raises:
            DriverError: a file cannot be moved; files before it were.
        """
        for name, (path, target) in self._targets.items() if step_id == self._step else ():
            try:
                if self._is_database and target.is_changed():
                    raise DriverError(
                        f"step {step_id!r}: {path} was changed by another program while the step changed a copy of it; "
                        "nothing was written",
                        kind="file-changed",
                        fix="run the step again when the other program has ended",
                        path=str(path),
                        rows_written=0,
                    )
                move_into_place(self._folder, name, target)
            except OSError as error:
                raise prefixed(write_error(error, path), f"step {step_id!r}: ") from error

    def close(self) -> None:
        """Remove the folder with what was not moved, after the worker ended."""
        self._end_step()
        if self._root >= 0:
            os.close(self._root)
            self._root = -1
            remove_tree(self.run_dir / self.folder)

    def _end_step(self) -> None:
        for _, target in self._targets.values():
            target.close()
        self._targets.clear()
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def _open_target(self, path: Path, config: Mapping[str, Any], copy: str | None) -> Target:
        try:
            check_target(path, config)
            target = open_target(path)
            if copy is not None:
                target.copy_to(self._folder, copy)
        except OSError as error:
            raise write_error(error, path) from error
        return target


def _check_not_in_use(path: Path) -> None:
    """Check that a SQLite file is complete without the files beside it, so that it can be copied and replaced.

    Raises:
        DriverError: another program has changes in such a file.
    """
    file = pipeline_files.unfinished_file(path)
    if file is not None:
        raise DriverError(
            f"cannot write {path} in a sandbox: another program uses it, and {file.name} has changes of it",
            kind="lock-conflict",
            fix="end the program that uses the file, or run without a sandbox",
            path=str(path),
            rows_written=0,
        )
