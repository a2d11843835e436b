"""Artifacts of a step: text files as text, frames as previews, other files by their first bytes."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from textual import work
from textual.content import Content

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.files.run_files import RunFiles, reason_of
from osiris_inspect.inspector.run.frame_info import FrameReader
from osiris_inspect.inspector.run.run import Artifact, StepState
from osiris_inspect.inspector.text.sanitize import json_lines, multi_line, show_line
from osiris_inspect.inspector.text.units import UNKNOWN, format_bytes
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.redaction import MASK, is_secret_key
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.panes.step_detail import ARTIFACT
from osiris_inspect.tui.screens.list_screen import TitledScreen
from osiris_inspect.tui.widgets.line_list import RowOpened
from osiris_inspect.tui.widgets.list_rows import StaticRow
from osiris_inspect.tui.widgets.table_layout import TableColumn, table_rows

MAX_READ = 256 << 10
"""Bytes of a file that are shown at most."""

_DETECT_BYTES = 8_192
_HEX_BYTES = 256
_ASSIGNMENT = re.compile(
    r"^([\s>-]{0,200}[\"']?([\w.-]{1,200})[\"']?\s{0,80}[:=]\s{0,80})(?=\S)(?![|>]\s*$).*$"
)
_COLUMNS = (
    TableColumn("", min_width=1),
    TableColumn("file", min_width=20),
    TableColumn("kind", priority=2),
    TableColumn("size", right=True, priority=1),
    TableColumn("state"),
)


class ArtifactsScreen(TitledScreen):
    """Artifacts of one step."""

    def __init__(self, run: Path, step: StepState, open_frame: Callable[[Path], FrameReader]) -> None:
        super().__init__()
        self._run, self._step, self._open_frame = run, step, open_frame

    def start(self) -> None:
        """Show the files."""
        artifacts = self._step.artifacts
        self.set_title(Content.assemble(("files of ", MUTED), (show_line(self._step.id, 120), "bold")))
        self.main_list.show(
            table_rows(
                _COLUMNS,
                list(map(_cells, artifacts)),
                lambda number, line: _row(number, line, artifacts[number]),
                empty="This step has no files.",
            )
        )
        self.main_list.focus()

    def file_position(self) -> tuple[Path, int] | None:
        """Return the first line of the current file."""
        path = self._path(self._artifact())
        return (path, 1) if path is not None else None

    def _artifact(self) -> Artifact | None:
        row = self.main_list.row
        number = row.key if row is not None else None
        return self._step.artifacts[number] if isinstance(number, int) else None

    def _path(self, artifact: Artifact | None) -> Path | None:
        """Return the path of a file; None if it is outside the run or invalid."""
        if artifact is None:
            return None
        try:
            path = (self._run / artifact.path).resolve()
            return path if path.is_relative_to(self._run.resolve()) else None
        except (OSError, ValueError):
            return None

    def action_preview(self) -> None:
        """Open the current file."""
        self.main_list.action_open()

    def on_row_opened(self, message: RowOpened) -> None:
        """Open the current file."""
        message.stop()
        artifact = self._artifact()
        path = self._path(artifact)
        if artifact is None:
            return
        if path is None:
            self.show_error(f"{artifact.path!r} is outside the run directory")
        elif artifact.path.endswith(".parquet"):
            from osiris_inspect.tui.screens.frame import FrameScreen

            self.app.push_screen(FrameScreen(self._step.id, path, self._open_frame))
        else:
            self._read(artifact.path, path)

    @work(thread=True, exclusive=True)
    def _read(self, name: str, path: Path) -> None:
        try:
            remote_registry.fetch_all(path)
            with RunFiles(path.parent, joins_logs=False).open(path.name) as file:
                head, size = file.read(MAX_READ), os.fstat(file.fileno()).st_size
        except OSError as error:
            self.app.call_from_thread(self.show_error, f"cannot read {name!r}: {reason_of(error)}")
        except RunNotReadable as error:
            self.app.call_from_thread(self.show_error, error)
        else:
            self.app.call_from_thread(self._show, name, describe_content(head, size))

    def _show(self, name: str, lines: Sequence[Content]) -> None:
        from osiris_inspect.tui.screens.text import TextScreen

        self.app.push_screen(TextScreen(show_line(name, 120), lines))


def describe_content(head: bytes, size: int) -> list[Content]:
    """Return the content of a file from its first bytes: text with secrets masked, or a hex dump."""
    if not size:
        return [Content.styled("empty: 0 bytes", MUTED)]
    try:
        text = head.decode("utf-8-sig", "strict" if len(head) == size else "ignore")
    except UnicodeDecodeError:
        return _binary(head, size)
    if b"\0" in head[:_DETECT_BYTES]:
        return _binary(head, size)
    more = [f"… {format_bytes(size - len(head))} more"] if size > len(head) else []
    lines = _lines(text, is_whole=not more)
    return [*map(Content, lines), *(Content.styled(line, MUTED) for line in more)]


def _lines(text: str, *, is_whole: bool) -> list[str]:
    try:
        document = bounded_json.loads(text) if is_whole else None
    except ValueError:
        document = None
    if isinstance(document, dict):
        return json_lines(document, MAX_READ)
    return multi_line("\n".join(map(_masked, text.split("\n"))), MAX_READ)


def _masked(line: str) -> str:
    """Return a line of a configuration file without its value if its key names a secret."""
    match = _ASSIGNMENT.match(line[:2_000])
    return f"{match[1]}{MASK}" if match is not None and is_secret_key(match[2]) else line


def _binary(head: bytes, size: int) -> list[Content]:
    start = head[:_HEX_BYTES]
    rows = [start[offset : offset + 16] for offset in range(0, len(start), 16)]
    return [
        Content(f"binary file of {size:,} bytes, starting with"),
        Content(""),
        *(Content.styled(f"  {row.hex(' ')}", MUTED) for row in rows),
    ]


def _row(number: int, line: Content, artifact: Artifact) -> StaticRow:
    fields = {"kind": artifact.kind, "state": artifact.state}
    return StaticRow(line, show_line(artifact.path, 300), number, fields)


def _cells(artifact: Artifact) -> list[Content]:
    symbol = ARTIFACT[artifact.state]
    return [
        Content.styled(symbol.symbol, symbol.style),
        Content(show_line(artifact.path, 300)),
        Content.styled(show_line(artifact.kind, 40), MUTED),
        Content(format_bytes(artifact.bytes) if artifact.bytes is not None else UNKNOWN),
        Content.styled(symbol.word, symbol.style),
    ]
