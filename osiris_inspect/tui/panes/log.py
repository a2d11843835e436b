"""Log: lines of the text logs, and files or lines that could not be read."""

from collections.abc import Sequence

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import LogLine, UnreadableInput
from osiris_inspect.inspector.text.sanitize import multi_line, show_line
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row, StaticRow, static_row

_FAILURE_LEVELS = ("ERROR", "CRITICAL", "FATAL")


class Log(ListDetailPane):
    """Lines of the text logs, then unreadable input."""

    def build_rows(self, report: Report) -> Layout:
        """Return the layout with one row per line."""
        rows = [*map(_log_row, report.run.log_lines), *map(_unreadable_row, report.run.unreadable)]
        empty = static_row(Content.styled("This run has no text log.", MUTED))
        return lambda _width: ListContent(rows or [empty])

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """Return the whole line."""
        line = next((line for line in report.run.log_lines if (line.file, line.line) == row.key), None)
        if line is None:
            return [Content(row.text)] if row.key is not None else []
        position = Content.styled(f"{show_line(line.file, 120)}:{line.line}", "$state-link")
        return [position, Content(""), *map(Content, multi_line(line.text))]


def _log_row(line: LogLine) -> StaticRow:
    is_failure = line.level.upper() in _FAILURE_LEVELS
    is_warning = bool(line.level) and not is_failure
    sign, style = ("✗", "$state-bad") if is_failure else ("!", "$state-warn") if is_warning else (" ", "")
    text, position = show_line(line.text), f"{show_line(line.file, 60)}:{line.line}"
    content = Content.assemble((f"{sign} ", style), (f"{position}  ", MUTED), text)
    fields = {"level": line.level, "file": line.file, "line": line.line}
    return StaticRow(content, f"{position} {text}", (line.file, line.line), fields, is_failure, is_warning)


def _unreadable_row(unreadable: UnreadableInput) -> StaticRow:
    position = show_line(unreadable.file, 120) + (f":{unreadable.line}" if unreadable.line else "")
    times = f" ({unreadable.count:,} times)" if unreadable.count > 1 else ""
    text = f"unreadable{times}: {show_line(unreadable.reason, 400)}"
    content = Content.assemble(("! ", "$state-warn"), (f"{position}  ", MUTED), text)
    key = ("unreadable", unreadable.file, unreadable.line)
    return StaticRow(content, f"{position} {text}", key, {"file": unreadable.file}, is_warning=True)
