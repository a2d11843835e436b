"""The files a step left. ``enter`` opens one: text to read, a frame in its preview; what is neither is named."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.files import remote_registry as mirrors
from osiris_inspect.inspector.run.run import Artifact, StepState
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import json_lines, multi_line, show_line
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.redaction import MASK, is_secret_key
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.panes.step_detail import ARTIFACT
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.shared.messages import FrameOpened
from osiris_inspect.tui.widgets.footer import Footer
from osiris_inspect.tui.widgets.line_list import LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, StaticRow
from osiris_inspect.tui.widgets.table_layout import TableColumn, layout_table

MAX_READ = 256 << 10
"""Bytes of a file that are read to be shown."""

_DETECT_BYTES = 8_192
_HEX = 256
_ASSIGNED = re.compile(r"^([\s>-]*[\"']?([\w.-]+)[\"']?\s*[:=]\s*)(?=\S)(?![|>]\s*$).*$")
_COLUMNS = (
    TableColumn("", min_width=1),
    TableColumn("file", min_width=20),
    TableColumn("kind", priority=2),
    TableColumn("size", right=True, priority=1),
    TableColumn("state"),
)


class ArtifactsScreen(ListScreen):
    """The files of one step."""

    DEFAULT_CSS = """
    ArtifactsScreen #title { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    ArtifactsScreen LineList { height: 1fr; }
    """

    def __init__(self, run: Path, step: StepState) -> None:
        super().__init__()
        self._run, self._step = run, step

    def compose(self) -> ComposeResult:
        """Title, files, foot."""
        title = Content.assemble(("files of ", MUTED), (show_line(self._step.id, 120), "bold"))
        yield Static(title, id="title", markup=False)
        yield LineList()
        yield Footer(("screen", "list", "app"))

    @property
    def main_list(self) -> LineList:
        """The files."""
        return self.query_one(LineList)

    def on_mount(self) -> None:
        """Show the files."""
        self.main_list.show(_layout(self._step.artifacts))
        self.main_list.focus()

    def file_position(self) -> tuple[Path, int] | None:
        """The file under the cursor, from its beginning."""
        path = self._path(self._artifact())
        return (path, 1) if path is not None else None

    def _artifact(self) -> Artifact | None:
        row = self.main_list.row
        number = row.key if row is not None else None
        return self._step.artifacts[number] if isinstance(number, int) else None

    def _path(self, artifact: Artifact | None) -> Path | None:
        """Where a file lies; None for one that is told to lie outside of the run."""
        if artifact is None:
            return None
        try:
            path = (self._run / artifact.path).resolve()
            return path if path.is_relative_to(self._run.resolve()) else None
        except (OSError, ValueError):
            return None  # a path that no disk knows

    def action_preview(self) -> None:
        """Open the file."""
        self.main_list.action_open()

    def on_row_opened(self, message: RowOpened) -> None:
        """Open the file under the cursor."""
        message.stop()
        artifact = self._artifact()
        path = self._path(artifact)
        if artifact is None:
            return
        if path is None:
            self._complain(f"{artifact.path} lies outside of the run")
        elif artifact.path.endswith(".parquet"):
            self.post_message(FrameOpened(self._step.id, path))
        else:
            self._read(artifact.path, path)

    def _complain(self, text: str) -> None:
        self.notify(show_line(text, 300), severity="error", markup=False)

    @work(thread=True, exclusive=True)
    def _read(self, name: str, path: Path) -> None:
        try:
            mirrors.fetch_all(path)
            size = path.stat().st_size
            with path.open("rb") as file:
                head = file.read(MAX_READ)
        except OSError as error:
            self.app.call_from_thread(self._complain, f"{name}: {error.strerror or error}")
        except RunNotReadable as error:
            self.app.call_from_thread(self._complain, str(error))
        else:
            lines = describe_content(head, size)
            self.app.call_from_thread(self._show, name, lines)

    def _show(self, name: str, lines: Sequence[Content]) -> None:
        from osiris_inspect.tui.screens.text import TextScreen

        self.app.push_screen(TextScreen(show_line(name, 120), lines))


def describe_content(head: bytes, size: int) -> list[Content]:
    """What a file holds, from its first bytes: its text with secrets masked, or that it is none."""
    if not size:
        return [Content.styled("empty: 0 bytes", MUTED)]
    if b"\0" in head[:_DETECT_BYTES]:
        return _binary(head, size)
    try:
        text = head.decode("utf-8-sig", "strict" if len(head) == size else "ignore")
    except UnicodeDecodeError:
        return _binary(head, size)
    beyond = [f"… {figures.format_bytes(size - len(head))} more"] if size > len(head) else []
    return [
        *map(Content, _lines(text, is_whole=not beyond)),
        *(Content.styled(line, MUTED) for line in beyond),
    ]


def _lines(text: str, *, is_whole: bool) -> list[str]:
    try:
        document = json.loads(text) if is_whole else None
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return json_lines(document, MAX_READ)
    return multi_line("\n".join(map(_masked, text.split("\n"))), MAX_READ)


def _masked(line: str) -> str:
    """A line of a configuration without its value, where its key names a secret."""
    found = _ASSIGNED.match(line[:2_000])
    return f"{found[1]}{MASK}" if found is not None and is_secret_key(found[2]) else line


def _binary(head: bytes, size: int) -> list[Content]:
    begin = head[:_HEX]
    rows = [begin[at : at + 16] for at in range(0, len(begin), 16)]
    return [
        Content(f"no text: {size:,} bytes, which begin with"),
        Content(""),
        *(Content.styled(f"  {row.hex(' ')}", MUTED) for row in rows),
    ]


def _layout(artifacts: Sequence[Artifact]) -> Layout:
    def sheet(width: int) -> ListContent:
        heading, lines = layout_table(_COLUMNS, [_cells(artifact) for artifact in artifacts], width)
        rows = [
            StaticRow(
                line, show_line(artifact.path, 300), number, {"kind": artifact.kind, "state": artifact.state}
            )
            for number, (line, artifact) in enumerate(zip(lines, artifacts, strict=True))
        ]
        nothing = StaticRow(Content.styled("this step left no file", MUTED), "")
        return ListContent(rows or [nothing], heading if rows else None)

    return sheet


def _cells(artifact: Artifact) -> list[Content]:
    mark = ARTIFACT[artifact.state]
    return [
        Content.styled(mark.symbol, mark.style),
        Content(show_line(artifact.path, 300)),
        Content.styled(show_line(artifact.kind, 40), MUTED),
        Content(figures.format_bytes(artifact.bytes) if artifact.bytes is not None else figures.UNKNOWN),
        Content.styled(mark.word, mark.style),
    ]
